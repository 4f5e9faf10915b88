//! The dashboard, and who is told.

use rstest::rstest;
use windlass_spec::{Contact, Monitoring};

use crate::common::decode_text;
use crate::{APP, accepts, refuses, refuses_only, with};

const PLACE: &str = "monitoring.notify[0]";

fn notify(text: &str) -> String {
    format!("monitoring: {{notify: [\"{text}\"]}}")
}

#[test]
fn nobody_is_told_and_there_is_no_dashboard_unless_the_spec_says_so() {
    assert_eq!(decode_text(APP).unwrap().monitoring, Monitoring::default());
    accepts("monitoring: {dashboard: false, notify: []}");
    let text = "monitoring: {dashboard: true, notify: [https://a.bc/d, ops@example.com]}";
    let expected = Monitoring {
        dashboard: true,
        notify: vec![
            Contact::Https("https://a.bc/d".to_owned()),
            Contact::Email("ops@example.com".to_owned()),
        ],
    };
    assert_eq!(decode_text(&with(text)).unwrap().monitoring, expected);
}

#[rstest]
#[case("a@b.cd")]
#[case("Ops+Windlass.Alerts@mail-1.eu.example.com")]
#[case("o'neil_{x}~#!$%&*/=?^`|-@example.com")]
#[case("https://hooks.example.com")]
#[case("https://hooks.example.com/")]
#[case("https://hooks.example.com:8443/a/b?c=d&e=%20#f")]
#[case("https://hooks.example.com?to=ops@example.com")]
#[case("https://hooks.example.com/@ops")]
#[case("https://203.0.113.7/hook")]
fn a_contact_is_a_mail_address_or_an_https_url(#[case] contact: &str) {
    accepts(&notify(contact));
}

#[rstest]
#[case("")]
#[case("ops")]
#[case("@example.com")]
#[case("ops@")]
#[case("ops@localhost")]
#[case("ops@example.com@example.com")]
#[case("ops@.com")]
#[case("ops@example.")]
#[case("ops@example..com")]
#[case("ops@-example.com")]
#[case("ops@example-.com")]
#[case("ops@exa_mple.com")]
#[case("ops@ex ample.com")]
#[case("o ps@example.com")]
#[case(" ops@example.com")]
#[case("ops@example.com,a@example.com")]
#[case("<ops@example.com>")]
#[case("mailto:ops@example.com")]
#[case("größe@example.com")]
#[case("http://hooks.example.com")]
#[case("HTTPS://hooks.example.com")]
#[case("hooks.example.com/windlass")]
#[case("arn:aws:sns:eu-central-1:123456789012:ops")]
#[case("+49 30 1234567")]
fn anything_else_is_no_contact(#[case] contact: &str) {
    refuses_only(
        &notify(contact),
        PLACE,
        "neither a mail address nor an https:// URL",
    );
}

#[rstest]
#[case("https://")]
#[case("https:///a")]
#[case("https://localhost/a")]
#[case("https://[::1]/a")]
#[case("https://a.bc:/")]
#[case("https://a.bc:0/")]
#[case("https://a.bc:65536/")]
#[case("https://a.bc:+80/")]
#[case("https://a.bc:80:80/")]
#[case("https://a..bc/")]
#[case("https://a.bc/ü")]
#[case("https://a.bc/<x>")]
#[case("https://a.bc/d e")]
#[case("https://a.bc\\\\d")]
fn a_url_names_a_public_host_in_plain_characters(#[case] url: &str) {
    refuses_only(&notify(url), PLACE, "not a URL that SNS can reach");
}

#[rstest]
#[case("https://ops:hunter2@hooks.example.com/")]
#[case("https://hunter2@hooks.example.com/")]
#[case("https://@hooks.example.com/")]
#[case("https://hooks.example.com@hunter2")]
fn a_url_with_credentials_is_refused_and_not_repeated(#[case] url: &str) {
    refuses_only(&notify(url), PLACE, "carries credentials");
    let shown = decode_text(&with(&notify(url))).unwrap_err().to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn no_message_repeats_what_is_no_contact() {
    for url in [
        "http://ops:hunter2@a.bc/",
        "https://ops:hun/ter2@a.bc/",
        "hunter2",
    ] {
        let shown = decode_text(&with(&notify(url))).unwrap_err().to_string();
        assert!(!shown.contains("hun"), "{shown}");
    }
}

#[test]
fn a_mail_address_has_at_most_254_characters() {
    let address = |size: usize| format!("{}@example.com", "x".repeat(size - "@example.com".len()));
    accepts(&notify(&address(254)));
    refuses(&notify(&address(255)), PLACE, "neither");
}

#[test]
fn everybody_is_told_once_and_at_most_fifty_are() {
    refuses_only(
        "monitoring: {notify: [a@b.cd, c@b.cd, a@b.cd]}",
        "monitoring.notify[2]",
        "listed twice",
    );
    refuses_only(
        "monitoring: {notify: [https://a.bc, https://a.bc]}",
        "monitoring.notify[1]",
        "listed twice",
    );
    let many = |count: usize| {
        let contacts: Vec<String> = (1..=count).map(|n| format!("ops{n}@example.com")).collect();
        format!("monitoring: {{notify: [{}]}}", contacts.join(", "))
    };
    accepts(&many(50));
    refuses_only(&many(51), "monitoring.notify", "51 contacts are listed");
}

#[test]
fn every_contact_is_judged_and_so_is_the_dashboard() {
    let text = "monitoring: {dashboard: maybe, notify: [a, b@c.de, 7, http://x]}";
    assert_eq!(decode_text(&with(text)).unwrap_err().0.len(), 4);
}

//! Ports, certificates and redirects.

use rstest::rstest;
use windlass_spec::{Listener, Protocol};

use crate::common::decode_text;
use crate::{accepts, listeners, refuses, refuses_only, with};

const CERTIFICATE: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/abc";

/// Two listeners: one that says `text`, and an HTTPS one at port 443.
fn beside_https(text: &str) -> String {
    listeners(&format!(
        "{text}, {{port: 443, protocol: HTTPS, certificateArn: '{CERTIFICATE}'}}"
    ))
}

#[test]
fn each_port_has_one_listener_and_there_is_at_least_one() {
    accepts("loadBalancer: {listeners: [{port: 80}, {port: 8080}]}");
    refuses(
        "loadBalancer: {listeners: [{port: 80}, {port: 80}]}",
        "loadBalancer.listeners[1].port",
        "two listeners",
    );
    refuses(
        "loadBalancer: {listeners: []}",
        "loadBalancer.listeners",
        "0 listeners",
    );
    let many: Vec<String> = (1..=51).map(|port| format!("{{port: {port}}}")).collect();
    refuses(
        &format!("loadBalancer: {{listeners: [{}]}}", many.join(", ")),
        "loadBalancer.listeners",
        "51 listeners",
    );
}

#[test]
fn a_listener_says_what_it_speaks_and_where_it_sends_clients() {
    let text = beside_https("{port: 80, redirectTo: 443}, {port: 8080}");
    let found = decode_text(&with(&text)).unwrap().load_balancer.listeners;
    let listener = |port, protocol, redirect_to| Listener {
        port,
        protocol,
        redirect_to,
    };
    let https = Protocol::Https {
        certificate_arn: CERTIFICATE.to_owned(),
    };
    let expected = [
        listener(80, Protocol::Http, Some(443)),
        listener(8080, Protocol::Http, None),
        listener(443, https, None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_order_of_listeners_does_not_matter_to_a_redirect() {
    let https = format!("{{port: 8443, protocol: HTTPS, certificateArn: '{CERTIFICATE}'}}");
    accepts(&listeners(&format!("{https}, {{port: 80, redirectTo: 8443}}")));
    accepts(&listeners(&format!("{{port: 80, redirectTo: 8443}}, {https}")));
}

#[rstest]
#[case("{port: 443, protocol: HTTPS}", "certificateArn", "required, and missing")]
#[case(
    "{port: 443, protocol: HTTPS, certificateArn: abc}",
    "certificateArn",
    "`abc` is not the ARN of a certificate"
)]
#[case(
    "{port: 443, protocol: HTTPS, certificateArn: ''}",
    "certificateArn",
    "not the ARN of a certificate"
)]
#[case(
    "{port: 443, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a'}",
    "certificateArn",
    "speaks HTTP has no use"
)]
#[case(
    "{port: 443, protocol: HTTP, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a'}",
    "certificateArn",
    "speaks HTTP has no use"
)]
#[case(
    "{port: 443, certificateArn: abc}",
    "certificateArn",
    "not the ARN of a certificate"
)]
#[case(
    "{port: 443, protocol: TLS, certificateArn: abc}",
    "certificateArn",
    "not the ARN of a certificate"
)]
fn https_and_a_certificate_belong_together(#[case] text: &str, #[case] field: &str, #[case] message: &str) {
    refuses(
        &listeners(text),
        &format!("loadBalancer.listeners[0].{field}"),
        message,
    );
}

#[test]
fn a_certificate_is_not_called_useless_while_nobody_knows_the_protocol() {
    let text = listeners(&format!(
        "{{port: 443, protocol: TLS, certificateArn: '{CERTIFICATE}'}}"
    ));
    refuses_only(&text, "loadBalancer.listeners[0].protocol", "unknown value `TLS`");
}

#[rstest]
#[case::itself("{port: 80, redirectTo: 80}", "port 80 would send clients to itself")]
#[case::nowhere("{port: 80, redirectTo: 444}", "no listener has port 444")]
#[case::no_port("{port: 80, redirectTo: 0}", "is out of range")]
#[case::too_high("{port: 80, redirectTo: 65536}", "is out of range")]
#[case::plain(
    "{port: 80, redirectTo: 81}, {port: 81}",
    "the listener at port 81 speaks HTTP"
)]
#[case::chain(
    "{port: 80, redirectTo: 81}, {port: 81, redirectTo: 443}",
    "the listener at port 81 speaks HTTP"
)]
#[case::https(
    "{port: 8443, protocol: HTTPS, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a', redirectTo: 443}",
    "cannot redirect"
)]
fn a_redirect_leads_from_http_to_an_https_listener_and_nowhere_else(
    #[case] text: &str,
    #[case] message: &str,
) {
    refuses_only(
        &beside_https(text),
        "loadBalancer.listeners[0].redirectTo",
        message,
    );
}

#[rstest]
#[case("{port: 80, redirectTo: 80}")]
#[case("{port: 80, redirectTo: 443}")]
#[case("{port: 80, redirectTo: 81}, {port: 81, redirectTo: 80}")]
fn some_listener_always_forwards(#[case] text: &str) {
    refuses(&listeners(text), "loadBalancer.listeners[0].redirectTo", "");
}

#[rstest]
#[case::port(
    "{port: many, protocol: HTTPS, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a'}"
)]
#[case::protocol("{port: 443, protocol: TLS}")]
#[case::certificate("{port: 443, protocol: HTTPS, certificateArn: abc}")]
#[case::all("443")]
fn a_listener_that_could_not_be_read_is_not_missed_by_a_redirect(#[case] text: &str) {
    let text = listeners(&format!("{{port: 80, redirectTo: 443}}, {text}"));
    let errors = decode_text(&with(&text)).unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
    assert!(
        errors.0[0].path.starts_with("loadBalancer.listeners[1]"),
        "{errors}"
    );
}

#[test]
fn the_remedy_for_a_redirect_to_nowhere_is_the_listener_that_is_missing() {
    let errors = decode_text(&with(&listeners("{port: 80, redirectTo: 443}"))).unwrap_err();
    assert_eq!(
        errors.0[0].hint.as_deref(),
        Some("add {port: 443, protocol: HTTPS, certificateArn: …} to the list")
    );
}

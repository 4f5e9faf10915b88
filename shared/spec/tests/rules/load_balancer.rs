//! The health check.

use rstest::rstest;

use crate::{accepts, health, refuses};

#[test]
fn the_health_check_interval_is_5_to_300_seconds() {
    for good in ["5s", "5m"] {
        accepts(&health(&format!("interval: {good}")));
    }
    for bad in ["4s", "301s"] {
        refuses(
            &health(&format!("interval: {bad}")),
            "loadBalancer.healthCheck.interval",
            "out of range",
        );
    }
}

#[rstest]
#[case("'200'")]
#[case("200,302")]
#[case("200-399")]
#[case("200-299,301,400-499")]
fn http_codes_are_written_as_elb_writes_them(#[case] codes: &str) {
    accepts(&health(&format!("codes: \"{}\"", codes.trim_matches('\''))));
}

#[rstest]
#[case("")]
#[case("199")]
#[case("500")]
#[case("200-500")]
#[case("399-200")]
#[case("200-200")]
#[case("200, 302")]
#[case("200-")]
#[case("2xx")]
#[case("+20")]
#[case("0200")]
#[case("200-250-299")]
fn any_other_codes_are_refused(#[case] codes: &str) {
    refuses(
        &health(&format!("codes: \"{codes}\"")),
        "loadBalancer.healthCheck.codes",
        "not HTTP codes",
    );
}

#[test]
fn a_health_check_path_is_printable_and_begins_with_a_slash() {
    accepts(&health("path: '/health?full=1'"));
    accepts(&health(&format!("path: /{}", "x".repeat(1023))));
    let path = "loadBalancer.healthCheck.path";
    refuses(
        &health(&format!("path: /{}", "x".repeat(1024))),
        path,
        "has 1025 characters",
    );
    refuses(&health("path: ''"), path, "does not begin with `/`");
    refuses(&health("path: http://x/health"), path, "does not begin with `/`");
    refuses(&health("path: /a b"), path, "contains ' '");
    refuses(&health("path: /gesundheitsprüfung"), path, "contains 'ü'");
}

//! Bounds, and everything that is counted.

use rstest::rstest;

use crate::common::decode_text;
use crate::{accepts, refuses, with};

#[rstest]
#[case("network: {zones: N}", "network.zones", 2, 6)]
#[case("compute: {app: {packages: [nginx], port: N}}", "compute.app.port", 1, 65535)]
#[case("compute: {app: {userData: x, port: N}}", "compute.app.port", 1, 65535)]
#[case(
    "compute: {app: {container: {image: a, port: N}}}",
    "compute.app.container.port",
    1,
    65535
)]
#[case(
    "loadBalancer: {listeners: [{port: N}]}",
    "loadBalancer.listeners[0].port",
    1,
    65535
)]
#[case(
    "loadBalancer: {healthCheck: {healthy: N}}",
    "loadBalancer.healthCheck.healthy",
    2,
    10
)]
#[case(
    "loadBalancer: {healthCheck: {unhealthy: N}}",
    "loadBalancer.healthCheck.unhealthy",
    2,
    10
)]
#[case("scaling: {min: N, max: 1000}", "scaling.min", 1, 1000)]
#[case("scaling: {min: 1, max: N}", "scaling.max", 1, 1000)]
fn a_number_is_taken_within_its_range_only(
    #[case] text: &str,
    #[case] path: &str,
    #[case] low: i64,
    #[case] high: i64,
) {
    for number in [low, high] {
        accepts(&text.replace('N', &number.to_string()));
    }
    for number in [low - 1, high + 1, -1, i64::MIN, i64::MAX] {
        refuses(&text.replace('N', &number.to_string()), path, "is out of range");
    }
    refuses(
        &text.replace('N', "99999999999999999999"),
        path,
        "is out of range",
    );
    refuses(&text.replace('N', "3.5"), path, "expected a whole number");
}

#[rstest]
#[case("0s", 0)]
#[case("90s", 90)]
#[case("10m", 600)]
#[case("1h", 3600)]
fn a_duration_has_one_unit(#[case] text: &str, #[case] seconds: u32) {
    let spec = decode_text(&with(&format!("lifecycle: {{terminate: {{drain: {text}}}}}"))).unwrap();
    assert_eq!(spec.lifecycle.drain, seconds);
}

#[rstest]
#[case("3601s", "is out of range")]
#[case("2h", "is out of range")]
#[case("60", "has no unit")]
#[case("1h30m", "is not a duration")]
#[case("1.5m", "is not a duration")]
#[case("-5s", "is not a duration")]
#[case("+5s", "is not a duration")]
#[case("s", "is not a duration")]
#[case("1d", "is not a duration")]
#[case("99999999999s", "is not a duration")]
#[case("4294967295h", "is not a duration")]
#[case("5ſ", "is not a duration")]
#[case("true", "expected a duration")]
fn any_other_duration_is_refused(#[case] text: &str, #[case] message: &str) {
    refuses(
        &format!("lifecycle: {{terminate: {{drain: {text}}}}}"),
        "lifecycle.terminate.drain",
        message,
    );
}

#[test]
fn min_is_at_most_max_and_a_default_takes_part_in_that() {
    accepts("scaling: {min: 4, max: 4}");
    refuses(
        "scaling: {min: 5, max: 4}",
        "scaling.min",
        "min 5 is greater than max 4",
    );
    refuses("scaling: {min: 10}", "scaling.min", "max 9 (the default)");
    refuses("scaling: {max: 2}", "scaling.max", "min 3 (the default)");
}

#[test]
fn a_wrong_bound_is_not_compared_with_the_other() {
    assert_eq!(
        decode_text(&with("scaling: {min: many, max: 1}"))
            .unwrap_err()
            .0
            .len(),
        1
    );
}

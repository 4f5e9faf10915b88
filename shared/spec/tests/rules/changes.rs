//! How a stack that runs is changed, and what happens with changes by hand.

use rstest::rstest;
use windlass_spec::{Drift, Rollout};

use crate::common::decode_text;
use crate::{refuses_only, with};

#[test]
fn nothing_is_replaced_that_cannot_be_changed_in_place_unless_the_spec_allows_it() {
    let allowed = |text: &str| decode_text(&with(text)).unwrap().allow_replace;
    assert!(!allowed("apply: auto"));
    assert!(!allowed("allowReplace: false"));
    assert!(allowed("allowReplace: true"));
    refuses_only("allowReplace: auto", "allowReplace", "expected true or false");
}

#[test]
fn running_instances_are_replaced_unless_the_spec_leaves_that_to_people() {
    let rollout = |text: &str| decode_text(&with(text)).unwrap().rollout;
    assert_eq!(rollout("apply: auto"), Rollout::Auto);
    assert_eq!(rollout("rollout: auto"), Rollout::Auto);
    assert_eq!(rollout("rollout: manual"), Rollout::Manual);
    refuses_only(
        "rollout: true",
        "rollout",
        "expected one of auto, manual, found true",
    );
    refuses_only("rollout: rolling", "rollout", "unknown value `rolling`");
}

#[rstest]
#[case("drift: {}", 3600, true)]
#[case("drift: {interval: 5m}", 300, true)]
#[case("drift: {interval: 300s}", 300, true)]
#[case("drift: {interval: 24h}", 86_400, true)]
#[case("drift: {interval: 30m, repair: false}", 1800, false)]
#[case("drift: {repair: true}", 3600, true)]
fn drift_is_looked_for_every_hour_and_repaired_unless_the_spec_says_otherwise(
    #[case] text: &str,
    #[case] interval: u32,
    #[case] repair: bool,
) {
    let drift = decode_text(&with(text)).unwrap().drift;
    assert_eq!(drift, Drift { interval, repair });
}

#[rstest]
#[case("299s", "an interval of 299s is out of range")]
#[case("0s", "an interval of 0s is out of range")]
#[case("86401s", "an interval of 86401s is out of range")]
#[case("25h", "an interval of 90000s is out of range")]
#[case("1d", "`1d` is not a duration")]
#[case("60", "the duration 60 has no unit")]
fn the_interval_of_looking_for_drift_is_5_minutes_to_24_hours(#[case] text: &str, #[case] message: &str) {
    refuses_only(&format!("drift: {{interval: {text}}}"), "drift.interval", message);
}

#[test]
fn whether_drift_is_repaired_is_yes_or_no() {
    refuses_only("drift: {repair: maybe}", "drift.repair", "expected true or false");
}

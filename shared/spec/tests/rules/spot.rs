//! Spot instances.

use rstest::rstest;
use windlass_spec::Spot;

use crate::common::decode_text;
use crate::{accepts, fixed, refuses, refuses_only, with};

fn spot(text: &str) -> String {
    format!("compute: {{spot: {{{text}}}, app: {{packages: [nginx]}}}}")
}

#[rstest]
#[case("", 1, 50)]
#[case("onDemandBase: 0", 0, 50)]
#[case("onDemandPercent: 0", 1, 0)]
#[case("onDemandBase: 9, onDemandPercent: 100", 9, 100)]
fn one_and_half_of_the_others_are_on_demand_unless_the_spec_says_more(
    #[case] text: &str,
    #[case] on_demand_base: u32,
    #[case] on_demand_percent: u8,
) {
    let expected = Spot {
        on_demand_base,
        on_demand_percent,
    };
    assert_eq!(decode_text(&spot(text)).unwrap().compute.spot, Some(expected));
}

#[test]
fn without_a_word_about_it_all_are_on_demand() {
    assert_eq!(decode_text(&with("")).unwrap().compute.spot, None);
}

#[rstest]
#[case("onDemandPercent: 101", "onDemandPercent", "101 is out of range")]
#[case("onDemandPercent: -1", "onDemandPercent", "-1 is out of range")]
#[case("onDemandBase: -1", "onDemandBase", "-1 is out of range")]
#[case("onDemandBase: 1001", "onDemandBase", "1001 is out of range")]
#[case("onDemandBase: 10", "onDemandBase", "more than `scaling.max`, 9")]
fn a_number_that_cannot_be_is_refused(#[case] text: &str, #[case] field: &str, #[case] message: &str) {
    refuses_only(&spot(text), &format!("compute.spot.{field}"), message);
}

#[test]
fn as_many_may_be_on_demand_as_there_can_be_instances() {
    let bounded = |max: u32| format!("{}\nscaling: {{max: {max}}}", spot("onDemandBase: 5"));
    accepts(&bounded(5));
    refuses_only(
        &bounded(4),
        "compute.spot.onDemandBase",
        "more than `scaling.max`, 4",
    );
}

#[test]
fn both_numbers_are_judged_at_once() {
    let text = spot("onDemandBase: -1, onDemandPercent: 101");
    refuses(&text, "compute.spot.onDemandBase", "out of range");
    refuses(&text, "compute.spot.onDemandPercent", "out of range");
}

#[test]
fn fixed_instances_have_no_group_that_could_buy_them() {
    let text = fixed("").replace("mode: ec2", "mode: ec2, spot: {onDemandBase: 50}");
    refuses_only(&text, "compute.spot", "with `mode: ec2` there is none");
}

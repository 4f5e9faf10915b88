//! The rivals do what their rules say, computed by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_load::rivals::{Adjustment, Hpa, Oracle, StaticPeak, StepScaling, TargetTracking};
use windlass_load::{Change, Options, Scaler, Trace, View, simulate};
use windlass_scaling::{Fleet, Observation, Point};

/// So many in service, on their way, warming up and leaving.
type Capacity = (u32, u32, u32, u32);

fn asked(scaler: &mut dyn Scaler, second: u32, capacity: Capacity, values: &[f64]) -> u32 {
    let (in_service, coming, warming, leaving) = capacity;
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second.into());
    let count = i64::try_from(values.len()).unwrap();
    let points = values.iter().zip(0_i64..).map(|(value, at)| Point {
        at: now - SignedDuration::from_mins(count - at + 1),
        value: *value,
        instances: f64::from(in_service),
    });
    let trace = Trace::parse("none", "second,requests_per_second\n0,1\n1,1").unwrap();
    let view = View {
        second,
        observation: Observation {
            at: now,
            fleet: Fleet {
                min: 1,
                max: 100,
                desired: in_service + coming,
                ready: in_service - warming,
                coming: coming + warming,
            },
            metrics: BTreeMap::from([("cpu".to_owned(), points.collect())]),
        },
        in_service,
        leaving,
        trace: &trace,
        options: &Options::default(),
    };
    scaler.scale(&view).0
}

#[rstest]
// 10 at 90 %, target 60: ceil(10 · 90 / 60) = 15.
#[case::out((10, 0, 0, 0), &[90.0; 3], 15)]
// Two of three points are not enough.
#[case::not_yet((10, 0, 0, 0), &[50.0, 90.0, 90.0], 10)]
// 4 of 10 warm up: ceil(6 · 90 / 60) = 9, and 10 are there.
#[case::warming((10, 0, 4, 0), &[90.0; 3], 10)]
// 5 on their way are asked for already.
#[case::on_their_way((10, 5, 0, 0), &[90.0; 3], 15)]
// 61 % of 10: ceil(10.17) = 11.
#[case::a_little((10, 0, 0, 0), &[61.0; 3], 11)]
// 10 − floor(10 − 10 · 30 / 60) = 5.
#[case::in_((10, 0, 0, 0), &[30.0; 15], 5)]
// 10 − floor(10 − 10 · 33 / 60) = 10 − floor(4.5) = 6: it rounds so that more stay.
#[case::in_rounded((10, 0, 0, 0), &[33.0; 15], 6)]
// Fourteen points are not enough.
#[case::not_yet_in((10, 0, 0, 0), &[30.0; 14], 10)]
// 55 % is not below 0.9 of 60.
#[case::near((10, 0, 0, 0), &[55.0; 15], 10)]
// A scale-out runs.
#[case::in_while_out((8, 2, 0, 0), &[30.0; 15], 10)]
#[case::in_while_warming((10, 0, 2, 0), &[30.0; 15], 10)]
// 8 in service and 2 leaving: 10 − floor(10 − 5) = 5.
#[case::in_with_leaving((8, 0, 0, 2), &[30.0; 15], 5)]
fn target_tracking(#[case] capacity: Capacity, #[case] values: &[f64], #[case] expected: u32) {
    assert_eq!(
        asked(&mut TargetTracking::new(60.0, 0.9), 6000, capacity, values),
        expected
    );
}

#[test]
fn target_tracking_with_the_lower_share_removes_later() {
    let values = [50.0; 15];
    assert_eq!(
        asked(&mut TargetTracking::new(60.0, 0.9), 6000, (10, 0, 0, 0), &values),
        9
    );
    assert_eq!(
        asked(&mut TargetTracking::new(60.0, 0.7), 6000, (10, 0, 0, 0), &values),
        10
    );
}

#[test]
fn a_patient_one_waits_until_its_removal_shows() {
    let values = [30.0; 15];
    let mut patient = TargetTracking::patient(60.0, 0.9);
    assert_eq!(asked(&mut patient, 6000, (10, 0, 0, 0), &values), 5);
    assert_eq!(asked(&mut patient, 6060, (5, 0, 0, 5), &values), 5);
    assert_eq!(asked(&mut patient, 6120, (5, 0, 0, 0), &values), 5);
    assert_eq!(
        asked(&mut patient, 6180, (5, 0, 0, 0), &values),
        3,
        "5 − floor(5 − 2.5)"
    );
    let mut hasty = TargetTracking::new(60.0, 0.9);
    assert_eq!(asked(&mut hasty, 6000, (10, 0, 0, 0), &values), 5);
    assert_eq!(asked(&mut hasty, 6120, (5, 0, 0, 0), &values), 3);
}

#[rstest]
// A percent of ten is less than one instance: one.
#[case(Adjustment::PercentChangeInCapacity(1.0, 0), 10, 11)]
// 25 % of 10 is 2.5, which is cut to 2.
#[case(Adjustment::PercentChangeInCapacity(25.0, 0), 10, 12)]
#[case(Adjustment::PercentChangeInCapacity(-25.0, 0), 10, 8)]
// 0.25 away from none is one.
#[case(Adjustment::PercentChangeInCapacity(-2.5, 0), 10, 9)]
// At least three.
#[case(Adjustment::PercentChangeInCapacity(10.0, 3), 10, 13)]
#[case(Adjustment::PercentChangeInCapacity(-10.0, 3), 10, 7)]
#[case(Adjustment::ChangeInCapacity(2), 10, 12)]
#[case(Adjustment::ChangeInCapacity(-20), 10, 0)]
#[case(Adjustment::ExactCapacity(4), 10, 4)]
fn adjustments(#[case] adjustment: Adjustment, #[case] capacity: u32, #[case] expected: u32) {
    assert_eq!(adjustment.apply(capacity), expected);
}

#[rstest]
// 5 above 70: the first step, 10 % of 20.
#[case::first_step((20, 0, 0, 0), &[75.0; 2], 22)]
// 20 above: the second, 30 %.
#[case::second_step((20, 0, 0, 0), &[90.0; 2], 26)]
// Half of them warm up: 30 % of 10 more than 10 is less than there are.
#[case::warming((20, 0, 10, 0), &[90.0; 2], 20)]
#[case::not_yet((20, 0, 0, 0), &[60.0, 90.0], 20)]
#[case::in_((20, 0, 0, 0), &[20.0; 5], 19)]
#[case::not_while_out((18, 2, 0, 0), &[20.0; 5], 20)]
fn step_scaling(#[case] capacity: Capacity, #[case] values: &[f64], #[case] expected: u32) {
    assert_eq!(
        asked(&mut StepScaling::default(), 6000, capacity, values),
        expected
    );
}

#[rstest]
// ceil(10 · 90 / 60) = 15; then 15, of which 5 start and are idle: at their target.
#[case::out((10, 0, 0, 0), &[90.0], 15)]
// 63 is within a tenth of 60.
#[case::near((10, 0, 0, 0), &[63.0], 10)]
#[case::near_below((10, 0, 0, 0), &[55.0], 10)]
// 67 is not: ceil(11.17) = 12.
#[case::a_little((10, 0, 0, 0), &[67.0], 12)]
// 5 of 15 start: 10 · 90 / 60 = 15 are enough.
#[case::on_their_way((10, 5, 0, 0), &[90.0], 15)]
// 2 of 12 start: 15 are needed.
#[case::not_enough_on_their_way((10, 2, 0, 0), &[90.0], 15)]
// From one, ceil(100 / 60) = 2.
#[case::from_one((1, 0, 0, 0), &[100.0], 2)]
// A fall must last.
#[case::in_((10, 0, 0, 0), &[30.0], 10)]
fn hpa(#[case] capacity: Capacity, #[case] values: &[f64], #[case] expected: u32) {
    assert_eq!(asked(&mut Hpa::new(60.0), 6000, capacity, values), expected);
}

/// ceil(10 · 100 / 10) = 100: 20 at once, 40 fifteen seconds later, then 80, then all.
#[test]
fn hpa_adds_as_many_as_there_are_in_fifteen_seconds() {
    assert_eq!(asked(&mut Hpa::new(10.0), 6000, (10, 0, 0, 0), &[100.0]), 100);
    assert_eq!(
        asked(&mut Hpa::new(5.0), 6000, (10, 0, 0, 0), &[100.0]),
        100,
        "it is the most"
    );
    assert_eq!(asked(&mut Hpa::new(10.0), 6000, (1, 0, 0, 0), &[100.0]), 10);
}

/// From 10 at half the target 5 would do; it goes there when no look of the last five minutes wanted more.
#[test]
fn hpa_removes_only_down_to_the_most_of_the_last_five_minutes() {
    let mut hpa = Hpa::new(60.0);
    let wants: Vec<u32> = (0..6)
        .map(|minute| asked(&mut hpa, 6000 + minute * 60, (10, 0, 0, 0), &[30.0]))
        .collect();
    assert_eq!(wants, [10, 10, 10, 10, 10, 5]);
}

#[test]
fn hpa_does_nothing_without_a_metric() {
    assert_eq!(asked(&mut Hpa::new(60.0), 6000, (10, 0, 0, 0), &[]), 10);
}

/// An hour of 160 requests per second, then one of 800: 2 instances that answer well, and then 10.
fn two_hours() -> Trace {
    Trace::parse("steps", "second,requests_per_second\n0,160\n3600,800\n7200,800").unwrap()
}

#[test]
fn the_oracle_has_them_when_they_are_needed_and_not_before() {
    let run = simulate(&two_hours(), &Options::default(), &mut Oracle);
    let supply = |second: u32| run.samples[usize::try_from(second / 5).unwrap()].supply;
    assert_eq!((supply(3400), supply(3600), supply(7195)), (2, 10, 10));
    // Asked for at 3480 s, the last minute that looks ahead of it: they boot for 90 s, and another minute passes until
    // the next question.
    assert_eq!(run.changes[0].second, 3480);
    assert!(run.samples.iter().all(|sample| sample.supply >= sample.demand));
}

#[test]
fn the_static_peak_is_the_peak() {
    let run = simulate(&two_hours(), &Options::default(), &mut StaticPeak::default());
    assert_eq!(run.changes.len(), 1);
    assert!(run.samples.iter().skip(60).all(|sample| sample.supply == 10));
}

/// From 2 at 80 % it goes to ceil(2 · 80 / 60) = 3, and to 4 while the late metric still shows that 80 %. Then, at 100 %, to
/// ceil(4 · 100 / 60) = 7, and once those are warm, by a metric of before, to ceil(7 · 100 / 60) = 12.
#[test]
fn target_tracking_reaches_a_step_in_steps() {
    let run = simulate(
        &two_hours(),
        &Options::default(),
        &mut TargetTracking::new(60.0, 0.9),
    );
    let (before, after): (Vec<&Change>, Vec<&Change>) =
        run.changes.iter().partition(|change| change.second <= 3600);
    let sizes = |changes: &[&Change]| changes.iter().map(|change| change.to).collect::<Vec<u32>>();
    assert_eq!(sizes(&before)[..2], [3, 4]);
    assert_eq!(sizes(&after)[..2], [7, 12]);
    // Three points above the target, and their delay; then the boot and the warm-up, by the minute.
    assert_eq!((after[0].second, after[1].second), (3840, 4020));
}

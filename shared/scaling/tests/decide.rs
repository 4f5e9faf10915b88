//! What is decided of what, by hand and at random.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rstest::rstest;
use windlass_scaling::{
    Behavior, Breach, Decision, Fleet, Goal, Memory, Metric, Observation, Point, Policy, Rule, Want, decide,
};
use windlass_spec::{Measure, Scaling};

const CPU: &str = "cpu";

fn minute(number: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(number)
}

fn between(name: &str, out: (f64, u32), in_: Option<(f64, u32)>) -> Metric {
    let breach = |(threshold, periods)| Breach { threshold, periods };
    Metric {
        name: name.into(),
        ceiling: Some(100.0),
        stride: None,
        goal: Goal::Between {
            out: breach(out),
            in_: in_.map(breach),
        },
    }
}

/// The defaults: above 70 % for 2 minutes, below 30 % for 5.
fn usual() -> Policy {
    policy(vec![between(CPU, (70.0, 2), Some((30.0, 5)))])
}

fn policy(metrics: Vec<Metric>) -> Policy {
    Policy {
        metrics,
        behavior: Behavior::default(),
    }
}

/// The memory of a scaler that asked for as many as this itself, or for more.
fn own(desired: u32) -> Memory {
    Memory {
        desired: Some(desired),
        ..Memory::default()
    }
}

fn fleet(desired: u32, ready: u32) -> Fleet {
    Fleet {
        min: 2,
        max: 20,
        desired,
        ready,
        coming: desired.saturating_sub(ready),
    }
}

/// One point a minute, the last of which ended a minute ago.
fn points(values: &[f64], instances: f64) -> Vec<Point> {
    let first = 100 - i64::try_from(values.len()).unwrap() - 1;
    let points = values.iter().enumerate().map(|(at, value)| Point {
        at: minute(first + i64::try_from(at).unwrap()),
        value: *value,
        instances,
    });
    points.collect()
}

fn observed(fleet: Fleet, metrics: &[(&str, Vec<Point>)]) -> Observation {
    let metrics = metrics
        .iter()
        .map(|(name, points)| ((*name).to_owned(), points.clone()));
    Observation {
        at: minute(100),
        fleet,
        metrics: metrics.collect(),
    }
}

fn cpu(fleet: Fleet, values: &[f64]) -> Observation {
    let instances = f64::from(fleet.ready);
    observed(fleet, &[(CPU, points(values, instances))])
}

/// From four instances on. 84 % of four is 336 %, which five could carry at 70 %; seven carry it in the middle between 30 and 70.
#[rstest]
#[case::enough(&[50.0, 60.0, 65.0], 4, Rule::Enough)]
#[case::once_is_not_enough(&[50.0, 60.0, 84.0], 4, Rule::Enough)]
#[case::at_the_threshold(&[70.0, 70.0], 4, Rule::Enough)]
#[case::above(&[84.0, 84.0, 84.0, 84.0], 7, Rule::Out(CPU.into()))]
#[case::far_above(&[94.0, 94.0, 94.0, 94.0], 8, Rule::Out(CPU.into()))]
#[case::beyond_what_can_be_seen(&[100.0, 100.0, 100.0, 100.0], 12, Rule::Out(CPU.into()))]
#[case::rising(&[60.0, 66.0, 72.0, 78.0], 8, Rule::Out(CPU.into()))]
#[case::risen_at_once(&[40.0, 40.0, 80.0, 80.0], 7, Rule::Out(CPU.into()))]
#[case::below(&[20.0; 5], 2, Rule::In)]
#[case::not_for_long(&[40.0, 20.0, 20.0, 20.0, 20.0], 4, Rule::Enough)]
fn capacity_follows_from_the_load(#[case] values: &[f64], #[case] to: u32, #[case] rule: Rule) {
    let decision = decide(&usual(), &cpu(fleet(4, 4), values), &own(20));
    assert_eq!((decision.to, &decision.rule), (to, &rule), "{}", decision.reason);
    assert_eq!(decision.changes(), to != 4);
}

/// Six are asked for, and four serve: the load of four is what six will share.
#[rstest]
#[case::enough(84.0, 6, Rule::Enough)]
#[case::just_enough(94.0, 6, Rule::Enough)]
#[case::more(100.0, 12, Rule::Out(CPU.into()))]
fn what_is_on_its_way_counts(#[case] value: f64, #[case] to: u32, #[case] rule: Rule) {
    let decision = decide(&usual(), &cpu(fleet(6, 4), &[value; 4]), &own(20));
    assert_eq!((decision.to, &decision.rule), (to, &rule), "{}", decision.reason);
}

/// 80 % of ten: eight hundred in all.
#[rstest]
#[case::in_the_middle(30.0, 70.0, 16)]
#[case::near_thresholds(60.0, 70.0, 13)]
#[case::far_thresholds(10.0, 70.0, 17)]
fn what_is_ordered_has_room_between_the_thresholds(#[case] low: f64, #[case] high: f64, #[case] to: u32) {
    let policy = policy(vec![between(CPU, (high, 2), Some((low, 5)))]);
    let decision = decide(&policy, &cpu(fleet(10, 10), &[80.0; 4]), &own(20));
    assert_eq!(decision.to, to, "{}", decision.reason);
}

/// It is ordered once, and not again because a little of the room is gone before it is there.
#[test]
fn room_is_not_ordered_for_its_own_sake() {
    let first = decide(&usual(), &cpu(fleet(4, 4), &[84.0; 4]), &own(20));
    assert_eq!(first.to, 7);
    let then = decide(&usual(), &cpu(fleet(7, 4), &[90.0; 4]), &own(20));
    assert_eq!((then.to, then.rule), (7, Rule::Enough), "360 % is 51 % of seven");
}

/// Four instances, and the last of their points is four minutes and more ago: 60 % of four, and 2 % more in each minute.
#[rstest]
#[case::rose(&[54.0, 56.0, 58.0, 60.0], 6)]
#[case::rose_steeply(&[15.0, 30.0, 45.0, 60.0], 8)]
#[case::rose_for_a_moment_only(&[60.0, 56.0, 58.0, 60.0], 4)]
#[case::stood_still(&[60.0; 5], 4)]
#[case::fell(&[66.0, 64.0, 62.0, 60.0], 4)]
fn a_load_that_rose_until_nothing_was_heard_of_it_is_followed_for_a_while(
    #[case] values: &[f64],
    #[case] to: u32,
) {
    let mut observation = cpu(fleet(4, 4), values);
    observation.at += SignedDuration::from_mins(4);
    let decision = decide(&usual(), &observation, &own(20));
    assert_eq!(decision.to, to, "{}", decision.reason);
    assert_eq!(decision.goes_on(), to > 4, "{}", decision.reason);
    let heard = ("memory", points(&[50.0; 9], 4.0).split_off(3));
    let two = policy(vec![
        between(CPU, (70.0, 2), Some((30.0, 5))),
        between("memory", (80.0, 2), None),
    ]);
    let mut metrics = observed(fleet(4, 4), &[heard]).metrics;
    for point in metrics.values_mut().flatten() {
        point.at += SignedDuration::from_mins(4);
    }
    observation.metrics.append(&mut metrics);
    let told = decide(&two, &observation, &own(20));
    assert_eq!(told.to, 4, "another metric is heard of: {}", told.reason);
}

/// A minute that is no number is none: what came before it counts, and it does not.
#[rstest]
#[case(f64::NAN)]
#[case(f64::INFINITY)]
fn a_load_is_followed_unheard_from_its_last_number_on(#[case] broken: f64) {
    let decision = decide(
        &usual(),
        &cpu(fleet(4, 4), &[54.0, 56.0, 58.0, 60.0, broken]),
        &own(20),
    );
    assert_eq!(
        (decision.to, decision.rule),
        (6, Rule::Out(CPU.into())),
        "{}",
        decision.reason
    );
}

#[test]
fn a_load_that_is_followed_unheard_is_said_to_be() {
    let mut observation = cpu(fleet(4, 4), &[54.0, 56.0, 58.0, 60.0]);
    observation.at += SignedDuration::from_mins(4);
    let decision = decide(&usual(), &observation, &own(20));
    assert_eq!(
        decision.reason,
        "4 → 6: cpu asks for the most (4 ready, 0 on their way; cpu 60.0, rising, and nothing is heard of it since: 6)"
    );
}

/// Nobody looked while four were needed, three minutes ago.
#[test]
fn what_was_needed_a_moment_ago_counts_though_nobody_looked() {
    let quick = Policy {
        metrics: vec![between(CPU, (70.0, 2), Some((30.0, 1)))],
        behavior: Behavior::default(),
    };
    let decision = decide(&quick, &cpu(fleet(4, 4), &[69.0, 20.0, 20.0, 20.0]), &own(20));
    assert_eq!((decision.to, decision.rule), (4, Rule::Stabilizing));
    let later = decide(
        &quick,
        &cpu(fleet(4, 4), &[69.0, 20.0, 20.0, 20.0, 20.0, 20.0]),
        &own(20),
    );
    assert_eq!(later.rule, Rule::In);
}

/// The newest minute may not be whole: an alarm that goes on would say nothing when it is.
#[rstest]
#[case::not_whole(&[71.0, 71.0, 69.0], true)]
#[case::over(&[71.0, 60.0, 60.0, 60.0, 60.0], false)]
fn a_load_is_looked_at_until_its_alarm_is_over_for_sure(#[case] values: &[f64], #[case] goes_on: bool) {
    let decision = decide(&usual(), &cpu(fleet(4, 4), values), &own(20));
    assert_eq!((decision.goes_on(), decision.changes()), (goes_on, false));
}

/// Whoever remembers nothing asked for nothing: somebody else did.
#[test]
fn without_a_memory_nothing_is_taken_back_at_once() {
    let decide_at = |second: i64, memory: &Memory| {
        let mut observation = cpu(fleet(6, 6), &[20.0; 5]);
        let later = SignedDuration::from_secs(second);
        observation.at += later;
        let points = observation.metrics.values_mut().flatten();
        points.for_each(|point| point.at += later);
        decide(&usual(), &observation, memory)
    };
    let first = decide_at(0, &Memory::default());
    assert_eq!((first.to, first.rule), (6, Rule::Foreign));
    assert_eq!(decide_at(119, &first.after).rule, Rule::Foreign);
    assert_eq!(decide_at(121, &first.after).rule, Rule::In);
}

#[test]
fn nothing_is_removed_while_some_are_on_their_way() {
    let decision = decide(&usual(), &cpu(fleet(6, 4), &[20.0; 5]), &own(20));
    assert_eq!((decision.to, decision.rule), (6, Rule::Coming));
}

#[rstest]
#[case::too_few(1, 2)]
#[case::too_many(30, 20)]
fn the_groups_bounds_rule(#[case] desired: u32, #[case] to: u32) {
    let decision = decide(&usual(), &cpu(fleet(desired, desired), &[50.0; 5]), &own(20));
    assert_eq!((decision.to, decision.rule), (to, Rule::Bounds));
}

#[test]
fn at_its_bounds_a_group_stays_and_says_so() {
    let most = decide(&usual(), &cpu(fleet(20, 20), &[90.0; 5]), &own(20));
    assert_eq!((most.to, most.rule), (20, Rule::AtMax));
    let least = decide(&usual(), &cpu(fleet(2, 2), &[10.0; 5]), &own(20));
    assert_eq!((least.to, least.rule), (2, Rule::AtMin));
}

#[rstest]
#[case::missing(vec![])]
#[case::stale(points(&[20.0; 5], 4.0).into_iter().map(|point| Point { at: point.at - SignedDuration::from_mins(3), ..point }).collect())]
#[case::no_number(points(&[20.0, 20.0, 20.0, 20.0, f64::NAN], 4.0))]
#[case::infinite(points(&[20.0, 20.0, 20.0, 20.0, f64::INFINITY], 4.0))]
#[case::of_no_instance(points(&[20.0; 5], 0.0))]
fn a_metric_that_cannot_be_told_removes_nothing_whatever_others_say(#[case] lost: Vec<Point>) {
    let two = policy(vec![
        between(CPU, (70.0, 2), Some((30.0, 5))),
        between("memory", (80.0, 2), Some((40.0, 5))),
    ]);
    let low = points(&[20.0; 5], 4.0);
    let observation = observed(fleet(4, 4), &[(CPU, low.clone()), ("memory", lost.clone())]);
    let decision = decide(&two, &observation, &own(20));
    assert_eq!((decision.to, decision.rule), (4, Rule::Unknown("memory".into())));
    // It keeps nobody from adding.
    let high = points(&[84.0; 5], 4.0);
    let observation = observed(fleet(4, 4), &[(CPU, high), ("memory", lost)]);
    assert_eq!(decide(&two, &observation, &own(20)).to, 7);
}

#[test]
fn a_minute_that_is_missing_breaks_the_row() {
    let mut gap = points(&[20.0; 6], 4.0);
    gap.remove(3);
    let decision = decide(&usual(), &observed(fleet(4, 4), &[(CPU, gap)]), &own(20));
    assert_eq!((decision.to, decision.rule), (4, Rule::Enough));
}

#[test]
fn all_must_agree_to_fewer_and_one_is_enough_for_more() {
    let two = policy(vec![
        between(CPU, (70.0, 2), Some((30.0, 5))),
        between("memory", (80.0, 2), Some((40.0, 5))),
    ]);
    let told = |cpu: f64, memory: f64| {
        let metrics = [
            (CPU, points(&[cpu; 5], 6.0)),
            ("memory", points(&[memory; 5], 6.0)),
        ];
        decide(&two, &observed(fleet(6, 6), &metrics), &own(20))
    };
    let both = told(20.0, 30.0);
    assert_eq!((both.to, both.rule), (3, Rule::In), "the larger of 3 and 3");
    let one = told(20.0, 60.0);
    assert_eq!((one.to, one.rule), (6, Rule::Disagreement("memory".into())));
    let more = told(20.0, 90.0);
    assert_eq!((more.to, more.rule), (9, Rule::Out("memory".into())));
    let most = told(95.0, 90.0);
    assert_eq!(most.rule, Rule::Out(CPU.into()), "it asks for the most");
}

#[test]
fn a_metric_without_a_lower_threshold_stands_in_nobodys_way() {
    let two = policy(vec![
        between(CPU, (70.0, 2), Some((30.0, 5))),
        between("queue", (80.0, 2), None),
    ]);
    let metrics = [(CPU, points(&[20.0; 5], 6.0)), ("queue", points(&[50.0; 5], 6.0))];
    let decision = decide(&two, &observed(fleet(6, 6), &metrics), &own(20));
    assert_eq!((decision.to, decision.rule), (2, Rule::In));
    assert_eq!(decision.wishes[1].want, Want::Abstain);
    let alone = policy(vec![between("queue", (80.0, 2), None)]);
    let decision = decide(&alone, &observed(fleet(6, 6), &metrics), &own(20));
    assert_eq!((decision.to, decision.rule), (6, Rule::Enough));
}

#[rstest]
#[case::near(&[55.0, 62.0, 60.0, 58.0, 61.0], 6)]
#[case::above(&[72.0, 72.0, 72.0, 72.0], 8)]
#[case::below(&[30.0; 5], 3)]
fn a_target_is_kept(#[case] values: &[f64], #[case] to: u32) {
    let target = policy(vec![Metric {
        name: CPU.into(),
        ceiling: Some(100.0),
        stride: None,
        goal: Goal::Target(60.0),
    }]);
    let decision = decide(&target, &cpu(fleet(6, 6), values), &own(20));
    assert_eq!(decision.to, to, "{}", decision.reason);
}

/// A time to answer of ten times what it should be does not call for ten times the instances, nor one of a tenth for a tenth.
#[rstest]
#[case::slow(&[5.0; 3], 9)]
#[case::slower(&[0.6; 3], 8)]
#[case::quick(&[0.05; 5], 4)]
fn what_does_not_follow_the_number_of_instances_moves_it_in_strides(#[case] values: &[f64], #[case] to: u32) {
    let breach = |threshold, periods| Breach { threshold, periods };
    let answer = policy(vec![Metric {
        name: CPU.into(),
        ceiling: None,
        stride: Some(1.5),
        goal: Goal::Between {
            out: breach(0.5, 3),
            in_: Some(breach(0.4, 5)),
        },
    }]);
    let decision = decide(&answer, &cpu(fleet(6, 6), values), &own(20));
    assert_eq!(decision.to, to, "{}", decision.reason);
}

#[rstest]
#[case(Measure::Cpu, Some(100.0), None)]
#[case(Measure::Memory, Some(100.0), None)]
#[case(Measure::TargetResponseTime, None, Some(1.5))]
#[case(Measure::NetworkIn, None, None)]
fn what_a_spec_says_of_a_measure_reaches_the_policy(
    #[case] measure: Measure,
    #[case] ceiling: Option<f64>,
    #[case] stride: Option<f64>,
) {
    let name = measure.word().into_owned();
    let goal = windlass_spec::Goal::Target { target: 50.0.into() };
    let policy = Policy::of(&Scaling {
        metrics: vec![windlass_spec::Metric { measure, goal }],
        ..Scaling::default()
    });
    let expected = Metric {
        name,
        ceiling,
        stride,
        goal: Goal::Target(50.0),
    };
    assert_eq!(policy.metrics, [expected]);
}

#[test]
fn steps_are_as_long_as_they_may_be() {
    let mut short = usual();
    short.behavior.max_step = Some(1);
    let more = decide(&short, &cpu(fleet(8, 8), &[95.0; 4]), &own(20));
    assert_eq!(more.to, 9);
    let fewer = decide(&short, &cpu(fleet(8, 8), &[10.0; 5]), &own(20));
    assert_eq!(fewer.to, 7);
}

/// What is decided so many minutes after the first decision.
fn later(before: &Decision, fleet: Fleet, values: &[f64], minutes: i64) -> Decision {
    let mut observation = cpu(fleet, values);
    let pause = SignedDuration::from_mins(minutes);
    observation.at += pause;
    for points in observation.metrics.values_mut() {
        for point in points {
            point.at += pause;
        }
    }
    decide(&before.policy, &observation, &before.after)
}

#[test]
fn what_was_needed_a_moment_ago_is_kept() {
    let busy = decide(&usual(), &cpu(fleet(8, 8), &[69.0; 5]), &own(20));
    assert_eq!(busy.to, 8);
    let calm = later(&busy, fleet(8, 8), &[20.0; 5], 3);
    assert_eq!((calm.to, &calm.rule), (8, &Rule::Stabilizing));
    let long = later(&calm, fleet(8, 8), &[20.0; 5], 6);
    assert_eq!((long.to, long.rule), (3, Rule::In));
}

#[test]
fn removals_keep_a_distance() {
    let mut slow = usual();
    slow.behavior.max_step = Some(1);
    slow.behavior.cooldown = SignedDuration::from_mins(3);
    let first = decide(&slow, &cpu(fleet(8, 8), &[10.0; 5]), &own(20));
    assert_eq!(first.to, 7);
    let soon = later(&first, fleet(7, 7), &[10.0; 5], 2);
    assert_eq!((soon.to, &soon.rule), (7, &Rule::Cooldown));
    let then = later(&soon, fleet(7, 7), &[10.0; 5], 3);
    assert_eq!((then.to, then.rule), (6, Rule::In));
}

#[test]
fn what_somebody_else_asked_for_is_not_taken_back_at_once() {
    let before = decide(&usual(), &cpu(fleet(4, 4), &[20.0, 50.0, 20.0]), &own(20));
    assert_eq!(before.to, 4);
    let foreign = later(&before, fleet(9, 9), &[20.0; 5], 1);
    assert_eq!((foreign.to, &foreign.rule), (9, &Rule::Foreign));
    let then = later(&foreign, fleet(9, 9), &[20.0; 5], 3);
    assert_eq!(then.rule, Rule::In);
}

#[test]
fn it_says_why_in_words() {
    let decision = decide(&usual(), &cpu(fleet(4, 3), &[94.0; 4]), &own(20));
    assert_eq!(
        decision.reason,
        "4 → 6: cpu asks for the most (3 ready, 1 on their way; cpu 94.0: 6)"
    );
    let decision = decide(&usual(), &observed(fleet(4, 4), &[]), &own(20));
    assert_eq!(
        decision.reason,
        "stays at 4: what there is, and is on its way, is enough (4 ready, 0 on their way; cpu missing: cannot be told)"
    );
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0..120.0_f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1.0),
        1 => 1e10..1e300_f64,
    ]
}

fn series() -> impl Strategy<Value = Vec<Point>> {
    // Minutes that are missing, and points that come late.
    prop::collection::vec((values(), 0.0..30.0_f64, prop::bool::weighted(0.9)), 0..12).prop_flat_map(|all| {
        (0_i64..8).prop_map(move |late| {
            let count = i64::try_from(all.len()).unwrap();
            let numbered = all.iter().zip(0_i64..);
            let there = numbered.filter(|((_, _, is_there), _)| *is_there);
            there
                .map(|((value, instances, _), at)| Point {
                    at: minute(100 - count + at - late),
                    value: *value,
                    instances: *instances,
                })
                .collect()
        })
    })
}

prop_compose! {
    fn situations()(
        bounds in (1_u32..10, 0_u32..20),
        desired in 0_u32..40,
        ready in 0_u32..40,
        cpu in series(),
        memory in series(),
        remembered in (prop::option::of(0_u32..40), prop::option::of((95_i64..101, 0_u32..40)), prop::option::of(95_i64..101)),
        needed in prop::collection::vec((90_i64..101, 0_u32..40), 0..4),
        step in prop::option::of(1_u32..5),
    ) -> (Policy, Observation, Memory) {
        let (min, more) = bounds;
        let fleet = Fleet { min, max: min + more, desired, ready: ready.min(desired), coming: desired.saturating_sub(ready) };
        let mut wanted = policy(vec![
            between(CPU, (70.0, 2), Some((30.0, 5))),
            between("memory", (80.0, 3), Some((40.0, 3))),
        ]);
        wanted.behavior.max_step = step;
        let (known, foreign, removed) = remembered;
        let memory_before = Memory {
            desired: known,
            foreign: foreign.map(|(at, desired)| (minute(at), desired)),
            removed: removed.map(minute),
            needed: needed.into_iter().map(|(at, needed)| (minute(at), needed)).collect(),
        };
        (wanted, observed(fleet, &[(CPU, cpu), ("memory", memory)]), memory_before)
    }
}

/// Whether a metric's newest point says something of now.
fn is_known(observation: &Observation, metric: &str) -> bool {
    let newest = observation.metrics[metric].last();
    newest.is_some_and(|point| {
        let age = observation.at.duration_since(point.at).as_secs();
        point.value.is_finite() && point.value >= 0.0 && point.instances > 0.0 && (0..=240).contains(&age)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// I5, and the rule of missing metrics: capacity is within the bounds; nothing is removed unless all metrics are known,
    /// nor while anything is on its way, unless the bounds ask for it; and the record makes the same decision.
    #[test]
    fn whatever_is_seen_the_answer_is_within_bounds_and_nothing_is_removed_blindly((wanted, seen, before) in situations()) {
        let decision = decide(&wanted, &seen, &before);
        prop_assert!((seen.fleet.min..=seen.fleet.max).contains(&decision.to), "{}", decision.reason);
        prop_assert_eq!(decision.from, seen.fleet.desired);
        let step = wanted.behavior.max_step.unwrap_or(u32::MAX);
        if decision.rule != Rule::Bounds {
            prop_assert!(decision.to.abs_diff(decision.from) <= step);
            if decision.to < decision.from {
                prop_assert!([CPU, "memory"].iter().all(|metric| is_known(&seen, metric)), "{}", decision.reason);
                prop_assert_eq!(seen.fleet.coming, 0);
                prop_assert_eq!(&decision.rule, &Rule::In);
            }
            if decision.to > decision.from {
                prop_assert!(matches!(decision.rule, Rule::Out(_)));
            }
        }
        let text = serde_json::to_string(&decision).unwrap();
        let read: Decision = serde_json::from_str(&text).unwrap();
        let again = decide(&read.policy, &read.observation, &read.memory);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }

    /// More load never means fewer instances.
    #[test]
    fn more_load_is_never_answered_with_fewer(low in 0.0..100.0_f64, more in 0.0..50.0_f64, desired in 2_u32..20) {
        let answer = |value: f64| decide(&usual(), &cpu(fleet(desired, desired), &[value; 6]), &own(20)).to;
        prop_assert!(answer(low) <= answer((low + more).min(100.0)));
    }
}

/// A metric that nobody asks about changes nothing.
#[test]
fn what_is_not_in_the_policy_is_not_looked_at() {
    let mut observation = cpu(fleet(4, 4), &[50.0; 5]);
    let before = decide(&usual(), &observation, &own(20));
    observation
        .metrics
        .extend(BTreeMap::from([("memory".to_owned(), points(&[99.0; 5], 4.0))]));
    let after = decide(&usual(), &observation, &own(20));
    assert_eq!((before.to, before.reason), (after.to, after.reason));
}

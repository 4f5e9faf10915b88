//! What a spec can scale by besides thresholds of the processors: targets, other measures, and the clock.

use windlass_calls::autoscaling::DescribeScheduledActions;
use windlass_crash::verify;
use windlass_engine::Phase;
use windlass_spec::CustomMetric;

use super::*;

fn with(scaling: &str) -> Lab {
    let config = WorldConfig {
        vcpu_quota: 100,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(&spec(scaling));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab
}

fn spec(scaling: &str) -> String {
    SPEC.replace("max: 8", &format!("max: 8, {scaling}"))
}

/// A load of 3.6 instances is 60 % of six; one of 1.2 is 60 % of two.
#[test]
fn a_target_is_followed_from_both_sides() {
    let lab = with("metrics: [{type: cpu, target: 60}]");
    for _ in 0..15 {
        lab.minute(3.6, true);
    }
    assert_eq!(lab.group(GROUP).desired, 6);
    let changes = capacities(&lab).len();
    for _ in 0..20 {
        lab.minute(3.5, true);
    }
    assert_eq!(capacities(&lab).len(), changes, "a tenth is near enough");
    for _ in 0..20 {
        lab.minute(1.2, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
}

/// What its metric says of each measure for so many minutes.
fn told(lab: &Lab, measure: &Measure, minutes: usize, value: f64) {
    let outputs = lab.status().unwrap().outputs;
    let source = Source {
        target_group: &outputs.target_group_arn,
        load_balancer: &outputs.alb_arn,
        ..Source::of_group(GROUP)
    };
    let metric = alarm_metric(measure, source);
    for _ in 0..minutes {
        let begin = lab.sim.now();
        lab.minute(0.8, true);
        for _ in 0..lab.in_service().len() {
            lab.sim.world_mut().put_metric_data(&metric, begin, value);
        }
        let now = lab.sim.now();
        lab.sim.world_mut().settle(now);
    }
}

fn orders() -> Measure {
    Measure::Custom(CustomMetric {
        namespace: "Shop".into(),
        name: "Orders waiting".into(),
        dimensions: [("Queue".to_owned(), "orders".to_owned())].into(),
        statistic: "Average".into(),
    })
}

/// The processors have nothing to do all the while, and do not agree to fewer by themselves.
#[rstest]
#[case::memory(
    Measure::Memory,
    "{type: memory, scaleOut: {above: 70}, scaleIn: {below: 30}}",
    90.0,
    4
)]
#[case::answers(
    Measure::TargetResponseTime,
    "{type: targetResponseTime, scaleOut: {above: 0.5}, scaleIn: {below: 0.1}}",
    9.0,
    3
)]
#[case::custom(
    orders(),
    "{type: custom, metric: {namespace: Shop, name: Orders waiting, dimensions: {Queue: orders}}, scaleOut: {above: 10}, \
     scaleIn: {below: 2}}",
    24.0,
    7
)]
fn a_measure_that_is_too_much_asks_for_more_and_holds_them(
    #[case] measure: Measure,
    #[case] metric: &str,
    #[case] value: f64,
    #[case] first: u32,
) {
    let lab = with(&format!(
        "metrics: [{{type: cpu, scaleOut: {{above: 70}}, scaleIn: {{below: 60}}}}, {metric}], behavior: {{cooldown: 0s, stabilization: 0s}}"
    ));
    told(&lab, &measure, 3, value);
    assert_eq!(capacities(&lab)[0], first);
    let entry = journal(&lab).into_iter().find(|entry| entry.decision.changes());
    let rule = entry.map(|entry| entry.decision.rule);
    assert_eq!(rule, Some(Rule::Out(measure.word().into_owned())));
    let grown = lab.group(GROUP).desired;
    // Nothing of it is known: nothing is removed, though the processors agree.
    for _ in 0..15 {
        lab.minute(0.1, true);
    }
    match measure {
        // No requests, no time to answer: that is known.
        Measure::TargetResponseTime => assert!(lab.group(GROUP).desired < grown),
        _ => assert!(lab.group(GROUP).desired >= grown),
    }
    told(&lab, &measure, 20, 0.0);
    assert_eq!(lab.group(GROUP).desired, 2);
}

const NIGHT: &str = "schedule: [{cron: '40 2 * * *', min: 1, max: 3}, {cron: '40 4 * * *', timeZone: Etc/UTC, min: 5, max: 9}]";

fn until(lab: &Lab, time: &str) {
    let at: Timestamp = format!("2025-12-18T{time}Z").parse().unwrap();
    while lab.step_until(at).is_some() {}
    lab.sim.set_now(at);
    lab.sim.world_mut().settle(at);
}

fn bounds(lab: &Lab) -> (u32, u32, u32) {
    let group = lab.group(GROUP);
    (group.settings.min, group.settings.max, group.desired)
}

/// Rule 63.
#[test]
fn the_clock_moves_the_bounds_and_nobody_moves_them_back() {
    let lab = with(NIGHT);
    assert_eq!(bounds(&lab), (2, 8, 2));
    until(&lab, "02:41:00");
    assert_eq!(
        bounds(&lab),
        (1, 3, 2),
        "it wants what it wanted, where that is within them"
    );
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (1, 3, 2));
    let status = lab.status().unwrap();
    assert_eq!((status.phase, status.drift.len()), (Phase::Ready, 0));
    until(&lab, "04:45:00");
    assert_eq!(bounds(&lab), (5, 9, 5));
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (5, 9, 5));
    // A load within the bounds of the day, and not those of the spec.
    for _ in 0..10 {
        lab.minute(9.0, true);
    }
    assert_eq!(bounds(&lab), (5, 9, 9));
}

#[test]
fn other_bounds_of_the_spec_are_set_once_and_a_schedule_that_is_gone_gives_the_group_back() {
    let lab = with(NIGHT);
    until(&lab, "02:41:00");
    lab.upload(&spec(NIGHT).replace("max: 8", "max: 7"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (2, 7, 2));
    until(&lab, "04:45:00");
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (5, 9, 5));
    lab.upload(SPEC);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (2, 8, 5));
    let group = GROUP.to_owned();
    let now = lab.sim.now();
    let left = lab
        .sim
        .world_mut()
        .call(now, DescribeScheduledActions { group })
        .unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Whatever is forgotten, the bounds that the clock gave the group stay.
#[test]
fn bounds_of_the_clock_outlive_a_state_that_is_lost() {
    let lab = with(NIGHT);
    until(&lab, "04:45:00");
    let head = windlass_engine::head_key(&stack());
    lab.sim.world_mut().delete_object(STATE_BUCKET, &head);
    lab.upload(&spec(NIGHT));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab), (5, 9, 5));
}

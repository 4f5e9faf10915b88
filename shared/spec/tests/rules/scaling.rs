//! Bounds, everything that is counted, and what moves the group.

use ordered_float::OrderedFloat;
use rstest::rstest;
use windlass_spec::{Behavior, Breach, CustomMetric, Goal, Measure, Metric, Schedule};

use crate::common::decode_text;
use crate::{APP, accepts, fixed, metrics, refuses, refuses_only, with};

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
#[case(
    "compute: {mode: ec2, app: {packages: [a]}}\nscaling: {min: N}",
    "scaling.min",
    1,
    1000
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 7, periods: N}}]}",
    "scaling.metrics[0].scaleOut.periods",
    1,
    60
)]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 7}, scaleIn: {below: 6, periods: N}}]}",
    "scaling.metrics[0].scaleIn.periods",
    1,
    60
)]
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

#[rstest]
#[case("", 3)]
#[case("scaling: {}", 3)]
#[case("scaling: {min: 12}", 12)]
#[case("scaling: {min: 1, max: 1}", 1)]
#[case("scaling: {max: 3}", 3)]
#[case("scaling: {min: 2, metrics: []}", 2)]
fn a_fixed_number_is_min_and_nothing_moves_it(#[case] text: &str, #[case] number: u32) {
    let scaling = decode_text(&fixed(text)).unwrap().scaling;
    assert_eq!((scaling.min, scaling.max), (number, number));
    assert_eq!(scaling.metrics, []);
}

#[rstest]
#[case("scaling: {min: 2, max: 4}", "scaling.max", "min 2 and max 4 differ")]
#[case("scaling: {min: 4, max: 2}", "scaling.max", "min 4 and max 2 differ")]
#[case("scaling: {max: 4}", "scaling.max", "min 3 (the default) and max 4 differ")]
#[case("scaling: {min: 0, max: 4}", "scaling.min", "out of range")]
#[case("scaling: {min: 4, max: 1001}", "scaling.max", "out of range")]
#[case("scaling: {min: many, max: 4}", "scaling.min", "expected a whole number")]
#[case(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 70}}]}",
    "scaling.metrics",
    "with `mode: ec2` there is none"
)]
fn a_fixed_number_is_said_once_and_has_no_metrics(
    #[case] text: &str,
    #[case] path: &str,
    #[case] message: &str,
) {
    refuses_only(&fixed(text), path, message);
}

#[rstest]
#[case("scaling: {min: 12}", 0)]
#[case("scaling: {min: 4, max: 2}", 0)]
#[case("scaling: {min: 0, max: 1001}", 2)]
#[case("scaling: {metrics: [{type: cpu}]}", 1)]
fn bounds_are_not_compared_while_nobody_knows_the_mode(#[case] text: &str, #[case] more: usize) {
    let text = format!("compute: {{mode: ecs, app: {{packages: [a]}}}}\n{text}");
    let errors = decode_text(&text).unwrap_err();
    assert_eq!(errors.0.len(), 1 + more, "{errors}");
}

fn cpu(above: f64, out: u32, below: Option<(f64, u32)>) -> Metric {
    let breach = |threshold, periods| Breach {
        threshold: OrderedFloat(threshold),
        periods,
    };
    Metric {
        measure: Measure::Cpu,
        goal: Goal::Between {
            scale_out: breach(above, out),
            scale_in: below.map(|(below, periods)| breach(below, periods)),
        },
    }
}

#[test]
fn a_group_follows_its_processors_unless_it_says_otherwise() {
    let metrics = |text: &str| decode_text(&with(text)).unwrap().scaling.metrics;
    let usual = [cpu(70.0, 2, Some((30.0, 5)))];
    assert_eq!(decode_text(APP).unwrap().scaling.metrics, usual);
    assert_eq!(metrics("scaling: {min: 2}"), usual);
    assert_eq!(metrics("scaling: {metrics: []}"), []);
}

#[rstest]
#[case("{type: cpu, scaleOut: {above: 60}}", cpu(60.0, 2, None))]
#[case("{type: cpu, scaleOut: {above: 60.5}, scaleIn: {below: 20}}", cpu(60.5, 2, Some((20.0, 5))))]
#[case(
    "{type: cpu, scaleOut: {above: 100, periods: 60}, scaleIn: {below: 0, periods: 1}}",
    cpu(100.0, 60, Some((0.0, 1)))
)]
fn a_metric_is_a_measure_with_its_thresholds(#[case] text: &str, #[case] expected: Metric) {
    let found = decode_text(&with(&metrics(text))).unwrap().scaling.metrics;
    assert_eq!(found, [expected]);
}

#[rstest]
#[case("{type: cpus, scaleOut: {above: 7}}", "type", "unknown value")]
#[case("{scaleOut: {above: 7}}", "type", "required")]
#[case("{type: cpu}", "scaleOut", "required")]
#[case("{type: memory}", "scaleOut", "required")]
#[case("{type: memory, scaleOut: {above: 101}}", "scaleOut.above", "range")]
#[case("{type: cpu, target: 0}", "target", "range")]
#[case("{type: cpu, target: 91}", "target", "range")]
#[case(
    "{type: cpu, target: 60, scaleIn: {below: 20}}",
    "target",
    "beside thresholds"
)]
#[case("{type: cpu, target: high}", "target", "expected a number")]
#[case(
    "{type: cpu, metric: {namespace: a, name: b}, target: 1}",
    "type",
    "only a custom measure"
)]
#[case("{type: custom, target: 1}", "metric", "required")]
#[case(
    "{type: custom, metric: {name: b}, target: 1}",
    "metric.namespace",
    "required"
)]
#[case(
    "{type: custom, metric: {namespace: ':a', name: b}, target: 1}",
    "metric.namespace",
    "no such name"
)]
#[case(
    "{type: custom, metric: {namespace: a, name: ' b'}, target: 1}",
    "metric.name",
    "no such name"
)]
#[case(
    "{type: custom, metric: {namespace: a, name: ä}, target: 1}",
    "metric.name",
    "no such name"
)]
#[case(
    "{type: custom, metric: {namespace: a, name: b, statistic: Mean}, target: 1}",
    "metric.statistic",
    "no statistic"
)]
#[case(
    "{type: custom, metric: {namespace: a, name: b, statistic: p101}, target: 1}",
    "metric.statistic",
    "no statistic"
)]
#[case(
    "{type: custom, metric: {namespace: a, name: b, dimensions: {c: ''}}, target: 1}",
    "metric.dimensions.c",
    "no such name"
)]
#[case("{type: cpu, scaleIn: {below: 7}}", "scaleOut", "required")]
#[case("{type: cpu, scaleOut: {}}", "scaleOut.above", "required")]
#[case("{type: cpu, scaleOut: {above: 7}, scaleIn: {}}", "scaleIn.below", "required")]
#[case("{type: cpu, scaleOut: {above: 101}}", "scaleOut.above", "range")]
#[case("{type: cpu, scaleOut: {above: -0.5}}", "scaleOut.above", "range")]
#[case(
    "{type: cpu, scaleOut: {above: 7}, scaleIn: {below: -1}}",
    "scaleIn.below",
    "range"
)]
#[case("{type: cpu, scaleOut: {above: .nan}}", "scaleOut.above", "expected a number")]
#[case("{type: cpu, scaleOut: {above: .inf}}", "scaleOut.above", "expected a number")]
#[case("{type: cpu, scaleOut: {above: '7'}}", "scaleOut.above", "expected a number")]
#[case(
    "{type: cpu, scaleOut: {above: 7, periods: 1.5}}",
    "scaleOut.periods",
    "whole number"
)]
#[case(
    "{type: cpu, scaleOut: {above: 30}, scaleIn: {below: 30}}",
    "scaleIn.below",
    "the thresholds cross"
)]
#[case(
    "{type: cpu, scaleOut: {above: 30, periods: 0}, scaleIn: {below: 40}}",
    "scaleIn.below",
    "the thresholds cross"
)]
fn any_other_metric_is_refused(#[case] text: &str, #[case] field: &str, #[case] message: &str) {
    refuses(&metrics(text), &format!("scaling.metrics[0].{field}"), message);
}

#[test]
fn a_measure_has_one_metric() {
    refuses_only(
        &metrics("{type: cpu, scaleOut: {above: 70}}, {type: cpu, scaleOut: {above: 80}}"),
        "scaling.metrics[1].type",
        "listed twice",
    );
}

#[rstest]
#[case("cpu", Measure::Cpu)]
#[case("requestsPerTarget", Measure::RequestsPerTarget)]
#[case("networkIn", Measure::NetworkIn)]
#[case("networkOut", Measure::NetworkOut)]
#[case("memory", Measure::Memory)]
#[case("targetResponseTime", Measure::TargetResponseTime)]
fn a_measure_has_its_word(#[case] word: &str, #[case] measure: Measure) {
    let text = format!("scaling: {{metrics: [{{type: {word}, scaleOut: {{above: 90}}}}]}}");
    let spec = decode_text(&with(&text)).unwrap();
    assert_eq!(spec.scaling.metrics[0].measure, measure);
}

#[rstest]
#[case(
    "scaling: {metrics: [{type: networkIn, scaleOut: {above: -1}}]}",
    "scaling.metrics[0].scaleOut.above",
    "range"
)]
#[case(
    "scaling: {metrics: [{type: requestsPerTarget, scaleOut: {above: 5}, scaleIn: {below: 5}}]}",
    "scaling.metrics[0].scaleIn.below",
    "cross"
)]
#[case("scaling: {behavior: {maxStep: 0}}", "scaling.behavior.maxStep", "range")]
#[case("scaling: {behavior: {maxStep: 1001}}", "scaling.behavior.maxStep", "range")]
#[case("scaling: {behavior: {cooldown: 60}}", "scaling.behavior.cooldown", "no unit")]
#[case("scaling: {behavior: {cooldown: 2h}}", "scaling.behavior.cooldown", "range")]
#[case(
    "scaling: {behavior: {stabilization: 3601s}}",
    "scaling.behavior.stabilization",
    "range"
)]
#[case(
    "compute: {mode: ec2, app: {packages: [a]}}\nscaling: {behavior: {cooldown: 60s}}",
    "scaling.behavior",
    "there is none"
)]
fn what_makes_no_sense_of_a_measure_or_its_pace_is_refused(
    #[case] text: &str,
    #[case] path: &str,
    #[case] message: &str,
) {
    refuses(text, path, message);
}

#[test]
fn a_pace_that_is_left_out_has_its_default_in_each_part() {
    let pace = |text: &str| decode_text(&with(text)).unwrap().scaling.behavior;
    assert_eq!(pace("scaling: {behavior: {}}"), Behavior::default());
    let said = pace("scaling: {behavior: {maxStep: 2, stabilization: 0s}}");
    let expected = Behavior {
        max_step: Some(2),
        stabilization: 0,
        ..Behavior::default()
    };
    assert_eq!(said, expected);
}

#[test]
fn a_target_stands_for_thresholds_on_both_sides() {
    let found = decode_text(&with(&metrics("{type: requestsPerTarget, target: 1000}"))).unwrap();
    let goal = found.scaling.metrics[0].goal;
    let target = OrderedFloat(1000.0);
    assert_eq!(goal, Goal::Target { target });
    let breach = |threshold: f64, periods| Breach {
        threshold: OrderedFloat(threshold),
        periods,
    };
    assert_eq!(goal.scale_out(), breach(1100.0, 2));
    assert_eq!(goal.scale_in(), Some(breach(900.0, 5)));
    assert!((goal.aim() - 1000.0).abs() < f64::EPSILON);
}

#[test]
fn a_metric_of_ones_own_is_named_with_all_of_its_dimensions() {
    let text = "{type: custom, metric: {namespace: Shop, name: Jobs Waiting, dimensions: {Queue: orders}, statistic: p99.9}, \
                scaleOut: {above: 10}}, {type: custom, metric: {namespace: Shop, name: JobsWaiting}, target: 5}";
    let found = decode_text(&with(&metrics(text))).unwrap().scaling.metrics;
    let measures: Vec<&Measure> = found.iter().map(|metric| &metric.measure).collect();
    let custom = |name: &str, dimensions: &[(&str, &str)], statistic: &str| {
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Measure::Custom(CustomMetric {
            namespace: "Shop".into(),
            name: name.into(),
            dimensions: dimensions.collect(),
            statistic: statistic.into(),
        })
    };
    let [first, second] = [
        custom("Jobs Waiting", &[("Queue", "orders")], "p99.9"),
        custom("JobsWaiting", &[], "Average"),
    ];
    assert_eq!(measures, [&first, &second]);
    assert_eq!(
        (&*first.word(), &*second.word()),
        ("custom_Jobs_Waiting", "custom_JobsWaiting")
    );
}

/// One alarm could not be told from the other.
#[test]
fn metrics_whose_names_are_told_apart_by_signs_only_are_one() {
    refuses_only(
        &metrics(
            "{type: custom, metric: {namespace: a, name: b-c}, target: 1}, {type: custom, metric: {namespace: d, name: b.c}, target: 1}",
        ),
        "scaling.metrics[1].type",
        "listed twice",
    );
}

#[test]
fn a_schedule_says_when_and_which_bounds() {
    let text = "scaling: {min: 2, max: 6, schedule: [{cron: '0 7 * * MON-FRI', timeZone: Europe/Berlin, min: 4, max: 12}, {cron: '*/30 22 1,15 * *', min: 1, max: 6}]}";
    let scaling = decode_text(&with(text)).unwrap().scaling;
    let entry = |cron: &str, time_zone: &str, min, max| Schedule {
        cron: cron.into(),
        time_zone: time_zone.into(),
        min,
        max,
    };
    let expected = [
        entry("0 7 * * MON-FRI", "Europe/Berlin", 4, 12),
        entry("*/30 22 1,15 * *", "Etc/UTC", 1, 6),
    ];
    assert_eq!(scaling.schedule, expected);
    assert_eq!((scaling.least(), scaling.most()), (1, 12));
}

#[rstest]
#[case("{min: 1, max: 2}", "cron", "required")]
#[case("{cron: '0 7 * * *', max: 2}", "min", "required")]
#[case("{cron: '0 7 * * *', min: 1}", "max", "required")]
#[case("{cron: '0 7 * * *', min: 3, max: 2}", "min", "greater than max")]
#[case("{cron: '0 7 * * *', min: 0, max: 2}", "min", "range")]
#[case("{cron: '0 7 * *', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '0 0 7 * * *', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '0  7 * * *', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '0 7 L * *', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '0 7 ? * MON#2', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '@daily', min: 1, max: 2}", "cron", "not five fields")]
#[case("{cron: '60 7 * * *', min: 1, max: 2}", "cron", "cannot be read")]
#[case(
    "{cron: '0 7 * * *', timeZone: Berlin, min: 1, max: 2}",
    "timeZone",
    "no time zone"
)]
#[case(
    "{cron: '0 7 * * *', timeZone: europe/berlin, min: 1, max: 2}",
    "timeZone",
    "no time zone"
)]
fn any_other_schedule_is_refused(#[case] text: &str, #[case] field: &str, #[case] message: &str) {
    let text = format!("scaling: {{schedule: [{text}]}}");
    refuses(&text, &format!("scaling.schedule[0].{field}"), message);
}

#[test]
fn a_fixed_number_has_no_schedule_and_fifty_times_are_enough() {
    let one = "{cron: '0 7 * * *', min: 1, max: 2}";
    refuses_only(
        &fixed(&format!("scaling: {{schedule: [{one}]}}")),
        "scaling.schedule",
        "there is none",
    );
    let many = vec![one; 51].join(", ");
    refuses_only(
        &format!("scaling: {{schedule: [{many}]}}"),
        "scaling.schedule",
        "too many",
    );
}

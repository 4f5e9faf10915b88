//! Alarms, both ways.
//!
//! Guarantees: what we write reads back as we wrote it, if its lists are in order. An alarm of another form (an anomaly
//! band, a unit, actions for one state only, …) reads as one that equals none of ours and says what is different about
//! it, never as an error: drift is somebody's edit, and the next write puts it right.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types as sdk;
use windlass_calls::cloudwatch::{Alarm, Metric, Watch};

use crate::answer::{field, or_empty, or_zero, signed};
use crate::fault::Fault;

/// Id of the expression that an alarm watches, among the metrics it is made of.
const WATCHED: &str = "expression";

/// What is in the ARN of a scaling policy, and of nothing else that an alarm can name.
const POLICY: &str = ":scalingPolicy:";

/// What an alarm watches, as `PutMetricAlarm` takes it: one metric in single fields, or queries.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) dimensions: Option<Vec<sdk::Dimension>>,
    pub(super) statistic: Option<sdk::Statistic>,
    pub(super) percentile: Option<String>,
    pub(super) period: Option<i32>,
    pub(super) queries: Option<Vec<sdk::MetricDataQuery>>,
}

pub(super) fn watched(watch: Watch) -> Watched {
    match watch {
        Watch::Metric(metric) => {
            let (statistic, percentile) = statistic(metric.statistic);
            Watched {
                namespace: Some(metric.namespace),
                name: Some(metric.name),
                dimensions: Some(dimensions(metric.dimensions)),
                statistic,
                percentile,
                period: Some(signed(metric.period)),
                queries: None,
            }
        }
        Watch::Expression { expression, metrics } => Watched {
            queries: Some(queries(expression, metrics)),
            ..Watched::default()
        },
    }
}

/// AWS takes its five plain statistics in one field and percentiles in another.
fn statistic(name: String) -> (Option<sdk::Statistic>, Option<String>) {
    match sdk::Statistic::try_parse(&name) {
        Ok(plain) => (Some(plain), None),
        Err(_) => (None, Some(name)),
    }
}

fn queries(expression: String, metrics: BTreeMap<String, Metric>) -> Vec<sdk::MetricDataQuery> {
    let watched = sdk::MetricDataQuery::builder()
        .id(WATCHED)
        .expression(expression)
        .return_data(true)
        .build();
    let input = |(id, metric)| {
        sdk::MetricDataQuery::builder()
            .id(id)
            .metric_stat(metric_stat(metric))
            .return_data(false)
            .build()
    };
    std::iter::once(watched)
        .chain(metrics.into_iter().map(input))
        .collect()
}

pub(super) fn metric_stat(metric: Metric) -> sdk::MetricStat {
    let source = sdk::Metric::builder()
        .namespace(metric.namespace)
        .metric_name(metric.name)
        .set_dimensions(Some(dimensions(metric.dimensions)));
    sdk::MetricStat::builder()
        .metric(source.build())
        .period(signed(metric.period))
        .stat(metric.statistic)
        .build()
}

fn dimensions(dimensions: BTreeMap<String, String>) -> Vec<sdk::Dimension> {
    let dimension = |(name, value)| sdk::Dimension::builder().name(name).value(value).build();
    dimensions.into_iter().map(dimension).collect()
}

/// An alarm as AWS shows it. What AWS leaves out has the value that AWS documents for it.
pub(super) fn read(found: sdk::MetricAlarm) -> Result<Alarm, Fault> {
    let periods = or_zero(found.evaluation_periods);
    let foreign = foreign(&found);
    Ok(Alarm {
        policies: policies(&found),
        notify: notified(&found),
        name: field(found.alarm_name, "AlarmName")?,
        description: or_empty(found.alarm_description),
        comparison: or_empty(found.comparison_operator),
        threshold: found.threshold.unwrap_or_default().into(),
        periods,
        datapoints: found
            .datapoints_to_alarm
            .map_or(periods, |most| or_zero(Some(most))),
        missing_data: found.treat_missing_data.unwrap_or_else(|| "missing".to_owned()),
        watch: match (foreign.is_empty(), found.metrics) {
            (false, _) => Watch::Expression {
                expression: format!("with {}", foreign.join(", ")),
                metrics: BTreeMap::new(),
            },
            (true, Some(queries)) if !queries.is_empty() => expression(queries),
            (true, _) => Watch::Metric(Metric {
                namespace: or_empty(found.namespace),
                name: or_empty(found.metric_name),
                dimensions: named(found.dimensions),
                statistic: found
                    .extended_statistic
                    .unwrap_or_else(|| or_empty(found.statistic)),
                period: or_zero(found.period),
            }),
        },
    })
}

/// Settings that change what an alarm means and that no alarm of ours has.
fn foreign(found: &sdk::MetricAlarm) -> Vec<&'static str> {
    let window = found.evaluation_window.as_ref();
    let settings = [
        (found.unit.is_some(), "Unit"),
        (found.threshold_metric_id.is_some(), "ThresholdMetricId"),
        (found.evaluation_criteria.is_some(), "EvaluationCriteria"),
        (found.warm_up_configuration.is_some(), "WarmUpConfiguration"),
        (
            window.is_some_and(|window| !window.is_sliding_window()),
            "EvaluationWindow",
        ),
        (
            found.evaluate_low_sample_count_percentile.as_deref() == Some("ignore"),
            "EvaluateLowSampleCountPercentile",
        ),
    ];
    let set = settings.into_iter().filter(|(set, _)| *set);
    set.map(|(_, name)| name).collect()
}

/// One expression over plain metrics; anything else is spelled out as an expression that nobody would write.
fn expression(queries: Vec<sdk::MetricDataQuery>) -> Watch {
    let (mut metrics, mut expressions, mut others) = (BTreeMap::new(), Vec::new(), Vec::new());
    for query in queries {
        let (id, returned) = (or_empty(query.id), query.return_data.unwrap_or(true));
        let plain = query.period.is_none() && query.account_id.is_none();
        match (query.metric_stat, query.expression) {
            (Some(stat), None) if !returned && plain && stat.unit.is_none() => {
                metrics.insert(id, metric(stat));
            }
            (None, Some(expression)) if returned && plain => expressions.push(expression),
            (_, other) => others.push(format!("{id} is {}", other.as_deref().unwrap_or("a metric"))),
        }
    }
    expressions.append(&mut others);
    Watch::Expression {
        expression: expressions.join("; "),
        metrics,
    }
}

fn metric(found: sdk::MetricStat) -> Metric {
    let source = found.metric.unwrap_or_else(|| sdk::Metric::builder().build());
    Metric {
        namespace: or_empty(source.namespace),
        name: or_empty(source.metric_name),
        dimensions: named(source.dimensions),
        statistic: or_empty(found.stat),
        period: or_zero(found.period),
    }
}

fn named(dimensions: Option<Vec<sdk::Dimension>>) -> BTreeMap<String, String> {
    let pair = |found: sdk::Dimension| (or_empty(found.name), or_empty(found.value));
    dimensions.unwrap_or_default().into_iter().map(pair).collect()
}

/// What an alarm does when it goes off: those that it tells, and the policies that it runs.
pub(super) fn when_off(alarm: &Alarm) -> Vec<String> {
    alarm.notify.iter().chain(&alarm.policies).cloned().collect()
}

/// The scaling policies that it runs, in order.
fn policies(found: &sdk::MetricAlarm) -> Vec<String> {
    let all = found
        .alarm_actions()
        .iter()
        .filter(|action| is_run(found, action));
    all.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether an action of the state `ALARM` is a scaling policy, and of that state only.
fn is_run(found: &sdk::MetricAlarm, action: &String) -> bool {
    let enabled = found.actions_enabled != Some(false);
    enabled && action.contains(POLICY) && !found.ok_actions().contains(action)
}

/// Who is told when it goes off and when it is over, in order. Whoever is not told both, and is no policy, is marked with
/// what is so.
fn notified(found: &sdk::MetricAlarm) -> Vec<String> {
    let set = |actions: &[String]| actions.iter().cloned().collect::<BTreeSet<_>>();
    let told = found
        .alarm_actions()
        .iter()
        .filter(|action| !is_run(found, action));
    let (off, over) = (told.cloned().collect::<BTreeSet<_>>(), set(found.ok_actions()));
    let disabled = found.actions_enabled == Some(false);
    let mark = |what: &str, who: &String| format!("{what}: {who}");
    let both = off.intersection(&over).map(|who| {
        if disabled {
            mark("disabled", who)
        } else {
            who.clone()
        }
    });
    let only_off = off.difference(&over).map(|who| mark("ALARM only", who));
    let only_over = over.difference(&off).map(|who| mark("OK only", who));
    let no_data = found.insufficient_data_actions().iter();
    let no_data = no_data.map(|who| mark("INSUFFICIENT_DATA", who));
    both.chain(only_off).chain(only_over).chain(no_data).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &str = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/web:policyName/steps";
    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:windlass-dev-web";

    fn cpu(statistic: &str) -> Metric {
        Metric {
            namespace: "AWS/EC2".into(),
            name: "CPUUtilization".into(),
            dimensions: BTreeMap::from([("AutoScalingGroupName".into(), "windlass-dev-web".into())]),
            statistic: statistic.into(),
            period: 60,
        }
    }

    fn ratio() -> Watch {
        Watch::Expression {
            expression: "100 * bad / all".into(),
            metrics: BTreeMap::from([("bad".into(), cpu("Sum")), ("all".into(), cpu("p95"))]),
        }
    }

    fn wanted(watch: Watch) -> Alarm {
        Alarm {
            name: "windlass/dev/web/cpu-out".into(),
            description: "More than 70 percent".into(),
            watch,
            comparison: "GreaterThanThreshold".into(),
            threshold: 70.5.into(),
            periods: 3,
            datapoints: 2,
            missing_data: "notBreaching".into(),
            notify: vec![TOPIC.into()],
            policies: vec![STEPS.into()],
        }
    }

    /// The alarm AWS would show after it was written.
    fn written(alarm: Alarm) -> sdk::MetricAlarm {
        let off = when_off(&alarm);
        let watched = watched(alarm.watch);
        let mut shown = sdk::MetricAlarm::builder()
            .alarm_name(alarm.name)
            .alarm_description(alarm.description)
            .comparison_operator(alarm.comparison.as_str().into())
            .threshold(alarm.threshold.into_inner())
            .evaluation_periods(signed(alarm.periods))
            .datapoints_to_alarm(signed(alarm.datapoints))
            .treat_missing_data(alarm.missing_data)
            .actions_enabled(true)
            .set_alarm_actions(Some(off))
            .set_ok_actions(Some(alarm.notify))
            .build();
        shown.namespace = watched.namespace;
        shown.metric_name = watched.name;
        shown.dimensions = watched.dimensions;
        shown.statistic = watched.statistic;
        shown.extended_statistic = watched.percentile;
        shown.period = watched.period;
        shown.metrics = watched.queries;
        shown
    }

    fn seen(change: impl FnOnce(&mut sdk::MetricAlarm), watch: Watch) -> Option<Alarm> {
        let mut shown = written(wanted(watch));
        change(&mut shown);
        read(shown).ok()
    }

    #[test]
    fn an_alarm_reads_back_as_it_was_written() {
        for watch in [Watch::Metric(cpu("Average")), Watch::Metric(cpu("p95")), ratio()] {
            let alarm = wanted(watch);
            assert_eq!(read(written(alarm.clone())).ok(), Some(alarm));
        }
    }

    #[test]
    fn a_percentile_goes_into_a_field_of_its_own() {
        let plain = watched(Watch::Metric(cpu("Average")));
        assert_eq!(
            (plain.statistic, plain.percentile),
            (Some(sdk::Statistic::Average), None)
        );
        let percentile = watched(Watch::Metric(cpu("p99.9")));
        assert_eq!(
            (percentile.statistic, percentile.percentile.as_deref()),
            (None, Some("p99.9"))
        );
    }

    #[test]
    fn only_the_expression_returns_data() {
        let queries = watched(ratio()).queries.unwrap_or_default();
        let returned: Vec<_> = queries
            .iter()
            .map(|query| (query.id(), query.return_data))
            .collect();
        let expected = [("expression", true), ("all", false), ("bad", false)];
        assert_eq!(returned, expected.map(|(id, data)| (Some(id), Some(data))));
    }

    #[test]
    fn what_an_alarm_leaves_out_has_the_value_that_aws_documents() {
        let bare = |shown: &mut sdk::MetricAlarm| {
            (
                shown.datapoints_to_alarm,
                shown.treat_missing_data,
                shown.actions_enabled,
            ) = (None, None, None);
        };
        let bare = seen(bare, ratio()).map(|alarm| (alarm.datapoints, alarm.missing_data, alarm.notify));
        assert_eq!(bare, Some((3, "missing".to_owned(), vec![TOPIC.to_owned()])));
    }

    #[test]
    fn actions_for_one_state_only_or_switched_off_equal_none_of_ours() {
        let notify = |change: fn(&mut sdk::MetricAlarm)| seen(change, ratio()).map(|alarm| alarm.notify);
        let silent = notify(|shown| shown.actions_enabled = Some(false));
        let marked = [format!("ALARM only: {STEPS}"), format!("disabled: {TOPIC}")];
        assert_eq!(silent.map(BTreeSet::from_iter), Some(BTreeSet::from(marked)));
        let half = notify(|shown| shown.ok_actions = None);
        assert_eq!(half, Some(vec![format!("ALARM only: {TOPIC}")]));
        let half = notify(|shown| shown.alarm_actions = None);
        assert_eq!(half, Some(vec![format!("OK only: {TOPIC}")]));
        let more = notify(|shown| shown.insufficient_data_actions = Some(vec!["arn:x".into()]));
        assert_eq!(
            more,
            Some(vec![TOPIC.to_owned(), "INSUFFICIENT_DATA: arn:x".to_owned()])
        );
    }

    #[test]
    fn an_alarm_with_a_setting_we_never_use_says_so_and_equals_none_of_ours() {
        let watch = |change: fn(&mut sdk::MetricAlarm)| seen(change, ratio()).map(|alarm| alarm.watch);
        let with = |name: &str| {
            let expression = format!("with {name}");
            Some(Watch::Expression {
                expression,
                metrics: BTreeMap::new(),
            })
        };
        let unit = watch(|shown| shown.unit = Some(sdk::StandardUnit::Percent));
        assert_eq!(unit, with("Unit"));
        let band = watch(|shown| {
            shown.threshold_metric_id = Some("band".into());
            shown.threshold = None;
        });
        assert_eq!(band, with("ThresholdMetricId"));
    }

    #[test]
    fn queries_of_another_form_equal_none_of_ours() {
        let ours = ratio();
        let changes: [fn(&mut Vec<sdk::MetricDataQuery>); 5] = [
            |queries| queries.push(queries[0].clone()),
            |queries| queries[1].return_data = Some(true),
            |queries| queries[1].account_id = Some("210987654321".into()),
            |queries| queries[0].period = Some(300),
            |queries| drop(queries.remove(0)),
        ];
        for change in changes {
            let mut queries = watched(ours.clone()).queries.unwrap_or_default();
            change(&mut queries);
            assert_ne!(expression(queries), ours);
        }
    }
}

//! Alarms: those that the scaling metrics ask for, the backstop's, and those that a web service needs.
//!
//! Scaling alarms tell nobody but EventBridge: deciding is the scaler's. The backstop's runs its policy. The others, wanted where somebody is to be
//! told, go to the topic. Writing an alarm again is how it is changed (rule 2), so that a different threshold needs no
//! more than the same call.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordered_float::OrderedFloat;
use serde_json::json;
use windlass_calls::cloudwatch::{
    self, Alarm as Wanted, DeleteAlarms, DescribeAlarms, Metric, PutMetricAlarm, Response as Cloudwatch,
    Watch,
};
use windlass_calls::{Request, Response};
use windlass_spec::{Breach, CustomMetric, Measure};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// An alarm. Ids: `alarm/cpu-out`, `alarm/cpu-in`, `alarm/backstop`, `alarm/5xx-rate`, `alarm/no-healthy-host`,
/// `alarm/latency`.
pub struct Alarm;

/// Seconds of one period: instances and load balancers report every minute (rule 3).
const PERIOD: u32 = 60;
/// The alarm of the group's own policy: what it is called.
pub const BACKSTOP: &str = "backstop";
/// Processor use in percent at which instances are about to be overrun.
const OVERRUN_PERCENT: f64 = 90.0;
/// Minutes in a row of it: long enough for the scaler to have answered.
const OVERRUN_MINUTES: u32 = 5;
/// The alarms of a web service: what they are called.
const SERVICE: [&str; 3] = ["5xx-rate", "no-healthy-host", "latency"];
/// Share of failed requests that is trouble, in percent.
const FAILED_PERCENT: f64 = 5.0;
/// Time to answer that is trouble for one request in twenty, in seconds.
const SLOW_SECONDS: f64 = 2.0;

/// Whether nothing is told of a measure where there is nothing: a load balancer without requests has no metrics.
#[must_use]
pub fn is_silent_at_rest(measure: &Measure) -> bool {
    matches!(measure, Measure::RequestsPerTarget | Measure::TargetResponseTime)
}

/// A measure and its unit, for people.
fn in_words(measure: &Measure) -> (Cow<'_, str>, &'static str) {
    match measure {
        Measure::Cpu => ("average CPU".into(), " %"),
        Measure::RequestsPerTarget => ("requests of an instance in a minute".into(), ""),
        Measure::NetworkIn => ("bytes that an instance receives in a minute".into(), ""),
        Measure::NetworkOut => ("bytes that an instance sends in a minute".into(), ""),
        Measure::Memory => ("average memory in use".into(), " %"),
        Measure::TargetResponseTime => ("the time to answer".into(), " s"),
        Measure::Custom(metric) => (format!("{} of {}", metric.name, metric.namespace).into(), ""),
    }
}

/// What the metrics of a group are found by.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name of the group.
    pub group: &'a str,
    /// ARN of the target group that it registers its instances with.
    pub target_group: &'a str,
    /// ARN of the load balancer before them.
    pub load_balancer: &'a str,
}

impl<'a> Source<'a> {
    /// For what the instances of a group themselves report.
    #[must_use]
    pub fn of_group(group: &'a str) -> Self {
        Self {
            group,
            target_group: "",
            load_balancer: "",
        }
    }
}

/// The metric of a measure, on the average of the instances of a group: what alarms watch, and the scaler reads.
#[must_use]
pub fn metric(measure: &Measure, source: Source) -> Metric {
    let of_group = || BTreeMap::from([("AutoScalingGroupName".to_owned(), source.group.to_owned())]);
    let (namespace, name, dimensions, statistic) = match measure {
        Measure::Cpu => ("AWS/EC2", "CPUUtilization", of_group(), "Average"),
        Measure::NetworkIn => ("AWS/EC2", "NetworkIn", of_group(), "Average"),
        Measure::NetworkOut => ("AWS/EC2", "NetworkOut", of_group(), "Average"),
        // Rule 4: there is one of a group because its agents were told to add it up.
        Measure::Memory => (names::AGENT_NAMESPACE, "mem_used_percent", of_group(), "Average"),
        // Its sum is the average over the targets, and no other statistic makes sense (rule 5).
        Measure::RequestsPerTarget => {
            let of_targets = targets_dimension(source.target_group);
            ("AWS/ApplicationELB", "RequestCountPerTarget", of_targets, "Sum")
        }
        Measure::TargetResponseTime => {
            let mut both = targets_dimension(source.target_group);
            both.extend(balancer_dimension(source.load_balancer));
            ("AWS/ApplicationELB", "TargetResponseTime", both, "Average")
        }
        Measure::Custom(metric) => {
            let CustomMetric {
                namespace,
                name,
                dimensions,
                statistic,
            } = metric;
            (
                namespace.as_str(),
                name.as_str(),
                dimensions.clone(),
                statistic.as_str(),
            )
        }
    };
    Metric {
        namespace: namespace.into(),
        name: name.into(),
        dimensions,
        statistic: statistic.into(),
        period: PERIOD,
    }
}

impl Kind for Alarm {
    type Seen = Vec<Wanted>;
    const NAME: &'static str = "alarm";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let scaling = cx.spec.scaling.metrics.iter().flat_map(|metric| {
            let word = metric.measure.word();
            let shrink = metric.goal.scale_in().map(|_| format!("{word}-in"));
            [format!("{word}-out")].into_iter().chain(shrink)
        });
        let backstop = super::scaling_policy::is_wanted(cx).then(|| BACKSTOP.to_owned());
        let told = !cx.spec.monitoring.notify.is_empty();
        let service = SERVICE.into_iter().filter(|_| told).map(str::to_owned);
        Ok(scaling
            .chain(backstop)
            .chain(service)
            .map(|part| Id::of(Self::NAME, part))
            .collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if Self::wants(cx, known)?.is_empty() && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        if !cx.destroying {
            served_once(cx, known)?;
        }
        let prefix = names::alarms(&cx.spec.stack);
        Ok(vec![DescribeAlarms { prefix }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Cloudwatch(Cloudwatch::DescribeAlarms(alarms))) => seen.clone_from(alarms),
            (Request::Cloudwatch(cloudwatch::Request::PutMetricAlarm(put)), _) => {
                seen.retain(|alarm| alarm.name != put.alarm.name);
                seen.push(put.alarm.as_ref().clone());
            }
            (Request::Cloudwatch(cloudwatch::Request::DeleteAlarms(delete)), _) => {
                seen.retain(|alarm| !delete.names.contains(&alarm.name));
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        served_once(cx, known)?;
        let wanted = match scaling(cx, id, known)? {
            Some(alarm) => alarm,
            None if id.part() == BACKSTOP => backstop(cx, known)?,
            None => service(cx, id, known)?,
        };
        let outputs = Outputs::id(&wanted.name);
        let there = seen.iter().find(|alarm| alarm.name == wanted.name);
        let put = |alarm: Wanted| PutMetricAlarm {
            alarm: Box::new(alarm),
            tags: names::tags(cx.spec, id),
        };
        Ok(match there {
            Some(alarm) if *alarm == wanted => Next::InSync(outputs),
            Some(alarm) => {
                let now = json!({ "alarm": alarm });
                Next::update(put(wanted), "the alarm is not as the spec says", outputs).over(now)
            }
            None => {
                let reason = wanted.description.clone();
                Next::create(put(wanted), reason)
            }
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let prefix = names::alarms(&cx.spec.stack);
        let own = seen
            .iter()
            .filter_map(|alarm| Some((alarm.name.strip_prefix(&prefix)?, &alarm.name)));
        own.map(|(part, name)| Present::new(Id::of(Self::NAME, part), name))
            .collect()
    }

    /// All alarms of a stack that is being destroyed go in one call (rule 51).
    fn remove(cx: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let names = if cx.destroying {
            let own = Self::present(cx, seen).into_iter();
            own.map(|alarm| alarm.physical).take(AT_ONCE).collect()
        } else {
            vec![it.physical.clone()]
        };
        Removal::send(DeleteAlarms { names }, "the alarm is no longer wanted")
    }
}

/// Most alarms that one call deletes (rule 51).
const AT_ONCE: usize = 100;

/// Alarms come last: while a stack is created nothing is healthy, and nobody should be called for it.
fn served_once(cx: &Context, known: &Known) -> Result<(), Blocked> {
    let any_recorded = cx.records.keys().any(|id| id.kind() == Alarm::NAME);
    if !any_recorded {
        known.ready(&Id::only("targets"))?;
    }
    Ok(())
}

/// One threshold of a scaling metric.
struct Threshold<'a> {
    /// The alarm's own part of its name: `cpu-out`.
    part: String,
    measure: &'a Measure,
    breach: Breach,
    /// Passing it calls for more instances, not for fewer.
    grows: bool,
}

/// The thresholds of all scaling metrics.
fn thresholds<'a>(cx: &'a Context) -> impl Iterator<Item = Threshold<'a>> + 'a {
    cx.spec.scaling.metrics.iter().flat_map(|metric| {
        let threshold = |step: &str, breach: Breach, grows: bool| Threshold {
            part: format!("{}-{step}", metric.measure.word()),
            measure: &metric.measure,
            breach,
            grows,
        };
        let out = threshold("out", metric.goal.scale_out(), true);
        let shrink = metric
            .goal
            .scale_in()
            .map(|breach| threshold("in", breach, false));
        std::iter::once(out).chain(shrink)
    })
}

/// The alarm of a scaling metric; `None` if the id is not one's.
fn scaling(cx: &Context, id: &Id, known: &Known) -> Result<Option<Wanted>, Blocked> {
    let Some(Threshold {
        part,
        measure,
        breach,
        grows,
    }) = thresholds(cx).find(|threshold| threshold.part == id.part())
    else {
        return Ok(None);
    };
    let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
    let targets = known.exists(&Id::only("target-group"))?.get("arn");
    let balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
    let source = Source {
        group: &group,
        target_group: &targets,
        load_balancer: &balancer,
    };
    let (what, unit) = in_words(measure);
    let (comparison, side, step) = if grows {
        ("GreaterThanThreshold", "above", "out")
    } else {
        ("LessThanThreshold", "below", "in")
    };
    let at_rest = !grows && is_silent_at_rest(measure);
    let missing_data = if at_rest { "breaching" } else { "missing" };
    Ok(Some(Wanted {
        name: names::alarm(&cx.spec.stack, &part),
        description: format!(
            "scale {step}: {what} {side} {}{unit} for {} minutes",
            breach.threshold, breach.periods
        ),
        watch: Watch::Metric(metric(measure, source)),
        comparison: comparison.into(),
        threshold: breach.threshold,
        periods: breach.periods,
        datapoints: breach.periods,
        missing_data: missing_data.into(),
        notify: vec![],
        policies: vec![],
    }))
}

/// The alarm that has the group's own policy add instances, whichever measure the scaler goes by.
fn backstop(cx: &Context, known: &Known) -> Result<Wanted, Blocked> {
    // A new group's policy has another ARN, once it is written.
    let policy = known.ready(&Id::of("scaling-policy", BACKSTOP))?.get("arn");
    let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
    Ok(Wanted {
        name: names::alarm(&cx.spec.stack, BACKSTOP),
        description: format!(
            "backstop: average CPU above {OVERRUN_PERCENT} % for {OVERRUN_MINUTES} minutes, AWS adds instances by itself"
        ),
        watch: Watch::Metric(metric(&Measure::Cpu, Source::of_group(&group))),
        comparison: "GreaterThanThreshold".into(),
        threshold: OrderedFloat(OVERRUN_PERCENT),
        periods: OVERRUN_MINUTES,
        datapoints: OVERRUN_MINUTES,
        missing_data: "missing".into(),
        notify: vec![],
        policies: vec![policy],
    })
}

/// An alarm of the web service.
fn service(cx: &Context, id: &Id, known: &Known) -> Result<Wanted, Blocked> {
    let topic = known.exists(&Id::only("topic"))?.get("arn");
    let balancer = load_balancer_dimension(known)?;
    let metric = |name: &str, statistic: &str, dimensions: &BTreeMap<String, String>| Metric {
        namespace: "AWS/ApplicationELB".into(),
        name: name.into(),
        dimensions: dimensions.clone(),
        statistic: statistic.into(),
        period: PERIOD,
    };
    let (watch, description, comparison, threshold, (periods, datapoints), missing_data) = match id.part() {
        "5xx-rate" => (
            Watch::Expression {
                expression: "100 * (FILL(app, 0) + FILL(balancer, 0)) / requests".into(),
                metrics: BTreeMap::from([
                    (
                        "app".into(),
                        metric("HTTPCode_Target_5XX_Count", "Sum", &balancer),
                    ),
                    (
                        "balancer".into(),
                        metric("HTTPCode_ELB_5XX_Count", "Sum", &balancer),
                    ),
                    ("requests".into(), metric("RequestCount", "Sum", &balancer)),
                ]),
            },
            format!("more than {FAILED_PERCENT} % of the requests fail with a 5xx"),
            "GreaterThanThreshold",
            FAILED_PERCENT,
            (5, 3),
            "notBreaching",
        ),
        "latency" => (
            Watch::Metric(metric("TargetResponseTime", "p95", &balancer)),
            format!("one request in twenty takes longer than {SLOW_SECONDS} s"),
            "GreaterThanThreshold",
            SLOW_SECONDS,
            (5, 3),
            "notBreaching",
        ),
        // Without a registered target the metric is missing, which is as bad.
        _ => {
            let mut dimensions = balancer;
            dimensions.extend(target_group_dimension(known)?);
            (
                Watch::Metric(metric("HealthyHostCount", "Maximum", &dimensions)),
                "no instance is healthy: every request fails".into(),
                "LessThanThreshold",
                1.0,
                (2, 2),
                "breaching",
            )
        }
    };
    Ok(Wanted {
        name: names::alarm(&cx.spec.stack, id.part()),
        description,
        watch,
        comparison: comparison.into(),
        threshold: OrderedFloat(threshold),
        periods,
        datapoints,
        missing_data: missing_data.into(),
        notify: vec![topic],
        policies: vec![],
    })
}

/// How metrics name the load balancer: `app/<name>/<id>`.
pub(super) fn load_balancer_dimension(known: &Known) -> Result<BTreeMap<String, String>, Blocked> {
    Ok(balancer_dimension(
        &known.exists(&Id::only("load-balancer"))?.get("arn"),
    ))
}

fn balancer_dimension(arn: &str) -> BTreeMap<String, String> {
    let name = arn.split_once(":loadbalancer/").map_or(arn, |(_, name)| name);
    BTreeMap::from([("LoadBalancer".to_owned(), name.to_owned())])
}

/// How metrics name the target group: `targetgroup/<name>/<id>`.
pub(super) fn target_group_dimension(known: &Known) -> Result<BTreeMap<String, String>, Blocked> {
    Ok(targets_dimension(
        &known.exists(&Id::only("target-group"))?.get("arn"),
    ))
}

fn targets_dimension(arn: &str) -> BTreeMap<String, String> {
    let name = arn.rsplit(':').next().unwrap_or_default();
    BTreeMap::from([("TargetGroup".to_owned(), name.to_owned())])
}

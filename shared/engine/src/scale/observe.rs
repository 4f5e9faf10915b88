//! What a decision is made from: the group's capacity and its metrics.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join;
use jiff::{SignedDuration, Timestamp};
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group, Instance};
use windlass_calls::cloudwatch::{Datapoint, GetMetricData, Metric, Points};
use windlass_calls::elb::DescribeTargetHealth;
use windlass_calls::{CallError, Class};
use windlass_planner::kinds::alarm::{self, Source};
use windlass_scaling::{Fleet, Observation, Point, Policy};
use windlass_spec::{Measure, Scaling as Wanted};

use super::document::Scaling;
use crate::port::Port;

/// Seconds of a period.
const MINUTE: i64 = 60;
/// Minutes that are asked for at least.
const MINUTES: u32 = 15;
/// Minutes more than a threshold's periods: metrics are late.
const LATE: u32 = 5;
/// From the beginning of a minute until whoever has not told of it will not, in seconds.
const SETTLED: i64 = 180;
/// The name, in the question, of how many instances a metric was measured on.
const INSTANCES: &str = "instances";

/// Where to look.
pub(super) struct Place<'a> {
    /// Group name.
    pub(super) group: &'a str,
    /// ARN of the target group that it registers its instances with.
    pub(super) targets: &'a str,
    /// ARN of the load balancer before them.
    pub(super) balancer: &'a str,
    /// What is wanted.
    pub(super) wanted: &'a Wanted,
    /// The same, for the decision.
    pub(super) policy: &'a Policy,
}

impl<'a> Place<'a> {
    fn source(&self) -> Source<'a> {
        Source {
            group: self.group,
            target_group: self.targets,
            load_balancer: self.balancer,
        }
    }
}

/// What was seen of a group.
pub(super) struct Seen {
    pub(super) group: Group,
    /// Instances that the load balancer finds healthy.
    healthy: BTreeSet<String>,
    metrics: Points<Datapoint>,
}

/// Looks at a group: at all metrics in one call, at what the load balancer thinks of its instances, and last at the group
/// itself, so that as little as possible can change between that and asking for another capacity. `None` if it is gone.
pub(super) async fn look<P: Port>(
    port: &P,
    place: &Place<'_>,
    now: Timestamp,
) -> Result<Option<Seen>, CallError> {
    let target_group = place.targets.to_owned();
    let questions = questions(place, now);
    let (metrics, health) = join(
        port.call(questions),
        port.call(DescribeTargetHealth { target_group }),
    )
    .await;
    let names = vec![place.group.to_owned()];
    let groups = port.call(DescribeAutoScalingGroups { names }).await?;
    let health = match health {
        // Another one took its place: nobody is known to be healthy, and nobody is taken away.
        Err(error) if error.class == Class::Gone => vec![],
        health => health?,
    };
    let healthy = health.into_iter().filter(|target| target.state == "healthy");
    let healthy = healthy.map(|target| target.target).collect();
    let metrics = metrics?;
    Ok(groups.into_iter().next().map(|group| Seen {
        group,
        healthy,
        metrics,
    }))
}

/// All metrics in one question: whole minutes only.
fn questions(place: &Place, now: Timestamp) -> GetMetricData {
    let to = now.as_second().div_euclid(MINUTE) * MINUTE;
    let periods = place.wanted.metrics.iter().flat_map(|metric| {
        let shrink = metric.goal.scale_in().map(|breach| breach.periods);
        [Some(metric.goal.scale_out().periods), shrink]
            .into_iter()
            .flatten()
    });
    let stabilization = place.wanted.behavior.stabilization.div_ceil(60);
    let longest = periods.max().unwrap_or_default().max(stabilization);
    let minutes = longest.saturating_add(LATE).max(MINUTES);
    let asked = place.policy.metrics.iter().zip(&place.wanted.metrics);
    let asked =
        asked.map(|(named, metric)| (named.name.clone(), alarm::metric(&metric.measure, place.source())));
    // Each instance reports its processor use once a minute (rule 3): how often it was is how many there were.
    let count = Metric {
        statistic: "SampleCount".into(),
        ..alarm::metric(&Measure::Cpu, place.source())
    };
    GetMetricData {
        metrics: asked.chain([(INSTANCES.to_owned(), count)]).collect(),
        from: to - i64::from(minutes) * MINUTE,
        to,
    }
}

impl Seen {
    /// What the decision is made from. Who is healthy is noted.
    pub(super) fn observation(&self, place: &Place, document: &mut Scaling, now: Timestamp) -> Observation {
        let settings = &self.group.settings;
        let warm_up = SignedDuration::from_secs(i64::from(settings.warmup));
        let serves = |instance: &&Instance| {
            instance.lifecycle_state == "InService"
                && instance.health == "Healthy"
                && self.healthy.contains(&instance.id)
        };
        let serving = self.group.instances.iter().filter(serves);
        let serving: Vec<&str> = serving.map(|instance| instance.id.as_str()).collect();
        document.note_healthy(&serving, now, warm_up);
        let stays = |state: &str| state == "InService" || state.starts_with("Pending");
        let live = self
            .group
            .instances
            .iter()
            .filter(|instance| stays(&instance.lifecycle_state));
        let live = u32::try_from(live.count()).unwrap_or(u32::MAX);
        let (ready, desired) = (document.ready(now, warm_up), self.group.desired);
        Observation {
            at: now,
            fleet: Fleet {
                min: settings.min,
                max: settings.max,
                desired,
                ready,
                // What was asked for and is not launched yet is on its way as well.
                coming: live.max(desired).saturating_sub(ready),
            },
            metrics: self.points(place, serving.len(), now),
        }
    }

    /// The points of each metric, with the number of instances that they were measured on; so many as there are now, where
    /// that is not known.
    fn points(&self, place: &Place, serving: usize, now: Timestamp) -> BTreeMap<String, Vec<Point>> {
        let serving = f64::from(u32::try_from(serving).unwrap_or(u32::MAX));
        let counts = self.metrics.get(INSTANCES);
        let counts: BTreeMap<i64, f64> = counts
            .into_iter()
            .flatten()
            .map(|point| (point.at, point.value.into_inner()))
            .collect();
        let metrics = place.policy.metrics.iter().zip(&place.wanted.metrics);
        let points = metrics.map(|(named, metric)| {
            let told = self.metrics.get(&named.name).into_iter().flatten();
            let mut values: BTreeMap<i64, f64> =
                told.map(|point| (point.at, point.value.into_inner())).collect();
            if alarm::is_silent_at_rest(&metric.measure) {
                let settled = counts.keys().filter(|at| now.as_second() - *at >= SETTLED);
                settled.for_each(|at| {
                    values.entry(*at).or_insert(0.0);
                });
            }
            let points = values.into_iter().filter_map(|(at, value)| {
                Some(Point {
                    at: Timestamp::from_second(at).ok()?,
                    value,
                    instances: counts.get(&at).copied().unwrap_or(serving),
                })
            });
            (named.name.clone(), points.collect())
        });
        points.collect()
    }
}

//! What one metric asks for.

use jiff::{SignedDuration, Timestamp};
use ordered_float::OrderedFloat;
use serde::{Deserialize, Serialize};

use crate::policy::{Behavior, Breach, Goal, Metric};
use crate::{Observation, Point};

/// Seconds of a period: metrics are averages over minutes.
const MINUTE: i64 = 60;
/// A point whose minute ended longer ago says nothing of now.
const STALE: SignedDuration = SignedDuration::from_mins(3);
/// A metric so near to its ceiling says no more how much too much it is.
const SATURATED: f64 = 0.95;
/// What is assumed of the load then, as a multiple of what is seen.
const HIDDEN: f64 = 1.5;
/// Minutes that tell which way the load goes.
const TREND: usize = 4;
/// Load is expected to become at most so many times what it is, before new instances serve.
const GROWTH: f64 = 2.0;
/// Points that are looked at beyond those of a threshold, where it is asked whether an alarm may go on.
const SPARE: usize = 2;
/// Far above any group: what a wild value asks for is cut to it.
const MOST: f64 = 100_000.0;

/// A metric's wish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// The metric.
    pub metric: String,
    /// What it asks for.
    pub want: Want,
    /// Instances that would do, by its newest points; `None` if it cannot be told.
    pub needed: Option<u32>,
    /// The most that any minute of the stabilization needed.
    #[serde(default)]
    pub lately: u32,
    /// Its newest value, if that is a number.
    pub value: Option<f64>,
    /// The minute of that.
    pub at: Option<Timestamp>,
    /// Which of its thresholds any of its newest values are beyond: an alarm of it may go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
}

/// Which threshold a value is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Beyond {
    /// Above the upper one.
    Above,
    /// Below the lower one.
    Below,
    /// Some are above the upper one, and others below the lower one.
    Both,
}

/// What a metric asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Want {
    /// It is missing, stale or not a number: nothing may be removed.
    Unknown,
    /// As many as there are, or are on their way.
    Hold,
    /// More: so many.
    Out(u32),
    /// Fewer: so many would do.
    In(u32),
    /// Whatever the others want: it has no lower threshold.
    Abstain,
}

/// What a metric wishes.
pub(crate) fn wish(metric: &Metric, observation: &Observation, behavior: &Behavior) -> Wish {
    let warm_up = behavior.warm_up;
    let points = observation
        .metrics
        .get(&metric.name)
        .map_or(&[][..], Vec::as_slice);
    let newest = points.last().filter(|point| is_fresh(point, observation.at));
    let Some(newest) = newest else {
        return Wish {
            metric: metric.name.clone(),
            want: Want::Unknown,
            needed: None,
            lately: 0,
            value: points
                .last()
                .map(|point| point.value)
                .filter(|value| value.is_finite()),
            at: points.last().map(|point| point.at),
            beyond: beyond(&metric.goal, points),
        };
    };
    let run = in_a_row(points);
    let desired = observation.fleet.desired;
    let (aim, out, in_) = thresholds(&metric.goal);
    let enough = |total: f64| instances(metric, total, newest.instances, aim);
    let is_above = passed(run, out.periods, |value| value > out.threshold);
    let is_below = in_.filter(|in_| passed(run, in_.periods, |value| value < in_.threshold));
    let want = if is_above {
        match enough(expected(metric, run, observation.at, warm_up)) {
            more if more > desired => Want::Out(more),
            _ => Want::Hold,
        }
    } else if let Some(below) = is_below {
        let most = last(run, below.periods)
            .iter()
            .map(Point::total)
            .fold(0.0, f64::max);
        match enough(most) {
            fewer if fewer < desired => Want::In(fewer.max(1)),
            _ => Want::Hold,
        }
    } else if in_.is_none() {
        Want::Abstain
    } else {
        Want::Hold
    };
    Wish {
        metric: metric.name.clone(),
        want,
        needed: Some(enough(newest.total())),
        lately: lately(metric, aim, points, observation.at - behavior.stabilization),
        value: Some(newest.value),
        at: Some(newest.at),
        beyond: beyond(&metric.goal, points),
    }
}

/// What a metric should be, at which value it asks for more, and at which for fewer. With two thresholds just so many are
/// enough that the upper one is not passed: fewer instances than that are too few, and more are idle.
fn thresholds(goal: &Goal) -> (f64, Breach, Option<Breach>) {
    match *goal {
        Goal::Between { out, in_ } => (out.threshold, out, in_),
        Goal::Target(target) => {
            let target = OrderedFloat(target);
            let goal = windlass_spec::Goal::Target { target };
            (
                goal.aim(),
                goal.scale_out().into(),
                goal.scale_in().map(Breach::from),
            )
        }
    }
}

/// Which thresholds any of the newest points are beyond; of as many as an alarm looks at, and two more. The newest one may not
/// be whole yet, or only be late, and an alarm that goes on says nothing when it is.
fn beyond(goal: &Goal, points: &[Point]) -> Option<Beyond> {
    let (_, out, in_) = thresholds(goal);
    let newest = |periods: u32| {
        let count = usize::try_from(periods)
            .unwrap_or(usize::MAX)
            .saturating_add(SPARE);
        points.iter().rev().filter(|point| point.is_number()).take(count)
    };
    let above = newest(out.periods).any(|point| point.value > out.threshold);
    let below = in_.is_some_and(|in_| newest(in_.periods).any(|point| point.value < in_.threshold));
    match (above, below) {
        (true, true) => Some(Beyond::Both),
        (true, false) => Some(Beyond::Above),
        (false, true) => Some(Beyond::Below),
        (false, false) => None,
    }
}

/// The most that any of the minutes from then on needed.
fn lately(metric: &Metric, aim: f64, points: &[Point], since: Timestamp) -> u32 {
    let recent = points
        .iter()
        .filter(|point| point.at >= since && point.is_number());
    recent
        .map(|point| instances(metric, point.total(), point.instances, aim))
        .max()
        .unwrap_or_default()
}

fn is_fresh(point: &Point, now: Timestamp) -> bool {
    let ended = now.duration_since(point.at) - SignedDuration::from_secs(MINUTE);
    point.is_number() && ended <= STALE && now >= point.at
}

/// The newest points without a gap, and of numbers only.
fn in_a_row(points: &[Point]) -> &[Point] {
    let follows = |pair: &[Point]| {
        pair[0].is_number() && pair[1].at.duration_since(pair[0].at) == SignedDuration::from_secs(MINUTE)
    };
    let broken = points.windows(2).rposition(|pair| !follows(pair));
    &points[broken.map_or(0, |at| at + 1)..]
}

/// The newest so many of them.
fn last(run: &[Point], periods: u32) -> &[Point] {
    let periods = usize::try_from(periods).unwrap_or(usize::MAX);
    &run[run.len().saturating_sub(periods)..]
}

/// Whether the newest so many points are all so.
fn passed(run: &[Point], periods: u32, is_so: impl Fn(f64) -> bool) -> bool {
    let newest = last(run, periods);
    let all = newest.len() == usize::try_from(periods).unwrap_or(usize::MAX);
    all && newest.iter().all(|point| is_so(point.value))
}

/// The load that new instances will meet: what it was, and where it goes until they serve.
fn expected(metric: &Metric, run: &[Point], now: Timestamp, warm_up: SignedDuration) -> f64 {
    let trend = &run[run.len().saturating_sub(TREND)..];
    let (Some(first), Some(newest)) = (trend.first(), trend.last()) else {
        return 0.0;
    };
    let is_hidden = metric
        .ceiling
        .is_some_and(|ceiling| newest.value >= ceiling * SATURATED);
    let seen = newest.total() * if is_hidden { HIDDEN } else { 1.0 };
    let minutes = |duration: SignedDuration| duration.as_secs_f64() / 60.0;
    let over = minutes(newest.at.duration_since(first.at));
    if over <= 0.0 {
        return seen;
    }
    let slope = (newest.total() - first.total()).max(0.0) / over;
    // The middle of its minute is when a point was measured.
    let until = minutes(now.duration_since(newest.at) + warm_up) - 0.5;
    (seen + slope * until).min(newest.total() * GROWTH)
}

/// So many instances that each has at most so much of it; for a metric that does not follow their number, not too many more or
/// fewer than those that it was measured on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is cut to what a group can have"
)]
fn instances(metric: &Metric, total: f64, measured_on: f64, each: f64) -> u32 {
    let wanted = total / each;
    let wanted = match metric.stride {
        Some(stride) if !wanted.is_nan() => wanted.clamp(measured_on / stride, measured_on * stride),
        _ => wanted,
    };
    // What is above a whole number by less than a rounding error is that number.
    let wanted = (wanted - 1e-9).ceil();
    if wanted.is_nan() {
        0
    } else {
        wanted.clamp(0.0, MOST) as u32
    }
}

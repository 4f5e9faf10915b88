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
/// From then on its minute is late: it may be that nothing more is heard.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// Minutes in a row in which a load rises until it counts as one that does.
const RISES: usize = 2;
/// The same for a load that nothing is heard of any more.
const UNHEARD_RISES: usize = 3;
/// Such a load is followed to at most so many times what it was last.
const UNHEARD: f64 = 1.5;
/// What is ordered brings a metric to the middle between its thresholds, and to no less than this part of the upper one: a
/// group that is as large as it must be has nothing to spare for the minutes in which the next ones boot.
const ROOM: f64 = 0.7;
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
    /// Which of its thresholds any of its newest values are beyond: an alarm of it may go on. Also `above` for one that rose and is
    /// late, or not heard of any more.
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

/// Whether nothing is heard of a metric.
pub(crate) fn is_silent(metric: &Metric, observation: &Observation) -> bool {
    let newest = points(metric, observation).last();
    !newest.is_some_and(|point| is_fresh(point, observation.at))
}

/// What a metric wishes. `alone` says that no metric is heard of at all.
pub(crate) fn wish(metric: &Metric, observation: &Observation, behavior: &Behavior, alone: bool) -> Wish {
    let warm_up = behavior.warm_up;
    let points = points(metric, observation);
    let desired = observation.fleet.desired;
    let newest = points.last().filter(|point| is_fresh(point, observation.at));
    let Some(newest) = newest else {
        let unheard = alone.then(|| unheard(metric, points, observation.at, warm_up));
        let unheard = unheard.flatten();
        return Wish {
            metric: metric.name.clone(),
            want: match unheard {
                // Nothing would tell that it is not enough: there is room from the start.
                Some(ref order) if order.with_room > desired => Want::Out(order.with_room),
                _ => Want::Unknown,
            },
            needed: None,
            lately: 0,
            value: points
                .last()
                .map(|point| point.value)
                .filter(|value| value.is_finite()),
            at: points.last().map(|point| point.at),
            beyond: unheard
                .map(|_| Beyond::Above)
                .or_else(|| beyond(&metric.goal, points)),
        };
    };
    let run = in_a_row(points);
    let Band { aim, out, in_, .. } = Band::of(&metric.goal);
    let enough = |total: f64| instances(metric, total, newest.instances, aim);
    let is_above = passed(run, out.periods, |value| value > out.threshold);
    let is_below = in_.filter(|in_| passed(run, in_.periods, |value| value < in_.threshold));
    let want = if is_above {
        order(metric, run, observation.at, warm_up, GROWTH)
            .filter(|order| order.needed > desired)
            .map_or(Want::Hold, |order| Want::Out(order.with_room))
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
        beyond: beyond(&metric.goal, points).or_else(|| {
            let is_followed = age(newest, observation.at) >= LATE && may_be_followed(metric, run);
            is_followed.then_some(Beyond::Above)
        }),
    }
}

fn points<'a>(metric: &Metric, observation: &'a Observation) -> &'a [Point] {
    let found = observation.metrics.get(&metric.name);
    found.map_or(&[][..], Vec::as_slice)
}

/// Instances for a load that is on its way up.
struct Order {
    /// So many carry it.
    needed: u32,
    /// So many have something to spare.
    with_room: u32,
}

/// What the load that new instances will meet asks for, if it is not more than so many times what it was last; `None` if nothing was
/// measured.
fn order(
    metric: &Metric,
    run: &[Point],
    now: Timestamp,
    warm_up: SignedDuration,
    growth: f64,
) -> Option<Order> {
    let newest = run.last()?;
    let Band { aim, room, .. } = Band::of(&metric.goal);
    let load = expected(metric, run, now, warm_up).min(newest.total() * growth);
    Some(Order {
        needed: instances(metric, load, newest.instances, aim),
        with_room: instances(metric, load, newest.instances, room),
    })
}

/// The same for a load that rose until nothing was heard of it any more: it is taken to go on rising, for a while. `None` if it
/// did not rise, or its metric does not follow the number of instances.
fn unheard(metric: &Metric, points: &[Point], now: Timestamp, warm_up: SignedDuration) -> Option<Order> {
    let last = points.iter().rposition(Point::is_number)?;
    let run = in_a_row(&points[..=last]);
    if !may_be_followed(metric, run) {
        return None;
    }
    order(metric, run, now, warm_up, UNHEARD)
}

/// Whether a load rises, so that it may be followed if nothing is heard of it any more.
fn may_be_followed(metric: &Metric, run: &[Point]) -> bool {
    metric.stride.is_none() && rise(run, UNHEARD_RISES) > 0.0
}

/// Where a metric should be.
struct Band {
    /// Just so many instances are enough that a metric is not above this: fewer are too few, and more are idle.
    aim: f64,
    /// Where it is brought to by what is ordered.
    room: f64,
    /// At which value it asks for more.
    out: Breach,
    /// At which for fewer.
    in_: Option<Breach>,
}

impl Band {
    fn of(goal: &Goal) -> Self {
        match *goal {
            Goal::Between { out, in_ } => {
                let middle = in_.map_or(out.threshold, |in_| f64::midpoint(in_.threshold, out.threshold));
                Self {
                    aim: out.threshold,
                    room: middle.max(out.threshold * ROOM),
                    out,
                    in_,
                }
            }
            Goal::Target(target) => {
                let target = OrderedFloat(target);
                let goal = windlass_spec::Goal::Target { target };
                Self {
                    aim: goal.aim(),
                    room: goal.aim(),
                    out: goal.scale_out().into(),
                    in_: goal.scale_in().map(Breach::from),
                }
            }
        }
    }
}

/// Which thresholds any of the newest points are beyond; of as many as an alarm looks at, and two more. The newest one may not
/// be whole yet, or only be late, and an alarm that goes on says nothing when it is.
fn beyond(goal: &Goal, points: &[Point]) -> Option<Beyond> {
    let Band { out, in_, .. } = Band::of(goal);
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
    point.is_number() && age(point, now) <= STALE && now >= point.at
}

/// How long ago its minute ended.
fn age(point: &Point, now: Timestamp) -> SignedDuration {
    now.duration_since(point.at) - SignedDuration::from_secs(MINUTE)
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

/// What a load gained in each of so many minutes, at least; 0 if it did not gain in all of them.
fn rise(run: &[Point], minutes: usize) -> f64 {
    let newest = &run[run.len().saturating_sub(minutes + 1)..];
    if newest.len() <= minutes {
        return 0.0;
    }
    let gains = newest.windows(2).map(|pair| pair[1].total() - pair[0].total());
    gains.fold(f64::INFINITY, f64::min).max(0.0)
}

/// The load that new instances will meet: what it was, and where it goes until they serve.
fn expected(metric: &Metric, run: &[Point], now: Timestamp, warm_up: SignedDuration) -> f64 {
    let Some(newest) = run.last() else {
        return 0.0;
    };
    let is_hidden = metric
        .ceiling
        .is_some_and(|ceiling| newest.value >= ceiling * SATURATED);
    let seen = newest.total() * if is_hidden { HIDDEN } else { 1.0 };
    let minutes = |duration: SignedDuration| duration.as_secs_f64() / 60.0;
    // The middle of its minute is when a point was measured.
    let until = minutes(now.duration_since(newest.at) + warm_up) - 0.5;
    seen + rise(run, RISES) * until
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

//! A group under load, second by second.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use windlass_scaling::{Fleet, Observation, Point};

use crate::group::Group;
use crate::trace::Trace;

/// The metric: average processor use of the instances in service, in percent.
pub(crate) const CPU: &str = "cpu";
/// The metric: requests that an instance in service gets in a minute.
const REQUESTS: &str = "requestsPerTarget";
/// The metrics that there are.
pub const METRICS: [&str; 2] = [CPU, REQUESTS];
/// Seconds of a step.
const STEP: u32 = 5;
/// Seconds of a metric's period.
const MINUTE: u32 = 60;
/// Points that a scaler can see: more than any policy asks for.
const POINTS: usize = 70;

/// The group, and how AWS is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Requests per second that one instance serves at 100 percent.
    pub capacity: f64,
    /// Share of that up to which it answers well: what demand is measured by.
    pub well: f64,
    /// Seconds from the order of an instance until it serves.
    pub boot: u32,
    /// Seconds that a new instance in service counts as warming up: the group's default instance warm-up.
    pub warm_up: u32,
    /// Seconds that an instance which serves no more takes to leave.
    pub drain: u32,
    /// Seconds from the end of a minute until its metric can be read.
    pub metric_delay: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min: 2,
            max: 60,
            capacity: 100.0,
            well: 0.8,
            boot: 90,
            warm_up: 60,
            drain: 60,
            metric_delay: 60,
        }
    }
}

impl Options {
    /// Instances that answer so many requests per second well.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no group is that large"
    )]
    pub fn demand(&self, rate: f64) -> u32 {
        (rate / (self.capacity * self.well)).ceil().max(1.0) as u32
    }
}

/// What a scaler is asked with, once a minute.
#[derive(Debug)]
pub struct View<'a> {
    /// Seconds from the start.
    pub second: u32,
    /// What AWS shows.
    pub observation: Observation,
    /// In service, those that warm up included.
    pub in_service: u32,
    /// How many are on their way out.
    pub leaving: u32,
    /// What nobody knows but an oracle.
    pub trace: &'a Trace,
    /// The world's.
    pub options: &'a Options,
}

/// Somebody who moves a group's capacity.
pub trait Scaler {
    /// What it is called.
    fn name(&self) -> String;
    /// How many instances there should be, and why.
    fn scale(&mut self, view: &View) -> (u32, String);
}

/// The state of affairs in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Seconds from the start.
    pub second: u32,
    /// Requests per second.
    pub rate: f64,
    /// Instances that would answer them well.
    pub demand: u32,
    /// Instances in service.
    pub supply: u32,
    /// Instances that exist: those that boot and those that leave included.
    pub paid: u32,
}

/// A change of capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Seconds from the start.
    pub second: u32,
    /// From how many.
    pub from: u32,
    /// To how many.
    pub to: u32,
    /// Why.
    pub reason: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Who moved the group.
    pub scaler: String,
    /// Seconds of a step.
    pub step: u32,
    /// Each step.
    pub samples: Vec<Sample>,
    /// Each change of what was asked for.
    pub changes: Vec<Change>,
    /// Requests per second that one instance serves.
    pub capacity: f64,
}

/// A minute's metric in the making.
#[derive(Default)]
struct Minute {
    used: f64,
    requests: f64,
    instances: f64,
    steps: f64,
}

impl Minute {
    /// What each metric was in it, in the order of [`METRICS`].
    fn points(&self, began: u32) -> [Point; 2] {
        let instances = self.instances / self.steps;
        [self.used / self.steps, self.requests / instances.max(1.0)].map(|value| Point {
            at: time(began),
            value,
            instances,
        })
    }
}

/// Runs the trace against a group that begins with what its first rate needs.
pub fn simulate(trace: &Trace, options: &Options, scaler: &mut dyn Scaler) -> Run {
    let first = options.demand(trace.at(0)).clamp(options.min, options.max);
    let mut group = Group::new(first, options.boot, options.drain);
    let mut minute = Minute::default();
    let mut late: VecDeque<(u32, [Point; 2])> = VecDeque::new();
    let mut seen: VecDeque<[Point; 2]> = VecDeque::new();
    let mut run = Run {
        scaler: scaler.name(),
        step: STEP,
        samples: Vec::new(),
        changes: Vec::new(),
        capacity: options.capacity,
    };
    for second in (0..trace.seconds()).step_by(usize::try_from(STEP).unwrap_or(1)) {
        let (rate, supply) = (trace.at(second), group.ready(second));
        run.samples.push(Sample {
            second,
            rate,
            demand: options.demand(rate),
            supply,
            paid: group.desired() + group.leaving(second),
        });
        let share = rate / (f64::from(supply.max(1)) * options.capacity);
        minute.used += share.min(1.0) * 100.0;
        minute.requests += rate * f64::from(STEP);
        minute.instances += f64::from(supply);
        minute.steps += 1.0;
        let ended = second + STEP;
        if !ended.is_multiple_of(MINUTE) {
            continue;
        }
        let began = ended - MINUTE;
        let whole = std::mem::take(&mut minute);
        if !trace.is_silent(began) {
            late.push_back((ended + options.metric_delay, whole.points(began)));
        }
        while let Some((_, points)) = late.pop_front_if(|(arrives, _)| *arrives <= ended) {
            seen.push_back(points);
        }
        seen.drain(..seen.len().saturating_sub(POINTS));
        let view = View {
            second: ended,
            observation: observation(ended, &group, options, &seen),
            in_service: group.ready(ended),
            leaving: group.leaving(ended),
            trace,
            options,
        };
        let (wanted, reason) = scaler.scale(&view);
        let (from, to) = (group.desired(), wanted.clamp(options.min, options.max));
        if from != to {
            group.ask(to, ended);
            run.changes.push(Change {
                second: ended,
                from,
                to,
                reason,
            });
        }
    }
    run
}

fn observation(second: u32, group: &Group, options: &Options, seen: &VecDeque<[Point; 2]>) -> Observation {
    let warm = group.served_for(options.warm_up, second);
    Observation {
        at: time(second),
        fleet: Fleet {
            min: options.min,
            max: options.max,
            desired: group.desired(),
            ready: warm,
            coming: group.desired().saturating_sub(warm),
        },
        metrics: (0..)
            .zip(METRICS)
            .map(|(index, name): (usize, _)| {
                (name.to_owned(), seen.iter().map(|points| points[index]).collect())
            })
            .collect(),
    }
}

fn time(second: u32) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(second))
}

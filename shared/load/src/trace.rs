//! Requests over time.

use std::f64::consts::TAU;
use std::ops::Range;

use fastrand::Rng;
use serde::Deserialize;
use thiserror::Error;

/// Requests per second over time, and when no metrics arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What it is called.
    pub name: String,
    /// Seconds from the start, and the rate that holds from then on; the first at 0, the last ends the trace.
    points: Vec<(u32, f64)>,
    /// Seconds in which no metric is published.
    pub silent: Vec<Range<u32>>,
}

/// Why a text is no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It is not CSV of two numbers with the right header.
    #[error("a trace has the header `second,requests_per_second`, and two numbers in each line: {0}")]
    Csv(#[from] csv::Error),
    /// A line is out of order, or has an impossible rate.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, the header being 1.
        line: u64,
        /// What is wrong, and what would be right.
        what: &'static str,
    },
    /// There is nothing to run.
    #[error("a trace has two lines at least after its header: the last one ends it")]
    Short,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    second: u32,
    requests_per_second: f64,
}

/// Synthetic load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Up at once, and down again an hour later.
    Step,
    /// Up and down evenly.
    Ramp,
    /// A few minutes of much more.
    Spike,
    /// Two days of four hours each.
    Diurnal,
    /// Up evenly, down at once, again and again.
    Sawtooth,
    /// Around a mean, from minute to minute.
    Noise,
    /// Like [`Shape::Diurnal`], with stretches of time without metrics.
    Dropout,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Step,
        Self::Ramp,
        Self::Spike,
        Self::Diurnal,
        Self::Sawtooth,
        Self::Noise,
        Self::Dropout,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::Spike => "spike",
            Self::Diurnal => "diurnal",
            Self::Sawtooth => "sawtooth",
            Self::Noise => "noise",
            Self::Dropout => "dropout",
        }
    }
}

/// Seconds of the longest trace.
const LONGEST: u32 = 366 * 86_400;
/// Seconds from one point of synthetic load to the next.
const GRAIN: u32 = 10;
/// Seconds of a synthetic trace.
const LONG: u32 = 8 * 3600;

impl Trace {
    /// Reads a CSV `second,requests_per_second`.
    ///
    /// # Errors
    /// It is not one: see [`TraceError`].
    pub fn parse(name: &str, text: &str) -> Result<Self, TraceError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut points: Vec<(u32, f64)> = Vec::new();
        for (line, read) in (2..).zip(reader.deserialize::<Line>()) {
            let read = read?;
            let what = match points.last() {
                None if read.second != 0 => Some("the first second is 0"),
                Some((before, _)) if read.second <= *before => Some("seconds rise from line to line"),
                _ if read.second > LONGEST => Some("a trace is a year at most, and its times are seconds"),
                _ if !(read.requests_per_second.is_finite() && read.requests_per_second >= 0.0) => {
                    Some("a rate is a number from 0 on")
                }
                _ => None,
            };
            if let Some(what) = what {
                return Err(TraceError::Line { line, what });
            }
            points.push((read.second, read.requests_per_second));
        }
        if points.len() < 2 {
            return Err(TraceError::Short);
        }
        Ok(Self {
            name: name.to_owned(),
            points,
            silent: Vec::new(),
        })
    }

    /// Load of a shape, with heights and times that follow from the seed: some 3 to 20 instances' worth, where one serves so
    /// many requests per second.
    #[must_use]
    pub fn synthetic(shape: Shape, seed: u64, capacity: f64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut between = |low: f64, high: f64| low + (high - low) * random.f64();
        let (low, high) = (between(2.0, 4.0) * capacity, between(8.0, 14.0) * capacity);
        let (begin, length) = (between(3600.0, 7200.0), between(600.0, 5400.0));
        let period = between(2400.0, 5400.0);
        let phase = between(0.0, TAU);
        let jitter = between(0.01, 0.04);
        let hours: Vec<f64> = (0..6).map(|_| between(0.0, f64::from(LONG) - 900.0)).collect();
        let mut noise = 0.0;
        let rate = |at: f64, grain: f64| match shape {
            Shape::Step if (begin..begin + 3600.0 + length).contains(&at) => high,
            Shape::Step => low,
            Shape::Ramp => {
                let (up, down) = ((at - begin) / length, (at - begin - length - 3600.0) / length);
                low + (high - low) * (up.clamp(0.0, 1.0) - down.clamp(0.0, 1.0))
            }
            Shape::Spike => {
                let is_on = hours
                    .iter()
                    .take(3)
                    .any(|start| (*start..start + 240.0 + length / 12.0).contains(&at));
                if is_on { high } else { low }
            }
            Shape::Diurnal | Shape::Dropout => {
                let day = TAU * at / (f64::from(LONG) / 2.0) + phase;
                low + (high - low) * (1.0 - day.cos()) / 2.0
            }
            Shape::Sawtooth => low + (high - low) * (at % period) / period,
            Shape::Noise => f64::midpoint(low, high) * (1.0 + grain),
        };
        let points = (0..=LONG / GRAIN).map(|step| {
            let at = step * GRAIN;
            // A first-order walk around zero: minutes that resemble the one before.
            noise = noise * 0.97 + (between(-1.0, 1.0)) * 0.05;
            let bare = rate(f64::from(at), noise);
            (at, (bare * (1.0 + jitter * between(-1.0, 1.0))).max(0.0))
        });
        let points = points.collect();
        let silent = match shape {
            Shape::Dropout => hours
                .iter()
                .map(|start| whole(*start)..whole(*start + 300.0 + length / 9.0))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            name: format!("{} {seed}", shape.name()),
            points,
            silent,
        }
    }

    /// Requests per second at that second.
    #[must_use]
    pub fn at(&self, second: u32) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at <= second);
        self.points
            .get(after.saturating_sub(1))
            .map_or(0.0, |(_, rate)| *rate)
    }

    /// The highest rate from one second to another one.
    #[must_use]
    pub fn peak(&self, seconds: Range<u32>) -> f64 {
        let from = self.points.partition_point(|(at, _)| *at < seconds.start);
        let within = self.points[from..].iter();
        within
            .take_while(|(at, _)| *at < seconds.end)
            .map(|(_, rate)| *rate)
            .fold(self.at(seconds.start), f64::max)
    }

    /// Seconds from its first line to its last.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.points.last().map_or(0, |(at, _)| *at)
    }

    /// Whether metrics are published at that second.
    #[must_use]
    pub fn is_silent(&self, second: u32) -> bool {
        self.silent.iter().any(|silent| silent.contains(&second))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a day"
)]
fn whole(seconds: f64) -> u32 {
    seconds as u32
}

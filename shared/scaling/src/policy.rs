//! What is wanted of a group's capacity.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use windlass_spec::{Measure, Scaling};

/// A percentage says no more than "too much" there.
const ALL_OF_IT: f64 = 100.0;
/// How far capacity moves at once for a time to answer, which does not shrink in step with what is added.
const STRIDE: f64 = 1.5;

/// When a group grows and shrinks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// What is measured, and what it should be. Without any, capacity is kept within the group's bounds and left alone.
    pub metrics: Vec<Metric>,
    /// How fast capacity moves.
    pub behavior: Behavior,
}

impl Policy {
    /// What a spec says of it.
    #[must_use]
    pub fn of(scaling: &Scaling) -> Self {
        let metrics = scaling.metrics.iter().map(|metric| Metric {
            name: metric.measure.word().into_owned(),
            ceiling: metric.measure.is_percentage().then_some(ALL_OF_IT),
            stride: (metric.measure == Measure::TargetResponseTime).then_some(STRIDE),
            goal: match metric.goal {
                windlass_spec::Goal::Between { scale_out, scale_in } => Goal::Between {
                    out: scale_out.into(),
                    in_: scale_in.map(Breach::from),
                },
                windlass_spec::Goal::Target { target } => Goal::Target(target.into_inner()),
            },
        });
        Self {
            metrics: metrics.collect(),
            behavior: Behavior::of(scaling.behavior),
        }
    }
}

/// One metric and its goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Its name, as people know it: `cpu`.
    pub name: String,
    /// Above this value it says no more than "too much", as processors do at 100 percent; `None` if it has no such end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    /// Its value does not follow the number of instances in proportion, as a time to answer does not: it asks for at most so
    /// many times those that it was measured on, and for at least that part of them; `None` if it does follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<f64>,
    /// What it should be.
    pub goal: Goal,
}

/// What a metric should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// Between two thresholds.
    Between {
        /// Above it the group grows.
        out: Breach,
        /// Below it the group may shrink; without it this metric neither asks for that nor stands in the way of it.
        #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
        in_: Option<Breach>,
    },
    /// Near this value, which is above 0.
    Target(f64),
}

/// A threshold, and how long it must be passed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// In the metric's unit.
    pub threshold: f64,
    /// Minutes in a row, at least 1.
    pub periods: u32,
}

impl From<windlass_spec::Breach> for Breach {
    fn from(breach: windlass_spec::Breach) -> Self {
        Self {
            threshold: breach.threshold.into_inner(),
            periods: breach.periods,
        }
    }
}

/// How fast capacity moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// From one removal of instances to the next: until the metric shows the one before.
    pub cooldown: SignedDuration,
    /// Most instances that are added or removed at once; `None` for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_step: Option<u32>,
    /// Instances are removed only down to the most that was needed at any time of this window.
    pub stabilization: SignedDuration,
    /// From the launch of an instance until it takes its share of the load.
    pub warm_up: SignedDuration,
}

impl Behavior {
    /// What a spec says of it.
    fn of(behavior: windlass_spec::Behavior) -> Self {
        let seconds = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
        Self {
            cooldown: seconds(behavior.cooldown),
            max_step: behavior.max_step,
            stabilization: seconds(behavior.stabilization),
            ..Self::default()
        }
    }
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            cooldown: SignedDuration::from_secs(150),
            max_step: None,
            stabilization: SignedDuration::from_mins(5),
            warm_up: SignedDuration::from_mins(2),
        }
    }
}

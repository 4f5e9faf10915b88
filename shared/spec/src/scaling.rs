//! How many instances there are, and what moves their number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordered_float::OrderedFloat;
use serde::{Deserialize, Serialize};

use crate::defaults::{PERIODS_IN, PERIODS_OUT};

/// How far from its target a measure may be, as a share of it.
const TOLERANCE: f64 = 0.1;

/// Bounds of the group, `1 <= min <= max`, and what moves it between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// What is measured, each measure once. Empty with [`Mode::Ec2`].
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// How fast capacity moves.
    #[serde(default)]
    pub behavior: Behavior,
    /// Bounds by the clock. Empty with [`Mode::Ec2`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Schedule>,
}

impl Scaling {
    /// Fewest instances that there may be at any time.
    #[must_use]
    pub fn least(&self) -> u32 {
        let scheduled = self.schedule.iter().map(|entry| entry.min);
        scheduled.fold(self.min, u32::min)
    }

    /// Most instances that there may be at any time.
    #[must_use]
    pub fn most(&self) -> u32 {
        let scheduled = self.schedule.iter().map(|entry| entry.max);
        scheduled.fold(self.max, u32::max)
    }
}

/// Other bounds of the group, `1 <= min <= max`, from certain times on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// When: five fields, as of Unix.
    pub cron: String,
    /// The time zone that it is meant in, a name of the IANA database.
    pub time_zone: String,
    /// Fewest instances from then on.
    pub min: u32,
    /// Most instances from then on.
    pub max: u32,
}

/// How fast a group grows and shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Seconds from one removal of instances to the next, 0 to 3600.
    pub cooldown: u32,
    /// Most instances that are added or removed at once; `None` for any number.
    pub max_step: Option<u32>,
    /// Seconds: instances are removed only down to the most that was needed at any time of so long, 0 to 3600.
    pub stabilization: u32,
}

/// One measure, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// What is measured.
    pub measure: Measure,
    /// What it should be.
    #[serde(flatten)]
    pub goal: Goal,
}

/// What a measure should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Goal {
    /// Between two thresholds.
    Between {
        /// When to add instances: above this.
        scale_out: Breach,
        /// When to remove instances: below this; `None` for never because of this measure.
        scale_in: Option<Breach>,
    },
    /// Near a value, which is above 0.
    Target {
        /// In the measure's unit.
        target: OrderedFloat<f64>,
    },
}

impl Goal {
    /// Above what there are too few instances. Of a target: a tenth above it, for as long as is usual.
    #[must_use]
    pub fn scale_out(&self) -> Breach {
        match *self {
            Self::Between { scale_out, .. } => scale_out,
            Self::Target { target } => Breach {
                threshold: OrderedFloat(target.into_inner() * (1.0 + TOLERANCE)),
                periods: PERIODS_OUT,
            },
        }
    }

    /// Below what there are too many; `None` for never. Of a target: a tenth below it, for as long as is usual.
    #[must_use]
    pub fn scale_in(&self) -> Option<Breach> {
        match *self {
            Self::Between { scale_in, .. } => scale_in,
            Self::Target { target } => Some(Breach {
                threshold: OrderedFloat(target.into_inner() * (1.0 - TOLERANCE)),
                periods: PERIODS_IN,
            }),
        }
    }

    /// What it should be once there are as many instances as are needed.
    #[must_use]
    pub fn aim(&self) -> f64 {
        match self {
            Self::Between { scale_out, .. } => scale_out.threshold.into_inner(),
            Self::Target { target } => target.into_inner(),
        }
    }
}

/// What a scaling metric measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Average processor use of the group's instances, in percent.
    Cpu,
    /// Requests that an instance gets in a minute, on the average.
    RequestsPerTarget,
    /// Bytes that an instance receives in a minute, on the average.
    NetworkIn,
    /// Bytes that an instance sends in a minute, on the average.
    NetworkOut,
    /// Memory in use of the group's instances, in percent, on the average; an agent on them tells it.
    Memory,
    /// Seconds that the targets take to answer, on the average.
    TargetResponseTime,
    /// A metric that somebody else puts, of which each instance has its share.
    Custom(CustomMetric),
}

impl Measure {
    /// Its word: lower-case first, then letters, digits and underscores. No two measures that a spec can have share one.
    #[must_use]
    pub fn word(&self) -> Cow<'static, str> {
        match self {
            Self::Cpu => "cpu".into(),
            Self::RequestsPerTarget => "requestsPerTarget".into(),
            Self::NetworkIn => "networkIn".into(),
            Self::NetworkOut => "networkOut".into(),
            Self::Memory => "memory".into(),
            Self::TargetResponseTime => "targetResponseTime".into(),
            Self::Custom(metric) => {
                let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
                let name: String = metric.name.chars().map(plain).collect();
                format!("custom_{name}").into()
            }
        }
    }

    /// Whether it is a share of a whole, in percent.
    #[must_use]
    pub fn is_percentage(&self) -> bool {
        matches!(self, Self::Cpu | Self::Memory)
    }
}

/// A metric of CloudWatch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomMetric {
    /// Namespace, as whoever puts it says.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// All of its dimensions (rule 5 of the AWS facts: without one of them it is another metric).
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, or a percentile, `p95`.
    pub statistic: String,
}

/// A threshold, and how long it must be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// In the measure's unit.
    pub threshold: OrderedFloat<f64>,
    /// Minutes in a row, 1 to 60.
    pub periods: u32,
}

//! What a decision is made from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A group and its metrics at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// When it was observed.
    pub at: Timestamp,
    /// The group's capacity.
    pub fleet: Fleet,
    /// The points of each metric, oldest first, by the metric's name.
    pub metrics: BTreeMap<String, Vec<Point>>,
}

/// A group's capacity, in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Fewest, by the group's own settings.
    pub min: u32,
    /// Most, by the group's own settings.
    pub max: u32,
    /// How many are asked for.
    pub desired: u32,
    /// In service and healthy.
    pub ready: u32,
    /// On their way: pending, waiting for a hook, warming up, or in service and not healthy yet.
    pub coming: u32,
}

/// What a metric was in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When the minute began.
    pub at: Timestamp,
    /// Average of the instances in service. `null` in a record stands for one that is not a number.
    #[serde(deserialize_with = "number")]
    pub value: f64,
    /// How many instances were in service then, on the average.
    #[serde(deserialize_with = "number")]
    pub instances: f64,
}

/// JSON has no word for what is not a number, and writes `null`.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

impl Point {
    /// Its share of all instances together: what does not change by the number of instances alone.
    pub(crate) fn total(&self) -> f64 {
        self.value * self.instances
    }

    pub(crate) fn is_number(&self) -> bool {
        self.value.is_finite() && self.value >= 0.0 && self.instances.is_finite() && self.instances > 0.0
    }
}

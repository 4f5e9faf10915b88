//! What is remembered from one decision to the next.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Observation;

/// A scaler's memory of a group. Losing it loses no more than some patience.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Capacity that was asked for when last seen or set.
    pub desired: Option<u32>,
    /// Somebody else asked for more: since when, and how many.
    pub foreign: Option<(Timestamp, u32)>,
    /// When instances were last removed.
    pub removed: Option<Timestamp>,
    /// What was needed, by time, oldest first.
    pub needed: Vec<(Timestamp, u32)>,
}

impl Memory {
    /// Brings it up to what was observed: somebody else may have asked for another capacity.
    pub(crate) fn follow(&mut self, observation: &Observation, stabilization: SignedDuration) {
        let (at, desired) = (observation.at, observation.fleet.desired);
        // Whoever remembers nothing asked for nothing: a group begins as small as it may be.
        let known = self.desired.unwrap_or(observation.fleet.min);
        if desired > known {
            self.foreign = Some((at, desired));
        }
        self.desired = Some(desired);
        self.needed
            .retain(|(then, _)| at.duration_since(*then) <= stabilization);
    }

    /// The capacity that somebody else asked for so recently that it is not taken back.
    pub(crate) fn asked_for_by_others(&self, at: Timestamp, warm_up: SignedDuration) -> u32 {
        let recent = self
            .foreign
            .filter(|(since, _)| at.duration_since(*since) < warm_up);
        recent.map_or(0, |(_, desired)| desired)
    }

    /// The most that was needed in the window that it covers.
    pub(crate) fn most_needed(&self) -> u32 {
        self.needed
            .iter()
            .map(|(_, needed)| *needed)
            .max()
            .unwrap_or_default()
    }
}

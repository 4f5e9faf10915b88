//! A decision, with all that it was made from.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::wish::Beyond;
use crate::{Memory, Observation, Policy, Wish};

/// What was decided, why, and from what. [`crate::decide`] makes the same one of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Capacity that was asked for before.
    pub from: u32,
    /// Capacity to ask for.
    pub to: u32,
    /// The rule that won.
    pub rule: Rule,
    /// The same in words.
    pub reason: String,
    /// What each metric wished.
    pub wishes: Vec<Wish>,
    /// What was wanted.
    pub policy: Policy,
    /// What was observed.
    pub observation: Observation,
    /// What was remembered before.
    pub memory: Memory,
    /// What is to be remembered once that capacity was asked for; if it was not, `memory` still holds.
    pub after: Memory,
}

impl Decision {
    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.from != self.to
    }

    /// Whether a metric is beyond a threshold, and the group may still follow it: then it is to be decided again in a while,
    /// because an alarm says no more than that it began (rule 1).
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let fleet = self.observation.fleet;
        let (can_grow, can_shrink) = (self.to < fleet.max, self.to > fleet.min);
        self.wishes.iter().any(|wish| match wish.beyond {
            Some(Beyond::Above) => can_grow,
            Some(Beyond::Below) => can_shrink,
            Some(Beyond::Both) => can_grow || can_shrink,
            None => false,
        })
    }
}

/// What a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// Capacity was outside the group's bounds.
    Bounds,
    /// This metric asks for the most.
    Out(String),
    /// All metrics agree on fewer.
    In,
    /// Nobody asks for anything, or what is asked for is on its way.
    Enough,
    /// More is asked for than the group may have.
    AtMax,
    /// Fewer would do, and there are as few as may be.
    AtMin,
    /// This metric cannot be told, and others would remove instances.
    Unknown(String),
    /// This metric does not agree to fewer.
    Disagreement(String),
    /// Fewer would do, and instances are on their way.
    Coming,
    /// Fewer would do now, and more were needed a moment ago.
    Stabilizing,
    /// Fewer would do, and instances were removed a moment ago.
    Cooldown,
    /// Fewer would do, and somebody else asked for more a moment ago.
    Foreign,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounds => f.write_str("the group's bounds rule"),
            Self::Out(metric) => write!(f, "{metric} asks for the most"),
            Self::In => f.write_str("all metrics agree that fewer are enough"),
            Self::Enough => f.write_str("what there is, and is on its way, is enough"),
            Self::AtMax => f.write_str("more is asked for, and the group has as many as it may"),
            Self::AtMin => f.write_str("fewer are enough, and the group has as few as it may"),
            Self::Unknown(metric) => write!(f, "{metric} cannot be told: nothing is removed without it"),
            Self::Disagreement(metric) => write!(f, "{metric} does not agree to fewer"),
            Self::Coming => {
                f.write_str("fewer are enough, but some are on their way: it is decided once they serve")
            }
            Self::Stabilizing => f.write_str("fewer are enough now, but more were needed a moment ago"),
            Self::Cooldown => f.write_str("fewer are enough, but some were removed a moment ago"),
            Self::Foreign => f.write_str("fewer are enough, but somebody else asked for more a moment ago"),
        }
    }
}

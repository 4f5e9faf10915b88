//! `scaling.json`: the scaler's memory of a stack, moved by compare-and-swap.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use windlass_planner::{Id, names};
use windlass_scaling::Memory;
use windlass_spec::{Scaling as Wanted, StackId};

use crate::document::Wake;

/// Key of a stack's scaling document.
#[must_use]
pub fn scaling_key(stack: &StackId) -> String {
    format!("stacks/{stack}/scaling.json")
}

/// What the scaler remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scaling {
    /// Lineage of the stack that it is about: a later stack of the name begins anew.
    pub lineage: String,
    /// Name of the group that it is about: one that takes its place begins anew.
    pub group: String,
    /// What the spec said of scaling when somebody last looked.
    pub wanted: Option<Wanted>,
    /// What the next decision is made from, besides what is observed then.
    pub memory: Memory,
    /// Since when each instance is known to be healthy: until it has been for a while, it warms up.
    pub healthy: BTreeMap<String, Timestamp>,
    /// A capacity that somebody was about to ask for, or asked for.
    pub asked: Option<Asked>,
    /// The one tick that counts.
    pub tick: Option<Wake>,
    /// Number of ticks planned so far.
    pub tick_number: u32,
    /// Number of decisions written down so far: of looks that overlap one decides.
    pub decisions: u64,
    /// Who wrote it: what two looks write is never the same (rule 31).
    pub writer: String,
    /// What it was read as; `None` if there was none.
    #[serde(skip)]
    pub etag: Option<String>,
}

/// A capacity that somebody was about to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// How many instances.
    pub desired: u32,
    /// What is to be remembered if the group wants so many now.
    pub after: Memory,
}

impl Scaling {
    /// The memory of this group of this stack; what was remembered of another one does not count.
    pub(super) fn of(self, lineage: &str, group: &str) -> Self {
        if self.lineage == lineage && self.group == group {
            return self;
        }
        Self {
            lineage: lineage.to_owned(),
            group: group.to_owned(),
            tick: self.tick,
            tick_number: self.tick_number,
            decisions: self.decisions,
            etag: self.etag,
            ..Self::default()
        }
    }

    /// What became of a capacity that somebody was about to ask for: the group wants it, or it was never asked for.
    pub(super) fn settle(&mut self, desired: u32) {
        if let Some(asked) = self.asked.take().filter(|asked| asked.desired == desired) {
            self.memory = asked.after;
        }
    }

    /// Notes who is healthy, of those in the group. Whoever was there before anybody decided is no longer new.
    pub(super) fn note_healthy(&mut self, healthy: &[&str], now: Timestamp, warm_up: SignedDuration) {
        let first = if self.decisions == 0 { now - warm_up } else { now };
        self.healthy.retain(|id, _| healthy.contains(&id.as_str()));
        for id in healthy {
            self.healthy.entry((*id).to_owned()).or_insert(first);
        }
    }

    /// How many have been healthy for so long.
    pub(super) fn ready(&self, now: Timestamp, warm_up: SignedDuration) -> u32 {
        let ready = self
            .healthy
            .values()
            .filter(|since| now.duration_since(**since) >= warm_up);
        u32::try_from(ready.count()).unwrap_or(u32::MAX)
    }

    /// Plans the next tick, the only one that counts from now on, and answers its token.
    pub(super) fn tick_at(&mut self, stack: &StackId, due: Timestamp) -> String {
        self.tick_number += 1;
        let token = names::token(&format!("scale {stack}"), &Id::only("tick"), self.tick_number);
        self.tick = Some(Wake {
            token: token.clone(),
            due,
            attempt: 0,
        });
        token
    }
}

//! `readiness/<group>.json`: the gate's memory of a group, moved by compare-and-swap.
//!
//! Each group has its own: while one takes another one's place, instances of both may wait.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use windlass_calls::autoscaling::Group;
use windlass_planner::{Id, names};
use windlass_readiness::gate::{Memory, Settings, WAITING};
use windlass_readiness::leave::{self, LEAVING};
use windlass_spec::StackId;

use super::OVERDUE;
use crate::document::Wake;

/// Key of the readiness document of one of a stack's groups.
#[must_use]
pub fn readiness_key(stack: &StackId, group: &str) -> String {
    format!("{}{group}.json", readiness_prefix(stack))
}

/// Prefix of a stack's readiness documents.
pub(crate) fn readiness_prefix(stack: &StackId) -> String {
    format!("stacks/{stack}/readiness/")
}

/// What the gate remembers, and where it looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Readiness {
    /// Group name.
    pub group: String,
    /// ARN of the probe target group.
    pub probe: String,
    /// Seconds that an instance has to get healthy.
    pub timeout: u32,
    /// Seconds of the hook's time without a heartbeat.
    pub heartbeat: u32,
    /// Version of the spec that what is launched now belongs to.
    pub spec_version: String,
    /// Who waits, and what failed.
    pub memory: Memory,
    /// Who waits on the way out.
    pub leaving: leave::Memory,
    /// ARNs of the target groups that the group registers its instances with.
    pub targets: Vec<String>,
    /// Instances that were given up, newest last: what the status says of them.
    pub rejected: Vec<Rejected>,
    /// Launching is suspended by us since then, for this version of the spec.
    pub suspended: Option<Suspended>,
    /// Instances that were tried since, one at a time, and failed: the next one is later.
    pub canaries: u32,
    /// The one that is tried now.
    pub canary: Option<Canary>,
    /// The one wake-up that counts.
    pub wake: Option<Wake>,
    /// Number of wake-ups planned so far.
    pub wake_number: u32,
    /// Number of times that a look wrote down what it was about to do: of looks that overlap one does it.
    pub claims: u32,
    /// Who wrote it: what two looks write is never the same (rule 31).
    pub writer: String,
    /// What it was read as; `None` if there was none.
    #[serde(skip)]
    pub etag: Option<String>,
}

/// An instance that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    /// Instance id.
    pub instance: String,
    /// When.
    pub at: Timestamp,
    /// Version of the spec that it was launched for.
    pub spec_version: String,
    /// Why, in words.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

/// One instance that is launched for a try. Letting a group launch again launches all that are missing, so it is made to
/// want one more than it has, and `min` does not stand in the way, until it is known what becomes of that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Version of the spec that it is launched for.
    pub spec_version: String,
    /// How many instances the group wanted: the scaler's, and to be given back (rule 47).
    pub desired: u32,
    /// If none was launched by then, it is given up: the group may not find room for one.
    pub until: Timestamp,
    /// What becomes of it is known, and the group is to want again what it wanted.
    pub over: bool,
}

/// Why nothing is launched any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspended {
    /// Since when.
    pub at: Timestamp,
    /// Version of the spec whose launches failed: another one is worth a try.
    pub spec_version: String,
    /// When one instance is tried all the same: what was wrong may have been elsewhere.
    #[serde(default)]
    pub until: Timestamp,
}

/// From the suspension until one instance is tried, the first time; each time that fails it is twice as long.
const CANARY: SignedDuration = SignedDuration::from_mins(15);
/// At most so long.
const LONGEST_CANARY: SignedDuration = SignedDuration::from_hours(6);

/// Most instances of which is remembered why they were given up.
const REJECTED: usize = 5;

impl Readiness {
    pub(super) fn settings(&self) -> Settings {
        let seconds = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
        Settings {
            timeout: seconds(self.timeout),
            heartbeat: seconds(self.heartbeat),
        }
    }

    /// Whether all that wait in a group are known, and a wake-up is on its way to look at them.
    pub(super) fn is_looked_at(&self, group: &Group, now: Timestamp) -> bool {
        let comes = |wake: &Wake| now <= wake.due + OVERDUE;
        let mut waiting = group
            .instances
            .iter()
            .filter_map(|one| match &*one.lifecycle_state {
                WAITING => Some(self.memory.waiting.contains_key(&one.id)),
                LEAVING => Some(self.leaving.0.contains_key(&one.id)),
                _ => None,
            });
        self.group == group.settings.name
            && self.wake.as_ref().is_some_and(comes)
            && waiting.all(|known| known)
    }

    /// An instance got healthy: what failed before no longer counts.
    pub(super) fn recover(&mut self) {
        self.memory.recover();
        self.canaries = 0;
        self.rejected.clear();
        self.end_canary();
    }

    /// What becomes of the one that was tried is known.
    pub(super) fn end_canary(&mut self) {
        if let Some(canary) = &mut self.canary {
            canary.over = true;
        }
    }

    /// Whether the group is to want again what it wanted before one was tried.
    pub(super) fn canary_is_over(&self, now: Timestamp) -> bool {
        let nobody = self.memory.waiting.is_empty();
        let canary = self.canary.as_ref();
        canary.is_some_and(|canary| canary.over || (nobody && now >= canary.until))
    }

    /// The group is gone: nobody waits, and nothing is tried any more.
    pub(super) fn leave_alone(&mut self) {
        self.memory = Memory::default();
        self.leaving.0.clear();
        self.suspended = None;
        self.canaries = 0;
        self.canary = None;
    }

    /// Whether launching is suspended for this version of the spec: one for another version is not this one's.
    pub(super) fn is_suspended_for(&self, spec_version: &str) -> bool {
        let suspended = self.suspended.as_ref();
        suspended.is_some_and(|suspended| suspended.spec_version == spec_version)
    }

    /// What is launched from now on belongs to this version of the spec: what failed before is not its fault.
    pub(super) fn follow(&mut self, spec_version: &str, now: Timestamp) {
        if self.spec_version != spec_version {
            spec_version.clone_into(&mut self.spec_version);
            self.memory.begin_anew(now);
            self.canaries = 0;
            self.end_canary();
        }
    }

    /// Nothing more is launched for this version, until another one comes or it is time to try.
    pub(super) fn suspend(&mut self, spec_version: &str, now: Timestamp) {
        let patience = CANARY
            .saturating_mul(1 << self.canaries.min(16))
            .min(LONGEST_CANARY);
        self.suspended = Some(Suspended {
            at: now,
            spec_version: spec_version.to_owned(),
            until: now + patience,
        });
        self.end_canary();
    }

    /// One instance is to be tried, in a group that wants so many. Whoever died before it was said how many that was.
    pub(super) fn begin_canary(&mut self, spec_version: &str, desired: u32, now: Timestamp) {
        let desired = self.canary.as_ref().map_or(desired, |canary| canary.desired);
        self.canary = Some(Canary {
            spec_version: spec_version.to_owned(),
            desired,
            until: now + CANARY,
            over: false,
        });
    }

    /// The group launches again: one round that fails is enough to suspend it.
    pub(super) fn try_again(&mut self, now: Timestamp) {
        self.suspended = None;
        self.canaries += 1;
        self.memory.begin_on_probation(now);
    }

    /// Plans the next wake-up, the only one that counts from now on, and answers its token.
    pub(super) fn wake_at(&mut self, stack: &StackId, due: Timestamp) -> String {
        self.wake_number += 1;
        let token = names::token(&format!("gate of {stack}"), &Id::only("wake"), self.wake_number);
        self.wake = Some(Wake {
            token: token.clone(),
            due,
            attempt: 0,
        });
        token
    }

    pub(super) fn remember(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
        let surplus = self.rejected.len().saturating_sub(REJECTED);
        self.rejected.drain(..surplus);
    }
}

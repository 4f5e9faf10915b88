//! What is remembered from one look to the next.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ANSWERED_WITHIN, ROUNDS, Settings, UNCHECKED, WAITING};

/// The gate's memory of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Instances that wait for the launch hook.
    pub waiting: BTreeMap<String, Waiting>,
    /// Rounds of launches that failed one after the other, without an instance that got healthy in between.
    pub failed: Option<Round>,
}

/// An instance that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// When it was first seen waiting.
    pub seen: Timestamp,
    /// Since when its time runs: not while nobody checks it.
    pub since: Timestamp,
    /// When its hook's time last began.
    pub beat: Timestamp,
    /// The load balancer knew it once: before, it does not run yet (rule 60).
    pub registered: bool,
    /// When it was given up: counted and remembered, whether or not its wait has ended by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<Timestamp>,
    /// What it was asked about itself, once its time was up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
}

/// A command that asks an instance about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Command id.
    pub command: String,
    /// When it was sent.
    pub at: Timestamp,
}

impl Question {
    /// Whether the answer is still waited for.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < ANSWERED_WITHIN
    }
}

/// Failed launches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// How many rounds.
    pub count: u32,
    /// When the last one ended: what was launched before belongs to it.
    pub at: Timestamp,
}

impl Waiting {
    /// One that is seen for the first time.
    fn new(now: Timestamp) -> Self {
        Self {
            seen: now,
            since: now,
            beat: now,
            registered: false,
            given_up: None,
            question: None,
        }
    }

    pub(super) fn unchecked_until(&mut self, now: Timestamp) {
        self.since = now;
    }

    pub(super) fn is_late(&self, settings: &Settings, now: Timestamp) -> bool {
        let in_all = settings.timeout.saturating_mul(UNCHECKED);
        now.duration_since(self.since) >= settings.timeout || now.duration_since(self.seen) >= in_all
    }
}

impl Memory {
    /// Who waits now, by the group's own word.
    pub(super) fn follow(&mut self, members: &BTreeMap<String, String>, now: Timestamp) {
        let waits = |id: &String| members.get(id).is_some_and(|state| state == WAITING);
        self.waiting.retain(|id, _| waits(id));
        for id in members.keys().filter(|id| waits(id)) {
            self.waiting
                .entry(id.clone())
                .or_insert_with(|| Waiting::new(now));
        }
    }

    /// Whose hook needs a heartbeat: half its time is over.
    pub(super) fn beats(&self, settings: &Settings, now: Timestamp) -> Vec<String> {
        let half: SignedDuration = settings.heartbeat / 2;
        let due = self.waiting.iter();
        let due = due.filter(|(_, waiting)| now.duration_since(waiting.beat) >= half);
        due.map(|(id, _)| id.clone()).collect()
    }

    /// A heartbeat was taken.
    pub fn beaten(&mut self, id: &str, now: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.beat = now;
        }
    }

    /// An instance got healthy: what failed before no longer counts.
    pub fn recover(&mut self) {
        self.failed = None;
    }

    /// An instance whose time is up was asked about itself.
    pub fn asked(&mut self, id: &str, command: String, now: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.question = Some(Question { command, at: now });
        }
    }

    /// What an instance was asked about itself.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.waiting.get(id)?.question.as_ref()
    }

    /// An instance is given up. Several of one round count once: answers whether it is the first of another round. It goes
    /// on waiting until [`Memory::forget`]: whoever looks next gives it up as well, and it counts no more.
    pub fn rejected(&mut self, id: &str, now: Timestamp) -> bool {
        let waiting = self.waiting.get_mut(id);
        let seen = waiting.map_or(now, |waiting| {
            waiting.given_up = Some(now);
            waiting.seen
        });
        let round = self.failed.get_or_insert(Round {
            count: 0,
            at: Timestamp::MIN,
        });
        let another = seen >= round.at;
        if another {
            round.count += 1;
            round.at = now;
        }
        another
    }

    /// When an instance was given up that still waits; `None` for any other.
    #[must_use]
    pub fn given_up(&self, id: &str) -> Option<Timestamp> {
        self.waiting.get(id)?.given_up
    }

    /// Whether so many rounds failed that nothing more is to be launched.
    #[must_use]
    pub fn is_too_many(&self) -> bool {
        self.failed.as_ref().is_some_and(|round| round.count >= ROUNDS)
    }

    /// What was launched before does not count any more.
    pub fn begin_anew(&mut self, now: Timestamp) {
        self.failed = Some(Round { count: 0, at: now });
    }

    /// The same, and one failed round is enough.
    pub fn begin_on_probation(&mut self, now: Timestamp) {
        self.failed = Some(Round {
            count: ROUNDS - 1,
            at: now,
        });
    }

    /// Somebody dealt with an instance that no longer waits.
    pub fn forget(&mut self, id: &str) {
        self.waiting.remove(id);
    }
}

//! The two documents of a stack's state: the head, moved by compare-and-swap, and the numbered states, never changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_planner::{Id, Records, names};
use windlass_spec::Spec;

/// `head.json`: where the state is, who may write, and what may be in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Unique to one life of the state; client tokens derive from it.
    pub lineage: String,
    /// Number of the current state; 0 before the first.
    pub serial: u64,
    /// Rises with every lease: a writer of an earlier epoch is refused.
    pub epoch: u64,
    /// Version of the spec that was last acted on.
    pub spec_version: String,
    /// Who may change things now.
    pub lease: Option<Lease>,
    /// Creates that may be in flight and cannot be repeated.
    pub intents: BTreeMap<Id, Intent>,
    /// The one wake-up that counts.
    pub wake: Option<Wake>,
    /// Number of wake-ups planned so far; each token derives from its own.
    pub wake_number: u32,
    /// What is under way, while something is.
    pub operation: Option<Operation>,
    /// The stack was ready once: later work is an update.
    pub was_ready: bool,
    /// How many times each resource was created that is gone and no longer recorded: client tokens are never used again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spent: BTreeMap<Id, u32>,
    /// ARN of the instance role as it was last seen: it names the account, without which the ARN of what shows late is
    /// not known. Empty before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The deletion of its spec, once it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// Seconds between two looks at whether somebody changed the stack by hand; `None` before it was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<u32>,
}

impl Head {
    /// Plans the next wake-up, the only one that counts from now on, and answers its token.
    pub(crate) fn wake_at(&mut self, due: Timestamp, attempt: u32) -> String {
        self.wake_number += 1;
        let token = names::token(&self.lineage, &Id::only("wake"), self.wake_number);
        self.wake = Some(Wake {
            token: token.clone(),
            due,
            attempt,
        });
        token
    }
}

/// A spec's deletion, from the moment it was seen to the end of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Version of the delete marker: another deletion has another.
    pub marker: String,
    /// When it was seen. Destroying begins a while later.
    pub at: Timestamp,
    /// How far it is.
    pub stage: DeletionStage,
    /// A person deleted the spec once more after it was held: too many at once no longer matters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed: bool,
}

/// How far a deletion is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeletionStage {
    /// The spec can still be put back.
    #[default]
    Grace,
    /// Too many specs vanished at once: a person must confirm.
    Held,
    /// The stack's resources go.
    Begun,
    /// Nothing is left.
    Ended,
}

/// The right to change a stack, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// The invocation that holds it.
    pub owner: String,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// A create that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// How many times this resource was created, counting this one.
    pub incarnation: u32,
    /// When.
    pub at: Timestamp,
}

/// The next wake-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wake {
    /// The token its message carries; any other message is stale.
    pub token: String,
    /// When it should arrive.
    pub due: Timestamp,
    /// Passes in a row that met trouble: the next wake-up waits longer.
    pub attempt: u32,
}

/// Work that takes several passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// When it began.
    pub since: Timestamp,
}

/// `states/<env>/<name>/<serial>.json`: everything recorded of a stack at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateDocument {
    /// `dev/web`.
    pub stack: String,
    /// Its number.
    pub serial: u64,
    /// The lineage it belongs to.
    pub lineage: String,
    /// Version of the spec it was made from.
    pub spec_version: String,
    /// That spec, with every default filled in.
    pub spec: Spec,
    /// Every resource's outputs.
    pub resources: Records,
}

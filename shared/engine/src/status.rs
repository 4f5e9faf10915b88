//! `status.json`: the public answer to "how is my stack?".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_planner::{Id, PlanCounts, StackOutputs, Step, UnhealthyInstance};

/// Where a stack is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The spec is invalid; the running stack is untouched.
    Rejected,
    /// The spec says `apply: plan`: the plan is written, and nothing is changed.
    Planned,
    /// The first creation is under way.
    #[default]
    Provisioning,
    /// A running stack is being changed.
    Updating,
    /// Every resource is ready, and enough instances are in service and healthy.
    Ready,
    /// Running, but with fewer healthy instances than it should have: launches fail, or instances are unwell.
    Degraded,
    /// A person must act; the error says how.
    Failed,
    /// The spec was deleted: the stack goes, after a while in which the spec can be put back.
    Deleting,
    /// Nothing of the stack is left.
    Deleted,
}

/// How far one resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceState {
    /// Nothing was done yet.
    Pending,
    /// It exists, and AWS or we are still busy with it.
    Waiting,
    /// In sync and ready for use.
    Ready,
    /// A person must act.
    Failed,
    /// It is no longer wanted, and goes.
    Leaving,
}

/// The public status of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// `dev/web`; for an invalid key, the key's own path.
    pub stack: String,
    /// Where it is.
    pub phase: Phase,
    /// Number of the state it describes.
    pub serial: u64,
    /// Version of the spec it answers to.
    pub spec_version: String,
    /// When it was written.
    pub updated_at: Timestamp,
    /// What is still to be done.
    pub plan: PlanCounts,
    /// What would be done, while the spec says `apply: plan`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Step>,
    /// What somebody changed by hand, with `drift: {repair: false}`: what it would take to change it back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Step>,
    /// What is waited for.
    pub waiting_on: Vec<WaitingOn>,
    /// What is wrong.
    pub errors: Vec<StatusError>,
    /// Instances the load balancer does not find healthy.
    pub unhealthy_instances: Vec<UnhealthyInstance>,
    /// Every resource, and how far it is.
    pub resources: BTreeMap<Id, ResourceState>,
    /// Names and ids that other tools may rely on.
    pub outputs: StackOutputs,
}

/// Something AWS is busy with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingOn {
    /// Logical id.
    pub resource: Id,
    /// What is waited for, in words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Something that is wrong: a place in the spec, or a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusError {
    /// Path in the spec, `network.cidr`, or logical id of the resource.
    pub path: String,
    /// Line in the spec, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the spec, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Status {
    /// Whether two say the same, whenever they were written.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let ageless = |status: &Self| Self {
            updated_at: Timestamp::UNIX_EPOCH,
            ..status.clone()
        };
        ageless(self) == ageless(other)
    }
}

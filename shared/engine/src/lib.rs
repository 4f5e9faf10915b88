//! The engine: passes over one stack at a time, through one [`Port`], with one writer and no lost step.
//!
//! A pass reads as stages: **load** (head, state, spec, status) → **gate** (is it our turn?) → **reconcile** (observe,
//! plan, apply, again) → **record** (state, head, wake-up, status).
//!
//! Guarantees: a pass can be dropped at any point and the next one goes on; before a create that cannot be repeated an
//! intent is recorded; at most one accepted writer per epoch; a pass that has nothing to do changes nothing.
//!
//! Assumes: conditional writes on the state bucket are linearizable, and clocks differ by less than the skew that the
//! lease allows for. Knows no AWS service beyond its own bucket and queue, no runtime, no clock: the time is an argument.

mod apply;
mod destroy;
mod document;
mod drift;
mod gate;
mod judge;
mod lifecycle;
mod load;
mod meter;
mod pass;
mod plans;
mod port;
mod record;
mod recorded;
mod reject;
mod scale;
mod status;
mod store;
mod wake;

pub use document::{Deletion, DeletionStage, Head, Intent, Lease, Operation, StateDocument, Wake};
pub use lifecycle::{
    Chain, EventError, GateMessage, GateWake, LifecycleSettings, LookReport, Occasion, Readiness, SpotEvent,
    SpotNotice, Suspended, look, readiness_key,
};
pub use meter::{CallCounts, Metered};
pub use pass::{Clock, Job, PassError, PassReport, Settings, Trigger, Verdict, pass};
pub use plans::{PlanDocument, plan};
pub use port::Port;
pub use reject::reject_key;
pub use scale::{
    ScaleMessage, ScaleOccasion, ScaleReport, ScaleSettings, ScaleWake, Scaling, ScalingEntry, scale,
    scaling_key,
};
pub use status::{Phase, ResourceState, Status, StatusError, WaitingOn};
pub use store::{head_key, journal_key, plan_key, state_key, status_key, status_key_of};
pub use wake::{WakeBody, WakeMessage};

//! The lifecycle function's work: one look at the instances of a stack that wait to be let into service, and at those that
//! wait on their way out; and what is to be done about a spot instance that EC2 takes back.
//!
//! A look reads the gate's memory, asks the load balancer about all that wait at once, does what [`gate`] says, and writes
//! the memory with the next wake-up. Of looks of one group that overlap, one
//! writes down what it is about to do, and does it; what another one still does, as registering and heartbeats, may be repeated.
//!
//! Dying in between loses nothing: an instance goes on waiting, the event or the wake-up comes again, and if none does the
//! schedule finds who waits. Without any look the hook's default lets instances go on.

mod canary;
mod document;
mod event;
mod explain;
mod leave;
mod look;
mod moves;
mod notice;
mod rejection;
mod spot;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use windlass_calls::autoscaling::Transition;
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Class};
use windlass_spec::StackId;

use crate::pass::{Clock, PassError};
use crate::port::Port;
use crate::store::Store;
pub(crate) use document::readiness_prefix;
pub use document::{Readiness, Suspended, readiness_key};
pub use event::EventError;
pub use spot::{SpotEvent, SpotNotice};

/// Seconds between two looks: the interval of the probe's checks.
pub(crate) const LOOK: u16 = 5;
/// The same while an instance does not run yet.
const EARLY: u16 = 10;
/// Seconds until somebody looks again whom another one overtook.
const SHORTLY: u16 = 2;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleSettings {
    /// Bucket with states, heads and statuses.
    pub state_bucket: String,
    /// URL of the lifecycle function's own queue.
    pub queue: String,
    /// URL of the queue that feeds the provision function: it says in the status what was found.
    pub provision_queue: String,
}

/// Why somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// An instance of a group waits for a hook: what the event says.
    Waits {
        /// Group name.
        group: String,
        /// Hook name.
        hook: String,
        /// Instance id.
        instance: String,
        /// Which way it goes.
        transition: Transition,
    },
    /// Our own wake-up.
    Woken(GateWake),
    /// EC2 takes a spot instance back, or says that it is at risk.
    Spot(SpotNotice),
}

/// Body of a wake-up of the lifecycle function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateMessage {
    /// What to look at.
    pub gate: GateWake,
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateWake {
    /// Group name.
    pub group: String,
    /// The memory that it continues; absent for a look that always counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
}

/// A chain of looks at one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The stack.
    pub stack: StackId,
    /// The token in its memory.
    pub token: String,
}

/// What a look came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookReport {
    /// The stack, where there is one.
    pub stack: Option<StackId>,
    /// Instances that were let go on.
    pub admitted: Vec<String>,
    /// Instances that were given up, and why.
    pub rejected: Vec<(String, String)>,
    /// Instances that were let go, on their way out.
    pub left: Vec<String>,
    /// Instances that go on waiting.
    pub waiting: usize,
    /// Spot instances that EC2 takes back, and whose replacements are on their way.
    pub interrupted: Vec<String>,
    /// Spot instances that are at risk.
    pub at_risk: Vec<String>,
    /// Nothing of ours, or an old message: left alone.
    pub left_alone: Option<&'static str>,
}

/// Looks at the instances of one stack that wait. `writer` is unique to it among looks that may overlap: the id of the
/// function's invocation, say.
///
/// # Errors
/// The pipeline's own bucket or queue, or the group itself, could not be asked: the message must come again.
pub async fn look<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &LifecycleSettings,
    occasion: &Occasion,
    writer: &str,
) -> Result<LookReport, PassError> {
    let session = look::Session {
        port,
        clock,
        settings,
        store: Store {
            port,
            bucket: &settings.state_bucket,
        },
        writer,
    };
    match session.look(occasion).await {
        // The queue would bring the message back in minutes, and somebody waits.
        Err(PassError::Own(error)) if matches!(error.class, Class::Throttled | Class::Transient) => {
            match occasion {
                Occasion::Spot(notice) if notice.is_over(clock.now()) => return Err(error.into()),
                Occasion::Spot(notice) => notice.send_again(port, settings).await?,
                Occasion::Waits { group, .. } | Occasion::Woken(GateWake { group, .. }) => {
                    send(port, settings, again(group), EARLY).await?;
                }
            }
            Ok(LookReport {
                left_alone: Some("a call failed: it is looked again shortly"),
                ..LookReport::default()
            })
        }
        ended => ended,
    }
}

/// A wake-up that looks at the same group, and always counts: the memory may have moved on from the one that failed.
fn again(group: &str) -> GateWake {
    GateWake {
        group: group.to_owned(),
        chain: None,
    }
}

/// Sends a wake-up that arrives after some seconds.
async fn send<P: Port>(
    port: &P,
    settings: &LifecycleSettings,
    gate: GateWake,
    delay: u16,
) -> Result<(), CallError> {
    let body = serde_json::to_string(&GateMessage { gate }).unwrap_or_default();
    let queue = settings.queue.clone();
    port.call(SendMessage { queue, body, delay }).await
}

/// How long after its time a wake-up counts as lost: from then on any message may continue the chain.
const OVERDUE: SignedDuration = SignedDuration::from_secs(30);

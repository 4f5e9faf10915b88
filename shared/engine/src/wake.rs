//! Wake-ups: messages to our own queue that say "look at this stack again", now or later.

use serde::{Deserialize, Serialize};
use windlass_calls::CallError;
use windlass_calls::sqs::SendMessage;
use windlass_spec::StackId;

use crate::pass::{Settings, Trigger};
use crate::port::Port;

/// Longest delay that SQS takes, in seconds (rule 22).
const LONGEST: i64 = 900;

/// Body of a wake-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeMessage {
    /// Which stack, and on whose behalf.
    pub wake: WakeBody,
}

/// Which stack to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeBody {
    /// The stack.
    pub stack: StackId,
    /// The token of the head it continues, or [`SOONER`]; absent for a look that always counts.
    pub token: Option<String>,
}

/// The token of a message that brings forward the pass that is awaited, whichever that is by then. Where none is awaited it
/// is an old one.
pub(crate) const SOONER: &str = "sooner";

impl WakeMessage {
    /// The trigger that a pass gets from it.
    #[must_use]
    pub fn trigger(&self) -> Trigger {
        match &self.wake.token {
            Some(token) => Trigger::Woken { token: token.clone() },
            None => Trigger::Look,
        }
    }
}

/// Sends a wake-up that arrives after `delay` seconds.
pub(crate) async fn send<P: Port>(
    port: &P,
    settings: &Settings,
    stack: &StackId,
    token: Option<String>,
    delay: i64,
) -> Result<(), CallError> {
    let message = WakeMessage {
        wake: WakeBody {
            stack: stack.clone(),
            token,
        },
    };
    port.call(SendMessage {
        queue: settings.queue.clone(),
        body: serde_json::to_string(&message).unwrap_or_default(),
        delay: u16::try_from(delay.clamp(0, LONGEST)).unwrap_or_default(),
    })
    .await
}

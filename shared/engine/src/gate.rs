//! Second stage: is it our turn? One writer at a time, and one chain of wake-ups per stack.

use jiff::{SignedDuration, Timestamp};

use crate::load::Loaded;
use crate::pass::{Job, PassError, PassReport, Settings, Trigger, Verdict};
use crate::port::Port;
use crate::status::Phase;
use crate::wake::{self, SOONER};

/// Seconds until a pass that was overtaken looks again.
pub(crate) const SHORTLY: i64 = 5;
/// How long after its time a wake-up counts as lost: from then on any message may continue the chain.
const OVERDUE: SignedDuration = SignedDuration::from_secs(60);

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Ours.
    Ours,
    /// Another invocation's, until its lease ends.
    Busy {
        /// Seconds to wait.
        seconds: i64,
    },
    /// Nobody's: the message is an old one.
    Stale,
}

/// Decides by the head. A held lease comes first: its holder may be about to write the very token that was received.
pub(crate) fn turn(loaded: &Loaded, job: &Job, now: Timestamp) -> Turn {
    let head = &loaded.head;
    if let Some(lease) = head
        .lease
        .as_ref()
        .filter(|lease| lease.until > now && lease.owner != job.invocation)
    {
        let left = lease.until.duration_since(now).as_secs();
        return Turn::Busy {
            seconds: left.clamp(1, SHORTLY) + jitter(&job.invocation),
        };
    }
    match (&job.trigger, &head.wake) {
        (Trigger::SpecChanged | Trigger::Look, _) => Turn::Ours,
        (Trigger::Woken { token }, Some(wake))
            if *token == wake.token || token == SOONER || now > wake.due + OVERDUE =>
        {
            Turn::Ours
        }
        // A lease that ran out is a pass that died: whoever comes goes on.
        (Trigger::Woken { .. }, _) if head.lease.is_some() => Turn::Ours,
        // So is a chain that ended without its last word: the status still says that something is under way.
        (Trigger::Woken { .. }, None) if says_busy(loaded) => Turn::Ours,
        (Trigger::Woken { .. }, _) => Turn::Stale,
    }
}

/// Whether the status promises more to come.
fn says_busy(loaded: &Loaded) -> bool {
    let phase = loaded.status.as_ref().map(|status| status.document.phase);
    !matches!(
        phase,
        Some(Phase::Ready | Phase::Planned | Phase::Failed | Phase::Rejected)
    )
}

/// Sends the same message to ourselves again, later, and answers for this one.
pub(crate) async fn later<P: Port>(
    port: &P,
    settings: &Settings,
    job: &Job,
    loaded: &Loaded,
    verdict: Verdict,
    seconds: i64,
) -> Result<PassReport, PassError> {
    let token = match &job.trigger {
        Trigger::Woken { token } => Some(token.clone()),
        Trigger::SpecChanged | Trigger::Look => None,
    };
    wake::send(port, settings, &job.stack, token, seconds).await?;
    Ok(loaded.report(verdict, None))
}

/// Zero to three seconds, by invocation: those who wait for one lease do not all come back at once.
fn jitter(invocation: &str) -> i64 {
    i64::from(
        invocation
            .bytes()
            .fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
            % 4,
    )
}

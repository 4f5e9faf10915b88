//! What a test may do to a call that arrives.

use jiff::Timestamp;
use windlass_calls::{CallError, Request};

/// Decides the fate of each call.
pub type Faults = Box<dyn FnMut(&Sent) -> Verdict>;

/// A call about to arrive.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// How many calls arrived before it, over the life of the [`Sim`](super::Sim).
    pub index: u64,
    /// How many calls that can change anything arrived before it; `None` for a read. S3 puts and SQS sends count.
    pub mutating_index: Option<u64>,
    /// The call.
    pub request: &'a Request,
    /// Virtual time.
    pub now: Timestamp,
}

/// The fate of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Served and answered.
    Deliver,
    /// The process dies, and the call was never sent (F1).
    CrashBefore(Peers),
    /// The process dies after the call took effect and before its answer (F2).
    CrashAfter(Peers),
    /// Served, and the answer is lost (F6).
    LoseAnswer,
    /// Not served, and answered with this error (F7 to F9).
    Fail(CallError),
    /// Served, and still answered with this error (F8).
    FailApplied(CallError),
}

/// What becomes of the other calls in the air at a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peers {
    /// None took effect.
    None,
    /// All took effect, in an order the seed decides.
    All,
}

//! What was sent and what came of it.

use std::fmt;

use jiff::Timestamp;
use windlass_calls::{CallError, Request, Response};

/// A call that arrived, or that a crash or the end of its pass left unheard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceEntry {
    /// Virtual time.
    pub at: Timestamp,
    /// The call.
    pub request: Request,
    /// What came of it.
    pub outcome: Outcome,
}

impl TraceEntry {
    /// Its action, `ec2:CreateVpc`.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.request.action()
    }
}

/// One line: time, action, outcome, request.
impl fmt::Display for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {:?}",
            self.at,
            self.action(),
            self.outcome,
            self.request
        )
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done and answered.
    Done,
    /// Refused by the world with this code.
    Refused(String),
    /// The answer was lost.
    Lost {
        /// It took effect.
        applied: bool,
    },
    /// Answered with an error of the fault hook's.
    Injected {
        /// The error's code.
        code: String,
        /// It took effect nevertheless.
        applied: bool,
    },
    /// Nobody was there to hear the answer.
    Unheard {
        /// It took effect.
        applied: bool,
    },
}

impl Outcome {
    pub(super) fn of(answer: &Result<Response, CallError>) -> Self {
        match answer {
            Ok(_) => Self::Done,
            Err(error) => Self::Refused(error.code.clone()),
        }
    }

    /// Whether the call took effect.
    #[must_use]
    pub fn applied(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Refused(_) => false,
            Self::Lost { applied } | Self::Injected { applied, .. } | Self::Unheard { applied } => *applied,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.applied() { "applied" } else { "not applied" };
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused(code) => write!(f, "refused: {code}"),
            Self::Lost { .. } => write!(f, "answer lost, {effect}"),
            Self::Injected { code, .. } => write!(f, "injected {code}, {effect}"),
            Self::Unheard { .. } => write!(f, "unheard, {effect}"),
        }
    }
}

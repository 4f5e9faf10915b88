//! The engine's word on each step a kind proposes: may it be sent now, or must it wait?
//!
//! This is where eventual consistency (rule 34) and creates that cannot be repeated (rule 33) are dealt with, once for
//! all kinds.

use jiff::Timestamp;
use windlass_calls::{CallError, Class, Effect, Request};
use windlass_planner::{Change, Id, Next};

use crate::pass::Session;

/// What went wrong with a resource in this pass.
pub(crate) struct Trouble {
    /// The error.
    pub(crate) error: CallError,
}

impl Trouble {
    /// Whether a person must act.
    pub(crate) fn is_final(&self) -> bool {
        self.error.class == Class::Terminal
    }

    /// In words for people: what is waited for, or what failed.
    pub(crate) fn words(&self) -> String {
        let CallError {
            action,
            code,
            message,
            class,
            ..
        } = &self.error;
        match class {
            _ if self.error.token_is_spent() => {
                format!("what {action} made before died unseen ({code}); making another")
            }
            Class::Throttled => format!("AWS is throttling {action}; trying again"),
            Class::Transient => format!("AWS did not answer {action} ({code}); looking again"),
            Class::NotYet | Class::Gone => {
                format!("something that {action} needs is not visible yet ({code}); trying again")
            }
            Class::Exists => format!("{action}: it exists and is not visible yet ({code}); looking again"),
            Class::Conflict => format!("{action} collided with another change ({code}); trying again"),
            Class::Terminal => format!("{action} was refused: {message} ({code})"),
        }
    }
}

/// Lets a step through, or turns it into waiting or a refusal.
pub(crate) fn judge<P>(session: &Session<P>, now: Timestamp, id: &Id, next: Next) -> Next {
    let Next::Ensure {
        request,
        change,
        outputs,
        reason,
        now: fields,
    } = next
    else {
        return next;
    };
    if let Some(trouble) = session.troubles.get(id) {
        let reason = trouble.words();
        return if trouble.is_final() {
            Next::Refuse { reason, outputs }
        } else {
            Next::Wait { reason, outputs }
        };
    }
    if session.sent.contains(&request) {
        return waiting("sent, and not visible yet", outputs);
    }
    if change == Change::Create {
        // Outputs of an earlier pass let what depends on it go on.
        if let Some(record) = session
            .records
            .get(id)
            .filter(|record| now < record.since + session.settings.consistency)
        {
            return waiting("created, and not visible yet", Some(record.outputs.clone()));
        }
        if in_flight(session, now, id, &request) {
            return waiting(
                "a create was sent and its answer lost; looking until it would have shown",
                None,
            );
        }
    }
    Next::Ensure {
        request,
        change,
        outputs,
        reason,
        now: fields,
    }
}

fn waiting(reason: &str, outputs: Option<windlass_planner::Outputs>) -> Next {
    Next::Wait {
        reason: reason.to_owned(),
        outputs,
    }
}

/// Whether an earlier pass may have sent this create without learning its answer.
fn in_flight<P>(session: &Session<P>, now: Timestamp, id: &Id, request: &Request) -> bool {
    let intent = session
        .head
        .intents
        .get(id)
        .filter(|_| !session.intended.contains(id));
    request.effect() == Effect::Once
        && intent.is_some_and(|intent| now < intent.at + session.settings.consistency)
}

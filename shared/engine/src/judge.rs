//! The engine's word on each step a kind proposes: may it be sent now, or must it wait?
//!
//! This is where eventual consistency (rule 34) and creates that cannot be repeated (rule 33) are dealt with, once for
//! all kinds.

use jiff::Timestamp;
use windlass_calls::{CallError, Class, Effect, Request};
use windlass_planner::{Change, Departure, Id, Judge, Next, Present, Removal};

use crate::pass::Session;

/// What went wrong with a resource in this pass.
pub(crate) struct Trouble {
    /// The error.
    pub(crate) error: CallError,
}

impl Trouble {
    /// Whether a person must act.
    pub(crate) fn is_final(&self) -> bool {
        self.error.class == Class::Terminal && !self.error.token_is_spent()
    }

    /// In words for people, of something that is to go: what still holds it, as AWS says it.
    fn removal_words(&self) -> String {
        let CallError {
            action,
            code,
            message,
            class,
            ..
        } = &self.error;
        match class {
            Class::NotYet => format!("AWS does not yet accept {action}: {message} ({code}); trying again"),
            _ => self.words(),
        }
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
                format!("what {action} made before is not what is wanted now ({code}); making another")
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

/// The engine's word, at one time.
pub(crate) struct Bench<'s, 'a, P> {
    pub(crate) session: &'s Session<'a, P>,
    pub(crate) now: Timestamp,
}

impl<P> Judge for Bench<'_, '_, P> {
    fn next(&self, id: &Id, next: Next) -> Next {
        judge(self.session, self.now, id, next)
    }

    fn removal(&self, present: &Present, removal: Removal) -> Departure {
        let Removal::Send { request, .. } = &removal else {
            return removal.into();
        };
        match self.session.removal_troubles.get(present) {
            Some(trouble) if trouble.is_final() => Departure::Refuse {
                reason: trouble.words(),
            },
            Some(trouble) => Departure::Wait {
                reason: trouble.removal_words(),
            },
            None if self.session.sent.contains(request) => Departure::Wait {
                reason: "sent, and still shown".into(),
            },
            None => removal.into(),
        }
    }
}

/// The engine's word on a plan, at one time: what was created a moment ago, and does not show yet, is there.
pub(crate) struct Foresight<'s, 'a, P> {
    pub(crate) session: &'s Session<'a, P>,
    pub(crate) now: Timestamp,
}

impl<P> Judge for Foresight<'_, '_, P> {
    fn next(&self, id: &Id, next: Next) -> Next {
        match &next {
            Next::Ensure {
                change: Change::Create | Change::CreateBeside,
                ..
            } => unseen(self.session, self.now, id).unwrap_or(next),
            _ => next,
        }
    }

    fn removal(&self, _: &Present, removal: Removal) -> Departure {
        removal.into()
    }
}

/// Waiting for what was recorded a moment ago, and cannot be seen yet. Its outputs let what depends on it go on.
fn unseen<P>(session: &Session<P>, now: Timestamp, id: &Id) -> Option<Next> {
    let record = session.records.get(id)?;
    (now < record.since + session.settings.consistency)
        .then(|| waiting("created, and not visible yet", Some(record.outputs.clone())))
}

/// Lets a step through, or turns it into waiting or a refusal.
fn judge<P>(session: &Session<P>, now: Timestamp, id: &Id, next: Next) -> Next {
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
    if matches!(change, Change::Create | Change::CreateBeside)
        && let Some(waiting) = unseen(session, now, id)
    {
        return waiting;
    }
    if in_flight(session, now, id, &request) {
        return waiting(
            "a create was sent and its answer lost; looking until it would have shown",
            None,
        );
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

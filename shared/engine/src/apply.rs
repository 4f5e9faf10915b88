//! Observing and applying: what is asked is sent side by side; what changes something is sent under the lease, after
//! its intents are recorded.

use std::collections::BTreeSet;

use futures::future::join_all;
use windlass_calls::s3::Condition;
use windlass_calls::{Applied, CallError, Class, Effect, Request, Response};
use windlass_planner::{Departure, Evaluation, Id, Next, Outcome, Present};

use crate::document::{Intent, Lease};
use crate::judge::Trouble;
use crate::pass::{Overtaken, PassError, Session};
use crate::port::Port;
use crate::store::head_key;

/// What a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A resource that is wanted.
    Wanted(Id),
    /// A resource that leaves.
    Leaving(Present),
}

/// A call that is ready to be sent for a resource.
type Ready = (Subject, Request);

/// How often a question is asked before the pass gives up on it. Reads may be repeated at will; a longer wait than for
/// the other answers of its round is the next pass's business.
const TRIES: usize = 3;

/// Asks all questions and folds the answers in. That something does not exist is an answer; any other failure that
/// lasts leaves the pass blind, so that nothing is created because it could not be seen.
pub(crate) async fn observe<P: Port>(session: &mut Session<'_, P>, questions: BTreeSet<Request>) {
    let mut open = questions;
    for tried in 1..=TRIES {
        let asked = std::mem::take(&mut open);
        let answers = join_all(asked.into_iter().map(|question| send(session.port, question))).await;
        for (question, answer) in answers {
            match answer {
                Ok(response) => session.board.fold(&question, Some(&response)),
                Err(error) if error.class == Class::Gone => session.board.fold(&question, None),
                Err(error) if tried == TRIES || error.class == Class::Terminal => {
                    session.blind = Some(worse(session.blind.take(), error));
                }
                Err(_) => {
                    open.insert(question);
                }
            }
        }
    }
}

/// Of two failures, the one that needs a person.
fn worse(known: Option<CallError>, error: CallError) -> CallError {
    match known {
        Some(known) if known.class == Class::Terminal => known,
        _ => error,
    }
}

async fn send<P: Port>(port: &P, request: Request) -> (Request, Result<Response, CallError>) {
    let answer = port.send(request.clone()).await;
    (request, answer)
}

/// The calls that can be sent now. One that serves several resources is sent once.
pub(crate) fn ready(found: &Evaluation) -> Vec<Ready> {
    let ensured = found.outcomes.iter().filter_map(|(id, outcome)| match outcome {
        Outcome::Next(Next::Ensure { request, .. }) => Some((Subject::Wanted(id.clone()), request.clone())),
        _ => None,
    });
    let removed = found
        .leaving
        .iter()
        .filter_map(|(present, departure)| match departure {
            Departure::Send { request, .. } => Some((Subject::Leaving(present.clone()), request.clone())),
            _ => None,
        });
    let mut sent = BTreeSet::new();
    ensured
        .chain(removed)
        .filter(|(_, request)| sent.insert(request.clone()))
        .collect()
}

/// What is about to be made with a client token.
pub(crate) fn made(found: &Evaluation) -> impl Iterator<Item = Id> {
    let makes = |outcome: &Outcome| match outcome {
        Outcome::Next(Next::Ensure { request, outputs, .. }) => {
            outputs.is_none() && request.effect() == Effect::Token
        }
        _ => false,
    };
    let makes = found.outcomes.iter().filter(move |(_, outcome)| makes(outcome));
    makes.map(|(id, _)| id.clone())
}

/// Sends a wave of changes side by side and folds the answers in.
pub(crate) async fn apply<P: Port>(
    session: &mut Session<'_, P>,
    wave: Vec<Ready>,
) -> Result<Result<(), Overtaken>, PassError> {
    if let Err(Overtaken) = checkpoint(session, &wave).await? {
        return Ok(Err(Overtaken));
    }
    // Whoever was frozen over that write has no lease any more.
    if !holds_lease(session) {
        return Ok(Err(Overtaken));
    }
    session
        .sent
        .extend(wave.iter().map(|(_, request)| request.clone()));
    let sends = wave.into_iter().map(|(subject, request)| async {
        let (request, answer) = send(session.port, request).await;
        (subject, request, answer)
    });
    for (subject, request, answer) in join_all(sends).await {
        fold(session, subject, &request, answer);
    }
    Ok(Ok(()))
}

/// Whether the lease in hand outlives a call that is sent now.
fn holds_lease<P: Port>(session: &Session<'_, P>) -> bool {
    let now = session.clock.now();
    let lease = session.head.lease.as_ref();
    lease.is_some_and(|lease| now + session.settings.call < lease.until)
}

/// Takes or renews the lease and records the wave's intents, in one compare-and-swap. Without either to do, the lease
/// in hand counts.
async fn checkpoint<P: Port>(
    session: &mut Session<'_, P>,
    wave: &[Ready],
) -> Result<Result<(), Overtaken>, PassError> {
    let now = session.clock.now();
    let once: Vec<&Id> = wave
        .iter()
        .filter_map(|(subject, request)| match subject {
            Subject::Wanted(id) if request.effect() == Effect::Once => Some(id),
            _ => None,
        })
        .collect();
    if session.leased && once.is_empty() {
        return Ok(Ok(()));
    }
    for id in once {
        let incarnation = session.records.get(id).map_or(1, |record| record.incarnation + 1);
        session
            .head
            .intents
            .insert(id.clone(), Intent { incarnation, at: now });
        session.intended.insert(id.clone());
    }
    if !session.leased {
        session.head.epoch += 1;
        session.leased = true;
    }
    session.head.lease = Some(Lease {
        owner: session.job.invocation.clone(),
        until: now + session.settings.lease,
    });
    commit(session).await
}

/// Moves the head, if nobody else did since we read it.
pub(crate) async fn commit<P: Port>(
    session: &mut Session<'_, P>,
) -> Result<Result<(), Overtaken>, PassError> {
    let condition = session
        .head_etag
        .clone()
        .map_or(Condition::Absent, Condition::Matches);
    let written = session
        .store()
        .put(&head_key(&session.job.stack), &session.head, condition)
        .await?;
    Ok(match written {
        Some(etag) => {
            session.head_etag = Some(etag);
            Ok(())
        }
        None => Err(Overtaken),
    })
}

/// Folds the answer to a change in. What AWS refused was not created: its intent is void.
fn fold<P: Port>(
    session: &mut Session<'_, P>,
    subject: Subject,
    request: &Request,
    answer: Result<Response, CallError>,
) {
    let answer = match answer {
        // "It exists" says of a call without an answer of its own that it is done.
        Err(error) if error.class == Class::Exists => request.done().ok_or(error),
        // So does "it is gone" of what was seen and is to go; and of what was to be taken from something else.
        Err(error)
            if error.class == Class::Gone
                && request.effect() == Effect::Delete
                && (matches!(subject, Subject::Leaving(_)) || error.says_taken_away()) =>
        {
            request.done().ok_or(error)
        }
        other => other,
    };
    match answer {
        Ok(response) => {
            session.board.fold(request, Some(&response));
            let id = match subject {
                Subject::Wanted(id) => id,
                Subject::Leaving(present) => present.id,
            };
            session.steps.push((id, request.action()));
        }
        Err(error) => match subject {
            Subject::Wanted(id) => {
                if error.applied == Applied::No {
                    session.head.intents.remove(&id);
                }
                session.troubles.insert(id, Trouble { error });
            }
            Subject::Leaving(present) => {
                session.removal_troubles.insert(present, Trouble { error });
            }
        },
    }
}

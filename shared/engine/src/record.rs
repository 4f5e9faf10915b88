//! Last stage: what was found and done goes into a new state if it differs, the head moves to it and frees the lease,
//! the next wake-up is sent, and the status says it all.
//!
//! Order, and what dying in between leaves: **state** (an unused number) → **head** (the wake-up is in it, so that
//! whoever comes after its time continues) → **message** (the status is old until the next look) → **status**.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use windlass_calls::CallError;
use windlass_calls::s3::Condition;
use windlass_planner::{Id, Next, Outcome, Outputs, Plan, Record, Records, stack_outputs};

use crate::apply::commit;
use crate::document::{Operation, StateDocument, Wake};
use crate::pass::{Overtaken, PassError, Reconciled, Session};
use crate::port::Port;
use crate::reject::Rejection;
use crate::status::{Phase, ResourceState, Status, StatusError, WaitingOn};
use crate::store::{Store, Versioned, state_key, status_key};
use crate::wake;

/// Tries of a state's number: each one taken is a pass that died between its state and its head.
const SERIALS: u64 = 32;
/// Longest time between wake-ups while AWS is busy, in seconds.
const LONGEST_PATIENCE: i64 = 30;
/// Longest time between wake-ups while calls keep failing. A wake-up that is lost with its function must be overdue when
/// the queue delivers the pass's own message again: 360 s after it came, of which a pass takes at most 60.
const LONGEST_BACKOFF: i64 = 200;

/// Kinds that wait when instances are missing or unwell, while everything else is as it should be.
const CAPACITY: [&str; 4] = ["auto-scaling-group", "instance", "target-registration", "targets"];

/// Records a pass.
pub(crate) async fn record<P: Port>(
    session: &mut Session<'_, P>,
    reconciled: &Reconciled,
    before: Option<&Versioned<Status>>,
    rejection: Option<Rejection>,
) -> Result<Result<Status, Overtaken>, PassError> {
    let now = session.clock.now();
    let records = recorded(session, reconciled, now);
    let errors = errors(session, reconciled);
    let settled = errors.is_empty() && is_settled(session, reconciled);
    write_state(session, records, reconciled.refused).await?;
    let expired = move_head(session, reconciled, now, settled, !errors.is_empty());
    let unchanged = !session.leased && session.head == session.loaded_head;
    if !unchanged && let Err(Overtaken) = commit(session).await? {
        return Ok(Err(Overtaken));
    }
    send_wake(session, now).await?;
    let mut status = Status {
        stack: session.job.stack.to_string(),
        serial: session.head.serial,
        spec_version: session.version.clone(),
        updated_at: now,
        plan: plan_counts(reconciled, before),
        waiting_on: waiting_on(session, reconciled, before, now),
        errors,
        unhealthy_instances: unhealthy(reconciled),
        resources: resource_states(reconciled, before),
        outputs: stack_outputs(&with_records(session, reconciled)),
        ..Status::default()
    };
    if expired {
        status.errors.push(gave_up(session, &status));
    }
    status.phase = phase(session, reconciled, &status, settled);
    if let Some(rejection) = rejection {
        status.phase = Phase::Rejected;
        status.spec_version = rejection.version;
        status.errors = rejection.errors;
    }
    write_status(session, &status, before).await?;
    Ok(Ok(status))
}

/// Everything is in sync and ready.
fn is_settled<P>(session: &Session<P>, reconciled: &Reconciled) -> bool {
    let ready = |outcome: &Outcome| matches!(outcome, Outcome::Cached(_) | Outcome::Next(Next::InSync(_)));
    session.blind.is_none()
        && !reconciled.unfinished
        && !reconciled.outcomes.is_empty()
        && reconciled.outcomes.values().all(ready)
}

/// The records after this pass. A resource that is gone keeps its record until its successor is there: its
/// incarnation is part of the successor's token.
fn recorded<P>(session: &Session<P>, reconciled: &Reconciled, now: Timestamp) -> Records {
    let mut records = session.records.clone();
    for (id, outcome) in &reconciled.outcomes {
        let (outputs, settled) = match outcome {
            Outcome::Next(Next::InSync(outputs)) => (Some(outputs), true),
            Outcome::Next(next) => (next.outputs(), false),
            Outcome::Cached(_) => continue,
            Outcome::Blocked(_) | Outcome::Unobserved => (None, false),
        };
        let old = session.records.get(id);
        match (outputs, old) {
            (Some(outputs), Some(old)) if old.outputs.get("id") == outputs.get("id") => {
                let record = Record {
                    outputs: outputs.clone(),
                    settled,
                    ..old.clone()
                };
                records.insert(id.clone(), record);
            }
            (Some(outputs), old) => {
                let record = Record {
                    outputs: outputs.clone(),
                    settled,
                    incarnation: old.map_or(1, |old| old.incarnation + 1),
                    since: now,
                };
                records.insert(id.clone(), record);
            }
            // What the token stands for is dead and forgotten: the next create needs the token after it.
            (None, old)
                if session
                    .troubles
                    .get(id)
                    .is_some_and(|trouble| trouble.error.token_is_spent()) =>
            {
                let record = Record {
                    outputs: Outputs::default(),
                    settled: false,
                    incarnation: old.map_or(1, |old| old.incarnation + 1),
                    since: Timestamp::UNIX_EPOCH,
                };
                records.insert(id.clone(), record);
            }
            (None, Some(old)) => {
                let settled = false;
                records.insert(
                    id.clone(),
                    Record {
                        settled,
                        ..old.clone()
                    },
                );
            }
            (None, None) => {}
        }
    }
    records
}

/// Writes a new state if anything in it changed. Numbers that passes before us took and never pointed to are skipped.
/// A spec that was refused as a whole does not become the state's.
async fn write_state<P: Port>(
    session: &mut Session<'_, P>,
    records: Records,
    refused: bool,
) -> Result<(), PassError> {
    let (spec, spec_version) = match session.recorded_spec.clone().filter(|_| refused) {
        Some(spec) => (spec, session.head.spec_version.clone()),
        None => (session.spec.clone(), session.version.clone()),
    };
    let same_spec =
        session.recorded_spec.as_ref() == Some(&spec) && session.head.spec_version == spec_version;
    if records == session.records && (same_spec || records.is_empty()) {
        return Ok(());
    }
    let first = session.head.serial + 1;
    for serial in first..first + SERIALS {
        let state = StateDocument {
            stack: session.job.stack.to_string(),
            serial,
            lineage: session.head.lineage.clone(),
            spec_version: spec_version.clone(),
            spec: spec.clone(),
            resources: records.clone(),
        };
        let key = state_key(&session.job.stack, serial);
        if session
            .store()
            .put(&key, &state, Condition::Absent)
            .await?
            .is_some()
        {
            session.head.serial = serial;
            session.records = records;
            return Ok(());
        }
    }
    Err(PassError::NoSerial { first })
}

/// The head after this pass. Answers whether the operation ran out of time.
fn move_head<P>(
    session: &mut Session<P>,
    reconciled: &Reconciled,
    now: Timestamp,
    settled: bool,
    failed: bool,
) -> bool {
    let fresh = session.head.spec_version != session.version;
    let head = &mut session.head;
    head.lease = None;
    if !reconciled.refused {
        head.spec_version.clone_from(&session.version);
    }
    head.intents.retain(|id, _| reconciled.known.get(id).is_none());
    head.was_ready |= settled;
    let looked_at_again = !matches!(session.job.trigger, crate::pass::Trigger::Woken { .. });
    head.operation = match head.operation.take() {
        _ if settled => None,
        Some(operation) if !fresh && !looked_at_again => Some(operation),
        _ => Some(Operation { since: now }),
    };
    let expired = head
        .operation
        .as_ref()
        .is_some_and(|operation| now > operation.since + session.settings.deadline);
    let troubled = session.blind.is_some() || !session.troubles.is_empty();
    let attempt = head.wake.as_ref().map_or(0, |wake| wake.attempt);
    let attempt = if troubled { attempt + 1 } else { 0 };
    head.wake = (!settled && !failed && !expired).then(|| Wake {
        token: windlass_planner::names::token(&head.lineage, &Id::only("wake"), head.wake_number + 1),
        due: now
            + SignedDuration::from_secs(delay(
                session.settings.wake_seconds,
                head.operation
                    .as_ref()
                    .map_or(0, |operation| now.duration_since(operation.since).as_secs()),
                attempt,
                reconciled.unfinished,
            )),
        attempt,
    });
    head.wake_number += u32::from(head.wake.is_some());
    expired
}

/// Seconds until the next look: at once if time ran out, a sixth of the time that the work has taken so far, and
/// twice as long after each troubled pass. What takes long is looked at less often, and noticed late by a sixth at
/// most.
fn delay(wake_seconds: u32, age: i64, attempt: u32, unfinished: bool) -> i64 {
    if unfinished {
        return 0;
    }
    let least = i64::from(wake_seconds);
    let patient = (age / 6).clamp(least, LONGEST_PATIENCE.max(least));
    let doubled = patient << attempt.min(8);
    doubled.min(LONGEST_BACKOFF.max(least))
}

async fn send_wake<P: Port>(session: &Session<'_, P>, now: Timestamp) -> Result<(), PassError> {
    let Some(wake) = &session.head.wake else {
        return Ok(());
    };
    let delay = wake.due.duration_since(now).as_secs();
    let token = Some(wake.token.clone());
    Ok(wake::send(session.port, session.settings, &session.job.stack, token, delay).await?)
}

fn errors<P>(session: &Session<P>, reconciled: &Reconciled) -> Vec<StatusError> {
    let planned = reconciled.plan.iter().flat_map(|plan| &plan.refusals);
    let mut refusals: BTreeMap<Id, String> = planned
        .map(|refusal| (refusal.resource.clone(), refusal.reason.clone()))
        .collect();
    for (id, outcome) in &reconciled.outcomes {
        if let Outcome::Next(Next::Refuse { reason, .. }) = outcome {
            refusals.insert(id.clone(), reason.clone());
        }
    }
    let mut errors: Vec<StatusError> = refusals
        .into_iter()
        .map(|(id, message)| error(id.as_str(), message))
        .collect();
    for (id, trouble) in session.troubles.iter().filter(|(_, trouble)| trouble.is_final()) {
        if !errors.iter().any(|error| error.path == id.as_str()) {
            errors.push(error(id.as_str(), trouble.words()));
        }
    }
    if let Some(failed) = session
        .blind
        .as_ref()
        .filter(|error| error.class == windlass_calls::Class::Terminal)
    {
        errors.push(denied(failed));
    }
    errors
}

/// What a plan cannot do.
pub(crate) fn refusals(plan: &Plan) -> Vec<StatusError> {
    let refusals = plan.refusals.iter();
    refusals
        .map(|refusal| error(refusal.resource.as_str(), refusal.reason.clone()))
        .collect()
}

/// A call that was denied, and that a person must settle.
pub(crate) fn denied(failed: &CallError) -> StatusError {
    let message = format!(
        "{} was refused: {} ({})",
        failed.action, failed.message, failed.code
    );
    error(failed.action, message)
}

fn error(path: &str, message: String) -> StatusError {
    StatusError {
        path: path.to_owned(),
        hint: remedy(&message).map(str::to_owned),
        message,
        ..StatusError::default()
    }
}

/// What to do about the refusals that new accounts meet first (rules 38, 52, 65).
fn remedy(message: &str) -> Option<&'static str> {
    let remedies = [
        (
            "LimitExceeded",
            "raise the quota in Service Quotas or free what is not used, then upload the spec again",
        ),
        (
            "UnauthorizedOperation",
            "the function's role or a service control policy forbids it: compare with template.yaml",
        ),
        (
            "AccessDenied",
            "the function's role or a service control policy forbids it: compare with template.yaml",
        ),
    ];
    remedies
        .iter()
        .find(|(code, _)| message.contains(code))
        .map(|(_, remedy)| *remedy)
}

fn gave_up<P>(session: &Session<P>, status: &Status) -> StatusError {
    let minutes = session.settings.deadline.as_mins();
    let waits: Vec<String> = status
        .waiting_on
        .iter()
        .map(|wait| format!("{}: {}", wait.resource, wait.reason))
        .collect();
    StatusError {
        message: format!("still waiting after {minutes} minutes ({})", waits.join("; ")),
        hint: Some("settle what it waits for, then upload the spec again to go on".into()),
        ..StatusError::default()
    }
}

fn waiting_on<P>(
    session: &Session<P>,
    reconciled: &Reconciled,
    before: Option<&Versioned<Status>>,
    now: Timestamp,
) -> Vec<WaitingOn> {
    let since = |id: &Id| {
        let earlier = before.and_then(|status| {
            status
                .document
                .waiting_on
                .iter()
                .find(|wait| wait.resource == *id)
        });
        earlier.map_or(now, |wait| wait.since)
    };
    let waits = reconciled
        .outcomes
        .iter()
        .filter_map(|(id, outcome)| match outcome {
            Outcome::Next(Next::Wait { reason, .. }) => Some(WaitingOn {
                resource: id.clone(),
                reason: reason.clone(),
                since: since(id),
            }),
            _ => None,
        });
    let blind = session
        .blind
        .as_ref()
        .filter(|error| error.class != windlass_calls::Class::Terminal)
        .map(|error| {
            let id = Id::only(error.action);
            WaitingOn {
                reason: format!("AWS did not answer ({}); looking again", error.code),
                since: since(&id),
                resource: id,
            }
        });
    waits.chain(blind).collect()
}

fn unhealthy(reconciled: &Reconciled) -> Vec<windlass_planner::UnhealthyInstance> {
    let targets = reconciled.known.get(&Id::only("targets"));
    targets
        .and_then(|targets| serde_json::from_str(&targets.outputs.get("unhealthy")).ok())
        .unwrap_or_default()
}

/// How far each resource is. What this pass could not see is as it was.
fn resource_states(
    reconciled: &Reconciled,
    before: Option<&Versioned<Status>>,
) -> BTreeMap<Id, ResourceState> {
    let earlier = |id: &Id| before.and_then(|status| status.document.resources.get(id).copied());
    let state = |id: &Id, outcome: &Outcome| match outcome {
        Outcome::Cached(_) | Outcome::Next(Next::InSync(_)) => ResourceState::Ready,
        Outcome::Next(Next::Refuse { .. }) => ResourceState::Failed,
        Outcome::Next(Next::Wait { .. } | Next::Ensure { outputs: Some(_), .. }) => ResourceState::Waiting,
        Outcome::Unobserved => earlier(id).unwrap_or(ResourceState::Pending),
        Outcome::Blocked(_) if reconciled.plan.is_none() => earlier(id).unwrap_or(ResourceState::Pending),
        Outcome::Next(Next::Ensure { .. }) | Outcome::Blocked(_) => ResourceState::Pending,
    };
    let outcomes = reconciled.outcomes.iter();
    let mut states: BTreeMap<Id, ResourceState> = outcomes
        .map(|(id, outcome)| (id.clone(), state(id, outcome)))
        .collect();
    for step in reconciled.plan.iter().flat_map(|plan| &plan.steps) {
        states
            .entry(step.resource.clone())
            .or_insert(ResourceState::Pending);
    }
    states
}

/// What is left to do; as it was, if this pass could not see.
fn plan_counts(reconciled: &Reconciled, before: Option<&Versioned<Status>>) -> windlass_planner::PlanCounts {
    let earlier = || before.map(|status| status.document.plan).unwrap_or_default();
    reconciled
        .plan
        .as_ref()
        .map_or_else(earlier, windlass_planner::Plan::counts)
}

/// What is known, and for what this pass did not look at, what was recorded: outputs do not come and go.
fn with_records<P>(session: &Session<P>, reconciled: &Reconciled) -> windlass_planner::Known {
    let mut known = reconciled.known.clone();
    for (id, record) in &session.records {
        if known.get(id).is_none() {
            known.insert(id.clone(), record.outputs.clone(), false);
        }
    }
    known
}

fn phase<P>(session: &Session<P>, reconciled: &Reconciled, status: &Status, settled: bool) -> Phase {
    let capacity_only = !status.waiting_on.is_empty()
        && status
            .waiting_on
            .iter()
            .all(|wait| CAPACITY.contains(&wait.resource.kind()));
    let steps = reconciled.plan.iter().flat_map(|plan| &plan.steps);
    let building = steps
        .filter(|step| step.change == "create")
        .any(|step| !CAPACITY.contains(&step.resource.kind()));
    match session.head.was_ready {
        _ if !status.errors.is_empty() => Phase::Failed,
        _ if settled => Phase::Ready,
        true if capacity_only && !building => Phase::Degraded,
        true => Phase::Updating,
        false => Phase::Provisioning,
    }
}

/// Writes the status if it says something new. If somebody wrote it since we read it, theirs is newer.
pub(crate) async fn write_status<P: Port>(
    session: &Session<'_, P>,
    status: &Status,
    before: Option<&Versioned<Status>>,
) -> Result<(), PassError> {
    if before.is_some_and(|before| before.document.says_the_same(status)) {
        return Ok(());
    }
    let condition = before.map_or(Condition::Absent, |before| {
        Condition::Matches(before.etag.clone())
    });
    let store: Store<'_, P> = session.store();
    store
        .put(&status_key(&session.job.stack), status, condition)
        .await?;
    Ok(())
}

//! Last stage: what was found and done goes into a new state if it differs, the head moves to it and frees the lease,
//! the next wake-up is sent, and the status says it all.
//!
//! Order, and what dying in between leaves: **state** (an unused number) → **head** (the wake-up is in it, so that
//! whoever comes after its time continues) → **message** (the status is old until the next look) → **status**.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use windlass_calls::CallError;
use windlass_calls::s3::Condition;
use windlass_planner::{
    Departure, Evaluation, Id, Next, Outcome, Outputs, Plan, Record, Records, stack_outputs,
};

use crate::apply::commit;
use crate::document::{DeletionStage, Head, Operation, StateDocument, Wake};
use crate::pass::{Overtaken, PassError, Purpose, Reconciled, Session};
use crate::port::Port;
use crate::reject::Rejection;
use crate::status::{Phase, ResourceState, Status, StatusError, WaitingOn};
use crate::store::{Store, Versioned, state_key, status_key};
use crate::{destroy, drift, wake};

/// Tries of a state's number: each one taken is a pass that died between its state and its head.
const SERIALS: u64 = 32;
/// Longest time between wake-ups while AWS is busy, in seconds.
const LONGEST_PATIENCE: i64 = 30;
/// Longest time between wake-ups while calls keep failing. A wake-up that is lost with its function must be overdue when
/// the queue delivers the pass's own message again: 360 s after it came, of which a pass takes at most 60.
const LONGEST_BACKOFF: i64 = 200;

/// Longest time that an instance may take to finish its requests (rule 14). What leaves has it on top of the deadline.
const LONGEST_DRAIN: SignedDuration = SignedDuration::from_hours(1);

/// Kinds that are choices, and nothing in AWS.
const CHOICES: [&str; 4] = ["image", "quotas", "tags", "zones"];

/// Kinds that wait when instances are missing or unwell, while everything else is as it should be.
const CAPACITY: [&str; 4] = ["auto-scaling-group", "instance", "target-registration", "targets"];

/// Whether a resource is one that instances come and go with.
pub(crate) fn is_capacity(id: &Id) -> bool {
    CAPACITY.contains(&id.kind())
}

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
    let settled = errors.is_empty() && is_settled(session, reconciled, &records);
    if settled && session.purpose == Purpose::Destroy {
        destroy::journal(session).await?;
    }
    spend(session, &records);
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
    if status.phase == Phase::Deleted {
        status.outputs = windlass_planner::StackOutputs::default();
    }
    if let Some(rejection) = rejection {
        status.phase = rejection.phase;
        status.spec_version = rejection.version;
        status.errors = rejection.errors;
    }
    write_status(session, &status, before).await?;
    Ok(Ok(status))
}

/// Everything is in sync and ready, and nothing is left that should not be there. That nothing at all is left is only
/// believed after a look at everything, when all that was ever created would have shown (rule 34).
fn is_settled<P>(session: &Session<P>, reconciled: &Reconciled, records: &Records) -> bool {
    let found = &reconciled.found;
    let nothing_leaves = found.leaving.is_empty()
        && records
            .iter()
            .all(|(id, record)| record.leaving.is_empty() && found.outcomes.contains_key(id));
    let all_there = if session.purpose == Purpose::Destroy {
        let seen = session.head.deletion.as_ref().map(|deletion| deletion.at);
        let shown = seen.is_some_and(|at| session.clock.now() >= at + session.settings.consistency);
        !session.focused && (shown || session.loaded_head.serial == 0)
    } else {
        !found.outcomes.is_empty()
    };
    session.blind.is_none()
        && !reconciled.unfinished
        && all_there
        && nothing_leaves
        && found.outcomes.values().all(Outcome::is_ready)
}

/// The records after this pass. A resource that is gone keeps its record until its successor is there: its
/// incarnation is part of the successor's token.
fn recorded<P: Port>(session: &Session<P>, reconciled: &Reconciled, now: Timestamp) -> Records {
    let mut records = session.records.clone();
    let found = &reconciled.found;
    for (id, outcome) in &found.outcomes {
        let (outputs, settled) = match outcome {
            Outcome::Next(Next::InSync(outputs)) => (Some(outputs), true),
            Outcome::Next(next) => (next.outputs(), false),
            Outcome::Cached(_) => continue,
            Outcome::Blocked(_) | Outcome::Unobserved => (None, false),
        };
        let old = session.records.get(id);
        // What a spec that was refused would have chosen binds nobody.
        if reconciled.refused && CHOICES.contains(&id.kind()) {
            continue;
        }
        match (outputs, old) {
            (Some(outputs), Some(old)) if old.outputs.get("id") == outputs.get("id") => {
                let record = Record {
                    outputs: outputs.clone(),
                    settled,
                    ..old.clone()
                };
                records.insert(id.clone(), record);
            }
            (Some(outputs), _) => {
                let record = Record {
                    outputs: outputs.clone(),
                    settled,
                    incarnation: session.context().incarnation(id),
                    since: now,
                    leaving: vec![],
                };
                records.insert(id.clone(), record);
            }
            // What the token stands for is dead and forgotten: the next create needs the token after it.
            (None, _)
                if session
                    .troubles
                    .get(id)
                    .is_some_and(|trouble| trouble.error.token_is_spent()) =>
            {
                let record = Record {
                    outputs: Outputs::default(),
                    settled: false,
                    incarnation: session.context().incarnation(id),
                    since: Timestamp::UNIX_EPOCH,
                    leaving: vec![],
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
    record_leaving(&mut records, &reconciled.found);
    records
}

/// Keeps count of what is no longer recorded.
fn spend<P>(session: &mut Session<P>, records: &Records) {
    let gone = session
        .records
        .iter()
        .filter(|(id, _)| !records.contains_key(*id));
    let gone: Vec<(Id, u32)> = gone
        .map(|(id, record)| (id.clone(), record.incarnation))
        .collect();
    session.head.spent.extend(gone);
    session.head.spent.retain(|id, _| !records.contains_key(id));
}

/// Keeps what leaves in the records until it is gone, so that every pass looks for it.
fn record_leaving(records: &mut Records, found: &Evaluation) {
    let looked_at = |id: &Id| found.observed.contains(id.kind());
    for (id, record) in records.iter_mut() {
        if looked_at(id) {
            record.leaving.clear();
        }
        record.settled &= found.outcomes.contains_key(id);
    }
    for present in found.leaving.keys() {
        let record = records.entry(present.id.clone()).or_insert_with(|| Record {
            outputs: Outputs::id(&present.physical),
            settled: false,
            incarnation: 1,
            since: Timestamp::UNIX_EPOCH,
            leaving: vec![],
        });
        record.leaving.push(present.physical.clone());
    }
    if found.complete {
        records.retain(|id, record| {
            found.outcomes.contains_key(id) || !looked_at(id) || !record.leaving.is_empty()
        });
    }
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
    let interval = drift::interval(session);
    let head = &mut session.head;
    head.lease = None;
    if !reconciled.refused {
        head.spec_version.clone_from(&session.version);
    }
    head.intents
        .retain(|id, _| reconciled.found.known.get(id).is_none());
    head.was_ready |= settled;
    if settled {
        head.drift = Some(interval);
    }
    if settled && session.purpose == Purpose::Destroy {
        end(head);
    }
    let looked_at_again = !matches!(session.job.trigger, crate::pass::Trigger::Woken { .. });
    head.operation = match head.operation.take() {
        _ if settled => None,
        Some(operation) if !fresh && !looked_at_again => Some(operation),
        _ => Some(Operation { since: now }),
    };
    let only_leaving = reconciled.found.outcomes.values().all(Outcome::is_ready);
    let drain = if only_leaving {
        LONGEST_DRAIN
    } else {
        SignedDuration::ZERO
    };
    let expired = head
        .operation
        .as_ref()
        .is_some_and(|operation| now > operation.since + session.settings.deadline + drain);
    let troubled =
        session.blind.is_some() || !session.troubles.is_empty() || !session.removal_troubles.is_empty();
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

/// The head of a stack of which nothing is left. Another stack of the name is another one: its tokens must be new.
fn end(head: &mut Head) {
    if let Some(deletion) = head.deletion.as_mut() {
        deletion.stage = DeletionStage::Ended;
    }
    head.lineage.clear();
    head.spec_version.clear();
    head.spent.clear();
    head.intents.clear();
    head.was_ready = false;
    head.drift = None;
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
    for (id, outcome) in &reconciled.found.outcomes {
        if let Outcome::Next(Next::Refuse { reason, .. }) = outcome {
            refusals.insert(id.clone(), reason.clone());
        }
    }
    for (present, departure) in &reconciled.found.leaving {
        if let Departure::Refuse { reason } = departure {
            refusals.insert(present.id.clone(), reason.clone());
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
    let since = session
        .head
        .operation
        .as_ref()
        .map_or(status.updated_at, |operation| operation.since);
    let minutes = status.updated_at.duration_since(since).as_mins();
    let waits: Vec<String> = status
        .waiting_on
        .iter()
        .map(|wait| format!("{}: {}", wait.resource, wait.reason))
        .collect();
    StatusError {
        message: format!("still waiting after {minutes} minutes ({})", waits.join("; ")),
        hint: Some(if session.purpose == Purpose::Destroy {
            format!(
                "settle what it waits for, then delete specs/{}.yaml once more to go on",
                session.job.stack
            )
        } else {
            "settle what it waits for, then upload the spec again to go on".to_owned()
        }),
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
        .found
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
    let leaving = reconciled.found.leaving.iter();
    let leaving = leaving.filter_map(|(present, departure)| match departure {
        Departure::Wait { reason } => Some(WaitingOn {
            resource: present.id.clone(),
            reason: reason.clone(),
            since: since(&present.id),
        }),
        _ => None,
    });
    waits.chain(leaving).chain(blind).collect()
}

fn unhealthy(reconciled: &Reconciled) -> Vec<windlass_planner::UnhealthyInstance> {
    let targets = reconciled.found.known.get(&Id::only("targets"));
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
    let outcomes = reconciled.found.outcomes.iter();
    let mut states: BTreeMap<Id, ResourceState> = outcomes
        .map(|(id, outcome)| (id.clone(), state(id, outcome)))
        .collect();
    for step in reconciled.plan.iter().flat_map(|plan| &plan.steps) {
        let state = if step.change == "delete" {
            ResourceState::Leaving
        } else {
            ResourceState::Pending
        };
        states.entry(step.resource.clone()).or_insert(state);
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
    let mut known = reconciled.found.known.clone();
    for (id, record) in &session.records {
        if known.get(id).is_none() {
            known.insert(id.clone(), record.outputs.clone(), false);
        }
    }
    known
}

fn phase<P>(session: &Session<P>, reconciled: &Reconciled, status: &Status, settled: bool) -> Phase {
    let capacity_only =
        !status.waiting_on.is_empty() && status.waiting_on.iter().all(|wait| is_capacity(&wait.resource));
    let steps = reconciled.plan.iter().flat_map(|plan| &plan.steps);
    let building = steps
        .filter(|step| matches!(step.change.as_ref(), "create" | "replace"))
        .any(|step| !is_capacity(&step.resource));
    match session.head.was_ready {
        _ if !status.errors.is_empty() => Phase::Failed,
        _ if session.purpose == Purpose::Destroy && settled => Phase::Deleted,
        _ if session.purpose == Purpose::Destroy => Phase::Deleting,
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

//! Last stage: what was found and done goes into a new state if it differs, the head moves to it and frees the lease,
//! the next wake-up is sent, and the status says it all.
//!
//! Order, and what dying in between leaves: **state** (an unused number) → **head** (the wake-up is in it, so that
//! whoever comes after its time continues) → **message** (the status is old until the next look) → **status**.

mod head;
mod records;
mod report;

use jiff::Timestamp;
use windlass_calls::s3::Condition;
use windlass_planner::{Outcome, Records, StackOutputs, stack_outputs};

use crate::apply::commit;
use crate::document::StateDocument;
use crate::pass::{Overtaken, PassError, Purpose, Reconciled, Session};
use crate::port::Port;
use crate::reject::Rejection;
use crate::status::{Phase, Status};
use crate::store::{Store, Versioned, state_key, status_key};
use crate::{destroy, wake};

pub(crate) use report::{denied, is_capacity, refusals};

/// Tries of a state's number: each one taken is a pass that died between its state and its head.
const SERIALS: u64 = 32;

/// Records a pass.
pub(crate) async fn record<P: Port>(
    session: &mut Session<'_, P>,
    reconciled: &Reconciled,
    before: Option<&Versioned<Status>>,
    rejection: Option<Rejection>,
) -> Result<Result<Status, Overtaken>, PassError> {
    let now = session.clock.now();
    let records = records::recorded(session, reconciled, now);
    let errors = report::errors(session, reconciled);
    let settled = errors.is_empty() && is_settled(session, reconciled, &records);
    if settled && session.purpose == Purpose::Destroy {
        destroy::journal(session).await?;
    }
    records::spend(session, &records);
    write_state(session, records, reconciled.refused).await?;
    let expired = head::move_head(session, reconciled, now, settled, !errors.is_empty());
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
        plan: report::plan_counts(reconciled, before),
        waiting_on: report::waiting_on(session, reconciled, before, now),
        errors,
        unhealthy_instances: report::unwell(session, reconciled),
        resources: report::resource_states(reconciled, before),
        outputs: stack_outputs(&report::with_records(session, reconciled)),
        ..Status::default()
    };
    if expired && !report::is_suspended(session) {
        status.errors.push(report::gave_up(session, &status));
    }
    status.phase = report::phase(session, reconciled, &status, settled);
    if status.phase == Phase::Deleted {
        status.outputs = StackOutputs::default();
    }
    if status.phase == Phase::Degraded {
        status.errors.extend(report::consequence(session));
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
    let (window, now) = (session.settings.consistency, session.clock.now());
    let mut intents = session.head.intents.iter();
    session.blind.is_none()
        && !intents.any(|(id, intent)| head::unresolved(reconciled, id, intent, window, now))
        && !reconciled.unfinished
        && all_there
        && nothing_leaves
        && found.outcomes.values().all(Outcome::is_ready)
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

async fn send_wake<P: Port>(session: &Session<'_, P>, now: Timestamp) -> Result<(), PassError> {
    let Some(wake) = &session.head.wake else {
        return Ok(());
    };
    let delay = wake.due.duration_since(now).as_secs();
    let token = Some(wake.token.clone());
    Ok(wake::send(session.port, session.settings, &session.job.stack, token, delay).await?)
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

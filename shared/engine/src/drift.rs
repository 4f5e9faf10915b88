//! Drift: what somebody changed, deleted or added by hand. A look finds it, and the pass changes it back as it would
//! carry out a new spec; or, with `repair: false`, only says it. Either way the journal tells what was there and what is.

use jiff::Timestamp;
use serde::Serialize;
use windlass_calls::s3::Condition;
use windlass_planner::{Plan, Step};
use windlass_spec::Mode;

use crate::load::Loaded;
use crate::pass::{Job, PassError, Session, Trigger};
use crate::port::Port;
use crate::reject::SpecWanted;
use crate::status::{Phase, Status};
use crate::store::{Versioned, journal_key};
use crate::{plans, record};

/// Seconds between two looks at fixed instances: the event that tells of a dead one may be lost (rule 9).
const FIXED: u32 = 300;

/// Seconds between two looks at a settled stack.
pub(crate) fn interval<P>(session: &Session<P>) -> u32 {
    match session.spec.compute.mode {
        Mode::Asg => session.spec.drift.interval,
        Mode::Ec2 => session.spec.drift.interval.min(FIXED),
    }
}

/// Whether a pass only looks at a settled stack, and must change nothing.
pub(crate) fn only_looks(job: &Job, loaded: &Loaded, wanted: &SpecWanted) -> bool {
    job.trigger == Trigger::Look
        && !wanted.destroying
        && !wanted.spec.drift.repair
        && loaded.head.was_ready
        && loaded.head.operation.is_none()
        && loaded.head.spec_version == wanted.version
}

/// A journal entry about drift.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    stack: String,
    at: Timestamp,
    /// It was changed back; else only found.
    repaired: bool,
    /// What it takes, or took: each field as it was found, and as it should be.
    steps: &'a [Step],
}

/// Writes into the journal what a look found, if that is drift and not a spec being carried out.
pub(crate) async fn journal<P: Port>(
    session: &Session<'_, P>,
    plan: &Plan,
    repaired: bool,
) -> Result<(), PassError> {
    let carried_out = session.loaded_head.was_ready
        && session.loaded_head.operation.is_none()
        && session.loaded_head.spec_version == session.version;
    if session.job.trigger != Trigger::Look || !carried_out || plan.steps.is_empty() {
        return Ok(());
    }
    let at = session.clock.now();
    let stack = session.job.stack.to_string();
    let key = journal_key(&stack, at, "drift");
    let entry = Entry {
        stack,
        at,
        repaired,
        steps: &plan.steps,
    };
    session.store().put(&key, &entry, Condition::Always).await?;
    Ok(())
}

/// Looks, and says what was changed by hand. A dead instance is no drift: it is replaced all the same.
///
/// `Ok(None)` says that there is something to do.
pub(crate) async fn look<P: Port>(
    session: &mut Session<'_, P>,
    before: Option<&Versioned<Status>>,
) -> Result<Option<Status>, PassError> {
    let plan = plans::observed(session).await?;
    if plan.steps.iter().any(|step| record::is_capacity(&step.resource)) {
        return Ok(None);
    }
    let earlier = before.map(|status| status.document.clone()).unwrap_or_default();
    let status = Status {
        drift: plan.steps.clone(),
        phase: if earlier.phase == Phase::Planned {
            Phase::Ready
        } else {
            earlier.phase
        },
        updated_at: session.clock.now(),
        ..earlier
    };
    if before.is_some_and(|before| before.document.says_the_same(&status)) {
        return Ok(Some(status));
    }
    journal(session, &plan, false).await?;
    record::write_status(session, &status, before).await?;
    Ok(Some(status))
}

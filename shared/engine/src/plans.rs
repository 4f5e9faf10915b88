//! Plans: what would be done, and why, before anything is.
//!
//! A pass that begins to change something writes its plan first, so that `plans/` says of every state why it came to
//! be. With `apply: plan` that is all it does: no lease is taken, no state written, and nothing in AWS changed.
//!
//! Dying in between leaves at most a plan that was not carried out; the next pass writes it again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_calls::s3::Condition;
use windlass_calls::{CallError, Class};
use windlass_planner::{Plan, PlanCounts};
use windlass_spec::{Spec, StackId};

use crate::apply::commit;
use crate::drift;
use crate::load::{self, Loaded};
use crate::pass::{Clock, Job, Overtaken, PassError, Purpose, Session, Settings, Trigger};
use crate::port::Port;
use crate::record::{self, write_status};
use crate::reject::SpecWanted;
use crate::status::{Phase, Status};
use crate::store::{Versioned, plan_key};

/// `plans/<env>/<name>/<serial>.json`: what would be done to come to that state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// `dev/web`.
    pub stack: String,
    /// Number of the first state that carrying it out leads to.
    pub serial: u64,
    /// Version of the spec.
    pub spec_version: String,
    /// When it was made.
    pub at: Timestamp,
    /// Whether it was carried out from then on, or only written down.
    pub applied: bool,
    /// How much it would do.
    pub counts: PlanCounts,
    /// What it would do, and what it cannot.
    #[serde(flatten)]
    pub plan: Plan,
    /// The same for people, line by line.
    pub text: Vec<String>,
}

/// The plan of a spec for a stack as it is now. Changes nothing, in AWS or in the state bucket.
///
/// # Errors
/// The state bucket or AWS cannot be read.
pub async fn plan<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    stack: &StackId,
    spec: Spec,
) -> Result<PlanDocument, PassError> {
    let job = Job {
        stack: stack.clone(),
        trigger: Trigger::Look,
        invocation: "plan".into(),
    };
    let loaded: Loaded = load::load(port, settings, &job).await?;
    let wanted = SpecWanted {
        version: loaded.head.spec_version.clone(),
        spec,
        rejection: None,
        destroying: false,
    };
    let mut session = Session::new(port, clock, settings, &job, &loaded, &wanted);
    session.purpose = Purpose::Plan;
    let plan = observed(&mut session).await?;
    Ok(document(&session, plan, false))
}

/// Observes, and answers with the plan.
pub(crate) async fn observed<P: Port>(session: &mut Session<'_, P>) -> Result<Plan, PassError> {
    match session.reconcile().await? {
        Ok(reconciled) => match (reconciled.plan, session.blind.take()) {
            (Some(_), _) => Ok(session
                .board
                .plan_in_full(&session.context(), &session.foresight())),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(PassError::OutOfTime),
        },
        // Nothing is written while planning, so that nobody can be overtaken.
        Err(Overtaken) => Err(PassError::OutOfTime),
    }
}

fn document<P>(session: &Session<P>, plan: Plan, applied: bool) -> PlanDocument {
    PlanDocument {
        stack: session.job.stack.to_string(),
        serial: session.head.serial + 1,
        spec_version: session.version.clone(),
        at: session.clock.now(),
        applied,
        counts: plan.counts(),
        text: plan.text(&session.job.stack).lines().map(str::to_owned).collect(),
        plan,
    }
}

/// Writes the plan of a pass that begins something: not of one that goes on with it.
pub(crate) async fn begin<P: Port>(session: &mut Session<'_, P>, plan: &Plan) -> Result<(), PassError> {
    let goes_on =
        matches!(session.job.trigger, Trigger::Woken { .. }) && session.head.spec_version == session.version;
    if session.purpose == Purpose::Plan || goes_on || plan.steps.is_empty() || !plan.refusals.is_empty() {
        return Ok(());
    }
    let plan = session
        .board
        .plan_in_full(&session.context(), &session.foresight());
    drift::journal(session, &plan, true).await?;
    let document = document(session, plan, true);
    write(session, &document).await
}

async fn write<P: Port>(session: &Session<'_, P>, document: &PlanDocument) -> Result<(), PassError> {
    let key = plan_key(&session.job.stack, document.serial);
    session.store().put(&key, document, Condition::Always).await?;
    Ok(())
}

/// Answers a spec that says `apply: plan`.
pub(crate) async fn answer<P: Port>(
    session: &mut Session<'_, P>,
    before: Option<&Versioned<Status>>,
) -> Result<Result<Status, Overtaken>, PassError> {
    let plan = match observed(session).await {
        Ok(plan) => plan,
        // Looking again will not help: a person must act.
        Err(PassError::Own(error)) if error.class == Class::Terminal => {
            let status = unreadable(session, before, &error);
            write_status(session, &status, before).await?;
            return Ok(Ok(status));
        }
        Err(error) => return Err(error),
    };
    let document = document(session, plan, false);
    // Work that an earlier spec began stops here: its chain of wake-ups ends.
    if session.head.wake.take().is_some()
        && let Err(Overtaken) = commit(session).await?
    {
        return Ok(Err(Overtaken));
    }
    let status = Status {
        stack: session.job.stack.to_string(),
        phase: Phase::Planned,
        serial: session.head.serial,
        spec_version: session.version.clone(),
        updated_at: session.clock.now(),
        plan: document.counts,
        changes: document.plan.steps.clone(),
        errors: record::refusals(&document.plan),
        waiting_on: vec![],
        ..before.map(|status| status.document.clone()).unwrap_or_default()
    };
    if before.is_some_and(|before| before.document.says_the_same(&status)) {
        return Ok(Ok(status));
    }
    write(session, &document).await?;
    write_status(session, &status, before).await?;
    Ok(Ok(status))
}

/// The status of a plan that could not be made.
fn unreadable<P>(session: &Session<P>, before: Option<&Versioned<Status>>, error: &CallError) -> Status {
    Status {
        stack: session.job.stack.to_string(),
        phase: Phase::Failed,
        spec_version: session.version.clone(),
        updated_at: session.clock.now(),
        errors: vec![record::denied(error)],
        waiting_on: vec![],
        changes: vec![],
        ..before.map(|status| status.document.clone()).unwrap_or_default()
    }
}

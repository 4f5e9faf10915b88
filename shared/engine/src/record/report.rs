//! What the status says of a pass: how far each resource is, what is waited for, what is wrong, and what to do about it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_calls::{CallError, Class};
use windlass_planner::{Departure, Id, Known, Next, Outcome, Plan, PlanCounts, UnhealthyInstance};

use crate::lifecycle::{Readiness, Suspended};
use crate::pass::{Purpose, Reconciled, Session};
use crate::status::{Phase, ResourceState, Status, StatusError, WaitingOn};
use crate::store::Versioned;

/// Kinds that wait when instances are missing or unwell, while everything else is as it should be.
const CAPACITY: [&str; 4] = ["auto-scaling-group", "instance", "target-registration", "targets"];

/// Whether a resource is one that instances come and go with.
pub(crate) fn is_capacity(id: &Id) -> bool {
    CAPACITY.contains(&id.kind())
}

pub(super) fn errors<P>(session: &Session<P>, reconciled: &Reconciled) -> Vec<StatusError> {
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
        .filter(|error| error.class == Class::Terminal)
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

pub(super) fn gave_up<P>(session: &Session<P>, status: &Status) -> StatusError {
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

pub(super) fn waiting_on<P>(
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
        .filter(|error| error.class != Class::Terminal)
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

fn unhealthy(reconciled: &Reconciled) -> Vec<UnhealthyInstance> {
    let targets = reconciled.found.known.get(&Id::only("targets"));
    targets
        .and_then(|targets| serde_json::from_str(&targets.outputs.get("unhealthy")).ok())
        .unwrap_or_default()
}

/// Instances that the load balancer finds unhealthy, and those that the gate gave up since the last one got healthy.
pub(super) fn unwell<P>(session: &Session<P>, reconciled: &Reconciled) -> Vec<UnhealthyInstance> {
    let rejected = session.gates.iter().flat_map(|gate| &gate.rejected);
    let rejected = rejected.filter(|rejected| rejected.spec_version == session.version);
    let rejected = rejected.map(|rejected| UnhealthyInstance {
        instance: rejected.instance.clone(),
        cause: rejected.cause.clone(),
        remedy: rejected.remedy.clone(),
    });
    unhealthy(reconciled).into_iter().chain(rejected).collect()
}

/// How far each resource is. What this pass could not see is as it was.
pub(super) fn resource_states(
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
pub(super) fn plan_counts(reconciled: &Reconciled, before: Option<&Versioned<Status>>) -> PlanCounts {
    let earlier = || before.map(|status| status.document.plan).unwrap_or_default();
    reconciled.plan.as_ref().map_or_else(earlier, Plan::counts)
}

/// What is known, and for what this pass did not look at, what was recorded: outputs do not come and go.
pub(super) fn with_records<P>(session: &Session<P>, reconciled: &Reconciled) -> Known {
    let mut known = reconciled.found.known.clone();
    for (id, record) in &session.records {
        if known.get(id).is_none() {
            known.insert(id.clone(), record.outputs.clone(), false);
        }
    }
    known
}

/// What launches of this version of the spec are suspended by.
fn suspended<'a, P>(session: &'a Session<P>) -> Option<&'a Suspended> {
    let mut suspended = session.gates.iter().filter_map(|gate| gate.suspended.as_ref());
    suspended.find(|suspended| suspended.spec_version == session.version)
}

/// Whether this version of the spec kept failing, so that nothing is launched any more, but for one that is tried.
pub(super) fn is_suspended<P>(session: &Session<P>) -> bool {
    let is_tried = |gate: &Readiness| gate.canaries > 0 && gate.spec_version == session.version;
    suspended(session).is_some() || session.gates.iter().any(is_tried)
}

/// What it means that nothing is launched any more.
pub(super) fn consequence<P>(session: &Session<P>) -> Option<StatusError> {
    let until = suspended(session)?.until;
    let until = until.round(jiff::Unit::Second).unwrap_or(until);
    Some(StatusError {
        path: "auto-scaling-group".into(),
        line: None,
        column: None,
        message: "launches kept failing and are suspended: the group neither scales nor heals".into(),
        hint: Some(format!(
            "`unhealthyInstances` says why: correct `compute` or the application, and upload the spec; one instance is tried by itself at {until}"
        )),
    })
}

pub(super) fn phase<P>(
    session: &Session<P>,
    reconciled: &Reconciled,
    status: &Status,
    settled: bool,
) -> Phase {
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
        _ if suspended(session).is_some() => Phase::Degraded,
        _ if settled => Phase::Ready,
        _ if is_suspended(session) => Phase::Degraded,
        true if capacity_only && !building => Phase::Degraded,
        true => Phase::Updating,
        false => Phase::Provisioning,
    }
}

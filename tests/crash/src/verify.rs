//! What must hold once a stack has settled. Each check answers what is wrong, in words.

use std::collections::BTreeMap;

use windlass_calls::{Request, sns};
use windlass_engine::{Phase, Trigger};
use windlass_planner::Id;
use windlass_planner::names::{RESOURCE_TAG, STACK_TAG};

use crate::lab::{Lab, stack};

/// All checks: what [`settled`] checks, and nobody was asked twice.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(lab: &Lab) -> Result<(), String> {
    settled(lab)?;
    nobody_is_asked_twice(lab)
}

/// The stack is ready, its lease free, nothing orphaned, nothing doubled, and idle passes change nothing.
///
/// # Errors
/// The first thing that is wrong.
pub fn settled(lab: &Lab) -> Result<(), String> {
    let status = lab.status().ok_or("there is no status")?;
    if status.phase != Phase::Ready {
        return Err(format!(
            "phase {:?}, waiting on {:?}, errors {:?}",
            status.phase, status.waiting_on, status.errors
        ));
    }
    let head = lab.head().ok_or("there is no head")?;
    if head.lease.is_some() || !head.intents.is_empty() || head.wake.is_some() {
        return Err(format!("the head of a settled stack holds {head:?}"));
    }
    nothing_is_orphaned_or_doubled(lab)?;
    idle_passes_change_nothing(lab, 10)
}

/// Every live resource is the only one of its logical id, and is in the state (I1, I2).
///
/// # Errors
/// A resource that is not.
pub fn nothing_is_orphaned_or_doubled(lab: &Lab) -> Result<(), String> {
    let state = lab.state().ok_or("there is no state")?;
    let mut seen = BTreeMap::new();
    for live in lab.sim.world().inventory() {
        let tag = live.tags.get(RESOURCE_TAG).map(String::as_str);
        if live.kind == "instance" && !tag.is_some_and(|tag| tag.starts_with("instance/")) {
            continue; // the group's
        }
        // Dashboards take no tags: the name is all that ties one to its stack.
        if live.kind == "dashboard" {
            let recorded = state.resources.get(&Id::only("dashboard"));
            if recorded.is_none_or(|record| record.outputs.get("id") != live.id) {
                return Err(format!("dashboard {} is not in the state", live.id));
            }
            continue;
        }
        if live.tags.get(STACK_TAG) != Some(&stack().to_string()) {
            return Err(format!("{} {} carries no stack tag", live.kind, live.id));
        }
        let Some(resource) = live.tags.get(RESOURCE_TAG) else {
            return Err(format!("{} {} carries no resource tag", live.kind, live.id));
        };
        if let Some(twin) = seen.insert((live.kind, resource.clone()), live.id.clone()) {
            return Err(format!("{resource} exists twice: {twin} and {}", live.id));
        }
        let recorded = state.resources.iter().find(|(id, _)| id.as_str() == resource);
        if recorded.is_none_or(|(_, record)| record.outputs.get("id") != live.id) {
            return Err(format!(
                "{} {} ({resource}) is not in the state",
                live.kind, live.id
            ));
        }
    }
    Ok(())
}

/// Whoever is notified was asked to confirm that, and once for each upload at most (rule 66).
fn nobody_is_asked_twice(lab: &Lab) -> Result<(), String> {
    for entry in lab.sim.trace().iter() {
        let Request::Sns(sns::Request::Subscribe(asked)) = &entry.request else {
            continue;
        };
        let (sent, uploads) = (
            lab.sim.world().confirmations_sent(&asked.topic, &asked.endpoint),
            lab.uploads(),
        );
        if !(1..=uploads).contains(&sent) {
            return Err(format!(
                "{} was asked to confirm {sent} times, after {uploads} uploads",
                asked.endpoint
            ));
        }
    }
    Ok(())
}

/// Passes over a settled stack send nothing that could change anything, their own bucket and queue included (I12).
///
/// # Errors
/// A call that one sent.
pub fn idle_passes_change_nothing(lab: &Lab, passes: usize) -> Result<(), String> {
    for _ in 0..passes {
        let before = lab.sim.trace().len();
        lab.pass(Trigger::Look)
            .finished()
            .ok_or("an idle pass crashed")?
            .map_err(|error| error.to_string())?;
        if let Some(entry) = lab.sim.trace()[before..]
            .iter()
            .find(|entry| entry.request.effect().is_mutating())
        {
            return Err(format!("an idle pass sent {}: {}", entry.action(), entry.outcome));
        }
    }
    Ok(())
}

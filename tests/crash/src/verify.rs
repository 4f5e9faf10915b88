//! What must hold once a stack has settled. Each check answers what is wrong, in words.

use std::collections::{BTreeMap, BTreeSet};

use windlass_calls::{Request, s3};
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

/// The same with two idle passes, for sweeps of many thousands: what the second finds as it was, the tenth does.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_quickly(lab: &Lab) -> Result<(), String> {
    ready(lab)?;
    idle_passes_change_nothing(lab, 2)?;
    history_is_kept(lab)?;
    nobody_is_asked_twice(lab)
}

/// The stack is ready, its lease free, nothing orphaned, nothing doubled, and idle passes change nothing.
///
/// # Errors
/// The first thing that is wrong.
pub fn settled(lab: &Lab) -> Result<(), String> {
    ready(lab)?;
    idle_passes_change_nothing(lab, 10)
}

/// The stack is ready, its lease free, nothing orphaned and nothing doubled.
///
/// # Errors
/// The first thing that is wrong.
pub fn ready(lab: &Lab) -> Result<(), String> {
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
    nothing_is_orphaned_or_doubled(lab)
}

/// All checks of a stack that was destroyed: it says so, its lease is free, nothing of it is left, and idle passes change
/// nothing (I14, I15).
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_gone(lab: &Lab) -> Result<(), String> {
    let status = lab.status().ok_or("there is no status")?;
    if status.phase != Phase::Deleted {
        return Err(format!(
            "phase {:?}, waiting on {:?}, errors {:?}",
            status.phase, status.waiting_on, status.errors
        ));
    }
    let head = lab.head().ok_or("there is no head")?;
    if head.lease.is_some() || !head.intents.is_empty() || head.wake.is_some() {
        return Err(format!("the head of a destroyed stack holds {head:?}"));
    }
    if let Some(left) = lab.sim.world().inventory().first() {
        return Err(format!("{} {} is left: {:?}", left.kind, left.id, left.tags));
    }
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

/// No recorded state was ever written over (I3).
///
/// # Errors
/// The key of one that was.
pub fn history_is_kept(lab: &Lab) -> Result<(), String> {
    let mut written = BTreeSet::new();
    for entry in lab.sim.trace().iter().filter(|entry| entry.outcome.applied()) {
        let Request::S3(s3::Request::PutObject(put)) = &entry.request else {
            continue;
        };
        if put.key.starts_with("states/") && !written.insert(put.key.clone()) {
            return Err(format!("{} was written twice", put.key));
        }
    }
    Ok(())
}

/// Whoever is notified was asked to confirm that, and once for each upload at most (rule 66).
fn nobody_is_asked_twice(lab: &Lab) -> Result<(), String> {
    let state = lab.state().ok_or("there is no state")?;
    let topics = lab.sim.world().inventory().into_iter();
    let Some(topic) = topics
        .filter(|live| live.kind == "topic")
        .map(|live| live.id)
        .next()
    else {
        return Ok(());
    };
    for id in state.resources.keys().filter(|id| id.kind() == "subscription") {
        let (sent, uploads) = (
            lab.sim.world().confirmations_sent(&topic, id.part()),
            lab.uploads(),
        );
        if !(1..=uploads).contains(&sent) {
            return Err(format!(
                "{} was asked to confirm {sent} times, after {uploads} uploads",
                id.part()
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
    // What was made, or taken away, in the last pass may not show yet, or still (rule 34).
    lab.sim.advance(lab.settings.consistency);
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
            return Err(format!(
                "an idle pass sent {}{}: {}",
                entry.action(),
                written(&entry.request),
                entry.outcome
            ));
        }
    }
    Ok(())
}

/// What a put wrote, so that a failure tells.
fn written(request: &windlass_calls::Request) -> String {
    match request {
        windlass_calls::Request::S3(windlass_calls::s3::Request::PutObject(put)) => {
            let text = String::from_utf8_lossy(&put.body);
            let resources = text.find("\"resources\"").map_or(&text[..], |at| &text[at..]);
            format!(" {}: {resources}", put.key)
        }
        _ => String::new(),
    }
}

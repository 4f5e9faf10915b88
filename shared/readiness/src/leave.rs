//! Leaving: what to do about instances that wait on their way out.
//!
//! A group takes a leaving instance out of its target groups and lets it drain before it waits for the terminate hook
//! (rule 14). Here that is verified: one that is still a target is taken out, and one that still drains is waited for, as
//! long as draining may take. Then it runs its command, if it has one, and then it may go.
//!
//! Guarantees: nobody goes before it drained or draining's time was over, nor before its command ended or the command's
//! time was over; a command is asked for at most once. Assumes: looks come more often than half the hook's heartbeat. Dying in
//! between loses nothing: what was done shows or is remembered, and nobody waits longer than the hook's own time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use windlass_calls::elb::TargetHealth;

/// State of an instance of a group that waits for its terminate hook.
pub const LEAVING: &str = "Terminating:Wait";
/// How much longer than its own time a command is waited for: to begin, and to be told of.
const ANSWER: SignedDuration = SignedDuration::from_secs(30);

/// How instances leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What draining may take.
    pub drain: SignedDuration,
    /// What the command may take; `None` without one.
    pub command: Option<SignedDuration>,
    /// The hook's time without a heartbeat.
    pub heartbeat: SignedDuration,
}

/// The memory of those that leave, by instance id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub BTreeMap<String, Leaver>);

/// An instance that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaver {
    /// When it was first seen waiting.
    pub seen: Timestamp,
    /// When its hook's time last began.
    pub beat: Timestamp,
    /// `Healthy` or `Unhealthy`: what the group thought of it when it was first seen.
    pub health: String,
    /// The command that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Running>,
}

/// A command on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Systems Manager's id of it; empty until it is known that it was taken.
    pub id: String,
    /// When it was asked for.
    pub since: Timestamp,
}

/// What a look has seen.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// When.
    pub now: Timestamp,
    /// The instances of the group that wait on their way out, with the group's opinion of their health; `None` if this look
    /// did not ask for them.
    pub leaving: Option<&'a BTreeMap<String, String>>,
    /// The targets of the group's target groups; `None` if that could not be told.
    pub targets: Option<&'a [TargetHealth]>,
    /// Commands that ended, by instance, and how: `Success`, `Failed`, …
    pub ended: &'a BTreeMap<String, String>,
}

/// Why an instance may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Done {
    /// It has drained, and had nothing else to do.
    Drained,
    /// The time for draining was over.
    DrainedForTooLong,
    /// Its command ended, so.
    Command(String),
    /// The time of its command was over.
    CommandTookTooLong,
}

/// What to do. Every step may be repeated, but for commands, which the memory knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// To take out of the target groups: still in them.
    pub deregister: Vec<String>,
    /// To run the command.
    pub run: Vec<String>,
    /// Whose hook gets a heartbeat.
    pub beat: Vec<String>,
    /// To let go, and why. What is known of them is to be written down before.
    pub done: Vec<(String, Done)>,
}

impl Memory {
    /// Who leaves now, by the group's own word.
    fn follow(&mut self, leaving: &BTreeMap<String, String>, now: Timestamp) {
        self.0.retain(|id, _| leaving.contains_key(id));
        for (id, health) in leaving {
            self.0.entry(id.clone()).or_insert_with(|| Leaver {
                seen: now,
                beat: now,
                health: health.clone(),
                command: None,
            });
        }
    }
}

/// Brings the memory up to what a look has seen, and says what to do about it.
#[must_use]
pub fn decide(settings: &Settings, memory: &mut Memory, look: &Look) -> Steps {
    if let Some(leaving) = look.leaving {
        memory.follow(leaving, look.now);
    }
    let mut steps = Steps::default();
    for (id, leaver) in &memory.0 {
        match (next(settings, id, leaver, look), settings.command) {
            (Next::Done(Done::Drained | Done::DrainedForTooLong), Some(_)) if leaver.command.is_none() => {
                steps.run.push(id.clone());
            }
            (Next::Done(done), _) => {
                steps.done.push((id.clone(), done));
                continue;
            }
            (Next::Deregister, _) => steps.deregister.push(id.clone()),
            (Next::Wait, _) => {}
        }
        if look.now.duration_since(leaver.beat) >= settings.heartbeat / 2 {
            steps.beat.push(id.clone());
        }
    }
    steps
}

/// What one instance needs.
enum Next {
    Deregister,
    Wait,
    Done(Done),
}

fn next(settings: &Settings, id: &str, leaver: &Leaver, look: &Look) -> Next {
    if let Some(running) = &leaver.command {
        let patience = settings.command.unwrap_or_default().saturating_add(ANSWER);
        return match look.ended.get(id) {
            Some(how) => Next::Done(Done::Command(how.clone())),
            None if look.now.duration_since(running.since) >= patience => {
                Next::Done(Done::CommandTookTooLong)
            }
            None => Next::Wait,
        };
    }
    let Some(targets) = look.targets else {
        return waited(settings, leaver, look, Next::Wait);
    };
    match targets.iter().find(|target| target.target == id) {
        None => Next::Done(Done::Drained),
        Some(target) if target.state == "unused" => Next::Done(Done::Drained),
        Some(target) if target.state == "draining" => waited(settings, leaver, look, Next::Wait),
        Some(_) => waited(settings, leaver, look, Next::Deregister),
    }
}

/// What else while there is time; once there is none, it may go.
fn waited(settings: &Settings, leaver: &Leaver, look: &Look, otherwise: Next) -> Next {
    if look.now.duration_since(leaver.seen) >= settings.drain.saturating_add(ANSWER) {
        Next::Done(Done::DrainedForTooLong)
    } else {
        otherwise
    }
}

//! The gate: what to do about instances that wait to be let into service.
//!
//! A new instance waits for the launch hook, outside the group's own target group (rule 13), and is registered with the
//! *probe* target group, whose checks judge it over the real network path. Healthy lets it go on; not healthy by its time
//! gives it up, with the reason. What is left in the probe target group of others is taken out.
//!
//! Guarantees: nobody is let go on whom the load balancer did not find healthy, and nobody given up without its verdict:
//! one that could not be asked for is kept waiting. Time runs only while the load balancer checks, but nobody waits longer
//! than three times as long. Assumes: looks come
//! more often than half the hook's heartbeat. Dying in between loses nothing: what was done shows, and what is repeated
//! changes nothing.

mod memory;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use windlass_calls::elb::TargetHealth;

pub use memory::{Memory, Question, Round, Waiting};

/// State of an instance of a group that waits for its launch hook.
pub const WAITING: &str = "Pending:Wait";
/// Failed rounds after which nothing is launched any more until somebody says so (rule 62).
pub const ROUNDS: u32 = 3;
/// How long the answer of an instance to a question about itself is waited for: four looks.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_secs(20);
/// At most so many times its timeout an instance waits while the load balancer does not check it.
const UNCHECKED: i32 = 3;

/// How an instance is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Time that an instance has to get healthy, while it is checked.
    pub timeout: SignedDuration,
    /// The hook's time without a heartbeat.
    pub heartbeat: SignedDuration,
}

/// What a look has seen.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// When.
    pub now: Timestamp,
    /// The instances of the group and their lifecycle states; `None` if this look did not ask for them.
    pub members: Option<&'a BTreeMap<String, String>>,
    /// What the load balancer thinks of the targets of the probe target group; `None` if that could not be told.
    pub health: Option<&'a [TargetHealth]>,
}

/// What to do. Every step may be repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// To register with the probe target group.
    pub register: Vec<String>,
    /// To let go on: healthy.
    pub admit: Vec<String>,
    /// To ask about themselves: not healthy in time. Those that cannot be asked are to give up.
    pub ask: Vec<String>,
    /// To give up: not healthy in time, and asked before, where their answer is worth a few looks; or given up before, and
    /// waiting still.
    pub reject: Vec<String>,
    /// Whose hook gets a heartbeat.
    pub beat: Vec<String>,
    /// To take out of the probe target group, after everything else.
    pub deregister: Vec<String>,
}

impl Steps {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the load balancer stands to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Not in the probe target group, or on its way out of it.
    Absent,
    /// Not checked: the load balancer is not active, or no rule uses the probe target group (rules 41, 49).
    Unchecked,
    /// Checked, and not healthy.
    Failing,
    /// Healthy.
    Healthy,
}

fn standing(target: Option<&TargetHealth>) -> Standing {
    let Some(target) = target else {
        return Standing::Absent;
    };
    let reason = target.reason.as_deref().unwrap_or_default();
    match target.state.as_str() {
        "healthy" => Standing::Healthy,
        "draining" => Standing::Absent,
        "unused" | "unavailable" => Standing::Unchecked,
        "initial" if reason == "Elb.RegistrationInProgress" => Standing::Unchecked,
        _ => Standing::Failing,
    }
}

/// Brings the memory up to what a look has seen, and says what to do about it.
#[must_use]
pub fn decide(settings: &Settings, memory: &mut Memory, look: &Look) -> Steps {
    if let Some(members) = look.members {
        memory.follow(members, look.now);
    }
    let Some(health) = look.health else {
        let beat = memory.beats(settings, look.now);
        return Steps {
            beat,
            ..Steps::default()
        };
    };
    let targets: BTreeMap<&str, &TargetHealth> = health
        .iter()
        .map(|target| (target.target.as_str(), target))
        .collect();
    let mut steps = Steps::default();
    for (id, waiting) in &mut memory.waiting {
        let standing = standing(targets.get(id.as_str()).copied());
        waiting.registered |= standing != Standing::Absent;
        match standing {
            Standing::Healthy => steps.admit.push(id.clone()),
            Standing::Absent => steps.register.push(id.clone()),
            Standing::Unchecked | Standing::Failing => {}
        }
        if matches!(standing, Standing::Unchecked | Standing::Absent) {
            waiting.unchecked_until(look.now);
        }
        let is_over = waiting.given_up.is_some() || waiting.is_late(settings, look.now);
        let late = standing != Standing::Healthy && is_over;
        match (late, &waiting.question) {
            (true, question) if waiting.given_up.is_some() || question.is_some() => {
                steps.reject.push(id.clone());
            }
            (true, _) => steps.ask.push(id.clone()),
            // It has another time: what it said of itself is old by then.
            (false, _) => waiting.question = None,
        }
    }
    // Those whose time is up are not registered once more.
    let late = |id: &String| steps.ask.contains(id) || steps.reject.contains(id);
    steps.register.retain(|id| !late(id));
    let ended: BTreeSet<&String> = steps.admit.iter().chain(&steps.reject).collect();
    // Those that are given up as well: finding out why may fail, and their hook must not let them go on meanwhile.
    steps.beat = memory.beats(settings, look.now);
    steps.beat.retain(|id| !steps.admit.contains(id));
    let leaves = |target: &&TargetHealth| {
        let forgotten = look.members.is_some() && !memory.waiting.contains_key(&target.target);
        (forgotten || ended.contains(&target.target)) && target.state != "draining"
    };
    steps.deregister = health
        .iter()
        .filter(leaves)
        .map(|target| target.target.clone())
        .collect();
    steps
}

//! Lifecycle hooks: what holds an instance on its way in or out, until somebody lets it go on or its time is up.
//!
//! A launching instance waits from its launch on, and is neither registered nor in service (rule 13); a leaving one waits
//! once it has drained (rule 14). An instance that is given up on launch is terminated at once, past any other hook.

use jiff::Timestamp;
use serde_json::json;
use windlass_calls::autoscaling::{
    CompleteLifecycleAction, DeleteLifecycleHook, DescribeLifecycleHooks, HookResult, LifecycleHook,
    PutLifecycleHook, RecordLifecycleActionHeartbeat, ResumeProcesses, SuspendProcesses, Transition,
};

use super::{Fleet, Seat, invalid};
use crate::refusal::{Answer, Refusal};
use crate::time::seconds_after;
use crate::world::World;

/// Longest wait of all, in seconds (rule 11).
const LONGEST: u32 = 48 * 3600;
/// How many times the heartbeat's length a wait may last in all (rule 11).
const BEATS: u32 = 100;

/// An instance's wait for its hooks.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// Since when.
    pub(super) since: Timestamp,
    waits: Vec<Wait>,
}

/// An instance's wait for one hook.
#[derive(Debug, Clone)]
struct Wait {
    hook: LifecycleHook,
    /// When its time is up.
    until: Timestamp,
    /// What somebody said, and when.
    ended: Option<(Timestamp, HookResult)>,
}

impl Wait {
    /// When and how it ends, as things stand.
    fn end(&self) -> (Timestamp, HookResult) {
        self.ended.unwrap_or((self.until, self.hook.default))
    }

    fn is_open(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.until
    }
}

impl Hold {
    /// The wait for a group's hooks of one kind; `None` without any.
    pub(super) fn of(fleet: &Fleet, transition: Transition, since: Timestamp) -> Option<Self> {
        let hooks = fleet.hooks.values().filter(|hook| hook.transition == transition);
        let wait = |hook: &LifecycleHook| Wait {
            hook: hook.clone(),
            until: seconds_after(since, hook.heartbeat.min(LONGEST)),
            ended: None,
        };
        let waits: Vec<Wait> = hooks.map(wait).collect();
        (!waits.is_empty()).then_some(Self { since, waits })
    }

    /// When the instance is given up, as things stand; `None` if it is to go on.
    pub(super) fn abandoned_at(&self) -> Option<Timestamp> {
        let ends = self.waits.iter().map(Wait::end);
        let given_up = ends.filter(|(_, result)| *result == HookResult::Abandon);
        given_up.map(|(at, _)| at).min()
    }

    /// When everybody has let it go on, as things stand.
    pub(super) fn released_at(&self) -> Timestamp {
        let ends = self.waits.iter().map(|wait| wait.end().0);
        ends.max().unwrap_or(self.since)
    }

    fn open_mut(&mut self, hook: &str, now: Timestamp) -> Option<&mut Wait> {
        let mut waits = self.waits.iter_mut();
        waits.find(|wait| wait.hook.name == hook && wait.is_open(now))
    }
}

impl World {
    pub(super) fn describe_hooks(&mut self, call: &DescribeLifecycleHooks) -> Answer<Vec<LifecycleHook>> {
        Ok(self.named_fleet(&call.group)?.hooks.values().cloned().collect())
    }

    pub(super) fn put_hook(&mut self, call: &PutLifecycleHook) -> Answer<()> {
        check(&call.hook)?;
        let fleet = self.named_fleet_mut(&call.group)?;
        fleet.hooks.insert(call.hook.name.clone(), call.hook.clone());
        Ok(())
    }

    /// Launches that wait for it are given up, and instances on their way out go on.
    pub(super) fn delete_hook(&mut self, call: &DeleteLifecycleHook) -> Answer<()> {
        let now = self.clock;
        let fleet = self.named_fleet_mut(&call.group)?;
        if fleet.hooks.remove(&call.hook).is_none() {
            return Err(invalid(format!(
                "No Lifecycle Hook found with name {}",
                call.hook
            )));
        }
        let members = self.autoscaling.members.values_mut();
        for member in members.filter(|member| member.group == call.group) {
            let (launch, leave) = (&mut member.launching, &mut member.terminating);
            for (hold, result) in [(launch, HookResult::Abandon), (leave, HookResult::Continue)] {
                if let Some(wait) = hold.as_mut().and_then(|hold| hold.open_mut(&call.hook, now)) {
                    wait.ended = Some((now, result));
                }
            }
        }
        self.run_groups(now);
        Ok(())
    }

    /// Rule 16.
    pub(super) fn complete_action(&mut self, call: &CompleteLifecycleAction) -> Answer<()> {
        let now = self.clock;
        self.open_wait(&call.group, &call.hook, &call.instance)?.ended = Some((now, call.result));
        self.run_groups(now);
        Ok(())
    }

    pub(super) fn heartbeat(&mut self, call: &RecordLifecycleActionHeartbeat) -> Answer<()> {
        let now = self.clock;
        let since = self
            .autoscaling
            .members
            .get(&call.instance)
            .and_then(|member| member.terminating.as_ref().or(member.launching.as_ref()))
            .map_or(now, |hold| hold.since);
        let wait = self.open_wait(&call.group, &call.hook, &call.instance)?;
        let length = wait.hook.heartbeat;
        let last = seconds_after(since, length.saturating_mul(BEATS).min(LONGEST));
        wait.until = seconds_after(now, length).min(last);
        Ok(())
    }

    fn open_wait(&mut self, group: &str, hook: &str, instance: &str) -> Answer<&mut Wait> {
        let now = self.clock;
        let fleet = self.named_fleet(group)?;
        if !fleet.hooks.contains_key(hook) {
            return Err(invalid(format!("No Lifecycle Hook found with name {hook}")));
        }
        let member = self.autoscaling.members.get_mut(instance);
        let member = member.filter(|member| member.group == group);
        let holds = member.map(|member| [member.terminating.as_mut(), member.launching.as_mut()]);
        let mut holds = holds.into_iter().flatten().flatten();
        let wait = holds.find_map(|hold| hold.open_mut(hook, now));
        wait.ok_or_else(|| no_action(instance))
    }

    pub(super) fn suspend_processes(&mut self, call: &SuspendProcesses) -> Answer<()> {
        let fleet = self.named_fleet_mut(&call.group)?;
        call.processes
            .iter()
            .for_each(|process| fleet.suspend(process, true));
        Ok(())
    }

    pub(super) fn resume_processes(&mut self, call: &ResumeProcesses) -> Answer<()> {
        let now = self.clock;
        let fleet = self.named_fleet_mut(&call.group)?;
        call.processes
            .iter()
            .for_each(|process| fleet.suspend(process, false));
        self.not_before(&call.group, now);
        self.run_groups(now);
        Ok(())
    }

    /// Says on the event bus that an instance waits, for each hook (rule 10).
    pub(super) fn announce(&mut self, group: &str, id: &str, transition: Transition, at: Timestamp) {
        let Some(fleet) = self.autoscaling.groups.get(group) else {
            return;
        };
        let (kind, from, to) = match transition {
            Transition::Launching => ("EC2 Instance-launch Lifecycle Action", "EC2", "AutoScalingGroup"),
            Transition::Terminating => (
                "EC2 Instance-terminate Lifecycle Action",
                "AutoScalingGroup",
                "EC2",
            ),
        };
        let arn = fleet.arn.clone();
        let hooks = fleet.hooks.values().filter(|hook| hook.transition == transition);
        let hooks: Vec<String> = hooks.map(|hook| hook.name.clone()).collect();
        for hook in hooks {
            let token = self.next_id("action");
            let detail = json!({
                "LifecycleActionToken": token,
                "AutoScalingGroupName": group,
                "LifecycleHookName": hook,
                "EC2InstanceId": id,
                "LifecycleTransition": transition.as_str(),
                "Origin": from,
                "Destination": to,
            });
            self.emit("aws.autoscaling", kind, &arn, at, &detail);
        }
    }
}

impl Seat<'_> {
    /// How far a launching instance is with its hooks: `None` once it has passed them.
    pub(super) fn launch_wait(&self, now: Timestamp) -> Option<&'static str> {
        let hold = self.member.launching.as_ref()?;
        Some(if now < hold.released_at() {
            "Pending:Wait"
        } else {
            "Pending:Proceed"
        })
    }

    /// The same on its way out, from when it waits.
    pub(super) fn leave_wait(&self, now: Timestamp) -> Option<&'static str> {
        let hold = self.member.terminating.as_ref()?;
        Some(if now < hold.released_at() {
            "Terminating:Wait"
        } else {
            "Terminating:Proceed"
        })
    }
}

impl World {
    /// Whether any group has lifecycle hooks: what it does by itself sends events then.
    #[must_use]
    pub fn has_hooks(&self) -> bool {
        self.autoscaling.groups.all().any(|fleet| !fleet.hooks.is_empty())
    }
}

/// Rule 11.
pub(super) fn check(hook: &LifecycleHook) -> Answer<()> {
    if (30..=7200).contains(&hook.heartbeat) {
        return Ok(());
    }
    Err(invalid(
        "HeartbeatTimeout must be between 30 and 7200 seconds".into(),
    ))
}

fn no_action(instance: &str) -> Refusal {
    invalid(format!(
        "No active Lifecycle Action found with instance ID {instance}"
    ))
}

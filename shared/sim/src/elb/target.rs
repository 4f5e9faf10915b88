//! Targets: instances registered by their Auto Scaling group or by hand, and what the load balancer thinks of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_calls::elb::{DeregisterTargets, DescribeTargetHealth, RegisterTargets, TargetHealth};

use super::health::{Course, Health};
use super::target_group::Registration;
use super::usage::User;
use super::{OwnedTargetGroup, no_target_group};
use crate::ec2::Machine;
use crate::refusal::{Answer, refused};
use crate::time::seconds_after;
use crate::world::World;

/// A target of one target group.
struct Target<'a> {
    machine: &'a Machine,
    registered: Timestamp,
    draining: bool,
}

/// State, reason code and words of a target's health.
type Words = (&'static str, Option<&'static str>, Option<&'static str>);

const DRAINING: Words = (
    "draining",
    Some("Target.DeregistrationInProgress"),
    Some("Target deregistration is in progress"),
);
const STOPPED: Words = (
    "unused",
    Some("Target.InvalidState"),
    Some("Target is in the stopped state"),
);
const NOT_IN_USE: Words = (
    "unused",
    Some("Target.NotInUse"),
    Some("Target group is not configured to receive traffic from the load balancer"),
);
const REGISTERING: Words = (
    "initial",
    Some("Elb.RegistrationInProgress"),
    Some("Target registration is in progress"),
);
const INITIAL: Words = (
    "initial",
    Some("Elb.InitialHealthChecking"),
    Some("Initial health checks in progress"),
);
const UNHEALTHY: Words = (
    "unhealthy",
    Some("Target.FailedHealthChecks"),
    Some("Health checks failed"),
);

impl World {
    /// Rule 60: all of them or none. A repeat leaves the registration as it is.
    pub(super) fn register_targets(&mut self, call: &RegisterTargets) -> Answer<()> {
        let vpc = self.named_target_group(&call.target_group)?.vpc();
        self.check_registrations(&call.targets, vpc)?;
        let now = self.clock;
        let group = self.elb.target_groups.seen_mut(&call.target_group, now);
        let group = group.ok_or_else(|| no_target_group(&call.target_group))?;
        for id in &call.targets {
            let registration = group.targets.entry(id.clone()).or_insert(Registration {
                registered: now,
                leaving: None,
            });
            if registration.leaving.take().is_some() {
                registration.registered = now;
            }
        }
        Ok(())
    }

    /// Whether instances can be targets in a VPC. Those that cannot are named, and keep all others out.
    fn check_registrations(&self, ids: &[String], vpc: &str) -> Answer<()> {
        let named = |why: &str, ids: Vec<&String>| {
            let quoted: Vec<String> = ids.into_iter().map(|id| format!("'{id}'")).collect();
            let message = format!("The following targets {why}: {}", quoted.join(", "));
            Err(refused("InvalidTarget", message))
        };
        let machine = |id: &str| {
            self.seen_instance(id).filter(|machine| {
                let subnet = self.ec2.subnets.get(machine.subnet());
                subnet.is_some_and(|subnet| subnet.vpc == vpc)
            })
        };
        let foreign: Vec<&String> = ids.iter().filter(|id| machine(id).is_none()).collect();
        if !foreign.is_empty() {
            return named("are not instances in the VPC of the target group", foreign);
        }
        let runs = |id: &&String| machine(id).is_some_and(|machine| machine.runs(&self.config, self.clock));
        let idle: Vec<&String> = ids.iter().filter(|id| !runs(id)).collect();
        if !idle.is_empty() {
            return named("are not in a running state and cannot be registered", idle);
        }
        Ok(())
    }

    /// The targets drain and are gone then (rule 14). One that is not registered is no error.
    pub(super) fn deregister_targets(&mut self, call: &DeregisterTargets) -> Answer<()> {
        let (arn, now) = (&call.target_group, self.clock);
        let targets = self.targets(self.named_target_group(arn)?);
        let since = |id: &String| Some((id.clone(), targets.get(id.as_str())?.registered));
        let there: Vec<(String, Timestamp)> = call.targets.iter().filter_map(since).collect();
        if let Some(group) = self.elb.target_groups.get_mut(arn) {
            for (id, registered) in there {
                let registration = group.targets.entry(id).or_insert(Registration {
                    registered,
                    leaving: None,
                });
                registration.leaving.get_or_insert(now);
            }
        }
        Ok(())
    }

    /// Without a listener or a rule all targets are `unused` (rule 49).
    pub(super) fn describe_target_health(
        &mut self,
        call: &DescribeTargetHealth,
    ) -> Answer<Vec<TargetHealth>> {
        let group = self.shown_target_group(&call.target_group)?;
        let targets = self.targets(group).into_values();
        Ok(targets.map(|target| self.target_health(&target, group)).collect())
    }

    /// The targets of a group by instance id. One that was terminated or deregistered drains and then disappears; a
    /// group's drains until the group has forgotten it.
    fn targets<'a>(&'a self, group: &'a OwnedTargetGroup) -> BTreeMap<&'a str, Target<'a>> {
        let mut targets = BTreeMap::new();
        let drained = |leaving| seconds_after(leaving, group.drain()) <= self.clock;
        for (id, registration) in &group.targets {
            let Some(machine) = self.ec2.instances.get(id) else {
                continue;
            };
            let leaving = registration.leaving.into_iter().chain(machine.terminated()).min();
            if !leaving.is_some_and(drained) {
                let target = Target {
                    machine,
                    registered: registration.registered,
                    draining: leaving.is_some(),
                };
                targets.insert(machine.id(), target);
            }
        }
        for seat in self.registered(group.arn()) {
            let by_hand = group.targets.get(seat.machine.id());
            let ended = by_hand.and_then(|by_hand| by_hand.leaving).is_some_and(drained);
            if ended || seat.left().is_some_and(drained) {
                continue;
            }
            let registered = seat.in_service_from(&self.config);
            let target = targets.entry(seat.machine.id()).or_insert(Target {
                machine: seat.machine,
                registered,
                draining: false,
            });
            target.registered = target.registered.min(registered);
            target.draining |= seat.is_leaving();
        }
        targets
    }

    fn target_health(&self, target: &Target, group: &OwnedTargetGroup) -> TargetHealth {
        let (state, reason, description) = if target.draining {
            DRAINING
        } else if !target.machine.is_up() {
            STOPPED
        } else {
            match self.course(target.machine, target.registered, group.arn()) {
                None => NOT_IN_USE,
                Some(course) => worded(course.at(self.clock)),
            }
        };
        TargetHealth {
            target: target.machine.id().to_owned(),
            state: state.into(),
            reason: reason.map(Into::into),
            description: description.map(Into::into),
        }
    }

    /// How the checks of a target go that was registered at a time; `None` while no load balancer checks it.
    pub(crate) fn course(
        &self,
        machine: &Machine,
        registered: Timestamp,
        target_group: &str,
    ) -> Option<Course> {
        let group = self.elb.target_groups.get(target_group)?;
        Some(Course::of(
            group.health_check(),
            self.checked_from(target_group)?.max(registered),
            machine.answers_from(&self.config),
            machine.fails_from(),
        ))
    }

    /// When a load balancer starts to check the targets: it is active and has a listener or a rule that forwards to them.
    fn checked_from(&self, target_group: &str) -> Option<Timestamp> {
        let from = |user: User| {
            let balancer = self.elb.balancers.get(user.balancer)?;
            Some(balancer.active_from.max(user.since))
        };
        self.users_of(target_group).filter_map(from).min()
    }
}

fn worded(health: Health) -> Words {
    match health {
        Health::Registering => REGISTERING,
        Health::Initial => INITIAL,
        Health::Healthy => ("healthy", None, None),
        Health::Unhealthy => UNHEALTHY,
    }
}

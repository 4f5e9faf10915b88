//! Target groups for instances over HTTP, and what the load balancer thinks of their targets.

use std::collections::BTreeSet;

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::elb::{
    CreateTargetGroup, DescribeTargetGroups, DescribeTargetHealth, HealthCheck, TargetGroup, TargetHealth,
};

use super::health::{Course, Health};
use super::{OwnedListener, attributes, check_name, missing};
use crate::autoscaling::Machine;
use crate::refusal::{Answer, refused};
use crate::world::World;

/// A target group.
#[derive(Debug, Clone)]
pub(crate) struct OwnedTargetGroup {
    /// As it was created: in use by no load balancer.
    shown: TargetGroup,
    pub(crate) tags: Tags,
    pub(crate) attributes: Tags,
    request: CreateTargetGroup,
}

impl OwnedTargetGroup {
    pub(crate) fn arn(&self) -> &str {
        &self.shown.arn
    }

    pub(super) fn vpc(&self) -> &str {
        &self.shown.vpc
    }
}

impl World {
    pub(super) fn describe_target_groups(&mut self, call: &DescribeTargetGroups) -> Answer<Vec<TargetGroup>> {
        let mut visible = self.elb.target_groups.visible(self.clock);
        let found = visible.find(|group| group.shown.name == call.name);
        let found = found.ok_or_else(|| missing("TargetGroupNotFound", "target groups", &call.name))?;
        Ok(vec![self.with_balancers(&found.shown)])
    }

    pub(super) fn create_target_group(&mut self, call: &CreateTargetGroup) -> Answer<TargetGroup> {
        check_name("target group", &call.name)?;
        check_health_check(&call.health_check)?;
        if let Some(first) = self
            .elb
            .target_groups
            .all()
            .find(|group| group.shown.name == call.name)
        {
            if first.request == *call {
                return Ok(self.with_balancers(&first.shown));
            }
            let message = format!(
                "A target group with the same name '{}' exists, but with different settings",
                call.name
            );
            return Err(refused("DuplicateTargetGroupName", message));
        }
        if self.ec2.vpcs.seen(&call.vpc, self.clock).is_none() {
            return Err(refused(
                "ValidationError",
                format!("The VPC ID '{}' is not found", call.vpc),
            ));
        }
        Ok(self.insert_target_group(call))
    }

    fn insert_target_group(&mut self, call: &CreateTargetGroup) -> TargetGroup {
        let number = self.next_number("targetgroup");
        let arn = self.arn(
            "elasticloadbalancing",
            &format!("targetgroup/{}/{number:016x}", call.name),
        );
        let shown = TargetGroup {
            arn: arn.clone(),
            name: call.name.clone(),
            vpc: call.vpc.clone(),
            port: call.port,
            health_check: call.health_check.clone(),
            load_balancers: Vec::new(),
        };
        let group = OwnedTargetGroup {
            shown: shown.clone(),
            tags: call.tags.clone(),
            attributes: attributes::of_new_target_group(),
            request: call.clone(),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.target_groups.insert(&arn, visible_from, group);
        shown
    }

    fn with_balancers(&self, group: &TargetGroup) -> TargetGroup {
        let users: BTreeSet<_> = self
            .listeners_to(&group.arn)
            .map(|listener| listener.shown.load_balancer.clone())
            .collect();
        TargetGroup {
            load_balancers: users.into_iter().collect(),
            ..group.clone()
        }
    }

    /// Targets are the instances their Auto Scaling group has registered. Without a listener all are `unused`
    /// (rule 49).
    pub(super) fn describe_target_health(
        &mut self,
        call: &DescribeTargetHealth,
    ) -> Answer<Vec<TargetHealth>> {
        self.named_target_group(&call.target_group)?;
        let targets = self.registered(&call.target_group);
        Ok(targets
            .map(|machine| self.target_health(machine, &call.target_group))
            .collect())
    }

    fn target_health(&self, machine: &Machine, target_group: &str) -> TargetHealth {
        let (state, reason, description) = if machine.is_leaving() {
            (
                "draining",
                Some("Target.DeregistrationInProgress"),
                Some("Target deregistration is in progress"),
            )
        } else {
            match self.course(machine, target_group) {
                None => (
                    "unused",
                    Some("Target.NotInUse"),
                    Some("Target group is not configured to receive traffic from the load balancer"),
                ),
                Some(course) => worded(course.at(self.clock)),
            }
        };
        TargetHealth {
            target: machine.id().to_owned(),
            state: state.into(),
            reason: reason.map(Into::into),
            description: description.map(Into::into),
        }
    }

    /// How the checks of a target go; `None` while no load balancer checks it.
    pub(crate) fn course(&self, machine: &Machine, target_group: &str) -> Option<Course> {
        let group = self.elb.target_groups.get(target_group)?;
        let checked_from = self
            .checked_from(target_group)?
            .max(machine.in_service_from(&self.config));
        Some(Course::of(
            &group.shown.health_check,
            checked_from,
            machine.answers_from(&self.config),
            machine.fails_from(),
        ))
    }

    /// When a load balancer starts to check the targets: it is active and has a listener that forwards to them.
    fn checked_from(&self, target_group: &str) -> Option<Timestamp> {
        let from = |listener: &OwnedListener| {
            let balancer = self.elb.balancers.get(&listener.shown.load_balancer)?;
            Some(balancer.active_from.max(listener.created))
        };
        self.listeners_to(target_group).filter_map(from).min()
    }

    fn listeners_to<'a>(&'a self, target_group: &'a str) -> impl Iterator<Item = &'a OwnedListener> {
        let forwards =
            move |listener: &&OwnedListener| listener.shown.forwards_to.iter().any(|to| to == target_group);
        self.elb.listeners.all().filter(forwards)
    }
}

fn worded(health: Health) -> (&'static str, Option<&'static str>, Option<&'static str>) {
    match health {
        Health::Registering => (
            "initial",
            Some("Elb.RegistrationInProgress"),
            Some("Target registration is in progress"),
        ),
        Health::Initial => (
            "initial",
            Some("Elb.InitialHealthChecking"),
            Some("Initial health checks in progress"),
        ),
        Health::Healthy => ("healthy", None, None),
        Health::Unhealthy => (
            "unhealthy",
            Some("Target.FailedHealthChecks"),
            Some("Health checks failed"),
        ),
    }
}

fn check_health_check(check: &HealthCheck) -> Answer<()> {
    let wrong = if !(5..=300).contains(&check.interval) {
        "Health check interval must be between 5 and 300"
    } else if !(2..=120).contains(&check.timeout) || check.timeout >= check.interval {
        "Health check timeout must be between 2 and 120 and smaller than the interval"
    } else if !(2..=10).contains(&check.healthy) || !(2..=10).contains(&check.unhealthy) {
        "Health check thresholds must be between 2 and 10"
    } else {
        return Ok(());
    };
    Err(refused("ValidationError", wrong))
}

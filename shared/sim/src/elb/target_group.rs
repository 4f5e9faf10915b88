//! Target groups for instances over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::elb::{
    CreateTargetGroup, DeleteTargetGroup, DescribeTargetGroups, HealthCheck, ModifyTargetGroup, TargetGroup,
};

use super::{attributes, check_name, no_target_group};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// A target group.
#[derive(Debug, Clone)]
pub(crate) struct OwnedTargetGroup {
    /// As it was created: in use by no load balancer.
    shown: TargetGroup,
    pub(crate) tags: Tags,
    pub(super) attributes: Tags,
    /// Instances registered or deregistered by hand.
    pub(crate) targets: BTreeMap<String, Registration>,
}

/// What somebody did by hand about a target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registration {
    /// When it was registered.
    pub(super) registered: Timestamp,
    /// When it was deregistered.
    pub(super) leaving: Option<Timestamp>,
}

impl OwnedTargetGroup {
    /// Whether it is what a call would make.
    fn is(&self, call: &CreateTargetGroup) -> bool {
        self.shown.vpc == call.vpc
            && self.shown.port == call.port
            && self.shown.health_check == call.health_check
            && self.tags == call.tags
    }

    pub(crate) fn arn(&self) -> &str {
        &self.shown.arn
    }

    pub(super) fn vpc(&self) -> &str {
        &self.shown.vpc
    }

    pub(super) fn health_check(&self) -> &HealthCheck {
        &self.shown.health_check
    }

    /// Seconds a target drains (rule 14).
    pub(crate) fn drain(&self) -> u32 {
        let seconds = self.attributes.get(attributes::DRAIN);
        seconds.and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

impl World {
    pub(super) fn describe_target_groups(&mut self, call: &DescribeTargetGroups) -> Answer<Vec<TargetGroup>> {
        let named = |group: &&OwnedTargetGroup| {
            let name = call.name.as_ref();
            name.is_none_or(|name| group.shown.name == *name)
        };
        let visible = self.elb.target_groups.visible(self.clock).filter(named);
        let found: Vec<_> = visible.map(|group| self.with_balancers(&group.shown)).collect();
        match &call.name {
            Some(name) if found.is_empty() => Err(no_target_group(name)),
            _ => Ok(found),
        }
    }

    pub(super) fn modify_target_group(&mut self, call: &ModifyTargetGroup) -> Answer<()> {
        check_health_check(&call.health_check)?;
        let arn = &call.target_group;
        let group = self.elb.target_groups.seen_mut(arn, self.clock);
        let group = group.ok_or_else(|| no_target_group(arn))?;
        group.shown.health_check = call.health_check.clone();
        Ok(())
    }

    /// One that is not there is no error.
    pub(super) fn delete_target_group(&mut self, call: &DeleteTargetGroup) -> Answer<()> {
        let arn = &call.target_group;
        if self.users_of(arn).next().is_some() {
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(refused("ResourceInUse", message));
        }
        let gone_from = self.gone_from(arn);
        self.elb.target_groups.bury(arn, self.clock, gone_from);
        Ok(())
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
            if first.is(call) {
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
            targets: BTreeMap::new(),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.target_groups.insert(&arn, visible_from, group);
        shown
    }

    fn with_balancers(&self, group: &TargetGroup) -> TargetGroup {
        let users: BTreeSet<_> = self
            .users_of(&group.arn)
            .map(|user| user.balancer.to_owned())
            .collect();
        TargetGroup {
            load_balancers: users.into_iter().collect(),
            ..group.clone()
        }
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

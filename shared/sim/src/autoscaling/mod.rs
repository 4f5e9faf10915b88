//! EC2 Auto Scaling: groups, and in `fleet` what they do on their own.
//!
//! Reads are consistent unless [`WorldConfig::autoscaling_lag`](crate::WorldConfig) says otherwise. What a group names of
//! EC2 it sees as late as EC2 shows it; of IAM, after the propagation of the profile (rule 40).

mod fleet;
mod member;

use std::collections::BTreeMap;

use windlass_calls::autoscaling::{
    Activity, CreateAutoScalingGroup, DescribeAutoScalingGroups, DescribeScalingActivities,
    EnableMetricsCollection, Group, GroupSettings, Request, Response,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

pub(crate) use fleet::Fleet;
pub(crate) use member::{Member, Seat};

/// Metrics of its sizes that a group reports when all are turned on.
const METRICS: [&str; 20] = [
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
    "GroupDesiredCapacity",
    "GroupInServiceCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingCapacity",
    "GroupPendingInstances",
    "GroupStandbyCapacity",
    "GroupStandbyInstances",
    "GroupTerminatingCapacity",
    "GroupTerminatingInstances",
    "GroupTotalCapacity",
    "GroupTotalInstances",
    "WarmPoolDesiredCapacity",
    "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity",
    "WarmPoolTotalCapacity",
    "WarmPoolWarmedCapacity",
];

/// Groups by name, and the members of all of them by instance id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Autoscaling {
    pub(crate) groups: Shelf<Fleet>,
    pub(crate) members: Shared<BTreeMap<String, Member>>,
}

impl World {
    pub(crate) fn autoscaling(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeAutoScalingGroups => describe_groups,
            DescribeScalingActivities => describe_activities,
            CreateAutoScalingGroup => create_group,
            EnableMetricsCollection => enable_metrics,
        )
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn describe_groups(&mut self, call: &DescribeAutoScalingGroups) -> Answer<Vec<Group>> {
        let fleet = self.autoscaling.groups.seen(&call.name, self.clock);
        Ok(fleet.map(|fleet| self.shown_group(fleet)).into_iter().collect())
    }

    fn shown_group(&self, fleet: &Fleet) -> Group {
        let seats = self.seats_of(&fleet.settings.name);
        Group {
            arn: fleet.arn.clone(),
            settings: fleet.settings.clone(),
            health_check: "ELB".into(),
            desired: fleet.desired,
            instances: seats.map(|seat| seat.shown(&self.config, self.clock)).collect(),
            metrics: fleet.metrics.iter().cloned().collect(),
            suspended: fleet.suspended.iter().cloned().collect(),
            status: None,
            tags: fleet.tags.clone(),
        }
    }

    fn describe_activities(&mut self, call: &DescribeScalingActivities) -> Answer<Vec<Activity>> {
        let fleet = self
            .autoscaling
            .groups
            .seen(&call.group, self.clock)
            .ok_or_else(|| no_group(&call.group))?;
        Ok(fleet.activities.iter().cloned().collect())
    }

    fn enable_metrics(&mut self, call: &EnableMetricsCollection) -> Answer<()> {
        let fleet = self.autoscaling.groups.seen_mut(&call.group, self.clock);
        let fleet = fleet.ok_or_else(|| no_group(&call.group))?;
        fleet.metrics = METRICS.map(str::to_owned).into();
        Ok(())
    }

    /// The group wants `min` instances from the start, and launches them on its own.
    fn create_group(&mut self, call: &CreateAutoScalingGroup) -> Answer<()> {
        let settings = &*call.settings;
        if self.autoscaling.groups.get(&settings.name).is_some() {
            let message =
                "AutoScalingGroup by this name already exists - A group with the name already exists";
            return Err(refused("AlreadyExists", message));
        }
        check_bounds(settings)?;
        self.check_references(settings)?;
        let number = self.next_number("auto-scaling-group");
        let resource = format!(
            "autoScalingGroup:{number:08x}:autoScalingGroupName/{}",
            settings.name
        );
        let arn = self.arn("autoscaling", &resource);
        let visible_from = self
            .config
            .autoscaling_lag
            .visible_from(&settings.name, self.clock);
        let fleet = Fleet::new(arn, settings, &call.tags, self.clock);
        self.autoscaling
            .groups
            .insert(&settings.name, visible_from, fleet);
        self.run_groups(self.clock);
        Ok(())
    }

    fn check_references(&self, settings: &GroupSettings) -> Answer<()> {
        for id in &settings.subnets {
            if self.ec2.subnets.seen(id, self.clock).is_none() {
                return Err(invalid(format!("The subnet ID '{id}' does not exist")));
            }
        }
        for arn in &settings.target_groups {
            if self.elb.target_groups.seen(arn, self.clock).is_none() {
                let message =
                    "Provided Target Groups may not be valid. Please ensure they exist and try again.";
                return Err(invalid(message.into()));
            }
        }
        let id = &settings.launch_template;
        let template = self.ec2.launch_templates.seen(id, self.clock);
        match template.filter(|template| template.has(settings.version)) {
            // AWS tries the template with a dry run, which also finds what the template names.
            Some(template) => self
                .check_template(&template.data)
                .map_err(|refusal| unusable(refusal.words())),
            None => Err(unusable(&format!(
                "The specified launch template, with template ID {id}, version {}, does not exist.",
                settings.version
            ))),
        }
    }
}

fn check_bounds(settings: &GroupSettings) -> Answer<()> {
    let (least, most) = settings.maintenance;
    if settings.min > settings.max {
        return Err(invalid(
            "Max bound must be greater than or equal to min bound.".into(),
        ));
    }
    if settings.subnets.is_empty() {
        return Err(invalid(
            "At least one Availability Zone or VPC Subnet is required.".into(),
        ));
    }
    if least > 100 || !(100..=200).contains(&most) || most - least.min(most) > 100 {
        return Err(invalid(
            "The instance maintenance policy's percentages are out of range.".into(),
        ));
    }
    Ok(())
}

fn no_group(name: &str) -> Refusal {
    invalid(format!(
        "AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
    ))
}

fn unusable(why: &str) -> Refusal {
    invalid(format!(
        "You must use a valid fully-formed launch template. {why}"
    ))
}

fn invalid(message: String) -> Refusal {
    refused("ValidationError", message)
}

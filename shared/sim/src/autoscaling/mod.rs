//! EC2 Auto Scaling: groups, and in `fleet` what they do on their own.
//!
//! Reads are consistent unless [`WorldConfig::autoscaling_lag`](crate::WorldConfig) says otherwise. What a group names of
//! EC2 it sees as late as EC2 shows it; of IAM, after the propagation of the profile (rule 40).

mod change;
mod fleet;
mod hook;
mod member;
mod policy;
mod refresh;
mod schedule;
mod spot;

use std::collections::BTreeMap;

use windlass_calls::autoscaling::{
    Activity, CreateAutoScalingGroup, DescribeAutoScalingGroups, DescribeAutoScalingInstances,
    DescribeScalingActivities, Distribution, EnableMetricsCollection, Group, GroupSettings, Launch, Request,
    Response,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

pub(crate) use fleet::Fleet;
pub(crate) use member::{Member, Seat};

/// The process that launches instances (rule 62).
const LAUNCH: &str = "Launch";

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

/// How spot instances can be chosen.
const STRATEGIES: [&str; 4] = [
    "capacity-optimized",
    "capacity-optimized-prioritized",
    "lowest-price",
    "price-capacity-optimized",
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
            DescribeAutoScalingInstances => describe_members,
            DescribeScalingActivities => describe_activities,
            CreateAutoScalingGroup => create_group,
            EnableMetricsCollection => enable_metrics,
            DescribeInstanceRefreshes => describe_refreshes,
            UpdateAutoScalingGroup => update_group,
            SetDesiredCapacity => set_desired,
            CreateOrUpdateTags => set_group_tags,
            DeleteTags => delete_group_tags,
            StartInstanceRefresh => start_refresh,
            CancelInstanceRefresh => cancel_refresh,
            DescribeLifecycleHooks => describe_hooks,
            PutLifecycleHook => put_hook,
            DeleteLifecycleHook => delete_hook,
            CompleteLifecycleAction => complete_action,
            RecordLifecycleActionHeartbeat => heartbeat,
            SetInstanceHealth => set_health,
            SuspendProcesses => suspend_processes,
            ResumeProcesses => resume_processes,
            DescribePolicies => describe_policies,
            PutScalingPolicy => put_policy,
            DeletePolicy => delete_policy,
            DescribeScheduledActions => describe_schedule,
            PutScheduledUpdateGroupAction => put_action,
            DeleteScheduledAction => delete_action,
            DeleteAutoScalingGroup => delete_group,
        )
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn describe_groups(&mut self, call: &DescribeAutoScalingGroups) -> Answer<Vec<Group>> {
        let fleets = call.names.iter();
        let fleets = fleets.filter_map(|name| self.autoscaling.groups.seen(name, self.clock));
        Ok(fleets.map(|fleet| self.shown_group(fleet)).collect())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn describe_members(
        &mut self,
        call: &DescribeAutoScalingInstances,
    ) -> Answer<Vec<windlass_calls::autoscaling::Member>> {
        let asked = |seat: &Seat| {
            let ids = &call.instances;
            ids.is_empty() || ids.iter().any(|id| id == seat.machine.id())
        };
        let there = |seat: &Seat| {
            let groups = &self.autoscaling.groups;
            seat.machine.is_live() && groups.seen(&seat.member.group, self.clock).is_some()
        };
        let seats = self.seats().filter(|seat| asked(seat) && there(seat));
        let members = seats.map(|seat| windlass_calls::autoscaling::Member {
            group: seat.member.group.clone(),
            instance: seat.shown(&self.config, self.clock),
        });
        Ok(members.collect())
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
        let fleet = self.named_fleet(&call.group)?;
        Ok(fleet.activities.iter().cloned().collect())
    }

    fn enable_metrics(&mut self, call: &EnableMetricsCollection) -> Answer<()> {
        self.named_fleet_mut(&call.group)?.metrics = METRICS.map(str::to_owned).into();
        Ok(())
    }

    /// The group wants `min` instances from the start unless the call says another number, and launches them on its own.
    fn create_group(&mut self, call: &CreateAutoScalingGroup) -> Answer<()> {
        let settings = &*call.settings;
        if self.autoscaling.groups.get(&settings.name).is_some() {
            let message =
                "AutoScalingGroup by this name already exists - A group with the name already exists";
            return Err(refused("AlreadyExists", message));
        }
        let desired = call.desired.unwrap_or(settings.min);
        check_bounds(settings)?;
        check_desired(settings, desired)?;
        self.check_references(settings)?;
        call.hooks.iter().try_for_each(hook::check)?;
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
        let hooks = call.hooks.iter().map(|hook| (hook.name.clone(), hook.clone()));
        let mut fleet = Fleet::new(arn, settings, desired, &call.tags, self.clock);
        fleet.hooks.extend(hooks);
        self.autoscaling
            .groups
            .insert(&settings.name, visible_from, fleet);
        self.run_groups(self.clock);
        Ok(())
    }

    fn named_fleet(&self, name: &str) -> Answer<&Fleet> {
        let fleet = self.autoscaling.groups.seen(name, self.clock);
        fleet.ok_or_else(|| no_group(name))
    }

    fn named_fleet_mut(&mut self, name: &str) -> Answer<&mut Fleet> {
        let fleet = self.autoscaling.groups.seen_mut(name, self.clock);
        fleet.ok_or_else(|| no_group(name))
    }

    fn check_references(&self, settings: &GroupSettings) -> Answer<()> {
        self.check_group_subnets(&settings.subnets)?;
        for arn in &settings.target_groups {
            if self.elb.target_groups.seen(arn, self.clock).is_none() {
                let message =
                    "Provided Target Groups may not be valid. Please ensure they exist and try again.";
                return Err(invalid(message.into()));
            }
        }
        self.check_launch(&launch_of(settings))
    }

    fn check_group_subnets(&self, subnets: &[String]) -> Answer<()> {
        let missing = |id: &&String| self.ec2.subnets.seen(id, self.clock).is_none();
        match subnets.iter().find(missing) {
            None => Ok(()),
            Some(id) => Err(invalid(format!("The subnet ID '{id}' does not exist"))),
        }
    }

    fn check_launch(&self, launch: &Launch) -> Answer<()> {
        if let Some(spot) = &launch.spot {
            check_distribution(spot)?;
        }
        let id = &launch.launch_template;
        let template = self.ec2.launch_templates.seen(id, self.clock);
        match template.and_then(|template| template.data(launch.version)) {
            // AWS tries the template with a dry run, which also finds what the template names.
            Some(data) => self
                .check_template(data)
                .map_err(|refusal| unusable(refusal.words())),
            None => Err(unusable(&format!(
                "The specified launch template, with template ID {id}, version {}, does not exist.",
                launch.version
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

fn check_distribution(spot: &Distribution) -> Answer<()> {
    if spot.on_demand_percent > 100 {
        return Err(invalid(
            "On-Demand percentage above base capacity must be between 0 and 100.".into(),
        ));
    }
    if STRATEGIES.contains(&spot.spot_strategy.as_str()) {
        return Ok(());
    }
    let message = format!("Invalid SpotAllocationStrategy: {}", spot.spot_strategy);
    Err(invalid(message))
}

fn check_desired(settings: &GroupSettings, desired: u32) -> Answer<()> {
    let GroupSettings { min, max, .. } = settings;
    if (*min..=*max).contains(&desired) {
        return Ok(());
    }
    Err(invalid(format!(
        "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
    )))
}

/// What a group makes its instances from.
fn launch_of(settings: &GroupSettings) -> Launch {
    Launch {
        launch_template: settings.launch_template.clone(),
        version: settings.version,
        instance_types: settings.instance_types.clone(),
        spot: settings.spot.clone(),
    }
}

/// Has a group make its instances from something else. The adapter writes overrides for several types and for spot
/// instances only: else one is left to the template, and shows as none.
fn set_launch(settings: &mut GroupSettings, launch: &Launch) {
    settings.launch_template.clone_from(&launch.launch_template);
    settings.version = launch.version;
    settings.instance_types.clone_from(&launch.instance_types);
    if settings.instance_types.len() == 1 && launch.spot.is_none() {
        settings.instance_types.clear();
    }
    settings.spot = launch.spot.clone().filter(Distribution::has_spot);
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

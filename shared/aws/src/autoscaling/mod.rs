//! EC2 Auto Scaling: groups and their tags here, what they launch in `launch`, instance refreshes in `refresh`, lifecycle
//! hooks in `hook`, scaling policies in `policy`, scheduled actions in `schedule`.
//!
//! `DesiredCapacity` is sent only where a call names it: the autoscaler owns it (rule 47 of the AWS facts), and AWS
//! starts a new group at its minimum.

mod hook;
mod launch;
mod policy;
mod refresh;
mod schedule;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{
    Activity, CreateAutoScalingGroup, CreateOrUpdateTags, DeleteAutoScalingGroup, DeleteTags,
    DescribeAutoScalingGroups, DescribeAutoScalingInstances, DescribeScalingActivities,
    EnableMetricsCollection, Group, GroupSettings, Instance, Launch, Member, Request, Response,
    SetDesiredCapacity, SetInstanceHealth, UpdateAutoScalingGroup,
};
use windlass_calls::{CallError, Tags};

use self::launch::Launches;
use crate::answer::{every, field, number, or_empty, or_zero, signed};
use crate::fault::Fault;

/// Activities asked for: what `DescribeScalingActivities` promises.
const ACTIVITIES: i32 = 20;

/// The only interval that AWS takes for the metrics of a group.
const GRANULARITY: &str = "1Minute";

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, autoscaling;
        DescribeAutoScalingGroups => describe_groups,
        DescribeAutoScalingInstances => describe_instances,
        DescribeScalingActivities => describe_activities,
        CreateAutoScalingGroup => create_group,
        EnableMetricsCollection => enable_metrics,
        DescribeInstanceRefreshes => refresh::describe,
        UpdateAutoScalingGroup => update_group,
        SetDesiredCapacity => set_desired,
        CreateOrUpdateTags => set_tags,
        DeleteTags => delete_tags,
        StartInstanceRefresh => refresh::start,
        CancelInstanceRefresh => refresh::cancel,
        DescribeLifecycleHooks => hook::describe,
        PutLifecycleHook => hook::put,
        DeleteLifecycleHook => hook::delete,
        CompleteLifecycleAction => hook::complete,
        RecordLifecycleActionHeartbeat => hook::heartbeat,
        SetInstanceHealth => set_health,
        SuspendProcesses => hook::suspend,
        ResumeProcesses => hook::resume,
        DescribePolicies => policy::describe,
        PutScalingPolicy => policy::put,
        DeletePolicy => policy::delete,
        DescribeScheduledActions => schedule::describe,
        PutScheduledUpdateGroupAction => schedule::put,
        DeleteScheduledAction => schedule::delete,
        DeleteAutoScalingGroup => delete_group,
    )
}

/// What the scale function asks for.
pub(crate) async fn send_of_scale(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, autoscaling;
        DescribeAutoScalingGroups => describe_groups,
        SetDesiredCapacity => set_desired; other
    )
}

async fn describe_groups(client: &Client, call: DescribeAutoScalingGroups) -> Result<Vec<Group>, Fault> {
    let request = client
        .describe_auto_scaling_groups()
        .set_auto_scaling_group_names(Some(call.names));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(group).collect()
}

async fn describe_instances(
    client: &Client,
    call: DescribeAutoScalingInstances,
) -> Result<Vec<Member>, Fault> {
    let ids = (!call.instances.is_empty()).then_some(call.instances);
    let request = client.describe_auto_scaling_instances().set_instance_ids(ids);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(member).collect()
}

async fn describe_activities(
    client: &Client,
    call: DescribeScalingActivities,
) -> Result<Vec<Activity>, Fault> {
    let request = client
        .describe_scaling_activities()
        .auto_scaling_group_name(call.group);
    let answer = request.max_records(ACTIVITIES).send().await?;
    answer
        .activities
        .unwrap_or_default()
        .into_iter()
        .map(activity)
        .collect()
}

async fn create_group(client: &Client, call: CreateAutoScalingGroup) -> Result<(), Fault> {
    let settings = *call.settings;
    let launches = Launches::of(&launch_of(&settings));
    client
        .create_auto_scaling_group()
        .set_launch_template(launches.template)
        .set_mixed_instances_policy(launches.mixed)
        .set_tags(Some(to_sdk(call.tags, &settings.name)))
        .set_lifecycle_hook_specification_list(hook::specifications(call.hooks))
        .auto_scaling_group_name(settings.name)
        .min_size(signed(settings.min))
        .max_size(signed(settings.max))
        .set_desired_capacity(call.desired.map(signed))
        .vpc_zone_identifier(settings.subnets.join(","))
        .set_target_group_arns(Some(settings.target_groups))
        .health_check_type("ELB")
        .health_check_grace_period(signed(settings.grace))
        .default_instance_warmup(signed(settings.warmup))
        .instance_maintenance_policy(maintenance(settings.maintenance))
        .capacity_rebalance(settings.rebalance)
        .send()
        .await?;
    Ok(())
}

fn launch_of(settings: &GroupSettings) -> Launch {
    Launch {
        launch_template: settings.launch_template.clone(),
        version: settings.version,
        instance_types: settings.instance_types.clone(),
        spot: settings.spot.clone(),
    }
}

async fn update_group(client: &Client, call: UpdateAutoScalingGroup) -> Result<(), Fault> {
    let change = *call.change;
    let launches = change.launch.as_ref().map(Launches::of).unwrap_or_default();
    client
        .update_auto_scaling_group()
        .auto_scaling_group_name(call.group)
        .set_min_size(change.min.map(signed))
        .set_max_size(change.max.map(signed))
        .set_desired_capacity(change.desired.map(signed))
        .set_vpc_zone_identifier(change.subnets.map(|subnets| subnets.join(",")))
        .set_launch_template(launches.template)
        .set_mixed_instances_policy(launches.mixed)
        .set_health_check_grace_period(change.grace.map(signed))
        .set_default_instance_warmup(change.warmup.map(signed))
        .set_instance_maintenance_policy(change.maintenance.map(maintenance))
        .set_capacity_rebalance(change.rebalance)
        .send()
        .await?;
    Ok(())
}

/// AWS's default, not to honour cooldowns, is said all the same: everything hangs on it (rule 7).
async fn set_desired(client: &Client, call: SetDesiredCapacity) -> Result<(), Fault> {
    client
        .set_desired_capacity()
        .auto_scaling_group_name(call.group)
        .desired_capacity(signed(call.desired))
        .honor_cooldown(false)
        .send()
        .await?;
    Ok(())
}

/// Without force: instances go first, through their draining and their hooks (rule 51).
async fn delete_group(client: &Client, call: DeleteAutoScalingGroup) -> Result<(), Fault> {
    let request = client.delete_auto_scaling_group();
    request.auto_scaling_group_name(call.group).send().await?;
    Ok(())
}

async fn set_health(client: &Client, call: SetInstanceHealth) -> Result<(), Fault> {
    client
        .set_instance_health()
        .instance_id(call.instance)
        .health_status(call.health)
        .should_respect_grace_period(call.respects_grace)
        .send()
        .await?;
    Ok(())
}

async fn set_tags(client: &Client, call: CreateOrUpdateTags) -> Result<(), Fault> {
    let tags = to_sdk(call.tags, &call.group);
    client.create_or_update_tags().set_tags(Some(tags)).send().await?;
    Ok(())
}

/// A key without a value stands for the tag whatever its value is.
async fn delete_tags(client: &Client, call: DeleteTags) -> Result<(), Fault> {
    let tags = call.keys.into_iter().map(|key| tag(&call.group, key).build());
    let request = client.delete_tags();
    request.set_tags(Some(tags.collect())).send().await?;
    Ok(())
}

/// Without a list of metrics AWS enables all of them.
async fn enable_metrics(client: &Client, call: EnableMetricsCollection) -> Result<(), Fault> {
    client
        .enable_metrics_collection()
        .auto_scaling_group_name(call.group)
        .granularity(GRANULARITY)
        .send()
        .await?;
    Ok(())
}

fn maintenance((least, most): (u32, u32)) -> sdk::InstanceMaintenancePolicy {
    sdk::InstanceMaintenancePolicy::builder()
        .min_healthy_percentage(signed(least))
        .max_healthy_percentage(signed(most))
        .build()
}

fn to_sdk(tags: Tags, group: &str) -> Vec<sdk::Tag> {
    tags.into_iter()
        .map(|(key, value)| tag(group, key).value(value).propagate_at_launch(true).build())
        .collect()
}

fn tag(group: &str, key: String) -> sdk::builders::TagBuilder {
    sdk::Tag::builder()
        .resource_id(group)
        .resource_type("auto-scaling-group")
        .key(key)
}

fn group(mut found: sdk::AutoScalingGroup) -> Result<Group, Fault> {
    let tags = found.tags.take().unwrap_or_default().into_iter();
    let suspended = found.suspended_processes.take().unwrap_or_default().into_iter();
    let instances = found.instances.take().unwrap_or_default().into_iter();
    let metrics = found.enabled_metrics.take().unwrap_or_default();
    Ok(Group {
        arn: field(found.auto_scaling_group_arn.take(), "AutoScalingGroupARN")?,
        health_check: field(found.health_check_type.take(), "HealthCheckType")?,
        desired: number(found.desired_capacity, "DesiredCapacity")?,
        instances: instances.map(instance).collect::<Result<_, _>>()?,
        metrics: reported(metrics),
        suspended: suspended.filter_map(|process| process.process_name).collect(),
        status: found.status.take(),
        tags: tags
            .map(|tag| Ok((field(tag.key, "Tag.Key")?, or_empty(tag.value))))
            .collect::<Result<_, Fault>>()?,
        settings: settings(found)?,
    })
}

/// Names of the metrics that a group reports, in order.
fn reported(metrics: Vec<sdk::EnabledMetric>) -> Vec<String> {
    let mut names: Vec<_> = metrics.into_iter().filter_map(|metric| metric.metric).collect();
    names.sort_unstable();
    names
}

/// Settings as AWS has them. What a group does not set reads as 0, as does a version that is no number (`$Latest`,
/// which we never set: rule 46), so that neither equals a setting of ours.
fn settings(found: sdk::AutoScalingGroup) -> Result<GroupSettings, Fault> {
    let launches = Launches {
        template: found.launch_template,
        mixed: found.mixed_instances_policy,
    };
    let launch = launches.launch();
    let subnets = found.vpc_zone_identifier.unwrap_or_default();
    let policy = found.instance_maintenance_policy;
    let least = policy.as_ref().and_then(|policy| policy.min_healthy_percentage);
    let most = policy.as_ref().and_then(|policy| policy.max_healthy_percentage);
    Ok(GroupSettings {
        name: field(found.auto_scaling_group_name, "AutoScalingGroupName")?,
        min: number(found.min_size, "MinSize")?,
        max: number(found.max_size, "MaxSize")?,
        subnets: subnets
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
        target_groups: found.target_group_arns.unwrap_or_default(),
        launch_template: launch.launch_template,
        version: launch.version,
        instance_types: launch.instance_types,
        spot: launch.spot,
        rebalance: found.capacity_rebalance.unwrap_or_default(),
        grace: or_zero(found.health_check_grace_period),
        warmup: or_zero(found.default_instance_warmup),
        maintenance: (or_zero(least), or_zero(most)),
    })
}

fn instance(found: sdk::Instance) -> Result<Instance, Fault> {
    Ok(Instance {
        id: field(found.instance_id, "InstanceId")?,
        zone: field(found.availability_zone, "AvailabilityZone")?,
        lifecycle_state: field(found.lifecycle_state, "LifecycleState")?,
        health: field(found.health_status, "HealthStatus")?,
    })
}

fn member(found: sdk::AutoScalingInstanceDetails) -> Result<Member, Fault> {
    Ok(Member {
        group: field(found.auto_scaling_group_name, "AutoScalingGroupName")?,
        instance: Instance {
            id: field(found.instance_id, "InstanceId")?,
            zone: field(found.availability_zone, "AvailabilityZone")?,
            lifecycle_state: field(found.lifecycle_state, "LifecycleState")?,
            health: health(&field(found.health_status, "HealthStatus")?),
        },
    })
}

/// This call alone writes `HEALTHY` and `UNHEALTHY`.
fn health(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + &rest.to_lowercase()
}

fn activity(found: sdk::Activity) -> Result<Activity, Fault> {
    Ok(Activity {
        id: field(found.activity_id, "ActivityId")?,
        description: or_empty(found.description),
        status: field(found.status_code, "StatusCode")?,
        message: found.status_message,
        cause: or_empty(found.cause),
    })
}

#[cfg(test)]
mod tests {
    use windlass_calls::autoscaling::Distribution;

    use super::*;

    fn wanted(instance_types: &[&str]) -> GroupSettings {
        GroupSettings {
            name: "windlass-dev-web".into(),
            min: 3,
            max: 9,
            subnets: vec!["subnet-1".into(), "subnet-2".into()],
            target_groups: vec!["arn:tg".into()],
            launch_template: "lt-1".into(),
            version: 2,
            instance_types: instance_types.iter().map(|name| (*name).to_owned()).collect(),
            spot: None,
            rebalance: true,
            grace: 90,
            warmup: 120,
            maintenance: (100, 110),
        }
    }

    /// The group AWS would show after creating one with these settings.
    fn created(settings: &GroupSettings) -> sdk::AutoScalingGroup {
        let launches = Launches::of(&launch_of(settings));
        sdk::AutoScalingGroup::builder()
            .auto_scaling_group_name(&settings.name)
            .min_size(3)
            .max_size(9)
            .vpc_zone_identifier("subnet-1,subnet-2")
            .target_group_arns("arn:tg")
            .set_launch_template(launches.template)
            .set_mixed_instances_policy(launches.mixed)
            .health_check_grace_period(90)
            .default_instance_warmup(120)
            .instance_maintenance_policy(maintenance(settings.maintenance))
            .capacity_rebalance(settings.rebalance)
            .build()
    }

    #[test]
    fn a_group_with_several_types_reads_back_as_it_was_written() {
        let wanted = wanted(&["t3.micro", "t3a.micro"]);
        assert_eq!(settings(created(&wanted)).ok(), Some(wanted));
    }

    #[test]
    fn a_group_with_spot_instances_reads_back_as_it_was_written() {
        let spot = Distribution {
            on_demand_base: 1,
            on_demand_percent: 50,
            spot_strategy: "price-capacity-optimized".into(),
        };
        let wanted = GroupSettings {
            spot: Some(spot),
            ..wanted(&["t3.micro"])
        };
        assert_eq!(settings(created(&wanted)).ok(), Some(wanted));
    }

    #[test]
    fn a_group_with_one_type_leaves_it_to_its_template() {
        assert_eq!(settings(created(&wanted(&["t3.micro"]))).ok(), Some(wanted(&[])));
    }

    #[test]
    fn what_a_group_does_not_set_equals_none_of_our_settings() {
        let latest = sdk::LaunchTemplateSpecification::builder()
            .launch_template_id("lt-1")
            .version("$Latest");
        let bare = sdk::AutoScalingGroup::builder()
            .auto_scaling_group_name("bare")
            .min_size(1)
            .max_size(1)
            .launch_template(latest.build())
            .default_instance_warmup(-1)
            .build();
        let found = settings(bare)
            .ok()
            .map(|s| (s.version, s.warmup, s.maintenance, s.subnets));
        assert_eq!(found, Some((0, 0, (0, 0), Vec::new())));
    }

    #[test]
    fn the_metrics_that_a_group_reports_come_in_order() {
        let metric = |name: &str| sdk::EnabledMetric::builder().metric(name).build();
        let names = reported(vec![metric("GroupMinSize"), metric("GroupMaxSize")]);
        assert_eq!(names, ["GroupMaxSize", "GroupMinSize"]);
    }

    #[test]
    fn every_tag_reaches_the_instances() {
        let tags = Tags::from([("windlass:stack".to_owned(), "dev/web".to_owned())]);
        let sent = to_sdk(tags, "windlass-dev-web");
        assert!(sent.iter().all(|tag| tag.propagate_at_launch == Some(true)));
        assert_eq!(sent.len(), 1);
    }
}

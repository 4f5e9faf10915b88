//! Target groups, both ways, and the targets in them.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use windlass_calls::Tags;
use windlass_calls::elb::{
    CreateTargetGroup, DeleteTargetGroup, DeregisterTargets, DescribeTargetGroupAttributes,
    DescribeTargetGroups, DescribeTargetHealth, HealthCheck, ModifyTargetGroup, ModifyTargetGroupAttributes,
    RegisterTargets, TargetGroup, TargetHealth,
};

use super::{pair, to_sdk};
use crate::answer::{every, field, number, or_empty, or_zero, part, signed};
use crate::fault::Fault;

pub(super) async fn describe_target_groups(
    client: &Client,
    call: DescribeTargetGroups,
) -> Result<Vec<TargetGroup>, Fault> {
    let request = client
        .describe_target_groups()
        .set_names(call.name.map(|name| vec![name]));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(target_group).collect()
}

pub(super) async fn describe_target_group_attributes(
    client: &Client,
    call: DescribeTargetGroupAttributes,
) -> Result<Tags, Fault> {
    let request = client
        .describe_target_group_attributes()
        .target_group_arn(call.target_group);
    let attributes = request.send().await?.attributes.unwrap_or_default();
    attributes
        .into_iter()
        .map(|attribute| pair(attribute.key, attribute.value))
        .collect()
}

pub(super) async fn describe_target_health(
    client: &Client,
    call: DescribeTargetHealth,
) -> Result<Vec<TargetHealth>, Fault> {
    let answer = client
        .describe_target_health()
        .target_group_arn(call.target_group)
        .send()
        .await?;
    answer
        .target_health_descriptions
        .unwrap_or_default()
        .into_iter()
        .map(target_health)
        .collect()
}

pub(super) async fn create_target_group(
    client: &Client,
    call: CreateTargetGroup,
) -> Result<TargetGroup, Fault> {
    let check = call.health_check;
    let answer = client
        .create_target_group()
        .name(call.name)
        .vpc_id(call.vpc)
        .target_type(sdk::TargetTypeEnum::Instance)
        .protocol(sdk::ProtocolEnum::Http)
        .port(i32::from(call.port))
        .health_check_path(check.path)
        .health_check_interval_seconds(signed(check.interval))
        .health_check_timeout_seconds(signed(check.timeout))
        .healthy_threshold_count(signed(check.healthy))
        .unhealthy_threshold_count(signed(check.unhealthy))
        .matcher(sdk::Matcher::builder().http_code(check.codes).build())
        .set_tags(to_sdk(call.tags))
        .send()
        .await?;
    let created = answer.target_groups.unwrap_or_default().into_iter().next();
    target_group(part(created, "TargetGroups")?)
}

pub(super) async fn modify_target_group(client: &Client, call: ModifyTargetGroup) -> Result<(), Fault> {
    let check = call.health_check;
    client
        .modify_target_group()
        .target_group_arn(call.target_group)
        .health_check_path(check.path)
        .health_check_interval_seconds(signed(check.interval))
        .health_check_timeout_seconds(signed(check.timeout))
        .healthy_threshold_count(signed(check.healthy))
        .unhealthy_threshold_count(signed(check.unhealthy))
        .matcher(sdk::Matcher::builder().http_code(check.codes).build())
        .send()
        .await?;
    Ok(())
}

pub(super) async fn modify_target_group_attributes(
    client: &Client,
    call: ModifyTargetGroupAttributes,
) -> Result<(), Fault> {
    let attribute = |(key, value)| sdk::TargetGroupAttribute::builder().key(key).value(value).build();
    client
        .modify_target_group_attributes()
        .target_group_arn(call.target_group)
        .set_attributes(Some(call.attributes.into_iter().map(attribute).collect()))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn register_targets(client: &Client, call: RegisterTargets) -> Result<(), Fault> {
    client
        .register_targets()
        .target_group_arn(call.target_group)
        .set_targets(Some(described(call.targets)))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn deregister_targets(client: &Client, call: DeregisterTargets) -> Result<(), Fault> {
    client
        .deregister_targets()
        .target_group_arn(call.target_group)
        .set_targets(Some(described(call.targets)))
        .send()
        .await?;
    Ok(())
}

/// Without a port, a target is reached at its group's.
fn described(targets: Vec<String>) -> Vec<sdk::TargetDescription> {
    let target = |id| sdk::TargetDescription::builder().id(id).build();
    targets.into_iter().map(target).collect()
}

pub(super) async fn delete_target_group(client: &Client, call: DeleteTargetGroup) -> Result<(), Fault> {
    let request = client.delete_target_group();
    request.target_group_arn(call.target_group).send().await?;
    Ok(())
}

fn target_group(found: sdk::TargetGroup) -> Result<TargetGroup, Fault> {
    // A list of all has those of functions too, which have neither a VPC nor a port.
    let instances = found.target_type == Some(sdk::TargetTypeEnum::Instance);
    let (vpc, port) = if instances {
        (field(found.vpc_id, "VpcId")?, number(found.port, "Port")?)
    } else {
        (or_empty(found.vpc_id), or_zero(found.port))
    };
    Ok(TargetGroup {
        arn: field(found.target_group_arn, "TargetGroupArn")?,
        name: field(found.target_group_name, "TargetGroupName")?,
        vpc,
        port,
        health_check: HealthCheck {
            path: or_empty(found.health_check_path),
            interval: number(found.health_check_interval_seconds, "HealthCheckIntervalSeconds")?,
            timeout: number(found.health_check_timeout_seconds, "HealthCheckTimeoutSeconds")?,
            healthy: number(found.healthy_threshold_count, "HealthyThresholdCount")?,
            unhealthy: number(found.unhealthy_threshold_count, "UnhealthyThresholdCount")?,
            codes: or_empty(found.matcher.and_then(|matcher| matcher.http_code)),
        },
        load_balancers: found.load_balancer_arns.unwrap_or_default(),
    })
}

fn target_health(found: sdk::TargetHealthDescription) -> Result<TargetHealth, Fault> {
    let target = part(found.target, "Target")?;
    let health = part(found.target_health, "TargetHealth")?;
    Ok(TargetHealth {
        target: field(target.id, "Target.Id")?,
        state: field(health.state, "TargetHealth.State")?,
        reason: health.reason.map(|reason| reason.as_str().to_owned()),
        description: health.description,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_all_target_groups_one_of_a_function_may_lack_a_vpc_and_a_port() {
        let found = |kind| {
            let group = sdk::TargetGroup::builder()
                .target_group_arn("arn:tg")
                .target_group_name("tg")
                .target_type(kind)
                .health_check_interval_seconds(35)
                .health_check_timeout_seconds(30)
                .healthy_threshold_count(5)
                .unhealthy_threshold_count(2);
            target_group(group.build()).map_err(|fault| fault.of("elb:Any").message)
        };
        assert_eq!(found(sdk::TargetTypeEnum::Lambda).map(|group| group.port), Ok(0));
        assert_eq!(
            found(sdk::TargetTypeEnum::Instance).err().as_deref(),
            Some("the answer has no VpcId")
        );
    }
}

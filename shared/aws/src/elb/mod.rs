//! Elastic Load Balancing v2; listeners and their conversion are in `listener`.

mod listener;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use windlass_calls::elb::{
    CreateLoadBalancer, CreateTargetGroup, DescribeLoadBalancerAttributes, DescribeLoadBalancers,
    DescribeTags, DescribeTargetGroupAttributes, DescribeTargetGroups, DescribeTargetHealth, HealthCheck,
    LoadBalancer, ModifyLoadBalancerAttributes, ModifyTargetGroupAttributes, RegisterTargets, Request,
    Response, TagDescription, TargetGroup, TargetHealth,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field, number, or_empty, part, signed};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, elb;
        DescribeLoadBalancers => describe_load_balancers,
        DescribeLoadBalancerAttributes => describe_load_balancer_attributes,
        DescribeTargetGroups => describe_target_groups,
        DescribeTargetGroupAttributes => describe_target_group_attributes,
        DescribeListeners => listener::describe_listeners,
        DescribeTags => describe_tags,
        DescribeTargetHealth => describe_target_health,
        CreateLoadBalancer => create_load_balancer,
        ModifyLoadBalancerAttributes => modify_load_balancer_attributes,
        CreateTargetGroup => create_target_group,
        ModifyTargetGroupAttributes => modify_target_group_attributes,
        CreateListener => listener::create_listener,
        RegisterTargets => register_targets,
    )
}

async fn describe_load_balancers(
    client: &Client,
    call: DescribeLoadBalancers,
) -> Result<Vec<LoadBalancer>, Fault> {
    let request = client
        .describe_load_balancers()
        .set_names(call.name.map(|name| vec![name]));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(load_balancer).collect()
}

async fn describe_load_balancer_attributes(
    client: &Client,
    call: DescribeLoadBalancerAttributes,
) -> Result<Tags, Fault> {
    let request = client
        .describe_load_balancer_attributes()
        .load_balancer_arn(call.load_balancer);
    let attributes = request.send().await?.attributes.unwrap_or_default();
    attributes
        .into_iter()
        .map(|attribute| pair(attribute.key, attribute.value))
        .collect()
}

async fn describe_target_groups(
    client: &Client,
    call: DescribeTargetGroups,
) -> Result<Vec<TargetGroup>, Fault> {
    let request = client.describe_target_groups().names(call.name);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(target_group).collect()
}

async fn describe_target_group_attributes(
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

async fn describe_tags(client: &Client, call: DescribeTags) -> Result<Vec<TagDescription>, Fault> {
    let answer = client
        .describe_tags()
        .set_resource_arns(Some(call.resources))
        .send()
        .await?;
    answer
        .tag_descriptions
        .unwrap_or_default()
        .into_iter()
        .map(tag_description)
        .collect()
}

async fn describe_target_health(
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

async fn create_load_balancer(client: &Client, call: CreateLoadBalancer) -> Result<LoadBalancer, Fault> {
    let answer = client
        .create_load_balancer()
        .name(call.name)
        .r#type(sdk::LoadBalancerTypeEnum::Application)
        .ip_address_type(sdk::IpAddressType::Ipv4)
        .scheme(call.scheme.as_str().into())
        .set_subnets(Some(call.subnets))
        .set_security_groups(Some(call.security_groups))
        .set_tags(to_sdk(call.tags))
        .send()
        .await?;
    let created = answer.load_balancers.unwrap_or_default().into_iter().next();
    load_balancer(part(created, "LoadBalancers")?)
}

async fn modify_load_balancer_attributes(
    client: &Client,
    call: ModifyLoadBalancerAttributes,
) -> Result<(), Fault> {
    let attribute = |(key, value)| {
        sdk::LoadBalancerAttribute::builder()
            .key(key)
            .value(value)
            .build()
    };
    client
        .modify_load_balancer_attributes()
        .load_balancer_arn(call.load_balancer)
        .set_attributes(Some(call.attributes.into_iter().map(attribute).collect()))
        .send()
        .await?;
    Ok(())
}

async fn create_target_group(client: &Client, call: CreateTargetGroup) -> Result<TargetGroup, Fault> {
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

async fn modify_target_group_attributes(
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

/// Without a port, a target is reached at its group's.
async fn register_targets(client: &Client, call: RegisterTargets) -> Result<(), Fault> {
    let target = sdk::TargetDescription::builder().id(call.target).build();
    client
        .register_targets()
        .target_group_arn(call.target_group)
        .targets(target)
        .send()
        .await?;
    Ok(())
}

fn load_balancer(found: sdk::LoadBalancer) -> Result<LoadBalancer, Fault> {
    let state = part(found.state, "LoadBalancer.State")?;
    let zones = found.availability_zones.unwrap_or_default();
    // A list of all has those of other types too, which may lack what an application load balancer has.
    let application = found.r#type == Some(sdk::LoadBalancerTypeEnum::Application);
    let required = |value: Option<String>, name| match value {
        None if !application => Ok(String::new()),
        value => field(value, name),
    };
    Ok(LoadBalancer {
        arn: field(found.load_balancer_arn, "LoadBalancerArn")?,
        name: field(found.load_balancer_name, "LoadBalancerName")?,
        dns_name: required(found.dns_name, "DNSName")?,
        scheme: required(found.scheme.map(|scheme| scheme.as_str().to_owned()), "Scheme")?,
        vpc: required(found.vpc_id, "VpcId")?,
        state: field(state.code, "State.Code")?,
        state_reason: state.reason,
        subnets: zones.into_iter().filter_map(|zone| zone.subnet_id).collect(),
        security_groups: found.security_groups.unwrap_or_default(),
    })
}

fn target_group(found: sdk::TargetGroup) -> Result<TargetGroup, Fault> {
    Ok(TargetGroup {
        arn: field(found.target_group_arn, "TargetGroupArn")?,
        name: field(found.target_group_name, "TargetGroupName")?,
        vpc: field(found.vpc_id, "VpcId")?,
        port: number(found.port, "Port")?,
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

fn tag_description(found: sdk::TagDescription) -> Result<TagDescription, Fault> {
    let tags = found.tags.unwrap_or_default().into_iter();
    Ok(TagDescription {
        resource: field(found.resource_arn, "ResourceArn")?,
        tags: tags
            .map(|tag| pair(tag.key, tag.value))
            .collect::<Result<_, _>>()?,
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

fn pair(key: Option<String>, value: Option<String>) -> Result<(String, String), Fault> {
    Ok((field(key, "Key")?, value.unwrap_or_default()))
}

/// Tags of a create call; none at all rather than an empty list, which AWS refuses.
fn to_sdk(tags: Tags) -> Option<Vec<sdk::Tag>> {
    let tag = |(key, value)| sdk::Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.into_iter().map(tag).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_all_load_balancers_one_of_another_type_may_lack_a_name_and_a_scheme() {
        let state = sdk::LoadBalancerState::builder().code(sdk::LoadBalancerStateEnum::Active);
        let gateway = |kind| {
            sdk::LoadBalancer::builder()
                .load_balancer_arn("arn:lb")
                .load_balancer_name("lb")
                .r#type(kind)
                .state(state.clone().build())
                .build()
        };
        assert!(load_balancer(gateway(sdk::LoadBalancerTypeEnum::Gateway)).is_ok());
        let ours = load_balancer(gateway(sdk::LoadBalancerTypeEnum::Application));
        let message = ours.map_err(|fault| fault.of("elb:Any").message).err();
        assert_eq!(message.as_deref(), Some("the answer has no DNSName"));
    }
}

//! Elastic Load Balancing v2: load balancers and tags here, `listener`, `rule` and `target_group` each in its own
//! file.

mod listener;
mod rule;
mod target_group;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use windlass_calls::elb::{
    AddTags, CreateLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancerAttributes, DescribeLoadBalancers,
    DescribeTags, LoadBalancer, ModifyLoadBalancerAttributes, RemoveTags, Request, Response, SetSubnets,
    TagDescription,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field, part};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, elb;
        DescribeLoadBalancers => describe_load_balancers,
        DescribeLoadBalancerAttributes => describe_load_balancer_attributes,
        DescribeTargetGroups => target_group::describe_target_groups,
        DescribeTargetGroupAttributes => target_group::describe_target_group_attributes,
        DescribeListeners => listener::describe_listeners,
        DescribeRules => rule::describe_rules,
        DescribeTags => describe_tags,
        DescribeTargetHealth => target_group::describe_target_health,
        CreateLoadBalancer => create_load_balancer,
        ModifyLoadBalancerAttributes => modify_load_balancer_attributes,
        CreateTargetGroup => target_group::create_target_group,
        ModifyTargetGroupAttributes => target_group::modify_target_group_attributes,
        CreateListener => listener::create_listener,
        CreateRule => rule::create_rule,
        RegisterTargets => target_group::register_targets,
        SetSubnets => set_subnets,
        ModifyListener => listener::modify_listener,
        ModifyTargetGroup => target_group::modify_target_group,
        AddTags => add_tags,
        RemoveTags => remove_tags,
        DeregisterTargets => target_group::deregister_targets,
        DeleteRule => rule::delete_rule,
        DeleteListener => listener::delete_listener,
        DeleteLoadBalancer => delete_load_balancer,
        DeleteTargetGroup => target_group::delete_target_group,
    )
}

/// What the scale function asks for.
pub(crate) async fn send_of_scale(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, elb; DescribeTargetHealth => target_group::describe_target_health; other)
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

async fn set_subnets(client: &Client, call: SetSubnets) -> Result<(), Fault> {
    client
        .set_subnets()
        .load_balancer_arn(call.load_balancer)
        .set_subnets(Some(call.subnets))
        .send()
        .await?;
    Ok(())
}

async fn delete_load_balancer(client: &Client, call: DeleteLoadBalancer) -> Result<(), Fault> {
    let request = client.delete_load_balancer();
    request.load_balancer_arn(call.load_balancer).send().await?;
    Ok(())
}

async fn add_tags(client: &Client, call: AddTags) -> Result<(), Fault> {
    let request = client.add_tags().set_resource_arns(Some(call.resources));
    request.set_tags(to_sdk(call.tags)).send().await?;
    Ok(())
}

async fn remove_tags(client: &Client, call: RemoveTags) -> Result<(), Fault> {
    let request = client.remove_tags().set_resource_arns(Some(call.resources));
    request.set_tag_keys(Some(call.keys)).send().await?;
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

fn tag_description(found: sdk::TagDescription) -> Result<TagDescription, Fault> {
    let tags = found.tags.unwrap_or_default().into_iter();
    Ok(TagDescription {
        resource: field(found.resource_arn, "ResourceArn")?,
        tags: tags
            .map(|tag| pair(tag.key, tag.value))
            .collect::<Result<_, _>>()?,
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

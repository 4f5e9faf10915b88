//! Load balancers.

use windlass_calls::elb::{
    CreateLoadBalancer, DescribeLoadBalancerAttributes, DescribeLoadBalancers, DescribeTags, LoadBalancer,
    ModifyLoadBalancerAttributes,
};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::ground::{NO_BALANCER, NO_GROUP, NO_SUBNET, balancer, balancer_request};
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

const IDLE: &str = "idle_timeout.timeout_seconds";

pub(super) async fn a_new_load_balancer_is_provisioning_and_shows_its_settings_and_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let (vpc, mut request) = balancer_request(place, "alb").await?;
    let made = place.call(request.clone()).await?;
    same("state at first", made.state.as_str(), "provisioning")?;
    let name = request.name.clone();
    let mut shown = only(
        "load balancers",
        place.call(DescribeLoadBalancers { name: Some(name) }).await?,
    )?;
    request.subnets.sort();
    shown.subnets.sort();
    same("ARN", &shown.arn, &made.arn)?;
    same("name", shown.name, request.name)?;
    same("scheme", shown.scheme, request.scheme)?;
    same("VPC", shown.vpc, vpc.id)?;
    same("subnets", shown.subnets, request.subnets)?;
    same("groups", shown.security_groups, request.security_groups)?;
    holds("DNS name", shown.dns_name.contains(&place.run), &shown.dns_name)?;
    same("DNS name", shown.dns_name, made.dns_name)?;
    shows_tags(place, &made.arn, "alb").await
}

/// A load-balancing resource has the tags of this case.
pub(super) async fn shows_tags<P: Port>(place: &Place<P>, arn: &str, case: &str) -> Check {
    let resources = vec![arn.to_owned()];
    let shown = only("tagged resources", place.call(DescribeTags { resources }).await?)?;
    same("ARN of the tags", shown.resource.as_str(), arn)?;
    same("tags", shown.tags, place.tags(case))
}

pub(super) async fn a_repeated_load_balancer_answers_the_first<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "alb-twice").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("ARN", second.arn, first.arn)
}

pub(super) async fn a_load_balancer_name_with_other_settings_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "alb-other").await?;
    place.call(request.clone()).await?;
    let other = CreateLoadBalancer {
        security_groups: Vec::new(),
        ..request
    };
    place
        .refuses(other, Class::Exists, "DuplicateLoadBalancerName")
        .await
}

pub(super) async fn a_load_balancer_in_one_zone_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, mut request) = balancer_request(place, "alb-one-zone").await?;
    request.subnets.truncate(1);
    place.refuses(request, Class::Terminal, "ValidationError").await
}

pub(super) async fn a_load_balancer_in_a_missing_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, mut request) = balancer_request(place, "alb-no-subnet").await?;
    request.subnets[1] = NO_SUBNET.into();
    place.refuses(request, Class::Gone, "SubnetNotFound").await
}

pub(super) async fn a_load_balancer_with_a_missing_security_group_waits_for_it<P: Port>(
    place: &Place<P>,
) -> Check {
    let (_, mut request) = balancer_request(place, "alb-no-group").await?;
    request.security_groups = vec![NO_GROUP.into()];
    place
        .refuses(request, Class::NotYet, "InvalidSecurityGroup")
        .await
}

pub(super) async fn a_public_load_balancer_waits_for_an_internet_gateway<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "alb-no-igw").await?;
    let public = CreateLoadBalancer {
        scheme: "internet-facing".into(),
        ..request
    };
    place.refuses(public, Class::NotYet, "InvalidSubnet").await
}

/// Rule 35.
pub(super) async fn a_load_balancer_name_that_is_too_long_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "alb-long-name").await?;
    let long = CreateLoadBalancer {
        name: "a".repeat(33),
        ..request
    };
    place.refuses(long, Class::Terminal, "ValidationError").await
}

pub(super) async fn a_load_balancer_attribute_has_awss_default_until_it_is_set<P: Port>(
    place: &Place<P>,
) -> Check {
    let balancer = made(place, "alb-idle").await?;
    same("before", idle(place, &balancer).await?.as_deref(), Some("60"))?;
    place.call(set(&balancer.arn, IDLE, "120")).await?;
    same("after", idle(place, &balancer).await?.as_deref(), Some("120"))
}

pub(super) async fn setting_a_load_balancer_attribute_twice_leaves_it_set<P: Port>(
    place: &Place<P>,
) -> Check {
    let balancer = made(place, "alb-idle-twice").await?;
    for _ in 0..2 {
        place.call(set(&balancer.arn, IDLE, "120")).await?;
    }
    same("after", idle(place, &balancer).await?.as_deref(), Some("120"))
}

pub(super) async fn attributes_of_a_missing_load_balancer_are_refused<P: Port>(place: &Place<P>) -> Check {
    let call = set(NO_BALANCER, IDLE, "120");
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

pub(super) async fn an_attribute_that_load_balancers_do_not_have_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let balancer = made(place, "alb-no-attr").await?;
    let call = set(&balancer.arn, "idle_timeout.minutes", "2");
    place.refuses(call, Class::Terminal, None).await
}

fn set(load_balancer: &str, key: &str, value: &str) -> ModifyLoadBalancerAttributes {
    ModifyLoadBalancerAttributes {
        load_balancer: load_balancer.into(),
        attributes: Tags::from([(key.to_owned(), value.to_owned())]),
    }
}

pub(super) async fn made<P: Port>(place: &Place<P>, case: &str) -> Result<LoadBalancer, Mismatch> {
    Ok(balancer(place, case).await?.1)
}

async fn idle<P: Port>(place: &Place<P>, balancer: &LoadBalancer) -> Result<Option<String>, Mismatch> {
    let load_balancer = balancer.arn.clone();
    let mut attributes = place
        .call(DescribeLoadBalancerAttributes { load_balancer })
        .await?;
    Ok(attributes.remove(IDLE))
}

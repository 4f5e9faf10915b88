//! Load balancers.

use windlass_calls::ec2::DescribeNetworkInterfaces;
use windlass_calls::elb::{
    CreateLoadBalancer, DeleteLoadBalancer, DescribeListeners, DescribeLoadBalancerAttributes,
    DescribeLoadBalancers, DescribeTags, LoadBalancer, ModifyLoadBalancerAttributes, SetSubnets,
};
use windlass_calls::{Class, Filters, Tags};
use windlass_engine::Port;

use super::ground::{NO_BALANCER, NO_GROUP, NO_SUBNET, balancer, balancer_request, subnet};
use super::listeners;
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

const IDLE: &str = "idle_timeout.timeout_seconds";
const PROTECTED: &str = "deletion_protection.enabled";

pub(super) async fn a_new_load_balancer_is_provisioning_and_shows_its_settings_and_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let (vpc, mut request) = balancer_request(place, "alb").await?;
    let made = place.call(request.clone()).await?;
    same("state at first", made.state.as_str(), "provisioning")?;
    let mut shown = described(place, "alb").await?;
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

pub(super) async fn a_load_balancer_spreads_to_another_zone<P: Port>(place: &Place<P>) -> Check {
    spread(place, "alb-spread", 1).await
}

pub(super) async fn a_load_balancer_spread_twice_is_spread_once<P: Port>(place: &Place<P>) -> Check {
    spread(place, "alb-spread-twice", 2).await
}

async fn spread<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let (vpc, balancer) = balancer(place, case).await?;
    let mut subnets = balancer.subnets;
    subnets.push(subnet(place, case, &vpc, 2).await?.id);
    subnets.sort();
    for _ in 0..times {
        place.call(set_subnets(&balancer.arn, &subnets)).await?;
    }
    let mut shown = described(place, case).await?.subnets;
    shown.sort();
    same("subnets", shown, subnets)
}

pub(super) async fn a_load_balancer_cannot_shrink_to_one_zone<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-shrink").await?;
    let call = set_subnets(&balancer.arn, &balancer.subnets[..1]);
    place.refuses(call, Class::Terminal, None).await?;
    same("subnets", described(place, "alb-shrink").await?.subnets.len(), 2)
}

pub(super) async fn a_load_balancer_cannot_spread_to_a_missing_subnet<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-lost").await?;
    let subnets = [balancer.subnets[0].clone(), NO_SUBNET.into()];
    let call = set_subnets(&balancer.arn, &subnets);
    place.refuses(call, Class::Gone, "SubnetNotFound").await?;
    let mut shown = described(place, "alb-lost").await?.subnets;
    shown.sort();
    let mut wanted = balancer.subnets;
    wanted.sort();
    same("subnets", shown, wanted)
}

pub(super) async fn a_missing_load_balancer_cannot_spread<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-spread-none").await?;
    let call = set_subnets(NO_BALANCER, &balancer.subnets);
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

/// Rule 51: its network interfaces go later.
pub(super) async fn a_deleted_load_balancer_is_gone_with_its_listeners_and_then_its_interfaces<P: Port>(
    place: &Place<P>,
) -> Check {
    let listener = listeners::made(place, "alb-gone").await?;
    let load_balancer = listener.load_balancer;
    let vpc = described(place, "alb-gone").await?.vpc;
    place.call(delete(&load_balancer)).await?;
    gone(place, "alb-gone").await?;
    let call = DescribeListeners { load_balancer };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await?;
    let group = listeners::target_group_of(place, "alb-gone").await?;
    same(
        "load balancers of its target group",
        group.load_balancers,
        Vec::new(),
    )?;
    let filters = Filters::from([("vpc-id".to_owned(), vec![vpc])]);
    place
        .gone("its network interfaces", DescribeNetworkInterfaces { filters })
        .await
}

pub(super) async fn a_load_balancer_deleted_twice_is_no_error<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-gone-twice").await?;
    for _ in 0..2 {
        place.call(delete(&balancer.arn)).await?;
    }
    gone(place, "alb-gone-twice").await
}

pub(super) async fn a_protected_load_balancer_stays<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-stays").await?;
    place.call(set(&balancer.arn, PROTECTED, "true")).await?;
    let call = delete(&balancer.arn);
    place
        .refuses(call, Class::Terminal, "OperationNotPermitted")
        .await?;
    same("ARN", described(place, "alb-stays").await?.arn, balancer.arn)
}

/// Rule 51: what keeps subnets and security groups from being deleted.
pub(super) async fn a_load_balancer_has_a_network_interface_of_awss_in_each_subnet<P: Port>(
    place: &Place<P>,
) -> Check {
    let balancer = made(place, "alb-eni").await?;
    let filters = Filters::from([("vpc-id".to_owned(), vec![balancer.vpc.clone()])]);
    let shown = place.call(DescribeNetworkInterfaces { filters }).await?;
    let mut subnets: Vec<_> = shown.iter().map(|it| it.subnet.clone()).collect();
    subnets.sort();
    let mut wanted = balancer.subnets;
    wanted.sort();
    same("subnets", subnets, wanted)?;
    let description = format!("ELB app/{}/", balancer.name);
    for interface in shown {
        same("managed by AWS", interface.managed, true)?;
        same("instance", interface.instance.as_deref(), None)?;
        same("VPC", &interface.vpc, &balancer.vpc)?;
        same("groups", &interface.security_groups, &balancer.security_groups)?;
        let found = &interface.description;
        holds("description", found.starts_with(&description), found)?;
    }
    Ok(())
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<LoadBalancer, Mismatch> {
    let name = Some(place.name(case));
    only(
        "load balancers",
        place.call(DescribeLoadBalancers { name }).await?,
    )
}

async fn gone<P: Port>(place: &Place<P>, case: &str) -> Check {
    let name = Some(place.name(case));
    let call = DescribeLoadBalancers { name };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

fn delete(load_balancer: &str) -> DeleteLoadBalancer {
    DeleteLoadBalancer {
        load_balancer: load_balancer.into(),
    }
}

fn set_subnets(load_balancer: &str, subnets: &[String]) -> SetSubnets {
    SetSubnets {
        load_balancer: load_balancer.into(),
        subnets: subnets.to_vec(),
    }
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

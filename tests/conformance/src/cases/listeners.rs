//! Listeners.

use windlass_calls::Class;
use windlass_calls::elb::{CreateListener, DescribeListeners, DescribeTargetGroups};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{NO_BALANCER, NO_TARGET_GROUP, balancer, target_group, vpc};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn a_new_listener_forwards_to_its_target_group_and_shows_its_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "listener").await?;
    let made = place.call(request.clone()).await?;
    let load_balancer = request.load_balancer.clone();
    let listeners = place.call(DescribeListeners { load_balancer }).await?;
    let shown = only("listeners", listeners)?;
    same("ARN", &shown.arn, &made.arn)?;
    same("load balancer", &shown.load_balancer, &request.load_balancer)?;
    same("port", shown.port, 80)?;
    same("protocol", shown.protocol.as_str(), "HTTP")?;
    same("target groups", shown.forwards_to, vec![request.target_group])?;
    let name = place.name("listener");
    let group = only("target groups", place.call(DescribeTargetGroups { name }).await?)?;
    same(
        "load balancers of the target group",
        group.load_balancers,
        vec![request.load_balancer],
    )?;
    shows_tags(place, &made.arn, "listener").await
}

/// Rule 35: `CreateListener` is idempotent for the same settings, says its reference.
pub(super) async fn a_repeated_listener_answers_the_first<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "listener-twice").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("ARN", second.arn, first.arn)
}

pub(super) async fn a_second_listener_on_a_port_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (vpc, balancer) = balancer(place, "listener-port").await?;
    let first = target_group(place, "listener-port", &vpc).await?;
    let second = target_group(place, "listener-port-2", &vpc).await?;
    let forward = |target_group| CreateListener {
        load_balancer: balancer.arn.clone(),
        port: 80,
        target_group,
        tags: place.tags("listener-port"),
    };
    place.call(forward(first.arn)).await?;
    place
        .refuses(forward(second.arn), Class::Exists, "DuplicateListener")
        .await
}

pub(super) async fn a_listener_of_a_missing_load_balancer_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "listener-no-alb").await?;
    let call = CreateListener {
        load_balancer: NO_BALANCER.into(),
        port: 80,
        target_group: target_group(place, "listener-no-alb", &vpc).await?.arn,
        tags: place.tags("listener-no-alb"),
    };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

pub(super) async fn a_listener_to_a_missing_target_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, balancer) = balancer(place, "listener-no-tg").await?;
    let call = CreateListener {
        load_balancer: balancer.arn,
        port: 80,
        target_group: NO_TARGET_GROUP.into(),
        tags: place.tags("listener-no-tg"),
    };
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<CreateListener, Mismatch> {
    let (vpc, balancer) = balancer(place, case).await?;
    Ok(CreateListener {
        load_balancer: balancer.arn,
        port: 80,
        target_group: target_group(place, case, &vpc).await?.arn,
        tags: place.tags(case),
    })
}

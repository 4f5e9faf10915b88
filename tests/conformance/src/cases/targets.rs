//! Targets registered by hand.

use windlass_calls::ec2::{DescribeSubnets, Vpc};
use windlass_calls::elb::{
    DeregisterTargets, DescribeTargetHealth, ModifyTargetGroupAttributes, RegisterTargets, TargetHealth,
};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::ground::{NO_INSTANCE, NO_TARGET_GROUP, target_group, target_group_request, vpc};
use super::instances;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn a_registered_instance_is_shown_and_unused_without_a_listener<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = running(place, "target").await?;
    place.call(request.clone()).await?;
    let shown = only("targets", health(place, &request.target_group).await?)?;
    same("target", vec![shown.target], request.targets)?;
    same("state", shown.state.as_str(), "unused")?;
    same("reason", shown.reason.as_deref(), Some("Target.NotInUse"))
}

pub(super) async fn an_instance_registered_twice_is_shown_once<P: Port>(place: &Place<P>) -> Check {
    let request = running(place, "target-twice").await?;
    for _ in 0..2 {
        place.call(request.clone()).await?;
    }
    let shown = only("targets", health(place, &request.target_group).await?)?;
    same("target", vec![shown.target], request.targets)
}

pub(super) async fn an_instance_is_registered_with_others_or_not_at_all<P: Port>(place: &Place<P>) -> Check {
    let request = running(place, "targets").await?;
    let mut with_another = request.clone();
    with_another.targets.push(NO_INSTANCE.into());
    place
        .refuses(with_another, Class::NotYet, "InvalidTarget")
        .await?;
    same("targets", health(place, &request.target_group).await?, vec![])
}

/// Rule 60.
pub(super) async fn an_instance_that_is_not_running_yet_waits_for_it<P: Port>(place: &Place<P>) -> Check {
    let launch = instances::request(place, "target-early").await?;
    let group = group_of(place, "target-early", &launch.subnet).await?;
    let target = place.settled(launch).await?.id;
    let request = RegisterTargets {
        target_group: group,
        targets: vec![target],
    };
    place
        .refuses(request.clone(), Class::NotYet, "InvalidTarget")
        .await?;
    place.settled(request).await
}

pub(super) async fn a_missing_instance_cannot_be_registered<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "target-none").await?;
    let call = RegisterTargets {
        target_group: target_group(place, "target-none", &vpc).await?.arn,
        targets: vec![NO_INSTANCE.into()],
    };
    place.refuses(call, Class::NotYet, "InvalidTarget").await
}

pub(super) async fn an_instance_of_another_vpc_cannot_be_registered<P: Port>(place: &Place<P>) -> Check {
    let target = instances::launched(place, "target-vpc").await?.id;
    let other: Vpc = vpc(place, "target-vpc-2").await?;
    let call = RegisterTargets {
        target_group: target_group(place, "target-vpc-2", &other).await?.arn,
        targets: vec![target],
    };
    place.refuses(call, Class::NotYet, "InvalidTarget").await
}

pub(super) async fn a_missing_target_group_takes_no_instance<P: Port>(place: &Place<P>) -> Check {
    let call = RegisterTargets {
        target_group: NO_TARGET_GROUP.into(),
        targets: vec![instances::launched(place, "target-no-tg").await?.id],
    };
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

/// Rule 14: it drains first.
pub(super) async fn a_deregistered_instance_is_gone_once_it_has_drained<P: Port>(place: &Place<P>) -> Check {
    deregistered(place, "target-gone", 1).await
}

pub(super) async fn an_instance_deregistered_twice_is_gone<P: Port>(place: &Place<P>) -> Check {
    deregistered(place, "target-gone-2", 2).await
}

async fn deregistered<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let RegisterTargets {
        target_group,
        targets,
    } = registered(place, case).await?;
    for _ in 0..times {
        place.call(deregister(&target_group, &targets[0])).await?;
    }
    place
        .gone("the target", DescribeTargetHealth { target_group })
        .await
}

/// `DeregisterTargets` succeeds for a target that does not exist, says its reference.
pub(super) async fn an_instance_that_is_not_registered_can_be_deregistered<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = registered(place, "target-other").await?;
    let call = deregister(&request.target_group, NO_INSTANCE);
    place.call(call).await?;
    let shown = only("targets", health(place, &request.target_group).await?)?;
    same("target", vec![shown.target], request.targets)
}

pub(super) async fn a_missing_target_group_loses_no_instance<P: Port>(place: &Place<P>) -> Check {
    let call = deregister(NO_TARGET_GROUP, NO_INSTANCE);
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

fn deregister(target_group: &str, target: &str) -> DeregisterTargets {
    DeregisterTargets {
        target_group: target_group.into(),
        targets: vec![target.into()],
    }
}

/// A running instance in a target group whose targets drain for five seconds.
async fn registered<P: Port>(place: &Place<P>, case: &str) -> Result<RegisterTargets, Mismatch> {
    let request = running(place, case).await?;
    let drain = ("deregistration_delay.timeout_seconds".to_owned(), "5".to_owned());
    let quickly = ModifyTargetGroupAttributes {
        target_group: request.target_group.clone(),
        attributes: Tags::from([drain]),
    };
    place.call(quickly).await?;
    place.call(request.clone()).await?;
    Ok(request)
}

/// A running instance and a target group of its VPC.
async fn running<P: Port>(place: &Place<P>, case: &str) -> Result<RegisterTargets, Mismatch> {
    let instance = instances::launched(place, case).await?;
    Ok(RegisterTargets {
        target_group: group_of(place, case, &instance.subnet).await?,
        targets: vec![instance.id],
    })
}

/// A target group in the VPC of the case's only subnet.
async fn group_of<P: Port>(place: &Place<P>, case: &str, subnet: &str) -> Result<String, Mismatch> {
    let filters = place.tagged(case);
    let of_case = only("subnets", place.call(DescribeSubnets { filters }).await?)?;
    same("subnet", of_case.id.as_str(), subnet)?;
    let request = target_group_request(place, case, &of_case.vpc);
    Ok(place.call(request).await?.arn)
}

async fn health<P: Port>(place: &Place<P>, target_group: &str) -> Result<Vec<TargetHealth>, Mismatch> {
    let target_group = target_group.into();
    place.call(DescribeTargetHealth { target_group }).await
}

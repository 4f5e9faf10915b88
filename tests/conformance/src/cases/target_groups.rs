//! Target groups.

use windlass_calls::elb::{
    CreateTargetGroup, DescribeTargetGroupAttributes, DescribeTargetGroups, ModifyTargetGroupAttributes,
};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{NO_TARGET_GROUP, NO_VPC, target_group, target_group_request, vpc};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

const DRAIN: &str = "deregistration_delay.timeout_seconds";

pub(super) async fn a_new_target_group_shows_its_health_check_and_tags<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg").await?;
    let request = target_group_request(place, "tg", &vpc.id);
    let made = place.call(request.clone()).await?;
    let name = request.name.clone();
    let shown = only("target groups", place.call(DescribeTargetGroups { name }).await?)?;
    same("ARN", &shown.arn, &made.arn)?;
    same("name", shown.name, request.name)?;
    same("VPC", shown.vpc, request.vpc)?;
    same("port", shown.port, request.port)?;
    same("health check", shown.health_check, request.health_check)?;
    same("load balancers", shown.load_balancers, Vec::new())?;
    shows_tags(place, &made.arn, "tg").await
}

pub(super) async fn a_repeated_target_group_answers_the_first<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg-twice").await?;
    let first = target_group(place, "tg-twice", &vpc).await?;
    let second = target_group(place, "tg-twice", &vpc).await?;
    same("ARN", second.arn, first.arn)
}

pub(super) async fn a_target_group_name_with_other_settings_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg-other").await?;
    target_group(place, "tg-other", &vpc).await?;
    let other = CreateTargetGroup {
        port: 9090,
        ..target_group_request(place, "tg-other", &vpc.id)
    };
    place
        .refuses(other, Class::Exists, "DuplicateTargetGroupName")
        .await
}

pub(super) async fn a_target_group_in_a_missing_vpc_waits_for_it<P: Port>(place: &Place<P>) -> Check {
    let call = target_group_request(place, "tg-no-vpc", NO_VPC);
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn the_draining_time_is_five_minutes_until_it_is_set<P: Port>(place: &Place<P>) -> Check {
    drain_set(place, "tg-drain", 1).await
}

pub(super) async fn setting_the_draining_time_twice_leaves_it_set<P: Port>(place: &Place<P>) -> Check {
    drain_set(place, "tg-drain-twice", 2).await
}

async fn drain_set<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let vpc = vpc(place, case).await?;
    let arn = target_group(place, case, &vpc).await?.arn;
    same("before", drain(place, &arn).await?.as_deref(), Some("300"))?;
    for _ in 0..times {
        place.call(set(&arn)).await?;
    }
    same("after", drain(place, &arn).await?.as_deref(), Some("30"))
}

pub(super) async fn attributes_of_a_missing_target_group_are_refused<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(set(NO_TARGET_GROUP), Class::Gone, "TargetGroupNotFound")
        .await
}

fn set(target_group: &str) -> ModifyTargetGroupAttributes {
    ModifyTargetGroupAttributes {
        target_group: target_group.into(),
        attributes: Tags::from([(DRAIN.to_owned(), "30".to_owned())]),
    }
}

async fn drain<P: Port>(place: &Place<P>, arn: &str) -> Result<Option<String>, Mismatch> {
    let target_group = arn.to_owned();
    let mut attributes = place.call(DescribeTargetGroupAttributes { target_group }).await?;
    Ok(attributes.remove(DRAIN))
}

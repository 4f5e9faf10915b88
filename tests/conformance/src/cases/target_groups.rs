//! Target groups.

use windlass_calls::elb::{
    CreateTargetGroup, DeleteTargetGroup, DescribeTargetGroupAttributes, DescribeTargetGroups, HealthCheck,
    ModifyTargetGroup, ModifyTargetGroupAttributes, TargetGroup,
};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{NO_TARGET_GROUP, NO_VPC, target_group, target_group_request, vpc};
use super::listeners::{self, target_group_of};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

const DRAIN: &str = "deregistration_delay.timeout_seconds";

pub(super) async fn a_new_target_group_shows_its_health_check_and_tags<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg").await?;
    let request = target_group_request(place, "tg", &vpc.id);
    let made = place.call(request.clone()).await?;
    let shown = target_group_of(place, "tg").await?;
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

pub(super) async fn a_changed_health_check_is_shown_and_the_rest_stays<P: Port>(place: &Place<P>) -> Check {
    check_changed(place, "tg-check", 1).await
}

pub(super) async fn a_health_check_changed_twice_is_changed_once<P: Port>(place: &Place<P>) -> Check {
    check_changed(place, "tg-check-twice", 2).await
}

async fn check_changed<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let vpc = vpc(place, case).await?;
    let made = target_group(place, case, &vpc).await?;
    let wanted = TargetGroup {
        health_check: other_check(),
        ..made.clone()
    };
    for _ in 0..times {
        place.call(change(&made.arn, other_check())).await?;
    }
    same("target group", target_group_of(place, case).await?, wanted)
}

pub(super) async fn a_health_check_of_a_missing_target_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = change(NO_TARGET_GROUP, other_check());
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

pub(super) async fn a_health_check_that_waits_longer_than_its_interval_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let vpc = vpc(place, "tg-slow").await?;
    let made = target_group(place, "tg-slow", &vpc).await?;
    let slow = HealthCheck {
        timeout: 30,
        ..other_check()
    };
    place
        .refuses(change(&made.arn, slow), Class::Terminal, None)
        .await?;
    same("target group", target_group_of(place, "tg-slow").await?, made)
}

pub(super) async fn a_deleted_target_group_is_gone<P: Port>(place: &Place<P>) -> Check {
    deleted(place, "tg-gone", 1).await
}

pub(super) async fn a_target_group_deleted_twice_is_no_error<P: Port>(place: &Place<P>) -> Check {
    deleted(place, "tg-gone-twice", 2).await
}

async fn deleted<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let vpc = vpc(place, case).await?;
    let target_group = target_group(place, case, &vpc).await?.arn;
    let call = DeleteTargetGroup { target_group };
    for _ in 0..times {
        place.call(call.clone()).await?;
    }
    let name = Some(place.name(case));
    let describe = DescribeTargetGroups { name };
    place.refuses(describe, Class::Gone, "TargetGroupNotFound").await
}

pub(super) async fn a_target_group_of_a_listener_stays<P: Port>(place: &Place<P>) -> Check {
    listeners::made(place, "tg-stays").await?;
    let target_group = target_group_of(place, "tg-stays").await?.arn;
    let call = DeleteTargetGroup { target_group };
    place.refuses(call, Class::NotYet, "ResourceInUse").await?;
    target_group_of(place, "tg-stays").await.map(drop)
}

pub(super) async fn all_target_groups_are_listed_without_a_name<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg-all").await?;
    let made = target_group(place, "tg-all", &vpc).await?;
    let all = place.call(DescribeTargetGroups { name: None }).await?;
    let named = all.into_iter().filter(|group| group.name == made.name);
    same("target group", only("of its name", named.collect())?, made)
}

fn other_check() -> HealthCheck {
    HealthCheck {
        path: "/ready".into(),
        interval: 30,
        timeout: 6,
        healthy: 5,
        unhealthy: 3,
        codes: "200".into(),
    }
}

fn change(target_group: &str, health_check: HealthCheck) -> ModifyTargetGroup {
    let target_group = target_group.into();
    ModifyTargetGroup {
        target_group,
        health_check,
    }
}

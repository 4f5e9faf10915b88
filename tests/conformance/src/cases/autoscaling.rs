//! Auto Scaling groups. Most want no instance: what instances do is not what is compared here.

use windlass_calls::Class;
use windlass_calls::autoscaling::{
    CreateAutoScalingGroup, DescribeAutoScalingGroups, EnableMetricsCollection, Group, GroupSettings,
};
use windlass_calls::ec2::DescribeVpcs;
use windlass_engine::Port;

use super::ground::{NO_SUBNET, NO_TEMPLATE, subnet, target_group};
use super::{iam, templates};
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

pub(super) async fn a_new_group_shows_its_settings_and_tags_and_wants_its_minimum<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = made(place, "asg").await?;
    let shown = described(place, "asg").await?;
    same("settings", &shown.settings, &*request.settings)?;
    same("health check", shown.health_check.as_str(), "ELB")?;
    same("desired", shown.desired, request.settings.min)?;
    same("instances", shown.instances, Vec::new())?;
    same("metrics", shown.metrics, Vec::new())?;
    same("suspended", shown.suspended, Vec::new())?;
    same("status", shown.status, None)?;
    same("tags", shown.tags, place.tags("asg"))
}

pub(super) async fn a_group_with_one_instance_type_leaves_it_to_its_template<P: Port>(
    place: &Place<P>,
) -> Check {
    let mut request = request(place, "asg-one-type").await?;
    request.settings.instance_types.truncate(1);
    place.settled(request).await?;
    let shown = described(place, "asg-one-type").await?;
    same("instance types", shown.settings.instance_types, Vec::new())
}

pub(super) async fn a_new_group_may_want_more_than_its_minimum<P: Port>(place: &Place<P>) -> Check {
    let call = CreateAutoScalingGroup {
        desired: Some(2),
        ..request(place, "asg-desired").await?
    };
    place.settled(call).await?;
    let shown = described(place, "asg-desired").await?;
    same("desired", (shown.settings.min, shown.desired), (0, 2))
}

pub(super) async fn a_repeated_group_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let request = made(place, "asg-twice").await?;
    place.refuses(request, Class::Exists, "AlreadyExists").await
}

pub(super) async fn a_group_with_its_bounds_the_wrong_way_round_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let mut request = request(place, "asg-bounds").await?;
    request.settings.min = 2;
    request.settings.max = 1;
    place.refuses(request, Class::Terminal, "ValidationError").await
}

pub(super) async fn a_group_in_a_missing_subnet_waits_for_it<P: Port>(place: &Place<P>) -> Check {
    let mut request = request(place, "asg-no-subnet").await?;
    request.settings.subnets = vec![NO_SUBNET.into()];
    place.refuses(request, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_group_without_its_launch_template_waits_for_it<P: Port>(place: &Place<P>) -> Check {
    let mut request = request(place, "asg-no-lt").await?;
    request.settings.launch_template = NO_TEMPLATE.into();
    place.refuses(request, Class::NotYet, "ValidationError").await
}

/// Rule 40.
pub(super) async fn a_group_waits_for_its_instance_profile<P: Port>(place: &Place<P>) -> Check {
    let request = without_profile(place, "asg-no-profile").await?;
    place
        .refuses(request.clone(), Class::NotYet, "ValidationError")
        .await?;
    iam::profile_with_role(place, "asg-no-profile").await?;
    place.settled(request).await
}

pub(super) async fn a_group_reports_all_its_sizes_once_told_to<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-metrics").await?;
    place.call(metrics(place, "asg-metrics")).await?;
    let shown = described(place, "asg-metrics").await?.metrics;
    for size in [
        "GroupDesiredCapacity",
        "GroupInServiceInstances",
        "GroupMaxSize",
        "GroupMinSize",
    ] {
        holds("metrics", shown.iter().any(|metric| metric == size), &shown)?;
    }
    Ok(())
}

pub(super) async fn telling_a_group_to_report_twice_changes_nothing<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-metrics-2").await?;
    place.call(metrics(place, "asg-metrics-2")).await?;
    let first = described(place, "asg-metrics-2").await?.metrics;
    place.call(metrics(place, "asg-metrics-2")).await?;
    same("metrics", described(place, "asg-metrics-2").await?.metrics, first)
}

pub(super) async fn a_missing_group_cannot_report<P: Port>(place: &Place<P>) -> Check {
    let call = metrics(place, "asg-none");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

fn metrics<P: Port>(place: &Place<P>, case: &str) -> EnableMetricsCollection {
    EnableMetricsCollection {
        group: place.name(case),
    }
}

pub(super) async fn several_groups_are_described_at_once_without_those_that_do_not_exist<P: Port>(
    place: &Place<P>,
) -> Check {
    made(place, "asg-named").await?;
    let names = vec![place.name("asg-unmade"), place.name("asg-named")];
    let found = place.call(DescribeAutoScalingGroups { names }).await?;
    same(
        "the group",
        only("groups", found)?.settings.name,
        place.name("asg-named"),
    )?;
    let names = vec![place.name("asg-unmade")];
    same(
        "groups",
        place.call(DescribeAutoScalingGroups { names }).await?,
        Vec::new(),
    )
}

pub(super) async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<Group, Mismatch> {
    let name = place.name(case);
    only(
        "groups",
        place
            .call(DescribeAutoScalingGroups { names: vec![name] })
            .await?,
    )
}

pub(super) async fn made<P: Port>(place: &Place<P>, case: &str) -> Result<CreateAutoScalingGroup, Mismatch> {
    let request = request(place, case).await?;
    place.settled(request.clone()).await?;
    Ok(request)
}

/// A group that can be made, once its new instance profile is known everywhere.
pub(super) async fn request<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<CreateAutoScalingGroup, Mismatch> {
    iam::profile_with_role(place, case).await?;
    without_profile(place, case).await
}

async fn without_profile<P: Port>(place: &Place<P>, case: &str) -> Result<CreateAutoScalingGroup, Mismatch> {
    let template = place.call(templates::request(place, case).await?).await?;
    let filters = place.tagged(case);
    let vpc = only("VPCs", place.call(DescribeVpcs { filters }).await?)?;
    let settings = GroupSettings {
        name: place.name(case),
        min: 0,
        max: 4,
        subnets: vec![
            subnet(place, case, &vpc, 0).await?.id,
            subnet(place, case, &vpc, 1).await?.id,
        ],
        target_groups: vec![target_group(place, case, &vpc).await?.arn],
        launch_template: template.id,
        version: 1,
        instance_types: vec!["t3.micro".into(), "t3a.micro".into()],
        spot: None,
        rebalance: false,
        grace: 90,
        warmup: 120,
        maintenance: (100, 110),
    };
    Ok(CreateAutoScalingGroup {
        settings: Box::new(settings),
        desired: None,
        hooks: vec![],
        tags: place.tags(case),
    })
}

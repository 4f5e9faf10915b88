//! Auto Scaling groups changed, tagged and deleted.

use windlass_calls::autoscaling::{
    CreateOrUpdateTags, DeleteAutoScalingGroup, DeleteTags, DescribeAutoScalingGroups, GroupChange,
    GroupSettings, Launch, SetDesiredCapacity, UpdateAutoScalingGroup,
};
use windlass_calls::ec2::{CreateLaunchTemplateVersion, DescribeLaunchTemplateVersions};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::autoscaling::{described, made, request};
use super::templates;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn a_changed_group_shows_what_changed_and_the_rest_stays<P: Port>(
    place: &Place<P>,
) -> Check {
    changed(place, "asg-over", 1).await
}

pub(super) async fn a_group_changed_twice_is_changed_once<P: Port>(place: &Place<P>) -> Check {
    changed(place, "asg-over-twice", 2).await
}

/// Everything but the launch, then the launch: from several instance types to the template's own.
async fn changed<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let before = made(place, case).await?.settings;
    let launch = second_version(place, case, &before).await?;
    let bounds = GroupChange {
        max: Some(6),
        subnets: Some(before.subnets[..1].to_vec()),
        grace: Some(60),
        warmup: Some(30),
        maintenance: Some((90, 120)),
        ..GroupChange::default()
    };
    let launch = GroupChange {
        launch: Some(launch),
        ..GroupChange::default()
    };
    for _ in 0..times {
        place.call(change(place, case, &bounds)).await?;
        place.call(change(place, case, &launch)).await?;
    }
    let wanted = GroupSettings {
        max: 6,
        subnets: before.subnets[..1].to_vec(),
        version: 2,
        instance_types: Vec::new(),
        grace: 60,
        warmup: 30,
        maintenance: (90, 120),
        ..*before
    };
    let shown = described(place, case).await?;
    same("settings", shown.settings, wanted)?;
    same("desired", shown.desired, 0)?;
    same("tags", shown.tags, place.tags(case))
}

/// Rule 47 has one exception: a group never wants less than its minimum or more than its maximum.
pub(super) async fn new_bounds_pull_in_what_a_group_wants<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-pull").await?;
    let wants = async |change: GroupChange| {
        let call = self::change(place, "asg-pull", &change);
        place.call(call).await?;
        Ok::<_, Mismatch>(described(place, "asg-pull").await?.desired)
    };
    let raised = GroupChange {
        min: Some(2),
        ..GroupChange::default()
    };
    same("with a higher minimum", wants(raised).await?, 2)?;
    let lowered = GroupChange {
        min: Some(0),
        max: Some(1),
        ..GroupChange::default()
    };
    same("with a lower maximum", wants(lowered).await?, 1)?;
    let nothing = GroupChange {
        desired: Some(0),
        ..GroupChange::default()
    };
    same("told so", wants(nothing).await?, 0)
}

pub(super) async fn a_group_wants_what_it_is_told_to<P: Port>(place: &Place<P>) -> Check {
    told(place, "asg-told", 1).await
}

pub(super) async fn a_group_told_twice_wants_it_once<P: Port>(place: &Place<P>) -> Check {
    told(place, "asg-told-twice", 2).await
}

async fn told<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let settings = made(place, case).await?.settings;
    for _ in 0..times {
        place.call(set(place, case, settings.max)).await?;
    }
    let shown = described(place, case).await?;
    same("desired", shown.desired, settings.max)?;
    same("settings", shown.settings, *settings)?;
    place.call(set(place, case, 0)).await
}

/// The bounds that it has at the moment count, and nothing is changed.
pub(super) async fn a_group_cannot_be_told_to_leave_its_bounds<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-told-bounds").await?;
    let bounds = GroupChange {
        min: Some(1),
        max: Some(2),
        ..GroupChange::default()
    };
    place.call(change(place, "asg-told-bounds", &bounds)).await?;
    for beyond in [0, 3] {
        let call = set(place, "asg-told-bounds", beyond);
        place.refuses(call, Class::Terminal, "ValidationError").await?;
    }
    same("desired", described(place, "asg-told-bounds").await?.desired, 1)?;
    let nothing = GroupChange {
        min: Some(0),
        desired: Some(0),
        ..GroupChange::default()
    };
    place.call(change(place, "asg-told-bounds", &nothing)).await
}

pub(super) async fn a_missing_group_cannot_be_told_what_to_want<P: Port>(place: &Place<P>) -> Check {
    let call = set(place, "asg-nobody", 1);
    place.refuses(call, Class::NotYet, "ValidationError").await
}

fn set<P: Port>(place: &Place<P>, case: &str, desired: u32) -> SetDesiredCapacity {
    SetDesiredCapacity {
        group: place.name(case),
        desired,
    }
}

pub(super) async fn a_missing_group_cannot_be_changed<P: Port>(place: &Place<P>) -> Check {
    let most = GroupChange {
        max: Some(1),
        ..GroupChange::default()
    };
    let call = change(place, "asg-no-group", &most);
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_group_cannot_want_more_than_its_maximum<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-greedy").await?;
    let greedy = GroupChange {
        desired: Some(5),
        ..GroupChange::default()
    };
    let call = change(place, "asg-greedy", &greedy);
    place.refuses(call, Class::Terminal, "ValidationError").await?;
    same("desired", described(place, "asg-greedy").await?.desired, 0)
}

pub(super) async fn a_group_cannot_change_to_a_missing_version<P: Port>(place: &Place<P>) -> Check {
    let settings = made(place, "asg-no-version").await?.settings;
    let missing = GroupChange {
        launch: Some(Launch {
            launch_template: settings.launch_template,
            version: 7,
            instance_types: Vec::new(),
            spot: None,
        }),
        ..GroupChange::default()
    };
    let call = change(place, "asg-no-version", &missing);
    place.refuses(call, Class::NotYet, "ValidationError").await?;
    let shown = described(place, "asg-no-version").await?;
    same("version", shown.settings.version, 1)
}

pub(super) async fn a_group_gets_new_tags_over_its_old_ones<P: Port>(place: &Place<P>) -> Check {
    tagged(place, "asg-tags", &["first", "second"]).await
}

pub(super) async fn a_groups_tags_set_twice_are_set_once<P: Port>(place: &Place<P>) -> Check {
    tagged(place, "asg-tags-twice", &["first", "first"]).await
}

async fn tagged<P: Port>(place: &Place<P>, case: &str, values: &[&str]) -> Check {
    made(place, case).await?;
    for value in values {
        place.call(tag(place, case, value)).await?;
        let mut wanted = place.tags(case);
        wanted.insert("colour".into(), (*value).into());
        same("tags", described(place, case).await?.tags, wanted)?;
    }
    Ok(())
}

pub(super) async fn a_missing_group_gets_no_tags<P: Port>(place: &Place<P>) -> Check {
    let call = tag(place, "asg-no-group", "first");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_groups_tags_that_are_taken_away_are_gone<P: Port>(place: &Place<P>) -> Check {
    untagged(place, "asg-untag", 1).await
}

pub(super) async fn a_groups_tags_taken_away_twice_are_no_error<P: Port>(place: &Place<P>) -> Check {
    untagged(place, "asg-untag-twice", 2).await
}

async fn untagged<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    made(place, case).await?;
    place.call(tag(place, case, "first")).await?;
    for _ in 0..times {
        place.call(untag(place, case)).await?;
    }
    same("tags", described(place, case).await?.tags, place.tags(case))
}

pub(super) async fn a_missing_group_has_no_tags_to_take_away<P: Port>(place: &Place<P>) -> Check {
    let call = untag(place, "asg-no-group");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_deleted_group_is_gone<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-gone").await?;
    place.call(delete(place, "asg-gone")).await?;
    let name = place.name("asg-gone");
    place
        .gone("the group", DescribeAutoScalingGroups { names: vec![name] })
        .await
}

pub(super) async fn a_group_deleted_twice_is_not_found<P: Port>(place: &Place<P>) -> Check {
    made(place, "asg-gone-twice").await?;
    place.call(delete(place, "asg-gone-twice")).await?;
    let name = place.name("asg-gone-twice");
    place
        .gone("the group", DescribeAutoScalingGroups { names: vec![name] })
        .await?;
    let call = delete(place, "asg-gone-twice");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_group_with_an_instance_stays<P: Port>(place: &Place<P>) -> Check {
    with_one_instance(place, "asg-stays").await?;
    let call = delete(place, "asg-stays");
    place.refuses(call, Class::NotYet, "ResourceInUse").await?;
    let shown = described(place, "asg-stays").await?;
    only("instances", shown.instances).map(drop)
}

/// A group with an instance in service.
pub(super) async fn with_one_instance<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<Box<GroupSettings>, Mismatch> {
    let mut call = request(place, case).await?;
    call.desired = Some(1);
    call.settings.warmup = 10;
    place.settled(call.clone()).await?;
    let name = place.name(case);
    place
        .eventually(
            "in service",
            DescribeAutoScalingGroups { names: vec![name] },
            |groups| {
                let mut instances = groups.iter().flat_map(|group| &group.instances);
                instances.any(|instance| instance.lifecycle_state == "InService")
            },
        )
        .await?;
    Ok(call.settings)
}

/// A second version of a group's template, with an instance type of its own.
pub(super) async fn second_version<P: Port>(
    place: &Place<P>,
    case: &str,
    settings: &GroupSettings,
) -> Result<Launch, Mismatch> {
    let launch_template = settings.launch_template.clone();
    let first = DescribeLaunchTemplateVersions { launch_template };
    let first = only("newest versions", place.call(first).await?)?;
    let data = Box::new(first.data);
    let call: CreateLaunchTemplateVersion =
        templates::second_version(place, case, &first.launch_template, data);
    let made = place.call(call).await?;
    Ok(Launch {
        launch_template: made.launch_template,
        version: made.version,
        instance_types: Vec::new(),
        spot: None,
    })
}

fn change<P: Port>(place: &Place<P>, case: &str, change: &GroupChange) -> UpdateAutoScalingGroup {
    UpdateAutoScalingGroup {
        group: place.name(case),
        change: Box::new(change.clone()),
    }
}

fn tag<P: Port>(place: &Place<P>, case: &str, value: &str) -> CreateOrUpdateTags {
    CreateOrUpdateTags {
        group: place.name(case),
        tags: Tags::from([("colour".to_owned(), value.to_owned())]),
    }
}

fn untag<P: Port>(place: &Place<P>, case: &str) -> DeleteTags {
    DeleteTags {
        group: place.name(case),
        keys: vec!["colour".into()],
    }
}

fn delete<P: Port>(place: &Place<P>, case: &str) -> DeleteAutoScalingGroup {
    DeleteAutoScalingGroup {
        group: place.name(case),
    }
}

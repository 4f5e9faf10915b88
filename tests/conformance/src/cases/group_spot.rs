//! The share of spot instances in a group, and the health of its instances said from outside.

use windlass_calls::Class;
use windlass_calls::autoscaling::{
    DescribeAutoScalingGroups, Distribution, Group, GroupChange, GroupSettings, Launch, SetInstanceHealth,
    UpdateAutoScalingGroup,
};
use windlass_calls::ec2::DescribeInstances;
use windlass_engine::Port;

use super::autoscaling::{described, request};
use super::group_changes::with_one_instance;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

fn share(on_demand_base: u32, on_demand_percent: u32) -> Distribution {
    Distribution {
        on_demand_base,
        on_demand_percent,
        spot_strategy: "price-capacity-optimized".into(),
    }
}

/// A group of one instance type with this share of spot instances.
async fn made<P: Port>(
    place: &Place<P>,
    case: &str,
    spot: Option<Distribution>,
    desired: u32,
) -> Result<GroupSettings, Mismatch> {
    let mut call = request(place, case).await?;
    call.settings.instance_types.truncate(1);
    call.settings.rebalance = spot.is_some();
    call.settings.spot = spot;
    call.desired = Some(desired);
    let settings = (*call.settings).clone();
    place.settled(call).await?;
    Ok(settings)
}

pub(super) async fn a_group_with_spot_instances_shows_its_share_and_its_one_type<P: Port>(
    place: &Place<P>,
) -> Check {
    let wanted = made(place, "spot-made", Some(share(1, 50)), 0).await?;
    same("settings", described(place, "spot-made").await?.settings, wanted)
}

pub(super) async fn instances_are_on_demand_or_spot_by_the_share<P: Port>(place: &Place<P>) -> Check {
    made(place, "spot-kinds", Some(share(1, 0)), 3).await?;
    let filters = place.tagged("spot-kinds");
    let all = |found: &Vec<windlass_calls::ec2::Instance>| found.len() == 3;
    let found = place
        .eventually("three instances", DescribeInstances { filters }, all)
        .await?;
    let spot = found.iter().filter(|instance| instance.spot).count();
    same("spot instances", spot, 2)
}

pub(super) async fn a_share_comes_changes_and_goes_in_place<P: Port>(place: &Place<P>) -> Check {
    turned(place, "spot-turns", 1).await
}

pub(super) async fn a_share_changed_twice_is_changed_once<P: Port>(place: &Place<P>) -> Check {
    turned(place, "spot-turns-twice", 2).await
}

async fn turned<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let before = made(place, case, None, 0).await?;
    let launch = |spot: Option<Distribution>| Launch {
        launch_template: before.launch_template.clone(),
        version: 1,
        instance_types: before.instance_types.clone(),
        spot,
    };
    let one = || before.instance_types.clone();
    // All on demand by a policy shows as no share; only a template alone shows no type.
    let turns = [
        (Some(share(1, 50)), true, Some(share(1, 50)), one()),
        (Some(share(0, 0)), true, Some(share(0, 0)), one()),
        (Some(share(0, 100)), false, None, one()),
        (Some(share(2, 30)), true, Some(share(2, 30)), one()),
        (None, false, None, Vec::new()),
    ];
    for (spot, rebalance, shown, instance_types) in turns {
        let change = GroupChange {
            launch: Some(launch(spot)),
            rebalance: Some(rebalance),
            ..GroupChange::default()
        };
        for _ in 0..times {
            place
                .call(UpdateAutoScalingGroup {
                    group: place.name(case),
                    change: Box::new(change.clone()),
                })
                .await?;
        }
        let wanted = GroupSettings {
            spot: shown,
            rebalance,
            instance_types,
            ..before.clone()
        };
        same("settings", described(place, case).await?.settings, wanted)?;
    }
    Ok(())
}

pub(super) async fn a_share_of_more_than_all_is_refused<P: Port>(place: &Place<P>) -> Check {
    let before = made(place, "spot-share", None, 0).await?;
    let launch = Launch {
        launch_template: before.launch_template.clone(),
        version: 1,
        instance_types: before.instance_types,
        spot: Some(share(0, 101)),
    };
    let change = GroupChange {
        launch: Some(launch),
        ..GroupChange::default()
    };
    let call = UpdateAutoScalingGroup {
        group: place.name("spot-share"),
        change: Box::new(change),
    };
    place.refuses(call, Class::Terminal, "ValidationError").await?;
    same("share", described(place, "spot-share").await?.settings.spot, None)
}

pub(super) async fn an_instance_that_is_said_to_be_unhealthy_is_replaced<P: Port>(place: &Place<P>) -> Check {
    replaced(place, "health-said", 1).await
}

pub(super) async fn an_instance_said_to_be_unhealthy_twice_is_replaced_once<P: Port>(
    place: &Place<P>,
) -> Check {
    replaced(place, "health-said-twice", 2).await
}

async fn replaced<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    with_one_instance(place, case).await?;
    let first = only("instances", described(place, case).await?.instances)?.id;
    for _ in 0..times {
        place.call(unhealthy(&first)).await?;
    }
    let names = vec![place.name(case)];
    let another = |groups: &Vec<Group>| {
        let mut all = groups.iter().flat_map(|group| &group.instances);
        all.any(|one| one.id != first)
    };
    let groups = place
        .eventually("a replacement", DescribeAutoScalingGroups { names }, another)
        .await?;
    let instances = groups.into_iter().flat_map(|group| group.instances);
    same("replacements", instances.filter(|one| one.id != first).count(), 1)
}

pub(super) async fn the_health_of_an_instance_of_no_group_cannot_be_said<P: Port>(place: &Place<P>) -> Check {
    let call = unhealthy("i-0123456789abcdef0");
    place.refuses(call, Class::Gone, "ValidationError").await
}

fn unhealthy(instance: &str) -> SetInstanceHealth {
    SetInstanceHealth {
        instance: instance.to_owned(),
        health: "Unhealthy".into(),
        respects_grace: false,
    }
}

//! Tags set and taken away later than at creation: of EC2 resources, and of load balancers and what belongs to them.

use windlass_calls::ec2::{CreateTags, DeleteTags, DescribeSubnets, DescribeVpcs};
use windlass_calls::elb::{AddTags, DescribeTags, RemoveTags};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::ground::{NO_BALANCER, NO_VPC, subnet, vpc};
use super::listeners;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn new_tags_are_set_and_old_ones_stay_or_are_written_over<P: Port>(
    place: &Place<P>,
) -> Check {
    set(place, "tags", &["first", "second"]).await
}

pub(super) async fn tags_set_twice_are_set_once<P: Port>(place: &Place<P>) -> Check {
    set(place, "tags-twice", &["first", "first"]).await
}

/// Sets a tag of a VPC and its subnet to one value after the other.
async fn set<P: Port>(place: &Place<P>, case: &str, values: &[&str]) -> Check {
    let resources = two(place, case).await?;
    for value in values {
        let tags = colour(value);
        let resources = resources.clone();
        place.call(CreateTags { resources, tags }).await?;
        show(place, case, &with_colour(place, case, value)).await?;
    }
    Ok(())
}

/// All or none.
pub(super) async fn a_missing_resource_gets_no_tags_nor_do_the_others<P: Port>(place: &Place<P>) -> Check {
    let mut resources = two(place, "tags-none").await?;
    resources.push(NO_VPC.into());
    let tags = colour("first");
    let call = CreateTags { resources, tags };
    place.refuses(call, Class::Gone, "InvalidVpcID.NotFound").await?;
    show(place, "tags-none", &place.tags("tags-none")).await
}

pub(super) async fn tags_that_are_taken_away_are_gone_and_the_others_stay<P: Port>(
    place: &Place<P>,
) -> Check {
    taken_away(place, "tags-gone", 1).await
}

pub(super) async fn tags_taken_away_twice_are_no_error<P: Port>(place: &Place<P>) -> Check {
    taken_away(place, "tags-gone-twice", 2).await
}

async fn taken_away<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let resources = two(place, case).await?;
    let call = CreateTags {
        resources: resources.clone(),
        tags: colour("first"),
    };
    place.call(call).await?;
    for _ in 0..times {
        let resources = resources.clone();
        place
            .call(DeleteTags {
                resources,
                keys: keys(),
            })
            .await?;
    }
    show(place, case, &place.tags(case)).await
}

pub(super) async fn a_missing_resource_has_no_tags_to_take_away<P: Port>(place: &Place<P>) -> Check {
    let resources = vec![NO_VPC.into()];
    let call = DeleteTags {
        resources,
        keys: keys(),
    };
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn balancers_listeners_and_target_groups_get_new_tags<P: Port>(place: &Place<P>) -> Check {
    set_on_balancer(place, "elb-tags", &["first", "second"]).await
}

pub(super) async fn a_load_balancers_tags_set_twice_are_set_once<P: Port>(place: &Place<P>) -> Check {
    set_on_balancer(place, "elb-tags-twice", &["first", "first"]).await
}

async fn set_on_balancer<P: Port>(place: &Place<P>, case: &str, values: &[&str]) -> Check {
    let resources = three(place, case).await?;
    for value in values {
        let tags = colour(value);
        let resources = resources.clone();
        place.call(AddTags { resources, tags }).await?;
    }
    let wanted = with_colour(place, case, values[values.len() - 1]);
    show_on_balancer(place, resources, &wanted).await
}

pub(super) async fn a_missing_load_balancer_gets_no_tags<P: Port>(place: &Place<P>) -> Check {
    let call = AddTags {
        resources: vec![NO_BALANCER.into()],
        tags: colour("first"),
    };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

pub(super) async fn a_load_balancers_tags_that_are_taken_away_are_gone<P: Port>(place: &Place<P>) -> Check {
    taken_from_balancer(place, "elb-untag", 1).await
}

pub(super) async fn a_load_balancers_tags_taken_away_twice_are_no_error<P: Port>(place: &Place<P>) -> Check {
    taken_from_balancer(place, "elb-untag-twice", 2).await
}

async fn taken_from_balancer<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let resources = three(place, case).await?;
    let call = AddTags {
        resources: resources.clone(),
        tags: colour("first"),
    };
    place.call(call).await?;
    for _ in 0..times {
        let resources = resources.clone();
        place
            .call(RemoveTags {
                resources,
                keys: keys(),
            })
            .await?;
    }
    show_on_balancer(place, resources, &place.tags(case)).await
}

pub(super) async fn a_missing_load_balancer_has_no_tags_to_take_away<P: Port>(place: &Place<P>) -> Check {
    let resources = vec![NO_BALANCER.into()];
    let call = RemoveTags {
        resources,
        keys: keys(),
    };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

/// A VPC and its subnet.
async fn two<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<String>, Mismatch> {
    let vpc = vpc(place, case).await?;
    let subnet = subnet(place, case, &vpc, 0).await?;
    Ok(vec![vpc.id, subnet.id])
}

async fn show<P: Port>(place: &Place<P>, case: &str, wanted: &Tags) -> Check {
    let filters = place.tagged(case);
    let vpcs = place
        .call(DescribeVpcs {
            filters: filters.clone(),
        })
        .await?;
    same("tags of the VPC", &only("VPCs", vpcs)?.tags, wanted)?;
    let subnets = place.call(DescribeSubnets { filters }).await?;
    same("tags of the subnet", &only("subnets", subnets)?.tags, wanted)
}

/// A load balancer, its listener and its target group.
async fn three<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<String>, Mismatch> {
    let listener = listeners::made(place, case).await?;
    let group = listeners::target_group_of(place, case).await?;
    Ok(vec![listener.load_balancer, listener.arn, group.arn])
}

async fn show_on_balancer<P: Port>(place: &Place<P>, resources: Vec<String>, wanted: &Tags) -> Check {
    for shown in place.call(DescribeTags { resources }).await? {
        same(&format!("tags of {}", shown.resource), &shown.tags, wanted)?;
    }
    Ok(())
}

fn colour(value: &str) -> Tags {
    Tags::from([("colour".to_owned(), value.to_owned())])
}

fn keys() -> Vec<String> {
    vec!["colour".to_owned()]
}

fn with_colour<P: Port>(place: &Place<P>, case: &str, value: &str) -> Tags {
    place.tags(case).into_iter().chain(colour(value)).collect()
}

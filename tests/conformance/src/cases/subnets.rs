//! Subnets.

use windlass_calls::Class;
use windlass_calls::ec2::{CreateSubnet, DeleteSubnet, DescribeSubnets, ModifySubnetAttribute};
use windlass_engine::Port;

use super::ground::{NO_SUBNET, NO_VPC, balancer_request, subnet, vpc, zone};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn a_new_subnet_shows_its_vpc_range_zone_and_tags<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "subnet").await?;
    let made = subnet(place, "subnet", &vpc, 1).await?;
    let filters = place.tagged("subnet");
    let shown = place.call(DescribeSubnets { filters }).await?;
    let shown = only("subnets with its tags", shown)?;
    same("id", &shown.id, &made.id)?;
    same("VPC", &shown.vpc, &vpc.id)?;
    same("range", shown.cidr.as_str(), "10.0.1.0/24")?;
    same("zone", shown.zone, zone(place, 1).await?)?;
    same("public addresses", shown.map_public_ip, false)?;
    same("tags", shown.tags, place.tags("subnet"))
}

pub(super) async fn a_repeated_subnet_conflicts_with_the_first<P: Port>(place: &Place<P>) -> Check {
    refused_beside_the_first(
        place,
        "subnet-twice",
        "10.0.0.0/24",
        Class::Exists,
        "InvalidSubnet.Conflict",
    )
    .await
}

pub(super) async fn an_overlapping_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused_beside_the_first(
        place,
        "subnet-over",
        "10.0.0.128/25",
        Class::Exists,
        "InvalidSubnet.Conflict",
    )
    .await
}

pub(super) async fn a_subnet_outside_its_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused_beside_the_first(
        place,
        "subnet-out",
        "10.1.0.0/24",
        Class::Terminal,
        "InvalidSubnet.Range",
    )
    .await
}

/// A VPC that has 10.0.0.0/24 already refuses this range.
async fn refused_beside_the_first<P: Port>(
    place: &Place<P>,
    case: &str,
    cidr: &str,
    class: Class,
    code: &str,
) -> Check {
    let vpc = vpc(place, case).await?;
    subnet(place, case, &vpc, 0).await?;
    let call = request(place, case, &vpc.id, cidr).await?;
    place.refuses(call, class, code).await
}

pub(super) async fn a_subnet_in_a_missing_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = request(place, "subnet-no-vpc", NO_VPC, "10.0.0.0/24").await?;
    place.refuses(call, Class::Gone, "InvalidVpcID.NotFound").await
}

pub(super) async fn a_subnet_in_an_unknown_zone_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "subnet-no-zone").await?;
    let call = CreateSubnet {
        zone: "us-east-1z".into(),
        ..request(place, "subnet-no-zone", &vpc.id, "10.0.0.0/24").await?
    };
    place
        .refuses(call, Class::Terminal, "InvalidParameterValue")
        .await
}

async fn request<P: Port>(
    place: &Place<P>,
    case: &str,
    vpc: &str,
    cidr: &str,
) -> Result<CreateSubnet, Mismatch> {
    Ok(CreateSubnet {
        vpc: vpc.into(),
        cidr: cidr.into(),
        zone: zone(place, 0).await?,
        tags: place.tags(case),
    })
}

pub(super) async fn public_addresses_are_off_until_turned_on<P: Port>(place: &Place<P>) -> Check {
    public_addresses(place, "public", 1).await
}

pub(super) async fn turning_public_addresses_on_twice_leaves_them_on<P: Port>(place: &Place<P>) -> Check {
    public_addresses(place, "public-twice", 2).await
}

async fn public_addresses<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let vpc = vpc(place, case).await?;
    let made = subnet(place, case, &vpc, 0).await?;
    same("before", made.map_public_ip, false)?;
    for _ in 0..times {
        place.call(turn_on(&made.id)).await?;
    }
    let filters = place.tagged(case);
    let shown = only("subnets", place.call(DescribeSubnets { filters }).await?)?;
    same("after", shown.map_public_ip, true)
}

pub(super) async fn public_addresses_of_a_missing_subnet_are_refused<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(turn_on(NO_SUBNET), Class::Gone, "InvalidSubnetID.NotFound")
        .await
}

fn turn_on(subnet: &str) -> ModifySubnetAttribute {
    ModifySubnetAttribute {
        subnet: subnet.into(),
        map_public_ip: true,
    }
}

pub(super) async fn a_deleted_subnet_is_gone<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "subnet-gone").await?;
    let subnet = subnet(place, "subnet-gone", &vpc, 0).await?.id;
    place.call(DeleteSubnet { subnet }).await?;
    let filters = place.tagged("subnet-gone");
    place.gone("the subnet", DescribeSubnets { filters }).await
}

pub(super) async fn a_subnet_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "subnet-gone-2").await?;
    let subnet = subnet(place, "subnet-gone-2", &vpc, 0).await?.id;
    let call = DeleteSubnet { subnet };
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "InvalidSubnetID.NotFound").await
}

pub(super) async fn a_subnet_with_a_network_interface_stays<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "subnet-stays").await?;
    place.call(request.clone()).await?;
    for subnet in request.subnets {
        let call = DeleteSubnet { subnet };
        place.refuses(call, Class::NotYet, "DependencyViolation").await?;
    }
    let filters = place.tagged("subnet-stays");
    same("subnets", place.call(DescribeSubnets { filters }).await?.len(), 2)
}

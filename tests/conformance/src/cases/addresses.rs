//! Elastic IP addresses and NAT gateways.

use windlass_calls::Class;
use windlass_calls::ec2::{
    Address, AllocateAddress, CreateNatGateway, DeleteNatGateway, DescribeAddresses, DescribeNatGateways,
    NatGateway, ReleaseAddress,
};
use windlass_engine::Port;

use super::ground::{NO_ALLOCATION, NO_NAT, NO_SUBNET, address, gateway, subnet, vpc};
use crate::check::{Check, Mismatch, different, holds, only, same};
use crate::place::{Place, Quota};

pub(super) async fn a_new_address_is_unused_and_shows_its_tags<P: Port>(place: &Place<P>) -> Check {
    let tags = place.tags("eip");
    let made = place.call(AllocateAddress { tags }).await?;
    let shown = described(place, "eip").await?;
    same("allocation", &shown.allocation, &made.allocation)?;
    same("address", &shown.public_ip, &made.public_ip)?;
    same("association", shown.association, None)?;
    same("tags", shown.tags, place.tags("eip"))
}

pub(super) async fn a_repeated_allocation_makes_a_second_address<P: Port>(place: &Place<P>) -> Check {
    let first = address(place, "two-eips").await?;
    let second = address(place, "two-eips").await?;
    different("allocation", first, second)
}

pub(super) async fn an_address_beyond_the_quota_is_refused<P: Port>(place: &Place<P>) -> Check {
    let tags = place.tags("eip-quota");
    let call = AllocateAddress { tags };
    place
        .refuses_beyond(Quota::Addresses, call, "AddressLimitExceeded")
        .await
}

pub(super) async fn a_nat_gateway_is_pending_then_available_and_holds_its_address<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "nat").await?;
    let made = place.call(request.clone()).await?;
    same("state at first", made.state.as_str(), "pending")?;
    let shown = ended(place, "nat").await?;
    same("id", shown.id, made.id)?;
    same("state", shown.state.as_str(), "available")?;
    same("failure", shown.failure, None)?;
    same("subnet", shown.subnet, request.subnet)?;
    same("addresses", shown.allocations, vec![request.allocation])?;
    same("tags", shown.tags, place.tags("nat"))?;
    let address = described(place, "nat").await?;
    holds(
        "association of the address",
        address.association.is_some(),
        address,
    )
}

pub(super) async fn a_nat_gateway_token_answers_the_first_gateway<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "nat-token").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("id", second.id, first.id)?;
    let filters = place.tagged("nat-token");
    only("gateways", place.call(DescribeNatGateways { filters }).await?)?;
    Ok(())
}

pub(super) async fn a_nat_gateway_token_with_other_parameters_is_refused<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "nat-mismatch").await?;
    place.call(request.clone()).await?;
    let other = CreateNatGateway {
        allocation: address(place, "nat-mismatch").await?,
        ..request
    };
    place
        .refuses(other, Class::Terminal, "IdempotentParameterMismatch")
        .await
}

pub(super) async fn a_nat_gateway_in_a_missing_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateNatGateway {
        subnet: NO_SUBNET.into(),
        allocation: address(place, "nat-no-subnet").await?,
        token: place.name("nat-no-subnet"),
        tags: place.tags("nat-no-subnet"),
    };
    place.refuses(call, Class::Gone, "InvalidSubnetID.NotFound").await
}

pub(super) async fn a_nat_gateway_with_a_missing_address_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "nat-no-eip").await?;
    let call = CreateNatGateway {
        subnet: subnet(place, "nat-no-eip", &vpc, 0).await?.id,
        allocation: NO_ALLOCATION.into(),
        token: place.name("nat-no-eip"),
        tags: place.tags("nat-no-eip"),
    };
    place
        .refuses(call, Class::Gone, "InvalidAllocationID.NotFound")
        .await
}

/// Rule 37. One case for both: each takes its time to fail.
pub(super) async fn a_nat_gateway_fails_later_without_an_internet_gateway_or_with_a_taken_address<P: Port>(
    place: &Place<P>,
) -> Check {
    let first = request(place, "nat-first").await?;
    place.call(first.clone()).await?;
    let taken = CreateNatGateway {
        token: place.name("nat-taken"),
        tags: place.tags("nat-taken"),
        ..first
    };
    let vpc = vpc(place, "nat-detached").await?;
    let detached = CreateNatGateway {
        subnet: subnet(place, "nat-detached", &vpc, 0).await?.id,
        allocation: address(place, "nat-detached").await?,
        token: place.name("nat-detached"),
        tags: place.tags("nat-detached"),
    };
    for call in [taken, detached] {
        same(
            "state at first",
            place.call(call).await?.state.as_str(),
            "pending",
        )?;
    }
    fails(place, "nat-taken", "Resource.AlreadyAssociated").await?;
    fails(place, "nat-detached", "Gateway.NotAttached").await
}

/// Rule 51: its address is free then, and still allocated.
pub(super) async fn a_deleted_nat_gateway_is_deleting_then_deleted_and_lets_its_address_go<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "nat-gone").await?;
    let made = place.call(request.clone()).await?;
    same(
        "state",
        ended(place, "nat-gone").await?.state.as_str(),
        "available",
    )?;
    place.call(delete(&made.id)).await?;
    goes(place, "nat-gone").await?;
    let filters = place.tagged("nat-gone");
    let deleted = |nats: &Vec<NatGateway>| nats.iter().all(|nat| nat.state == "deleted");
    place
        .eventually("deleted", DescribeNatGateways { filters }, deleted)
        .await?;
    same(
        "association",
        described(place, "nat-gone").await?.association,
        None,
    )?;
    let allocation = request.allocation;
    place.call(ReleaseAddress { allocation }).await
}

pub(super) async fn a_nat_gateway_deleted_twice_goes_once<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(request(place, "nat-gone-twice").await?).await?;
    place.call(delete(&made.id)).await?;
    place.changes_nothing(delete(&made.id)).await?;
    goes(place, "nat-gone-twice").await
}

/// The case's NAT gateway is being deleted, or is.
async fn goes<P: Port>(place: &Place<P>, case: &str) -> Check {
    let filters = place.tagged(case);
    let shown = place.call(DescribeNatGateways { filters }).await?;
    let state = only("gateways", shown)?.state;
    holds("state", ["deleting", "deleted"].contains(&state.as_str()), &state)
}

pub(super) async fn a_missing_nat_gateway_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(delete(NO_NAT), Class::Gone, "NatGatewayNotFound")
        .await
}

pub(super) async fn a_released_address_is_gone<P: Port>(place: &Place<P>) -> Check {
    let allocation = address(place, "eip-gone").await?;
    place.call(ReleaseAddress { allocation }).await?;
    let filters = place.tagged("eip-gone");
    place.gone("the address", DescribeAddresses { filters }).await
}

pub(super) async fn an_address_released_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let allocation = address(place, "eip-gone-twice").await?;
    let call = ReleaseAddress { allocation };
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Gone, "InvalidAllocationID.NotFound")
        .await
}

/// Rule 51.
pub(super) async fn an_address_of_a_nat_gateway_stays<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "eip-stays").await?;
    place.call(request.clone()).await?;
    let allocation = request.allocation;
    place
        .refuses(
            ReleaseAddress { allocation },
            Class::NotYet,
            "InvalidIPAddress.InUse",
        )
        .await?;
    described(place, "eip-stays").await.map(drop)
}

fn delete(nat_gateway: &str) -> DeleteNatGateway {
    DeleteNatGateway {
        nat_gateway: nat_gateway.into(),
    }
}

async fn fails<P: Port>(place: &Place<P>, case: &str, code: &str) -> Check {
    let shown = ended(place, case).await?;
    same("state", shown.state.as_str(), "failed")?;
    let failure = shown.failure.unwrap_or_default();
    holds("failure", failure.starts_with(code), failure)
}

/// The case's NAT gateway once it is no longer pending.
async fn ended<P: Port>(place: &Place<P>, case: &str) -> Result<NatGateway, Mismatch> {
    let filters = place.tagged(case);
    let shown = place
        .eventually("no longer pending", DescribeNatGateways { filters }, |nats| {
            nats.iter().all(|nat| nat.state != "pending")
        })
        .await?;
    only("gateways with its tags", shown)
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<Address, Mismatch> {
    let filters = place.tagged(case);
    only(
        "addresses with its tags",
        place.call(DescribeAddresses { filters }).await?,
    )
}

/// A NAT gateway in a public subnet with an address of its own.
pub(super) async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<CreateNatGateway, Mismatch> {
    let vpc = vpc(place, case).await?;
    gateway(place, case, &vpc).await?;
    Ok(CreateNatGateway {
        subnet: subnet(place, case, &vpc, 0).await?.id,
        allocation: address(place, case).await?,
        token: place.name(case),
        tags: place.tags(case),
    })
}

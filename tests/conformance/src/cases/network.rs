//! VPCs and internet gateways.

use windlass_calls::Class;
use windlass_calls::ec2::{
    AttachInternetGateway, CreateInternetGateway, CreateVpc, DeleteInternetGateway, DeleteVpc,
    DescribeInternetGateways, DescribeVpcAttribute, DescribeVpcs, DetachInternetGateway, ModifyVpcAttribute,
};
use windlass_engine::Port;

use super::addresses;
use super::ground::{NO_GATEWAY, NO_VPC, gateway, subnet, vpc};
use crate::check::{Check, different, only, same};
use crate::place::{Place, Quota};

pub(super) async fn a_new_vpc_shows_its_range_and_tags<P: Port>(place: &Place<P>) -> Check {
    let made = vpc(place, "vpc").await?;
    let filters = place.tagged("vpc");
    let shown = place
        .eventually("available", DescribeVpcs { filters }, |vpcs| {
            vpcs.iter().all(|vpc| vpc.state == "available")
        })
        .await?;
    let shown = only("VPCs with its tags", shown)?;
    same("id", &shown.id, &made.id)?;
    same("range", shown.cidr.as_str(), "10.0.0.0/16")?;
    same("tags", &shown.tags, &place.tags("vpc"))?;
    same("tags in the answer", made.tags, place.tags("vpc"))
}

pub(super) async fn a_repeated_create_makes_a_second_vpc<P: Port>(place: &Place<P>) -> Check {
    let first = vpc(place, "two-vpcs").await?;
    let second = vpc(place, "two-vpcs").await?;
    different("id", first.id, second.id)?;
    let filters = place.tagged("two-vpcs");
    same("VPCs", place.call(DescribeVpcs { filters }).await?.len(), 2)
}

pub(super) async fn a_vpc_of_a_size_that_aws_does_not_take_is_refused<P: Port>(place: &Place<P>) -> Check {
    for cidr in ["10.0.0.0/8", "10.0.0.0/29"] {
        let tags = place.tags("vpc-size");
        let cidr = cidr.to_owned();
        place
            .refuses(CreateVpc { cidr, tags }, Class::Terminal, "InvalidVpc.Range")
            .await?;
    }
    Ok(())
}

pub(super) async fn a_vpc_beyond_the_quota_is_refused<P: Port>(place: &Place<P>) -> Check {
    let tags = place.tags("vpc-quota");
    let cidr = "10.0.0.0/16".into();
    place
        .refuses_beyond(Quota::Vpcs, CreateVpc { cidr, tags }, "VpcLimitExceeded")
        .await
}

pub(super) async fn dns_host_names_are_off_until_turned_on<P: Port>(place: &Place<P>) -> Check {
    dns_host_names(place, "dns", 1).await
}

pub(super) async fn turning_dns_host_names_on_twice_leaves_them_on<P: Port>(place: &Place<P>) -> Check {
    dns_host_names(place, "dns-twice", 2).await
}

async fn dns_host_names<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let vpc = vpc(place, case).await?.id;
    let describe = DescribeVpcAttribute { vpc: vpc.clone() };
    same("before", place.call(describe.clone()).await?.enabled, false)?;
    for _ in 0..times {
        place.call(turn_on(&vpc)).await?;
    }
    same("after", place.call(describe).await?.enabled, true)
}

pub(super) async fn dns_host_names_of_a_missing_vpc_are_refused<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(turn_on(NO_VPC), Class::Gone, "InvalidVpcID.NotFound")
        .await
}

fn turn_on(vpc: &str) -> ModifyVpcAttribute {
    ModifyVpcAttribute {
        vpc: vpc.into(),
        dns_hostnames: true,
    }
}

pub(super) async fn a_new_internet_gateway_is_detached_and_shows_its_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let tags = place.tags("igw");
    let made = place.call(CreateInternetGateway { tags }).await?;
    let filters = place.tagged("igw");
    let shown = place.call(DescribeInternetGateways { filters }).await?;
    let shown = only("gateways with its tags", shown)?;
    same("id", &shown.id, &made.id)?;
    same("attachments", shown.attachments, Vec::new())?;
    same("tags", shown.tags, place.tags("igw"))
}

pub(super) async fn a_repeated_create_makes_a_second_internet_gateway<P: Port>(place: &Place<P>) -> Check {
    let call = CreateInternetGateway {
        tags: place.tags("two-igws"),
    };
    let first = place.call(call.clone()).await?;
    let second = place.call(call).await?;
    different("id", first.id, second.id)
}

pub(super) async fn an_internet_gateway_beyond_the_quota_is_refused<P: Port>(place: &Place<P>) -> Check {
    let tags = place.tags("igw-quota");
    let call = CreateInternetGateway { tags };
    place
        .refuses_beyond(Quota::InternetGateways, call, "InternetGatewayLimitExceeded")
        .await
}

pub(super) async fn an_attached_internet_gateway_shows_its_vpc<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "attach").await?;
    let gateway = gateway(place, "attach", &vpc).await?;
    let filters = [("attachment.vpc-id".to_owned(), vec![vpc.id.clone()])].into();
    let shown = place.call(DescribeInternetGateways { filters }).await?;
    let shown = only("gateways of the VPC", shown)?;
    same("id", shown.id, gateway)?;
    same("attachments", shown.attachments, vec![vpc.id])
}

pub(super) async fn a_repeated_attachment_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "attach-twice").await?;
    let gateway = gateway(place, "attach-twice", &vpc).await?;
    place
        .refuses(
            attach(&gateway, &vpc.id),
            Class::Exists,
            "Resource.AlreadyAssociated",
        )
        .await
}

pub(super) async fn a_second_internet_gateway_of_a_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "attach-second").await?;
    gateway(place, "attach-second", &vpc).await?;
    let tags = place.tags("attach-second");
    let second = place.call(CreateInternetGateway { tags }).await?;
    place
        .refuses(
            attach(&second.id, &vpc.id),
            Class::Terminal,
            "InvalidParameterValue",
        )
        .await
}

pub(super) async fn a_missing_internet_gateway_cannot_be_attached<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "attach-none").await?;
    let code = "InvalidInternetGatewayID.NotFound";
    place
        .refuses(attach(NO_GATEWAY, &vpc.id), Class::Gone, code)
        .await
}

pub(super) async fn an_internet_gateway_cannot_be_attached_to_a_missing_vpc<P: Port>(
    place: &Place<P>,
) -> Check {
    let tags = place.tags("attach-no-vpc");
    let gateway = place.call(CreateInternetGateway { tags }).await?;
    place
        .refuses(attach(&gateway.id, NO_VPC), Class::Gone, "InvalidVpcID.NotFound")
        .await
}

fn attach(gateway: &str, vpc: &str) -> AttachInternetGateway {
    AttachInternetGateway {
        internet_gateway: gateway.into(),
        vpc: vpc.into(),
    }
}

pub(super) async fn a_deleted_vpc_is_gone<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "vpc-gone").await?.id;
    place.call(DeleteVpc { vpc }).await?;
    let filters = place.tagged("vpc-gone");
    place.gone("the VPC", DescribeVpcs { filters }).await
}

pub(super) async fn a_vpc_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "vpc-gone-twice").await?.id;
    let call = DeleteVpc { vpc };
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "InvalidVpcID.NotFound").await
}

pub(super) async fn a_vpc_with_a_subnet_stays<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "vpc-subnet").await?;
    subnet(place, "vpc-subnet", &vpc, 0).await?;
    stays(place, "vpc-subnet", vpc.id).await
}

pub(super) async fn a_vpc_with_an_internet_gateway_stays<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "vpc-igw").await?;
    gateway(place, "vpc-igw", &vpc).await?;
    stays(place, "vpc-igw", vpc.id).await
}

async fn stays<P: Port>(place: &Place<P>, case: &str, vpc: String) -> Check {
    let call = DeleteVpc { vpc };
    place.refuses(call, Class::NotYet, "DependencyViolation").await?;
    let filters = place.tagged(case);
    only("VPCs", place.call(DescribeVpcs { filters }).await?).map(drop)
}

pub(super) async fn a_detached_internet_gateway_shows_no_vpc<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "detach").await?;
    let gateway = gateway(place, "detach", &vpc).await?;
    place.call(detach(&gateway, &vpc.id)).await?;
    let filters = place.tagged("detach");
    let shown = place.call(DescribeInternetGateways { filters }).await?;
    let shown = only("gateways with its tags", shown)?;
    same("attachments", shown.attachments, Vec::new())
}

pub(super) async fn an_internet_gateway_detached_twice_answers_that_it_is_not_attached<P: Port>(
    place: &Place<P>,
) -> Check {
    let vpc = vpc(place, "detach-twice").await?;
    let call = detach(&gateway(place, "detach-twice", &vpc).await?, &vpc.id);
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "Gateway.NotAttached").await
}

/// A NAT gateway's address is one.
pub(super) async fn an_internet_gateway_stays_while_a_public_address_is_mapped<P: Port>(
    place: &Place<P>,
) -> Check {
    place.call(addresses::request(place, "detach-nat").await?).await?;
    let filters = place.tagged("detach-nat");
    let describe = DescribeInternetGateways { filters };
    let gateway = only("gateways", place.call(describe.clone()).await?)?;
    let attached = only("attachments", gateway.attachments)?;
    let call = detach(&gateway.id, &attached);
    place.refuses(call, Class::NotYet, "DependencyViolation").await?;
    let shown = only("gateways", place.call(describe).await?)?;
    same("attachments", shown.attachments, vec![attached])
}

pub(super) async fn a_deleted_internet_gateway_is_gone<P: Port>(place: &Place<P>) -> Check {
    let tags = place.tags("igw-gone");
    let internet_gateway = place.call(CreateInternetGateway { tags }).await?.id;
    place.call(DeleteInternetGateway { internet_gateway }).await?;
    let filters = place.tagged("igw-gone");
    place
        .gone("the gateway", DescribeInternetGateways { filters })
        .await
}

pub(super) async fn an_internet_gateway_deleted_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    let tags = place.tags("igw-gone-twice");
    let internet_gateway = place.call(CreateInternetGateway { tags }).await?.id;
    let call = DeleteInternetGateway { internet_gateway };
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Gone, "InvalidInternetGatewayID.NotFound")
        .await
}

pub(super) async fn an_attached_internet_gateway_stays<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "igw-stays").await?;
    let internet_gateway = gateway(place, "igw-stays", &vpc).await?;
    let call = DeleteInternetGateway { internet_gateway };
    place.refuses(call, Class::NotYet, "DependencyViolation").await?;
    let filters = place.tagged("igw-stays");
    let shown = place.call(DescribeInternetGateways { filters }).await?;
    same("attachments", only("gateways", shown)?.attachments, vec![vpc.id])
}

fn detach(gateway: &str, vpc: &str) -> DetachInternetGateway {
    DetachInternetGateway {
        internet_gateway: gateway.into(),
        vpc: vpc.into(),
    }
}

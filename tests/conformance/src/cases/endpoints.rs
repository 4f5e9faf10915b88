//! VPC endpoints (rule 42). AWS documents no codes for what they name and miss: the class is compared.

use windlass_calls::ec2::{
    CreateRouteTable, CreateVpcEndpoint, DeleteVpcEndpoints, DescribeVpcEndpoints, EndpointAccess,
    ModifyVpcAttribute, ModifyVpcEndpoint, Vpc, VpcEndpoint,
};
use windlass_calls::{Class, Filters};
use windlass_engine::Port;

use super::ground::{NO_ENDPOINT, NO_GROUP, NO_SUBNET, NO_TABLE, NO_VPC, group_request, subnet, vpc};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn an_interface_endpoint_is_pending_then_available_under_the_services_own_name<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = interface(place, "vpce").await?;
    let made = place.call(request.clone()).await?;
    same("state at first", made.state.as_str(), "pending")?;
    let filters = place.tagged("vpce");
    let settled = |found: &Vec<VpcEndpoint>| found.iter().any(|one| one.state != "pending");
    let found = place
        .eventually(
            "the endpoint is settled",
            DescribeVpcEndpoints { filters },
            settled,
        )
        .await?;
    let shown = only("endpoints with its tags", found)?;
    same("id", shown.id, made.id)?;
    same("state", shown.state.as_str(), "available")?;
    same("VPC", shown.vpc, request.vpc)?;
    same("service", shown.service, request.service)?;
    same("access", shown.access, request.access)?;
    same("private DNS", shown.private_dns, true)?;
    same("tags", shown.tags, place.tags("vpce"))
}

pub(super) async fn a_gateway_endpoint_is_available_at_once<P: Port>(place: &Place<P>) -> Check {
    let request = gateway(place, "vpce-s3").await?;
    let made = place.call(request.clone()).await?;
    let shown = described(place, "vpce-s3").await?;
    same("id", shown.id, made.id)?;
    same("state", shown.state.as_str(), "available")?;
    same("service", shown.service, request.service)?;
    same("access", shown.access, request.access)?;
    same("private DNS", shown.private_dns, false)?;
    same("tags", shown.tags, place.tags("vpce-s3"))
}

pub(super) async fn an_endpoint_token_answers_the_first_endpoint<P: Port>(place: &Place<P>) -> Check {
    let request = interface(place, "vpce-token").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("id", second.id, first.id)?;
    described(place, "vpce-token").await.map(drop)
}

pub(super) async fn an_endpoint_token_with_other_parameters_is_refused<P: Port>(place: &Place<P>) -> Check {
    let request = interface(place, "vpce-mismatch").await?;
    place.call(request.clone()).await?;
    let other = CreateVpcEndpoint {
        service: service("logs"),
        ..request
    };
    place
        .refuses(other, Class::Terminal, "IdempotentParameterMismatch")
        .await
}

pub(super) async fn an_endpoint_to_an_unknown_service_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateVpcEndpoint {
        service: service("windlass"),
        ..interface(place, "vpce-no-service").await?
    };
    place.refuses(call, Class::Terminal, "InvalidServiceName").await
}

pub(super) async fn an_endpoint_in_a_missing_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateVpcEndpoint {
        vpc: NO_VPC.into(),
        ..gateway(place, "vpce-no-vpc").await?
    };
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn an_endpoint_in_a_missing_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    let mut call = interface(place, "vpce-no-subnet").await?;
    if let EndpointAccess::Interface { subnets, .. } = &mut call.access {
        *subnets = vec![NO_SUBNET.into()];
    }
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn an_endpoint_behind_a_missing_security_group_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let mut call = interface(place, "vpce-no-group").await?;
    if let EndpointAccess::Interface { security_groups, .. } = &mut call.access {
        *security_groups = vec![NO_GROUP.into()];
    }
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn an_endpoint_in_a_missing_route_table_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateVpcEndpoint {
        access: EndpointAccess::Gateway {
            route_tables: vec![NO_TABLE.into()],
        },
        ..gateway(place, "vpce-no-table").await?
    };
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn the_services_own_name_needs_the_dns_names_of_the_vpc<P: Port>(place: &Place<P>) -> Check {
    let call = interface(place, "vpce-no-dns").await?;
    place.call(dns_hostnames(&call.vpc, false)).await?;
    place.refuses(call, Class::NotYet, "InvalidParameter").await
}

pub(super) async fn a_second_endpoint_under_the_services_own_name_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = interface(place, "vpce-twice").await?;
    place.call(call.clone()).await?;
    let second = CreateVpcEndpoint {
        token: place.name("vpce-twice-2"),
        ..call
    };
    place.refuses(second, Class::Terminal, "InvalidParameter").await
}

pub(super) async fn a_second_gateway_in_a_route_table_answers_that_it_exists<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = gateway(place, "vpce-route").await?;
    place.call(call.clone()).await?;
    let second = CreateVpcEndpoint {
        token: place.name("vpce-route-2"),
        ..call
    };
    place.refuses(second, Class::Exists, "RouteAlreadyExists").await
}

pub(super) async fn a_changed_interface_endpoint_stands_elsewhere<P: Port>(place: &Place<P>) -> Check {
    moved(place, "vpce-moved", 1).await
}

/// Adding what is there and removing what is not are no errors.
pub(super) async fn an_interface_endpoint_changed_twice_stands_elsewhere<P: Port>(place: &Place<P>) -> Check {
    moved(place, "vpce-moved-twice", 2).await
}

async fn moved<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let made = place.call(interface(place, case).await?).await?;
    let filters = Filters::from([("vpc-id".to_owned(), vec![made.vpc.clone()])]);
    let found = place.call(windlass_calls::ec2::DescribeVpcs { filters }).await?;
    let vpc = only("VPCs", found)?;
    let second = format!("{case}-2");
    let group = place.call(group_request(place, &second, &vpc.id)).await?;
    let wanted = EndpointAccess::Interface {
        subnets: vec![subnet(place, &second, &vpc, 1).await?.id],
        security_groups: vec![group.id],
    };
    for _ in 0..times {
        place.call(change(&made.id, &wanted, &made.access)).await?;
    }
    same("access", described(place, case).await?.access, wanted)
}

pub(super) async fn a_changed_gateway_endpoint_is_in_another_route_table_too<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = gateway(place, "vpce-tables").await?;
    let made = place.call(request.clone()).await?;
    let table = CreateRouteTable {
        vpc: made.vpc,
        token: place.name("vpce-tables-2"),
        tags: place.tags("vpce-tables"),
    };
    let second = place.call(table).await?.id;
    let tables = |route_tables| EndpointAccess::Gateway { route_tables };
    let call = change(&made.id, &tables(vec![second.clone()]), &tables(Vec::new()));
    place.call(call).await?;
    let EndpointAccess::Gateway { mut route_tables } = request.access else {
        return Err(Mismatch::new("the request is no gateway's"));
    };
    route_tables.push(second);
    route_tables.sort();
    same(
        "access",
        described(place, "vpce-tables").await?.access,
        tables(route_tables),
    )
}

pub(super) async fn a_missing_endpoint_cannot_be_changed<P: Port>(place: &Place<P>) -> Check {
    let nothing = EndpointAccess::Gateway {
        route_tables: Vec::new(),
    };
    let request = gateway(place, "vpce-none").await?;
    let call = change(NO_ENDPOINT, &request.access, &nothing);
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn an_endpoint_cannot_be_moved_to_a_missing_route_table<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(gateway(place, "vpce-lost").await?).await?;
    let tables = |route_tables| EndpointAccess::Gateway { route_tables };
    let call = change(&made.id, &tables(vec![NO_TABLE.into()]), &tables(Vec::new()));
    place.refuses(call, Class::Gone, None).await?;
    same("access", described(place, "vpce-lost").await?.access, made.access)
}

pub(super) async fn deleted_endpoints_are_gone_in_a_while<P: Port>(place: &Place<P>) -> Check {
    let door = place.call(interface(place, "vpce-gone").await?).await?;
    let road = place.call(gateway(place, "vpce-gone-s3").await?).await?;
    let endpoints = vec![door.id, road.id];
    place.call(DeleteVpcEndpoints { endpoints }).await?;
    deleted(place, "vpce-gone").await?;
    deleted(place, "vpce-gone-s3").await
}

pub(super) async fn an_endpoint_deleted_twice_is_gone<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(interface(place, "vpce-gone-twice").await?).await?;
    let endpoints = vec![made.id];
    let call = DeleteVpcEndpoints { endpoints };
    place.call(call.clone()).await?;
    place.changes_nothing(call).await?;
    deleted(place, "vpce-gone-twice").await
}

pub(super) async fn a_missing_endpoint_is_gone<P: Port>(place: &Place<P>) -> Check {
    let endpoints = vec![NO_ENDPOINT.into()];
    let call = DeleteVpcEndpoints { endpoints };
    place.refuses(call, Class::Gone, None).await
}

/// The case's endpoints are no longer shown, or shown as deleted.
async fn deleted<P: Port>(place: &Place<P>, case: &str) -> Check {
    let filters = place.tagged(case);
    let deleted = |found: &Vec<VpcEndpoint>| found.iter().all(|one| one.state == "deleted");
    place
        .eventually("deleted", DescribeVpcEndpoints { filters }, deleted)
        .await
        .map(drop)
}

fn change(endpoint: &str, add: &EndpointAccess, remove: &EndpointAccess) -> ModifyVpcEndpoint {
    ModifyVpcEndpoint {
        endpoint: endpoint.into(),
        add: add.clone(),
        remove: remove.clone(),
    }
}

pub(super) async fn endpoints_are_found_by_vpc<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(gateway(place, "vpce-vpc").await?).await?;
    let filters = Filters::from([("vpc-id".to_owned(), vec![made.vpc.clone()])]);
    let found = place.call(DescribeVpcEndpoints { filters }).await?;
    same("id", only("endpoints of the VPC", found)?.id, made.id)
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<VpcEndpoint, Mismatch> {
    let filters = place.tagged(case);
    let found = place.call(DescribeVpcEndpoints { filters }).await?;
    only("endpoints with its tags", found)
}

/// A request for an endpoint of Systems Manager in one subnet of a VPC of its own, which has DNS names.
async fn interface<P: Port>(place: &Place<P>, case: &str) -> Result<CreateVpcEndpoint, Mismatch> {
    let vpc = vpc(place, case).await?;
    place.call(dns_hostnames(&vpc.id, true)).await?;
    let group = place.call(group_request(place, case, &vpc.id)).await?;
    let access = EndpointAccess::Interface {
        subnets: vec![subnet(place, case, &vpc, 0).await?.id],
        security_groups: vec![group.id],
    };
    Ok(request(place, case, &vpc, "ssm", access))
}

/// A request for an endpoint of S3 in one route table of a VPC of its own.
async fn gateway<P: Port>(place: &Place<P>, case: &str) -> Result<CreateVpcEndpoint, Mismatch> {
    let vpc = vpc(place, case).await?;
    let table = CreateRouteTable {
        vpc: vpc.id.clone(),
        token: place.name(case),
        tags: place.tags(case),
    };
    let access = EndpointAccess::Gateway {
        route_tables: vec![place.call(table).await?.id],
    };
    Ok(request(place, case, &vpc, "s3", access))
}

fn request<P: Port>(
    place: &Place<P>,
    case: &str,
    vpc: &Vpc,
    name: &str,
    access: EndpointAccess,
) -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        vpc: vpc.id.clone(),
        service: service(name),
        access,
        token: place.name(case),
        tags: place.tags(case),
    }
}

fn service(name: &str) -> String {
    format!("com.amazonaws.us-east-1.{name}")
}

fn dns_hostnames(vpc: &str, dns_hostnames: bool) -> ModifyVpcAttribute {
    ModifyVpcAttribute {
        vpc: vpc.into(),
        dns_hostnames,
    }
}

//! Route tables and routes.

use windlass_calls::Class;
use windlass_calls::ec2::{
    CreateRoute, CreateRouteTable, DeleteRoute, DescribeInternetGateways, DescribeNatGateways,
    DescribeRouteTables, DescribeSubnets, ReplaceRoute, Route, RouteTable, RouteTarget, Vpc,
};
use windlass_engine::Port;

use super::addresses;
use super::ground::{NO_GATEWAY, NO_NAT, NO_TABLE, NO_VPC, gateway, vpc};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

const EVERYWHERE: &str = "0.0.0.0/0";

pub(super) async fn a_new_route_table_has_the_local_route_and_its_tags<P: Port>(place: &Place<P>) -> Check {
    let (vpc, made) = table(place, "table").await?;
    let shown = described(place, "table").await?;
    same("id", shown.id, made.id)?;
    same("VPC", shown.vpc, vpc.id)?;
    let local = Route {
        destination: vpc.cidr,
        target: None,
        state: "active".into(),
    };
    same("routes", shown.routes, vec![local])?;
    same("associations", shown.associations, Vec::new())?;
    same("tags", shown.tags, place.tags("table"))
}

pub(super) async fn a_route_table_token_answers_the_first_table<P: Port>(place: &Place<P>) -> Check {
    let (vpc, first) = table(place, "table-token").await?;
    let second = place.call(request(place, "table-token", &vpc.id)).await?;
    same("id", second.id, first.id.clone())?;
    same("id shown", described(place, "table-token").await?.id, first.id)
}

pub(super) async fn a_route_table_token_with_other_parameters_is_refused<P: Port>(place: &Place<P>) -> Check {
    table(place, "table-mismatch").await?;
    let other = vpc(place, "table-other").await?;
    let call = request(place, "table-mismatch", &other.id);
    place
        .refuses(call, Class::Terminal, "IdempotentParameterMismatch")
        .await
}

pub(super) async fn a_route_table_in_a_missing_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = request(place, "table-no-vpc", NO_VPC);
    place.refuses(call, Class::Gone, "InvalidVpcID.NotFound").await
}

pub(super) async fn a_route_leads_to_an_internet_gateway<P: Port>(place: &Place<P>) -> Check {
    let (vpc, table) = table(place, "route").await?;
    let target = RouteTarget::InternetGateway(gateway(place, "route", &vpc).await?);
    place.call(route(&table.id, &target)).await?;
    shows_route(place, "route", target).await
}

pub(super) async fn a_route_leads_to_a_nat_gateway<P: Port>(place: &Place<P>) -> Check {
    let nat = place.call(addresses::request(place, "route-nat").await?).await?;
    let filters = place.tagged("route-nat");
    place
        .eventually("available", DescribeNatGateways { filters }, |nats| {
            nats.iter().any(|nat| nat.state == "available")
        })
        .await?;
    let filters = place.tagged("route-nat");
    let subnet = only("subnets", place.call(DescribeSubnets { filters }).await?)?;
    let table = place.call(request(place, "route-nat", &subnet.vpc)).await?;
    let target = RouteTarget::NatGateway(nat.id);
    place.call(route(&table.id, &target)).await?;
    shows_route(place, "route-nat", target).await
}

async fn shows_route<P: Port>(place: &Place<P>, case: &str, target: RouteTarget) -> Check {
    let routes = described(place, case).await?.routes.into_iter();
    let shown = routes.filter(|route| route.destination == EVERYWHERE).collect();
    let shown = only("default routes", shown)?;
    same("target", shown.target, Some(target))?;
    same("state", shown.state.as_str(), "active")
}

pub(super) async fn a_repeated_route_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let (vpc, table) = table(place, "route-twice").await?;
    let target = RouteTarget::InternetGateway(gateway(place, "route-twice", &vpc).await?);
    place.call(route(&table.id, &target)).await?;
    place
        .refuses(route(&table.id, &target), Class::Exists, "RouteAlreadyExists")
        .await
}

pub(super) async fn a_second_target_for_a_destination_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (table, _, second) = two_ways_out(place, "route-two").await?;
    let second = route(&table.id, &second);
    place.refuses(second, Class::Exists, "RouteAlreadyExists").await
}

/// A route table with a default route to an internet gateway, that gateway, and a NAT gateway beside it.
async fn two_ways_out<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<(RouteTable, RouteTarget, RouteTarget), Mismatch> {
    let nat = place.call(addresses::request(place, case).await?).await?.id;
    let filters = place.tagged(case);
    let gateway = place.call(DescribeInternetGateways { filters }).await?;
    let gateway = only("gateways", gateway)?;
    let vpc = only("attachments", gateway.attachments)?;
    let table = place.call(request(place, case, &vpc)).await?;
    let first = RouteTarget::InternetGateway(gateway.id);
    place.call(route(&table.id, &first)).await?;
    Ok((table, first, RouteTarget::NatGateway(nat)))
}

pub(super) async fn a_replaced_route_leads_elsewhere<P: Port>(place: &Place<P>) -> Check {
    replaced(place, "route-over", 1).await
}

pub(super) async fn a_route_replaced_twice_leads_elsewhere<P: Port>(place: &Place<P>) -> Check {
    replaced(place, "route-over-twice", 2).await
}

async fn replaced<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let (table, _, target) = two_ways_out(place, case).await?;
    for _ in 0..times {
        place.call(replace(&table.id, &target)).await?;
    }
    shows_route(place, case, target).await
}

pub(super) async fn a_route_that_is_not_there_cannot_be_replaced<P: Port>(place: &Place<P>) -> Check {
    let (vpc, table) = table(place, "route-over-none").await?;
    let target = RouteTarget::InternetGateway(gateway(place, "route-over-none", &vpc).await?);
    let call = replace(&table.id, &target);
    place
        .refuses(call, Class::Terminal, "InvalidParameterValue")
        .await?;
    same(
        "routes",
        described(place, "route-over-none").await?.routes,
        table.routes,
    )
}

pub(super) async fn a_route_cannot_be_replaced_in_a_missing_table<P: Port>(place: &Place<P>) -> Check {
    let (_, target, _) = two_ways_out(place, "route-over-lost").await?;
    let call = replace(NO_TABLE, &target);
    place
        .refuses(call, Class::Gone, "InvalidRouteTableID.NotFound")
        .await
}

pub(super) async fn a_deleted_route_leaves_the_local_one<P: Port>(place: &Place<P>) -> Check {
    let table = routed(place, "route-gone").await?;
    place.call(unroute(&table.id)).await?;
    same(
        "routes",
        described(place, "route-gone").await?.routes,
        table.routes,
    )
}

pub(super) async fn a_route_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let table = routed(place, "route-gone-twice").await?;
    place.call(unroute(&table.id)).await?;
    let call = unroute(&table.id);
    place.refuses(call, Class::Gone, "InvalidRoute.NotFound").await
}

pub(super) async fn a_route_of_a_missing_table_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(unroute(NO_TABLE), Class::Gone, "InvalidRouteTableID.NotFound")
        .await
}

/// A route table as it was before it got a default route.
async fn routed<P: Port>(place: &Place<P>, case: &str) -> Result<RouteTable, Mismatch> {
    let (vpc, table) = table(place, case).await?;
    let target = RouteTarget::InternetGateway(gateway(place, case, &vpc).await?);
    place.call(route(&table.id, &target)).await?;
    Ok(table)
}

fn replace(table: &str, target: &RouteTarget) -> ReplaceRoute {
    ReplaceRoute {
        route_table: table.into(),
        destination: EVERYWHERE.into(),
        target: target.clone(),
    }
}

fn unroute(table: &str) -> DeleteRoute {
    DeleteRoute {
        route_table: table.into(),
        destination: EVERYWHERE.into(),
    }
}

pub(super) async fn a_route_in_a_missing_table_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "route-no-table").await?;
    let target = RouteTarget::InternetGateway(gateway(place, "route-no-table", &vpc).await?);
    let call = route(NO_TABLE, &target);
    place
        .refuses(call, Class::Gone, "InvalidRouteTableID.NotFound")
        .await
}

pub(super) async fn a_route_to_a_missing_internet_gateway_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, table) = table(place, "route-no-igw").await?;
    let call = route(&table.id, &RouteTarget::InternetGateway(NO_GATEWAY.into()));
    place.refuses(call, Class::Gone, None).await
}

pub(super) async fn a_route_to_a_missing_nat_gateway_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, table) = table(place, "route-no-nat").await?;
    let call = route(&table.id, &RouteTarget::NatGateway(NO_NAT.into()));
    place
        .refuses(call, Class::Gone, "InvalidNatGatewayID.NotFound")
        .await
}

fn route(table: &str, target: &RouteTarget) -> CreateRoute {
    CreateRoute {
        route_table: table.into(),
        destination: EVERYWHERE.into(),
        target: target.clone(),
    }
}

pub(super) fn request<P: Port>(place: &Place<P>, case: &str, vpc: &str) -> CreateRouteTable {
    CreateRouteTable {
        vpc: vpc.into(),
        token: place.name(case),
        tags: place.tags(case),
    }
}

/// A route table in a VPC of its own.
pub(super) async fn table<P: Port>(place: &Place<P>, case: &str) -> Result<(Vpc, RouteTable), Mismatch> {
    let vpc = vpc(place, case).await?;
    let table = place.call(request(place, case, &vpc.id)).await?;
    Ok((vpc, table))
}

pub(super) async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<RouteTable, Mismatch> {
    let filters = place.tagged(case);
    only(
        "route tables with its tags",
        place.call(DescribeRouteTables { filters }).await?,
    )
}

//! Route tables, routes and associations.

use windlass_calls::Class;
use windlass_calls::ec2::{
    AssociateRouteTable, CreateRoute, CreateRouteTable, DescribeNatGateways, DescribeRouteTables,
    DescribeSubnets, Route, RouteTable, RouteTarget, Vpc,
};
use windlass_engine::Port;

use super::addresses;
use super::ground::{NO_GATEWAY, NO_NAT, NO_SUBNET, NO_TABLE, NO_VPC, gateway, subnet, vpc};
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
    let nat = place.call(addresses::request(place, "route-two").await?).await?;
    let filters = place.tagged("route-two");
    let subnet = only("subnets", place.call(DescribeSubnets { filters }).await?)?;
    let table = place.call(request(place, "route-two", &subnet.vpc)).await?;
    let filters = [("attachment.vpc-id".to_owned(), vec![subnet.vpc])].into();
    let describe = windlass_calls::ec2::DescribeInternetGateways { filters };
    let gateway = only("gateways", place.call(describe).await?)?.id;
    let first = RouteTarget::InternetGateway(gateway);
    place.call(route(&table.id, &first)).await?;
    let second = route(&table.id, &RouteTarget::NatGateway(nat.id));
    place.refuses(second, Class::Exists, "RouteAlreadyExists").await
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

pub(super) async fn an_associated_route_table_shows_its_subnet<P: Port>(place: &Place<P>) -> Check {
    let (vpc, table) = table(place, "assoc").await?;
    let subnet = subnet(place, "assoc", &vpc, 0).await?;
    let made = place.call(associate(&table.id, &subnet.id)).await?;
    let shown = described(place, "assoc").await?;
    same("associations", shown.associations, vec![made])
}

pub(super) async fn a_repeated_association_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let (vpc, table) = table(place, "assoc-twice").await?;
    let subnet = subnet(place, "assoc-twice", &vpc, 0).await?;
    let call = associate(&table.id, &subnet.id);
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Exists, "Resource.AlreadyAssociated")
        .await
}

pub(super) async fn a_second_route_table_of_a_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (vpc, first) = table(place, "assoc-two").await?;
    let subnet = subnet(place, "assoc-two", &vpc, 0).await?;
    place.call(associate(&first.id, &subnet.id)).await?;
    let second = place.call(request(place, "assoc-second", &vpc.id)).await?;
    let call = associate(&second.id, &subnet.id);
    place
        .refuses(call, Class::Exists, "Resource.AlreadyAssociated")
        .await
}

pub(super) async fn a_missing_route_table_cannot_be_associated<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "assoc-no-table").await?;
    let subnet = subnet(place, "assoc-no-table", &vpc, 0).await?;
    place
        .refuses(
            associate(NO_TABLE, &subnet.id),
            Class::Gone,
            "InvalidRouteTableID.NotFound",
        )
        .await
}

pub(super) async fn a_route_table_cannot_be_associated_with_a_missing_subnet<P: Port>(
    place: &Place<P>,
) -> Check {
    let (_, table) = table(place, "assoc-no-subnet").await?;
    place
        .refuses(
            associate(&table.id, NO_SUBNET),
            Class::Gone,
            "InvalidSubnetID.NotFound",
        )
        .await
}

fn associate(table: &str, subnet: &str) -> AssociateRouteTable {
    AssociateRouteTable {
        route_table: table.into(),
        subnet: subnet.into(),
    }
}

fn request<P: Port>(place: &Place<P>, case: &str, vpc: &str) -> CreateRouteTable {
    CreateRouteTable {
        vpc: vpc.into(),
        token: place.name(case),
        tags: place.tags(case),
    }
}

/// A route table in a VPC of its own.
async fn table<P: Port>(place: &Place<P>, case: &str) -> Result<(Vpc, RouteTable), Mismatch> {
    let vpc = vpc(place, case).await?;
    let table = place.call(request(place, case, &vpc.id)).await?;
    Ok((vpc, table))
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<RouteTable, Mismatch> {
    let filters = place.tagged(case);
    only(
        "route tables with its tags",
        place.call(DescribeRouteTables { filters }).await?,
    )
}

//! Associations of route tables with subnets, and what becomes of a table that has some.

use windlass_calls::Class;
use windlass_calls::ec2::{
    AssociateRouteTable, Association, DeleteRouteTable, DescribeRouteTables, DisassociateRouteTable,
    RouteTable,
};
use windlass_engine::Port;

use super::ground::{NO_ASSOCIATION, NO_SUBNET, NO_TABLE, subnet, vpc};
use super::routes::{described, request, table};
use crate::check::{Check, Mismatch, same};
use crate::place::Place;

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

pub(super) async fn a_disassociated_route_table_shows_no_subnet<P: Port>(place: &Place<P>) -> Check {
    let (_, used) = used(place, "assoc-gone").await?;
    place.call(disassociate(&used.id)).await?;
    let shown = described(place, "assoc-gone").await?;
    same("associations", shown.associations, Vec::new())
}

pub(super) async fn a_route_table_disassociated_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    let (_, used) = used(place, "assoc-gone-2").await?;
    place.call(disassociate(&used.id)).await?;
    let call = disassociate(&used.id);
    place
        .refuses(call, Class::Gone, "InvalidAssociationID.NotFound")
        .await
}

pub(super) async fn a_missing_association_cannot_be_ended<P: Port>(place: &Place<P>) -> Check {
    let call = disassociate(NO_ASSOCIATION);
    place
        .refuses(call, Class::Gone, "InvalidAssociationID.NotFound")
        .await
}

pub(super) async fn a_deleted_route_table_is_gone<P: Port>(place: &Place<P>) -> Check {
    let (_, table) = table(place, "table-gone").await?;
    place.call(delete(&table.id)).await?;
    let filters = place.tagged("table-gone");
    place.gone("the table", DescribeRouteTables { filters }).await
}

pub(super) async fn a_route_table_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let (_, table) = table(place, "table-gone-2").await?;
    place.call(delete(&table.id)).await?;
    place
        .refuses(delete(&table.id), Class::Gone, "InvalidRouteTableID.NotFound")
        .await
}

pub(super) async fn a_route_table_of_a_subnet_stays<P: Port>(place: &Place<P>) -> Check {
    let (table, used) = used(place, "table-stays").await?;
    place
        .refuses(delete(&table.id), Class::NotYet, "DependencyViolation")
        .await?;
    let shown = described(place, "table-stays").await?;
    same("associations", shown.associations, vec![used])
}

/// A route table of a subnet.
async fn used<P: Port>(place: &Place<P>, case: &str) -> Result<(RouteTable, Association), Mismatch> {
    let (vpc, table) = table(place, case).await?;
    let subnet = subnet(place, case, &vpc, 0).await?;
    let used = place.call(associate(&table.id, &subnet.id)).await?;
    Ok((table, used))
}

fn disassociate(association: &str) -> DisassociateRouteTable {
    DisassociateRouteTable {
        association: association.into(),
    }
}

fn delete(route_table: &str) -> DeleteRouteTable {
    DeleteRouteTable {
        route_table: route_table.into(),
    }
}

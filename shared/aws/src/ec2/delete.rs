//! Taking away: the network, its security groups' rules, and tags of anything in EC2.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Tag;
use windlass_calls::ec2 as calls;

use super::convert::permission;
use crate::fault::Fault;

pub(super) async fn nat_gateway(client: &Client, call: calls::DeleteNatGateway) -> Result<(), Fault> {
    let request = client.delete_nat_gateway();
    request.nat_gateway_id(call.nat_gateway).send().await?;
    Ok(())
}

pub(super) async fn address(client: &Client, call: calls::ReleaseAddress) -> Result<(), Fault> {
    let request = client.release_address();
    request.allocation_id(call.allocation).send().await?;
    Ok(())
}

pub(super) async fn route(client: &Client, call: calls::DeleteRoute) -> Result<(), Fault> {
    let request = client.delete_route().route_table_id(call.route_table);
    request.destination_cidr_block(call.destination).send().await?;
    Ok(())
}

pub(super) async fn association(client: &Client, call: calls::DisassociateRouteTable) -> Result<(), Fault> {
    let request = client.disassociate_route_table();
    request.association_id(call.association).send().await?;
    Ok(())
}

pub(super) async fn route_table(client: &Client, call: calls::DeleteRouteTable) -> Result<(), Fault> {
    let request = client.delete_route_table();
    request.route_table_id(call.route_table).send().await?;
    Ok(())
}

pub(super) async fn revoke_ingress(
    client: &Client,
    call: calls::RevokeSecurityGroupIngress,
) -> Result<(), Fault> {
    let request = client.revoke_security_group_ingress().group_id(call.group);
    request.ip_permissions(permission(call.rule)).send().await?;
    Ok(())
}

pub(super) async fn revoke_egress(
    client: &Client,
    call: calls::RevokeSecurityGroupEgress,
) -> Result<(), Fault> {
    let request = client.revoke_security_group_egress().group_id(call.group);
    request.ip_permissions(permission(call.rule)).send().await?;
    Ok(())
}

pub(super) async fn security_group(client: &Client, call: calls::DeleteSecurityGroup) -> Result<(), Fault> {
    client.delete_security_group().group_id(call.group).send().await?;
    Ok(())
}

pub(super) async fn subnet(client: &Client, call: calls::DeleteSubnet) -> Result<(), Fault> {
    client.delete_subnet().subnet_id(call.subnet).send().await?;
    Ok(())
}

pub(super) async fn attachment(client: &Client, call: calls::DetachInternetGateway) -> Result<(), Fault> {
    let request = client
        .detach_internet_gateway()
        .internet_gateway_id(call.internet_gateway);
    request.vpc_id(call.vpc).send().await?;
    Ok(())
}

pub(super) async fn internet_gateway(
    client: &Client,
    call: calls::DeleteInternetGateway,
) -> Result<(), Fault> {
    let request = client.delete_internet_gateway();
    request.internet_gateway_id(call.internet_gateway).send().await?;
    Ok(())
}

pub(super) async fn vpc(client: &Client, call: calls::DeleteVpc) -> Result<(), Fault> {
    client.delete_vpc().vpc_id(call.vpc).send().await?;
    Ok(())
}

/// A key without a value stands for the tag whatever its value is.
pub(super) async fn tags(client: &Client, call: calls::DeleteTags) -> Result<(), Fault> {
    let keys = call.keys.into_iter().map(|key| Tag::builder().key(key).build());
    let request = client.delete_tags().set_resources(Some(call.resources));
    request.set_tags(Some(keys.collect())).send().await?;
    Ok(())
}

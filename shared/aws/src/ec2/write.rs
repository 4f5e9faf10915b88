//! Making and changing the network and its security groups, and the tags of anything in EC2.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, DomainType, ResourceType};
use windlass_calls::ec2 as calls;

use super::convert::{self, permission, tagged, to_sdk};
use crate::answer::{field, part, tags_or};
use crate::fault::Fault;

pub(super) async fn create_vpc(client: &Client, call: calls::CreateVpc) -> Result<calls::Vpc, Fault> {
    let tags = tagged(ResourceType::Vpc, &call.tags);
    let request = client
        .create_vpc()
        .cidr_block(call.cidr)
        .set_tag_specifications(tags);
    let vpc = convert::vpc(part(request.send().await?.vpc, "Vpc")?)?;
    Ok(calls::Vpc {
        tags: tags_or(vpc.tags, call.tags),
        ..vpc
    })
}

pub(super) async fn modify_vpc_attribute(
    client: &Client,
    call: calls::ModifyVpcAttribute,
) -> Result<(), Fault> {
    let request = client.modify_vpc_attribute().vpc_id(call.vpc);
    request
        .enable_dns_hostnames(boolean(call.dns_hostnames))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn create_subnet(
    client: &Client,
    call: calls::CreateSubnet,
) -> Result<calls::Subnet, Fault> {
    let answer = client
        .create_subnet()
        .vpc_id(call.vpc)
        .cidr_block(call.cidr)
        .availability_zone(call.zone)
        .set_tag_specifications(tagged(ResourceType::Subnet, &call.tags))
        .send()
        .await?;
    let subnet = convert::subnet(part(answer.subnet, "Subnet")?)?;
    Ok(calls::Subnet {
        tags: tags_or(subnet.tags, call.tags),
        ..subnet
    })
}

pub(super) async fn modify_subnet_attribute(
    client: &Client,
    call: calls::ModifySubnetAttribute,
) -> Result<(), Fault> {
    let request = client.modify_subnet_attribute().subnet_id(call.subnet);
    request
        .map_public_ip_on_launch(boolean(call.map_public_ip))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn create_internet_gateway(
    client: &Client,
    call: calls::CreateInternetGateway,
) -> Result<calls::InternetGateway, Fault> {
    let tags = tagged(ResourceType::InternetGateway, &call.tags);
    let answer = client
        .create_internet_gateway()
        .set_tag_specifications(tags)
        .send()
        .await?;
    let gateway = convert::internet_gateway(part(answer.internet_gateway, "InternetGateway")?)?;
    Ok(calls::InternetGateway {
        tags: tags_or(gateway.tags, call.tags),
        ..gateway
    })
}

pub(super) async fn attach_internet_gateway(
    client: &Client,
    call: calls::AttachInternetGateway,
) -> Result<(), Fault> {
    let request = client
        .attach_internet_gateway()
        .internet_gateway_id(call.internet_gateway);
    request.vpc_id(call.vpc).send().await?;
    Ok(())
}

pub(super) async fn allocate_address(
    client: &Client,
    call: calls::AllocateAddress,
) -> Result<calls::Address, Fault> {
    let tags = tagged(ResourceType::ElasticIp, &call.tags);
    let request = client
        .allocate_address()
        .domain(DomainType::Vpc)
        .set_tag_specifications(tags);
    let answer = request.send().await?;
    Ok(calls::Address {
        allocation: field(answer.allocation_id, "AllocationId")?,
        public_ip: field(answer.public_ip, "PublicIp")?,
        association: None,
        tags: call.tags,
    })
}

pub(super) async fn create_nat_gateway(
    client: &Client,
    call: calls::CreateNatGateway,
) -> Result<calls::NatGateway, Fault> {
    let answer = client
        .create_nat_gateway()
        .subnet_id(call.subnet)
        .allocation_id(call.allocation)
        .client_token(call.token)
        .set_tag_specifications(tagged(ResourceType::Natgateway, &call.tags))
        .send()
        .await?;
    let gateway = convert::nat_gateway(part(answer.nat_gateway, "NatGateway")?)?;
    Ok(calls::NatGateway {
        tags: tags_or(gateway.tags, call.tags),
        ..gateway
    })
}

pub(super) async fn create_route_table(
    client: &Client,
    call: calls::CreateRouteTable,
) -> Result<calls::RouteTable, Fault> {
    let answer = client
        .create_route_table()
        .vpc_id(call.vpc)
        .client_token(call.token)
        .set_tag_specifications(tagged(ResourceType::RouteTable, &call.tags))
        .send()
        .await?;
    let table = convert::route_table(part(answer.route_table, "RouteTable")?)?;
    Ok(calls::RouteTable {
        tags: tags_or(table.tags, call.tags),
        ..table
    })
}

pub(super) async fn create_route(client: &Client, call: calls::CreateRoute) -> Result<(), Fault> {
    let request = client
        .create_route()
        .route_table_id(call.route_table)
        .destination_cidr_block(call.destination);
    let request = match call.target {
        calls::RouteTarget::InternetGateway(id) => request.gateway_id(id),
        calls::RouteTarget::NatGateway(id) => request.nat_gateway_id(id),
    };
    request.send().await?;
    Ok(())
}

pub(super) async fn associate_route_table(
    client: &Client,
    call: calls::AssociateRouteTable,
) -> Result<calls::Association, Fault> {
    let request = client.associate_route_table().route_table_id(call.route_table);
    let answer = request.subnet_id(&call.subnet).send().await?;
    Ok(calls::Association {
        id: field(answer.association_id, "AssociationId")?,
        subnet: call.subnet,
    })
}

/// AWS answers with an id only. The rest is the request's, and the one outbound rule that AWS gives each new group.
pub(super) async fn create_security_group(
    client: &Client,
    call: calls::CreateSecurityGroup,
) -> Result<calls::SecurityGroup, Fault> {
    let answer = client
        .create_security_group()
        .group_name(&call.name)
        .description(call.description)
        .vpc_id(&call.vpc)
        .set_tag_specifications(tagged(ResourceType::SecurityGroup, &call.tags))
        .send()
        .await?;
    Ok(calls::SecurityGroup {
        id: field(answer.group_id, "GroupId")?,
        name: call.name,
        vpc: call.vpc,
        ingress: Vec::new(),
        egress: vec![calls::Rule::everything()],
        tags: call.tags,
    })
}

pub(super) async fn authorize_ingress(
    client: &Client,
    call: calls::AuthorizeSecurityGroupIngress,
) -> Result<(), Fault> {
    let request = client.authorize_security_group_ingress().group_id(call.group);
    request.ip_permissions(permission(call.rule)).send().await?;
    Ok(())
}

pub(super) async fn authorize_egress(
    client: &Client,
    call: calls::AuthorizeSecurityGroupEgress,
) -> Result<(), Fault> {
    let request = client.authorize_security_group_egress().group_id(call.group);
    request.ip_permissions(permission(call.rule)).send().await?;
    Ok(())
}

pub(super) async fn replace_route(client: &Client, call: calls::ReplaceRoute) -> Result<(), Fault> {
    let request = client
        .replace_route()
        .route_table_id(call.route_table)
        .destination_cidr_block(call.destination);
    let request = match call.target {
        calls::RouteTarget::InternetGateway(id) => request.gateway_id(id),
        calls::RouteTarget::NatGateway(id) => request.nat_gateway_id(id),
    };
    request.send().await?;
    Ok(())
}

pub(super) async fn create_tags(client: &Client, call: calls::CreateTags) -> Result<(), Fault> {
    let request = client.create_tags().set_resources(Some(call.resources));
    request.set_tags(Some(to_sdk(&call.tags))).send().await?;
    Ok(())
}

fn boolean(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

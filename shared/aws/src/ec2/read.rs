//! Describing: every page of every answer.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{LocationType, VpcAttributeName};
use windlass_calls::Filters;
use windlass_calls::ec2 as calls;

use super::convert::{self, filter, filters};
use crate::answer::{every, part};
use crate::fault::Fault;

/// Zones that can hold a stack: availability zones, no local or wavelength zones, of groups that the account uses.
fn usable_zones() -> Filters {
    let opted_in = ["opt-in-not-required", "opted-in"].map(str::to_owned);
    Filters::from([
        ("zone-type".to_owned(), vec!["availability-zone".to_owned()]),
        ("opt-in-status".to_owned(), opted_in.into()),
    ])
}

pub(super) async fn availability_zones(
    client: &Client,
    _: calls::DescribeAvailabilityZones,
) -> Result<Vec<calls::Zone>, Fault> {
    let answer = client
        .describe_availability_zones()
        .set_filters(filters(usable_zones()))
        .send()
        .await?;
    answer
        .availability_zones
        .unwrap_or_default()
        .into_iter()
        .map(convert::zone)
        .collect()
}

pub(super) async fn instance_type_offerings(
    client: &Client,
    call: calls::DescribeInstanceTypeOfferings,
) -> Result<Vec<calls::Offering>, Fault> {
    let request = client
        .describe_instance_type_offerings()
        .location_type(LocationType::AvailabilityZone)
        .filters(filter("instance-type".to_owned(), call.instance_types));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::offering).collect()
}

pub(super) async fn images(client: &Client, call: calls::DescribeImages) -> Result<Vec<calls::Image>, Fault> {
    let request = client.describe_images().set_image_ids(Some(call.images));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::image).collect()
}

pub(super) async fn vpcs(client: &Client, call: calls::DescribeVpcs) -> Result<Vec<calls::Vpc>, Fault> {
    let request = client.describe_vpcs().set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::vpc).collect()
}

pub(super) async fn vpc_attribute(
    client: &Client,
    call: calls::DescribeVpcAttribute,
) -> Result<calls::DnsHostnames, Fault> {
    let request = client.describe_vpc_attribute().vpc_id(&call.vpc);
    let answer = request
        .attribute(VpcAttributeName::EnableDnsHostnames)
        .send()
        .await?;
    let enabled = answer.enable_dns_hostnames.and_then(|attribute| attribute.value);
    Ok(calls::DnsHostnames {
        vpc: call.vpc,
        enabled: part(enabled, "EnableDnsHostnames")?,
    })
}

pub(super) async fn subnets(
    client: &Client,
    call: calls::DescribeSubnets,
) -> Result<Vec<calls::Subnet>, Fault> {
    let request = client.describe_subnets().set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::subnet).collect()
}

pub(super) async fn internet_gateways(
    client: &Client,
    call: calls::DescribeInternetGateways,
) -> Result<Vec<calls::InternetGateway>, Fault> {
    let request = client
        .describe_internet_gateways()
        .set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::internet_gateway).collect()
}

pub(super) async fn addresses(
    client: &Client,
    call: calls::DescribeAddresses,
) -> Result<Vec<calls::Address>, Fault> {
    let answer = client
        .describe_addresses()
        .set_filters(filters(call.filters))
        .send()
        .await?;
    answer
        .addresses
        .unwrap_or_default()
        .into_iter()
        .map(convert::address)
        .collect()
}

pub(super) async fn nat_gateways(
    client: &Client,
    call: calls::DescribeNatGateways,
) -> Result<Vec<calls::NatGateway>, Fault> {
    let request = client.describe_nat_gateways().set_filter(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::nat_gateway).collect()
}

pub(super) async fn route_tables(
    client: &Client,
    call: calls::DescribeRouteTables,
) -> Result<Vec<calls::RouteTable>, Fault> {
    let request = client.describe_route_tables().set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::route_table).collect()
}

pub(super) async fn security_groups(
    client: &Client,
    call: calls::DescribeSecurityGroups,
) -> Result<Vec<calls::SecurityGroup>, Fault> {
    let request = client
        .describe_security_groups()
        .set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::security_group).collect()
}

pub(super) async fn network_interfaces(
    client: &Client,
    call: calls::DescribeNetworkInterfaces,
) -> Result<Vec<calls::NetworkInterface>, Fault> {
    let request = client
        .describe_network_interfaces()
        .set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(convert::network_interface).collect()
}

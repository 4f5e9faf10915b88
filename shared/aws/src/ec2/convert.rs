//! The SDK's types of network resources and ours.
//!
//! What our model leaves out is left out here too: IPv6 ranges and prefix lists in security-group rules (our VPCs have
//! no IPv6, and no kind writes prefix lists), and route targets other than internet and NAT gateways, which show as a
//! route without a target. A check that must see foreign rules of those forms needs the model extended first.

use aws_sdk_ec2::types as sdk;
use windlass_calls::ec2 as calls;
use windlass_calls::{Filters, Tags};

use crate::answer::{field, or_empty};
use crate::fault::Fault;

/// Filters of a describe call; `None` when there are none.
pub(super) fn filters(filters: Filters) -> Option<Vec<sdk::Filter>> {
    (!filters.is_empty()).then(|| {
        filters
            .into_iter()
            .map(|(name, values)| filter(name, values))
            .collect()
    })
}

pub(super) fn filter(name: String, values: Vec<String>) -> sdk::Filter {
    sdk::Filter::builder().name(name).set_values(Some(values)).build()
}

/// Tags of a create call; none at all rather than an empty list, which AWS refuses.
pub(super) fn tagged(resource: sdk::ResourceType, tags: &Tags) -> Option<Vec<sdk::TagSpecification>> {
    let specification = sdk::TagSpecification::builder().resource_type(resource);
    (!tags.is_empty()).then(|| vec![specification.set_tags(Some(to_sdk(tags))).build()])
}

pub(super) fn to_sdk(tags: &Tags) -> Vec<sdk::Tag> {
    tags.iter()
        .map(|(key, value)| sdk::Tag::builder().key(key).value(value).build())
        .collect()
}

pub(super) fn from_sdk(tags: Option<Vec<sdk::Tag>>) -> Result<Tags, Fault> {
    let pair = |tag: sdk::Tag| Ok((field(tag.key, "Tag.Key")?, or_empty(tag.value)));
    tags.unwrap_or_default().into_iter().map(pair).collect()
}

pub(super) fn zone(found: sdk::AvailabilityZone) -> Result<calls::Zone, Fault> {
    Ok(calls::Zone {
        name: field(found.zone_name, "ZoneName")?,
        state: field(found.state, "ZoneState")?,
    })
}

pub(super) fn offering(found: sdk::InstanceTypeOffering) -> Result<calls::Offering, Fault> {
    Ok(calls::Offering {
        instance_type: field(found.instance_type, "InstanceType")?,
        zone: field(found.location, "Location")?,
    })
}

pub(super) fn image(found: sdk::Image) -> Result<calls::Image, Fault> {
    Ok(calls::Image {
        id: field(found.image_id, "ImageId")?,
        architecture: field(found.architecture, "Architecture")?,
        root_device: field(found.root_device_name, "RootDeviceName")?,
    })
}

pub(super) fn vpc(found: sdk::Vpc) -> Result<calls::Vpc, Fault> {
    Ok(calls::Vpc {
        id: field(found.vpc_id, "VpcId")?,
        cidr: field(found.cidr_block, "CidrBlock")?,
        state: field(found.state, "Vpc.State")?,
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn subnet(found: sdk::Subnet) -> Result<calls::Subnet, Fault> {
    Ok(calls::Subnet {
        id: field(found.subnet_id, "SubnetId")?,
        vpc: field(found.vpc_id, "VpcId")?,
        cidr: field(found.cidr_block, "CidrBlock")?,
        zone: field(found.availability_zone, "AvailabilityZone")?,
        state: field(found.state, "Subnet.State")?,
        map_public_ip: found.map_public_ip_on_launch.unwrap_or(false),
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn internet_gateway(found: sdk::InternetGateway) -> Result<calls::InternetGateway, Fault> {
    let attachments = found.attachments.unwrap_or_default().into_iter();
    Ok(calls::InternetGateway {
        id: field(found.internet_gateway_id, "InternetGatewayId")?,
        attachments: attachments.filter_map(|attachment| attachment.vpc_id).collect(),
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn address(found: sdk::Address) -> Result<calls::Address, Fault> {
    Ok(calls::Address {
        allocation: field(found.allocation_id, "AllocationId")?,
        public_ip: field(found.public_ip, "PublicIp")?,
        association: found.association_id.filter(|id| !id.is_empty()),
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn nat_gateway(found: sdk::NatGateway) -> Result<calls::NatGateway, Fault> {
    let addresses = found.nat_gateway_addresses.unwrap_or_default().into_iter();
    let message = found.failure_message;
    Ok(calls::NatGateway {
        id: field(found.nat_gateway_id, "NatGatewayId")?,
        subnet: field(found.subnet_id, "SubnetId")?,
        state: field(found.state, "NatGateway.State")?,
        failure: found
            .failure_code
            .map(|code| format!("{code}: {}", or_empty(message))),
        allocations: addresses.filter_map(|address| address.allocation_id).collect(),
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn route_table(found: sdk::RouteTable) -> Result<calls::RouteTable, Fault> {
    let routes = found.routes.unwrap_or_default().into_iter();
    let associations = found.associations.unwrap_or_default().into_iter();
    Ok(calls::RouteTable {
        id: field(found.route_table_id, "RouteTableId")?,
        vpc: field(found.vpc_id, "VpcId")?,
        routes: routes.map(route).collect::<Result<_, _>>()?,
        associations: associations.map(association).collect::<Result<_, _>>()?,
        tags: from_sdk(found.tags)?,
    })
}

fn route(found: sdk::Route) -> Result<calls::Route, Fault> {
    let destination = found.destination_cidr_block.or(found.destination_ipv6_cidr_block);
    let internet = found.gateway_id.filter(|id| id.starts_with("igw-"));
    let nat = found.nat_gateway_id.filter(|id| !id.is_empty());
    Ok(calls::Route {
        destination: field(
            destination.or(found.destination_prefix_list_id),
            "Route.Destination",
        )?,
        target: internet
            .map(calls::RouteTarget::InternetGateway)
            .or(nat.map(calls::RouteTarget::NatGateway)),
        state: field(found.state, "Route.State")?,
    })
}

fn association(found: sdk::RouteTableAssociation) -> Result<calls::Association, Fault> {
    Ok(calls::Association {
        id: field(found.route_table_association_id, "RouteTableAssociationId")?,
        subnet: or_empty(found.subnet_id),
    })
}

pub(super) fn security_group(found: sdk::SecurityGroup) -> Result<calls::SecurityGroup, Fault> {
    Ok(calls::SecurityGroup {
        id: field(found.group_id, "GroupId")?,
        name: field(found.group_name, "GroupName")?,
        vpc: field(found.vpc_id, "VpcId")?,
        ingress: rules(found.ip_permissions)?,
        egress: rules(found.ip_permissions_egress)?,
        tags: from_sdk(found.tags)?,
    })
}

pub(super) fn network_interface(found: sdk::NetworkInterface) -> Result<calls::NetworkInterface, Fault> {
    let groups = found.groups.unwrap_or_default().into_iter();
    Ok(calls::NetworkInterface {
        id: field(found.network_interface_id, "NetworkInterfaceId")?,
        vpc: field(found.vpc_id, "VpcId")?,
        subnet: field(found.subnet_id, "SubnetId")?,
        description: or_empty(found.description),
        managed: found.requester_managed.unwrap_or(false),
        instance: found.attachment.and_then(|attachment| attachment.instance_id),
        security_groups: groups.filter_map(|group| group.group_id).collect(),
    })
}

fn rules(permissions: Option<Vec<sdk::IpPermission>>) -> Result<Vec<calls::Rule>, Fault> {
    let mut flat = Vec::new();
    for permission in permissions.unwrap_or_default() {
        flat.extend(flattened(permission)?);
    }
    Ok(flat)
}

/// One rule per peer: AWS groups the peers of a port range into one permission.
fn flattened(permission: sdk::IpPermission) -> Result<impl Iterator<Item = calls::Rule>, Fault> {
    let ranges = permission.ip_ranges.unwrap_or_default().into_iter();
    let ranges = ranges.filter_map(|range| range.cidr_ip).map(calls::Peer::Cidr);
    let groups = permission.user_id_group_pairs.unwrap_or_default().into_iter();
    let groups = groups.filter_map(|pair| pair.group_id).map(calls::Peer::Group);
    let protocol = field(permission.ip_protocol, "IpProtocol")?;
    let ports = ports(&protocol, permission.from_port, permission.to_port);
    Ok(ranges.chain(groups).map(move |peer| calls::Rule {
        protocol: protocol.clone(),
        ports,
        peer,
    }))
}

/// Ports of a rule. Protocol -1 has none, nor has ICMP, whose type and code AWS writes into the same fields.
fn ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Option<(u16, u16)> {
    let ported = ["tcp", "udp"].contains(&protocol);
    let first = from.and_then(|port| u16::try_from(port).ok());
    let last = to.and_then(|port| u16::try_from(port).ok());
    first.zip(last).filter(|_| ported)
}

/// A rule as AWS takes it.
pub(super) fn permission(rule: calls::Rule) -> sdk::IpPermission {
    let permission = sdk::IpPermission::builder()
        .ip_protocol(rule.protocol)
        .set_from_port(rule.ports.map(|(first, _)| i32::from(first)))
        .set_to_port(rule.ports.map(|(_, last)| i32::from(last)));
    match rule.peer {
        calls::Peer::Cidr(range) => permission.ip_ranges(sdk::IpRange::builder().cidr_ip(range).build()),
        calls::Peer::Group(id) => {
            permission.user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id(id).build())
        }
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_back_as_it_was_written() {
        let group = calls::Rule::tcp(80, calls::Peer::Group("sg-1".into()));
        for rule in [calls::Rule::everything(), group] {
            let written = permission(rule.clone());
            assert_eq!(rules(Some(vec![written])).ok(), Some(vec![rule]));
        }
    }

    #[test]
    fn each_peer_of_a_permission_is_a_rule_of_its_own() {
        let permission = sdk::IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/16").build())
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.1.0.0/16").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id("sg-1").build())
            .build();
        let peers = [
            calls::Peer::Cidr("10.0.0.0/16".into()),
            calls::Peer::Cidr("10.1.0.0/16".into()),
            calls::Peer::Group("sg-1".into()),
        ];
        let expected = peers.map(|peer| calls::Rule::tcp(443, peer)).to_vec();
        assert_eq!(rules(Some(vec![permission])).ok(), Some(expected));
    }

    #[test]
    fn protocols_without_ports_have_none() {
        assert_eq!(ports("-1", Some(-1), Some(-1)), None);
        assert_eq!(ports("-1", Some(0), Some(65535)), None);
        assert_eq!(ports("icmp", Some(8), Some(0)), None);
        assert_eq!(ports("udp", Some(53), Some(53)), Some((53, 53)));
    }

    fn target(found: sdk::builders::RouteBuilder) -> Option<calls::Route> {
        route(found.destination_cidr_block("0.0.0.0/0").build()).ok()
    }

    #[test]
    fn a_route_leads_to_an_internet_gateway_a_nat_gateway_or_nowhere_we_know() {
        let active = || sdk::Route::builder().state(sdk::RouteState::Active);
        let found = |route: sdk::builders::RouteBuilder| target(route).and_then(|route| route.target);
        let internet = calls::RouteTarget::InternetGateway("igw-1".into());
        assert_eq!(found(active().gateway_id("igw-1")), Some(internet));
        let nat = calls::RouteTarget::NatGateway("nat-1".into());
        assert_eq!(found(active().nat_gateway_id("nat-1")), Some(nat));
        assert_eq!(found(active().gateway_id("local")), None);
    }

    #[test]
    fn a_route_whose_target_is_gone_is_a_blackhole() {
        let gone = sdk::Route::builder()
            .state(sdk::RouteState::Blackhole)
            .nat_gateway_id("nat-1");
        assert_eq!(
            target(gone).map(|route| route.state).as_deref(),
            Some("blackhole")
        );
    }

    #[test]
    fn the_main_association_names_no_subnet() {
        let main = sdk::RouteTableAssociation::builder()
            .route_table_association_id("rtbassoc-1")
            .main(true);
        assert_eq!(
            association(main.build())
                .ok()
                .map(|found| found.subnet)
                .as_deref(),
            Some("")
        );
    }

    #[test]
    fn a_failed_nat_gateway_says_why() {
        let failed = sdk::NatGateway::builder()
            .nat_gateway_id("nat-1")
            .subnet_id("subnet-1")
            .state(sdk::NatGatewayState::Failed)
            .failure_code("Gateway.NotAttached")
            .failure_message("no internet gateway");
        let failure = nat_gateway(failed.build()).ok().and_then(|found| found.failure);
        assert_eq!(
            failure.as_deref(),
            Some("Gateway.NotAttached: no internet gateway")
        );
    }

    #[test]
    fn a_network_interface_says_who_holds_it_and_the_instance_only_if_it_is_one() {
        let found = |attachment: sdk::builders::NetworkInterfaceAttachmentBuilder| {
            let interface = sdk::NetworkInterface::builder()
                .network_interface_id("eni-1")
                .vpc_id("vpc-1")
                .subnet_id("subnet-1")
                .description("ELB app/web/1")
                .requester_managed(true)
                .attachment(attachment.build());
            network_interface(interface.build())
                .ok()
                .map(|found| (found.description, found.managed, found.instance))
        };
        let held = |instance: Option<&str>| Some(("ELB app/web/1".into(), true, instance.map(str::to_owned)));
        let attachment = sdk::NetworkInterfaceAttachment::builder;
        assert_eq!(found(attachment().instance_owner_id("amazon-elb")), held(None));
        assert_eq!(found(attachment().instance_id("i-1")), held(Some("i-1")));
    }

    #[test]
    fn a_create_without_tags_sends_no_tag_specification() {
        assert!(tagged(sdk::ResourceType::Vpc, &Tags::new()).is_none());
    }
}

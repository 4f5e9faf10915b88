//! Amazon EC2: network, addresses, security groups, images, launch templates.
//!
//! Creates carry their tags (`TagSpecifications`), so that nothing is ever untagged: AWS rule 33.

use crate::{Filters, Tags};

calls! { "ec2", Ec2;
    /// Zones of the Region that are of type `availability-zone` and open to the account, no local zones (rule 64).
    DescribeAvailabilityZones {} => Vec<Zone>, Read;
    /// Which zones offer which of these instance types (rule 64).
    DescribeInstanceTypeOfferings { /// Instance types asked about.
        instance_types: Vec<String> } => Vec<Offering>, Read;
    /// Images by id.
    DescribeImages { /// Image ids.
        images: Vec<String> } => Vec<Image>, Read;
    /// VPCs that match the filters.
    DescribeVpcs { /// Filters.
        filters: Filters } => Vec<Vpc>, Read;
    /// Whether a VPC hands out DNS names (`enableDnsHostnames`).
    DescribeVpcAttribute { /// VPC id.
        vpc: String } => DnsHostnames, Read;
    /// Subnets that match the filters.
    DescribeSubnets { /// Filters.
        filters: Filters } => Vec<Subnet>, Read;
    /// Internet gateways that match the filters.
    DescribeInternetGateways { /// Filters.
        filters: Filters } => Vec<InternetGateway>, Read;
    /// Elastic IP addresses that match the filters.
    DescribeAddresses { /// Filters.
        filters: Filters } => Vec<Address>, Read;
    /// NAT gateways that match the filters, deleted ones included for about an hour.
    DescribeNatGateways { /// Filters.
        filters: Filters } => Vec<NatGateway>, Read;
    /// Route tables that match the filters, with their routes and associations.
    DescribeRouteTables { /// Filters.
        filters: Filters } => Vec<RouteTable>, Read;
    /// Security groups that match the filters, with their rules.
    DescribeSecurityGroups { /// Filters.
        filters: Filters } => Vec<SecurityGroup>, Read;
    /// Launch templates that match the filters.
    DescribeLaunchTemplates { /// Filters.
        filters: Filters } => Vec<LaunchTemplate>, Read;
    /// One version of a launch template: its newest one.
    DescribeLaunchTemplateVersions { /// Launch template id.
        launch_template: String } => Vec<LaunchTemplateVersion>, Read;
    /// VPC endpoints that match the filters.
    DescribeVpcEndpoints { /// Filters.
        filters: Filters } => Vec<VpcEndpoint>, Read;
    /// Instances that match the filters, terminated ones included for about an hour.
    DescribeInstances { /// Filters.
        filters: Filters } => Vec<Instance>, Read;
    /// The end of what an instance printed while it booted, up to 64 KB; `None` before it printed anything. It comes minutes
    /// late.
    GetConsoleOutput { /// Instance id.
        instance: String } => Option<String>, Read;
    /// The two status checks of an instance; `None` unless it is running.
    DescribeInstanceStatus { /// Instance id.
        instance: String } => Option<InstanceStatus>, Read;
    /// Network interfaces that match the filters: what keeps a subnet or a security group from being deleted.
    DescribeNetworkInterfaces { /// Filters.
        filters: Filters } => Vec<NetworkInterface>, Read;
    /// What instance types are made of.
    DescribeInstanceTypes { /// Instance types asked about, at most 100.
        instance_types: Vec<String> } => Vec<InstanceType>, Read;

    /// A VPC. No client token exists.
    CreateVpc { /// IPv4 range, `10.0.0.0/16`.
        cidr: String, /// Tags, set by the same call.
        tags: Tags } => Vpc, Once;
    /// Turns `enableDnsHostnames` on. One attribute a call is AWS's rule.
    ModifyVpcAttribute { /// VPC id.
        vpc: String, /// Hand out DNS names.
        dns_hostnames: bool } => done, Idempotent;
    /// A subnet. No client token exists.
    CreateSubnet { /// VPC id.
        vpc: String, /// IPv4 range within the VPC's.
        cidr: String, /// Zone name, `us-east-1a`.
        zone: String, /// Tags, set by the same call.
        tags: Tags } => Subnet, Once;
    /// Whether instances launched into the subnet get a public address.
    ModifySubnetAttribute { /// Subnet id.
        subnet: String, /// Give each instance a public address.
        map_public_ip: bool } => done, Idempotent;
    /// An internet gateway. No client token exists.
    CreateInternetGateway { /// Tags, set by the same call.
        tags: Tags } => InternetGateway, Once;
    /// Attaches it to a VPC; a repeat answers `Resource.AlreadyAssociated`.
    AttachInternetGateway { /// Internet gateway id.
        internet_gateway: String, /// VPC id.
        vpc: String } => done, Idempotent;
    /// An elastic IP address. No client token exists.
    AllocateAddress { /// Tags, set by the same call.
        tags: Tags } => Address, Once;
    /// A NAT gateway.
    CreateNatGateway { /// Public subnet id.
        subnet: String, /// Allocation id of its address.
        allocation: String, /// Client token.
        token: String, /// Tags, set by the same call.
        tags: Tags } => NatGateway, Token;
    /// A route table.
    CreateRouteTable { /// VPC id.
        vpc: String, /// Client token.
        token: String, /// Tags, set by the same call.
        tags: Tags } => RouteTable, Token;
    /// A route; a repeat answers `RouteAlreadyExists`.
    CreateRoute { /// Route table id.
        route_table: String, /// Destination, `0.0.0.0/0`.
        destination: String, /// Where to.
        target: RouteTarget } => done, Idempotent;
    /// Associates a route table with a subnet; a repeat answers `Resource.AlreadyAssociated`.
    AssociateRouteTable { /// Route table id.
        route_table: String, /// Subnet id.
        subnet: String } => Association, Idempotent;
    /// A security group. Its name is unique in its VPC, so a repeat answers `InvalidGroup.Duplicate` (rule 36).
    CreateSecurityGroup { /// Name.
        name: String, /// Description; AWS never lets it change.
        description: String, /// VPC id.
        vpc: String, /// Tags, set by the same call.
        tags: Tags } => SecurityGroup, Idempotent;
    /// Adds an inbound rule; a repeat answers `InvalidPermission.Duplicate`.
    AuthorizeSecurityGroupIngress { /// Security group id.
        group: String, /// The rule.
        rule: Rule } => done, Idempotent;
    /// Adds an outbound rule; a repeat answers `InvalidPermission.Duplicate`.
    AuthorizeSecurityGroupEgress { /// Security group id.
        group: String, /// The rule.
        rule: Rule } => done, Idempotent;
    /// Removes an inbound rule; a repeat answers `InvalidPermission.NotFound`.
    RevokeSecurityGroupIngress { /// Security group id.
        group: String, /// The rule.
        rule: Rule } => done, Delete;
    /// Removes an outbound rule: AWS gives each new group one that allows everything. A repeat answers
    /// `InvalidPermission.NotFound`.
    RevokeSecurityGroupEgress { /// Security group id.
        group: String, /// The rule.
        rule: Rule } => done, Delete;
    /// A launch template, version 1.
    CreateLaunchTemplate { /// Name.
        name: String, /// Client token.
        token: String, /// What it launches.
        data: Box<LaunchTemplateData>, /// Tags of the template itself.
        tags: Tags } => LaunchTemplate, Token;
    /// Another version of a launch template, one above the newest.
    CreateLaunchTemplateVersion { /// Launch template id.
        launch_template: String, /// Client token.
        token: String, /// What it launches.
        data: Box<LaunchTemplateData> } => LaunchTemplateVersion, Token;
    /// A VPC endpoint. An interface endpoint answers to the service's own DNS name within the VPC (rule 42).
    CreateVpcEndpoint { /// VPC id.
        vpc: String, /// `com.amazonaws.us-east-1.ssm`.
        service: String, /// How traffic gets to it.
        access: EndpointAccess, /// Client token.
        token: String, /// Tags, set by the same call.
        tags: Tags } => VpcEndpoint, Token;
    /// One instance from a launch template.
    RunInstances { /// Launch template id.
        launch_template: String, /// Its version.
        version: u64, /// Subnet id.
        subnet: String, /// Client token.
        token: String, /// Tags of the instance, over those of the template; set by the same call.
        tags: Tags } => Instance, Token;

    /// Sends a destination of a route table elsewhere.
    ReplaceRoute { /// Route table id.
        route_table: String, /// Destination, `0.0.0.0/0`.
        destination: String, /// Where to.
        target: RouteTarget } => done, Idempotent;
    /// Adds to and takes from what a VPC endpoint stands in. Adding what is there and removing what is not are no errors.
    ModifyVpcEndpoint { /// VPC endpoint id.
        endpoint: String, /// What is added.
        add: EndpointAccess, /// What is taken away, of the same form.
        remove: EndpointAccess } => done, Idempotent;
    /// Sets tags of resources, over earlier values; at most 1,000 resources.
    CreateTags { /// Ids.
        resources: Vec<String>, /// Tags.
        tags: Tags } => done, Idempotent;
    /// Takes tags away; ones that are not there are no error.
    DeleteTags { /// Ids.
        resources: Vec<String>, /// Keys.
        keys: Vec<String> } => done, Delete;

    /// Terminates an instance. A terminated one is shown for about an hour.
    TerminateInstances { /// Instance id.
        instance: String } => done, Delete;
    /// Deletes VPC endpoints. Interfaces take minutes; a deleted one may be shown for a while.
    DeleteVpcEndpoints { /// VPC endpoint ids.
        endpoints: Vec<String> } => done, Delete;
    /// Deletes a NAT gateway, which takes about a minute; its address is not released (rule 51).
    DeleteNatGateway { /// NAT gateway id.
        nat_gateway: String } => done, Delete;
    /// Releases an elastic IP address; one in use answers `InvalidIPAddress.InUse` (rule 51).
    ReleaseAddress { /// Allocation id.
        allocation: String } => done, Delete;
    /// Deletes a route; a repeat answers `InvalidRoute.NotFound`.
    DeleteRoute { /// Route table id.
        route_table: String, /// Destination, `0.0.0.0/0`.
        destination: String } => done, Delete;
    /// Takes a subnet's route table away; a repeat answers `InvalidAssociationID.NotFound`.
    DisassociateRouteTable { /// Association id.
        association: String } => done, Delete;
    /// Deletes a route table with its routes; one with associations answers `DependencyViolation`.
    DeleteRouteTable { /// Route table id.
        route_table: String } => done, Delete;
    /// Deletes a security group; one that is in use or named by another's rule answers `DependencyViolation` (rule 43).
    DeleteSecurityGroup { /// Security group id.
        group: String } => done, Delete;
    /// Deletes a subnet; one with network interfaces answers `DependencyViolation`.
    DeleteSubnet { /// Subnet id.
        subnet: String } => done, Delete;
    /// Detaches an internet gateway; with mapped public addresses in the VPC it answers `DependencyViolation`, and a
    /// repeat `Gateway.NotAttached`.
    DetachInternetGateway { /// Internet gateway id.
        internet_gateway: String, /// VPC id.
        vpc: String } => done, Delete;
    /// Deletes an internet gateway; an attached one answers `DependencyViolation`.
    DeleteInternetGateway { /// Internet gateway id.
        internet_gateway: String } => done, Delete;
    /// Deletes a VPC; one that is not empty answers `DependencyViolation`.
    DeleteVpc { /// VPC id.
        vpc: String } => done, Delete;
    /// Deletes a launch template with all of its versions.
    DeleteLaunchTemplate { /// Launch template id.
        launch_template: String } => done, Delete;
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    /// `eni-…`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Subnet id.
    pub subnet: String,
    /// `ELB app/windlass-dev-web-1a2b3c/…`, `Interface for NAT Gateway nat-…`, or what its owner wrote.
    pub description: String,
    /// Made by an AWS service for something else, and taken away by it.
    pub managed: bool,
    /// Instance that it is attached to, if any.
    pub instance: Option<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
}

/// How traffic gets to a VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EndpointAccess {
    /// By a route that AWS adds to these route tables: S3 and `DynamoDB`, without charge.
    Gateway {
        /// Route table ids.
        route_tables: Vec<String>,
    },
    /// By a network interface in each of these subnets, under the service's own DNS name.
    Interface {
        /// Subnet ids, one per zone.
        subnets: Vec<String>,
        /// Security group ids.
        security_groups: Vec<String>,
    },
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-…`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// `com.amazonaws.us-east-1.ssm`.
    pub service: String,
    /// How traffic gets to it, ids in order.
    pub access: EndpointAccess,
    /// An interface endpoint answers to the service's own DNS name.
    pub private_dns: bool,
    /// `pending`, `available`, `deleting`, `deleted`, `failed`, …, in lower case.
    pub state: String,
    /// Tags.
    pub tags: Tags,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// `t3.micro`.
    pub instance_type: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub state: String,
    /// Why it is in that state: `Server.InsufficientInstanceCapacity: …`.
    pub state_reason: Option<String>,
    /// When it was launched, in seconds since 1970.
    pub launched: Option<i64>,
    /// Subnet id; empty once it is terminated.
    pub subnet: String,
    /// Security group ids; none once it is terminated.
    pub security_groups: Vec<String>,
    /// A spot instance: counts against another quota.
    pub spot: bool,
    /// Tags.
    pub tags: Tags,
}

/// The status checks of an instance: `ok`, `impaired`, `initializing`, `insufficient-data` or `not-applicable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Of the host below it.
    pub system: String,
    /// Of the instance itself.
    pub instance: String,
}

/// What an instance type is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// `t3.micro`.
    pub name: String,
    /// Virtual processors: what quotas count.
    pub vcpus: u32,
}

/// An availability zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `us-east-1a`.
    pub name: String,
    /// `available`, or why not.
    pub state: String,
}

/// An instance type that a zone offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// `t3.micro`.
    pub instance_type: String,
    /// `us-east-1a`.
    pub zone: String,
}

/// A machine image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `ami-…`.
    pub id: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Device name of the root volume, `/dev/xvda`.
    pub root_device: String,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// `vpc-…`.
    pub id: String,
    /// IPv4 range.
    pub cidr: String,
    /// `pending` or `available`.
    pub state: String,
    /// Tags.
    pub tags: Tags,
}

/// The `enableDnsHostnames` attribute of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsHostnames {
    /// VPC id.
    pub vpc: String,
    /// Its value.
    pub enabled: bool,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// IPv4 range.
    pub cidr: String,
    /// Zone name.
    pub zone: String,
    /// `pending` or `available`.
    pub state: String,
    /// Instances get a public address.
    pub map_public_ip: bool,
    /// Tags.
    pub tags: Tags,
}

/// An internet gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternetGateway {
    /// `igw-…`.
    pub id: String,
    /// VPCs it is attached to: none or one.
    pub attachments: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

/// An elastic IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `eipalloc-…`.
    pub allocation: String,
    /// `203.0.113.9`.
    pub public_ip: String,
    /// Association id while something uses it.
    pub association: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatGateway {
    /// `nat-…`.
    pub id: String,
    /// Subnet id.
    pub subnet: String,
    /// `pending`, `available`, `failed`, `deleting` or `deleted` (rule 37).
    pub state: String,
    /// Why it failed: code and message.
    pub failure: Option<String>,
    /// Allocation ids of its addresses.
    pub allocations: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// `rtb-…`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Its routes, the local one included.
    pub routes: Vec<Route>,
    /// Subnets that use it.
    pub associations: Vec<Association>,
    /// Tags.
    pub tags: Tags,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `0.0.0.0/0`.
    pub destination: String,
    /// Where to; `None` for the local route and kinds we do not use.
    pub target: Option<RouteTarget>,
    /// `active`, or `blackhole` when the target is gone.
    pub state: String,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RouteTarget {
    /// An internet gateway id.
    InternetGateway(String),
    /// A NAT gateway id.
    NatGateway(String),
}

/// A subnet's use of a route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// `rtbassoc-…`.
    pub id: String,
    /// Subnet id; empty for the VPC's main association.
    pub subnet: String,
}

/// A security group with its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `sg-…`.
    pub id: String,
    /// Name.
    pub name: String,
    /// VPC id.
    pub vpc: String,
    /// Inbound rules, one per port range and peer.
    pub ingress: Vec<Rule>,
    /// Outbound rules, one per port range and peer.
    pub egress: Vec<Rule>,
    /// Tags.
    pub tags: Tags,
}

/// A security-group rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// `tcp`, or `-1` for everything.
    pub protocol: String,
    /// First and last port; `None` with protocol `-1`.
    pub ports: Option<(u16, u16)>,
    /// The other side.
    pub peer: Peer,
}

/// The other side of a security-group rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Peer {
    /// An IPv4 range.
    Cidr(String),
    /// A security group id.
    Group(String),
}

impl Rule {
    /// All traffic to everywhere: the outbound rule AWS gives each new group.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            protocol: "-1".into(),
            ports: None,
            peer: Peer::Cidr("0.0.0.0/0".into()),
        }
    }

    /// One TCP port.
    #[must_use]
    pub fn tcp(port: u16, peer: Peer) -> Self {
        Self {
            protocol: "tcp".into(),
            ports: Some((port, port)),
            peer,
        }
    }
}

/// A launch template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// `lt-…`.
    pub id: String,
    /// Name.
    pub name: String,
    /// The version used when none is named.
    pub default_version: u64,
    /// The newest version.
    pub latest_version: u64,
    /// Tags.
    pub tags: Tags,
}

/// A version of a launch template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchTemplateVersion {
    /// Its template's id.
    pub launch_template: String,
    /// Its number, from 1.
    pub version: u64,
    /// What it launches.
    pub data: LaunchTemplateData,
}

/// What a launch template launches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplateData {
    /// `ami-…`.
    pub image: String,
    /// `t3.micro`.
    pub instance_type: String,
    /// Instance profile name.
    pub instance_profile: String,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// User data, base64.
    pub user_data: String,
    /// `required`: version 2 of the metadata service only.
    pub http_tokens: String,
    /// Hops a metadata answer may travel: 1 on the host, 2 for containers.
    pub http_hop_limit: u8,
    /// One-minute metrics (rule 3).
    pub detailed_monitoring: bool,
    /// Root volume: device name; always encrypted gp3.
    pub root_device: String,
    /// The root volume is encrypted.
    pub encrypted: bool,
    /// Tags of the instances and volumes it launches (rule 53).
    pub tags: Tags,
}

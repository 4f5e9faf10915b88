//! Amazon EC2: network, addresses, security groups, endpoints, images, launch templates and instances.
//!
//! New resources stay out of sight for [`WorldConfig::visibility_lag`](crate::WorldConfig): no describe shows them, and
//! calls that name them answer `….NotFound` (rule 34). Conflicts, uniqueness, quotas and client tokens are judged on
//! everything there is. Deleted ones stay in describes alone, for [`WorldConfig::ghost_lag`](crate::WorldConfig).

mod access;
mod address;
mod catalogue;
mod endpoint;
mod filter;
mod gateway;
mod instance;
mod interface;
mod machine;
mod nat;
mod route;
mod security;
mod subnet;
mod tagging;
mod template;
mod vpc;

use jiff::SignedDuration;
use windlass_calls::ec2::{
    Address, CreateLaunchTemplate, CreateLaunchTemplateVersion, CreateNatGateway, CreateRouteTable,
    CreateVpcEndpoint, Instance, InternetGateway, LaunchTemplate, LaunchTemplateVersion, NatGateway, Request,
    Response, RouteTable, RunInstances, SecurityGroup, Subnet, VpcEndpoint,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shelf::Shelf;
use crate::tokens::Tokens;
use crate::world::{World, dispatch};

pub(crate) use catalogue::Images;
pub(crate) use endpoint::OwnedEndpoint;
pub(crate) use instance::Start;
pub(crate) use interface::Interfaces;
pub(crate) use machine::Machine;
pub(crate) use nat::OwnedNat;
pub(crate) use template::OwnedTemplate;
pub(crate) use vpc::OwnedVpc;

/// How long what failed, was deleted or was terminated is shown.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// EC2's resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ec2 {
    pub(crate) images: Images,
    pub(crate) vpcs: Shelf<OwnedVpc>,
    pub(crate) subnets: Shelf<Subnet>,
    pub(crate) internet_gateways: Shelf<InternetGateway>,
    pub(crate) addresses: Shelf<Address>,
    pub(crate) nat_gateways: Shelf<OwnedNat>,
    pub(crate) route_tables: Shelf<RouteTable>,
    pub(crate) security_groups: Shelf<SecurityGroup>,
    pub(crate) launch_templates: Shelf<OwnedTemplate>,
    pub(crate) endpoints: Shelf<OwnedEndpoint>,
    /// Whoever launched them, the terminated ones too.
    pub(crate) instances: Shelf<Machine>,
    /// Network interfaces of other people; all others follow from what they belong to.
    pub(crate) interfaces: Interfaces,
    nat_tokens: Tokens<CreateNatGateway, NatGateway>,
    route_table_tokens: Tokens<CreateRouteTable, RouteTable>,
    template_tokens: Tokens<CreateLaunchTemplate, LaunchTemplate>,
    version_tokens: Tokens<CreateLaunchTemplateVersion, LaunchTemplateVersion>,
    endpoint_tokens: Tokens<CreateVpcEndpoint, VpcEndpoint>,
    instance_tokens: Tokens<RunInstances, Instance>,
}

impl World {
    pub(crate) fn ec2(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeAvailabilityZones => describe_availability_zones,
            DescribeInstanceTypeOfferings => describe_instance_type_offerings,
            DescribeImages => describe_images,
            DescribeVpcs => describe_vpcs,
            DescribeVpcAttribute => describe_vpc_attribute,
            DescribeSubnets => describe_subnets,
            DescribeInternetGateways => describe_internet_gateways,
            DescribeAddresses => describe_addresses,
            DescribeNatGateways => describe_nat_gateways,
            DescribeRouteTables => describe_route_tables,
            DescribeSecurityGroups => describe_security_groups,
            DescribeLaunchTemplates => describe_launch_templates,
            DescribeLaunchTemplateVersions => describe_launch_template_versions,
            DescribeVpcEndpoints => describe_vpc_endpoints,
            DescribeInstances => describe_instances,
            GetConsoleOutput => console_output,
            DescribeInstanceStatus => describe_instance_status,
            DescribeNetworkInterfaces => describe_network_interfaces,
            DescribeInstanceTypes => describe_instance_types,
            CreateVpc => create_vpc,
            ModifyVpcAttribute => modify_vpc_attribute,
            CreateSubnet => create_subnet,
            ModifySubnetAttribute => modify_subnet_attribute,
            CreateInternetGateway => create_internet_gateway,
            AttachInternetGateway => attach_internet_gateway,
            AllocateAddress => allocate_address,
            CreateNatGateway => create_nat_gateway,
            CreateRouteTable => create_route_table,
            CreateRoute => create_route,
            AssociateRouteTable => associate_route_table,
            CreateSecurityGroup => create_security_group,
            AuthorizeSecurityGroupIngress => authorize_ingress,
            AuthorizeSecurityGroupEgress => authorize_egress,
            RevokeSecurityGroupIngress => revoke_ingress,
            RevokeSecurityGroupEgress => revoke_egress,
            CreateLaunchTemplate => create_launch_template,
            CreateLaunchTemplateVersion => create_launch_template_version,
            CreateVpcEndpoint => create_vpc_endpoint,
            RunInstances => run_instances,
            ReplaceRoute => replace_route,
            ModifyVpcEndpoint => modify_vpc_endpoint,
            CreateTags => create_tags,
            DeleteTags => delete_tags,
            TerminateInstances => terminate_instances,
            DeleteVpcEndpoints => delete_vpc_endpoints,
            DeleteNatGateway => delete_nat_gateway,
            ReleaseAddress => release_address,
            DeleteRoute => delete_one_route,
            DisassociateRouteTable => disassociate_route_table,
            DeleteRouteTable => delete_route_table,
            DeleteSecurityGroup => delete_security_group,
            DeleteSubnet => delete_subnet,
            DetachInternetGateway => detach_internet_gateway,
            DeleteInternetGateway => delete_internet_gateway,
            DeleteVpc => delete_vpc,
            DeleteLaunchTemplate => delete_launch_template,
        )
    }

    /// When reads start to show an EC2 resource made now.
    fn ec2_visible_from(&self, id: &str) -> jiff::Timestamp {
        self.config.visibility_lag.visible_from(id, self.clock)
    }

    /// A VPC that a call names.
    fn named_vpc(&self, id: &str) -> Answer<&OwnedVpc> {
        self.ec2.vpcs.seen(id, self.clock).ok_or_else(|| vpc::no_vpc(id))
    }

    /// A subnet that a call names.
    fn named_subnet(&self, id: &str) -> Answer<&Subnet> {
        self.ec2
            .subnets
            .seen(id, self.clock)
            .ok_or_else(|| not_found("InvalidSubnetID.NotFound", "subnet", id))
    }
}

/// What a call that names a missing resource answers.
fn not_found(code: &'static str, kind: &str, id: &str) -> Refusal {
    refused(code, format!("The {kind} ID '{id}' does not exist"))
}

/// What a delete answers while something else needs the resource.
fn needed(kind: &str, id: &str) -> Refusal {
    let message = format!("The {kind} '{id}' has dependencies and cannot be deleted.");
    refused("DependencyViolation", message)
}

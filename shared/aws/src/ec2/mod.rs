//! Amazon EC2: `read` describes, `write` makes and changes, `delete` takes away; launch templates, instances and VPC
//! endpoints have all of it in `template`, `instance` and `endpoint`; `convert` turns the SDK's types into ours.
//!
//! Guarantees: tags ride in the create call itself (rule 33 of the AWS facts), so that nothing is ever untagged; each
//! call with a client token sends ours, never one that the SDK invents (rule 69).

mod convert;
mod delete;
mod endpoint;
mod instance;
mod read;
mod template;
mod write;

use aws_sdk_ec2::Client;
use windlass_calls::CallError;
use windlass_calls::ec2::{Request, Response};

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, ec2;
        DescribeAvailabilityZones => read::availability_zones,
        DescribeInstanceTypeOfferings => read::instance_type_offerings,
        DescribeImages => read::images,
        DescribeVpcs => read::vpcs,
        DescribeVpcAttribute => read::vpc_attribute,
        DescribeSubnets => read::subnets,
        DescribeInternetGateways => read::internet_gateways,
        DescribeAddresses => read::addresses,
        DescribeNatGateways => read::nat_gateways,
        DescribeRouteTables => read::route_tables,
        DescribeSecurityGroups => read::security_groups,
        DescribeLaunchTemplates => template::launch_templates,
        DescribeLaunchTemplateVersions => template::launch_template_versions,
        DescribeVpcEndpoints => endpoint::vpc_endpoints,
        DescribeInstances => instance::instances,
        GetConsoleOutput => instance::console,
        DescribeInstanceStatus => instance::status,
        DescribeNetworkInterfaces => read::network_interfaces,
        DescribeInstanceTypes => instance::instance_types,
        CreateVpc => write::create_vpc,
        ModifyVpcAttribute => write::modify_vpc_attribute,
        CreateSubnet => write::create_subnet,
        ModifySubnetAttribute => write::modify_subnet_attribute,
        CreateInternetGateway => write::create_internet_gateway,
        AttachInternetGateway => write::attach_internet_gateway,
        AllocateAddress => write::allocate_address,
        CreateNatGateway => write::create_nat_gateway,
        CreateRouteTable => write::create_route_table,
        CreateRoute => write::create_route,
        AssociateRouteTable => write::associate_route_table,
        CreateSecurityGroup => write::create_security_group,
        AuthorizeSecurityGroupIngress => write::authorize_ingress,
        AuthorizeSecurityGroupEgress => write::authorize_egress,
        RevokeSecurityGroupIngress => delete::revoke_ingress,
        RevokeSecurityGroupEgress => delete::revoke_egress,
        CreateLaunchTemplate => template::create_launch_template,
        CreateLaunchTemplateVersion => template::create_launch_template_version,
        CreateVpcEndpoint => endpoint::create_vpc_endpoint,
        RunInstances => instance::run_instances,
        ReplaceRoute => write::replace_route,
        ModifyVpcEndpoint => endpoint::modify_vpc_endpoint,
        CreateTags => write::create_tags,
        DeleteTags => delete::tags,
        TerminateInstances => instance::terminate_instances,
        DeleteVpcEndpoints => endpoint::delete_vpc_endpoints,
        DeleteNatGateway => delete::nat_gateway,
        ReleaseAddress => delete::address,
        DeleteRoute => delete::route,
        DisassociateRouteTable => delete::association,
        DeleteRouteTable => delete::route_table,
        DeleteSecurityGroup => delete::security_group,
        DeleteSubnet => delete::subnet,
        DetachInternetGateway => delete::attachment,
        DeleteInternetGateway => delete::internet_gateway,
        DeleteVpc => delete::vpc,
        DeleteLaunchTemplate => template::delete_launch_template,
    )
}

//! VPC endpoints, both ways.
//!
//! An interface endpoint always answers to the service's own DNS name within the VPC (rule 42 of the AWS facts): nothing
//! on an instance has to know of it. Ids come back in order, so that two answers about one endpoint are equal.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as sdk;
use windlass_calls::ec2 as calls;

use super::convert::{filters, from_sdk, tagged};
use crate::answer::{every, field, part, tags_or};
use crate::fault::Fault;

pub(super) async fn vpc_endpoints(
    client: &Client,
    call: calls::DescribeVpcEndpoints,
) -> Result<Vec<calls::VpcEndpoint>, Fault> {
    let request = client.describe_vpc_endpoints().set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(vpc_endpoint).collect()
}

pub(super) async fn create_vpc_endpoint(
    client: &Client,
    call: calls::CreateVpcEndpoint,
) -> Result<calls::VpcEndpoint, Fault> {
    let request = client
        .create_vpc_endpoint()
        .vpc_id(call.vpc)
        .service_name(call.service)
        .client_token(call.token)
        .set_tag_specifications(tagged(sdk::ResourceType::VpcEndpoint, &call.tags));
    let request = match call.access {
        calls::EndpointAccess::Gateway { route_tables } => request
            .vpc_endpoint_type(sdk::VpcEndpointType::Gateway)
            .set_route_table_ids(Some(route_tables)),
        calls::EndpointAccess::Interface {
            subnets,
            security_groups,
        } => request
            .vpc_endpoint_type(sdk::VpcEndpointType::Interface)
            .set_subnet_ids(Some(subnets))
            .set_security_group_ids(Some(security_groups))
            .private_dns_enabled(true),
    };
    let endpoint = vpc_endpoint(part(request.send().await?.vpc_endpoint, "VpcEndpoint")?)?;
    Ok(calls::VpcEndpoint {
        tags: tags_or(endpoint.tags, call.tags),
        ..endpoint
    })
}

fn vpc_endpoint(found: sdk::VpcEndpoint) -> Result<calls::VpcEndpoint, Fault> {
    let kind = part(found.vpc_endpoint_type, "VpcEndpointType")?;
    let groups = found.groups.unwrap_or_default().into_iter();
    let access = match kind {
        sdk::VpcEndpointType::Gateway => calls::EndpointAccess::Gateway {
            route_tables: sorted(found.route_table_ids.unwrap_or_default()),
        },
        // Every other type has interfaces too. None of them is ours, and without groups and a private name none equals ours.
        _ => calls::EndpointAccess::Interface {
            subnets: sorted(found.subnet_ids.unwrap_or_default()),
            security_groups: sorted(groups.filter_map(|group| group.group_id).collect()),
        },
    };
    Ok(calls::VpcEndpoint {
        id: field(found.vpc_endpoint_id, "VpcEndpointId")?,
        vpc: field(found.vpc_id, "VpcId")?,
        service: field(found.service_name, "ServiceName")?,
        access,
        private_dns: found.private_dns_enabled.unwrap_or(false),
        state: field(found.state, "VpcEndpoint.State")?.to_ascii_lowercase(),
        tags: from_sdk(found.tags)?,
    })
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: sdk::VpcEndpointType) -> sdk::builders::VpcEndpointBuilder {
        sdk::VpcEndpoint::builder()
            .vpc_endpoint_id("vpce-1")
            .vpc_id("vpc-1")
            .service_name("com.amazonaws.us-east-1.ssm")
            .vpc_endpoint_type(kind)
            .state("PendingAcceptance".into())
    }

    #[test]
    fn an_interface_endpoints_ids_come_in_order_and_its_state_in_lower_case() {
        let group = |id: &str| sdk::SecurityGroupIdentifier::builder().group_id(id).build();
        let answer = found(sdk::VpcEndpointType::Interface)
            .subnet_ids("subnet-2")
            .subnet_ids("subnet-1")
            .groups(group("sg-2"))
            .groups(group("sg-1"))
            .private_dns_enabled(true)
            .build();
        let endpoint = vpc_endpoint(answer).ok();
        let expected = calls::EndpointAccess::Interface {
            subnets: vec!["subnet-1".into(), "subnet-2".into()],
            security_groups: vec!["sg-1".into(), "sg-2".into()],
        };
        assert_eq!(endpoint.as_ref().map(|found| &found.access), Some(&expected));
        let rest = endpoint.map(|found| (found.private_dns, found.state));
        assert_eq!(rest, Some((true, "pendingacceptance".to_owned())));
    }

    #[test]
    fn a_gateway_endpoint_is_told_by_its_route_tables_and_has_no_private_name() {
        let answer = found(sdk::VpcEndpointType::Gateway)
            .route_table_ids("rtb-2")
            .route_table_ids("rtb-1");
        let endpoint = vpc_endpoint(answer.build()).ok();
        let expected = calls::EndpointAccess::Gateway {
            route_tables: vec!["rtb-1".into(), "rtb-2".into()],
        };
        assert_eq!(
            endpoint.map(|found| (found.access, found.private_dns)),
            Some((expected, false))
        );
    }

    #[test]
    fn an_endpoint_without_its_type_is_an_error_that_names_it() {
        let bare = sdk::VpcEndpoint::builder().vpc_endpoint_id("vpce-1").build();
        let message = vpc_endpoint(bare).map_err(|fault| fault.of("ec2:DescribeVpcEndpoints").message);
        assert_eq!(
            message.err().as_deref(),
            Some("the answer has no VpcEndpointType")
        );
    }
}

//! VPC endpoints, both ways.
//!
//! An interface endpoint always answers to the service's own DNS name within the VPC (rule 42 of the AWS facts): nothing
//! on an instance has to know of it. Ids come back in order, so that two answers about one endpoint are equal.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as sdk;
use windlass_calls::ec2 as calls;

use super::convert::{filters, from_sdk, tagged};
use crate::answer::{every, field, or_empty, part, tags_or};
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

pub(super) async fn modify_vpc_endpoint(
    client: &Client,
    call: calls::ModifyVpcEndpoint,
) -> Result<(), Fault> {
    let (add, remove) = (Places::of(call.add), Places::of(call.remove));
    client
        .modify_vpc_endpoint()
        .vpc_endpoint_id(call.endpoint)
        .set_add_route_table_ids(add.route_tables)
        .set_add_subnet_ids(add.subnets)
        .set_add_security_group_ids(add.security_groups)
        .set_remove_route_table_ids(remove.route_tables)
        .set_remove_subnet_ids(remove.subnets)
        .set_remove_security_group_ids(remove.security_groups)
        .send()
        .await?;
    Ok(())
}

pub(super) async fn delete_vpc_endpoints(
    client: &Client,
    call: calls::DeleteVpcEndpoints,
) -> Result<(), Fault> {
    let request = client.delete_vpc_endpoints();
    let answer = request.set_vpc_endpoint_ids(Some(call.endpoints)).send().await?;
    match failed(answer.unsuccessful.unwrap_or_default()) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// The first failure of an answer that succeeds as a whole. One that was gone before counts last: its name on the
/// error would say that the others are gone too.
fn failed(items: Vec<sdk::UnsuccessfulItem>) -> Option<Fault> {
    let mut errors: Vec<_> = items.into_iter().filter_map(|item| item.error).collect();
    errors.sort_by_key(|error| error.code().is_some_and(|code| code.ends_with("NotFound")));
    errors.into_iter().next().map(|error| Fault::Answered {
        code: or_empty(error.code),
        message: or_empty(error.message),
        status: 400,
    })
}

/// What an endpoint stands in, as AWS takes it in a change; no lists at all rather than empty ones, which it refuses.
#[derive(Default)]
struct Places {
    route_tables: Option<Vec<String>>,
    subnets: Option<Vec<String>>,
    security_groups: Option<Vec<String>>,
}

impl Places {
    fn of(access: calls::EndpointAccess) -> Self {
        let some = |ids: Vec<String>| (!ids.is_empty()).then_some(ids);
        match access {
            calls::EndpointAccess::Gateway { route_tables } => Self {
                route_tables: some(route_tables),
                ..Self::default()
            },
            calls::EndpointAccess::Interface {
                subnets,
                security_groups,
            } => Self {
                subnets: some(subnets),
                security_groups: some(security_groups),
                ..Self::default()
            },
        }
    }
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

    fn unsuccessful(codes: &[&str]) -> Option<String> {
        let item = |code: &&str| {
            let error = sdk::UnsuccessfulItemError::builder().code(*code).build();
            sdk::UnsuccessfulItem::builder().error(error).build()
        };
        let fault = failed(codes.iter().map(item).collect());
        fault.map(|fault| fault.of("ec2:DeleteVpcEndpoints").code)
    }

    #[test]
    fn a_part_that_failed_is_an_error_and_gone_only_if_every_one_is() {
        let gone = "InvalidVpcEndpointId.NotFound";
        assert_eq!(unsuccessful(&[]), None);
        assert_eq!(unsuccessful(&[gone]).as_deref(), Some(gone));
        assert_eq!(
            unsuccessful(&[gone, "InvalidParameter"]).as_deref(),
            Some("InvalidParameter")
        );
    }

    #[test]
    fn a_change_names_no_empty_list() {
        let nothing = Places::of(calls::EndpointAccess::Interface {
            subnets: vec!["subnet-1".into()],
            security_groups: Vec::new(),
        });
        assert_eq!(nothing.subnets, Some(vec!["subnet-1".to_owned()]));
        assert_eq!((nothing.security_groups, nothing.route_tables), (None, None));
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

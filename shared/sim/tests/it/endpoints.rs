use rstest::rstest;
use windlass_calls::ec2::{
    CreateVpcEndpoint, DescribeVpcEndpoints, EndpointAccess, ModifyVpcAttribute, VpcEndpoint,
};
use windlass_calls::{Class, Filters};

use crate::account::{Account, tagged, tags};

/// A VPC that hands out DNS names, with a subnet in each of two zones.
struct Place {
    vpc: String,
    subnets: Vec<String>,
    group: String,
    table: String,
}

fn place(account: &mut Account) -> Place {
    let vpc = account.vpc();
    account.call(ModifyVpcAttribute {
        vpc: vpc.clone(),
        dns_hostnames: true,
    });
    Place {
        subnets: vec![
            account.subnet(&vpc, "10.0.1.0/24", "a"),
            account.subnet(&vpc, "10.0.2.0/24", "b"),
        ],
        group: account.group(&vpc, "endpoints"),
        table: account.table(&vpc, "private"),
        vpc,
    }
}

fn interface(place: &Place, service: &str) -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        vpc: place.vpc.clone(),
        service: format!("com.amazonaws.us-east-1.{service}"),
        access: EndpointAccess::Interface {
            subnets: place.subnets.clone(),
            security_groups: vec![place.group.clone()],
        },
        token: service.into(),
        tags: tags("vpc-endpoint"),
    }
}

fn gateway(place: &Place, service: &str) -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        access: EndpointAccess::Gateway {
            route_tables: vec![place.table.clone()],
        },
        ..interface(place, service)
    }
}

fn found(account: &mut Account) -> Vec<VpcEndpoint> {
    account.call(DescribeVpcEndpoints {
        filters: tagged("vpc-endpoint"),
    })
}

fn refusal(change: impl FnOnce(&mut Account, &mut CreateVpcEndpoint, &Place)) -> (String, Class) {
    let mut account = Account::new();
    let place = place(&mut account);
    let mut call = interface(&place, "ssm");
    change(&mut account, &mut call, &place);
    account.code(call)
}

#[test]
fn an_interface_endpoint_is_pending_and_then_available() {
    let mut account = Account::new();
    let place = place(&mut account);
    let mut call = interface(&place, "ssm");
    if let EndpointAccess::Interface { subnets, .. } = &mut call.access {
        subnets.reverse();
    }
    let made = account.call(call);
    assert_eq!((made.state.as_str(), made.private_dns), ("pending", true));
    assert_eq!(made.access, interface(&place, "ssm").access, "ids in order");
    account.wait(59);
    assert_eq!(found(&mut account)[0].state, "pending");
    account.wait(1);
    let available = VpcEndpoint {
        state: "available".into(),
        ..made
    };
    assert_eq!(found(&mut account), [available]);
}

#[test]
fn a_gateway_endpoint_is_available_at_once() {
    let mut account = Account::new();
    let place = place(&mut account);
    let made = account.call(gateway(&place, "s3"));
    assert_eq!((made.state.as_str(), made.private_dns), ("available", false));
    account.call(gateway(&place, "dynamodb"));
}

#[test]
fn endpoints_are_found_by_vpc_service_and_state() {
    let mut account = Account::new();
    let place = place(&mut account);
    account.call(interface(&place, "ssm"));
    account.call(gateway(&place, "s3"));
    let mut found = |filters: &[(&str, &str)]| {
        let filters = filters
            .iter()
            .map(|(name, value)| ((*name).into(), vec![(*value).into()]));
        let filters: Filters = filters.collect();
        account.call(DescribeVpcEndpoints { filters }).len()
    };
    assert_eq!(found(&[]), 2);
    assert_eq!(found(&[("vpc-id", &place.vpc)]), 2);
    assert_eq!(found(&[("service-name", "com.amazonaws.us-east-1.s3")]), 1);
    assert_eq!(found(&[("vpc-endpoint-state", "pending")]), 1);
    assert_eq!(
        found(&[("vpc-endpoint-state", "pending"), ("service-name", "none")]),
        0
    );
}

#[test]
fn a_repeated_token_answers_the_first_endpoint_and_other_parameters_are_a_mismatch() {
    let mut account = Account::new();
    let place = place(&mut account);
    let call = interface(&place, "ssm");
    let first = account.call(call.clone());
    account.wait(60);
    assert_eq!(account.call(call), first);
    assert_eq!(found(&mut account).len(), 1);
    let other = CreateVpcEndpoint {
        token: "ssm".into(),
        ..interface(&place, "logs")
    };
    assert_eq!(
        account.code(other),
        ("IdempotentParameterMismatch".to_owned(), Class::Terminal)
    );
}

#[test]
fn private_dns_needs_the_dns_names_of_the_vpc() {
    let error = {
        let mut account = Account::new();
        let place = place(&mut account);
        account.call(ModifyVpcAttribute {
            vpc: place.vpc.clone(),
            dns_hostnames: false,
        });
        account.call(gateway(&place, "s3"));
        account.refusal(interface(&place, "ssm"))
    };
    assert_eq!(
        (error.code.as_str(), error.class),
        ("InvalidParameter", Class::NotYet)
    );
    assert!(error.message.contains("enableDnsHostnames"));
}

#[test]
fn a_service_answers_to_its_name_once_in_a_vpc() {
    let mut account = Account::new();
    let place = place(&mut account);
    account.call(interface(&place, "ssm"));
    let second = CreateVpcEndpoint {
        token: "second".into(),
        ..interface(&place, "ssm")
    };
    let error = account.refusal(second.clone());
    assert_eq!(error.code, "InvalidParameter");
    assert!(
        error
            .message
            .contains("conflicting DNS domain for ssm.us-east-1.amazonaws.com")
    );
    let id = found(&mut account)[0].id.clone();
    assert!(account.world.delete(&id));
    account.call(second);
}

#[test]
fn a_route_table_has_one_route_to_a_gateway_service() {
    let mut account = Account::new();
    let place = place(&mut account);
    account.call(gateway(&place, "s3"));
    let second = CreateVpcEndpoint {
        token: "second".into(),
        ..gateway(&place, "s3")
    };
    assert_eq!(
        account.code(second),
        ("RouteAlreadyExists".to_owned(), Class::Exists)
    );
    let elsewhere = CreateVpcEndpoint {
        token: "elsewhere".into(),
        access: EndpointAccess::Gateway {
            route_tables: vec![account.table(&place.vpc, "other")],
        },
        ..gateway(&place, "s3")
    };
    account.call(elsewhere);
}

#[rstest]
#[case::no_such_service("com.amazonaws.us-east-1.smm")]
#[case::another_region("com.amazonaws.eu-west-1.ssm")]
#[case::no_service("ssm")]
fn an_unknown_service_is_refused(#[case] service: &str) {
    let refusal = refusal(|_, call, _| call.service = service.into());
    assert_eq!(refusal, ("InvalidServiceName".to_owned(), Class::Terminal));
}

#[test]
fn a_service_is_reached_in_its_own_way_only() {
    let mut account = Account::new();
    let place = place(&mut account);
    let error = account.refusal(gateway(&place, "ssm"));
    assert_eq!(error.code, "InvalidParameter");
    assert!(error.message.contains("Endpoint type (Gateway)"));
    let error = account.refusal(interface(&place, "s3"));
    assert!(error.message.contains("Endpoint type (Interface)"));
}

#[test]
fn what_an_endpoint_names_must_exist() {
    let gone = |code: &str| (code.to_owned(), Class::Gone);
    let vpc = refusal(|_, call, _| call.vpc = "vpc-0".into());
    assert_eq!(vpc, gone("InvalidVpcId.NotFound"));
    let subnet = refusal(|_, call, place| {
        call.access = EndpointAccess::Interface {
            subnets: vec!["subnet-0".into()],
            security_groups: vec![place.group.clone()],
        };
    });
    assert_eq!(subnet, gone("InvalidSubnetId.NotFound"));
    let group = refusal(|_, call, place| {
        call.access = EndpointAccess::Interface {
            subnets: place.subnets.clone(),
            security_groups: vec!["sg-0".into()],
        };
    });
    assert_eq!(group, gone("InvalidSecurityGroupId.NotFound"));
    let table = refusal(|_, call, place| {
        *call = gateway(place, "s3");
        call.access = EndpointAccess::Gateway {
            route_tables: vec!["rtb-0".into()],
        };
    });
    assert_eq!(table, gone("InvalidRouteTableId.NotFound"));
}

#[test]
fn an_endpoint_stays_in_its_vpc_and_has_one_subnet_in_a_zone() {
    let elsewhere = refusal(|account, call, place| {
        let other = account.vpc();
        let subnet = account.subnet(&other, "10.0.1.0/24", "a");
        call.access = EndpointAccess::Interface {
            subnets: vec![subnet],
            security_groups: vec![place.group.clone()],
        };
    });
    assert_eq!(elsewhere.0, "InvalidParameter");
    let twice = refusal(|account, call, place| {
        let second = account.subnet(&place.vpc, "10.0.3.0/24", "a");
        call.access = EndpointAccess::Interface {
            subnets: vec![place.subnets[0].clone(), second],
            security_groups: vec![place.group.clone()],
        };
    });
    assert_eq!(twice.0, "DuplicateSubnetsInSameZone");
}

#[test]
fn a_deleted_endpoint_is_shown_as_deleted_for_an_hour() {
    let mut account = Account::new();
    let place = place(&mut account);
    let id = account.call(gateway(&place, "s3")).id;
    assert!(account.world.delete(&id));
    assert!(!account.world.delete(&id));
    assert_eq!(found(&mut account)[0].state, "deleted");
    account.wait(3600);
    assert_eq!(found(&mut account), []);
}

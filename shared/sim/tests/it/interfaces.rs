use windlass_calls::autoscaling::{GroupChange, UpdateAutoScalingGroup};
use windlass_calls::ec2::{
    CreateVpcEndpoint, DeleteNatGateway, DeleteSecurityGroup, DeleteSubnet, DeleteVpc, DeleteVpcEndpoints,
    DescribeNetworkInterfaces, DescribeVpcEndpoints, EndpointAccess, ModifyVpcAttribute, ModifyVpcEndpoint,
    NetworkInterface, TerminateInstances,
};
use windlass_calls::elb::{DeleteLoadBalancer, SetSubnets};
use windlass_calls::{Class, Filters};
use windlass_sim::WorldConfig;

use crate::account::{Account, Network, tagged, tags};

fn interfaces(account: &mut Account, filter: &str, value: &str) -> Vec<NetworkInterface> {
    account.call(DescribeNetworkInterfaces {
        filters: Filters::from([(filter.into(), vec![value.into()])]),
    })
}

fn dependency() -> (String, Class) {
    ("DependencyViolation".to_owned(), Class::NotYet)
}

fn access(subnets: &[String], groups: &[String]) -> EndpointAccess {
    EndpointAccess::Interface {
        subnets: subnets.to_vec(),
        security_groups: groups.to_vec(),
    }
}

/// An interface endpoint in the first private subnet.
fn endpoint(account: &mut Account, network: &Network) -> String {
    account.call(ModifyVpcAttribute {
        vpc: network.vpc.clone(),
        dns_hostnames: true,
    });
    account
        .call(CreateVpcEndpoint {
            vpc: network.vpc.clone(),
            service: "com.amazonaws.us-east-1.ssm".into(),
            access: access(&network.private[..1], std::slice::from_ref(&network.group)),
            token: "ssm".into(),
            tags: tags("vpc-endpoint"),
        })
        .id
}

fn endpoint_state(account: &mut Account) -> Option<String> {
    let found = account.call(DescribeVpcEndpoints {
        filters: tagged("vpc-endpoint"),
    });
    found.into_iter().next().map(|endpoint| endpoint.state)
}

#[test]
fn a_load_balancer_has_an_interface_in_each_of_its_subnets() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    account.front(&network);
    let found = interfaces(&mut account, "description", "ELB app/web/*");
    let subnets: Vec<_> = found.iter().map(|it| it.subnet.clone()).collect();
    assert_eq!(subnets, network.public);
    assert!(
        found
            .iter()
            .all(|it| it.managed && it.security_groups == [network.group.clone()])
    );
    assert_ne!(found[0].id, found[1].id);
    let subnet = DeleteSubnet {
        subnet: network.public[0].clone(),
    };
    assert_eq!(account.code(subnet), dependency());
}

#[test]
fn the_interfaces_of_a_load_balancer_outlive_it_for_a_while() {
    let mut account = Account::with(WorldConfig {
        interface_delay: jiff::SignedDuration::from_secs(90),
        ..WorldConfig::default()
    });
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.call(DeleteLoadBalancer {
        load_balancer: front.balancer,
    });
    account.wait(89);
    assert_eq!(interfaces(&mut account, "description", "ELB app/web/*").len(), 2);
    let group = DeleteSecurityGroup { group: network.group };
    assert_eq!(account.code(group.clone()), dependency());
    account.wait(1);
    assert_eq!(interfaces(&mut account, "description", "ELB *"), []);
    account.call(group);
}

#[test]
fn a_load_balancer_leaves_an_interface_in_a_subnet_it_is_taken_out_of() {
    let mut account = Account::new();
    let network = account.network(&["a", "b", "c"]);
    let front = account.front(&network);
    account.call(SetSubnets {
        load_balancer: front.balancer,
        subnets: network.public[..2].to_vec(),
    });
    assert_eq!(interfaces(&mut account, "description", "ELB *").len(), 3);
    account.wait(30);
    assert_eq!(interfaces(&mut account, "description", "ELB *").len(), 2);
}

#[test]
fn a_nat_gateway_has_an_interface_until_it_is_deleted() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let description = format!("Interface for NAT Gateway {}", network.nats[0]);
    let found = interfaces(&mut account, "description", &description);
    assert_eq!((found.len(), found[0].managed), (1, true));
    let subnet = DeleteSubnet {
        subnet: network.public[0].clone(),
    };
    account.call(DeleteNatGateway {
        nat_gateway: network.nats[0].clone(),
    });
    account.wait(59);
    assert_eq!(account.code(subnet.clone()), dependency());
    account.wait(1);
    account.call(subnet);
}

#[test]
fn an_interface_endpoint_is_deleting_for_a_while_with_its_interfaces() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let id = endpoint(&mut account, &network);
    let description = format!("VPC Endpoint Interface {id}");
    assert_eq!(interfaces(&mut account, "description", &description).len(), 1);
    let delete = DeleteVpcEndpoints { endpoints: vec![id] };
    account.call(delete.clone());
    assert_eq!(endpoint_state(&mut account).as_deref(), Some("deleting"));
    assert!(
        account
            .world
            .inventory()
            .iter()
            .all(|live| live.kind != "vpc-endpoint")
    );
    account.wait(29);
    let group = DeleteSecurityGroup {
        group: network.group.clone(),
    };
    assert_eq!(account.code(group.clone()), dependency());
    account.wait(1);
    assert_eq!(endpoint_state(&mut account).as_deref(), Some("deleted"));
    assert_eq!(
        account.code(delete),
        ("InvalidVpcEndpointId.NotFound".to_owned(), Class::Gone)
    );
    account.call(group);
}

#[test]
fn a_gateway_endpoint_is_deleted_at_once_and_lets_go_of_its_vpc() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let id = account
        .call(CreateVpcEndpoint {
            vpc: vpc.clone(),
            service: "com.amazonaws.us-east-1.s3".into(),
            access: EndpointAccess::Gateway {
                route_tables: Vec::new(),
            },
            token: "s3".into(),
            tags: tags("vpc-endpoint"),
        })
        .id;
    let delete = DeleteVpc { vpc };
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DeleteVpcEndpoints { endpoints: vec![id] });
    assert_eq!(endpoint_state(&mut account).as_deref(), Some("deleted"));
    account.call(delete);
}

#[test]
fn an_endpoint_can_be_moved_to_other_subnets_of_other_zones() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let endpoint = endpoint(&mut account, &network);
    let modify = |add: &[String], remove: &[String]| ModifyVpcEndpoint {
        endpoint: endpoint.clone(),
        add: access(add, &[]),
        remove: access(remove, &[]),
    };
    assert_eq!(
        account.code(modify(&network.public[..1], &[])).0,
        "DuplicateSubnetsInSameZone"
    );
    account.call(modify(&network.public[..1], &network.private[..1]));
    account.call(modify(&network.private[1..], &network.private[..1]));
    let found = account.call(DescribeVpcEndpoints {
        filters: tagged("vpc-endpoint"),
    });
    let mut subnets = vec![network.public[0].clone(), network.private[1].clone()];
    subnets.sort();
    assert_eq!(
        found[0].access,
        access(&subnets, std::slice::from_ref(&network.group))
    );
    assert_eq!(
        account.code(modify(&["subnet-0".into()], &[])).0,
        "InvalidSubnetId.NotFound"
    );
}

#[test]
fn a_gateway_endpoint_can_be_moved_to_other_route_tables_and_never_becomes_an_interface() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let gateway = |tables: &[String]| EndpointAccess::Gateway {
        route_tables: tables.to_vec(),
    };
    let endpoint = account
        .call(CreateVpcEndpoint {
            vpc: network.vpc.clone(),
            service: "com.amazonaws.us-east-1.s3".into(),
            access: gateway(&network.private_tables[..1]),
            token: "s3".into(),
            tags: tags("vpc-endpoint"),
        })
        .id;
    let modify = ModifyVpcEndpoint {
        endpoint,
        add: gateway(&network.private_tables),
        remove: gateway(&[]),
    };
    account.call(modify.clone());
    account.call(modify.clone());
    let found = account.call(DescribeVpcEndpoints {
        filters: tagged("vpc-endpoint"),
    });
    assert_eq!(found[0].access, gateway(&network.private_tables));
    let other = ModifyVpcEndpoint {
        add: access(&network.private, &[]),
        ..modify.clone()
    };
    assert_eq!(account.code(other).0, "InvalidParameter");
    let missing = ModifyVpcEndpoint {
        endpoint: "vpce-0".into(),
        ..modify
    };
    assert_eq!(account.code(missing).0, "InvalidVpcEndpointId.NotFound");
}

#[test]
fn an_instance_has_an_interface_until_it_is_terminated() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    let found = interfaces(&mut account, "group-id", &network.group);
    let of_instances: Vec<_> = found.iter().filter(|it| it.instance.is_some()).collect();
    assert_eq!(of_instances.len(), 3);
    assert!(
        of_instances
            .iter()
            .all(|it| !it.managed && it.description.is_empty())
    );
    account.call(UpdateAutoScalingGroup {
        group: "web".into(),
        change: Box::new(GroupChange {
            min: Some(0),
            desired: Some(0),
            ..GroupChange::default()
        }),
    });
    let subnet = DeleteSubnet {
        subnet: network.private[0].clone(),
    };
    account.wait(300);
    assert_eq!(account.code(subnet.clone()), dependency(), "it shuts down");
    account.wait(30);
    account.call(subnet);
}

#[test]
fn a_terminated_instance_shuts_down_and_is_shown_for_an_hour() {
    let mut account = Account::new();
    account.stack();
    let id = account.web().instances[0].id.clone();
    let terminate = TerminateInstances { instance: id.clone() };
    account.call(terminate.clone());
    account.call(terminate.clone());
    account.wait(3600);
    let missing = ("InvalidInstanceID.NotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(terminate), missing);
    assert!(account.web().instances.iter().all(|instance| instance.id != id));
}

#[test]
fn somebody_elses_interface_keeps_a_subnet_until_it_is_taken_away() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.0.0/24", "a");
    let id = account.world.add_interface(&subnet, "a database").unwrap();
    let found = interfaces(&mut account, "subnet-id", &subnet);
    assert_eq!((found.len(), &found[0].id, found[0].managed), (1, &id, false));
    assert_eq!(interfaces(&mut account, "vpc-id", &vpc), found);
    assert_eq!(interfaces(&mut account, "tag:windlass:stack", "dev/web"), []);
    let delete = DeleteSubnet {
        subnet: subnet.clone(),
    };
    assert_eq!(account.code(delete.clone()), dependency());
    assert!(account.world.remove_interface(&id));
    assert!(!account.world.remove_interface(&id));
    account.call(delete);
    assert_eq!(account.world.add_interface(&subnet, "a database"), None);
}

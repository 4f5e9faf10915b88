use windlass_calls::ec2::{
    AllocateAddress, AttachInternetGateway, AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress,
    CreateRoute, CreateTags, DeleteInternetGateway, DeleteLaunchTemplate, DeleteNatGateway, DeleteRoute,
    DeleteRouteTable, DeleteSecurityGroup, DeleteSubnet, DeleteVpc, DescribeAddresses,
    DescribeLaunchTemplates, DescribeNatGateways, DescribeRouteTables, DescribeVpcs, DetachInternetGateway,
    DisassociateRouteTable, Peer, ReleaseAddress, ReplaceRoute, RevokeSecurityGroupEgress,
    RevokeSecurityGroupIngress, RouteTarget, Rule,
};
use windlass_calls::elb::DeleteLoadBalancer;
use windlass_calls::{Class, Filters, Tags};
use windlass_sim::WorldConfig;

use crate::account::{Account, Network, tagged, tags, template};

fn dependency() -> (String, Class) {
    ("DependencyViolation".to_owned(), Class::NotYet)
}

fn gone(code: &str) -> (String, Class) {
    (code.to_owned(), Class::Gone)
}

fn allocation(account: &mut Account) -> String {
    account
        .call(DescribeAddresses {
            filters: Filters::new(),
        })
        .remove(0)
        .allocation
}

fn nat_state(account: &mut Account) -> Option<String> {
    let found = account.call(DescribeNatGateways {
        filters: tagged("nat-gateway"),
    });
    found.into_iter().next().map(|nat| nat.state)
}

fn delete_nat(network: &Network) -> DeleteNatGateway {
    DeleteNatGateway {
        nat_gateway: network.nats[0].clone(),
    }
}

fn detach(network: &Network) -> DetachInternetGateway {
    DetachInternetGateway {
        internet_gateway: network.gateway.clone(),
        vpc: network.vpc.clone(),
    }
}

/// Detaches the route tables of all subnets and deletes them.
fn delete_tables(account: &mut Account) {
    let tables = account.call(DescribeRouteTables {
        filters: Filters::new(),
    });
    for table in tables {
        for association in table.associations {
            account.call(DisassociateRouteTable {
                association: association.id,
            });
        }
        account.call(DeleteRouteTable {
            route_table: table.id,
        });
    }
}

#[test]
fn a_nat_gateway_is_deleting_for_a_minute_and_shown_as_deleted_for_an_hour() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    account.wait(100);
    account.call(delete_nat(&network));
    assert_eq!(nat_state(&mut account).as_deref(), Some("deleting"));
    account.call(delete_nat(&network));
    account.wait(60);
    assert_eq!(nat_state(&mut account).as_deref(), Some("deleted"));
    assert_eq!(account.code(delete_nat(&network)), gone("NatGatewayNotFound"));
    account.wait(3600);
    assert_eq!(nat_state(&mut account), None);
}

#[test]
fn a_failed_nat_gateway_is_deleted_at_once() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.0.0/24", "a");
    let address = account.address();
    let nat_gateway = account.nat(&subnet, &address, "nat");
    account.wait(10);
    assert_eq!(nat_state(&mut account).as_deref(), Some("failed"));
    account.call(DeleteNatGateway { nat_gateway });
    assert_eq!(nat_state(&mut account).as_deref(), Some("deleted"));
}

#[test]
fn an_address_is_in_use_until_its_nat_gateway_is_deleted() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let release = ReleaseAddress {
        allocation: allocation(&mut account),
    };
    let in_use = ("InvalidIPAddress.InUse".to_owned(), Class::NotYet);
    assert_eq!(account.code(release.clone()), in_use);
    account.wait(100);
    account.call(delete_nat(&network));
    account.wait(59);
    assert_eq!(account.code(release.clone()), in_use);
    account.wait(1);
    account.call(release.clone());
    assert_eq!(account.code(release), gone("InvalidAllocationID.NotFound"));
    account.call(AllocateAddress { tags: Tags::new() });
}

#[test]
fn a_delay_of_nat_gateways_can_be_set() {
    let mut account = Account::with(WorldConfig {
        nat_delete_delay: jiff::SignedDuration::from_secs(5),
        ..WorldConfig::default()
    });
    let network = account.network(&["a"]);
    account.call(delete_nat(&network));
    account.wait(5);
    assert_eq!(nat_state(&mut account).as_deref(), Some("deleted"));
}

#[test]
fn a_route_can_be_deleted_once_and_the_local_one_never() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let delete = DeleteRoute {
        route_table: network.private_tables[0].clone(),
        destination: "0.0.0.0/0".into(),
    };
    account.call(delete.clone());
    assert_eq!(account.code(delete.clone()), gone("InvalidRoute.NotFound"));
    let local = DeleteRoute {
        destination: "10.0.0.0/16".into(),
        ..delete
    };
    assert_eq!(account.code(local).0, "InvalidParameterValue");
}

#[test]
fn a_route_that_is_there_can_be_sent_elsewhere() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let replace = ReplaceRoute {
        route_table: network.private_tables[0].clone(),
        destination: "0.0.0.0/0".into(),
        target: RouteTarget::NatGateway(network.nats[1].clone()),
    };
    account.call(replace.clone());
    let tables = account.call(DescribeRouteTables {
        filters: Filters::new(),
    });
    let table = tables
        .iter()
        .find(|table| table.id == replace.route_table)
        .unwrap();
    assert_eq!(table.routes[1].target, Some(replace.target.clone()));
    let missing = ReplaceRoute {
        destination: "192.168.0.0/16".into(),
        ..replace.clone()
    };
    assert_eq!(account.code(missing).0, "InvalidParameterValue");
    let nowhere = ReplaceRoute {
        target: RouteTarget::NatGateway("nat-0".into()),
        ..replace
    };
    assert_eq!(account.code(nowhere).0, "InvalidNatGatewayID.NotFound");
}

#[test]
fn a_route_table_that_a_subnet_uses_stays() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let route_table = network.private_tables[0].clone();
    let delete = DeleteRouteTable {
        route_table: route_table.clone(),
    };
    assert_eq!(account.code(delete.clone()), dependency());
    let tables = account.call(DescribeRouteTables {
        filters: Filters::new(),
    });
    let table = tables.iter().find(|table| table.id == route_table).unwrap();
    let release = DisassociateRouteTable {
        association: table.associations[0].id.clone(),
    };
    account.call(release.clone());
    assert_eq!(account.code(release), gone("InvalidAssociationID.NotFound"));
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidRouteTableID.NotFound"));
}

#[test]
fn a_subnet_takes_its_association_with_it() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let delete = DeleteSubnet {
        subnet: network.private[0].clone(),
    };
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidSubnetID.NotFound"));
    account.call(DeleteRouteTable {
        route_table: network.private_tables[0].clone(),
    });
}

#[test]
fn a_security_group_that_a_rule_of_another_names_stays() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let (one, other) = (account.group(&vpc, "one"), account.group(&vpc, "other"));
    let rule = Rule::tcp(80, Peer::Group(one.clone()));
    account.call(AuthorizeSecurityGroupIngress {
        group: other.clone(),
        rule: rule.clone(),
    });
    let delete = DeleteSecurityGroup { group: one.clone() };
    assert_eq!(account.code(delete.clone()), dependency());
    let revoke = RevokeSecurityGroupIngress {
        group: other.clone(),
        rule,
    };
    account.call(revoke.clone());
    assert_eq!(account.code(revoke), gone("InvalidPermission.NotFound"));
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidGroup.NotFound"));
}

#[test]
fn a_rule_that_names_its_own_group_keeps_nothing() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let group = account.group(&vpc, "one");
    let rule = Rule::tcp(80, Peer::Group(group.clone()));
    account.call(AuthorizeSecurityGroupEgress {
        group: group.clone(),
        rule,
    });
    let everything = RevokeSecurityGroupEgress {
        group: group.clone(),
        rule: Rule::everything(),
    };
    account.call(everything.clone());
    assert_eq!(account.code(everything), gone("InvalidPermission.NotFound"));
    account.call(DeleteSecurityGroup { group });
}

#[test]
fn a_launch_template_does_not_keep_the_security_group_it_names() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let group = account.group(&vpc, "instances");
    let launch_template = account.call(template("web", &group)).id;
    account.call(DeleteSecurityGroup { group });
    let delete = DeleteLaunchTemplate { launch_template };
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidLaunchTemplateId.NotFound"));
    let templates = account.call(DescribeLaunchTemplates {
        filters: Filters::new(),
    });
    assert_eq!(templates, []);
}

#[test]
fn an_internet_gateway_stays_attached_while_a_nat_gateway_has_an_address() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    account.wait(100);
    assert_eq!(account.code(detach(&network)), dependency());
    account.call(delete_nat(&network));
    account.wait(59);
    assert_eq!(account.code(detach(&network)), dependency());
    account.wait(1);
    account.call(detach(&network));
    assert_eq!(account.code(detach(&network)), gone("Gateway.NotAttached"));
}

#[test]
fn an_internet_gateway_stays_attached_while_a_load_balancer_has_interfaces() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    account.wait(200);
    for nat in &network.nats {
        account.world.delete(nat);
    }
    assert_eq!(account.code(detach(&network)), dependency());
    account.call(DeleteLoadBalancer {
        load_balancer: front.balancer,
    });
    account.wait(29);
    assert_eq!(account.code(detach(&network)), dependency());
    account.wait(1);
    account.call(detach(&network));
}

#[test]
fn an_attached_internet_gateway_stays() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let internet_gateway = account.attached_gateway(&vpc);
    let delete = DeleteInternetGateway {
        internet_gateway: internet_gateway.clone(),
    };
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DetachInternetGateway {
        internet_gateway: internet_gateway.clone(),
        vpc: vpc.clone(),
    });
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidInternetGatewayID.NotFound"));
    let attach = AttachInternetGateway {
        internet_gateway,
        vpc,
    };
    assert_eq!(account.code(attach).0, "InvalidInternetGatewayID.NotFound");
}

#[test]
fn a_vpc_that_is_not_empty_stays() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let delete = DeleteVpc { vpc: vpc.clone() };
    let subnet = account.subnet(&vpc, "10.0.0.0/24", "a");
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DeleteSubnet { subnet });
    let route_table = account.table(&vpc, "table");
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DeleteRouteTable { route_table });
    let group = account.group(&vpc, "one");
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DeleteSecurityGroup { group });
    let internet_gateway = account.attached_gateway(&vpc);
    assert_eq!(account.code(delete.clone()), dependency());
    account.call(DetachInternetGateway {
        internet_gateway,
        vpc,
    });
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone("InvalidVpcID.NotFound"));
}

#[test]
fn a_whole_network_can_be_deleted_in_order() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    account.wait(100);
    for nat in &network.nats {
        account.call(DeleteNatGateway {
            nat_gateway: nat.clone(),
        });
    }
    account.wait(60);
    for _ in 0..2 {
        let allocation = allocation(&mut account);
        account.call(ReleaseAddress { allocation });
    }
    account.call(DeleteSecurityGroup {
        group: network.group.clone(),
    });
    delete_tables(&mut account);
    for subnet in network.public.iter().chain(&network.private) {
        account.call(DeleteSubnet {
            subnet: subnet.clone(),
        });
    }
    account.call(detach(&network));
    account.call(DeleteInternetGateway {
        internet_gateway: network.gateway.clone(),
    });
    account.call(DeleteVpc {
        vpc: network.vpc.clone(),
    });
    assert_eq!(account.world.inventory(), []);
}

#[test]
fn what_was_deleted_cannot_be_named_any_more() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.call(DeleteVpc { vpc: vpc.clone() });
    assert_eq!(
        account.call(DescribeVpcs {
            filters: Filters::new()
        }),
        []
    );
    let tag = CreateTags {
        resources: vec![vpc],
        tags: tags("vpc"),
    };
    assert_eq!(account.code(tag), gone("InvalidVpcID.NotFound"));
    let route = CreateRoute {
        route_table: "rtb-0".into(),
        destination: "0.0.0.0/0".into(),
        target: RouteTarget::InternetGateway("igw-0".into()),
    };
    assert_eq!(account.code(route), gone("InvalidRouteTableID.NotFound"));
}

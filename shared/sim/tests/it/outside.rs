use std::collections::{BTreeMap, BTreeSet};

use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_calls::cloudwatch::PutDashboard;
use windlass_calls::ec2::{
    CreateVpcEndpoint, DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups, EndpointAccess,
    Image, Peer, RouteTarget, Rule,
};
use windlass_calls::elb::DescribeLoadBalancers;
use windlass_calls::iam::CreateInstanceProfile;
use windlass_calls::logs::CreateLogGroup;
use windlass_calls::sns::CreateTopic;

use crate::account::{Account, tagged, tags};

#[test]
fn the_inventory_lists_every_kind_with_its_tags() {
    let mut account = Account::new();
    account.stack();
    let mut counts = BTreeMap::new();
    for live in account.world.inventory() {
        assert_eq!(live.tags["windlass:stack"], "dev/web", "{live:?}");
        *counts.entry(live.kind).or_insert(0) += 1;
    }
    let expected = [
        ("vpc", 1),
        ("subnet", 6),
        ("internet-gateway", 1),
        ("address", 3),
        ("nat-gateway", 3),
        ("route-table", 6),
        ("security-group", 1),
        ("launch-template", 1),
        ("load-balancer", 1),
        ("target-group", 1),
        ("listener", 1),
        ("auto-scaling-group", 1),
        ("instance", 3),
        ("iam-role", 1),
        ("instance-profile", 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn every_resource_can_be_deleted_behind_our_back() {
    let mut account = Account::new();
    let (network, _) = account.stack();
    account.call(CreateVpcEndpoint {
        vpc: network.vpc,
        service: "com.amazonaws.us-east-1.s3".into(),
        access: EndpointAccess::Gateway {
            route_tables: network.private_tables,
        },
        token: "s3".into(),
        tags: tags("vpc-endpoint"),
    });
    account.call(CreateTopic {
        name: "web".into(),
        tags: tags("topic"),
    });
    account.call(CreateLogGroup {
        name: "/windlass/dev/web".into(),
        tags: tags("log-group"),
    });
    account.call(PutDashboard {
        name: "web".into(),
        body: r#"{"widgets": []}"#.into(),
    });
    let kinds: BTreeSet<_> = account
        .world
        .inventory()
        .into_iter()
        .map(|live| live.kind)
        .collect();
    for kind in ["vpc-endpoint", "topic", "log-group", "dashboard"] {
        assert!(kinds.contains(kind), "{kind}");
    }
    for live in account.world.inventory() {
        account.world.delete(&live.id);
    }
    assert_eq!(account.world.inventory(), []);
    assert!(!account.world.delete("vpc-00000001"));
}

#[test]
fn what_has_one_name_goes_together_or_one_by_one() {
    let mut account = Account::new();
    account.profile();
    assert!(!account.world.delete_one("alarm", "instance"));
    assert!(!account.world.delete_one("colour", "instance"));
    assert!(account.world.delete_one("instance-profile", "instance"));
    assert_eq!(account.world.inventory()[0].kind, "iam-role");
    account.call(CreateInstanceProfile {
        name: "instance".into(),
        tags: tags("instance-profile"),
    });
    assert!(account.world.delete("instance"));
    assert_eq!(account.world.inventory(), []);
}

#[test]
fn a_deleted_nat_gateway_is_shown_as_deleted_and_its_routes_lead_nowhere() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    account.wait(100);
    assert!(account.world.delete(&network.nats[0]));
    assert_eq!(
        account.call(DescribeNatGateways {
            filters: tagged("nat-gateway")
        })[0]
            .state,
        "deleted"
    );
    let tables = account.call(DescribeRouteTables {
        filters: tagged("route-table"),
    });
    let table = tables
        .iter()
        .find(|table| table.id == network.private_tables[0])
        .unwrap();
    let route = table.routes.iter().find(|route| route.target.is_some()).unwrap();
    assert_eq!(
        route.target,
        Some(RouteTarget::NatGateway(network.nats[0].clone()))
    );
    assert_eq!(route.state, "blackhole");
}

#[test]
fn a_deleted_group_takes_its_instances_and_a_load_balancer_its_listeners() {
    let mut account = Account::new();
    let (_, front) = account.stack();
    assert!(account.world.delete("web"));
    assert!(
        account
            .call(DescribeAutoScalingGroups {
                names: vec!["web".into()]
            })
            .is_empty()
    );
    assert!(account.world.delete(&front.balancer));
    assert_eq!(
        account
            .code(DescribeLoadBalancers {
                name: Some("web".into())
            })
            .0,
        "LoadBalancerNotFound"
    );
    let kinds: Vec<_> = account
        .world
        .inventory()
        .into_iter()
        .map(|live| live.kind)
        .collect();
    assert!(!kinds.contains(&"instance") && !kinds.contains(&"listener"));
}

#[test]
fn routes_associations_and_rules_can_drift() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    assert!(
        account
            .world
            .delete_route(&network.private_tables[0], "0.0.0.0/0")
    );
    assert!(
        !account
            .world
            .delete_route(&network.private_tables[0], "0.0.0.0/0")
    );
    assert!(account.world.disassociate(&network.public[0]));
    assert!(!account.world.disassociate(&network.public[0]));
    assert!(account.world.delete_rule(&network.group, &Rule::everything()));
    assert!(
        !account
            .world
            .delete_rule(&network.group, &Rule::tcp(80, Peer::Cidr("0.0.0.0/0".into())))
    );
    let groups = account.call(DescribeSecurityGroups {
        filters: tagged("security-group"),
    });
    assert!(groups[0].egress.is_empty());
    assert!(account.world.delete(&network.gateway));
}

#[test]
fn a_new_image_can_be_published() {
    let mut account = Account::new();
    let image = Image {
        id: "ami-1".into(),
        architecture: "arm64".into(),
        root_device: "/dev/xvda".into(),
    };
    account.world.register_image(image.clone());
    let call = windlass_calls::ec2::DescribeImages {
        images: vec!["ami-1".into()],
    };
    assert_eq!(account.call(call), [image]);
}

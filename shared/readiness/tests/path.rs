//! The path of a health check, and the way to the internet, link by link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use serde_json::{Value, json};
use windlass_calls::ec2;
use windlass_readiness::cause::network::{Network, Rule, SecurityGroup};
use windlass_readiness::cause::path::{Path, to_instance, to_internet};

/// The network that Windlass makes, as far as a check of port 80 is concerned.
fn network() -> Value {
    json!({
        "balancerGroups": [{"id": "sg-b", "egress": [rule(80, 80, &json!({"group": "sg-i"}))]}],
        "instanceGroups": [{
            "id": "sg-i",
            "ingress": [rule(80, 80, &json!({"group": "sg-b"}))],
            "egress": [{"protocol": "-1", "peer": {"cidr": "0.0.0.0/0"}}]
        }],
        "balancerSubnets": [
            {"id": "subnet-1", "vpc": "vpc-1", "cidr": "10.0.0.0/24", "zone": "us-east-1a"},
            {"id": "subnet-2", "vpc": "vpc-1", "cidr": "10.0.1.0/24", "zone": "us-east-1b"}
        ],
        "subnet": {"id": "subnet-3", "vpc": "vpc-1", "cidr": "10.0.16.0/20", "zone": "us-east-1a"},
        "routeTable": {"id": "rtb-1", "routes": [
            {"destination": "10.0.0.0/16", "state": "active"},
            {"destination": "0.0.0.0/0", "target": "nat-1", "state": "active"}
        ]},
        "natGateways": [{"id": "nat-1", "state": "available"}]
    })
}

fn rule(first: u16, last: u16, peer: &Value) -> Value {
    json!({"protocol": "tcp", "ports": [first, last], "peer": peer})
}

/// The network with one part changed.
fn with(pointer: &str, part: Value) -> Network {
    let mut network = network();
    *network.pointer_mut(pointer).unwrap() = part;
    serde_json::from_value(network).unwrap()
}

fn words(path: Path) -> String {
    match path {
        Path::Closed(closed) => closed.words,
        open => panic!("{open:?}"),
    }
}

#[test]
fn what_windlass_makes_is_open_both_ways() {
    let network: Network = serde_json::from_value(network()).unwrap();
    assert_eq!(to_instance(&network, 80), Path::Open);
    assert_eq!(to_internet(&network), Path::Open);
}

#[rstest]
#[case::no_outbound_rule("/balancerGroups/0/egress", json!([]), "no outbound rule of the load balancer's security group (sg-b) lets TCP port 80")]
#[case::another_port("/balancerGroups/0/egress/0/ports", json!([81, 90]), "no outbound rule of the load balancer's")]
#[case::another_group("/balancerGroups/0/egress/0/peer/group", json!("sg-x"), "no outbound rule of the load balancer's")]
#[case::another_range("/balancerGroups/0/egress/0/peer", json!({"cidr": "10.9.0.0/16"}), "no outbound rule of the load balancer's")]
#[case::udp("/instanceGroups/0/ingress/0/protocol", json!("udp"), "no inbound rule of the instance's security group (sg-i) lets TCP port 80")]
#[case::no_inbound_rule("/instanceGroups/0/ingress", json!([]), "no inbound rule of the instance's")]
#[case::another_zone("/subnet/zone", json!("us-east-1f"), "the load balancer has no subnet in us-east-1f")]
#[case::another_vpc("/subnet/vpc", json!("vpc-2"), "the instance is in VPC vpc-2, and the load balancer in VPC vpc-1")]
#[case::blackhole("/routeTable/routes/1", json!({"destination": "10.0.1.0/24", "state": "blackhole"}), "route table rtb-1 sends answers to 10.0.1.0/24")]
fn a_closed_link_is_named(#[case] pointer: &str, #[case] part: Value, #[case] expected: &str) {
    let words = words(to_instance(&with(pointer, part), 80));
    assert!(words.starts_with(expected), "{words}");
}

#[rstest]
#[case::range_around_it("/instanceGroups/0/ingress/0/peer", json!({"cidr": "10.0.0.0/16"}), Path::Open)]
#[case::range_within_it("/instanceGroups/0/ingress/0/peer", json!({"cidr": "10.0.0.7/32"}), Path::Unknown)]
#[case::no_range_at_all("/instanceGroups/0/ingress/0/peer", json!({"cidr": "pl-1"}), Path::Unknown)]
#[case::everything("/instanceGroups/0/ingress/0", json!({"protocol": "-1", "peer": {"group": "sg-b"}}), Path::Open)]
#[case::groups_not_asked("/balancerGroups", Value::Null, Path::Unknown)]
#[case::subnet_not_asked("/subnet", Value::Null, Path::Unknown)]
#[case::routes_not_asked("/routeTable", Value::Null, Path::Unknown)]
#[case::a_route_to_elsewhere_is_gone("/routeTable/routes/1/state", json!("blackhole"), Path::Open)]
fn what_does_not_decide_is_not_called_closed(
    #[case] pointer: &str,
    #[case] part: Value,
    #[case] expected: Path,
) {
    assert_eq!(to_instance(&with(pointer, part), 80), expected);
}

#[rstest]
#[case::no_route("/routeTable/routes", json!([]), "route table rtb-1 has no default route")]
#[case::gone("/routeTable/routes/1/state", json!("blackhole"), "the default route of route table rtb-1 leads to a gateway that is gone")]
#[case::pending("/natGateways/0/state", json!("pending"), "NAT gateway nat-1 is pending, not available")]
#[case::no_outbound_rule("/instanceGroups/0/egress", json!([]), "no outbound rule of the instance's security group (sg-i) lets TCP port 443 out")]
fn a_closed_way_out_is_named(#[case] pointer: &str, #[case] part: Value, #[case] expected: &str) {
    assert_eq!(words(to_internet(&with(pointer, part))), expected);
}

#[rstest]
#[case::gateways_not_asked("/natGateways", Value::Null, Path::Unknown)]
#[case::an_internet_gateway("/routeTable/routes/1/target", json!("igw-1"), Path::Open)]
#[case::another_kind_of_target("/routeTable/routes/1/target", Value::Null, Path::Unknown)]
fn a_way_out_that_is_not_known_is_not_called_closed(
    #[case] pointer: &str,
    #[case] part: Value,
    #[case] expected: Path,
) {
    assert_eq!(to_internet(&with(pointer, part)), expected);
}

#[test]
fn an_empty_description_decides_nothing() {
    assert_eq!(to_instance(&Network::default(), 80), Path::Unknown);
    assert_eq!(to_internet(&Network::default()), Path::Unknown);
}

#[test]
fn the_calls_answers_are_taken_over() {
    let group = ec2::SecurityGroup {
        id: "sg-1".into(),
        name: "instances".into(),
        vpc: "vpc-1".into(),
        ingress: vec![ec2::Rule::tcp(80, ec2::Peer::Group("sg-2".into()))],
        egress: vec![ec2::Rule::everything()],
        tags: std::collections::BTreeMap::new(),
    };
    let taken = SecurityGroup::from(&group);
    let expected: Rule = serde_json::from_value(rule(80, 80, &json!({"group": "sg-2"}))).unwrap();
    assert_eq!(
        (taken.id.as_str(), taken.ingress.as_slice()),
        ("sg-1", [expected].as_slice())
    );
}

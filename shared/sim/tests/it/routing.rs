use rstest::rstest;
use windlass_calls::ec2::{
    AssociateRouteTable, AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress, CreateRoute,
    CreateSecurityGroup, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, DescribeRouteTables,
    DescribeSecurityGroups, Peer, RevokeSecurityGroupEgress, RouteTarget, Rule,
};
use windlass_calls::{Class, Filters, Tags};

use crate::account::{Account, tagged, template};

fn route(route_table: &str, target: RouteTarget) -> CreateRoute {
    CreateRoute {
        route_table: route_table.into(),
        destination: "0.0.0.0/0".into(),
        target,
    }
}

#[test]
fn a_route_table_starts_with_the_local_route() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.table(&vpc, "t");
    let tables = account.call(DescribeRouteTables {
        filters: tagged("route-table"),
    });
    let route = &tables[0].routes[0];
    assert_eq!(
        (route.destination.as_str(), &route.target),
        ("10.0.0.0/16", &None)
    );
}

#[test]
fn a_second_route_to_the_same_destination_exists_already() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let gateway = RouteTarget::InternetGateway(account.attached_gateway(&vpc));
    let table = account.table(&vpc, "t");
    account.call(route(&table, gateway.clone()));
    let again = account.code(route(&table, gateway));
    assert_eq!(again, ("RouteAlreadyExists".to_owned(), Class::Exists));
}

#[rstest]
#[case(RouteTarget::InternetGateway("igw-ffffffff".into()), "InvalidGatewayID.NotFound")]
#[case(RouteTarget::NatGateway("nat-ffffffff".into()), "InvalidNatGatewayID.NotFound")]
fn a_route_to_nothing_is_refused(#[case] target: RouteTarget, #[case] code: &str) {
    let mut account = Account::new();
    let vpc = account.vpc();
    let table = account.table(&vpc, "t");
    assert_eq!(
        account.code(route(&table, target)),
        (code.to_owned(), Class::Gone)
    );
}

#[test]
fn a_route_into_another_vpc_is_refused() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    let gateway = account.attached_gateway(&one);
    let table = account.table(&other, "t");
    let refusal = account.code(route(&table, RouteTarget::InternetGateway(gateway)));
    assert_eq!(refusal.0, "InvalidParameterValue");
}

#[test]
fn a_route_to_a_pending_nat_gateway_is_accepted_and_one_to_a_failed_one_is_not() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    let failed = account.nat(&network.public[0], "eipalloc-00000001", "twin");
    account.wait(10);
    let table = account.table(&network.vpc, "t");
    let to = |nat: &String| route(&table, RouteTarget::NatGateway(nat.clone()));
    assert_eq!(account.code(to(&failed)).0, "InvalidNatGatewayID.NotFound");
    account.call(to(&network.nats[0]));
}

#[test]
fn a_subnet_takes_one_route_table() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    let call = AssociateRouteTable {
        route_table: account.table(&vpc, "t"),
        subnet,
    };
    account.call(call.clone());
    let again = account.code(call.clone());
    assert_eq!(again, ("Resource.AlreadyAssociated".to_owned(), Class::Exists));
    let other = AssociateRouteTable {
        route_table: account.table(&vpc, "u"),
        ..call
    };
    assert_eq!(account.code(other).0, "Resource.AlreadyAssociated");
}

#[test]
fn a_route_table_of_another_vpc_is_refused() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    let subnet = account.subnet(&one, "10.0.1.0/24", "a");
    let route_table = account.table(&other, "t");
    assert_eq!(
        account.code(AssociateRouteTable { route_table, subnet }).0,
        "InvalidParameterValue"
    );
}

#[test]
fn security_group_names_are_unique_in_their_vpc_only() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    account.group(&one, "web");
    account.group(&other, "web");
    let again = account.code(CreateSecurityGroup {
        name: "web".into(),
        description: "another".into(),
        vpc: one,
        tags: Tags::new(),
    });
    assert_eq!(again, ("InvalidGroup.Duplicate".to_owned(), Class::Exists));
}

#[test]
fn a_security_group_cannot_be_called_like_an_id() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let call = CreateSecurityGroup {
        name: "sg-web".into(),
        description: String::new(),
        vpc,
        tags: Tags::new(),
    };
    assert_eq!(account.code(call).0, "InvalidParameterValue");
}

#[test]
fn a_new_security_group_lets_everything_out_until_that_rule_is_revoked() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let group = account.group(&vpc, "web");
    let filters = Filters::from([("group-name".into(), vec!["web".into()])]);
    let describe = DescribeSecurityGroups { filters };
    assert_eq!(account.call(describe.clone())[0].egress, [Rule::everything()]);
    let revoke = RevokeSecurityGroupEgress {
        group,
        rule: Rule::everything(),
    };
    account.call(revoke.clone());
    assert_eq!(account.call(describe)[0].egress, []);
    assert_eq!(
        account.code(revoke),
        ("InvalidPermission.NotFound".to_owned(), Class::Gone)
    );
}

#[test]
fn a_rule_exists_once_each_way() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let group = account.group(&vpc, "web");
    let rule = Rule::tcp(80, Peer::Cidr("0.0.0.0/0".into()));
    let inbound = AuthorizeSecurityGroupIngress {
        group: group.clone(),
        rule: rule.clone(),
    };
    let outbound = AuthorizeSecurityGroupEgress { group, rule };
    account.call(inbound.clone());
    account.call(outbound.clone());
    assert_eq!(
        account.code(inbound),
        ("InvalidPermission.Duplicate".to_owned(), Class::Exists)
    );
    assert_eq!(
        account.code(outbound),
        ("InvalidPermission.Duplicate".to_owned(), Class::Exists)
    );
}

#[test]
fn a_rule_names_a_group_of_the_same_vpc() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    let group = account.group(&one, "web");
    let foreign = account.group(&other, "web");
    let from = |peer: &str| AuthorizeSecurityGroupIngress {
        group: group.clone(),
        rule: Rule::tcp(80, Peer::Group(peer.into())),
    };
    assert_eq!(
        account.code(from("sg-ffffffff")),
        ("InvalidGroup.NotFound".to_owned(), Class::Gone)
    );
    assert_eq!(account.code(from(&foreign)).0, "InvalidGroup.NotFound");
    account.call(from(&group));
}

#[test]
fn a_rule_with_a_malformed_range_is_refused() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let group = account.group(&vpc, "web");
    let rule = Rule::tcp(80, Peer::Cidr("everywhere".into()));
    assert_eq!(
        account.code(AuthorizeSecurityGroupIngress { group, rule }).0,
        "InvalidParameterValue"
    );
}

#[test]
fn a_launch_template_keeps_what_it_was_given_as_version_1() {
    let mut account = Account::new();
    let call = template("web", "sg-1");
    let made = account.call(call.clone());
    assert_eq!((made.default_version, made.latest_version), (1, 1));
    assert_eq!(
        account.call(DescribeLaunchTemplates {
            filters: tagged("launch-template")
        }),
        *std::slice::from_ref(&made)
    );
    let versions = account.call(DescribeLaunchTemplateVersions {
        launch_template: made.id,
    });
    assert_eq!((versions[0].version, &versions[0].data), (1, &*call.data));
}

#[test]
fn a_launch_template_name_is_taken_once() {
    let mut account = Account::new();
    account.call(template("web", "sg-1"));
    let mut other = template("web", "sg-1");
    other.token = "other".into();
    let (code, class) = account.code(other);
    assert_eq!(
        (code.as_str(), class),
        ("InvalidLaunchTemplateName.AlreadyExistsException", Class::Exists)
    );
}

#[test]
fn a_missing_launch_template_is_gone() {
    let call = DescribeLaunchTemplateVersions {
        launch_template: "lt-0".into(),
    };
    let refusal = Account::new().code(call);
    assert_eq!(
        refusal,
        ("InvalidLaunchTemplateId.NotFound".to_owned(), Class::Gone)
    );
}

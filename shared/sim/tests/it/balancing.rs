use rstest::rstest;
use windlass_calls::elb::{
    Action, CreateListener, CreateLoadBalancer, DescribeListeners, DescribeLoadBalancerAttributes,
    DescribeLoadBalancers, DescribeTags, DescribeTargetGroupAttributes, DescribeTargetGroups, HealthCheck,
    ModifyLoadBalancerAttributes, ModifyTargetGroupAttributes, Protocol,
};
use windlass_calls::{Class, Tags};

use crate::account::{Account, Network, health_check, tags};

fn balancer(change: impl FnOnce(&mut CreateLoadBalancer)) -> (String, Class) {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let mut call = Account::balancer_call(&network);
    change(&mut call);
    account.code(call)
}

fn listener(account: &mut Account, network: &Network) -> CreateListener {
    CreateListener {
        load_balancer: account.call(Account::balancer_call(network)).arn,
        port: 80,
        protocol: Protocol::Http,
        action: Action::Forward(account.call(Account::target_group_call(&network.vpc)).arn),
        tags: tags("listener"),
    }
}

#[test]
fn a_load_balancer_provisions_and_then_is_active() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let made = account.call(Account::balancer_call(&network));
    assert_eq!(
        (made.state.as_str(), made.vpc.as_str()),
        ("provisioning", network.vpc.as_str())
    );
    account.wait(150);
    let found = account.call(DescribeLoadBalancers {
        name: Some("web".into()),
    });
    assert_eq!((found[0].state.as_str(), &found[0].arn), ("active", &made.arn));
}

#[test]
fn a_load_balancer_can_be_created_again_with_the_same_settings_only() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = Account::balancer_call(&network);
    let made = account.call(call.clone());
    assert_eq!(account.call(call.clone()).arn, made.arn);
    let other = CreateLoadBalancer {
        scheme: "internal".into(),
        ..call
    };
    assert_eq!(
        account.code(other),
        ("DuplicateLoadBalancerName".to_owned(), Class::Exists)
    );
}

#[rstest]
#[case::too_long("a23456789012345678901234567890123")]
#[case::empty("")]
#[case::underscore("we_b")]
#[case::hyphen_first("-web")]
#[case::hyphen_last("web-")]
#[case::reserved("internal-web")]
fn a_bad_name_is_refused(#[case] name: &str) {
    assert_eq!(balancer(|call| call.name = name.into()).0, "ValidationError");
    let mut account = Account::new();
    let vpc = account.vpc();
    let mut call = Account::target_group_call(&vpc);
    call.name = name.into();
    assert_eq!(account.code(call).0, "ValidationError");
}

#[test]
fn a_load_balancer_needs_two_zones_and_one_subnet_in_each() {
    assert_eq!(balancer(|call| call.subnets.truncate(1)).0, "ValidationError");
    assert_eq!(
        balancer(|call| call.subnets.push("subnet-00000002".into())).0,
        "InvalidConfigurationRequest"
    );
}

#[test]
fn a_load_balancer_needs_what_it_names() {
    let subnet = balancer(|call| call.subnets.push("subnet-ffffffff".into()));
    assert_eq!(subnet, ("SubnetNotFound".to_owned(), Class::Gone));
    assert_eq!(
        balancer(|call| call.security_groups.push("sg-ffffffff".into())).0,
        "InvalidSecurityGroup"
    );
    assert_eq!(balancer(|call| call.scheme = "public".into()).0, "InvalidScheme");
}

#[test]
fn a_load_balancer_that_faces_the_internet_needs_an_internet_gateway() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnets = vec![
        account.subnet(&vpc, "10.0.1.0/24", "a"),
        account.subnet(&vpc, "10.0.2.0/24", "b"),
    ];
    let call = CreateLoadBalancer {
        name: "web".into(),
        scheme: "internet-facing".into(),
        subnets,
        security_groups: Vec::new(),
        tags: Tags::new(),
    };
    assert_eq!(account.code(call.clone()).0, "InvalidSubnet");
    account.call(CreateLoadBalancer {
        scheme: "internal".into(),
        ..call
    });
}

#[test]
fn a_load_balancer_needs_subnets_of_27_bits_or_larger() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.attached_gateway(&vpc);
    let subnets = vec![
        account.subnet(&vpc, "10.0.1.0/28", "a"),
        account.subnet(&vpc, "10.0.2.0/27", "b"),
    ];
    let call = CreateLoadBalancer {
        name: "web".into(),
        scheme: "internet-facing".into(),
        subnets,
        security_groups: Vec::new(),
        tags: Tags::new(),
    };
    assert_eq!(account.code(call).0, "InvalidSubnet");
}

#[test]
fn a_target_group_can_be_created_again_with_the_same_settings_only() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let call = Account::target_group_call(&vpc);
    let made = account.call(call.clone());
    assert_eq!(account.call(call.clone()), made);
    let mut other = call;
    other.health_check.path = "/health".into();
    assert_eq!(
        account.code(other),
        ("DuplicateTargetGroupName".to_owned(), Class::Exists)
    );
}

#[test]
fn a_target_group_needs_its_vpc() {
    assert_eq!(
        Account::new().code(Account::target_group_call("vpc-ffffffff")).0,
        "ValidationError"
    );
}

#[rstest]
#[case(HealthCheck { interval: 4, timeout: 2, ..health_check() })]
#[case(HealthCheck { timeout: 15, ..health_check() })]
#[case(HealthCheck { healthy: 1, ..health_check() })]
#[case(HealthCheck { unhealthy: 11, ..health_check() })]
fn a_health_check_out_of_bounds_is_refused(#[case] health_check: HealthCheck) {
    let mut account = Account::new();
    let vpc = account.vpc();
    let mut call = Account::target_group_call(&vpc);
    call.health_check = health_check;
    assert_eq!(account.code(call).0, "ValidationError");
}

#[test]
fn a_listener_puts_its_target_group_in_use() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = listener(&mut account, &network);
    let describe = DescribeTargetGroups {
        name: Some("web".into()),
    };
    assert!(account.call(describe.clone())[0].load_balancers.is_empty());
    let made = account.call(call.clone());
    assert_eq!(
        account.call(describe)[0].load_balancers,
        *std::slice::from_ref(&call.load_balancer)
    );
    assert_eq!(
        account.call(DescribeListeners {
            load_balancer: call.load_balancer
        }),
        [made]
    );
}

#[test]
fn a_repeated_listener_is_the_same_one_and_another_on_its_port_is_a_duplicate() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = listener(&mut account, &network);
    let made = account.call(call.clone());
    assert_eq!(account.call(call.clone()), made);
    let mut other = Account::target_group_call(&network.vpc);
    other.name = "other".into();
    let action = Action::Forward(account.call(other).arn);
    let refusal = account.code(CreateListener { action, ..call });
    assert_eq!(refusal, ("DuplicateListener".to_owned(), Class::Exists));
}

#[test]
fn a_target_group_serves_one_load_balancer() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = listener(&mut account, &network);
    account.call(call.clone());
    let mut second = Account::balancer_call(&network);
    second.name = "second".into();
    let load_balancer = account.call(second).arn;
    assert_eq!(
        account
            .code(CreateListener {
                load_balancer,
                ..call
            })
            .0,
        "TargetGroupAssociationLimit"
    );
}

#[test]
fn what_a_listener_names_must_exist() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = listener(&mut account, &network);
    let no_balancer = CreateListener {
        load_balancer: "arn:none".into(),
        ..call.clone()
    };
    assert_eq!(
        account.code(no_balancer),
        ("LoadBalancerNotFound".to_owned(), Class::Gone)
    );
    let no_group = CreateListener {
        action: Action::Forward("arn:none".into()),
        ..call
    };
    assert_eq!(
        account.code(no_group),
        ("TargetGroupNotFound".to_owned(), Class::Gone)
    );
}

#[test]
fn what_was_never_created_is_gone() {
    let mut account = Account::new();
    let balancer = account.code(DescribeLoadBalancers {
        name: Some("web".into()),
    });
    assert_eq!(balancer, ("LoadBalancerNotFound".to_owned(), Class::Gone));
    let group = account.code(DescribeTargetGroups {
        name: Some("web".into()),
    });
    assert_eq!(group, ("TargetGroupNotFound".to_owned(), Class::Gone));
}

#[test]
fn attributes_start_with_awss_defaults_and_take_known_keys_only() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let of_balancer = DescribeLoadBalancerAttributes {
        load_balancer: front.balancer.clone(),
    };
    let of_group = DescribeTargetGroupAttributes {
        target_group: front.target_group.clone(),
    };
    assert_eq!(
        account.call(of_balancer.clone())["deletion_protection.enabled"],
        "false"
    );
    assert_eq!(
        account.call(of_group.clone())["deregistration_delay.timeout_seconds"],
        "300"
    );
    let drop_invalid = "routing.http.drop_invalid_header_fields.enabled";
    account.call(ModifyLoadBalancerAttributes {
        load_balancer: front.balancer,
        attributes: Tags::from([(drop_invalid.into(), "true".into())]),
    });
    account.call(ModifyTargetGroupAttributes {
        target_group: front.target_group.clone(),
        attributes: Tags::from([("deregistration_delay.timeout_seconds".into(), "60".into())]),
    });
    assert_eq!(account.call(of_balancer)[drop_invalid], "true");
    assert_eq!(
        account.call(of_group)["deregistration_delay.timeout_seconds"],
        "60"
    );
    let unknown = Tags::from([("colour".into(), "red".into())]);
    let call = ModifyTargetGroupAttributes {
        target_group: front.target_group,
        attributes: unknown,
    };
    assert_eq!(account.code(call).0, "ValidationError");
}

#[test]
fn tags_are_described_for_20_resources_at_most() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let front = account.front(&network);
    let call = DescribeListeners {
        load_balancer: front.balancer.clone(),
    };
    let listener = account.call(call).remove(0).arn;
    let resources = vec![front.balancer.clone(), front.target_group, listener];
    let described = account.call(DescribeTags { resources });
    let names: Vec<_> = described
        .iter()
        .map(|one| one.tags["windlass:resource"].as_str())
        .collect();
    assert_eq!(names, ["load-balancer", "target-group", "listener"]);
    assert_eq!(
        account
            .code(DescribeTags {
                resources: vec![front.balancer; 21]
            })
            .0,
        "ValidationError"
    );
    let missing = vec!["arn:aws:elasticloadbalancing:x:y:listener/none".into()];
    assert_eq!(
        account.code(DescribeTags { resources: missing }).0,
        "ListenerNotFound"
    );
}

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/1";
const POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

fn https(certificate: &str, policy: &str) -> Protocol {
    Protocol::Https {
        certificate: certificate.into(),
        policy: policy.into(),
    }
}

#[test]
fn all_load_balancers_are_described_without_a_name() {
    let mut account = Account::new();
    let all = DescribeLoadBalancers { name: None };
    assert!(account.call(all.clone()).is_empty());
    let network = account.network(&["a", "b"]);
    let mut call = Account::balancer_call(&network);
    account.call(call.clone());
    call.name = "second".into();
    account.call(call);
    let names: Vec<_> = account.call(all).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["second", "web"]);
}

#[test]
fn a_listener_speaks_https_with_its_certificate() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = CreateListener {
        port: 443,
        protocol: https(CERTIFICATE, POLICY),
        ..listener(&mut account, &network)
    };
    let made = account.call(call.clone());
    assert_eq!(
        (made.protocol.as_ref(), made.action.as_ref()),
        (Some(&call.protocol), Some(&call.action))
    );
    let of_balancer = DescribeListeners {
        load_balancer: call.load_balancer,
    };
    assert_eq!(account.call(of_balancer), [made]);
}

#[rstest]
#[case::another_region("arn:aws:acm:eu-west-1:123456789012:certificate/1")]
#[case::another_account("arn:aws:acm:us-east-1:210987654321:certificate/1")]
#[case::no_id("arn:aws:acm:us-east-1:123456789012:certificate/")]
#[case::no_arn("certificate")]
fn a_certificate_that_is_none_is_refused(#[case] certificate: &str) {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = CreateListener {
        protocol: https(certificate, POLICY),
        ..listener(&mut account, &network)
    };
    assert_eq!(
        account.code(call),
        ("CertificateNotFound".to_owned(), Class::Terminal)
    );
}

#[test]
fn a_lost_certificate_is_refused_until_it_is_back() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let server = "arn:aws:iam::123456789012:server-certificate/web";
    let call = CreateListener {
        protocol: https(server, POLICY),
        ..listener(&mut account, &network)
    };
    account.world.lose_certificate(server, true);
    assert_eq!(account.code(call.clone()).0, "CertificateNotFound");
    account.world.lose_certificate(server, false);
    account.call(call);
}

#[test]
fn an_unknown_tls_policy_is_refused() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = CreateListener {
        protocol: https(CERTIFICATE, "TLS13"),
        ..listener(&mut account, &network)
    };
    assert_eq!(account.code(call).0, "SSLPolicyNotFound");
}

#[test]
fn a_redirect_needs_no_target_group_and_puts_none_in_use() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = CreateListener {
        action: Action::RedirectToHttps(443),
        ..listener(&mut account, &network)
    };
    let made = account.call(call.clone());
    assert_eq!(made.action, Some(Action::RedirectToHttps(443)));
    assert_eq!(account.call(call.clone()), made);
    let groups = account.call(DescribeTargetGroups {
        name: Some("web".into()),
    });
    assert!(groups[0].load_balancers.is_empty());
    let other = CreateListener {
        action: Action::RedirectToHttps(8443),
        ..call
    };
    assert_eq!(account.code(other).0, "DuplicateListener");
}

#[test]
fn a_redirect_to_itself_is_refused() {
    let mut account = Account::new();
    let network = account.network(&["a", "b"]);
    let call = CreateListener {
        port: 443,
        protocol: https(CERTIFICATE, POLICY),
        action: Action::RedirectToHttps(443),
        ..listener(&mut account, &network)
    };
    assert_eq!(account.code(call).0, "InvalidLoadBalancerAction");
}

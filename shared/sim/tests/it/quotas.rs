use rstest::rstest;
use windlass_calls::ec2::{AllocateAddress, CreateInternetGateway, CreateNatGateway, CreateVpc};
use windlass_calls::elb::CreateLoadBalancer;
use windlass_calls::quotas::{GetServiceQuota, Quota};
use windlass_calls::{Class, Tags};
use windlass_sim::WorldConfig;

use crate::account::{Account, tags};

const ADDRESSES: (&str, &str) = ("ec2", "L-0263D0A3");
const LOAD_BALANCERS: (&str, &str) = ("elasticloadbalancing", "L-53DA6B97");
const NAT_GATEWAYS: (&str, &str) = ("vpc", "L-FE5A380F");

fn quota((service, code): (&str, &str)) -> GetServiceQuota {
    GetServiceQuota {
        service: service.into(),
        quota: code.into(),
    }
}

#[rstest]
#[case::addresses(ADDRESSES, 5)]
#[case::processors(("ec2", "L-1216C47A"), 64)]
#[case::spot_processors(("ec2", "L-34B43A08"), 64)]
#[case::vpcs(("vpc", "L-F678F1CE"), 5)]
#[case::internet_gateways(("vpc", "L-A4707A72"), 5)]
#[case::nat_gateways(NAT_GATEWAYS, 5)]
#[case::load_balancers(LOAD_BALANCERS, 50)]
fn a_quota_is_found_by_its_code(#[case] name: (&str, &str), #[case] value: u64) {
    let shown = Account::new().call(quota(name));
    let (service, code) = (name.0.into(), name.1.into());
    assert_eq!(shown, Quota { service, code, value });
}

#[rstest]
#[case::service(("ecs", "L-0263D0A3"))]
#[case::quota(("ec2", "L-00000000"))]
#[case::of_another_service(("vpc", "L-0263D0A3"))]
fn a_quota_that_does_not_exist_is_gone(#[case] name: (&str, &str)) {
    assert_eq!(
        Account::new().code(quota(name)),
        ("NoSuchResourceException".to_owned(), Class::Gone)
    );
}

#[test]
fn a_quota_that_service_quotas_does_not_know_holds_all_the_same() {
    let mut account = Account::with(WorldConfig {
        address_quota: 0,
        untold_quotas: [ADDRESSES.1.to_owned()].into(),
        ..WorldConfig::default()
    });
    assert_eq!(account.code(quota(ADDRESSES)).0, "NoSuchResourceException");
    let call = AllocateAddress { tags: Tags::new() };
    assert_eq!(account.code(call).0, "AddressLimitExceeded");
}

#[test]
fn creates_are_held_to_the_numbers_that_are_shown() {
    let mut account = Account::new();
    let config = account.world.config_mut();
    (
        config.vpc_quota,
        config.internet_gateway_quota,
        config.address_quota,
    ) = (1, 2, 3);
    let vpc = CreateVpc {
        cidr: "10.0.0.0/16".into(),
        tags: Tags::new(),
    };
    for _ in 0..account.call(quota(("vpc", "L-F678F1CE"))).value {
        account.call(vpc.clone());
    }
    assert_eq!(account.code(vpc).0, "VpcLimitExceeded");
    let gateway = CreateInternetGateway { tags: Tags::new() };
    for _ in 0..account.call(quota(("vpc", "L-A4707A72"))).value {
        account.call(gateway.clone());
    }
    assert_eq!(account.code(gateway).0, "InternetGatewayLimitExceeded");
    let address = AllocateAddress { tags: Tags::new() };
    for _ in 0..account.call(quota(ADDRESSES)).value {
        account.call(address.clone());
    }
    assert_eq!(account.code(address).0, "AddressLimitExceeded");
}

#[test]
fn nat_gateways_are_counted_in_each_zone_without_the_failed_ones() {
    let mut account = Account::new();
    account.world.config_mut().nat_gateway_quota = 1;
    let network = account.network(&["a", "b"]);
    let call = CreateNatGateway {
        subnet: network.public[0].clone(),
        allocation: account.address(),
        token: "second".into(),
        tags: tags("nat-gateway"),
    };
    assert_eq!(
        account.code(call.clone()),
        ("NatGatewayLimitExceeded".to_owned(), Class::Terminal)
    );
    account.world.delete(&network.nats[0]);
    account.call(call);

    let mut account = Account::new();
    account.world.config_mut().nat_gateway_quota = 1;
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    let allocation = account.address();
    account.nat(&subnet, &allocation, "fails without an internet gateway");
    account.wait(5);
    account.nat(&subnet, &allocation, "takes its place");
}

#[test]
fn a_load_balancer_beyond_the_quota_is_refused_and_a_repeat_is_not_beyond_it() {
    let mut account = Account::new();
    account.world.config_mut().load_balancer_quota = 1;
    let network = account.network(&["a", "b"]);
    let call = Account::balancer_call(&network);
    account.call(call.clone());
    account.call(call.clone());
    let second = CreateLoadBalancer {
        name: "second".into(),
        ..call
    };
    assert_eq!(
        account.code(second),
        ("TooManyLoadBalancers".to_owned(), Class::Terminal)
    );
    assert_eq!(account.call(quota(LOAD_BALANCERS)).value, 1);
}

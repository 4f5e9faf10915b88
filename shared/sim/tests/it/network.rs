use rstest::rstest;
use windlass_calls::Class;
use windlass_calls::ec2::{
    AllocateAddress, AttachInternetGateway, CreateInternetGateway, CreateNatGateway, CreateSubnet, CreateVpc,
    DescribeAddresses, DescribeAvailabilityZones, DescribeImages, DescribeInstanceTypeOfferings,
    DescribeInternetGateways, DescribeNatGateways, DescribeSubnets, DescribeVpcAttribute, DescribeVpcs,
    ModifySubnetAttribute, ModifyVpcAttribute, NatGateway,
};
use windlass_calls::ssm::GetParameter;
use windlass_calls::{Filters, Tags};

use crate::account::{Account, tagged, tags};

fn nats(account: &mut Account) -> Vec<NatGateway> {
    account.call(DescribeNatGateways {
        filters: tagged("nat-gateway"),
    })
}

#[test]
fn a_vpc_is_available_at_once_and_found_by_its_tags() {
    let mut account = Account::new();
    let vpc = account.call(CreateVpc {
        cidr: "10.0.0.0/16".into(),
        tags: tags("vpc"),
    });
    assert_eq!(
        (vpc.id.as_str(), vpc.state.as_str()),
        ("vpc-00000001", "available")
    );
    assert_eq!(
        account.call(DescribeVpcs {
            filters: tagged("vpc")
        }),
        [vpc]
    );
    assert_eq!(
        account.call(DescribeVpcs {
            filters: tagged("other")
        }),
        []
    );
}

#[rstest]
#[case::too_large("10.0.0.0/8", "InvalidVpc.Range")]
#[case::too_small("10.0.0.0/29", "InvalidVpc.Range")]
#[case::no_range("ten", "InvalidParameterValue")]
fn a_vpc_with_a_bad_range_is_refused(#[case] cidr: &str, #[case] code: &str) {
    let refusal = Account::new().code(CreateVpc {
        cidr: cidr.into(),
        tags: Tags::new(),
    });
    assert_eq!(refusal, (code.to_owned(), Class::Terminal));
}

#[test]
fn the_sixth_vpc_exceeds_the_quota() {
    let mut account = Account::new();
    let call = CreateVpc {
        cidr: "10.0.0.0/16".into(),
        tags: Tags::new(),
    };
    for _ in 0..5 {
        account.call(call.clone());
    }
    assert_eq!(account.code(call).0, "VpcLimitExceeded");
}

#[test]
fn the_sixth_internet_gateway_exceeds_the_quota() {
    let mut account = Account::new();
    for _ in 0..5 {
        account.call(CreateInternetGateway { tags: Tags::new() });
    }
    let (code, class) = account.code(CreateInternetGateway { tags: Tags::new() });
    assert_eq!(
        (code.as_str(), class),
        ("InternetGatewayLimitExceeded", Class::Terminal)
    );
}

#[test]
fn the_sixth_address_exceeds_the_quota_until_it_is_raised() {
    let mut account = Account::new();
    for _ in 0..5 {
        account.address();
    }
    assert_eq!(
        account.code(AllocateAddress { tags: Tags::new() }).0,
        "AddressLimitExceeded"
    );
    account.world.config_mut().address_quota = 6;
    account.address();
}

#[test]
fn dns_host_names_are_off_until_they_are_turned_on() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let attribute = DescribeVpcAttribute { vpc: vpc.clone() };
    assert!(!account.call(attribute.clone()).enabled);
    account.call(ModifyVpcAttribute {
        vpc,
        dns_hostnames: true,
    });
    assert!(account.call(attribute).enabled);
}

#[rstest]
#[case::an_unknown_zone("10.0.0.0/24", "us-east-1z", "InvalidParameterValue", Class::Terminal)]
#[case::a_range_outside_the_vpc("10.1.0.0/24", "us-east-1a", "InvalidSubnet.Range", Class::Terminal)]
#[case::a_range_larger_than_the_vpc("10.0.0.0/15", "us-east-1a", "InvalidSubnet.Range", Class::Terminal)]
#[case::an_overlap("10.0.1.128/25", "us-east-1b", "InvalidSubnet.Conflict", Class::Exists)]
fn a_subnet_in_the_wrong_place_is_refused(
    #[case] cidr: &str,
    #[case] zone: &str,
    #[case] code: &str,
    #[case] class: Class,
) {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.subnet(&vpc, "10.0.1.0/24", "a");
    let refusal = account.code(CreateSubnet {
        vpc,
        cidr: cidr.into(),
        zone: zone.into(),
        tags: Tags::new(),
    });
    assert_eq!(refusal, (code.to_owned(), class));
}

#[test]
fn the_same_range_is_free_in_another_vpc() {
    let mut account = Account::new();
    let (one, other) = (account.vpc(), account.vpc());
    account.subnet(&one, "10.0.1.0/24", "a");
    account.subnet(&other, "10.0.1.0/24", "a");
    let filters = Filters::from([("vpc-id".into(), vec![other.clone()])]);
    let found = account.call(DescribeSubnets { filters });
    assert!(found.len() == 1 && found[0].vpc == other);
}

#[test]
fn a_subnet_gives_public_addresses_once_told_to() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    account.call(ModifySubnetAttribute {
        subnet,
        map_public_ip: true,
    });
    assert!(
        account.call(DescribeSubnets {
            filters: tagged("subnet")
        })[0]
            .map_public_ip
    );
}

#[test]
fn a_filter_aws_does_not_have_is_refused() {
    let filters = Filters::from([("colour".into(), vec!["red".into()])]);
    assert_eq!(
        Account::new().code(DescribeVpcs { filters }).0,
        "InvalidParameterValue"
    );
}

#[test]
fn attaching_an_internet_gateway_again_answers_that_it_is_attached() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let internet_gateway = account.attached_gateway(&vpc);
    let again = account.code(AttachInternetGateway {
        internet_gateway,
        vpc: vpc.clone(),
    });
    assert_eq!(again, ("Resource.AlreadyAssociated".to_owned(), Class::Exists));
    let filters = Filters::from([("attachment.vpc-id".into(), vec![vpc.clone()])]);
    assert_eq!(
        account.call(DescribeInternetGateways { filters })[0].attachments,
        [vpc]
    );
}

#[test]
fn a_vpc_takes_one_internet_gateway() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.attached_gateway(&vpc);
    let internet_gateway = account.call(CreateInternetGateway { tags: Tags::new() }).id;
    let refusal = account.code(AttachInternetGateway {
        internet_gateway,
        vpc,
    });
    assert_eq!(refusal, ("InvalidParameterValue".to_owned(), Class::Terminal));
}

#[test]
fn a_nat_gateway_is_pending_for_a_while_and_then_holds_its_address() {
    let mut account = Account::new();
    let network = account.network(&["a"]);
    account.wait(99);
    assert_eq!(nats(&mut account)[0].state, "pending");
    assert_eq!(
        account.call(DescribeAddresses {
            filters: tagged("address")
        })[0]
            .association,
        None
    );
    account.wait(1);
    let nat = &nats(&mut account)[0];
    assert_eq!(
        (nat.id.as_str(), nat.state.as_str()),
        (network.nats[0].as_str(), "available")
    );
    assert!(
        account.call(DescribeAddresses {
            filters: tagged("address")
        })[0]
            .association
            .is_some()
    );
}

#[test]
fn a_nat_gateway_without_an_internet_gateway_fails_and_is_forgotten_after_an_hour() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    let allocation = account.address();
    account.nat(&subnet, &allocation, "t");
    assert_eq!(nats(&mut account)[0].state, "pending");
    account.wait(5);
    let failed = &nats(&mut account)[0];
    assert_eq!(failed.state, "failed");
    assert!(
        failed
            .failure
            .as_ref()
            .unwrap()
            .starts_with("Gateway.NotAttached: ")
    );
    account.wait(3600);
    assert_eq!(nats(&mut account), []);
}

#[test]
fn a_nat_gateway_with_an_address_in_use_fails_and_the_first_one_keeps_it() {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.attached_gateway(&vpc);
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    let allocation = account.address();
    account.nat(&subnet, &allocation, "one");
    account.nat(&subnet, &allocation, "two");
    account.wait(100);
    let states: Vec<_> = nats(&mut account)
        .into_iter()
        .map(|nat| (nat.state, nat.failure))
        .collect();
    assert_eq!(states[0], ("available".to_owned(), None));
    assert_eq!(states[1].0, "failed");
    assert!(
        states[1]
            .1
            .as_ref()
            .unwrap()
            .starts_with("Resource.AlreadyAssociated: ")
    );
}

#[test]
fn a_failed_nat_gateway_leaves_its_address_free() {
    let mut account = Account::new();
    let vpc = account.vpc();
    let subnet = account.subnet(&vpc, "10.0.1.0/24", "a");
    let allocation = account.address();
    account.nat(&subnet, &allocation, "one");
    account.wait(10);
    account.attached_gateway(&vpc);
    account.nat(&subnet, &allocation, "two");
    account.wait(100);
    assert_eq!(nats(&mut account)[1].state, "available");
}

#[rstest]
#[case::subnet("subnet-ffffffff", "eipalloc-00000001", "InvalidSubnetID.NotFound")]
#[case::address("subnet-00000001", "eipalloc-ffffffff", "InvalidAllocationID.NotFound")]
fn a_nat_gateway_needs_what_it_names(#[case] subnet: &str, #[case] allocation: &str, #[case] code: &str) {
    let mut account = Account::new();
    let vpc = account.vpc();
    account.subnet(&vpc, "10.0.1.0/24", "a");
    account.address();
    let refusal = account.code(CreateNatGateway {
        subnet: subnet.into(),
        allocation: allocation.into(),
        token: "t".into(),
        tags: Tags::new(),
    });
    assert_eq!(refusal, (code.to_owned(), Class::Gone));
}

#[test]
fn zone_e_does_not_offer_t3() {
    let mut account = Account::new();
    let zones = account.call(DescribeAvailabilityZones {});
    assert!(zones.len() == 6 && zones.iter().all(|zone| zone.state == "available"));
    let instance_types = vec!["t3.micro".into(), "m7g.large".into()];
    let offerings = account.call(DescribeInstanceTypeOfferings { instance_types });
    let in_e = offerings.iter().filter(|offering| offering.zone == "us-east-1e");
    assert_eq!(
        in_e.map(|offering| offering.instance_type.as_str())
            .collect::<Vec<_>>(),
        ["m7g.large"]
    );
    assert_eq!(offerings.len(), 11);
}

#[rstest]
#[case(
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "x86_64",
    "/dev/xvda"
)]
#[case(
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "arm64",
    "/dev/xvda"
)]
#[case(
    "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
    "x86_64",
    "/dev/sda1"
)]
#[case(
    "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
    "arm64",
    "/dev/sda1"
)]
fn public_parameters_lead_to_images(
    #[case] name: &str,
    #[case] architecture: &str,
    #[case] root_device: &str,
) {
    let mut account = Account::new();
    let image = account.call(GetParameter { name: name.into() });
    let found = account.call(DescribeImages { images: vec![image] });
    assert_eq!(
        (found[0].architecture.as_str(), found[0].root_device.as_str()),
        (architecture, root_device)
    );
}

#[test]
fn unknown_parameters_and_images_are_gone() {
    let mut account = Account::new();
    let parameter = account.code(GetParameter { name: "/none".into() });
    assert_eq!(parameter, ("ParameterNotFound".to_owned(), Class::Gone));
    let image = account.code(DescribeImages {
        images: vec!["ami-0".into()],
    });
    assert_eq!(image, ("InvalidAMIID.NotFound".to_owned(), Class::Gone));
}

#[test]
fn a_parameter_can_move_to_a_new_image() {
    let mut account = Account::new();
    account.world.put_parameter("/mine", "ami-1");
    assert_eq!(account.call(GetParameter { name: "/mine".into() }), "ami-1");
}

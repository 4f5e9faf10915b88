//! A stack that does not fit into the account is refused whole: before the first create, with all that is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::ec2::{
    AllocateAddress, AttachInternetGateway, CreateInternetGateway, CreateLaunchTemplate, CreateNatGateway,
    CreateSecurityGroup, CreateSubnet, CreateVpc, LaunchTemplateData, RunInstances,
};
use windlass_calls::elb::CreateLoadBalancer;
use windlass_calls::iam::{AddRoleToInstanceProfile, CreateInstanceProfile, CreateRole};
use windlass_calls::{Call, Tags};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, stack, verify};
use windlass_engine::{Phase, head_key, state_key, status_key};
use windlass_sim::WorldConfig;

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const LIMIT: usize = 400;

/// A call of somebody else in the account.
fn others<C: Call>(lab: &Lab, call: C) -> C::Response {
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, call).unwrap()
}

fn others_take_addresses(lab: &Lab, count: usize) {
    for _ in 0..count {
        others(lab, AllocateAddress { tags: Tags::new() });
    }
}

/// A network of somebody else, with a way to the internet.
struct Foreign {
    /// Its subnets, in the zones asked for.
    subnets: Vec<String>,
    /// Its security group.
    group: String,
}

fn others_have_a_network(lab: &Lab, zones: [&str; 2]) -> Foreign {
    let tags = Tags::new;
    let cidr = "10.9.0.0/16".to_owned();
    let vpc = others(lab, CreateVpc { cidr, tags: tags() }).id;
    let internet_gateway = others(lab, CreateInternetGateway { tags: tags() }).id;
    others(
        lab,
        AttachInternetGateway {
            internet_gateway,
            vpc: vpc.clone(),
        },
    );
    let subnet = |(index, zone): (usize, &str)| CreateSubnet {
        vpc: vpc.clone(),
        cidr: format!("10.9.{index}.0/24"),
        zone: format!("us-east-1{zone}"),
        tags: tags(),
    };
    let subnets = zones.into_iter().enumerate().map(subnet);
    let subnets = subnets.map(|call| others(lab, call).id).collect();
    let group = CreateSecurityGroup {
        name: "theirs".into(),
        description: "theirs".into(),
        vpc: vpc.clone(),
        tags: tags(),
    };
    let group = others(lab, group).id;
    Foreign { subnets, group }
}

/// Five NAT gateways of others, all in one zone.
fn others_fill_a_zone(lab: &Lab, zone: &str) {
    let network = others_have_a_network(lab, [zone, "d"]);
    for number in 0..5 {
        let allocation = others(lab, AllocateAddress { tags: Tags::new() }).allocation;
        let gateway = CreateNatGateway {
            subnet: network.subnets[0].clone(),
            allocation,
            token: format!("theirs-{number}"),
            tags: Tags::new(),
        };
        others(lab, gateway);
    }
}

fn others_have_a_load_balancer(lab: &Lab) {
    let network = others_have_a_network(lab, ["a", "b"]);
    let balancer = CreateLoadBalancer {
        name: "theirs".into(),
        scheme: "internet-facing".into(),
        subnets: network.subnets,
        security_groups: vec![network.group],
        tags: Tags::new(),
    };
    others(lab, balancer);
}

/// Two instances of two processors each.
fn others_run_instances(lab: &Lab) {
    let network = others_have_a_network(lab, ["a", "b"]);
    let (name, tags) = (|| "theirs".to_owned(), Tags::new);
    let role = CreateRole {
        name: name(),
        trust: "{}".into(),
        boundary: None,
        tags: tags(),
    };
    others(lab, role);
    others(
        lab,
        CreateInstanceProfile {
            name: name(),
            tags: tags(),
        },
    );
    others(
        lab,
        AddRoleToInstanceProfile {
            profile: name(),
            role: name(),
        },
    );
    lab.sim.advance(jiff::SignedDuration::from_mins(1));
    let data = LaunchTemplateData {
        image: "ami-00000000000000a1".into(),
        instance_type: "t3.micro".into(),
        instance_profile: name(),
        security_groups: vec![network.group],
        user_data: String::new(),
        http_tokens: "required".into(),
        http_hop_limit: 1,
        detailed_monitoring: false,
        root_device: "/dev/xvda".into(),
        encrypted: true,
        tags: tags(),
    };
    let template = CreateLaunchTemplate {
        name: name(),
        token: name(),
        data: Box::new(data),
        tags: tags(),
    };
    let launch_template = others(lab, template).id;
    for subnet in network.subnets {
        let run = RunInstances {
            launch_template: launch_template.clone(),
            version: 1,
            token: subnet.clone(),
            subnet,
            tags: tags(),
        };
        others(lab, run);
    }
}

fn refusal(lab: &Lab) -> String {
    let before = lab.sim.world().inventory().len();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed, "{status:#?}");
    assert_eq!(lab.sim.world().inventory().len(), before, "nothing was created");
    let error = status
        .errors
        .iter()
        .find(|error| error.path == "quotas")
        .expect("the quotas say why");
    error.message.clone()
}

#[rstest]
#[case::vpcs(
    WorldConfig::default(),
    "1 VPCs needed, 5 used by others, 5 allowed",
    "vpc/quotas/L-F678F1CE"
)]
#[case::gateways(
    WorldConfig::default(),
    "1 internet gateways needed, 5 used by others, 5 allowed",
    "vpc/quotas/L-A4707A72"
)]
#[case::processors(WorldConfig { vcpu_quota: 17, ..WorldConfig::default() }, "18 vCPUs of running Standard (A, C, D, H, I, M, R, T, Z) instances needed, 0 used by others, 17 allowed", "ec2/quotas/L-1216C47A")]
fn a_quota_that_is_too_small_refuses_the_stack(
    #[case] config: WorldConfig,
    #[case] needed: &str,
    #[case] place: &str,
) {
    let lab = Lab::new(config, 1);
    for _ in 0..5 {
        let now = lab.sim.now();
        let cidr = "10.0.0.0/16".to_owned();
        lab.sim
            .world_mut()
            .call(
                now,
                CreateVpc {
                    cidr,
                    tags: Tags::new(),
                },
            )
            .unwrap();
        lab.sim
            .world_mut()
            .call(now, CreateInternetGateway { tags: Tags::new() })
            .unwrap();
    }
    let message = refusal(&lab);
    assert!(message.contains(needed) && message.contains(place), "{message}");
}

#[rstest]
#[case::nat_gateways(
    |lab: &Lab| others_fill_a_zone(lab, "a"),
    WorldConfig { address_quota: 8, ..WorldConfig::default() },
    "1 NAT gateways in one zone needed, 5 used by others, 5 allowed",
    "vpc/quotas/L-FE5A380F"
)]
#[case::load_balancers(
    others_have_a_load_balancer,
    WorldConfig { load_balancer_quota: 1, ..WorldConfig::default() },
    "1 application load balancers needed, 1 used by others, 1 allowed",
    "elasticloadbalancing/quotas/L-53DA6B97"
)]
#[case::processors(
    others_run_instances,
    WorldConfig { vcpu_quota: 21, ..WorldConfig::default() },
    "instances needed, 4 used by others, 21 allowed",
    "ec2/quotas/L-1216C47A"
)]
fn what_others_use_is_counted(
    #[case] use_up: fn(&Lab),
    #[case] config: WorldConfig,
    #[case] needed: &str,
    #[case] place: &str,
) {
    let lab = Lab::new(config, 1);
    use_up(&lab);
    let message = refusal(&lab);
    assert!(message.contains(needed) && message.contains(place), "{message}");
    assert!(!message.contains("; "), "and nothing else is missing: {message}");
}

/// NAT gateways are counted zone by zone.
#[test]
fn a_full_zone_that_the_stack_does_not_use_is_not_in_its_way() {
    let config = WorldConfig {
        address_quota: 8,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    others_fill_a_zone(&lab, "f");
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Ready);
}

/// What an account starts with is no promise: its own number may be lower, and is asked for.
#[rstest]
#[case::vpcs(WorldConfig { vpc_quota: 0, ..WorldConfig::default() }, "1 VPCs needed, 0 used by others, 0 allowed")]
#[case::gateways(WorldConfig { internet_gateway_quota: 0, ..WorldConfig::default() }, "1 internet gateways needed, 0 used by others, 0 allowed")]
#[case::addresses(WorldConfig { address_quota: 2, ..WorldConfig::default() }, "3 elastic IP addresses needed, 0 used by others, 2 allowed")]
#[case::nat_gateways(WorldConfig { nat_gateway_quota: 0, ..WorldConfig::default() }, "1 NAT gateways in one zone needed, 0 used by others, 0 allowed")]
#[case::load_balancers(WorldConfig { load_balancer_quota: 0, ..WorldConfig::default() }, "1 application load balancers needed, 0 used by others, 0 allowed")]
fn a_quota_below_what_accounts_start_with_is_seen(#[case] config: WorldConfig, #[case] needed: &str) {
    let message = refusal(&Lab::new(config, 1));
    assert!(message.contains(needed), "{message}");
}

#[test]
fn all_that_is_missing_is_said_at_once_with_what_is_used_and_allowed() {
    let lab = Lab::new(
        WorldConfig {
            vcpu_quota: 4,
            ..WorldConfig::default()
        },
        1,
    );
    others_take_addresses(&lab, 3);
    let message = refusal(&lab);
    for part in [
        "3 elastic IP addresses needed, 3 used by others, 5 allowed",
        "18 vCPUs",
        "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-0263D0A3",
        "Nothing was created",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_raised_quota_and_another_upload_are_enough() {
    let lab = Lab::new(
        WorldConfig {
            vcpu_quota: 4,
            ..WorldConfig::default()
        },
        1,
    );
    refusal(&lab);
    lab.sim.world_mut().config_mut().vcpu_quota = 18;
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// What the stack has already does not count against it: not halfway through its creation, and not when it is ready.
#[test]
fn a_stack_that_just_fits_is_not_in_its_own_way() {
    let config = WorldConfig {
        vpc_quota: 1,
        internet_gateway_quota: 1,
        address_quota: 3,
        nat_gateway_quota: 1,
        load_balancer_quota: 1,
        vcpu_quota: 18,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(WEB);
    let has = |kind: &str| lab.sim.world().inventory().iter().any(|live| live.kind == kind);
    while !has("instance") {
        lab.step().expect("instances are launched some time");
    }
    assert!(has("nat-gateway") && has("load-balancer") && has("address"));
    let before = lab.sim.trace().len();
    the_state_is_lost(&lab);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let asked = |entry: &&windlass_sim::TraceEntry| entry.action() == "servicequotas:GetServiceQuota";
    assert_eq!(
        lab.sim.trace()[before..].iter().filter(asked).count(),
        6,
        "it was counted anew"
    );
    verify(&lab).unwrap();
}

/// With its record goes the answer of the first preflight.
fn the_state_is_lost(lab: &Lab) {
    let stack = stack();
    let serial = lab.head().unwrap().serial;
    let states = (1..=serial).map(|serial| state_key(&stack, serial));
    for key in states.chain([head_key(&stack), status_key(&stack)]) {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
    assert!(lab.state().is_none());
}

/// Where Service Quotas knows nothing, AWS's default counts.
#[test]
fn an_untold_quota_is_the_default() {
    let untold = std::collections::BTreeSet::from(["L-0263D0A3".to_owned()]);
    let lab = Lab::new(
        WorldConfig {
            untold_quotas: untold,
            ..WorldConfig::default()
        },
        1,
    );
    others_take_addresses(&lab, 3);
    assert!(refusal(&lab).contains("3 used by others, 5 allowed"));
}

//! A stack that does not fit into the account is refused whole: before the first create, with all that is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::Tags;
use windlass_calls::ec2::{AllocateAddress, CreateInternetGateway, CreateVpc};
use windlass_crash::{Lab, Stopped, verify};
use windlass_engine::Phase;
use windlass_sim::WorldConfig;

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const LIMIT: usize = 400;

/// Somebody else in the account allocates addresses.
fn others_take_addresses(lab: &Lab, count: usize) {
    for _ in 0..count {
        let now = lab.sim.now();
        let allocate = AllocateAddress { tags: Tags::new() };
        lab.sim.world_mut().call(now, allocate).unwrap();
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
    lab.step();
    let state = windlass_engine::head_key(&windlass_crash::stack());
    lab.sim
        .world_mut()
        .delete_object(windlass_crash::STATE_BUCKET, &state);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
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

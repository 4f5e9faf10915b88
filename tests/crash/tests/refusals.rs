//! What cannot be had is refused whole: said at once, with nothing begun.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_crash::{Lab, Stopped, verify};
use windlass_engine::Phase;
use windlass_sim::WorldConfig;

const HTTPS: &str = include_str!("../../../events/specs/https.yaml");
const WEB: &str = include_str!("../../../events/specs/web.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
const LIMIT: usize = 400;

/// The reason for which a spec fails, with nothing created.
fn refusal(spec: &str) -> String {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.sim
        .world_mut()
        .put_parameter("/images/of-nothing", "ami-0123456789abcdef0");
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed, "{status:#?}");
    assert_eq!(lab.sim.world().inventory(), [], "nothing was created");
    let messages = status
        .errors
        .iter()
        .map(|error| format!("{}: {}", error.path, error.message));
    messages.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_certificate_of_another_region_is_refused_with_both_regions() {
    let spec = HTTPS.replace("acm:us-east-1:", "acm:eu-west-1:");
    assert_ne!(spec, HTTPS);
    let reason = refusal(&spec);
    for part in [
        "listener/443: the certificate of the listener on port 443",
        "is in eu-west-1, and the load balancer in us-east-1",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
}

#[rstest]
#[case::architecture(
    "ami-00000000000000a2",
    "compute.image ami-00000000000000a2 is arm64, and the instance types are x86_64"
)]
#[case::architecture_behind_a_parameter(
    "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    "is arm64, and the instance types are x86_64"
)]
#[case::parameter(
    "ssm:/images/none",
    "compute.image: parameter /images/none does not exist in this Region"
)]
#[case::image(
    "ami-0123456789abcdef0",
    "compute.image does not exist in this Region, or is not shared with this account"
)]
#[case::image_behind_a_parameter(
    "ssm:/images/of-nothing",
    "compute.image does not exist in this Region, or is not shared with this account"
)]
fn an_image_that_cannot_be_used_is_refused(#[case] image: &str, #[case] why: &str) {
    let reason = refusal(&format!(
        "compute: {{image: '{image}', app: {{packages: [nginx]}}}}\n"
    ));
    assert!(reason.starts_with("image: ") && reason.contains(why), "{reason}");
}

/// Base64, as the launch template holds it, is longer: AWS counts what it decodes to.
#[test]
fn a_boot_script_that_aws_would_not_take_is_refused_and_the_longest_is_taken() {
    let spec = |length: usize| {
        let value = "x".repeat(length);
        format!("compute: {{app: {{container: {{image: app, port: 80, env: {{LONG: {value}}}}}}}}}\n")
    };
    let reason = refusal(&spec(16 * 1024));
    let said = "launch-template: compute.app makes a boot script of ";
    assert!(reason.contains(said), "{reason}");
    let bytes: usize = reason
        .split(said)
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let excess = bytes - 16 * 1024;
    refusal(&spec(16 * 1024 - excess + 1));
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(&spec(16 * 1024 - excess));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// What has our name and not our tags is somebody else's: nothing of it is used, and nothing else begun.
#[test]
fn somebody_elses_role_of_our_name_is_left_alone() {
    let lab = Lab::new(WorldConfig::default(), 1);
    let create = windlass_calls::iam::CreateRole {
        name: "windlass-dev-web-us-east-1-instance".into(),
        trust: "{}".into(),
        boundary: None,
        tags: windlass_calls::Tags::new(),
    };
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, create).unwrap();
    let before = lab.sim.world().inventory();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status.errors[0].message.contains("does not belong to this stack"),
        "{status:#?}"
    );
    assert_eq!(lab.sim.world().inventory(), before);
}

/// Its tags prove a log group ours: without them it keeps its lines for as long as its owner wants.
#[test]
fn somebody_elses_log_group_of_our_name_is_left_alone() {
    let lab = Lab::new(WorldConfig::default(), 1);
    let name = "/windlass/dev/web".to_owned();
    let tags = windlass_calls::Tags::new();
    let now = lab.sim.now();
    let create = windlass_calls::logs::CreateLogGroup { name, tags };
    lab.sim.world_mut().call(now, create).unwrap();
    let before = lab.sim.world().inventory();
    lab.upload(CONTAINER);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    let error = &status.errors[0];
    assert_eq!(error.path, "log-group");
    assert!(
        error.message.contains("does not belong to this stack"),
        "{status:#?}"
    );
    assert_eq!(lab.sim.world().inventory(), before);
    let kept = |entry: &windlass_sim::TraceEntry| entry.action() == "logs:PutRetentionPolicy";
    assert!(!lab.sim.trace().iter().any(kept));
}

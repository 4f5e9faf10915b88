//! Launching and terminating instances.

use rstest::rstest;
use windlass_spec::{Launch, Verify};

use crate::common::decode_text;
use crate::{fixed, refuses_only, with};

fn launch(text: &str) -> String {
    format!("lifecycle: {{launch: {{{text}}}}}")
}

#[rstest]
#[case("", Verify::None, 600)]
#[case("verify: none", Verify::None, 600)]
#[case("verify: load-balancer", Verify::LoadBalancer, 600)]
#[case("verify: load-balancer, timeout: 30s", Verify::LoadBalancer, 30)]
#[case("timeout: 2h", Verify::None, 7200)]
fn what_a_new_instance_must_show(#[case] text: &str, #[case] verify: Verify, #[case] timeout: u32) {
    let spec = decode_text(&with(&launch(text))).unwrap();
    assert_eq!(spec.lifecycle.launch, Launch { verify, timeout });
}

/// What a lifecycle hook can wait (rule 11).
#[rstest]
#[case("29s")]
#[case("7201s")]
fn a_timeout_that_no_hook_waits_is_refused(#[case] timeout: &str) {
    let text = launch(&format!("timeout: {timeout}"));
    refuses_only(&text, "lifecycle.launch.timeout", "is out of range");
}

#[test]
fn fixed_instances_have_no_hook_that_could_hold_them() {
    let text = fixed(&launch("verify: load-balancer"));
    refuses_only(&text, "lifecycle.launch.verify", "lifecycle hook");
    let spec = decode_text(&fixed(&launch("verify: none, timeout: 1m"))).unwrap();
    assert_eq!(spec.lifecycle.launch.verify, Verify::None);
}

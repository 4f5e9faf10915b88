//! Launching and terminating instances.

use rstest::rstest;
use windlass_spec::{Command, Launch, Verify};

use crate::common::decode_text;
use crate::{fixed, refuses_only, with};

fn launch(text: &str) -> String {
    format!("lifecycle: {{launch: {{{text}}}}}")
}

#[rstest]
#[case("", Verify::LoadBalancer, 600)]
#[case("verify: none", Verify::None, 600)]
#[case("verify: load-balancer", Verify::LoadBalancer, 600)]
#[case("verify: load-balancer, timeout: 30s", Verify::LoadBalancer, 30)]
#[case("timeout: 2h", Verify::LoadBalancer, 7200)]
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
    assert_eq!(
        decode_text(&fixed("")).unwrap().lifecycle.launch.verify,
        Verify::None
    );
}

fn terminate(text: &str) -> String {
    format!("lifecycle: {{terminate: {{{text}}}}}")
}

#[test]
fn a_leaving_instance_may_run_a_command_that_has_a_minute() {
    let spec = decode_text(&with(&terminate("command: /opt/leave"))).unwrap();
    let command = |timeout| {
        let text = "/opt/leave".into();
        Some(Command { text, timeout })
    };
    assert_eq!(spec.lifecycle.command, command(60));
    let spec = decode_text(&with(&terminate("command: /opt/leave, timeout: 1h"))).unwrap();
    assert_eq!(spec.lifecycle.command, command(3600));
}

#[rstest]
#[case::empty("command: ' '", "command", "does nothing")]
#[case::too_long(&format!("command: {}", "x".repeat(4097)), "command", "4096")]
#[case::too_short("command: sync, timeout: 29s", "timeout", "is out of range")]
#[case::too_patient("command: sync, timeout: 3601s", "timeout", "is out of range")]
#[case::of_nothing("timeout: 60s", "timeout", "without a command")]
fn a_command_that_cannot_be_run_is_refused(#[case] text: &str, #[case] field: &str, #[case] why: &str) {
    refuses_only(&terminate(text), &format!("lifecycle.terminate.{field}"), why);
}

#[test]
fn nothing_holds_a_fixed_instance_for_its_command() {
    refuses_only(
        &fixed(&terminate("command: sync")),
        "lifecycle.terminate.command",
        "lifecycle hook",
    );
}

//! Fixed instances (`mode: ec2`): spread over the zones, registered, and replaced when they die.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rstest::rstest;
use windlass_crash::{Lab, Stopped, stack, verify};
use windlass_engine::{Phase, Trigger, WakeBody, WakeMessage};
use windlass_sim::{Peers, Verdict, WorldConfig};

const FIXED: &str = "compute: {mode: ec2, app: {packages: [nginx]}}\nscaling: {min: 4}\n";
const LIMIT: usize = 400;

fn ready() -> Lab {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(FIXED);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab
}

/// Has the stack looked at, as the event of an instance's death does.
fn ask_for_a_look(lab: &Lab) {
    let wake = WakeBody {
        stack: stack(),
        token: None,
    };
    lab.enqueue(&serde_json::to_string(&WakeMessage { wake }).unwrap());
}

/// Has the stack looked at, and runs to the end.
fn look(lab: &Lab) {
    ask_for_a_look(lab);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
}

fn instances(lab: &Lab) -> Vec<String> {
    lab.status().unwrap().outputs.instance_ids
}

#[test]
fn the_instances_are_spread_over_the_zones_and_serve() {
    let lab = ready();
    assert_eq!(instances(&lab).len(), 4);
    let status = lab.status().unwrap();
    assert_eq!(status.outputs.asg_name, "");
    let subnets: BTreeSet<String> = lab
        .sim
        .trace()
        .iter()
        .filter_map(|entry| match &entry.request {
            windlass_calls::Request::Ec2(windlass_calls::ec2::Request::RunInstances(run)) => {
                Some(run.subnet.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(subnets.len(), 3, "four instances in three zones");
}

#[test]
fn one_that_died_is_replaced_and_the_others_stay() {
    let lab = ready();
    let before = instances(&lab);
    lab.sim.advance(SignedDuration::from_hours(1));
    assert!(lab.sim.world_mut().terminate_instance(&before[1]));
    lab.sim.advance(SignedDuration::from_secs(5));
    look(&lab);
    verify(&lab).unwrap();
    let after = instances(&lab);
    assert_eq!(after.len(), 4);
    assert!(!after.contains(&before[1]));
    assert_eq!(before.iter().filter(|id| after.contains(id)).count(), 3);
}

/// Seen dead, it is dead: nothing has to be waited for, however young it was.
#[test]
fn one_that_dies_young_is_replaced_at_once() {
    let lab = ready();
    let victim = instances(&lab)[2].clone();
    assert!(lab.sim.world_mut().terminate_instance(&victim));
    let died = lab.sim.now();
    look(&lab);
    let took = lab.sim.now().duration_since(died);
    verify(&lab).unwrap();
    assert!(!instances(&lab).contains(&victim));
    assert!(took < SignedDuration::from_secs(200), "{took:#}");
}

/// AWS refuses the client token of an instance that was terminated, even when it shows the instance no longer: the next
/// needs a token of its own.
#[rstest]
#[case::and_is_still_shown(SignedDuration::ZERO)]
#[case::and_is_long_forgotten(SignedDuration::from_hours(2))]
fn one_that_died_before_it_was_recorded_is_replaced_too(#[case] asleep: SignedDuration) {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(FIXED);
    lab.sim.set_faults(Some(Box::new(|sent| {
        if sent.request.action() == "ec2:RunInstances" {
            Verdict::CrashAfter(Peers::All)
        } else {
            Verdict::Deliver
        }
    })));
    while !lab
        .sim
        .trace()
        .iter()
        .any(|entry| entry.action() == "ec2:RunInstances")
    {
        lab.step().expect("the instances are launched some time");
    }
    lab.sim.set_faults(None);
    let launched: Vec<String> = lab
        .sim
        .world()
        .inventory()
        .into_iter()
        .filter(|live| live.kind == "instance")
        .map(|live| live.id)
        .collect();
    assert!(!launched.is_empty());
    for id in &launched {
        assert!(lab.sim.world_mut().terminate_instance(id));
    }
    lab.sim.advance(asleep);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    if asleep.is_positive() {
        // It gave up waiting meanwhile; the next upload goes on.
        assert_eq!(lab.status().unwrap().phase, Phase::Failed);
        lab.upload(FIXED);
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    }
    verify(&lab).unwrap();
    let serving = instances(&lab);
    assert_eq!(serving.len(), 4);
    assert!(launched.iter().all(|id| !serving.contains(id)));
}

#[test]
fn one_that_dies_over_and_over_is_replaced_each_time() {
    let lab = ready();
    let mut seen: BTreeSet<String> = instances(&lab).into_iter().collect();
    for round in 0..3 {
        lab.sim.advance(SignedDuration::from_mins(10));
        let victim = instances(&lab)[0].clone();
        assert!(lab.sim.world_mut().terminate_instance(&victim));
        look(&lab);
        verify(&lab).unwrap_or_else(|wrong| panic!("round {round}: {wrong}"));
        let now = instances(&lab);
        assert_eq!(now.len(), 4);
        seen.extend(now);
    }
    assert_eq!(seen.len(), 7, "three new instances");
}

/// It may have been stopped to be looked at. It keeps nobody else from being replaced.
#[test]
fn one_that_was_stopped_is_left_alone_and_said_and_the_others_are_replaced() {
    let lab = ready();
    let before = instances(&lab);
    lab.sim.advance(SignedDuration::from_mins(10));
    assert!(lab.sim.world_mut().stop_instance(&before[0]));
    assert!(lab.sim.world_mut().terminate_instance(&before[1]));
    lab.sim.advance(SignedDuration::from_mins(2));
    ask_for_a_look(&lab);
    for _ in 0..8 {
        lab.step();
    }
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Degraded, "{status:#?}");
    let waits = &status.waiting_on;
    assert!(
        waits
            .iter()
            .any(|wait| wait.reason.contains(&before[0]) && wait.reason.contains("start it, or terminate it")),
        "{waits:#?}"
    );
    let running = lab.sim.world().inventory().into_iter();
    let running: BTreeSet<String> = running
        .filter(|live| live.kind == "instance")
        .map(|live| live.id)
        .collect();
    assert!(running.contains(&before[0]) && !running.contains(&before[1]) && running.len() == 4);
}

#[test]
fn an_idle_look_changes_nothing() {
    let lab = ready();
    let before = lab.sim.trace().len();
    lab.pass(Trigger::Look).finished().unwrap().unwrap();
    assert!(
        lab.sim.trace()[before..]
            .iter()
            .all(|entry| !entry.request.effect().is_mutating())
    );
}

/// One that is too many first gets no more requests, then finishes those that it has, for an hour if the spec says so, and
/// only then is terminated (rule 14).
#[rstest]
fn an_instance_that_is_too_many_finishes_its_requests_before_it_is_terminated(
    #[values("30s", "1h")] drain: &str,
) {
    let spec = |count: u32| {
        format!(
            "network: {{zones: 2, nat: single}}\ncompute: {{mode: ec2, app: {{packages: [nginx]}}}}\nscaling: {{min: {count}}}\nlifecycle: {{terminate: {{drain: {drain}}}}}\n"
        )
    };
    let lab = Lab::new(WorldConfig::default(), 1);
    for count in [3, 2] {
        lab.upload(&spec(count));
        assert_eq!(lab.run(2000), Stopped::Quiet);
        verify(&lab).unwrap();
    }
    let trace = lab.sim.trace();
    let at = |action: &str| {
        let sent: Vec<_> = trace.iter().filter(|entry| entry.action() == action).collect();
        assert_eq!(sent.len(), 1, "{action}");
        sent[0].at
    };
    let (out, gone) = (
        at("elasticloadbalancing:DeregisterTargets"),
        at("ec2:TerminateInstances"),
    );
    let longest = if drain == "1h" { 3600 } else { 30 };
    assert!(gone.duration_since(out).as_secs() >= longest, "{out} {gone}");
}

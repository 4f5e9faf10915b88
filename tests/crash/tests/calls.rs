//! How many calls the reference stack takes: to be created, to be looked at, and to be waited for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_crash::{Lab, Step, Stopped};
use windlass_engine::{Phase, Trigger};
use windlass_sim::{TraceEntry, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const FIXED: &str = include_str!("../../../events/specs/fixed.yaml");
const ISOLATED: &str = include_str!("../../../events/specs/isolated.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
const LIMIT: usize = 400;

/// Calls of the trace from `first` on, the pipeline's own bucket and queue apart.
fn calls(lab: &Lab, first: usize) -> Vec<&'static str> {
    let trace = lab.sim.trace();
    let sent = trace[first..]
        .iter()
        .filter(|entry| !matches!(entry.request.service(), "s3" | "sqs"));
    sent.map(TraceEntry::action).collect()
}

/// The gate is looked after by the lifecycle function, whose calls are counted by themselves: for three instances, a look
/// for each event, and one for each check of the load balancer until they are in service.
#[test]
fn the_reference_stack_takes_at_most_140_calls_and_its_gate_20() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(WEB);
    let (mut provision, mut gate) = (Vec::new(), Vec::new());
    loop {
        let before = lab.sim.trace().len();
        match lab.step() {
            Some(Step::Looked(_)) => gate.extend(calls(&lab, before)),
            Some(_) => provision.extend(calls(&lab, before)),
            None => break,
        }
    }
    assert_eq!(lab.status().unwrap().phase, Phase::Ready);
    println!("{} and {}", provision.len(), gate.len());
    assert!(provision.len() <= 140, "{}: {provision:#?}", provision.len());
    assert!((12..=20).contains(&gate.len()), "{}: {gate:#?}", gate.len());
}

#[test]
fn an_idle_pass_takes_at_most_36_calls_and_none_that_changes_anything() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let before = lab.sim.trace().len();
    lab.pass(Trigger::Look).finished().unwrap().unwrap();
    let idle = calls(&lab, before);
    assert!((20..=36).contains(&idle.len()), "{}: {idle:#?}", idle.len());
    let trace = lab.sim.trace();
    assert!(
        trace[before..]
            .iter()
            .all(|entry| !entry.request.effect().is_mutating())
    );
}

/// A pass that only waits looks at nothing but what it waits for.
#[rstest]
#[case::web(WEB)]
#[case::fixed(FIXED)]
#[case::isolated(ISOLATED)]
#[case::container(CONTAINER)]
fn a_waiting_pass_takes_at_most_6_calls(#[case] spec: &str) {
    let config = WorldConfig {
        instances_need_internet: !spec.contains("nat: none"),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(spec);
    let mut waiting = 0;
    loop {
        let before = lab.sim.trace().len();
        if lab.step().is_none() {
            break;
        }
        let sent = calls(&lab, before);
        let trace = lab.sim.trace();
        let changed = trace[before..].iter().any(|entry| {
            entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
        });
        if !changed {
            waiting += 1;
            assert!(sent.len() <= 6, "waiting pass {waiting}: {sent:#?}");
        }
    }
    assert!(waiting >= 5, "{waiting} passes waited");
    assert_eq!(lab.status().unwrap().phase, Phase::Ready);
}

#[test]
fn a_change_of_one_field_takes_at_most_10_calls_more_than_an_idle_pass() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let counted = |spec: &str| {
        let lab = lab.fork(2);
        lab.upload(spec);
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        calls(&lab, 0).len()
    };
    let idle = counted(WEB);
    for (from, to) in [
        ("above: 70", "above: 75"),
        ("drain: 60s", "drain: 30s"),
        ("interval: 15s", "interval: 10s"),
        ("max: 9", "max: 10"),
        ("team: storefront", "team: shop"),
    ] {
        let changed = WEB.replacen(from, to, 1);
        assert_ne!(changed, WEB, "{from}");
        let sent = counted(&changed);
        println!("{from} -> {to}: {sent} calls, idle {idle}");
        assert!(sent <= idle + 10, "{from}: {sent} against {idle}");
    }
}

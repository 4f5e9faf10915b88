//! Creating the reference stack, with and without a crash at every mutating call.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};

use rstest::rstest;
use windlass_crash::{Lab, Stopped, verify};
use windlass_sim::{Lag, Peers, Verdict, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const MINIMAL: &str = include_str!("../../../events/specs/minimal.yaml");
const DJANGO: &str = include_str!("../../../events/specs/django.yaml");
const INTERNAL: &str = include_str!("../../../events/specs/internal.yaml");
/// Far more messages than any creation takes.
const LIMIT: usize = 400;

#[rstest]
#[case::web(WEB)]
#[case::minimal(&MINIMAL.replace("minimal", "web"))]
#[case::django(&DJANGO.replace("name: django", "name: web"))]
#[case::internal(&INTERNAL.replace("name: internal", "name: web"))]
fn every_example_becomes_ready_and_stays_so(#[case] spec: &str) {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

#[test]
fn the_reference_stack_takes_at_most_130_calls() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(WEB);
    lab.run(LIMIT);
    let calls = lab.sim.calls();
    let aws: u64 = calls
        .iter()
        .filter(|(action, _)| !action.starts_with("s3:") && !action.starts_with("sqs:"))
        .map(|(_, n)| n)
        .sum();
    assert!(aws <= 130, "{aws}: {calls:#?}");
}

/// Mutating calls of an undisturbed creation: state writes and wake-ups included.
fn mutating_calls(lag: Lag) -> u64 {
    let lab = lab(lag);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab.sim
        .trace()
        .iter()
        .filter(|entry| entry.request.effect().is_mutating())
        .count() as u64
}

fn lab(lag: Lag) -> Lab {
    let config = WorldConfig {
        visibility_lag: lag,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 7);
    lab.upload(WEB);
    lab
}

/// Crashes at one mutating call, lets the pipeline recover, and says what is wrong afterwards.
fn crash_at(lag: Lag, at: u64, crash: &Verdict) -> Result<(), String> {
    let lab = lab(lag);
    let crash = crash.clone();
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.mutating_index == Some(at) {
            crash.clone()
        } else {
            Verdict::Deliver
        }
    })));
    match lab.run(LIMIT) {
        Stopped::Quiet => verify(&lab),
        Stopped::StillBusy => Err(format!("still busy: {:?}", lab.status())),
    }
}

#[rstest]
fn creation_survives_a_crash_at_every_mutating_call(
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let calls = mutating_calls(lag);
    assert!(calls > 50, "{calls}");
    let swept = AtomicU64::new(0);
    let wrong: Vec<String> = (0..calls)
        .filter_map(|at| {
            swept.fetch_add(1, Ordering::Relaxed);
            crash_at(lag, at, &crash)
                .err()
                .map(|wrong| format!("{crash:?} at mutating call {at}: {wrong}"))
        })
        .collect();
    assert_eq!(swept.load(Ordering::Relaxed), calls);
    assert!(
        wrong.is_empty(),
        "{} of {calls}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

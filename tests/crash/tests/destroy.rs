//! A deleted spec destroys its stack: on proof, after a while, in order, and to the last piece.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_crash::{Lab, Scenario, Stopped, sweep, verify_gone};
use windlass_engine::Phase;
use windlass_sim::{Lag, Peers, TraceEntry, Verdict, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const FIXED: &str = include_str!("../../../events/specs/fixed.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
const GATE: &str = include_str!("../../../events/specs/gate.yaml");
const HTTPS: &str = include_str!("../../../events/specs/https.yaml");
const LIMIT: usize = 400;

fn ready(spec: &str, lag: Lag, ghosts: Lag) -> Lab {
    let config = WorldConfig {
        visibility_lag: lag,
        elb_lag: lag,
        ghost_lag: ghosts,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(
        &spec
            .replace("name: fixed", "name: web")
            .replace("name: container", "name: web")
            .replace("name: https", "name: web"),
    );
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Ready, "{:#?}", lab.status());
    lab
}

#[rstest]
fn a_stack_whose_spec_was_deleted_goes_to_the_last_piece(
    #[values(WEB, FIXED, CONTAINER, HTTPS, GATE)] spec: &str,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
    #[values(Lag::None, Lag::Seeded { seed: 9, max: 120 })] ghosts: Lag,
) {
    let lab = ready(spec, lag, ghosts);
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
}

#[test]
fn the_reference_stack_goes_with_at_most_130_calls() {
    let lab = ready(WEB, Lag::None, Lag::None);
    let before = lab.sim.trace().len();
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let trace = lab.sim.trace();
    let sent = trace[before..]
        .iter()
        .filter(|entry| !matches!(entry.request.service(), "s3" | "sqs"));
    let sent: Vec<&str> = sent.map(TraceEntry::action).collect();
    println!("{} calls: {sent:#?}", sent.len());
    assert!(sent.len() <= 130, "{}: {sent:#?}", sent.len());
}

#[rstest]
fn destroying_survives_a_crash_at_every_mutating_call(
    #[values(Lag::None, Lag::Seeded { seed: 9, max: 60 })] ghosts: Lag,
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let before = ready(WEB, Lag::None, ghosts);
    let scenario = Scenario {
        before: &before,
        act: &Lab::delete_spec,
        check: &verify_gone,
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls > 40, "{calls}");
}

//! How long a creation takes, beside what it would take with somebody looking all the time: the longest chain of what
//! AWS takes its time for, and of the calls between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::SignedDuration;
use windlass_crash::Lab;
use windlass_engine::{GateWake, Occasion, Phase, Trigger};
use windlass_sim::WorldConfig;

const WEB: &str = include_str!("../../../events/specs/web.yaml");

fn lab(load_balancer: i64) -> Lab {
    let config = WorldConfig {
        load_balancer_delay: SignedDuration::from_secs(load_balancer),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.sim.set_latency(SignedDuration::from_millis(100));
    lab.upload(WEB);
    lab
}

fn is_ready(lab: &Lab) -> bool {
    lab.status().is_some_and(|status| status.phase == Phase::Ready)
}

/// Seconds until Ready, with the pipeline's own pauses.
fn makespan(load_balancer: i64) -> f64 {
    let lab = lab(load_balancer);
    let began = lab.sim.now();
    while !is_ready(&lab) {
        lab.step().expect("it goes on until it is ready");
    }
    lab.sim.now().duration_since(began).as_secs_f64()
}

/// A look of the lifecycle function at every group that there is.
fn look_at_instances(lab: &Lab) {
    let group = "windlass-dev-web".to_owned();
    let wake = GateWake { group, chain: None };
    let looked = lab.look_at_instances(&Occasion::Woken(wake));
    looked.finished().unwrap().unwrap();
}

/// Seconds until Ready, with passes and looks one after the other.
fn critical_path(load_balancer: i64) -> f64 {
    let lab = lab(load_balancer);
    let began = lab.sim.now();
    while !is_ready(&lab) {
        lab.pass(Trigger::Look).finished().unwrap().unwrap();
        look_at_instances(&lab);
    }
    lab.sim.now().duration_since(began).as_secs_f64()
}

#[test]
fn a_creation_takes_at_most_a_tenth_longer_than_its_critical_path() {
    let ratio = makespan(150) / critical_path(150);
    println!("{ratio:.3}");
    assert!((0.9..=1.1).contains(&ratio), "{ratio:.3}");
}

/// What takes long is looked at less often: noticed late by a sixth of its time at most, and by less on the average.
#[test]
fn whatever_a_load_balancer_takes_it_is_noticed_late_by_a_sixth_at_most() {
    let ratios: Vec<f64> = (60..=240)
        .step_by(30)
        .map(|delay| makespan(delay) / critical_path(delay))
        .collect();
    let mean = ratios.iter().sum::<f64>() / f64::from(u32::try_from(ratios.len()).unwrap());
    println!("{mean:.3} {ratios:.3?}");
    assert!(
        ratios.iter().all(|ratio| *ratio <= 1.0 + 1.0 / 6.0),
        "{ratios:.3?}"
    );
    assert!(mean <= 1.1, "{mean:.3}");
}

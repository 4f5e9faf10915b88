//! Not one event of a lifecycle hook arrives: the archive function's sweep, every five minutes, is enough (rule 9).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::{SignedDuration, Timestamp};
use windlass_archive::{Settings, SweepReport, sweep};
use windlass_crash::{GROUP, LIFECYCLE, Lab, QUEUE, SCALE, STATE_BUCKET, Stopped, verify, verify_gone};
use windlass_engine::Phase;
use windlass_sim::WorldConfig;

const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: load-balancer, timeout: 10m}}
";
const LIMIT: usize = 3000;

fn swept(lab: &Lab) -> SweepReport {
    let settings = Settings {
        state_bucket: STATE_BUCKET.into(),
        provision_queue: QUEUE.into(),
        lifecycle_queue: LIFECYCLE.into(),
        scale_queue: SCALE.into(),
        expires: false,
    };
    let clock = || lab.now();
    let ran = lab.sim.run(sweep(&lab.sim, &clock, &settings, Timestamp::MAX));
    ran.finished().unwrap().unwrap()
}

/// Runs what there is to run between two sweeps, and sweeps.
fn five_minutes(lab: &Lab) -> SweepReport {
    let until = lab.sim.now() + SignedDuration::from_mins(5);
    while lab.step_until(until).is_some() {}
    lab.sim.set_now(until);
    swept(lab)
}

#[test]
fn without_a_single_event_sweeps_make_a_stack_ready() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.sim.world_mut().lose_instance_events();
    lab.upload(GATED);
    let is_ready = || lab.status().is_some_and(|status| status.phase == Phase::Ready);
    let sweeps = (0..6).take_while(|_| {
        drop(five_minutes(&lab));
        !is_ready()
    });
    let sweeps = sweeps.count();
    assert!(is_ready(), "{:#?}", lab.status());
    // The network takes two minutes; one sweep finds who waits, and the next finds everybody in service.
    assert_eq!(sweeps, 1);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    assert!(five_minutes(&lab).gates.is_empty(), "nobody waits any more");
}

/// The only message that would have continued it is lost while the alarm goes on, which says nothing new (rule 1).
#[test]
fn a_tick_that_is_lost_is_sent_anew_by_the_sweep() {
    let lab = Lab::new(
        WorldConfig {
            vcpu_quota: 100,
            ..WorldConfig::default()
        },
        1,
    );
    lab.upload(&GATED.replace("max: 4", "max: 8"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    for _ in 0..3 {
        lab.minute(6.0, true);
    }
    let first = lab.group(GROUP).desired;
    assert!((3..8).contains(&first), "{first}");
    let ticks: Vec<String> = lab
        .sim
        .world()
        .messages(SCALE)
        .iter()
        .map(|message| message.id.clone())
        .collect();
    assert_eq!(ticks.len(), 1);
    lab.sim.world_mut().delete_message(SCALE, &ticks[0]);
    for _ in 0..4 {
        lab.minute(5.0, true);
    }
    assert_eq!(lab.group(GROUP).desired, first, "nobody says anything");
    assert_eq!(swept(&lab).ticks.len(), 1);
    lab.minute(5.0, true);
    assert!(lab.group(GROUP).desired > first);
}

#[test]
fn without_a_single_event_a_stack_goes() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(GATED);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.world_mut().lose_instance_events();
    lab.delete_spec();
    for _ in 0..12 {
        drop(five_minutes(&lab));
    }
    verify_gone(&lab).unwrap();
}

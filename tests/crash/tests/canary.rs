//! One instance of a suspended group that is launched for a try: whatever happens on the way, the group keeps and wants
//! afterwards what it kept and wanted before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::SignedDuration;
use rstest::rstest;
use windlass_calls::Request;
use windlass_calls::autoscaling;
use windlass_crash::{Lab, STATE_BUCKET, Scenario, Stopped, stack, sweep, verify, verify_gone};
use windlass_sim::{Peers, Verdict, WorldConfig};

const GROUP: &str = "windlass-dev-web";
const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 3, max: 6}
lifecycle: {launch: {verify: load-balancer, timeout: 5m}}
";
const LIMIT: usize = 3000;

/// A group that keeps three instances at least, wants four, has none, and may not launch any.
fn suspended() -> Lab {
    let config = WorldConfig {
        broken_app: true,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(GATED);
    while lab.readiness().suspended.is_none() {
        lab.step().expect("it is suspended");
    }
    lab.want(GROUP, 4);
    lab
}

/// The same, up to the moment at which one waits at the gate.
fn tried() -> Lab {
    let lab = suspended();
    while lab.readiness().canary.is_none() || lab.readiness().memory.waiting.is_empty() {
        lab.step().expect("one is tried");
    }
    assert_eq!((bounds(&lab), launches(&lab)), ((1, 1), 1));
    lab
}

/// How many instances the group keeps at least, and how many it wants.
fn bounds(lab: &Lab) -> (u32, u32) {
    let group = lab.group(GROUP);
    (group.settings.min, group.desired)
}

/// How many instances of the group wait or serve.
fn launches(lab: &Lab) -> usize {
    let instances = lab.group(GROUP).instances;
    let leaves = |state: &str| state.starts_with("Terminat");
    instances
        .iter()
        .filter(|instance| !leaves(&instance.lifecycle_state))
        .count()
}

fn is_well(lab: &Lab) -> Result<(), String> {
    let (canary, now) = (lab.readiness().canary, bounds(lab));
    if canary.is_some() || now != (3, 4) {
        return Err(format!("{canary:?}, {now:?}"));
    }
    verify(lab)
}

/// What was wrong is right again before one is tried.
#[rstest]
fn whoever_dies_on_the_way_the_group_wants_again_what_it_wanted(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let before = suspended();
    let scenario = Scenario {
        before: &before,
        act: &|lab| lab.sim.world_mut().config_mut().broken_app = false,
        check: &is_well,
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls > 10, "{calls}");
}

/// It goes on failing until somebody corrects it, at any moment of the trial.
#[test]
fn another_version_in_the_middle_of_it_gets_all_its_instances() {
    let before = suspended();
    let mended = |lab: &Lab| {
        lab.sim.world_mut().config_mut().broken_app = false;
        lab.upload(&GATED.replace("[nginx]", "[nginx, vim]"));
    };
    let once = |lab: &Lab| {
        while lab.readiness().canaries == 0 {
            lab.step().expect("one is tried");
        }
    };
    let scenario = Scenario {
        before: &before,
        act: &|lab| {
            once(lab);
            mended(lab);
        },
        check: &is_well,
    };
    let crash = Verdict::CrashAfter(Peers::All);
    sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn a_stack_that_is_destroyed_in_the_middle_of_it_goes_to_the_last_piece() {
    let before = tried();
    let scenario = Scenario {
        before: &before,
        act: &Lab::delete_spec,
        check: &verify_gone,
    };
    let crash = Verdict::CrashAfter(Peers::All);
    sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn the_next_one_comes_later_if_it_fails_and_all_come_if_it_does_not() {
    let lab = tried();
    while lab.readiness().suspended.is_none() {
        lab.step().expect("it is suspended again");
        assert!(launches(&lab) <= 1);
    }
    assert_eq!((bounds(&lab), lab.readiness().canary), ((3, 4), None));
    lab.sim.world_mut().config_mut().broken_app = false;
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    is_well(&lab).unwrap();
    assert_eq!(lab.in_service().len(), 4);
}

/// EC2 has no room for the one that is tried: there is nothing to be careful about.
#[test]
fn a_group_that_cannot_launch_is_not_kept_small() {
    let lab = suspended();
    lab.sim.world_mut().config_mut().launch_failure = Some("no capacity".into());
    lab.sim.world_mut().config_mut().broken_app = false;
    while lab.readiness().canary.is_none() {
        lab.step().expect("one is tried");
    }
    lab.sim.advance(SignedDuration::from_mins(15));
    while lab.readiness().canary.is_some() {
        lab.step().expect("it is given up");
    }
    assert_eq!(bounds(&lab), (3, 4));
    lab.sim.world_mut().config_mut().launch_failure = None;
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    is_well(&lab).unwrap();
}

/// Nobody knows any more that the group is smaller than the spec says: the next look at the stack puts that right.
#[test]
fn a_trial_that_nobody_remembers_is_ended_by_the_next_look_at_the_stack() {
    let lab = tried();
    let key = windlass_engine::readiness_key(&stack(), GROUP);
    lab.sim.world_mut().config_mut().broken_app = false;
    lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(bounds(&lab).0, 3);
    assert_eq!(lab.in_service().len(), 3);
}

/// The call that gives back what it wanted fails.
#[test]
fn what_could_not_be_given_back_is_given_back_by_the_next_look() {
    let lab = tried();
    lab.sim.world_mut().config_mut().broken_app = false;
    let mut left = 3;
    lab.sim.set_faults(Some(Box::new(move |sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::UpdateAutoScalingGroup(_)) if left > 0 => {
            left -= 1;
            Verdict::CrashBefore(Peers::None)
        }
        _ => Verdict::Deliver,
    })));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    is_well(&lab).unwrap();
}

//! The share of spot instances: made, changed, and put right.

use rstest::rstest;
use windlass_calls::autoscaling::{Distribution, GroupChange, Launch, UpdateAutoScalingGroup};
use windlass_crash::{Lab, Scenario, difference, shape, sweep, verify_quickly};
use windlass_sim::{Lag, Peers, Verdict, WorldConfig};

use crate::{
    LONG, SPOT, ask, changes, group, health, healthy, kinds, passes, quiet, ready, running, seconds, whole,
};

const SHARE: &str = "spot: {onDemandBase: 1, onDemandPercent: 0}, ";

#[rstest]
fn creation_with_spot_instances_survives_a_crash_at_every_mutating_call(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let lag = Lag::Seeded { seed: 3, max: 60 };
    let config = WorldConfig {
        visibility_lag: lag,
        elb_lag: lag,
        autoscaling_lag: lag,
        ..WorldConfig::default()
    };
    let scenario = Scenario {
        before: &Lab::new(config, 7),
        act: &|lab| lab.upload(SPOT),
        check: &|lab| {
            lab.sim.advance(seconds(60));
            match kinds(lab) {
                (1, 2) => verify_quickly(lab),
                other => Err(format!("{other:?}")),
            }
        },
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls > 50, "{calls}");
}

fn spec(share: &str) -> String {
    SPOT.replace(SHARE, share)
}

/// None, some, more, others, and none again.
#[rstest]
#[case::comes("", SHARE, (1, 2))]
#[case::grows(SHARE, "spot: {onDemandBase: 0, onDemandPercent: 0}, ", (0, 3))]
#[case::shrinks(SHARE, "spot: {onDemandBase: 0, onDemandPercent: 50}, ", (2, 1))]
#[case::goes(SHARE, "", (3, 0))]
#[case::is_all_on_demand(SHARE, "spot: {onDemandPercent: 100}, ", (3, 0))]
fn a_share_changes_in_place_and_the_group_replaces_what_is_of_the_other_kind(
    #[case] from: &str,
    #[case] to: &str,
    #[case] becomes: (usize, usize),
) {
    let lab = ready(&spec(from));
    lab.upload(&spec(to));
    quiet(&lab);
    let sent: Vec<&str> = changes(&lab)
        .into_iter()
        .filter(|action| !action.starts_with("s3:") && !action.starts_with("sqs:"))
        .collect();
    assert_eq!(sent, ["autoscaling:UpdateAutoScalingGroup"]);
    for _ in 0..LONG.as_secs() / 10 {
        passes(&lab, seconds(10));
        // A new one is in service a moment before it is healthy: the group has no gate.
        assert!(healthy(&lab) >= 2, "{:?}", health(&lab));
    }
    assert_eq!(kinds(&lab), becomes);
    assert_eq!(group(&lab).settings.rebalance, becomes.1 > 0);
    whole(&lab);
    let fresh = shape(&ready(&spec(to))).unwrap();
    assert_eq!(difference(&shape(&lab).unwrap(), &fresh), None);
}

#[test]
fn a_share_that_changes_with_a_new_version_comes_by_the_rollout() {
    let lab = ready(&spec(""));
    lab.upload(&spec(SHARE).replace("[nginx]", "[nginx, htop]"));
    quiet(&lab);
    passes(&lab, LONG);
    quiet(&lab);
    assert!(changes(&lab).contains(&"autoscaling:StartInstanceRefresh"));
    assert_eq!(kinds(&lab), (1, 2));
    whole(&lab);
}

/// A version that comes later reaches spot instances as any others.
#[test]
fn a_rollout_replaces_spot_instances_too() {
    let lab = ready(SPOT);
    let (on_demand, spot) = running(&lab);
    lab.upload(&SPOT.replace("[nginx]", "[nginx, htop]"));
    quiet(&lab);
    passes(&lab, LONG);
    quiet(&lab);
    let (now_on_demand, now_spot) = running(&lab);
    assert_eq!((now_on_demand.len(), now_spot.len()), (1, 2));
    let stayed = |before: &[String], now: &[String]| before.iter().any(|id| now.contains(id));
    assert!(!stayed(&on_demand, &now_on_demand) && !stayed(&spot, &now_spot));
    whole(&lab);
}

#[rstest]
#[case::share(|spot: &mut Distribution| spot.on_demand_percent = 70)]
#[case::base(|spot: &mut Distribution| spot.on_demand_base = 3)]
#[case::strategy(|spot: &mut Distribution| spot.spot_strategy = "lowest-price".into())]
#[case::off(|spot: &mut Distribution| spot.on_demand_percent = 100)]
fn what_somebody_changed_of_the_share_by_hand_is_put_right(#[case] meddle: fn(&mut Distribution)) {
    let lab = ready(SPOT);
    let fresh = shape(&lab).unwrap();
    let settings = group(&lab).settings;
    let mut spot = settings.spot.clone();
    meddle(spot.as_mut().unwrap());
    let change = GroupChange {
        launch: Some(Launch {
            launch_template: settings.launch_template,
            version: settings.version,
            instance_types: settings.instance_types,
            spot,
        }),
        rebalance: Some(false),
        ..GroupChange::default()
    };
    let update = UpdateAutoScalingGroup {
        group: settings.name,
        change: Box::new(change),
    };
    ask(&lab, update);
    lab.look();
    quiet(&lab);
    passes(&lab, LONG);
    assert_eq!(difference(&shape(&lab).unwrap(), &fresh), None);
    assert_eq!(kinds(&lab), (1, 2));
    whole(&lab);
}

#[test]
fn a_stack_that_asks_for_more_spot_instances_than_the_account_may_have_is_refused_whole() {
    let config = WorldConfig {
        spot_vcpu_quota: 7,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(SPOT);
    quiet(&lab);
    let status = lab.status().unwrap();
    let said = format!("{:?}", status.errors);
    assert!(
        said.contains("8 vCPUs of Standard") && said.contains("L-34B43A08"),
        "{said}"
    );
    lab.upload(&spec("spot: {onDemandBase: 2, onDemandPercent: 0}, "));
    whole(&lab);
}

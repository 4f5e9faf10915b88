//! Instances on their way out: drained, done with their command, written down, and let go; whatever fails meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::Value;
use windlass_calls::autoscaling::{self, DescribeAutoScalingGroups, HookResult};
use windlass_calls::elb::{self, DescribeTargetHealth};
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::{Request, ssm};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, trouble, verify, verify_gone};
use windlass_sim::WorldConfig;

const GROUP: &str = "windlass-dev-web";
const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: load-balancer}, terminate: {drain: 60s}}
";
const COMMANDED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: none}, terminate: {drain: 60s, command: /opt/leave, timeout: 40s}}
";
const LIMIT: usize = 3000;

fn ready(spec: &str, config: WorldConfig) -> Lab {
    let lab = Lab::new(config, 1);
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
    verify(&lab).unwrap();
    lab
}

/// A stack of three instances, one of which leaves now.
fn leaving(spec: &str, config: WorldConfig) -> (Lab, Timestamp) {
    let lab = ready(spec, config).fork(1);
    lab.want(GROUP, 3);
    // In service, and no longer new.
    lab.sim.advance(SignedDuration::from_mins(2));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.advance(SignedDuration::from_mins(10));
    let before = lab.sim.now();
    lab.want(GROUP, 2);
    (lab, before)
}

/// Waits on the way out that were ended so: when, and for which instance.
fn let_go(lab: &Lab) -> Vec<(Timestamp, String)> {
    let trace = lab.sim.trace();
    let ended = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::CompleteLifecycleAction(complete))
            if complete.hook == "windlass-terminate" && entry.outcome.applied() =>
        {
            assert_eq!(complete.result, HookResult::Continue);
            Some((entry.at, complete.instance.clone()))
        }
        _ => None,
    });
    ended.collect()
}

fn count(lab: &Lab, action: &str) -> usize {
    let trace = lab.sim.trace();
    trace.iter().filter(|entry| entry.action() == action).count()
}

/// What was written down of an instance that left.
fn record(lab: &Lab, id: &str) -> Option<Value> {
    let list = ListObjectsV2 {
        bucket: STATE_BUCKET.into(),
        prefix: "journal/dev/web/".into(),
    };
    let now = lab.sim.now();
    let keys = lab.sim.world_mut().call(now, list).unwrap();
    let world = lab.sim.world();
    let key = keys
        .iter()
        .find(|key| key.ends_with(&format!("-left-{id}.json")))?;
    Some(serde_json::from_slice(world.object(STATE_BUCKET, key)?).unwrap())
}

#[test]
fn who_leaves_has_drained_and_is_written_down_before_it_goes() {
    let config = WorldConfig {
        console: "[    1.0] Linux\nlogin:".into(),
        ..WorldConfig::default()
    };
    let (lab, asked) = leaving(GATED, config);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let gone = let_go(&lab);
    let [(at, id)] = &gone[..] else { panic!("{gone:?}") };
    let waited = at.duration_since(asked);
    assert!(waited >= SignedDuration::from_secs(60), "it drained: {waited:#}");
    assert!(
        waited <= SignedDuration::from_secs(65),
        "and then it went: {waited:#}"
    );
    let record = record(&lab, id).unwrap();
    assert_eq!(
        (&record["health"], &record["done"]),
        (&"Healthy".into(), &"drained".into())
    );
    assert!(record["age"].as_i64().unwrap() > 600, "{record}");
    let reason = record["reason"].as_str().unwrap();
    assert!(
        reason.contains("difference between desired and actual capacity"),
        "{reason}"
    );
    assert!(
        record["console"].as_str().unwrap().ends_with("login:"),
        "{record}"
    );
    verify(&lab).unwrap();
}

#[test]
fn it_runs_its_command_once_and_goes_when_that_has_ended() {
    let config = WorldConfig {
        command_delay: Some(SignedDuration::from_secs(20)),
        ..WorldConfig::default()
    };
    let (lab, asked) = leaving(COMMANDED, config);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(count(&lab, "ssm:SendCommand"), 1);
    let [(at, id)] = &let_go(&lab)[..] else { panic!() };
    let waited = at.duration_since(asked);
    assert!(waited >= SignedDuration::from_secs(60 + 20), "{waited:#}");
    assert!(waited <= SignedDuration::from_secs(60 + 30), "{waited:#}");
    assert_eq!(record(&lab, id).unwrap()["done"]["command"], "Success");
    verify(&lab).unwrap();
}

#[rstest]
#[case::it_never_ends(None, Some(20), "TimedOut")]
#[case::no_agent_takes_it(Some(2), None, "could not be sent")]
fn a_command_that_does_not_work_out_holds_nobody_for_long(
    #[case] command: Option<i64>,
    #[case] agent: Option<i64>,
    #[case] words: &str,
) {
    let config = WorldConfig {
        command_delay: command.map(SignedDuration::from_secs),
        agent_delay: agent.map(SignedDuration::from_secs),
        ..WorldConfig::default()
    };
    let (lab, asked) = leaving(COMMANDED, config);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let [(at, id)] = &let_go(&lab)[..] else { panic!() };
    assert!(at.duration_since(asked) <= SignedDuration::from_secs(60 + 40 + 40));
    let done = record(&lab, id).unwrap()["done"].to_string();
    assert!(done.contains(words), "{done}");
}

/// A stack goes no later for its hooks than a few looks: they do not wait out the hook's own time.
#[rstest]
#[case(GATED)]
#[case(COMMANDED)]
fn a_stack_that_is_destroyed_lets_everybody_go_in_turn(#[case] spec: &str) {
    let lab = ready(spec, WorldConfig::default());
    lab.delete_spec();
    let asked = lab.sim.now();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
    let gone = let_go(&lab);
    assert_eq!(gone.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), 2);
    for (at, id) in &gone {
        let waited = at.duration_since(asked + lab.settings.grace);
        assert!(waited < SignedDuration::from_mins(3), "{id}: {waited:#}");
        assert!(record(&lab, id).is_some(), "{id}");
    }
}

/// Calls fail, answers are lost, the function dies: everybody goes all the same, and nobody before it has drained.
#[rstest]
fn whatever_fails_nobody_goes_undrained_and_everybody_goes(
    #[values(GATED, COMMANDED)] spec: &str,
    #[values(0, 1, 2, 3)] part: u64,
) {
    let before = ready(spec, WorldConfig::default());
    let mut left = 0;
    for seed in part * 10..(part + 1) * 10 {
        let lab = before.fork(seed);
        lab.want(GROUP, 4);
        lab.sim.advance(SignedDuration::from_mins(2));
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        lab.sim.advance(SignedDuration::from_mins(10));
        lab.sim.set_faults(Some(Box::new(trouble(seed, seed % 7 + 8))));
        let asked = lab.sim.now();
        lab.want(GROUP, 2);
        let until = asked + SignedDuration::from_mins(20);
        while lab.sim.now() < until {
            if lab.step().is_none() {
                lab.sim.advance(SignedDuration::from_secs(20));
            }
        }
        let gone = let_go(&lab);
        for (at, id) in &gone {
            assert!(
                at.duration_since(asked) >= SignedDuration::from_secs(60),
                "seed {seed}: {id}"
            );
        }
        let mut sent = BTreeMap::new();
        for entry in &*lab.sim.trace() {
            if let Request::Ssm(ssm::Request::SendCommand(send)) = &entry.request
                && entry.outcome.applied()
            {
                let before = sent.insert(send.instance.clone(), entry.at);
                assert_eq!(before, None, "seed {seed}: {} runs it twice", send.instance);
            }
        }
        for (at, id) in &gone {
            let runs = sent.get(id).map(|since| at.duration_since(*since));
            let ended = runs.is_none_or(|runs| runs >= SignedDuration::from_secs(2));
            assert!(ended, "seed {seed}: {id} goes while its command runs");
        }
        left += gone.len();
        lab.sim.set_faults(None);
        lab.sim.advance(lab.settings.lease);
        lab.look();
        assert_eq!(lab.run(LIMIT), Stopped::Quiet, "seed {seed}");
        let now = lab.sim.now();
        let names = vec![GROUP.to_owned()];
        let groups = lab
            .sim
            .world_mut()
            .call(now, DescribeAutoScalingGroups { names })
            .unwrap();
        assert_eq!(groups[0].instances.len(), 2, "seed {seed}");
        verify(&lab).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(
        left >= 15,
        "{left} of 20 were let go by the function, and not by the hook's own time"
    );
}

/// Somebody put it back by hand while it was on its way out: it is taken out again, and drains.
#[test]
fn who_is_still_a_target_is_taken_out_before_it_goes() {
    let (lab, asked) = leaving(GATED, WorldConfig::default());
    lab.sim.advance(SignedDuration::from_secs(30));
    let now = lab.sim.now();
    let names = vec![GROUP.to_owned()];
    let groups = lab
        .sim
        .world_mut()
        .call(now, DescribeAutoScalingGroups { names })
        .unwrap();
    let leaver = groups[0]
        .instances
        .iter()
        .find(|instance| instance.lifecycle_state.starts_with("Terminating"))
        .unwrap()
        .id
        .clone();
    let target_group = groups[0].settings.target_groups[0].clone();
    // Behind the group's back, after it has drained.
    lab.sim.set_now(asked + SignedDuration::from_secs(60));
    let register = elb::RegisterTargets {
        target_group: target_group.clone(),
        targets: vec![leaver.clone()],
    };
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, register).unwrap();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let taken_out = lab.sim.trace().iter().any(|entry| match &entry.request {
        Request::Elb(elb::Request::DeregisterTargets(call)) => call.target_group == target_group,
        _ => false,
    });
    assert!(taken_out);
    let now = lab.sim.now();
    let targets = lab
        .sim
        .world_mut()
        .call(now, DescribeTargetHealth { target_group })
        .unwrap();
    assert!(
        targets.iter().all(|target| target.target != leaver),
        "{targets:?}"
    );
    let [(at, _)] = &let_go(&lab)[..] else { panic!() };
    assert!(
        at.duration_since(asked) >= SignedDuration::from_secs(120),
        "it drained again"
    );
}

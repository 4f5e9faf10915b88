//! Looks that overlap, and groups that do: of two looks at once, by clocks that differ, one sees what the other does not, and
//! only one writes the memory; and while one group takes another one's place, instances of both wait. Whatever becomes of an
//! instance is remembered, told and counted once all the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::SignedDuration;
use windlass_calls::autoscaling::{self, HookResult};
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::{Request, sns};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, verify};
use windlass_engine::{GateWake, Occasion, Phase};
use windlass_sim::{Peers, Verdict, WorldConfig};

const GATED: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 1, max: 6}
lifecycle: {launch: {timeout: 1m}}
monitoring: {notify: ['ops@example.com']}
";
const GROUP: &str = "windlass-dev-web";
/// The group that takes its place.
const SUCCESSOR: &str = "windlass-dev-web.b";
const LIMIT: usize = 3000;
const SEEDS: u64 = 60;
/// What an instance has to get healthy.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// From one launch to the next.
const APART: SignedDuration = SignedDuration::from_secs(12);

/// Runs what happens in so much time.
fn passes(lab: &Lab, time: SignedDuration) {
    let until = lab.sim.now() + time;
    while lab.step_until(until).is_some() {}
    if lab.sim.now() < until {
        lab.sim.set_now(until);
    }
}

fn occasion() -> Occasion {
    Occasion::Woken(GateWake {
        group: GROUP.into(),
        chain: None,
    })
}

/// Instances that were given up, or let in.
fn ended(lab: &Lab, wanted: HookResult) -> BTreeSet<String> {
    let trace = lab.sim.trace();
    let ended = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::CompleteLifecycleAction(complete))
            if complete.hook == "windlass-launch" && complete.result == wanted && entry.outcome.applied() =>
        {
            Some(complete.instance.clone())
        }
        _ => None,
    });
    ended.collect()
}

fn told(lab: &Lab) -> usize {
    let trace = lab.sim.trace();
    let told = trace.iter().filter(|entry| {
        matches!(entry.request, Request::Sns(sns::Request::Publish(_))) && entry.outcome.applied()
    });
    told.count()
}

/// A stack that serves, two instances that were launched some seconds apart and never get healthy, and the time of the
/// first of them nearly over.
fn two_late(seed: u64) -> Lab {
    let config = WorldConfig {
        agent_delay: None,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(GATED);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
    let lab = lab.fork(seed);
    lab.sim.advance(SignedDuration::from_mins(10));
    lab.sim.world_mut().config_mut().broken_app = true;
    lab.want(GROUP, 2);
    passes(&lab, APART);
    lab.want(GROUP, 3);
    passes(&lab, SignedDuration::from_secs(20));
    let since = |lab: &Lab| {
        lab.readiness()
            .memory
            .waiting
            .values()
            .map(|waiting| waiting.since)
            .min()
    };
    // Time runs once the load balancer checks.
    while lab.now().duration_since(since(&lab).unwrap()) < TIMEOUT - SignedDuration::from_secs(1) {
        passes(&lab, SignedDuration::from_secs(1));
    }
    lab.sim.set_now(since(&lab).unwrap() + TIMEOUT);
    assert_eq!(lab.readiness().memory.waiting.len(), 2);
    lab
}

#[test]
fn whoever_is_given_up_is_remembered_counted_and_told_of_once() {
    let mut refused = 0;
    for seed in 0..SEEDS {
        let lab = two_late(seed);
        let waiting: BTreeSet<String> = lab.readiness().memory.waiting.into_keys().collect();
        lab.sim.set_latency(SignedDuration::from_millis(100));
        let looked = lab
            .look_twice_at_instances(&occasion(), APART)
            .finished()
            .unwrap();
        let given_up = ended(&lab, HookResult::Abandon);
        // The one that came second did nothing.
        let did = |look: &Result<_, _>| {
            look.as_ref()
                .is_ok_and(|look: &windlass_engine::LookReport| !look.rejected.is_empty())
        };
        refused += usize::from(looked.iter().filter(|look| did(look)).count() == 1);
        let remembered = |id: &String| {
            lab.readiness()
                .rejected
                .iter()
                .any(|rejected| rejected.instance == *id)
        };
        assert!(
            given_up.iter().all(remembered),
            "seed {seed}: {given_up:?} {:#?}",
            lab.readiness()
        );
        // What one of them left is done by the next look.
        passes(&lab, SignedDuration::from_secs(40));
        let given_up = ended(&lab, HookResult::Abandon);
        assert_eq!(given_up, waiting, "seed {seed}");
        assert!(
            given_up.iter().all(remembered),
            "seed {seed}: {given_up:?} {:#?}",
            lab.readiness()
        );
        assert_eq!(
            lab.readiness().memory.failed.unwrap().count,
            1,
            "seed {seed}: one round"
        );
        assert_eq!(told(&lab), 1, "seed {seed}: told of once");
        let list = ListObjectsV2 {
            bucket: STATE_BUCKET.into(),
            prefix: "journal/dev/web/".into(),
        };
        let now = lab.sim.now();
        let mut journal = lab.sim.world_mut().call(now, list).unwrap();
        journal.retain(|key| key.contains("-rejected-"));
        assert_eq!(journal.len(), 2, "seed {seed}: {journal:?}");
    }
    assert!(
        refused > 10,
        "{refused} of {SEEDS}: two looks must meet for this to show anything"
    );
}

/// For instances that boot for minutes.
fn slow() -> String {
    GATED.replace("min: 1", "min: 2").replace("1m", "5m")
}

/// A stack whose instances move to another port: the group that takes the place of the first one has instances that wait,
/// and then an instance of the first one dies, so that its replacement waits too.
fn two_groups(broken: bool) -> (Lab, String) {
    let config = WorldConfig {
        boot_delay: SignedDuration::from_mins(3),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    let spec = slow();
    lab.upload(&spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
    let lab = lab.fork(1);
    let old = lab.in_service();
    if broken {
        lab.sim.world_mut().config_mut().broken_versions = [2].into();
    }
    lab.upload(&format!(
        "allowReplace: true\n{}",
        spec.replace("[nginx]", "[nginx, htop], port: 8080")
    ));
    let is_begun = |gate: &windlass_engine::Readiness| {
        if broken {
            gate.suspended.is_some()
        } else {
            !gate.memory.waiting.is_empty()
        }
    };
    while !is_begun(&lab.readiness_of(SUCCESSOR)) {
        lab.step().expect("the other group launches");
    }
    assert_eq!(lab.in_service(), old);
    let gone = old.first().unwrap().clone();
    lab.sim.world_mut().terminate_instance(&gone);
    while lab.readiness().memory.waiting.is_empty() {
        lab.step().expect("the first group replaces what died");
    }
    let new = lab.readiness().memory.waiting.into_keys().next().unwrap();
    (lab, new)
}

#[test]
fn instances_of_two_groups_wait_side_by_side_and_each_is_let_in() {
    let (lab, new) = two_groups(false);
    let others = lab.readiness_of(SUCCESSOR).memory.waiting;
    assert!(!others.is_empty(), "they wait still");
    passes(&lab, SignedDuration::from_mins(4));
    let let_in = ended(&lab, HookResult::Continue);
    assert!(let_in.contains(&new), "{new}: {let_in:?}");
    assert!(
        others.keys().all(|id| let_in.contains(id)),
        "{others:?}: {let_in:?}"
    );
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    assert_eq!(ended(&lab, HookResult::Abandon), BTreeSet::new());
}

#[test]
fn a_suspended_group_keeps_no_other_from_healing() {
    let (lab, new) = two_groups(true);
    passes(&lab, SignedDuration::from_mins(4));
    assert!(lab.in_service().contains(&new), "{new}: {:?}", lab.in_service());
    let (first, other) = (lab.readiness(), lab.readiness_of(SUCCESSOR));
    assert_eq!((first.suspended, first.rejected.len()), (None, 0));
    assert!(other.suspended.is_some());
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Degraded, "{status:#?}");
    assert!(!status.unhealthy_instances.is_empty());
    // Corrected, it takes the first one's place.
    lab.upload(&format!(
        "allowReplace: true\n{}",
        slow().replace("[nginx]", "[nginx, jq], port: 8080")
    ));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// The version that failed is given up, and its group with it: nothing is tried any more.
#[test]
fn a_suspended_group_that_is_gone_is_forgotten() {
    let (lab, _) = two_groups(true);
    lab.upload(&format!("allowReplace: true\n{}", slow()));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
    verify(&lab).unwrap();
    let gate = lab.readiness_of(SUCCESSOR);
    assert_eq!((gate.suspended, gate.wake), (None, None));
    assert_eq!(lab.status().unwrap().phase, Phase::Ready);
}

/// Looks at the same moment, as two deliveries of one message begin: nothing tells what they write apart but who they are.
#[test]
fn of_two_looks_at_the_same_moment_one_lets_an_instance_go() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(&GATED.replace("min: 1", "min: 2"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
    lab.want(GROUP, 3);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.advance(SignedDuration::from_mins(10));
    lab.want(GROUP, 2);
    let mut met = 0;
    for seed in 0..SEEDS {
        let lab = lab.fork(seed);
        // It has drained by then, and nobody has looked.
        lab.sim.advance(SignedDuration::from_mins(2));
        lab.sim.set_latency(SignedDuration::ZERO);
        let looked = lab
            .look_twice_at_instances(&occasion(), SignedDuration::ZERO)
            .finished()
            .unwrap();
        let left: usize = looked.iter().flatten().map(|look| look.left.len()).sum();
        met += usize::from(
            looked
                .iter()
                .flatten()
                .filter(|look| !look.left.is_empty())
                .count()
                == 1,
        );
        assert_eq!(left, 1, "seed {seed}: {looked:?}");
    }
    assert!(met > 10, "{met} of {SEEDS}");
}

/// That an instance got healthy counts, though whoever let it go on died before writing the rest down.
#[test]
fn who_got_healthy_ends_the_suspension_whatever_becomes_of_the_look() {
    let config = WorldConfig {
        broken_app: true,
        agent_delay: None,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(GATED);
    while lab.readiness().suspended.is_none() {
        lab.step().expect("it is suspended");
    }
    lab.sim.world_mut().config_mut().broken_app = false;
    while lab.readiness().canaries == 0 || lab.readiness().memory.waiting.is_empty() {
        lab.step().expect("one is tried");
    }
    lab.sim.set_faults(Some(Box::new(|sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::CompleteLifecycleAction(_)) => {
            Verdict::CrashAfter(Peers::All)
        }
        _ => Verdict::Deliver,
    })));
    while ended(&lab, HookResult::Continue).is_empty() {
        lab.step().expect("it is let in");
    }
    lab.sim.set_faults(None);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let gate = lab.readiness();
    assert_eq!(
        (gate.canaries, gate.memory.failed, gate.rejected),
        (0, None, vec![])
    );
    verify(&lab).unwrap();
}

//! A running stack under a load: what the scaler asks for, when, and what becomes of it when things go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::autoscaling;
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::{CallError, Request};
use windlass_crash::{
    GROUP, Lab, SCALE, STATE_BUCKET, Scenario, Step, Stopped, loads, stack, sweep, verify_gone,
};
use windlass_engine::{ScaleMessage, ScaleOccasion, ScaleWake, ScalingEntry, scaling_key};
use windlass_planner::kinds::alarm::{Source, metric as alarm_metric};
use windlass_scaling::{Rule, decide};
use windlass_sim::{Peers, Ran, TraceEntry, Verdict, WorldConfig};
use windlass_spec::Measure;

mod goals;
mod load;
mod trouble;

#[path = "../../../../shared/calls/tests/template/mod.rs"]
mod template;

const SPEC: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 8}
";
const LIMIT: usize = 3000;

fn running() -> Lab {
    let config = WorldConfig {
        vcpu_quota: 100,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(SPEC);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    // To the beginning of a minute.
    let seconds = lab.now().as_second().rem_euclid(60);
    lab.sim.advance(SignedDuration::from_secs(60 - seconds));
    lab.fork(1)
}

/// Capacities that were asked for, and when.
fn asked(lab: &Lab) -> Vec<(Timestamp, u32)> {
    let trace = lab.sim.trace();
    let asked = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(set)) if entry.outcome.applied() => {
            Some((entry.at, set.desired))
        }
        _ => None,
    });
    asked.collect()
}

fn capacities(lab: &Lab) -> Vec<u32> {
    asked(lab).into_iter().map(|(_, desired)| desired).collect()
}

/// Decisions in the journal, the oldest first.
fn journal(lab: &Lab) -> Vec<ScalingEntry> {
    let list = ListObjectsV2 {
        bucket: STATE_BUCKET.into(),
        prefix: "journal/dev/web/".into(),
    };
    let now = lab.sim.now();
    let keys = lab.sim.world_mut().call(now, list).unwrap();
    let keys = keys.iter().filter(|key| key.ends_with("-scaling.json"));
    let world = lab.sim.world();
    keys.map(|key| serde_json::from_slice(world.object(STATE_BUCKET, key).unwrap()).unwrap())
        .collect()
}

fn alarm(name: &str) -> ScaleOccasion {
    ScaleOccasion::Alarm {
        stack: stack(),
        alarm: name.into(),
    }
}

fn recorded() -> ScaleOccasion {
    ScaleOccasion::Recorded {
        stack: stack(),
        serial: 0,
    }
}

fn ticks(lab: &Lab) -> usize {
    lab.sim.world().messages(SCALE).len()
}

/// What others than the pipeline's own bucket and queues are asked in between two lengths of a trace.
fn calls(trace: &[TraceEntry]) -> Vec<&'static str> {
    let own = |action: &&str| action.starts_with("s3:") || action.starts_with("sqs:");
    trace
        .iter()
        .map(TraceEntry::action)
        .filter(|action| !own(action))
        .collect()
}

/// Whoever asks for another capacity may not.
fn deny_capacity(lab: &Lab) {
    let action = "autoscaling:SetDesiredCapacity";
    lab.sim
        .set_faults(Some(Box::new(move |sent| match sent.request.action() {
            sent if sent == action => {
                Verdict::Fail(CallError::answered(action, "AccessDenied", "not authorized", 403))
            }
            _ => Verdict::Deliver,
        })));
}

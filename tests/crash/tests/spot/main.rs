//! Spot instances: the share of them made, changed and put right in place, and what is done when EC2 takes one back, with
//! lost, repeated, late and foreign events on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod notice;
mod share;

use jiff::SignedDuration;
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group};
use windlass_calls::ec2::DescribeInstances;
use windlass_calls::elb::DescribeTargetHealth;
use windlass_calls::{Call, Filters};
use windlass_crash::{LIFECYCLE, Lab, QUEUE, Stopped, verify};
use windlass_sim::WorldConfig;

const SPOT: &str = "
network: {zones: 2, nat: single}
compute: {spot: {onDemandBase: 1, onDemandPercent: 0}, app: {packages: [nginx]}}
scaling: {min: 3, max: 5}
lifecycle: {launch: {verify: none}}
";
const LIMIT: usize = 2000;
/// Time for a group to replace all that it wants to, one by one.
const LONG: SignedDuration = SignedDuration::from_mins(40);

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn quiet(lab: &Lab) {
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
}

/// Which instances there are now is recorded by the next look.
fn whole(lab: &Lab) {
    lab.look();
    quiet(lab);
    verify(lab).unwrap();
}

fn ready(spec: &str) -> Lab {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(spec);
    quiet(&lab);
    verify(&lab).unwrap();
    lab.fork(1)
}

fn ask<C: Call>(lab: &Lab, call: C) -> C::Response {
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, call).unwrap()
}

fn group(lab: &Lab) -> Group {
    let names = vec!["windlass-dev-web".into()];
    ask(lab, DescribeAutoScalingGroups { names }).remove(0)
}

/// Ids of the instances that run: those on demand, and the spot instances.
fn running(lab: &Lab) -> (Vec<String>, Vec<String>) {
    let filters = Filters::from([(
        "instance-state-name".to_owned(),
        vec!["pending".to_owned(), "running".to_owned()],
    )]);
    let found = ask(lab, DescribeInstances { filters });
    let (spot, on_demand): (Vec<_>, Vec<_>) = found.into_iter().partition(|instance| instance.spot);
    let ids = |found: Vec<windlass_calls::ec2::Instance>| found.into_iter().map(|it| it.id).collect();
    (ids(on_demand), ids(spot))
}

fn kinds(lab: &Lab) -> (usize, usize) {
    let (on_demand, spot) = running(lab);
    (on_demand.len(), spot.len())
}

fn a_spot_instance(lab: &Lab) -> String {
    running(lab).1.remove(0)
}

/// States of the targets that requests go to.
fn health(lab: &Lab) -> Vec<(String, String)> {
    let target_group = group(lab).settings.target_groups.remove(0);
    let health = ask(lab, DescribeTargetHealth { target_group });
    health.into_iter().map(|it| (it.target, it.state)).collect()
}

fn healthy(lab: &Lab) -> usize {
    health(lab).iter().filter(|(_, state)| state == "healthy").count()
}

/// What the lifecycle function, or a pass, sent that changes something: actions, in order.
fn changes(lab: &Lab) -> Vec<&'static str> {
    let trace = lab.sim.trace();
    let sent = trace.iter().filter(|it| it.request.effect().is_mutating());
    sent.map(windlass_sim::TraceEntry::action).collect()
}

/// Lets time pass as it does: messages are handled when they are there, and the world goes on.
fn passes(lab: &Lab, time: SignedDuration) {
    let until = lab.sim.now() + time;
    while lab.sim.now() < until {
        let next = lab.sim.world().next_visible(LIFECYCLE);
        let next = next.into_iter().chain(lab.sim.world().next_visible(QUEUE)).min();
        if next.is_some_and(|next| next <= lab.sim.now()) {
            lab.step();
        } else {
            lab.sim.advance(seconds(1));
            let now = lab.sim.now();
            lab.sim.world_mut().settle(now);
        }
    }
}

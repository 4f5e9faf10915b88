//! What went wrong once, each with the smallest case that shows it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::SignedDuration;
use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_crash::{Lab, STATE_BUCKET, Stopped, runs_and_serves, stack, verify, verify_gone};
use windlass_engine::{head_key, state_key};
use windlass_sim::{Lag, WorldConfig};

const LIMIT: usize = 600;

fn lab() -> Lab {
    Lab::new(WorldConfig::default(), 1)
}

fn becomes_ready(lab: &Lab, spec: &str) {
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(lab).unwrap();
}

/// The deadline of an hour ran out while the old instances still had their hour to finish their requests: the stack was
/// `Failed`, and the old group stayed.
#[test]
fn what_drains_for_an_hour_is_waited_for() {
    let spec = |port: u16| {
        format!(
            "allowReplace: true\ncompute: {{app: {{packages: [nginx], port: {port}}}}}\nlifecycle: {{terminate: {{drain: 1h}}}}\n"
        )
    };
    let lab = lab();
    becomes_ready(&lab, &spec(80));
    becomes_ready(&lab, &spec(8080));
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
}

/// A topic that somebody deleted came back without those who were subscribed to it: nobody heard of trouble any more.
#[test]
fn whoever_is_to_be_told_is_asked_again_when_the_topic_is_made_anew() {
    let lab = lab();
    becomes_ready(
        &lab,
        "compute: {app: {packages: [nginx]}}\nmonitoring: {notify: [ops@example.com]}\n",
    );
    let topics = lab.sim.world().inventory().into_iter();
    let topic = topics
        .filter(|it| it.kind == "topic")
        .map(|it| it.id)
        .next()
        .unwrap();
    lab.sim.advance(lab.settings.consistency);
    assert!(lab.sim.world_mut().delete(&topic));
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    assert_eq!(lab.sim.world().confirmations_sent(&topic, "ops@example.com"), 1);
}

/// The listener took the health of the previous target group, which the instances' kind asks about, for that of the new
/// one: requests moved at once, to a group of which no instance was healthy.
#[test]
fn requests_move_when_the_new_instances_are_healthy_whoever_asks_about_the_old_ones() {
    let spec = |mode: &str, port: u16| {
        format!(
            "allowReplace: true\ncompute: {{mode: {mode}, app: {{packages: [nginx], port: {port}}}}}\nscaling: {{min: 3}}\n"
        )
    };
    let lab = lab();
    becomes_ready(&lab, &spec("ec2", 80));
    lab.upload(&spec("asg", 8080));
    assert_eq!(runs_and_serves(&lab, LIMIT, 3).unwrap(), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// A NAT gateway on its way out still has its address. Another one with it failed, and the stack with it.
#[test]
fn an_address_is_not_used_again_before_its_earlier_nat_gateway_is_gone() {
    let spec = "network: {zones: 2, nat: single}\ncompute: {app: {packages: [nginx]}}\n";
    let lab = lab();
    becomes_ready(&lab, spec);
    lab.delete_spec();
    let is_deleting = |lab: &Lab| lab.sim.calls().contains_key("ec2:DeleteNatGateway");
    while !is_deleting(&lab) {
        assert!(lab.step().is_some());
    }
    becomes_ready(&lab, spec);
}

/// What was deleted a moment ago still showed, was taken for alive, and was never looked at again: everything that needs it
/// failed until the deadline.
#[test]
fn what_was_settled_is_looked_at_again_when_what_needs_it_keeps_failing() {
    let spec = "network: {zones: 2, nat: single}\ncompute: {app: {packages: [nginx]}}\n";
    let config = WorldConfig {
        ghost_lag: Lag::Fixed(45),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    becomes_ready(&lab, spec);
    lab.delete_spec();
    while !lab.sim.calls().contains_key("ec2:DeleteVpc") {
        assert!(lab.step().is_some());
    }
    becomes_ready(&lab, spec);
}

/// A target group that was deleted a moment ago still showed. The group that was to use it was refused, in words that say
/// that it may not exist, and that was taken for final.
#[test]
fn a_target_group_that_is_gone_and_still_shows_is_waited_for() {
    let spec = "network: {zones: 2, nat: single}\ncompute: {app: {packages: [nginx]}}\n";
    let config = WorldConfig {
        ghost_lag: Lag::Fixed(200),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    becomes_ready(&lab, spec);
    lab.delete_spec();
    while !lab
        .sim
        .calls()
        .contains_key("elasticloadbalancing:DeleteTargetGroup")
    {
        assert!(lab.step().is_some());
    }
    becomes_ready(&lab, spec);
}

/// With the state lost, the internet gateway of an earlier network, detached already, was taken for the one of the new
/// network, which had its own: the attachment was refused, and the stack `Failed`.
#[test]
fn a_network_keeps_its_own_internet_gateway_beside_one_that_is_detached() {
    let spec = "network: {zones: 2, nat: single}\ncompute: {app: {packages: [nginx]}}\n";
    let lab = lab();
    becomes_ready(&lab, spec);
    lab.upload(&format!(
        "allowReplace: true\n{}",
        spec.replace("{zones", "{cidr: 10.7.0.0/16, zones")
    ));
    while !lab.sim.calls().contains_key("ec2:DetachInternetGateway") {
        assert!(lab.step().is_some());
    }
    let keys = (1..=lab.head().unwrap().serial).map(|serial| state_key(&stack(), serial));
    for key in keys.chain([head_key(&stack())]) {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
    // The deletion itself is lost as well.
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

/// The group of the first port and that of the second were both waiting to go, and had both names that a group could have:
/// the one of the third port waited for them, and they for it.
#[test]
fn a_change_of_mind_in_mid_replacement_finds_a_free_name_for_the_group() {
    let spec = |port: u16| {
        format!(
            "allowReplace: true\ncompute: {{app: {{packages: [nginx], port: {port}}}}}\nscaling: {{min: 2}}\n"
        )
    };
    let lab = lab();
    becomes_ready(&lab, &spec(80));
    lab.upload(&spec(8080));
    while lab.sim.calls()["autoscaling:CreateAutoScalingGroup"] < 2 {
        assert!(lab.step().is_some());
    }
    becomes_ready(&lab, &spec(8000));
}

/// A call with the token of an earlier one and other parameters was refused, and the stack `Failed` until somebody gave it
/// another name.
#[test]
fn a_client_token_that_was_used_for_something_else_is_left_behind() {
    let spec = "network: {zones: 2, nat: single}\ncompute: {app: {packages: [nginx]}}\n";
    let lab = lab();
    becomes_ready(&lab, spec);
    for serial in 1..=lab.head().unwrap().serial {
        lab.sim
            .world_mut()
            .delete_object(STATE_BUCKET, &state_key(&stack(), serial));
    }
    becomes_ready(
        &lab,
        &format!(
            "allowReplace: true\n{}",
            spec.replace("{zones", "{cidr: 10.7.0.0/16, zones")
        ),
    );
}

/// Somebody deleted a group in which an instance waited at the gate, and another name was free for the next one: that there is
/// no such group was taken for one that cannot be seen yet, and the looks went on for ever.
#[test]
fn a_group_that_goes_with_whoever_waits_in_it_is_forgotten() {
    let spec = |port: u16| {
        format!(
            "allowReplace: true\ncompute: {{app: {{packages: [nginx], port: {port}}}}}\nscaling: {{min: 2}}\n"
        )
    };
    let lab = Lab::new(
        WorldConfig {
            running_delay: SignedDuration::from_mins(3),
            ..WorldConfig::default()
        },
        1,
    );
    becomes_ready(&lab, &spec(80));
    becomes_ready(&lab, &spec(8080));
    let next = "windlass-dev-web.b";
    let one = lab.in_service().pop_first().unwrap();
    assert!(lab.sim.world_mut().terminate_instance(&one));
    let waits = |lab: &Lab| {
        let now = lab.sim.now();
        let names = vec![next.to_owned()];
        let groups = lab
            .sim
            .world_mut()
            .call(now, DescribeAutoScalingGroups { names })
            .unwrap();
        let mut instances = groups.iter().flat_map(|group| &group.instances);
        instances.any(|instance| instance.lifecycle_state == "Pending:Wait")
    };
    while !waits(&lab) {
        let next = lab.sim.now() + SignedDuration::from_secs(10);
        while lab.step_until(next).is_some() {}
        lab.sim.set_now(next);
    }
    let soon = lab.sim.now() + SignedDuration::from_mins(1);
    while lab.step_until(soon).is_some() {}
    assert!(
        lab.sim.world_mut().delete(next),
        "before anybody could be registered"
    );
    lab.look();
    assert_eq!(lab.run(3 * LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

//! A crash at every mutating call of an update, of a replacement, of mending what somebody changed by hand, and of
//! destroying the stacks of other kinds. Afterwards the stack is as if there had been none, and as a fresh one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::Tags;
use windlass_calls::cloudwatch::{DescribeAlarms, PutMetricAlarm};
use windlass_calls::ec2::{AuthorizeSecurityGroupIngress, Peer, Rule};
use windlass_calls::elb::ModifyTargetGroupAttributes;
use windlass_crash::{
    Lab, Scenario, Stopped, difference, shape, sweep, sweep_then, verify, verify_gone, verify_quickly,
};
use windlass_planner::Id;
use windlass_sim::{Lag, Peers, Verdict, WorldConfig};

const LIMIT: usize = 600;

/// Small, with something of every kind.
const BEFORE: &str = "
network: {zones: 2, nat: single, endpoints: [ssm, s3]}
compute: {app: {packages: [nginx]}}
loadBalancer: {listeners: [{port: 80, protocol: HTTP}, {port: 81, protocol: HTTP}]}
scaling: {min: 2, max: 4}
monitoring: {dashboard: true, notify: [ops@example.com]}
";
/// What of it can change in place, changed.
const AFTER: &str = "
network: {zones: 2, nat: per-zone}
compute: {app: {packages: [nginx, htop]}}
loadBalancer:
  listeners: [{port: 80, protocol: HTTP}, {port: 82, protocol: HTTP}]
  healthCheck: {path: /health, interval: 5s}
scaling: {min: 3, max: 6}
lifecycle: {terminate: {drain: 30s}}
";
const GROUP: &str = "
allowReplace: true
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
";
/// The same, and nobody is asked whether an instance is healthy.
const UNGATED: &str = "
allowReplace: true
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: none}}
";
const GATED: &str = "
allowReplace: true
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
loadBalancer: {listeners: [{port: 80}, {port: 81}]}
scaling: {min: 2, max: 4}
lifecycle: {launch: {verify: load-balancer}}
";
const FIXED: &str = "
allowReplace: true
network: {zones: 2, nat: single}
compute: {mode: ec2, app: {packages: [nginx]}}
scaling: {min: 2}
";

fn ready(spec: &str, lag: Lag) -> Lab {
    let config = WorldConfig {
        address_quota: 10,
        visibility_lag: lag,
        elb_lag: lag,
        autoscaling_lag: lag,
        monitoring_lag: lag,
        ghost_lag: lag,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    // What shows late is not this sweep's business.
    lab.sim.advance(lab.settings.consistency);
    verify(&lab).unwrap();
    lab
}

/// Crashes at each mutating call of what is done to a stack, which then is as a fresh one of the spec.
fn survives(before: &Lab, act: &dyn Fn(&Lab), becomes: &str, crash: &Verdict) -> u64 {
    let fresh = shape(&ready(becomes, Lag::None)).unwrap();
    let check = |lab: &Lab| {
        verify_quickly(lab)?;
        difference(&shape(lab)?, &fresh).map_or(Ok(()), Err)
    };
    let scenario = Scenario {
        before,
        act,
        check: &check,
    };
    sweep(&scenario, crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"))
}

#[rstest]
fn an_update_survives_a_crash_at_every_mutating_call(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let before = ready(BEFORE, Lag::None);
    let calls = survives(&before, &|lab| lab.upload(AFTER), AFTER, &crash);
    assert!(calls > 40, "{calls}");
}

/// With what is new out of sight for a while, and what is gone still in sight.
#[rstest]
fn an_update_that_shows_late_survives_it_too(
    #[values(Verdict::CrashBefore(Peers::All), Verdict::CrashAfter(Peers::None))] crash: Verdict,
) {
    let before = ready(BEFORE, Lag::Seeded { seed: 3, max: 60 });
    survives(&before, &|lab| lab.upload(AFTER), AFTER, &crash);
}

/// The gate comes, goes, and moves to another listener while both stay.
#[rstest]
#[case::comes("verify: load-balancer", "verify: none", false)]
#[case::goes("verify: load-balancer", "verify: none", true)]
#[case::moves("[{port: 80}, {port: 81}]", "[{port: 81}, {port: 80}]", true)]
#[case::moves_from_what_goes("[{port: 80}, {port: 81}]", "[{port: 81}]", true)]
fn a_gate_that_changes_survives_a_crash_at_every_mutating_call(
    #[case] from: &str,
    #[case] to: &str,
    #[case] forward: bool,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let other = GATED.replace(from, to);
    assert_ne!(other, GATED);
    let (before, after) = if forward {
        (GATED, &*other)
    } else {
        (&*other, GATED)
    };
    let calls = survives(&ready(before, lag), &|lab| lab.upload(after), after, &crash);
    assert!(calls >= 2, "{calls}");
}

#[rstest]
fn a_replacement_survives_a_crash_at_every_mutating_call(
    #[values(
        (GROUP, "packages: [nginx]", "packages: [nginx], port: 8080"),
        (GATED, "packages: [nginx]", "packages: [nginx], port: 8080"),
        (FIXED, "packages: [nginx]", "packages: [nginx], port: 8080")
    )]
    change: (&str, &str, &str),
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let (spec, from, to) = change;
    let after = spec.replace(from, to);
    assert_ne!(spec, after);
    let calls = survives(&ready(spec, Lag::None), &|lab| lab.upload(&after), &after, &crash);
    assert!(calls > 20, "{calls}");
}

#[rstest]
fn a_replacement_of_the_load_balancer_or_the_network_survives_it_too(
    #[values(
        (GROUP, "nat: single}", "nat: single}\nloadBalancer: {scheme: internal}"),
        (GROUP, "network: {", "network: {cidr: 10.1.0.0/16, "),
        (GATED, "loadBalancer: {", "loadBalancer: {scheme: internal, "),
        (GATED, "network: {", "network: {cidr: 10.1.0.0/16, ")
    )]
    change: (&str, &str, &str),
    #[values(Verdict::CrashBefore(Peers::All), Verdict::CrashAfter(Peers::None))] crash: Verdict,
) {
    let (spec, from, to) = change;
    let after = spec.replace(from, to);
    assert_ne!(spec, after);
    let calls = survives(&ready(spec, Lag::None), &|lab| lab.upload(&after), &after, &crash);
    assert!(calls > 20, "{calls}");
}

#[rstest]
fn a_change_of_the_mode_survives_a_crash_at_every_mutating_call(
    #[values((GROUP, FIXED), (FIXED, GROUP))] modes: (&str, &str),
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let (before, after) = modes;
    let calls = survives(&ready(before, Lag::None), &|lab| lab.upload(after), after, &crash);
    assert!(calls > 20, "{calls}");
}

/// Somebody changes much by hand.
fn meddle(lab: &Lab) {
    let records = lab.state().unwrap().resources;
    let id = |id: &str| records[&Id::parse(id)].outputs.get("id");
    let now = lab.sim.now();
    let mut world = lab.sim.world_mut();
    assert!(world.disassociate(&id("subnet/private-a")));
    assert!(world.delete_route(&id("route-table/private-b"), "0.0.0.0/0"));
    let instances = id("security-group/instances");
    let own = Rule::tcp(80, Peer::Group(id("security-group/load-balancer")));
    assert!(world.delete_rule(&instances, &own));
    let foreign = AuthorizeSecurityGroupIngress {
        group: instances,
        rule: Rule::tcp(22, Peer::Cidr("0.0.0.0/0".into())),
    };
    world.call(now, foreign).unwrap();
    assert!(world.delete(&id("listener/80")));
    assert!(world.delete(&id("vpc-endpoint/s3")));
    let attributes = ModifyTargetGroupAttributes {
        target_group: id("target-group"),
        attributes: Tags::from([("deregistration_delay.timeout_seconds".into(), "5".into())]),
    };
    world.call(now, attributes).unwrap();
    let alarms = world
        .call(
            now,
            DescribeAlarms {
                prefix: String::new(),
            },
        )
        .unwrap();
    let mut alarm = alarms[0].clone();
    alarm.threshold = 1.5.into();
    let edited = PutMetricAlarm {
        alarm: Box::new(alarm),
        tags: Tags::new(),
    };
    world.call(now, edited).unwrap();
    let mut instances = world.inventory().into_iter().filter(|it| it.kind == "instance");
    let one = instances.next().unwrap().id;
    assert!(world.terminate_instance(&one));
    drop(world);
    lab.look();
}

#[rstest]
fn mending_what_was_changed_by_hand_survives_a_crash_at_every_mutating_call(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let calls = survives(&ready(BEFORE, Lag::None), &meddle, BEFORE, &crash);
    assert!(calls > 10, "{calls}");
}

/// Somebody deletes one resource of each kind that nothing else keeps.
#[rstest]
fn whatever_is_deleted_by_hand_comes_back(#[values(BEFORE, GATED, FIXED)] spec: &str) {
    let before = ready(spec, Lag::None);
    let fresh = shape(&before).unwrap();
    let kept = [
        "vpc",
        "security-group",
        "subnet",
        "internet-gateway",
        "iam-role",
        "instance-profile",
        "address",
    ];
    let all = before.sim.world().inventory();
    let mut wrong = Vec::new();
    for it in all.iter().filter(|it| !kept.contains(&it.kind)) {
        let lab = before.fork(1);
        assert!(lab.sim.world_mut().delete_one(it.kind, &it.id));
        // Its deletion may be seen late: what was there a moment ago is waited for (rule 34).
        lab.look();
        let stopped = lab.run(LIMIT);
        let outcome = verify(&lab).and_then(|()| difference(&shape(&lab)?, &fresh).map_or(Ok(()), Err));
        if let Err(error) = outcome {
            wrong.push(format!(
                "{} {:?} {stopped:?}: {error}",
                it.kind,
                it.tags.get("windlass:resource")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Somebody deletes the topic: the next one knows nobody, even if the pass that makes it dies right afterwards.
#[rstest]
fn everybody_is_asked_again_whatever_becomes_of_the_pass_that_makes_the_topic_anew(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let before = ready(BEFORE, Lag::None);
    let delete = |lab: &Lab| {
        let topic = lab.state().unwrap().resources[&Id::only("topic")]
            .outputs
            .get("arn");
        assert!(lab.sim.world_mut().delete_one("topic", &topic));
        lab.look();
    };
    let calls = survives(&before, &delete, BEFORE, &crash);
    assert!(calls > 4, "{calls}");
}

#[rstest]
fn destroying_other_stacks_survives_a_crash_at_every_mutating_call(
    #[values(
        include_str!("../../../events/specs/fixed.yaml"),
        include_str!("../../../events/specs/container.yaml"),
        include_str!("../../../events/specs/https.yaml"),
        include_str!("../../../events/specs/gate.yaml"),
        BEFORE
    )]
    spec: &str,
    #[values(Lag::None, Lag::Seeded { seed: 3, max: 60 })] lag: Lag,
    #[values(Verdict::CrashBefore(Peers::All), Verdict::CrashAfter(Peers::None))] crash: Verdict,
) {
    let before = ready(spec, lag);
    let scenario = Scenario {
        before: &before,
        act: &Lab::delete_spec,
        check: &verify_gone,
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls > 40, "{calls}");
}

/// A person changes their mind right after a crash: what the dead pass made, and nobody wants any more, is found all the
/// same, at the latest by the next look at everything.
#[rstest]
#[case::update(BEFORE, AFTER.to_owned())]
#[case::update_back(AFTER, BEFORE.to_owned())]
#[case::port(GROUP, GROUP.replace("[nginx]", "[nginx], port: 8080"))]
#[case::scheme(GROUP, GROUP.replace("single}", "single}\nloadBalancer: {scheme: internal}"))]
#[case::network(GROUP, GROUP.replace("{zones", "{cidr: 10.1.0.0/16, zones"))]
#[case::mode(GROUP, FIXED.to_owned())]
#[case::mode_back(FIXED, GROUP.to_owned())]
#[case::a_gate(UNGATED, GROUP.to_owned())]
#[case::no_gate(GATED, GATED.replace("load-balancer}", "none}"))]
#[case::a_gate_elsewhere(GATED, GATED.replace("[{port: 80}, {port: 81}]", "[{port: 81}, {port: 80}]"))]
#[case::a_gate_of_another_port(GATED, GATED.replace("[nginx]", "[nginx], port: 8080"))]
#[case::a_container(GROUP, GROUP.replace("{packages: [nginx]}", "{container: {image: 'shop:1', port: 80}}"))]
fn a_change_of_mind_right_after_a_crash_leaves_nothing_behind(#[case] before: &str, #[case] after: String) {
    let before = format!("allowReplace: true\n{}", before.replace("allowReplace: true", ""));
    let after = format!("allowReplace: true\n{}", after.replace("allowReplace: true", ""));
    let fresh = shape(&ready(&before, Lag::None)).unwrap();
    let check = |lab: &Lab| {
        lab.sim.advance(lab.settings.consistency);
        lab.look();
        lab.run(LIMIT);
        verify_quickly(lab)?;
        difference(&shape(lab)?, &fresh).map_or(Ok(()), Err)
    };
    let scenario = Scenario {
        before: &ready(&before, Lag::Seeded { seed: 3, max: 60 }),
        act: &|lab| lab.upload(&after),
        check: &check,
    };
    let crash = Verdict::CrashAfter(Peers::All);
    let calls = sweep_then(&scenario, &crash, &|lab| lab.upload(&before));
    let calls = calls.unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(calls > 5, "{calls}");
}

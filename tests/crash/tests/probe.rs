//! Where the load balancer checks new instances before they are in service: the probe target group and its rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::Tags;
use windlass_calls::elb::{
    Action, CreateRule, DescribeListeners, DescribeRules, DescribeTargetGroupAttributes,
    DescribeTargetGroups, DescribeTargetHealth, ModifyTargetGroup, ModifyTargetGroupAttributes,
    RegisterTargets, Rule, TargetGroup,
};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, difference, shape, stack, verify};
use windlass_engine::{Phase, Trigger, head_key, state_key, status_key};
use windlass_planner::Id;
use windlass_sim::WorldConfig;

const GATE: &str = include_str!("../../../events/specs/gate.yaml");
const LIMIT: usize = 400;

fn ready(spec: &str) -> Lab {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(spec);
    quiet(&lab);
    verify(&lab).unwrap();
    lab
}

fn quiet(lab: &Lab) {
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
}

fn output(lab: &Lab, id: &str) -> String {
    lab.state().unwrap().resources[&Id::parse(id)].outputs.get("id")
}

fn group(lab: &Lab, id: &str) -> TargetGroup {
    let (arn, now) = (output(lab, id), lab.sim.now());
    let groups = lab.sim.world_mut().call(now, DescribeTargetGroups { name: None });
    groups
        .unwrap()
        .into_iter()
        .find(|group| group.arn == arn)
        .unwrap()
}

fn rules(lab: &Lab, port: u16) -> Vec<Rule> {
    let (listener, now) = (output(lab, &format!("listener/{port}")), lab.sim.now());
    let rules = lab.sim.world_mut().call(now, DescribeRules { listener });
    rules.unwrap()
}

/// Somebody looks, the stack is mended, and is as a fresh one.
fn is_mended(lab: &Lab) {
    lab.sim.advance(lab.settings.consistency);
    lab.look();
    quiet(lab);
    verify(lab).unwrap();
    assert_eq!(
        difference(&shape(lab).unwrap(), &shape(&ready(GATE)).unwrap()),
        None
    );
}

#[test]
fn a_gated_stack_has_a_quick_check_that_no_client_reaches() {
    let lab = ready(GATE);
    let (main, probe) = (group(&lab, "target-group"), group(&lab, "probe-target-group"));
    let check = &probe.health_check;
    assert_eq!(
        (check.interval, check.timeout, check.healthy, check.unhealthy),
        (5, 4, 2, 2)
    );
    assert_eq!(
        (&check.path, &check.codes),
        (&main.health_check.path, &main.health_check.codes)
    );
    assert_eq!(
        (probe.port, &probe.load_balancers),
        (main.port, &main.load_balancers)
    );
    let [rule] = &rules(&lab, 80)[..] else {
        panic!("{:?}", rules(&lab, 80))
    };
    assert_eq!(
        (rule.priority, &rule.source_ips[..]),
        (1, &["127.0.0.1/32".to_owned()][..])
    );
    assert_eq!(rule.action, Some(Action::Forward(probe.arn.clone())));
    let now = lab.sim.now();
    let target_group = probe.arn;
    let describe = DescribeTargetGroupAttributes { target_group };
    let attributes = lab.sim.world_mut().call(now, describe).unwrap();
    assert_eq!(attributes["deregistration_delay.timeout_seconds"], "0");
}

/// Rule 49: what is put into it is checked, and judged within two checks.
#[test]
fn an_instance_in_the_probe_target_group_is_checked() {
    let lab = ready(GATE);
    let target_group = output(&lab, "probe-target-group");
    let instances = lab.sim.world().inventory().into_iter();
    let targets: Vec<String> = instances
        .filter(|it| it.kind == "instance")
        .map(|it| it.id)
        .collect();
    let put = RegisterTargets {
        target_group: target_group.clone(),
        targets: targets.clone(),
    };
    let now = lab.sim.now();
    lab.sim.world_mut().call(now, put).unwrap();
    lab.sim.advance(jiff::SignedDuration::from_secs(10));
    let now = lab.sim.now();
    let health = lab
        .sim
        .world_mut()
        .call(now, DescribeTargetHealth { target_group });
    let states: Vec<String> = health.unwrap().into_iter().map(|target| target.state).collect();
    assert_eq!(states, vec!["healthy"; targets.len()]);
}

/// An instance may be held as soon as there is a group.
#[test]
fn the_rule_is_there_before_the_group() {
    let lab = ready(GATE);
    let trace = lab.sim.trace();
    let at = |action: &str| trace.iter().position(|entry| entry.action() == action).unwrap();
    assert!(at("elasticloadbalancing:CreateRule") < at("autoscaling:CreateAutoScalingGroup"));
}

#[test]
fn a_stack_without_a_gate_asks_for_no_rules() {
    let lab = ready(&GATE.replace("verify: load-balancer", "verify: none"));
    lab.pass(Trigger::Look).finished().unwrap().unwrap();
    let trace = lab.sim.trace();
    let asked = trace
        .iter()
        .any(|entry| entry.action().ends_with("DescribeRules"));
    assert!(!asked);
}

/// Besides what the same stack takes without a gate: the rules of its listener, and the attributes of the target group.
#[test]
fn an_idle_look_at_a_gate_takes_two_calls() {
    let idle = |spec: &str| {
        let lab = ready(spec);
        let before = lab.sim.trace().len();
        lab.pass(Trigger::Look).finished().unwrap().unwrap();
        let trace = lab.sim.trace();
        let sent = trace[before..].iter();
        sent.filter(|entry| entry.request.service() != "s3").count()
    };
    let without = idle(&GATE.replace("verify: load-balancer", "verify: none"));
    assert_eq!(idle(GATE), without + 2);
}

#[rstest]
#[case::open(|rule: &mut Rule, _: &str| rule.source_ips = vec!["0.0.0.0/0".into()])]
#[case::other_conditions(|rule: &mut Rule, _: &str| rule.source_ips.clear())]
#[case::elsewhere(|rule: &mut Rule, main: &str| rule.action = Some(Action::Forward(main.into())))]
#[case::no_action_of_ours(|rule: &mut Rule, _: &str| rule.action = None)]
fn an_edited_rule_gets_another_in_its_place(#[case] edit: fn(&mut Rule, &str)) {
    let lab = ready(GATE);
    let mut rule = rules(&lab, 80).remove(0);
    edit(&mut rule, &output(&lab, "target-group"));
    assert!(lab.sim.world_mut().edit_listener_rule(&rule));
    is_mended(&lab);
    let now = rules(&lab, 80);
    assert!(now.len() == 1 && now[0].arn != rule.arn, "{now:?}");
}

#[test]
fn another_priority_is_left_alone() {
    let lab = ready(GATE);
    let mut rule = rules(&lab, 80).remove(0);
    rule.priority = 17;
    assert!(lab.sim.world_mut().edit_listener_rule(&rule));
    verify(&lab).unwrap();
    assert_eq!(rules(&lab, 80), [rule]);
}

#[test]
fn an_edited_health_check_and_an_edited_drain_time_are_changed_back() {
    let lab = ready(GATE);
    let probe = group(&lab, "probe-target-group");
    let mut health_check = probe.health_check.clone();
    health_check.interval = 30;
    let now = lab.sim.now();
    let check = ModifyTargetGroup {
        target_group: probe.arn.clone(),
        health_check,
    };
    let drain = ModifyTargetGroupAttributes {
        target_group: probe.arn,
        attributes: Tags::from([("deregistration_delay.timeout_seconds".into(), "300".into())]),
    };
    lab.sim.world_mut().call(now, check).unwrap();
    lab.sim.world_mut().call(now, drain).unwrap();
    is_mended(&lab);
}

/// A rule that a person adds stays theirs, whatever becomes of ours.
#[test]
fn rules_of_somebody_else_stay_and_ours_has_the_first_priority_that_is_free() {
    let without = GATE.replace("verify: load-balancer", "verify: none");
    let lab = ready(&without);
    let (now, load_balancer) = (lab.sim.now(), output(&lab, "load-balancer"));
    let listeners = lab.sim.world_mut().call(now, DescribeListeners { load_balancer });
    let theirs = CreateRule {
        listener: listeners.unwrap().remove(0).arn,
        priority: 1,
        source_ips: vec!["10.0.0.0/8".into()],
        action: Action::RedirectToHttps(443),
        tags: Tags::new(),
    };
    let theirs = lab.sim.world_mut().call(now, theirs).unwrap();
    lab.upload(GATE);
    quiet(&lab);
    assert_eq!(lab.status().unwrap().phase, Phase::Ready);
    let both = rules(&lab, 80);
    assert_eq!((&both[0], both[1].priority, both.len()), (&theirs, 2, 2));
    lab.upload(&without);
    quiet(&lab);
    assert_eq!(rules(&lab, 80), [theirs]);
}

/// The names and tags are enough.
#[rstest]
fn a_gate_whose_state_is_lost_is_found_again(
    #[values(GATE.to_owned(), GATE.replace("load-balancer", "none"))] next: String,
) {
    let lab = ready(GATE);
    let (rule, probe) = (output(&lab, "probe-rule"), output(&lab, "probe-target-group"));
    let serials = (1..=lab.head().unwrap().serial + 40).map(|serial| state_key(&stack(), serial));
    for key in serials.chain([head_key(&stack()), status_key(&stack())]) {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
    lab.upload(&next);
    quiet(&lab);
    verify(&lab).unwrap();
    if next == GATE {
        let now = (output(&lab, "probe-rule"), output(&lab, "probe-target-group"));
        assert_eq!(now, (rule, probe));
    } else {
        assert_eq!(
            difference(&shape(&lab).unwrap(), &shape(&ready(&next)).unwrap()),
            None
        );
    }
}

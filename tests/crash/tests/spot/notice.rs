//! Notices of EC2's, and recommendations.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;
use windlass_calls::autoscaling::{CreateAutoScalingGroup, DescribeAutoScalingGroups, Distribution};
use windlass_calls::ec2::{CreateLaunchTemplate, DescribeInstances, DescribeLaunchTemplateVersions};
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Filters, Tags};
use windlass_crash::{LIFECYCLE, Lab, STATE_BUCKET, Scenario, Step, sweep, verify_quickly};
use windlass_sim::{Peers, Verdict};

use crate::{
    LIMIT, LONG, SPOT, a_spot_instance, ask, changes, group, health, healthy, kinds, passes, ready, running,
    seconds, whole,
};

const GATED: &str = "
network: {zones: 2, nat: single}
compute: {spot: {onDemandBase: 1, onDemandPercent: 0}, app: {packages: [nginx]}}
scaling: {min: 3, max: 5}
lifecycle: {launch: {verify: load-balancer}}
";

fn state_of(lab: &Lab, id: &str) -> Option<String> {
    let mut health = health(lab).into_iter();
    health.find(|(target, _)| target == id).map(|(_, state)| state)
}

fn journal(lab: &Lab) -> Vec<String> {
    let prefix = "journal/dev/web/".to_owned();
    let bucket = STATE_BUCKET.into();
    let mut keys = ask(lab, ListObjectsV2 { bucket, prefix });
    keys.retain(|key| key.contains("-spot-"));
    keys
}

/// Puts a message on the lifecycle queue.
fn send(lab: &Lab, body: &str, delay: u16) {
    let send = SendMessage {
        queue: LIFECYCLE.into(),
        body: body.into(),
        delay,
    };
    ask(lab, send);
}

#[rstest]
#[case::plain(SPOT)]
#[case::gated(GATED)]
fn what_is_taken_back_gets_no_more_requests_and_is_replaced_before_it_is_gone(#[case] spec: &str) {
    let lab = ready(spec);
    let gone = a_spot_instance(&lab);
    let before: BTreeSet<String> = health(&lab).into_iter().map(|(id, _)| id).collect();
    assert!(lab.sim.world_mut().interrupt_spot(&gone));
    passes(&lab, seconds(1));
    assert_eq!(state_of(&lab, &gone).as_deref(), Some("draining"));
    let mut successor = None;
    for _ in 0..118 {
        assert!(healthy(&lab) >= 2, "{:?}", health(&lab));
        passes(&lab, seconds(1));
        let new = health(&lab)
            .into_iter()
            .find(|(id, state)| !before.contains(id) && state == "healthy");
        successor = successor.or(new);
    }
    assert!(successor.is_some(), "{:?}", health(&lab));
    for _ in 0..600 {
        passes(&lab, seconds(1));
        assert_eq!(healthy(&lab), 3, "{:?}", health(&lab));
    }
    assert_eq!(kinds(&lab), (1, 2));
    assert_eq!(journal(&lab).len(), 1);
    assert!(
        journal(&lab)[0].ends_with(&format!("-spot-{gone}.json")),
        "{:?}",
        journal(&lab)
    );
    whole(&lab);
}

/// Two notices and a recommendation, each three times, in any order.
#[rstest]
fn repeated_and_reordered_events_replace_each_instance_once(
    #[values(1, 2, 3, 4, 5, 6)] seed: u64,
    #[values(SPOT, GATED)] spec: &str,
) {
    let lab = ready(spec).fork(seed);
    let (on_demand, spot) = running(&lab);
    {
        let mut world = lab.sim.world_mut();
        world.recommend_rebalance(&spot[0]);
        for id in &spot {
            assert!(world.interrupt_spot(id));
        }
    }
    let mut messages = lab.sim.world().messages(LIFECYCLE).to_vec();
    messages.retain(|message| message.body.contains("\"aws.ec2\""));
    assert_eq!(messages.len(), 3);
    let mut number = seed;
    for message in messages.iter().cycle().take(6) {
        number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed);
        send(&lab, &message.body, u16::try_from((number >> 33) % 150).unwrap());
    }
    passes(&lab, LONG);
    assert_eq!(kinds(&lab), (1, 2));
    let (still, new) = running(&lab);
    assert_eq!(still, on_demand);
    assert!(new.iter().all(|id| !spot.contains(id)));
    let all = ask(
        &lab,
        DescribeInstances {
            filters: Filters::new(),
        },
    );
    assert_eq!(all.len(), 3 + 2, "each has one successor");
    assert_eq!(journal(&lab).len(), 3, "{:?}", journal(&lab));
    whole(&lab);
}

#[test]
fn a_notice_that_comes_when_all_is_over_changes_nothing() {
    let lab = ready(SPOT);
    let gone = a_spot_instance(&lab);
    assert!(lab.sim.world_mut().interrupt_spot(&gone));
    let body = lab.sim.world().messages(LIFECYCLE)[0].body.clone();
    passes(&lab, LONG);
    let lab = lab.fork(1);
    send(&lab, &body, 0);
    assert!(matches!(lab.step(), Some(Step::Looked(report)) if report.interrupted.is_empty()));
    assert_eq!(changes(&lab), [] as [&str; 0]);
}

#[test]
fn what_is_only_at_risk_is_written_down_and_the_group_replaces_it() {
    let lab = ready(SPOT);
    let risky = a_spot_instance(&lab);
    assert!(lab.sim.world_mut().recommend_rebalance(&risky));
    assert!(matches!(lab.step(), Some(Step::Looked(report)) if report.at_risk == [risky.clone()]));
    assert_eq!(changes(&lab), ["s3:PutObject"]);
    assert_eq!(state_of(&lab, &risky).as_deref(), Some("healthy"));
    assert_eq!(group(&lab).instances.len(), 4, "the successor is on its way");
    passes(&lab, LONG);
    assert!(!running(&lab).1.contains(&risky));
    assert!(journal(&lab)[0].ends_with(&format!("-spot-{risky}-at-risk.json")));
    whole(&lab);
}

fn notice(instance: &str, lab: &Lab) -> String {
    json!({
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "source": "aws.ec2",
        "time": lab.sim.now().to_string(),
        "detail": {"instance-id": instance, "instance-action": "terminate"},
    })
    .to_string()
}

/// Somebody else's group, all of it spot instances; with the tags of our template's instances, or without any.
fn others_group(lab: &Lab, ours: bool) -> String {
    let mut settings = group(lab).settings;
    let launch_template = settings.launch_template.clone();
    let mut data = ask(lab, DescribeLaunchTemplateVersions { launch_template })
        .remove(0)
        .data;
    if !ours {
        data.tags = Tags::new();
        let create = CreateLaunchTemplate {
            name: "theirs".into(),
            token: "theirs".into(),
            data: Box::new(data),
            tags: Tags::new(),
        };
        settings.launch_template = ask(lab, create).id;
    }
    settings.name = "theirs".into();
    settings.spot = settings.spot.map(|spot| Distribution {
        on_demand_base: 0,
        ..spot
    });
    (settings.min, settings.max) = (1, 1);
    let create = CreateAutoScalingGroup {
        settings: Box::new(settings),
        desired: None,
        hooks: vec![],
        tags: Tags::new(),
    };
    ask(lab, create);
    let names = vec!["theirs".into()];
    let mut group = ask(lab, DescribeAutoScalingGroups { names }).remove(0);
    group.instances.remove(0).id
}

/// A rule sees the whole account (rule 58).
#[rstest]
#[case::unknown(None)]
#[case::of_another_group(Some(false))]
#[case::of_another_group_with_our_tags(Some(true))]
fn what_is_not_ours_is_left_alone(#[case] theirs: Option<bool>) {
    let before = ready(SPOT);
    let instance = match theirs {
        None => "i-0123456789abcdef0".to_owned(),
        Some(ours) => others_group(&before, ours),
    };
    let lab = before.fork(1);
    send(&lab, &notice(&instance, &lab), 0);
    let Some(Step::Looked(report)) = lab.step() else {
        panic!("it was not handled");
    };
    assert_eq!(report.left_alone, Some("not an instance of ours"));
    assert_eq!(report.stack, None);
    assert_eq!(changes(&lab), [] as [&str; 0]);
    assert_eq!(journal(&lab), [] as [String; 0]);
}

/// The queue would bring the message back when the instance is gone.
#[rstest]
#[case::the_first("ec2:DescribeInstances")]
#[case::the_group("autoscaling:DescribeAutoScalingGroups")]
#[case::deregistering("elasticloadbalancing:DeregisterTargets")]
#[case::telling_the_group("autoscaling:SetInstanceHealth")]
#[case::the_journal("s3:PutObject")]
fn a_call_that_fails_for_a_moment_is_made_again_in_time(#[case] action: &'static str) {
    let lab = ready(SPOT);
    let gone = a_spot_instance(&lab);
    assert!(lab.sim.world_mut().interrupt_spot(&gone));
    let until = lab.sim.now() + seconds(10);
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.action() == action && sent.now < until {
            Verdict::Fail(CallError::answered(action, "Throttling", "Rate exceeded", 400))
        } else {
            Verdict::Deliver
        }
    })));
    passes(&lab, seconds(20));
    assert_eq!(state_of(&lab, &gone).as_deref(), Some("draining"));
    assert_eq!(group(&lab).instances.len(), 4);
    assert_eq!(journal(&lab).len(), 1);
}

#[test]
fn what_fails_for_longer_than_there_is_time_is_left_to_the_queue() {
    let lab = ready(SPOT);
    let gone = a_spot_instance(&lab);
    assert!(lab.sim.world_mut().interrupt_spot(&gone));
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.action() == "ec2:DescribeInstances" {
            Verdict::Fail(CallError::answered(
                "ec2:DescribeInstances",
                "Throttling",
                "no",
                400,
            ))
        } else {
            Verdict::Deliver
        }
    })));
    passes(&lab, seconds(119));
    assert_eq!(lab.sim.world().messages(LIFECYCLE).len(), 1, "still tried");
    let steps = (0..10).filter_map(|_| lab.step());
    let returned = steps.filter(|step| matches!(step, Step::Returned(_))).count();
    assert!(returned >= 5, "{returned}");
    assert_eq!(lab.sim.world().messages(LIFECYCLE).len(), 1, "one, and no more");
}

/// Whatever becomes of the look, the stack is whole again in the end.
#[rstest]
fn a_notice_survives_a_crash_at_every_mutating_call(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashBefore(Peers::All),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All),
        Verdict::LoseAnswer
    )]
    crash: Verdict,
) {
    let scenario = Scenario {
        before: &ready(SPOT),
        act: &|lab| {
            let gone = a_spot_instance(lab);
            assert!(lab.sim.world_mut().interrupt_spot(&gone));
        },
        check: &|lab| {
            passes(lab, LONG);
            if kinds(lab) != (1, 2) || healthy(lab) != 3 {
                return Err(format!("{:?} {:?}", kinds(lab), health(lab)));
            }
            lab.look();
            lab.run(LIMIT);
            verify_quickly(lab)
        },
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls >= 3, "{calls}");
}

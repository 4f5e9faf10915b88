//! `apply: plan`, and the plans that are written before anything is done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_calls::CallError;
use windlass_crash::{Lab, STATE_BUCKET, Stopped, stack, verify};
use windlass_engine::{Phase, PlanDocument, Trigger, plan_key};
use windlass_sim::{TraceEntry, Verdict, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const LIMIT: usize = 400;

fn lab() -> Lab {
    Lab::new(WorldConfig::default(), 1)
}

fn plan_only() -> String {
    WEB.replace("apply: auto", "apply: plan")
}

fn document(lab: &Lab, serial: u64) -> PlanDocument {
    let key = plan_key(&stack(), serial);
    serde_json::from_slice(lab.sim.world().object(STATE_BUCKET, &key).expect(&key)).unwrap()
}

/// Mutating calls to anything but the pipeline's own bucket and queue.
fn changes(lab: &Lab) -> Vec<&'static str> {
    let trace = lab.sim.trace();
    let sent = trace.iter().filter(|entry| {
        entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
    });
    sent.map(TraceEntry::action).collect()
}

#[test]
fn a_spec_that_says_plan_changes_nothing_and_says_what_it_would_do() {
    let lab = lab();
    lab.upload(&plan_only());
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(changes(&lab), [""; 0]);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Planned);
    assert!(lab.state().is_none() && lab.head().is_none(), "nothing to record");
    let plan = document(&lab, 1);
    assert!(!plan.applied);
    assert_eq!(plan.counts, status.plan);
    assert_eq!(plan.plan.steps, status.changes);
    let vpc = plan
        .plan
        .steps
        .iter()
        .find(|step| step.resource.as_str() == "vpc")
        .unwrap();
    assert!(!vpc.reason.is_empty());
    assert!(
        vpc.fields
            .iter()
            .any(|field| field.name == "cidr" && field.after == "10.0.0.0/16")
    );
    assert!(
        plan.text.iter().any(|line| line.contains("+ vpc ")),
        "{:#?}",
        plan.text
    );
}

#[test]
fn what_was_planned_is_what_is_done_when_the_spec_says_so() {
    let lab = lab();
    lab.upload(&plan_only());
    lab.run(LIMIT);
    let planned: Vec<String> = document(&lab, 1)
        .plan
        .steps
        .iter()
        .map(|step| step.resource.to_string())
        .collect();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    let state = lab.state().unwrap();
    let made: Vec<String> = state
        .resources
        .keys()
        .map(ToString::to_string)
        // Choices, counts and health are looked up, not made.
        .filter(|id| !matches!(id.as_str(), "zones" | "image" | "quotas" | "tags" | "targets"))
        .collect();
    assert_eq!(planned, made);
    assert!(lab.status().unwrap().changes.is_empty());
    assert!(document(&lab, 1).applied, "the plan of the creation is kept");
}

#[test]
fn a_change_of_a_running_stack_is_planned_field_by_field() {
    let lab = lab();
    lab.upload(WEB);
    lab.run(LIMIT);
    let before = changes(&lab).len();
    let serial = lab.state().unwrap().serial;
    lab.upload(
        &plan_only()
            .replace("above: 70", "above: 80")
            .replace("drain: 60s", "drain: 2m"),
    );
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(changes(&lab).len(), before);
    assert_eq!(lab.state().unwrap().serial, serial, "no state");
    let status = lab.status().unwrap();
    assert_eq!(
        (status.phase, status.errors.len()),
        (Phase::Planned, 0),
        "{status:#?}"
    );
    assert_eq!(
        status.outputs.vpc_id,
        lab.state().unwrap().resources[&windlass_planner::Id::only("vpc")]
            .outputs
            .get("id")
    );
    let text = document(&lab, serial + 1).text;
    let expected = [
        "dev/web: 0 to create, 2 to change, 0 to replace, 0 to destroy",
        "  ~ alarm/cpu-out            the alarm is not as the spec says",
        "      alarm.description: scale out: average CPU above 70 % for 2 minutes -> scale out: average CPU above 80 % for 2 minutes",
        "      alarm.threshold: 70.0 -> 80.0",
        "  ~ target-group-attributes  a leaving instance gets 120 s to finish its requests",
        "      attributes.deregistration_delay.timeout_seconds: 60 -> 120",
    ];
    assert_eq!(text, expected);
}

#[test]
fn a_plan_that_cannot_be_carried_out_says_why() {
    let lab = lab();
    lab.upload(WEB);
    lab.run(LIMIT);
    lab.upload(&plan_only().replace("10.0.0.0/16", "10.9.0.0/16"));
    lab.run(LIMIT);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Planned);
    assert!(
        status
            .errors
            .iter()
            .any(|error| error.path == "vpc" && error.message.contains("10.9.0.0/16")),
        "{status:#?}"
    );
}

/// Saying `plan` while a creation is under way stops it where it is; saying `auto` again goes on from there.
#[test]
fn planning_stops_what_is_under_way_and_it_goes_on_later() {
    let lab = lab();
    lab.upload(WEB);
    lab.step();
    lab.upload(&plan_only());
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Planned);
    assert_eq!(lab.head().unwrap().wake, None);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
}

#[test]
fn a_planned_stack_that_is_looked_at_again_writes_nothing() {
    let lab = lab();
    lab.upload(&plan_only());
    lab.run(LIMIT);
    let before = lab.sim.trace().len();
    lab.pass(Trigger::Look).finished().unwrap().unwrap();
    let trace = lab.sim.trace();
    assert!(
        trace[before..]
            .iter()
            .all(|entry| !entry.request.effect().is_mutating())
    );
}

#[test]
fn planning_survives_a_crash_at_each_of_its_writes() {
    for at in 0..4 {
        let lab = lab();
        lab.sim.set_faults(Some(Box::new(move |sent| {
            if sent.mutating_index == Some(at) {
                Verdict::CrashAfter(windlass_sim::Peers::None)
            } else {
                Verdict::Deliver
            }
        })));
        lab.upload(&plan_only());
        assert_eq!(lab.run(LIMIT), Stopped::Quiet);
        assert_eq!(lab.status().unwrap().phase, Phase::Planned, "at {at}");
        assert_eq!(changes(&lab), [""; 0]);
    }
}

/// A read that is denied is for a person to settle, and says so.
#[test]
fn a_plan_that_may_not_look_fails_and_says_why() {
    let lab = lab();
    lab.sim
        .set_faults(Some(Box::new(|sent| match sent.request.action() {
            "ec2:DescribeVpcs" => Verdict::Fail(CallError::answered(
                "ec2:DescribeVpcs",
                "UnauthorizedOperation",
                "You are not authorized",
                403,
            )),
            _ => Verdict::Deliver,
        })));
    lab.upload(&plan_only());
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status.errors[0].message.contains("ec2:DescribeVpcs was refused"),
        "{status:#?}"
    );
}

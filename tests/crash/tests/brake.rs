//! The brake: many stacks that lose their specs at once are more often an accident than a wish. And the wall between
//! stacks: what one loses the others keep.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::{SignedDuration, Timestamp};
use windlass_crash::{Lab, STATE_BUCKET, Stopped, stack_named};
use windlass_engine::{Deletion, DeletionStage, Head, Phase, Status, Trigger, head_key};
use windlass_spec::StackId;

/// Small, with something of every kind.
const SMALL: &str = "
network: {zones: 2, nat: single, endpoints: [ssm, s3]}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
monitoring: {dashboard: true, notify: [ops@example.com]}
";

/// When calls to AWS were sent that change anything, and which.
fn changes(lab: &Lab) -> Vec<(Timestamp, &'static str)> {
    let trace = lab.sim.trace();
    let changes = trace.iter().filter(|entry| {
        entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
    });
    changes.map(|entry| (entry.at, entry.action())).collect()
}

fn words_of(status: &Status) -> String {
    format!("{:?}", status.errors)
}

fn several(count: usize) -> (Lab, Vec<StackId>) {
    let lab = Lab::roomy();
    let stacks: Vec<StackId> = (0..count)
        .map(|number| stack_named(&format!("web{number}")))
        .collect();
    for stack in &stacks {
        lab.upload_of(stack, SMALL);
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    for stack in &stacks {
        assert_eq!(lab.status_of(stack).unwrap().phase, Phase::Ready);
    }
    (lab, stacks)
}

#[test]
fn four_of_five_stacks_that_lose_their_specs_at_once_are_held_until_a_person_says_so() {
    let (lab, stacks) = several(5);
    let lab = lab.fork(1);
    let before = lab.sim.world().inventory();
    for stack in &stacks[..4] {
        lab.delete_spec_of(stack);
        lab.sim.advance(SignedDuration::from_secs(20));
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    for stack in &stacks[..4] {
        let status = lab.status_of(stack).unwrap();
        assert_eq!(status.phase, Phase::Failed, "{status:#?}");
        let error = &status.errors[0];
        assert!(error.message.contains("4 of 5 stacks"), "{error:?}");
        assert!(error.hint.as_ref().unwrap().contains("once more"), "{error:?}");
    }
    // However often it is looked at, and later too.
    lab.sim.advance(SignedDuration::from_hours(3));
    for stack in &stacks {
        lab.pass_of(stack, Trigger::Look).finished().unwrap().unwrap();
        lab.pass_of(stack, Trigger::SpecChanged)
            .finished()
            .unwrap()
            .unwrap();
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    assert_eq!((lab.sim.world().inventory(), changes(&lab)), (before, vec![]));
    // A second deletion is a person's word; a restored spec is one too.
    lab.delete_spec_of(&stacks[0]);
    lab.upload_of(&stacks[1], SMALL);
    assert_eq!(lab.run(2000), Stopped::Quiet);
    let phases: Vec<Phase> = stacks
        .iter()
        .map(|stack| lab.status_of(stack).unwrap().phase)
        .collect();
    let wanted = [
        Phase::Deleted,
        Phase::Ready,
        Phase::Failed,
        Phase::Failed,
        Phase::Ready,
    ];
    assert_eq!(phases, wanted);
}

/// Even if the events of the others are still on the way.
#[test]
fn the_brake_counts_the_specs_that_are_gone_and_not_the_events_that_came() {
    let (lab, stacks) = several(5);
    let lab = lab.fork(1);
    let before = lab.sim.world().inventory();
    for stack in &stacks[..4] {
        lab.delete_spec_of(stack);
    }
    // Only the first one's event arrives.
    let messages = lab.sim.world().messages(windlass_crash::QUEUE).to_vec();
    for message in &messages[1..] {
        lab.sim
            .world_mut()
            .delete_message(windlass_crash::QUEUE, &message.id);
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    assert_eq!(lab.status_of(&stacks[0]).unwrap().phase, Phase::Failed);
    assert_eq!(lab.sim.world().inventory(), before);
}

/// The heads of stacks that are gone stay: those of years must not hide the ones that go now.
#[test]
fn the_brake_sees_past_any_number_of_stacks_that_went_long_ago() {
    let (lab, stacks) = several(5);
    let lab = lab.fork(1);
    let before = lab.sim.world().inventory();
    for number in 0..150 {
        let gone = Head {
            deletion: Some(Deletion {
                stage: DeletionStage::Ended,
                ..Deletion::default()
            }),
            ..Head::default()
        };
        let (key, body) = (
            head_key(&stack_named(&format!("gone{number}"))),
            serde_json::to_vec(&gone).unwrap(),
        );
        lab.sim.world_mut().upload(STATE_BUCKET, &key, &body);
    }
    // What is there of one more cannot be read.
    let torn = head_key(&stack_named("torn"));
    lab.sim.world_mut().upload(STATE_BUCKET, &torn, b"{");
    for stack in &stacks[..4] {
        lab.delete_spec_of(stack);
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    let status = lab.status_of(&stacks[0]).unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(words_of(&status).contains("5 of 6 stacks"), "{status:#?}");
    assert_eq!(lab.sim.world().inventory(), before);
}

#[test]
fn three_stacks_may_go_at_once() {
    let (lab, stacks) = several(4);
    for stack in &stacks[..3] {
        lab.delete_spec_of(stack);
    }
    assert_eq!(lab.run(2000), Stopped::Quiet);
    for stack in &stacks[..3] {
        assert_eq!(lab.status_of(stack).unwrap().phase, Phase::Deleted);
    }
    assert_eq!(lab.status_of(&stacks[3]).unwrap().phase, Phase::Ready);
}

/// The wall between stacks: what one loses the others keep.
#[test]
fn a_stack_that_goes_takes_nothing_of_another() {
    let (lab, stacks) = several(2);
    let of = |stack: &StackId| {
        let all = lab.sim.world().inventory().into_iter();
        all.filter(|it| it.tags.get("windlass:stack") == Some(&stack.to_string()))
            .collect::<Vec<_>>()
    };
    let kept = of(&stacks[1]);
    lab.delete_spec_of(&stacks[0]);
    assert_eq!(lab.run(2000), Stopped::Quiet);
    assert_eq!((of(&stacks[0]), of(&stacks[1])), (vec![], kept));
}

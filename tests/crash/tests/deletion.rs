//! When a deleted spec destroys its stack, and when it does not: the grace, the protection, the brake, the proof; and
//! what happens to a stack whose spec comes back, or goes, in the middle of something else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::CallError;
use windlass_calls::ec2::{CreateSecurityGroup, CreateSubnet};
use windlass_calls::{Request, Tags};
use windlass_crash::{
    Lab, STATE_BUCKET, Stopped, difference, shape, stack, verify, verify_gone, verify_quickly,
};
use windlass_engine::{DeletionStage, Phase, Trigger, head_key, state_key, status_key};
use windlass_planner::Id;
use windlass_sim::{Lag, Verdict};
use windlass_spec::StackId;

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
const GATE: &str = include_str!("../../../events/specs/gate.yaml");
/// Small, with something of every kind.
const SMALL: &str = "
network: {zones: 2, nat: single, endpoints: [ssm, s3]}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 4}
monitoring: {dashboard: true, notify: [ops@example.com]}
";
const FIXED: &str = "
network: {zones: 2, nat: single}
compute: {mode: ec2, app: {packages: [nginx]}}
scaling: {min: 2}
";
const LIMIT: usize = 600;

fn ready(spec: &str) -> Lab {
    let lab = Lab::roomy();
    lab.upload(spec);
    quiet(&lab);
    verify(&lab).unwrap();
    lab
}

fn quiet(lab: &Lab) {
    assert_eq!(lab.run(LIMIT), Stopped::Quiet, "{:#?}", lab.status());
}

/// When calls to AWS were sent that change anything, and which.
fn changes(lab: &Lab) -> Vec<(Timestamp, &'static str)> {
    let trace = lab.sim.trace();
    let changes = trace.iter().filter(|entry| {
        entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
    });
    changes.map(|entry| (entry.at, entry.action())).collect()
}

/// All that the status says is wrong.
fn words(lab: &Lab) -> String {
    format!("{:?}", lab.status().unwrap().errors)
}

#[test]
fn nothing_goes_before_the_grace_is_over_and_the_status_says_when_it_is() {
    let lab = ready(SMALL).fork(1);
    let deleted = lab.sim.now();
    lab.delete_spec();
    lab.step();
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Deleting);
    assert!(
        status.waiting_on[0]
            .reason
            .contains("put the spec back to keep it"),
        "{status:#?}"
    );
    assert_ne!(status.outputs.alb_dns_name, "", "it still serves");
    quiet(&lab);
    let (first, _) = changes(&lab)[0];
    assert!(first >= deleted + lab.settings.grace, "{first}");
    verify_gone(&lab).unwrap();
}

/// Whoever looks in between, and whatever messages come again.
#[test]
fn looks_during_the_grace_do_not_shorten_it() {
    let lab = ready(SMALL).fork(1);
    let deleted = lab.sim.now();
    lab.delete_spec();
    lab.step();
    for _ in 0..9 {
        lab.sim.advance(SignedDuration::from_secs(30));
        lab.pass(Trigger::SpecChanged).finished().unwrap().unwrap();
        lab.pass(Trigger::Look).finished().unwrap().unwrap();
    }
    assert_eq!(changes(&lab), []);
    quiet(&lab);
    assert!(changes(&lab)[0].0 >= deleted + lab.settings.grace);
    verify_gone(&lab).unwrap();
}

#[test]
fn a_spec_put_back_within_the_grace_keeps_everything_as_it_was() {
    let lab = ready(SMALL).fork(1);
    let before = lab.sim.world().inventory();
    lab.delete_spec();
    lab.step();
    lab.sim.advance(SignedDuration::from_mins(4));
    lab.upload(SMALL);
    quiet(&lab);
    lab.sim.advance(SignedDuration::from_mins(30));
    quiet(&lab);
    verify(&lab).unwrap();
    assert_eq!(lab.sim.world().inventory(), before);
    assert_eq!(lab.head().unwrap().deletion, None);
    let deleted = changes(&lab)
        .into_iter()
        .filter(|(_, action)| action.contains("Delete"));
    assert_eq!(deleted.collect::<Vec<_>>(), []);
}

/// Deletes the spec, and puts it back between any two passes of what follows.
#[rstest]
fn a_spec_put_back_at_any_time_makes_the_stack_whole_again(
    #[values(SMALL, FIXED)] spec: &str,
    #[values(false, true)] undelete: bool,
    #[values(Lag::None, Lag::Seeded { seed: 5, max: 60 })] ghosts: Lag,
) {
    let fresh = shape(&ready(spec)).unwrap();
    let mut lab = ready(spec).fork(1);
    lab.sim.world_mut().config_mut().ghost_lag = ghosts;
    lab.delete_spec();
    let (mut points, mut wrong) = (0, Vec::new());
    loop {
        let restored = lab.fork(1);
        if undelete {
            assert!(restored.undelete_spec());
        } else {
            restored.upload(spec);
        }
        quiet(&restored);
        let outcome =
            verify(&restored).and_then(|()| difference(&shape(&restored)?, &fresh).map_or(Ok(()), Err));
        if let Err(error) = outcome {
            wrong.push(format!("after {points} passes: {error}"));
        }
        points += 1;
        let next = lab.fork(1);
        if next.step().is_none() {
            break;
        }
        lab = next;
    }
    assert!(points > 8, "{points}");
    assert!(
        wrong.is_empty(),
        "{} of {points}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Deletes the spec between any two passes of a creation, an update or a replacement.
#[rstest]
#[case::creation(None, SMALL.to_owned())]
#[case::fixed(None, FIXED.to_owned())]
#[case::update(Some(SMALL), SMALL.replace("[nginx]", "[nginx, htop]").replace("min: 2", "min: 3"))]
#[case::port(Some(SMALL), format!("allowReplace: true{}", SMALL.replace("[nginx]", "[nginx], port: 8080")))]
#[case::network(Some(SMALL), format!("allowReplace: true{}", SMALL.replace("{zones", "{cidr: 10.9.0.0/16, zones")))]
#[case::scheme(Some(SMALL), format!("allowReplace: true{SMALL}loadBalancer: {{scheme: internal}}\n"))]
#[case::mode(Some(SMALL), FIXED.to_owned())]
#[case::mode_back(Some(FIXED), SMALL.to_owned())]
fn a_spec_that_goes_at_any_time_takes_its_stack_with_it(
    #[case] before: Option<&str>,
    #[case] spec: String,
    #[values(Lag::None, Lag::Seeded { seed: 5, max: 60 })] lag: Lag,
) {
    let mut lab = before.map_or_else(Lab::roomy, ready).fork(1);
    {
        let mut world = lab.sim.world_mut();
        let config = world.config_mut();
        (config.visibility_lag, config.elb_lag, config.ghost_lag) = (lag, lag, lag);
        (config.autoscaling_lag, config.monitoring_lag) = (lag, lag);
    }
    lab.upload(&spec);
    let (mut points, mut wrong) = (0, Vec::new());
    loop {
        let deleted = lab.fork(1);
        deleted.delete_spec();
        quiet(&deleted);
        if let Err(error) = verify_gone(&deleted) {
            wrong.push(format!("after {points} passes: {error}"));
        }
        points += 1;
        let next = lab.fork(1);
        if next.step().is_none() {
            break;
        }
        lab = next;
    }
    assert!(points > 5, "{points}");
    assert!(
        wrong.is_empty(),
        "{} of {points}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_protected_stack_stays_and_the_status_says_how_to_let_it_go() {
    let lab = ready(&format!("protect: true{SMALL}")).fork(1);
    let before = lab.sim.world().inventory();
    lab.delete_spec();
    quiet(&lab);
    lab.sim.advance(SignedDuration::from_mins(30));
    for trigger in [Trigger::Look, Trigger::SpecChanged] {
        lab.pass(trigger).finished().unwrap().unwrap();
    }
    quiet(&lab);
    assert_eq!(lab.status().unwrap().phase, Phase::Failed);
    assert!(words(&lab).contains("protect: false"), "{}", words(&lab));
    assert_eq!((lab.sim.world().inventory(), changes(&lab)), (before, vec![]));
    lab.upload(SMALL);
    quiet(&lab);
    verify(&lab).unwrap();
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
}

/// Whoever writes `protect: true` while it goes keeps what is left.
#[test]
fn a_stack_of_prod_is_protected_unless_its_spec_says_otherwise() {
    let stack = StackId {
        environment: "prod".into(),
        name: "web".into(),
    };
    let lab = Lab::roomy();
    lab.upload_of(&stack, SMALL);
    quiet(&lab);
    let before = lab.sim.world().inventory();
    assert!(before.len() > 20);
    lab.delete_spec_of(&stack);
    quiet(&lab);
    assert_eq!(lab.status_of(&stack).unwrap().phase, Phase::Failed);
    assert_eq!(lab.sim.world().inventory(), before);
    // With its state lost it is no less so.
    let lost = lab.fork(1);
    for serial in 1..100 {
        lost.sim
            .world_mut()
            .delete_object(STATE_BUCKET, &state_key(&stack, serial));
    }
    lost.delete_spec_of(&stack);
    quiet(&lost);
    assert_eq!(lost.sim.world().inventory(), before);
    lab.upload_of(&stack, &format!("protect: false{SMALL}"));
    quiet(&lab);
    lab.delete_spec_of(&stack);
    quiet(&lab);
    assert_eq!(lab.status_of(&stack).unwrap().phase, Phase::Deleted);
    assert_eq!(lab.sim.world().inventory(), []);
}

fn unreadable(code: &'static str, status: u16) -> impl FnMut(&windlass_sim::Sent) -> Verdict {
    move |sent| match sent.request {
        Request::S3(windlass_calls::s3::Request::GetObject(get)) if get.key.starts_with("specs/") => {
            Verdict::Fail(CallError::answered("s3:GetObject", code, "no", status))
        }
        _ => Verdict::Deliver,
    }
}

/// In a stack that is ready, and in one whose deletion was seen already (rule 56).
#[rstest]
fn a_spec_that_cannot_be_read_destroys_nothing(
    #[values(("AccessDenied", 403), ("NoSuchKey", 404))] answer: (&'static str, u16),
    #[values(false, true)] deleted: bool,
) {
    let lab = ready(SMALL).fork(1);
    let before = lab.sim.world().inventory();
    if deleted {
        lab.delete_spec();
        lab.step();
    }
    lab.sim.set_faults(Some(Box::new(unreadable(answer.0, answer.1))));
    for _ in 0..5 {
        for trigger in [Trigger::SpecChanged, Trigger::Look] {
            let _ = lab.pass(trigger);
        }
        lab.sim.advance(SignedDuration::from_mins(5));
    }
    lab.run(20);
    assert_eq!(lab.status().unwrap().phase, Phase::Failed);
    assert_eq!((lab.sim.world().inventory(), changes(&lab)), (before, vec![]));
    lab.sim.set_faults(None);
    lab.look();
    quiet(&lab);
    if deleted {
        verify_gone(&lab).unwrap();
    } else {
        verify(&lab).unwrap();
    }
}

fn recorded(lab: &Lab, id: &str) -> String {
    lab.state().unwrap().resources[&Id::parse(id)].outputs.get("id")
}

/// Somebody else's in the stack's network: named, not touched, and waited for.
#[rstest]
fn what_is_not_ours_in_our_network_is_named_and_never_touched(
    #[values("interface", "subnet", "group")] kind: &str,
) {
    let lab = ready(SMALL).fork(1);
    let (vpc, subnet) = (recorded(&lab, "vpc"), recorded(&lab, "subnet/private-a"));
    let now = lab.sim.now();
    let foreign = {
        let mut world = lab.sim.world_mut();
        match kind {
            "interface" => world.add_interface(&subnet, "somebody's database").unwrap(),
            "subnet" => {
                let (cidr, zone, tags) = ("10.0.250.0/24".into(), "us-east-1a".into(), Tags::new());
                world
                    .call(
                        now,
                        CreateSubnet {
                            vpc,
                            cidr,
                            zone,
                            tags,
                        },
                    )
                    .unwrap()
                    .id
            }
            _ => {
                let (name, description, tags) = ("theirs".into(), "theirs".into(), Tags::new());
                let group = CreateSecurityGroup {
                    name,
                    description,
                    vpc,
                    tags,
                };
                world.call(now, group).unwrap().id
            }
        }
    };
    lab.delete_spec();
    quiet(&lab);
    let status = lab.status().unwrap();
    let said = format!("{:?} {:?}", status.waiting_on, status.errors);
    assert!(said.contains(&foreign) && said.contains("not touched"), "{said}");
    assert_eq!(status.phase, Phase::Failed, "after an hour a person must act");
    if kind == "interface" {
        // What holds its subnet holds the network too: nobody asks for that to go.
        let trace = lab.sim.trace();
        assert!(trace.iter().all(|entry| entry.action() != "ec2:DeleteVpc"));
    }
    {
        let mut world = lab.sim.world_mut();
        assert!(
            world.remove_interface(&foreign) || world.delete(&foreign),
            "it is still there"
        );
    }
    lab.look();
    quiet(&lab);
    verify_gone(&lab).unwrap();
}

fn lose_the_state(lab: &Lab) {
    let stack = stack();
    let serials = (1..=lab.head().unwrap().serial + 40).map(|serial| state_key(&stack, serial));
    for key in serials.chain([head_key(&stack), status_key(&stack)]) {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
}

/// The names and tags are enough, whatever the stack was.
#[rstest]
fn a_stack_whose_state_is_lost_still_goes_to_the_last_piece(
    #[values(WEB, CONTAINER, GATE, FIXED)] spec: &str,
    #[values(
        None,
        Some(format!("allowReplace: true{}", SMALL.replace("[nginx]", "[nginx], port: 8080"))),
        Some(format!("allowReplace: true{FIXED}loadBalancer: {{scheme: internal, listeners: [{{port: 81, protocol: HTTP}}]}}\n"))
    )]
    after: Option<String>,
) {
    let spec = spec
        .replace("allowReplace: false", "")
        .replace("zones: 3", "zones: 2")
        .replace("cidr: 10.5.0.0/16", "zones: 2");
    let lab = ready(&spec);
    if let Some(after) = after {
        let cidr = if spec.contains("10.5.") {
            "10.5.0.0/16"
        } else if spec.contains("10.8.") {
            "10.8.0.0/16"
        } else {
            "10.0.0.0/16"
        };
        lab.upload(&after.replace("{zones", &format!("{{cidr: {cidr}, zones")));
        quiet(&lab);
        verify_quickly(&lab).unwrap();
    }
    lose_the_state(&lab);
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
}

/// A token of the first life would answer with what is gone.
#[rstest]
fn a_stack_made_again_after_its_end_is_another_one(
    #[values(SMALL, FIXED)] spec: &str,
    #[values(Lag::None, Lag::Seeded { seed: 5, max: 60 })] ghosts: Lag,
) {
    let tokens = |lab: &Lab| -> BTreeSet<String> {
        let trace = lab.sim.trace();
        let said = trace.iter().map(|entry| format!("{:?}", entry.request));
        said.filter_map(|call| {
            let (_, rest) = call.split_once("token: \"")?;
            Some(rest.split('"').next()?.to_owned())
        })
        .collect()
    };
    let first = ready(spec);
    let before = tokens(&first);
    let lab = first.fork(1);
    lab.sim.world_mut().config_mut().ghost_lag = ghosts;
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
    let again = lab.fork(2);
    again.upload(spec);
    quiet(&again);
    verify(&again).unwrap();
    let both: Vec<String> = tokens(&again).intersection(&before).cloned().collect();
    assert!(both.is_empty(), "{both:?}");
    assert!(!before.is_empty());
    assert_eq!(difference(&shape(&again).unwrap(), &shape(&first).unwrap()), None);
}

/// The states of a stack that is gone stay, and the next one's numbers go on above them.
#[test]
fn the_end_of_a_stack_is_recorded_and_its_history_stays() {
    let lab = ready(SMALL);
    let serial = lab.head().unwrap().serial;
    lab.delete_spec();
    quiet(&lab);
    let head = lab.head().unwrap();
    assert!(head.serial > serial);
    assert_eq!(head.deletion.unwrap().stage, DeletionStage::Ended);
    assert!(lab.state().unwrap().resources.is_empty());
    for serial in 1..=head.serial {
        assert!(
            lab.sim
                .world()
                .object(STATE_BUCKET, &state_key(&stack(), serial))
                .is_some()
        );
    }
}

/// In the order that AWS asks for (rule 51): without a lag no call is refused.
#[rstest]
fn nothing_is_asked_to_go_before_what_needs_it(
    #[values(WEB, CONTAINER, SMALL, GATE, FIXED)] spec: &str,
    #[values(30, 0)] interfaces: i64,
) {
    let lab = ready(&spec.replace("name: container", "name: web")).fork(1);
    // Where AWS lets go at once, nothing else keeps the order.
    lab.sim.world_mut().config_mut().interface_delay = SignedDuration::from_secs(interfaces);
    lab.delete_spec();
    quiet(&lab);
    verify_gone(&lab).unwrap();
    let trace = lab.sim.trace();
    let refused = trace.iter().filter(|entry| {
        entry.request.effect().is_mutating() && matches!(entry.outcome, windlass_sim::Outcome::Refused(_))
    });
    let refused: Vec<String> = refused
        .map(|entry| format!("{} {}", entry.action(), entry.outcome))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

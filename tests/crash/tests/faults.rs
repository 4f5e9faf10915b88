//! Lost answers, throttling, server errors, concurrent invocations and lost state: at every call, in every order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_calls::CallError;
use windlass_crash::{
    Lab, STATE_BUCKET, Scenario, Stopped, nothing_is_orphaned_or_doubled, sweep, verify, verify_quickly,
};
use windlass_engine::{Job, Phase, Trigger, head_key, pass, state_key, status_key};
use windlass_sim::{Lag, Ran, Verdict, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
/// What the reference stack leaves out.
const OTHERS: &str = include_str!("others.yaml");
const CONTAINER: &str = include_str!("../../../events/specs/container.yaml");
/// The parameter behind the alias.
const AL2023: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
/// Far more messages than any creation takes.
const LIMIT: usize = 400;

fn lab(seed: u64) -> Lab {
    lab_of(WEB, seed)
}

fn lab_of(spec: &str, seed: u64) -> Lab {
    let lab = Lab::new(WorldConfig::default(), seed);
    lab.upload(spec);
    lab
}

fn ready(seed: u64) -> Lab {
    ready_of(WEB, seed)
}

fn ready_of(spec: &str, seed: u64) -> Lab {
    let lab = lab_of(spec, seed);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab
}

/// Runs to the end; then the stack is ready and all invariants hold.
fn settles(lab: &Lab) {
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(lab).unwrap();
}

fn throttled() -> Verdict {
    Verdict::Fail(CallError::answered(
        "any:Call",
        "RequestLimitExceeded",
        "Request limit exceeded.",
        503,
    ))
}

/// A race that S3 could not settle: retryable, not lost (rule 30). Calls to other services are left alone.
fn unsettled_race() -> Verdict {
    Verdict::Fail(CallError::answered(
        "s3:PutObject",
        "ConditionalRequestConflict",
        "A conflicting operation occurred.",
        409,
    ))
}

fn failed(applied: bool) -> Verdict {
    let error = CallError::answered(
        "any:Call",
        "InternalError",
        "An internal error has occurred.",
        500,
    );
    if applied {
        Verdict::FailApplied(error)
    } else {
        Verdict::Fail(error)
    }
}

/// One bad answer at one mutating call; then the stack gets there all the same.
#[rstest]
#[case::lost(WEB, Verdict::LoseAnswer)]
#[case::throttled(WEB, throttled())]
#[case::failed_without_effect(WEB, failed(false))]
#[case::failed_after_its_effect(WEB, failed(true))]
#[case::lost_of_the_others(OTHERS, Verdict::LoseAnswer)]
#[case::failed_after_its_effect_of_the_others(OTHERS, failed(true))]
fn creation_survives_one_bad_answer_at_every_mutating_call(#[case] spec: &str, #[case] verdict: Verdict) {
    let scenario = Scenario {
        before: &Lab::new(WorldConfig::default(), 7),
        act: &|lab| lab.upload(spec),
        check: &verify_quickly,
    };
    let calls = sweep(&scenario, &verdict).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(calls > 50, "{calls}");
}

/// A race that S3 could not settle, at each of our own writes (rule 30).
#[test]
fn creation_survives_a_race_at_every_write_of_its_own() {
    let writes = || {
        let mut writes = 0;
        move |sent: &windlass_sim::Sent| {
            let own = sent.request.action() == "s3:PutObject";
            writes += u64::from(own);
            own.then_some(writes)
        }
    };
    for at in 1..1000 {
        let lab = lab(7);
        let (mut number, met) = (writes(), std::rc::Rc::new(std::cell::Cell::new(false)));
        let meets = std::rc::Rc::clone(&met);
        lab.sim.set_faults(Some(Box::new(move |sent| {
            if number(sent) == Some(at) {
                meets.set(true);
                unsettled_race()
            } else {
                Verdict::Deliver
            }
        })));
        assert_eq!(lab.run(LIMIT), Stopped::Quiet, "at write {at}");
        verify_quickly(&lab).unwrap_or_else(|error| panic!("at write {at}: {error}"));
        if !met.get() {
            assert!(at > 10, "{at}");
            return;
        }
    }
    panic!("it never ends");
}

/// For a while, a third of the calls to AWS are throttled or fail, reads included, with and without their effect. Which
/// ones follows no period: the calls of a pass come again in the next one, and must not fare the same each time.
#[rstest]
fn creation_survives_a_storm(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] seed: u64) {
    let lab = lab(seed);
    lab.sim.set_faults(Some(Box::new(move |sent| {
        let own = matches!(sent.request.service(), "s3" | "sqs");
        let mixed = (sent.index + seed * 104_729).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % 13 {
            _ if own || sent.index > 600 => Verdict::Deliver,
            0 | 1 => throttled(),
            2 => failed(false),
            3 => failed(true),
            _ => Verdict::Deliver,
        }
    })));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.set_faults(None);
    verify(&lab).unwrap();
}

/// A pass that cannot see says so, changes nothing, and keeps what people rely on.
#[test]
fn a_read_that_fails_is_no_reason_to_change_anything() {
    let lab = ready(1);
    let before = lab.status().unwrap();
    lab.sim
        .set_faults(Some(Box::new(|sent| match sent.request.action() {
            "ec2:DescribeVpcs" | "elasticloadbalancing:DescribeLoadBalancers" => throttled(),
            _ => Verdict::Deliver,
        })));
    let changes = lab.sim.trace().len();
    lab.upload(WEB);
    lab.step();
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Updating);
    assert_eq!(
        (&status.outputs, &status.resources),
        (&before.outputs, &before.resources)
    );
    let aws: Vec<_> = lab.sim.trace()[changes..]
        .iter()
        .filter(|entry| entry.request.effect().is_mutating())
        .map(windlass_sim::TraceEntry::action)
        .collect();
    assert!(
        aws.iter()
            .all(|action| action.starts_with("s3:") || action.starts_with("sqs:")),
        "{aws:?}"
    );
    lab.sim.set_faults(None);
    settles(&lab);
}

/// Two invocations over one new stack, their calls interleaved in many orders: one writes, the other gives way.
#[test]
fn two_invocations_at_once_make_one_stack() {
    for seed in 0..40 {
        let config = WorldConfig {
            visibility_lag: Lag::Seeded { seed, max: 20 },
            ..WorldConfig::default()
        };
        let lab = Lab::new(config, seed);
        lab.upload(WEB);
        let job = |invocation: &str| Job {
            stack: windlass_crash::stack(),
            trigger: Trigger::SpecChanged,
            invocation: invocation.into(),
        };
        let (one, two) = (job("one"), job("two"));
        let clock = || lab.sim.now();
        let both = futures::future::join(
            pass(&lab.sim, &clock, &lab.settings, &one),
            pass(&lab.sim, &clock, &lab.settings, &two),
        );
        let Ran::Finished((first, second)) = lab.sim.run(both) else {
            panic!("seed {seed}: stuck")
        };
        let steps = |report: &Result<windlass_engine::PassReport, _>| {
            report
                .as_ref()
                .map_or(0, |report: &windlass_engine::PassReport| report.steps.len())
        };
        assert!(
            steps(&first) == 0 || steps(&second) == 0,
            "seed {seed}: both wrote: {first:?} {second:?}"
        );
        assert_eq!(lab.run(LIMIT), Stopped::Quiet, "seed {seed}");
        verify_quickly(&lab).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

#[test]
fn a_message_delivered_many_times_does_not_multiply_the_chain() {
    let once = {
        let lab = lab(1);
        let mut steps = 0;
        while lab.step().is_some() {
            steps += 1;
        }
        steps
    };
    let lab = lab(1);
    let mut steps = 0;
    let mut copies = 0;
    let first = || lab.sim.world().messages(windlass_crash::QUEUE).first().cloned();
    while let Some(next) = first() {
        if next.receive_count == 0 && copies < 200 {
            lab.enqueue(&next.body);
            copies += 1;
        }
        lab.step();
        steps += 1;
        assert!(steps < 1000, "the chain multiplied");
    }
    verify(&lab).unwrap();
    assert!(
        steps <= once + 2 * copies,
        "{steps} messages for {once} and {copies} copies"
    );
}

#[test]
fn a_lost_head_is_found_again_and_the_serial_continues() {
    let lab = ready(1);
    let before = lab.state().unwrap();
    lab.sim
        .world_mut()
        .delete_object(STATE_BUCKET, &head_key(&windlass_crash::stack()));
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let after = lab.state().unwrap();
    assert_eq!(after.lineage, before.lineage);
    assert!(after.serial >= before.serial);
    verify(&lab).unwrap();
}

#[rstest]
#[case::web(WEB)]
#[case::container(CONTAINER)]
fn a_lost_state_bucket_is_rebuilt_from_what_aws_shows_and_nothing_is_created_twice(#[case] spec: &str) {
    let lab = ready_of(spec, 1);
    let outputs = lab.status().unwrap().outputs;
    let stack = windlass_crash::stack();
    let serial = lab.head().unwrap().serial;
    for key in (1..=serial)
        .map(|serial| state_key(&stack, serial))
        .chain([head_key(&stack), status_key(&stack)])
    {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
    let before = lab.sim.trace().len();
    lab.upload(spec);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let aws_changes: Vec<String> = lab.sim.trace()[before..]
        .iter()
        .filter(|entry| {
            entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
        })
        .map(ToString::to_string)
        .collect();
    assert!(aws_changes.is_empty(), "{aws_changes:#?}");
    assert_eq!(lab.status().unwrap().outputs, outputs);
    verify(&lab).unwrap();
}

/// The preflight promises nothing: others may take the room after it.
#[test]
fn a_quota_fails_with_its_remedy_and_the_next_upload_goes_on_from_there() {
    let lab = lab(1);
    let (sim, mut taken) = (lab.sim.clone(), false);
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.action() == "ec2:AllocateAddress" && !taken {
            taken = true;
            for _ in 0..3 {
                let tags = windlass_calls::Tags::new();
                let allocate = windlass_calls::ec2::AllocateAddress { tags };
                sim.world_mut().call(sent.now, allocate).unwrap();
            }
        }
        Verdict::Deliver
    })));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.set_faults(None);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status
            .errors
            .iter()
            .any(|error| error.path.starts_with("address/") && error.hint.is_some()),
        "{status:#?}"
    );
    let addresses = lab.sim.world().inventory().into_iter();
    for taken in addresses.filter(|live| live.kind == "address" && live.tags.is_empty()) {
        assert!(lab.sim.world_mut().delete(&taken.id));
    }
    nothing_is_orphaned_or_doubled(&lab).unwrap();
    lab.upload(WEB);
    settles(&lab);
}

#[test]
fn a_spec_that_cannot_be_had_as_a_whole_is_not_begun() {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.sim.world_mut().config_mut().not_offered = ["a", "b", "c", "d"]
        .map(|letter| ("t3.".to_owned(), format!("us-east-1{letter}")))
        .into();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status.errors[0].message.contains("network.zones wants 3 zones"),
        "{status:#?}"
    );
    assert!(lab.sim.world().inventory().is_empty());
}

#[test]
fn an_application_that_never_answers_is_named_and_given_up_after_the_deadline() {
    let lab = lab_of(&WEB.replace("verify: load-balancer", "verify: none"), 1);
    lab.sim.world_mut().config_mut().broken_app = true;
    assert_eq!(lab.run(2000), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status.errors[0]
            .message
            .contains("still waiting after 60 minutes"),
        "{status:#?}"
    );
    assert!(
        status
            .waiting_on
            .iter()
            .any(|wait| wait.reason.contains("healthy in the load balancer's eyes")),
        "{status:#?}"
    );
}

#[rstest]
#[case::scheme("scheme: internet-facing", "scheme: internal", "loadBalancer.scheme")]
#[case::port("port: 80\nloadBalancer", "port: 8080\nloadBalancer", "compute.app.port")]
#[case::zones("zones: 3", "zones: 2", "network.zones")]
#[case::cidr("10.0.0.0/16", "10.1.0.0/16", "network.cidr")]
fn a_replacement_that_is_not_allowed_is_refused_and_touches_nothing(
    #[case] from: &str,
    #[case] to: &str,
    #[case] field: &str,
) {
    let lab = ready(1);
    let before = lab.sim.world().inventory();
    let changed = WEB.replacen(from, to, 1);
    assert_ne!(changed, WEB);
    lab.upload(&changed);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed, "{status:#?}");
    assert!(
        status.errors.iter().any(|error| error.message.contains(field)),
        "{status:#?}"
    );
    assert!(
        status
            .errors
            .iter()
            .all(|error| !error.message.contains("no longer wants")),
        "what is still wanted is called unwanted: {status:#?}"
    );
    assert_eq!(lab.sim.world().inventory(), before);
    lab.upload(WEB);
    settles(&lab);
}

#[test]
fn an_invalid_spec_leaves_a_running_stack_alone_and_one_under_way_goes_on() {
    let lab = lab(1);
    for _ in 0..3 {
        lab.step();
    }
    lab.upload(&WEB.replace("min: 3", "min: 30"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Rejected);
    assert_eq!(status.errors[0].path, "scaling.min");
    assert_eq!(
        status.outputs.instance_ids.len(),
        3,
        "the stack of the valid spec was finished: {status:#?}"
    );
    lab.upload(WEB);
    settles(&lab);
}

/// AWS answers a repeated client token with the gateway that failed, for a day: the next one needs a token of its own.
#[rstest]
fn a_nat_gateway_that_failed_is_made_anew_once_a_person_deleted_it(
    #[values(false, true)] crashed_before_it_was_recorded: bool,
) {
    let lab = lab(1);
    let sim = lab.sim.clone();
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if let windlass_calls::Request::Ec2(windlass_calls::ec2::Request::CreateNatGateway(create)) =
            sent.request
        {
            let thief = windlass_calls::ec2::CreateNatGateway {
                token: format!("thief-{}", create.allocation),
                tags: windlass_calls::Tags::new(),
                ..create.clone()
            };
            sim.world_mut().call(sent.now, thief).unwrap();
        }
        if crashed_before_it_was_recorded && sent.request.action().ends_with(":CreateListener") {
            return Verdict::CrashAfter(windlass_sim::Peers::All);
        }
        Verdict::Deliver
    })));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    lab.sim.set_faults(None);
    let status = lab.status().unwrap();
    assert_eq!(status.phase, Phase::Failed);
    assert!(
        status
            .errors
            .iter()
            .any(|error| error.path == "nat-gateway/a" && error.message.contains("failed")),
        "{status:#?}"
    );
    let thieves: Vec<String> = lab
        .sim
        .world()
        .inventory()
        .into_iter()
        .filter(|live| live.kind == "nat-gateway")
        .map(|live| live.id)
        .collect();
    for id in thieves.iter().chain(&status.outputs.nat_gateway_ids) {
        lab.sim.world_mut().delete(id);
    }
    lab.upload(WEB);
    settles(&lab);
}

/// What somebody deleted by hand comes back with the next look, and nothing else changes.
#[test]
fn what_was_deleted_by_hand_is_created_again_by_the_next_upload() {
    let lab = ready(1);
    let status = lab.status().unwrap();
    let outputs = &status.outputs;
    {
        let mut world = lab.sim.world_mut();
        let table = world.inventory().into_iter().find(|live| {
            live.tags
                .get("windlass:resource")
                .is_some_and(|id| id == "route-table/private-b")
        });
        assert!(world.delete_route(&table.unwrap().id, "0.0.0.0/0"));
        assert!(world.disassociate(&outputs.public_subnet_ids[2]));
        let group = outputs.security_group_ids.load_balancer.clone();
        let clients = windlass_calls::ec2::Peer::Cidr("0.0.0.0/0".into());
        assert!(world.delete_rule(&group, &windlass_calls::ec2::Rule::tcp(80, clients)));
        assert!(world.delete(&outputs.listener_arn));
    }
    let before = lab.sim.trace().len();
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let mut changes: Vec<&str> = lab.sim.trace()[before..]
        .iter()
        .filter(|entry| {
            entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
        })
        .map(windlass_sim::TraceEntry::action)
        .collect();
    changes.sort_unstable();
    assert_eq!(
        changes,
        [
            "ec2:AssociateRouteTable",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateRoute",
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:CreateRule",
        ]
    );
    verify(&lab).unwrap();
}

/// The alias moves on every week; a running stack must not (rule 64).
#[test]
fn an_image_alias_is_resolved_once_even_if_the_state_is_lost() {
    let lab = ready(1);
    let image = lab.state().unwrap().resources[&windlass_planner::Id::only("image")]
        .outputs
        .get("id");
    lab.sim.world_mut().put_parameter(AL2023, "ami-0ffffffffffffffff");
    lab.upload(WEB);
    settles(&lab);
    let stack = windlass_crash::stack();
    for key in (1..=lab.head().unwrap().serial)
        .map(|serial| state_key(&stack, serial))
        .chain([head_key(&stack)])
    {
        lab.sim.world_mut().delete_object(STATE_BUCKET, &key);
    }
    lab.upload(WEB);
    settles(&lab);
    assert_eq!(
        lab.state().unwrap().resources[&windlass_planner::Id::only("image")]
            .outputs
            .get("id"),
        image
    );
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(ready(5).sim.trace_hash(), ready(5).sim.trace_hash());
    assert_ne!(ready(5).sim.trace_hash(), ready(6).sim.trace_hash());
}

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{join_all, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::ec2::{CreateVpc, DescribeVpcs};
use windlass_calls::s3::{Condition, PutObject};
use windlass_calls::sqs::SendMessage;
use windlass_calls::{Applied, CallError, Class, Filters, Tags};
use windlass_engine::Port;
use windlass_sim::{Faults, Outcome, Peers, Ran, Sim, Verdict, World, WorldConfig};

const QUEUE: &str = "https://sqs/queue";

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn sim(seed: u64) -> Sim {
    let mut world = World::new(WorldConfig::default());
    world.create_bucket("state");
    world.create_queue(QUEUE, 360);
    Sim::new(world, start(), seed)
}

fn vpc(number: u8) -> CreateVpc {
    CreateVpc {
        cidr: format!("10.{number}.0.0/16"),
        tags: Tags::new(),
    }
}

fn describe() -> DescribeVpcs {
    DescribeVpcs {
        filters: Filters::new(),
    }
}

/// Four creates at once.
async fn four(port: &impl Port) {
    join_all((0..4).map(|number| port.call(vpc(number)))).await;
}

fn vpcs(sim: &Sim) -> usize {
    sim.world().inventory().len()
}

/// Gives the verdict to the call with this index and delivers the others.
fn at(index: u64, verdict: Verdict) -> Faults {
    Box::new(move |sent| {
        if sent.index == index {
            verdict.clone()
        } else {
            Verdict::Deliver
        }
    })
}

fn throttled() -> CallError {
    CallError::answered(
        "ec2:CreateVpc",
        "RequestLimitExceeded",
        "Request limit exceeded.",
        503,
    )
}

#[test]
fn a_pass_runs_to_its_end_and_each_call_takes_its_latency() {
    let sim = sim(0);
    let ran = sim.run(async {
        let made = sim.call(vpc(0)).await?;
        Ok::<_, CallError>(sim.call(describe()).await? == [made])
    });
    assert_eq!(ran, Ran::Finished(Ok(true)));
    assert_eq!(
        sim.now(),
        start().checked_add(SignedDuration::from_millis(80)).unwrap()
    );
    assert_eq!(
        sim.calls().into_iter().collect::<Vec<_>>(),
        [("ec2:CreateVpc", 1), ("ec2:DescribeVpcs", 1)]
    );
    let shown = sim.trace()[0].to_string();
    assert!(
        shown.starts_with("2026-01-01T00:00:00Z ec2:CreateVpc done "),
        "{shown}"
    );
}

#[rstest]
fn the_same_seed_gives_the_same_trace(#[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] seed: u64) {
    let hash = || {
        let sim = sim(seed);
        sim.run(async {
            four(&sim).await;
            sim.call(describe()).await.unwrap();
        });
        sim.trace_hash()
    };
    assert_eq!(hash(), hash());
}

#[test]
fn different_seeds_give_different_orders() {
    let order = |seed| {
        let sim = sim(seed);
        sim.run(four(&sim));
        let trace = sim.trace();
        trace
            .iter()
            .map(|entry| format!("{:?}", entry.request))
            .collect::<Vec<_>>()
    };
    let orders: std::collections::BTreeSet<_> = (0..50).map(order).collect();
    assert!(orders.len() > 15, "{}", orders.len());
}

#[test]
fn the_trace_hash_tells_outcomes_apart() {
    let (one, other) = (sim(0), sim(0));
    other.set_faults(Some(at(0, Verdict::Fail(throttled()))));
    one.run(one.call(vpc(0))).finished().unwrap().unwrap();
    other.run(other.call(vpc(0))).finished().unwrap().unwrap_err();
    assert_ne!(one.trace_hash(), other.trace_hash());
}

#[test]
fn combinators_that_poll_only_what_was_woken_get_their_answers() {
    let sim = sim(3);
    let ran = sim.run(async {
        let mut calls: FuturesUnordered<_> = (0..40).map(|_| sim.call(describe())).collect();
        let mut answers = 0;
        while let Some(answer) = calls.next().await {
            answer.unwrap();
            answers += 1;
        }
        answers
    });
    assert_eq!(ran, Ran::Finished(40));
}

#[test]
fn a_pass_that_waits_for_no_call_is_stuck() {
    assert_eq!(sim(0).run(pending::<()>()), Ran::Stuck);
}

#[rstest]
#[case::before_and_peers_lost(Verdict::CrashBefore(Peers::None), 1)]
#[case::before_and_peers_applied(Verdict::CrashBefore(Peers::All), 3)]
#[case::after_and_peers_lost(Verdict::CrashAfter(Peers::None), 2)]
#[case::after_and_peers_applied(Verdict::CrashAfter(Peers::All), 4)]
fn a_crash_decides_what_took_effect(#[case] verdict: Verdict, #[case] expected: usize) {
    let sim = sim(5);
    sim.set_faults(Some(at(1, verdict)));
    assert_eq!(sim.run(four(&sim)), Ran::Crashed);
    assert_eq!(vpcs(&sim), expected);
    assert_eq!(sim.trace().len(), 4);
    assert_eq!(
        sim.trace().iter().filter(|entry| entry.outcome.applied()).count(),
        expected
    );
}

#[test]
fn after_a_crash_the_next_pass_runs_in_the_same_world() {
    let sim = sim(0);
    sim.set_faults(Some(at(0, Verdict::CrashAfter(Peers::None))));
    assert_eq!(sim.run(sim.call(vpc(0))), Ran::Crashed);
    let found = sim.run(sim.call(describe())).finished().unwrap().unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn a_lost_answer_leaves_its_effect() {
    let sim = sim(0);
    sim.set_faults(Some(at(0, Verdict::LoseAnswer)));
    let error = sim.run(sim.call(vpc(0))).finished().unwrap().unwrap_err();
    assert_eq!((error.applied, error.class), (Applied::Unknown, Class::Transient));
    assert_eq!(vpcs(&sim), 1);
    assert_eq!(sim.trace()[0].outcome, Outcome::Lost { applied: true });
}

#[rstest]
#[case(Verdict::Fail(throttled()), 0)]
#[case(Verdict::FailApplied(throttled()), 1)]
fn an_injected_error_is_answered_and_applied_as_told(#[case] verdict: Verdict, #[case] expected: usize) {
    let sim = sim(0);
    sim.set_faults(Some(at(0, verdict)));
    assert_eq!(sim.run(sim.call(vpc(0))), Ran::Finished(Err(throttled())));
    assert_eq!(vpcs(&sim), expected);
}

#[test]
fn puts_and_sends_count_as_mutating_and_numbers_go_on_over_passes() {
    let sim = sim(0);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    sim.set_faults(Some(Box::new(move |sent| {
        log.borrow_mut().push((sent.index, sent.mutating_index));
        Verdict::Deliver
    })));
    let put = PutObject {
        bucket: "state".into(),
        key: "head".into(),
        body: Vec::new(),
        content_type: String::new(),
        metadata: Tags::new(),
        condition: Condition::Absent,
    };
    let send = SendMessage {
        queue: QUEUE.into(),
        body: String::new(),
        delay: 0,
    };
    sim.run(sim.call(put)).finished().unwrap().unwrap();
    sim.run(sim.call(describe())).finished().unwrap().unwrap();
    sim.run(sim.call(send)).finished().unwrap().unwrap();
    assert_eq!(*seen.borrow(), [(0, Some(0)), (1, None), (2, Some(1))]);
}

#[test]
fn the_fault_hook_may_change_the_world_while_a_call_is_in_the_air() {
    let sim = sim(0);
    let outside = sim.clone();
    sim.set_faults(Some(Box::new(move |sent| {
        if sent.index == 1 {
            outside.world_mut().delete("vpc-00000001");
        }
        Verdict::Deliver
    })));
    let found = sim.run(async {
        sim.call(vpc(0)).await.unwrap();
        sim.call(describe()).await.unwrap()
    });
    assert_eq!(found, Ran::Finished(Vec::new()));
}

#[test]
fn a_call_that_was_never_polled_is_never_sent() {
    let sim = sim(0);
    sim.run(async { drop(sim.call(vpc(0))) });
    assert!(sim.trace().is_empty());
}

#[test]
fn a_call_dropped_in_the_air_may_or_may_not_take_effect() {
    let effect = |seed| {
        let sim = sim(seed);
        sim.run(async {
            let mut create = Box::pin(sim.call(vpc(0)));
            assert!(futures::poll!(&mut create).is_pending());
        });
        assert_eq!(sim.trace().len(), 1);
        vpcs(&sim)
    };
    let effects: std::collections::BTreeSet<_> = (0..20).map(effect).collect();
    assert_eq!(effects.into_iter().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_pass_that_goes_on_after_dropping_a_call_gets_no_stray_answer() {
    for seed in 0..20 {
        let sim = sim(seed);
        let ran = sim.run(async {
            let one = Box::pin(sim.call(vpc(0)));
            let other = Box::pin(sim.call(vpc(1)));
            select(one, other).map(drop).await;
            sim.call(describe()).await.unwrap().len()
        });
        assert!(matches!(ran, Ran::Finished(1 | 2)), "{ran:?}");
    }
}

#[test]
fn time_moves_only_when_told_and_the_world_follows() {
    let sim = sim(0);
    sim.set_latency(SignedDuration::from_secs(1));
    sim.advance(SignedDuration::from_secs(10));
    sim.run(sim.call(describe())).finished().unwrap().unwrap();
    assert_eq!(
        sim.now(),
        start().checked_add(SignedDuration::from_secs(11)).unwrap()
    );
    sim.set_now(start());
    assert_eq!(sim.now(), start());
    assert_eq!(
        sim.world_mut().clock(),
        start().checked_add(SignedDuration::from_secs(10)).unwrap()
    );
}

#[test]
fn a_cloned_world_goes_its_own_way() {
    let one = sim(0);
    one.run(one.call(vpc(0))).finished().unwrap().unwrap();
    let other = Sim::new(one.world().clone(), one.now(), 1);
    other.run(other.call(vpc(1))).finished().unwrap().unwrap();
    assert_eq!((vpcs(&one), vpcs(&other)), (1, 2));
}

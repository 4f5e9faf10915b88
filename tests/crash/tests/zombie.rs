//! A writer that stops in mid-pass, is taken over after its lease ran out, and then goes on as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::future::Future;

use jiff::SignedDuration;
use rstest::rstest;
use windlass_calls::{CallError, Request, Response};
use windlass_crash::{Lab, Sleep, Sleeper, Stopped, history_is_kept, settled, stack};
use windlass_engine::{Job, Port, Trigger, Verdict, pass};
use windlass_sim::{Ran, Sim, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
/// What the reference stack leaves out.
const OTHERS: &str = include_str!("others.yaml");
/// Far more messages than any creation takes.
const LIMIT: usize = 400;
/// Longer than a lease, shorter than the consistency window.
const ASLEEP: SignedDuration = SignedDuration::from_secs(150);

fn job(invocation: &str) -> Job {
    Job {
        stack: stack(),
        trigger: Trigger::SpecChanged,
        invocation: invocation.into(),
    }
}

/// One pass sleeps over its n-th mutating call, for so long, while another runs. `None` once the pass has fewer calls.
fn sleep_over(spec: &str, at: u64, asleep: SignedDuration) -> Option<Result<(), String>> {
    let lab = Lab::new(WorldConfig::default(), 3);
    lab.upload(spec);
    let sleep = Sleep::default();
    let sleeper = Sleeper {
        sim: &lab.sim,
        sleep: &sleep,
        at,
    };
    let clock = || lab.sim.now();
    let (old, new) = (job("old"), job("new"));
    let zombie = async {
        let ended = pass(&sleeper, &clock, &lab.settings, &old).await;
        sleep.asleep.set();
        ended
    };
    let successor = async {
        sleep.asleep.wait().await;
        lab.sim.advance(asleep);
        let now = lab.sim.now();
        let held = lab
            .head()
            .is_some_and(|head| head.lease.is_some_and(|lease| lease.until > now));
        let ended = pass(&lab.sim, &clock, &lab.settings, &new).await;
        sleep.awake_again.set();
        (held, ended)
    };
    let Ran::Finished(((held, report), _)) = lab.sim.run(futures::future::join(successor, zombie)) else {
        return Some(Err("the passes got stuck".into()));
    };
    if sleep.mutating.get() <= at {
        return None;
    }
    let verdict = report.as_ref().map(|report| report.verdict);
    if held && !matches!(verdict, Ok(Verdict::Busy)) {
        return Some(Err(format!(
            "the lease was held, and the other pass ended {report:?}"
        )));
    }
    Some(match lab.run(LIMIT) {
        // One who slept over a subscription asks once more: no token or condition can keep a call that is on its way.
        Stopped::Quiet => settled(&lab).and_then(|()| history_is_kept(&lab)),
        Stopped::StillBusy => Err("still busy".into()),
    })
}

#[rstest]
#[case::past_its_lease(WEB, ASLEEP)]
#[case::within_its_lease(WEB, SignedDuration::ZERO)]
#[case::past_its_lease_with_the_others(OTHERS, ASLEEP)]
fn a_writer_that_sleeps_in_mid_pass_shares_with_nobody_and_leaves_no_twin(
    #[case] spec: &str,
    #[case] asleep: SignedDuration,
) {
    let results: Vec<_> = (0..1000)
        .map_while(|at| sleep_over(spec, at, asleep).map(|result| (at, result)))
        .collect();
    assert!((40..1000).contains(&results.len()), "{} calls", results.len());
    let wrong: Vec<String> = results
        .into_iter()
        .filter_map(|(at, result)| {
            result
                .err()
                .map(|error| format!("asleep at mutating call {at}: {error}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A port that freezes with the answer of its n-th call, of any kind, and counts what is sent afterwards that changes AWS.
struct Frozen<'a> {
    sim: &'a Sim,
    sleep: &'a Sleep,
    at: u64,
    calls: Cell<u64>,
    woke: Cell<bool>,
    late: RefCell<Vec<&'static str>>,
}

impl Port for Frozen<'_> {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>> {
        let number = self.calls.replace(self.calls.get() + 1);
        let own = matches!(request.service(), "s3" | "sqs");
        if self.woke.get() && request.effect().is_mutating() && !own {
            self.late.borrow_mut().push(request.action());
        }
        let sent = self.sim.send(request);
        async move {
            let answer = sent.await;
            if number == self.at {
                self.sleep.asleep.set();
                self.sleep.awake_again.wait().await;
                self.woke.set(true);
            }
            answer
        }
    }
}

/// A pass freezes with the answer of its n-th call, outlives its lease, and is taken over. Answers what it still sent;
/// `None` once the pass has fewer calls.
fn frozen_over(at: u64) -> Option<Vec<&'static str>> {
    let lab = Lab::new(WorldConfig::default(), 3);
    lab.upload(WEB);
    let sleep = Sleep::default();
    let frozen = Frozen {
        sim: &lab.sim,
        sleep: &sleep,
        at,
        calls: Cell::new(0),
        woke: Cell::new(false),
        late: RefCell::default(),
    };
    let clock = || lab.sim.now();
    let (old, new) = (job("old"), job("new"));
    let zombie = async {
        let ended = pass(&frozen, &clock, &lab.settings, &old).await;
        sleep.asleep.set();
        drop(ended);
    };
    let successor = async {
        sleep.asleep.wait().await;
        lab.sim.advance(ASLEEP);
        let ended = pass(&lab.sim, &clock, &lab.settings, &new).await;
        sleep.awake_again.set();
        drop(ended);
    };
    lab.sim.run(futures::future::join(successor, zombie));
    let late = frozen.late.borrow().clone();
    (frozen.calls.get() > at).then_some(late)
}

/// Nothing is sent without a lease: also by one who does not know that time has passed.
#[test]
fn a_writer_that_slept_past_its_lease_sends_nothing_more() {
    let sent: Vec<_> = (0..1000).map_while(frozen_over).collect();
    assert!((60..1000).contains(&sent.len()), "{} calls", sent.len());
    let late = sent.iter().enumerate().filter(|(_, late)| !late.is_empty());
    assert_eq!(late.collect::<Vec<_>>(), []);
}

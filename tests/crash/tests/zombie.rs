//! A writer that stops in mid-pass, is taken over after its lease ran out, and then goes on as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};

use jiff::SignedDuration;
use windlass_calls::{CallError, Request, Response};
use windlass_crash::{Lab, Stopped, stack, verify};
use windlass_engine::{Job, Port, Trigger, pass};
use windlass_sim::{Ran, Sim, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
/// Far more messages than any creation takes.
const LIMIT: usize = 400;
/// Longer than a lease, shorter than the consistency window.
const ASLEEP: SignedDuration = SignedDuration::from_secs(150);

/// Something that happens once, and that others wait for.
#[derive(Default)]
struct Flag {
    set: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Flag {
    fn set(&self) {
        self.set.set(true);
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|context| {
            self.waiting.set(Some(context.waker().clone()));
            if self.set.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Where the sleeper is.
#[derive(Default)]
struct Sleep {
    mutating: Cell<u64>,
    asleep: Flag,
    awake_again: Flag,
}

/// A port that falls asleep over its n-th mutating call, before it is sent.
struct Sleeper<'a> {
    sim: &'a Sim,
    sleep: &'a Sleep,
    at: u64,
}

impl Port for Sleeper<'_> {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>> {
        let number = self.sleep.mutating.get();
        let mutating = request.effect().is_mutating();
        self.sleep.mutating.set(number + u64::from(mutating));
        let sleeps = mutating && number == self.at;
        let sent = self.sim.send(request);
        async move {
            if sleeps {
                self.sleep.asleep.set();
                self.sleep.awake_again.wait().await;
            }
            sent.await
        }
    }
}

fn job(invocation: &str) -> Job {
    Job {
        stack: stack(),
        trigger: Trigger::SpecChanged,
        invocation: invocation.into(),
    }
}

/// One pass sleeps over its n-th mutating call while another takes over. `None` once the pass has fewer calls.
fn sleep_over(at: u64) -> Option<Result<(), String>> {
    let lab = Lab::new(WorldConfig::default(), 3);
    lab.upload(WEB);
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
        lab.sim.advance(ASLEEP);
        let ended = pass(&lab.sim, &clock, &lab.settings, &new).await;
        sleep.awake_again.set();
        ended
    };
    let Ran::Finished((_, _)) = lab.sim.run(futures::future::join(successor, zombie)) else {
        return Some(Err("the passes got stuck".into()));
    };
    if sleep.mutating.get() <= at {
        return None;
    }
    Some(match lab.run(LIMIT) {
        Stopped::Quiet => verify(&lab),
        Stopped::StillBusy => Err("still busy".into()),
    })
}

#[test]
fn a_writer_that_wakes_up_after_its_lease_ran_out_leaves_no_twin_and_no_trace() {
    let results: Vec<_> = (0..)
        .map_while(|at| sleep_over(at).map(|result| (at, result)))
        .collect();
    assert!(results.len() > 40, "{} calls", results.len());
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

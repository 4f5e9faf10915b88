//! A port that falls asleep in mid-pass, as a function does that its host freezes.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};

use windlass_calls::{CallError, Request, Response};
use windlass_engine::Port;
use windlass_sim::Sim;

/// Something that happens once, and that others wait for.
#[derive(Default)]
pub struct Flag {
    set: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Flag {
    /// It happens.
    pub fn set(&self) {
        self.set.set(true);
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Until it happens.
    pub async fn wait(&self) {
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
pub struct Sleep {
    /// Mutating calls so far.
    pub mutating: Cell<u64>,
    /// It fell asleep, or its pass ended.
    pub asleep: Flag,
    /// It may go on.
    pub awake_again: Flag,
}

/// A port that falls asleep over its n-th mutating call, before it is sent.
pub struct Sleeper<'a> {
    /// Where its calls go.
    pub sim: &'a Sim,
    /// Where it is.
    pub sleep: &'a Sleep,
    /// Over which mutating call it falls asleep, from 0.
    pub at: u64,
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

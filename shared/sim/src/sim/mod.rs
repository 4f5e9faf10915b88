//! The asynchronous skin: a [`Port`] on a [`World`], and the executor that decides what arrives when.
//!
//! A pass is polled until it can go no further. Then one of its calls in the air, chosen by the seed, arrives: the fault
//! hook is asked, the world serves it, virtual time moves on by one call's latency, and the pass is polled again.
//!
//! Guarantees: the order depends on the seed and on what the pass and the hook do, and on nothing else. A call is in the
//! air from the first poll of its future, as with the SDK. A future dropped by a pass that goes on leaves its call in the
//! air; whether calls left there at the end of the pass took effect is a coin toss of the seed.

mod fault;
mod flight;
mod hash;
mod trace;

use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use jiff::{SignedDuration, Timestamp};
use windlass_calls::{CallError, Request, Response};
use windlass_engine::Port;

pub use fault::{Faults, Peers, Sent, Verdict};
pub use trace::{Outcome, TraceEntry};

pub(crate) use hash::{fnv, splitmix};

use crate::time::after;
use crate::world::World;
use flight::{Air, Flight, Sending};

/// How long a call takes unless [`Sim::set_latency`] says otherwise.
const LATENCY: SignedDuration = SignedDuration::from_millis(40);

/// How often a pass may ask to be polled again before the next call arrives anyway.
const POLLS: u32 = 1000;

/// A port on a simulated world. Clones are the same simulation.
#[derive(Clone)]
pub struct Sim(Rc<RefCell<Inner>>);

struct Inner {
    world: World,
    now: Timestamp,
    latency: SignedDuration,
    random: u64,
    faults: Option<Faults>,
    air: Air,
    /// Calls that arrived so far, and those of them that can change anything.
    arrived: u64,
    mutating: u64,
    trace: Vec<TraceEntry>,
    calls: BTreeMap<&'static str, u64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran<T> {
    /// With its result.
    Finished(T),
    /// The fault hook crashed it: it was dropped where it stood.
    Crashed,
    /// It waits for something that is no call.
    Stuck,
}

impl<T> Ran<T> {
    /// The result, if there is one.
    pub fn finished(self) -> Option<T> {
        match self {
            Self::Finished(result) => Some(result),
            Self::Crashed | Self::Stuck => None,
        }
    }
}

/// Whether a run goes on after a call arrived.
enum Arrival {
    Landed,
    Crash { peers: Peers },
}

impl Sim {
    /// A simulation of this world that starts at this time. The seed decides the order of calls in the air.
    #[must_use]
    pub fn new(world: World, now: Timestamp, seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            world,
            now,
            latency: LATENCY,
            random: seed,
            faults: None,
            air: Air::default(),
            arrived: 0,
            mutating: 0,
            trace: Vec::new(),
            calls: BTreeMap::new(),
        })))
    }

    /// Sets how long a call takes.
    pub fn set_latency(&self, latency: SignedDuration) {
        self.0.borrow_mut().latency = latency;
    }

    /// Asks this hook about every call that arrives from now on; `None` delivers them all. The hook may look at the
    /// world and change it through a clone of the `Sim`, but not replace the hook.
    pub fn set_faults(&self, faults: Option<Faults>) {
        self.0.borrow_mut().faults = faults;
    }

    /// Runs a pass to its end, or until the fault hook crashes it.
    pub fn run<F: Future>(&self, pass: F) -> Ran<F::Output> {
        let ended = self.drive(pass);
        match &ended {
            Ran::Crashed => {}
            Ran::Finished(_) | Ran::Stuck => self.toss_the_rest(),
        }
        ended
    }

    fn drive<F: Future>(&self, pass: F) -> Ran<F::Output> {
        let peers = {
            let mut pass = pin!(pass);
            loop {
                if let Poll::Ready(result) = settled(pass.as_mut()) {
                    return Ran::Finished(result);
                }
                let Some(flight) = self.take_flight() else {
                    return Ran::Stuck;
                };
                if let Arrival::Crash { peers } = self.arrive(flight) {
                    break peers;
                }
            }
        };
        self.land_peers(peers);
        Ran::Crashed
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    /// Lets virtual time pass.
    pub fn advance(&self, duration: SignedDuration) {
        let mut inner = self.0.borrow_mut();
        inner.now = after(inner.now, duration);
    }

    /// Sets virtual time. The world's own clock never runs backwards: see [`World::apply`].
    pub fn set_now(&self, now: Timestamp) {
        self.0.borrow_mut().now = now;
    }

    /// The world as the last call left it.
    #[must_use]
    pub fn world(&self) -> Ref<'_, World> {
        Ref::map(self.0.borrow(), |inner| &inner.world)
    }

    /// The world as it is now, to look at and to change from outside.
    #[must_use]
    pub fn world_mut(&self) -> RefMut<'_, World> {
        let mut inner = self.0.borrow_mut();
        let now = inner.now;
        inner.world.settle(now);
        RefMut::map(inner, |inner| &mut inner.world)
    }

    /// Every call that arrived or was crashed on, in order.
    #[must_use]
    pub fn trace(&self) -> Ref<'_, [TraceEntry]> {
        Ref::map(self.0.borrow(), |inner| inner.trace.as_slice())
    }

    /// A hash of the trace, the same in every process of one build.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        hash::of(&*self.trace())
    }

    /// How many calls arrived so far, by action.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.0.borrow().calls.clone()
    }

    /// Lets one call arrive: numbers it, asks the hook, serves it.
    fn arrive(&self, flight: Flight) -> Arrival {
        let verdict = self.judge(&flight.request);
        self.0.borrow_mut().land(flight, verdict)
    }

    /// The hook runs with nothing borrowed, so that it may use the `Sim`.
    fn judge(&self, request: &Request) -> Verdict {
        let (number, faults) = {
            let mut inner = self.0.borrow_mut();
            (inner.number(request), inner.faults.take())
        };
        let Some(mut faults) = faults else {
            return Verdict::Deliver;
        };
        let verdict = faults(&Sent {
            index: number.index,
            mutating_index: number.mutating_index,
            request,
            now: self.now(),
        });
        self.0.borrow_mut().faults = Some(faults);
        verdict
    }

    fn take_flight(&self) -> Option<Flight> {
        let mut inner = self.0.borrow_mut();
        let choices = inner.air.len() as u64;
        let choice = inner.draw().checked_rem(choices)?;
        inner.air.take(usize::try_from(choice).ok()?)
    }

    /// After a crash: the other calls in the air take effect or do not, and nobody hears of it.
    fn land_peers(&self, peers: Peers) {
        while let Some(flight) = self.take_flight() {
            self.0.borrow_mut().land_unheard(flight, peers == Peers::All);
        }
    }

    /// After the end of a pass that left calls in the air.
    fn toss_the_rest(&self) {
        while let Some(flight) = self.take_flight() {
            let mut inner = self.0.borrow_mut();
            let applied = inner.draw().is_multiple_of(2);
            inner.land_unheard(flight, applied);
        }
    }
}

impl Port for Sim {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>> {
        Sending::new(self.clone(), request)
    }
}

/// Polls a pass until it waits for a call: combinators may ask to be polled again before that.
fn settled<F: Future>(mut pass: Pin<&mut F>) -> Poll<F::Output> {
    let again = Arc::new(Again(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&again));
    let mut context = Context::from_waker(&waker);
    for _ in 0..POLLS {
        if !again.0.swap(false, Ordering::Relaxed) {
            break;
        }
        if let Poll::Ready(result) = pass.as_mut().poll(&mut context) {
            return Poll::Ready(result);
        }
    }
    Poll::Pending
}

/// A waker that notes that it was woken.
struct Again(AtomicBool);

impl Wake for Again {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where a call stands among those that arrived.
struct Number {
    index: u64,
    mutating_index: Option<u64>,
}

impl Inner {
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        splitmix(self.random)
    }

    fn number(&mut self, request: &Request) -> Number {
        let index = self.arrived;
        self.arrived += 1;
        let mutating_index = request.effect().is_mutating().then_some(self.mutating);
        self.mutating += u64::from(mutating_index.is_some());
        *self.calls.entry(request.action()).or_default() += 1;
        Number {
            index,
            mutating_index,
        }
    }

    /// Does to a call what the hook decided.
    fn land(&mut self, flight: Flight, verdict: Verdict) -> Arrival {
        let action = flight.request.action();
        let (outcome, arrival) = match verdict {
            Verdict::Deliver => {
                let answer = self.serve(&flight.request);
                (Outcome::of(&answer), Ok(answer))
            }
            Verdict::LoseAnswer => {
                let applied = self.serve(&flight.request).is_ok();
                let lost = CallError::unanswered(action, "the simulator lost the answer");
                (Outcome::Lost { applied }, Ok(Err(lost)))
            }
            Verdict::Fail(error) => (injected(&error, false), Ok(Err(error))),
            Verdict::FailApplied(error) => {
                let applied = self.serve(&flight.request).is_ok();
                (injected(&error, applied), Ok(Err(error)))
            }
            Verdict::CrashBefore(peers) => (Outcome::Unheard { applied: false }, Err(peers)),
            Verdict::CrashAfter(peers) => {
                let applied = self.serve(&flight.request).is_ok();
                (Outcome::Unheard { applied }, Err(peers))
            }
        };
        self.record(&flight.request, outcome);
        match arrival {
            Ok(answer) => {
                self.now = after(self.now, self.latency);
                self.air.answer(flight, answer);
                Arrival::Landed
            }
            Err(peers) => Arrival::Crash { peers },
        }
    }

    fn land_unheard(&mut self, flight: Flight, applied: bool) {
        self.number(&flight.request);
        let applied = applied && self.serve(&flight.request).is_ok();
        self.record(&flight.request, Outcome::Unheard { applied });
        drop(flight);
    }

    fn serve(&mut self, request: &Request) -> Result<Response, CallError> {
        self.world.apply(self.now, request)
    }

    fn record(&mut self, request: &Request, outcome: Outcome) {
        let (at, request) = (self.now, request.clone());
        self.trace.push(TraceEntry { at, request, outcome });
    }
}

fn injected(error: &CallError, applied: bool) -> Outcome {
    Outcome::Injected {
        code: error.code.clone(),
        applied,
    }
}

//! Calls in the air, and the futures that wait for them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use windlass_calls::{CallError, Request, Response};

use super::Sim;

type Answered = Result<Response, CallError>;

/// A call that was sent and has not arrived.
pub(super) struct Flight {
    ticket: u64,
    pub(super) request: Request,
    /// Who waits for it; nobody once its future was dropped.
    waiting: Option<Waker>,
}

/// All calls in the air in the order they were sent, and answers nobody has fetched yet.
#[derive(Default)]
pub(super) struct Air {
    flights: Vec<Flight>,
    answers: BTreeMap<u64, Answered>,
    tickets: u64,
}

impl Air {
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Takes one flight out, by its place.
    pub(super) fn take(&mut self, place: usize) -> Option<Flight> {
        (place < self.flights.len()).then(|| self.flights.remove(place))
    }

    /// Hands the answer to whoever waits for it. Combinators of the `futures` crate poll only what was woken.
    pub(super) fn answer(&mut self, flight: Flight, answer: Answered) {
        if let Some(waker) = flight.waiting {
            self.answers.insert(flight.ticket, answer);
            waker.wake();
        }
    }

    fn launch(&mut self, request: Request, waker: Waker) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.flights.push(Flight {
            ticket,
            request,
            waiting: Some(waker),
        });
        ticket
    }

    fn poll(&mut self, ticket: u64, waker: &Waker) -> Poll<Answered> {
        if let Some(answer) = self.answers.remove(&ticket) {
            return Poll::Ready(answer);
        }
        if let Some(flight) = self.flight(ticket) {
            flight.waiting = Some(waker.clone());
        }
        Poll::Pending
    }

    fn abandon(&mut self, ticket: u64) {
        self.answers.remove(&ticket);
        if let Some(flight) = self.flight(ticket) {
            flight.waiting = None;
        }
    }

    fn flight(&mut self, ticket: u64) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.ticket == ticket)
    }
}

/// The future of one call.
pub(super) struct Sending {
    sim: Sim,
    stage: Stage,
}

enum Stage {
    Unsent(Request),
    Sent(u64),
    Done,
}

impl Sending {
    pub(super) fn new(sim: Sim, request: Request) -> Self {
        let stage = Stage::Unsent(request);
        Self { sim, stage }
    }
}

impl Future for Sending {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Unsent(request) => {
                let ticket = self
                    .sim
                    .0
                    .borrow_mut()
                    .air
                    .launch(request, context.waker().clone());
                self.stage = Stage::Sent(ticket);
                Poll::Pending
            }
            Stage::Sent(ticket) => {
                let polled = self.sim.0.borrow_mut().air.poll(ticket, context.waker());
                if polled.is_pending() {
                    self.stage = Stage::Sent(ticket);
                }
                polled
            }
            Stage::Done => Poll::Pending,
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Stage::Sent(ticket) = self.stage {
            self.sim.0.borrow_mut().air.abandon(ticket);
        }
    }
}

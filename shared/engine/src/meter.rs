//! Counts calls by action: a decorator of any port.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;

use windlass_calls::{CallError, Request, Response};

use crate::port::Port;

/// Calls by action, `ec2:CreateVpc` → how many were sent.
pub type CallCounts = BTreeMap<&'static str, u64>;

/// A port that counts what is sent through it.
#[derive(Debug)]
pub struct Metered<P> {
    port: P,
    counts: RefCell<CallCounts>,
}

impl<P> Metered<P> {
    /// Counts what is sent to `port` from now on.
    pub fn new(port: P) -> Self {
        Self {
            port,
            counts: RefCell::default(),
        }
    }

    /// What was sent so far.
    pub fn counts(&self) -> CallCounts {
        self.counts.borrow().clone()
    }
}

impl<P: Port> Port for Metered<P> {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>> {
        *self.counts.borrow_mut().entry(request.action()).or_default() += 1;
        self.port.send(request)
    }
}

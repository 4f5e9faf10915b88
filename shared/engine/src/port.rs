//! The one seam between the engine and the world: a request goes in, an answer or an error comes out.
//!
//! Everything that wants to see or disturb the calls (metering, limits, faults, recordings) is a decorator of this
//! trait, written once for all services.

use std::future::Future;

use windlass_calls::{Call, CallError, Request, Response};

/// Sends calls. Implemented by the AWS SDK adapter, by the simulator and by decorators.
///
/// Contract: one request is sent at most once, without retries of the port's own; an answer is the request's own
/// variant. The future may be dropped at any point, which says nothing about whether the call took effect.
pub trait Port {
    /// Sends one request.
    ///
    /// # Errors
    /// Whatever the service answered, or that it did not answer, sorted by what to do about it.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>>;

    /// Sends one call and takes out its own answer.
    ///
    /// # Errors
    /// As [`Port::send`]; an answer of another operation reads as no answer.
    fn call<C: Call>(&self, call: C) -> impl Future<Output = Result<C::Response, CallError>> {
        let sent = self.send(call.into());
        async move {
            C::answer(sent.await?).ok_or_else(|| {
                CallError::unanswered(C::ACTION, "the port answered with another operation's answer")
            })
        }
    }
}

impl<P: Port> Port for &P {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, CallError>> {
        (**self).send(request)
    }
}

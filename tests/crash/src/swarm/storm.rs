//! What is wrong with AWS for a while, whatever single calls do.

use std::cell::Cell;
use std::rc::Rc;

use windlass_calls::CallError;
use windlass_sim::{Sent, Verdict};

use super::draw::mix;

/// What is wrong with AWS for a while, besides what a call's number decides.
#[derive(Clone, Default)]
pub(super) struct Storm {
    /// So many calls more are throttled.
    pub(super) throttled: Rc<Cell<u64>>,
    /// Kinds of calls that are denied, by a number.
    pub(super) denied: Rc<Cell<Option<u64>>>,
}

impl Storm {
    /// How a call fares in it, if it does not get through.
    pub(super) fn verdict(&self, sent: &Sent) -> Option<Verdict> {
        let action = sent.request.action();
        let left = self.throttled.get();
        self.throttled.set(left.saturating_sub(1));
        let denied = |number: u64| {
            let name = action.bytes().fold(0, |all, byte| mix(all ^ u64::from(byte)));
            sent.request.effect().is_mutating() && name % 8 == number % 8
        };
        let own = matches!(sent.request.service(), "s3" | "sqs");
        let failed = |code, status| CallError::answered(action, code, "as the swarm wants it", status);
        if left > 0 {
            Some(Verdict::Fail(failed("Throttling", 400)))
        } else if !own && self.denied.get().is_some_and(denied) {
            Some(Verdict::Fail(failed("UnauthorizedOperation", 403)))
        } else {
            None
        }
    }
}

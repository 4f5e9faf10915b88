//! Trouble with calls: some fail, some lose their answers, over some the function dies.

use windlass_calls::CallError;
use windlass_sim::{Peers, Sent, Verdict};

/// About one call in so many fares badly, each in one of six ways; which ones, and how, follows from the seed.
pub fn trouble(seed: u64, one_in: u64) -> impl FnMut(&Sent) -> Verdict + 'static {
    move |sent| {
        let number = seed
            .wrapping_mul(0x9e37_79b9)
            .wrapping_add(sent.index)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            >> 33;
        if !number.is_multiple_of(one_in) {
            return Verdict::Deliver;
        }
        let failed = |code, status| CallError::answered(sent.request.action(), code, "no", status);
        match (number / one_in) % 6 {
            0 => Verdict::CrashBefore(Peers::None),
            1 => Verdict::CrashAfter(Peers::All),
            2 => Verdict::LoseAnswer,
            3 => Verdict::Fail(failed("Throttling", 400)),
            4 => Verdict::Fail(failed("InternalError", 500)),
            _ => Verdict::FailApplied(failed("InternalError", 500)),
        }
    }
}

//! Arithmetic of virtual time that cannot fail: it stops at the end of the calendar.

use jiff::{SignedDuration, Timestamp};

/// The time this long after another.
pub(crate) fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The time this many seconds after another.
pub(crate) fn seconds_after(at: Timestamp, seconds: u32) -> Timestamp {
    after(at, SignedDuration::from_secs(i64::from(seconds)))
}

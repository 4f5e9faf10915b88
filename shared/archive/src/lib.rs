//! The archive of recorded states: every state compressed beside its hash, and the way back from there.
//!
//! Two ways lead into it. An event names one state ([`archive_state`]). The [`sweep`], on a schedule, needs no event: it
//! lists what was recorded and what was archived, archives the difference, wakes stacks whose wake-up was lost, has
//! instances looked at that wait, and sends ticks of the scaler anew. Two ways lead out: [`history`] says what changed from
//! state to state, and [`spec_text`] writes a recorded spec down again.
//!
//! Guarantees: an archived object is never overwritten, by nobody's race; what is put was unpacked and compared before,
//! and is read back and compared after; a state whose archive holds something else is an error each time it is met.
//! Reading is bounded, whatever an object claims of itself.
//!
//! Assumes: conditional writes are atomic, a read after a write sees it, and states never change once they are written.
//!
//! If we die halfway: before the put nothing has happened; after it the object is whole, as S3 stores nothing else, and
//! the message that comes again finds it there and compares it. With the message lost too, the next sweep finds what is
//! missing. There is no order in which dying loses a state, and no clean-up.

mod archive;
mod error;
mod history;
mod key;
mod ledger;
mod pack;
mod spec_text;
mod store;
mod sweep;
mod ticks;
mod waits;
mod wake;

pub use archive::{Outcome, archive_state};
pub use error::ArchiveError;
pub use history::{
    Changes, Entry, FieldChange, History, Place, ResourceChange, compare, differences, history, recorded,
};
pub use key::StateKey;
pub use pack::unpack;
pub use spec_text::spec_text;
pub use sweep::{SweepReport, sweep};

/// Largest state that is read, in bytes: what the engine reads, and far above any.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bucket with states, heads and the archive.
    pub state_bucket: String,
    /// URL of the queue that wakes stacks.
    pub provision_queue: String,
    /// URL of the queue that has waiting instances looked at.
    pub lifecycle_queue: String,
    /// URL of the queue that has the scaler decide about a stack.
    pub scale_queue: String,
    /// Archived states expire after a time: what was archived once is not archived again when it is gone.
    pub expires: bool,
}

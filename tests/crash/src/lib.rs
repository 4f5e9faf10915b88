//! The pipeline around the simulator: a spec bucket, a queue, and a function that runs a pass for each message and
//! acknowledges it only if the pass ended well. What the queue redelivers after a crash is what the real one would.
//!
//! Guarantees: deterministic. The same spec, configuration, seed and faults give the same trace.

mod lab;
mod verify;

pub use lab::{Lab, QUEUE, STATE_BUCKET, Stopped, settings, stack};
pub use verify::{idle_passes_change_nothing, nothing_is_orphaned_or_doubled, settled, verify};

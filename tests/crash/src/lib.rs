//! The pipeline around the simulator: a spec bucket, a queue, and a function that runs a pass for each message and
//! acknowledges it only if the pass ended well. What the queue redelivers after a crash is what the real one would.
//!
//! Guarantees: deterministic. The same spec, configuration, seed and faults give the same trace.

mod lab;
pub mod loads;
mod shape;
mod sleeper;
pub mod swarm;
mod sweep;
mod traffic;
mod trouble;
mod verify;
mod watch;

pub use lab::{LIFECYCLE, Lab, QUEUE, SCALE, STATE_BUCKET, Step, Stopped, settings, stack, stack_named};
pub use shape::{Shape, difference, shape};
pub use sleeper::{Sleep, Sleeper};
pub use sweep::{Scenario, sweep, sweep_then, sweep_twice};
pub use traffic::GROUP;
pub use trouble::trouble;
pub use verify::{
    history_is_kept, idle_passes_change_nothing, nothing_is_orphaned_or_doubled, ready, settled, verify,
    verify_gone, verify_quickly,
};
pub use watch::runs_and_serves;

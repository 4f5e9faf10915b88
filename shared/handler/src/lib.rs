//! What the functions share: batches, deadlines, configuration, logs and metrics, between Lambda and the engine.
//!
//! Guarantees: a message is acknowledged only after its pass ended well, or when it can never lead to one; every other
//! message is named in the partial batch response and comes again. A pass begins only when it can also end before the
//! function's time-out. Messages of one stack are answered by one pass where that loses nothing.
//!
//! Assumes a queue whose visibility time-out is longer than the function's time-out, with a dead-letter queue.

mod batch;
mod config;
mod event;
mod log;
mod metrics;
mod run;
#[cfg(test)]
mod tests;
mod work;

pub use batch::{Batch, BatchResponse, Invocation, Processor, Record};
pub use config::{ConfigError, log_level, settings};
pub use event::{Message, read};
pub use log::{Level, Log};
pub use run::provision;

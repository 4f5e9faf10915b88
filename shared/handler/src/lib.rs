//! What the functions share, and what each does with its messages: batches, deadlines, configuration, logs and metrics,
//! between Lambda and the pure crates.
//!
//! Guarantees: a message is acknowledged only after what it asks for was done, or when it can never be; every other
//! message is named in the partial batch response and comes again. Work begins only when it can also end before the
//! function's time-out. Messages that ask for the same are answered by doing it once where that loses nothing.
//!
//! Assumes a queue whose visibility time-out is longer than the function's time-out, with a dead-letter queue.

mod archive;
mod batch;
mod config;
mod event;
mod lifecycle;
mod log;
mod metrics;
mod provision;
mod run;
mod scale;

pub use archive::Archiver;
pub use batch::{Batch, BatchResponse, Invocation, Record};
pub use config::{ConfigError, archive_settings, lifecycle_settings, log_level, scale_settings, settings};
pub use lifecycle::Gatekeeper;
pub use log::{Level, Log};
pub use provision::{Message, Processor, read};
pub use run::{archive, environment, lifecycle, provision, scale};
pub use scale::Scaler;

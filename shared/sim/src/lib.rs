//! A deterministic, in-memory AWS behind the engine's port.
//!
//! Two layers. [`World`] is AWS as a plain value: a request and the time go in, an answer or AWS's own error comes out,
//! and cloning it is cheap, so that a sweep can fork it at every call. [`Sim`] is the skin that makes a world an
//! asynchronous [`Port`](windlass_engine::Port): it decides which call in the air arrives next, lets virtual time pass,
//! and injects faults and crashes where its hook says so.
//!
//! Guarantees: no wall clock, no global randomness, no threads; the same seed, requests and faults give the same trace,
//! compared by [`Sim::trace_hash`]. Every error is built by
//! [`CallError::answered`](windlass_calls::CallError::answered) from AWS's own code and words, so that the simulator and
//! the real adapter cannot sort one differently.
//!
//! Numbers in brackets, "rule 34", are those of the project's list of AWS facts.

mod autoscaling;
mod cloudwatch;
mod config;
mod ec2;
mod elb;
mod iam;
mod logs;
mod outside;
mod quotas;
mod refusal;
mod s3;
mod shared;
mod shelf;
mod sim;
mod sns;
mod sqs;
mod ssm;
mod time;
mod tokens;
mod world;

pub use config::{Lag, WorldConfig};
pub use outside::Live;
pub use sim::{Faults, Outcome, Peers, Ran, Sent, Sim, TraceEntry, Verdict};
pub use sqs::Message;
pub use world::World;

//! Load on a group of instances, in virtual time: how well a scaler follows it, and how well others do.
//!
//! [`simulate`] runs a [`Trace`] of requests against a group that a [`Scaler`] moves. What the scaler sees is what CloudWatch
//! would show: averages over minutes, late, and sometimes missing. [`Measures`] say how it did. The rivals are AWS target
//! tracking, AWS step scaling, an oracle, and a group as large as the peak needs.
//!
//! Assumes: requests spread evenly, an instance serves all of its share up to its capacity and none beyond, and processor
//! use is proportional to the share. Same trace, same options, same seed: same run.

mod compare;
mod group;
mod measures;
pub mod rivals;
mod simulation;
mod tournament;
mod trace;
mod windlass;

pub use compare::{Comparison, Speedup, TARGETS, compare};
pub use measures::Measures;
pub use simulation::{Change, METRICS, Options, Run, Sample, Scaler, View, simulate};
pub use tournament::Tournament;
pub use trace::{Shape, Trace, TraceError};
pub use windlass::Windlass;

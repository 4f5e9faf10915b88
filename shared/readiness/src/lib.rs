//! Whether a new instance is ready, and why not.
//!
//! Guarantees: no I/O, no clock, no randomness. The same evidence gives the same answer, on any machine.

pub mod cause;
pub mod gate;
pub mod leave;

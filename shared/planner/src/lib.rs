//! From a spec and what AWS shows, to what is to be sent next, and why.
//!
//! Guarantees: pure. No clock, randomness, environment or I/O; the same inputs give the same answer. Each resource
//! kind is one file in [`kinds`]; the [`Board`] asks all of them and knows none. The plan shown to people is the same
//! question asked without sending ([`Board::plan`]).
//!
//! Assumes: the answers folded in are AWS's answers to the requests they are folded in with.

mod board;
mod cidr;
mod context;
mod kind;
pub mod kinds;
pub mod names;
mod outputs;
mod plan;
mod registry;
mod userdata;

pub use board::{Board, Departure, Evaluation, Judge, Outcome};
pub use context::{Context, Id, Known, Outputs, Record, Records, Resource, Zone};
pub use kind::{Blocked, Change, Kind, Need, Next, Present, Removal};
pub use outputs::{StackOutputs, UnhealthyInstance, stack_outputs};
pub use plan::{Field, Plan, PlanCounts, Refusal, Step, plan_from_spec};

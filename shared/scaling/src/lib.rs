//! Scaling: what a group's metrics and capacity say about how many instances it should have.
//!
//! [`decide`] is the whole of it: a pure function of the policy, of what was observed, and of what was remembered. The
//! [`Decision`] carries all three, so that it can be read, and made again, from its own record.
//!
//! Guarantees: the answer is within the group's bounds. Any metric may add instances; instances are removed only if all
//! metrics agree (rule 6 of the AWS facts) and none is missing, stale or not a number. What is on its way counts, what leaves
//! does not (rule 7). Nothing is removed while a launch is on its way, nor below what somebody else asked for a moment ago.
//! Assumes: points are averages over minutes, oldest first. Dying in between loses a decision and nothing else: the next one
//! is made from what is observed then.

mod decide;
mod decision;
mod memory;
mod observation;
mod policy;
mod wish;

pub use decide::decide;
pub use decision::{Decision, Rule};
pub use memory::Memory;
pub use observation::{Fleet, Observation, Point};
pub use policy::{Behavior, Breach, Goal, Metric, Policy};
pub use wish::{Beyond, Want, Wish};

//! The simulator, held to somebody else's AWS: the same cases run on it and, through the SDK adapter, on the emulators.
//!
//! A case is an `async fn` named as the sentence it proves. The table in [`cases`] says which operation it is about and
//! which of three questions it answers: does it work, what does a repeat do, what does its likeliest error look like. The
//! class of an error is always compared, its code where AWS documents one.
//!
//! Guarantees: every mutating operation has a case for each question (`tests/complete.rs`); a world that is wrong about
//! AWS says so in [`DEVIATIONS`], and a deviation that is no longer observed fails the test.
//!
//! Numbers in brackets, "rule 34", are those of the project's list of AWS facts.

pub mod cases;
mod check;
mod deviation;
mod place;

pub use check::{Check, Mismatch};
pub use deviation::{DEVIATIONS, Deviation, World, judge};
pub use place::{Control, Place, Quota};

/// Which question about an operation a case answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Does it work, and does the describe call show it?
    Works,
    /// What does the same request do a second time?
    Again,
    /// What does its likeliest error look like?
    Fails,
}

/// A case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The action it is about, `ec2:CreateVpc`.
    pub action: &'static str,
    /// The question it answers.
    pub question: Question,
    /// Its name: a sentence with underscores.
    pub name: &'static str,
}

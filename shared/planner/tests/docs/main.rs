//! The documentation, held to the code: what it quotes stands there, what it names exists, and what its tables say of
//! each kind is what the kind itself answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod facts;
mod ownership;
mod quotations;
mod reading;
mod tables;

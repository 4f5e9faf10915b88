//! The simulator held to AWS's behaviour, one sentence a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod account;
mod autoscaling;
mod balancing;
mod consistency;
mod identity;
mod network;
mod outside;
mod routing;
mod simulation;
mod storage;

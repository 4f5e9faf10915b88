//! The simulator held to AWS's behaviour, one sentence a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod account;
mod autoscaling;
mod balancing;
mod consistency;
mod endpoints;
mod identity;
mod instances;
mod monitoring;
mod network;
mod notification;
mod outside;
mod quotas;
mod routing;
mod simulation;
mod storage;
mod targets;

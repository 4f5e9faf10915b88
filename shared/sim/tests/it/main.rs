//! The simulator held to AWS's behaviour, one sentence a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod account;
mod autoscaling;
mod balancing;
mod commands;
mod consistency;
mod deletion;
mod endpoints;
mod ghosts;
mod hooks;
mod identity;
mod instances;
mod interfaces;
mod monitoring;
mod network;
mod notification;
mod outside;
mod quotas;
mod refresh;
mod resizing;
mod routing;
mod rules;
mod simulation;
mod splitting;
mod spot;
mod storage;
mod tagging;
mod targets;
mod versions;

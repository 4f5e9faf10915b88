//! The archive on a simulated bucket and queue, one sentence a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
mod lab;
mod one;
mod past;
mod sweeping;
mod written;

//! Every rule at its edges: what it takes, what it refuses, and where it says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod app;
mod changes;
mod compute;
mod lifecycle;
mod listeners;
mod load_balancer;
mod metadata;
mod monitoring;
mod network;
mod scaling;
mod spot;

use common::decode_text;

const APP: &str = "compute: {app: {packages: [nginx]}}";

/// The spec that says `text` beside the least that must be said.
fn with(text: &str) -> String {
    if text.starts_with("compute:") {
        text.to_owned()
    } else {
        format!("{text}\n{APP}")
    }
}

fn container(text: &str) -> String {
    format!("compute: {{app: {{container: {{image: shop, port: 8000, {text}}}}}}}")
}

fn health(text: &str) -> String {
    format!("loadBalancer: {{healthCheck: {{{text}}}}}")
}

fn listeners(text: &str) -> String {
    format!("loadBalancer: {{listeners: [{text}]}}")
}

fn metrics(text: &str) -> String {
    format!("scaling: {{metrics: [{text}]}}")
}

/// The spec with a fixed number of instances that says `text` beside that.
fn fixed(text: &str) -> String {
    format!("compute: {{mode: ec2, app: {{packages: [nginx]}}}}\n{text}")
}

#[track_caller]
fn accepts(text: &str) {
    if let Err(errors) = decode_text(&with(text)) {
        panic!("{text}\n{errors}");
    }
}

/// One error, this one.
#[track_caller]
fn refuses_only(text: &str, path: &str, message: &str) {
    let errors = decode_text(&with(text)).expect_err(text);
    assert_eq!(errors.0.len(), 1, "{text}\n{errors}");
    refuses(text, path, message);
}

#[track_caller]
fn refuses(text: &str, path: &str, message: &str) {
    let errors = decode_text(&with(text)).expect_err(text);
    let found = errors
        .0
        .iter()
        .any(|error| error.path == path && error.message.contains(message));
    assert!(found, "{text}\n{errors}");
}

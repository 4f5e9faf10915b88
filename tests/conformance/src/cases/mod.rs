//! The cases, and the tables of what they are about.

use windlass_engine::Port;

use crate::{Case, Check, Place};

/// For each operation and question the cases that answer it.
macro_rules! cases {
    ($($service:ident::$call:ident { $($question:ident: $($module:ident::$name:ident)+;)+ })+) => {
        /// The cases of this table, in the order they run.
        pub(super) const CASES: &[crate::Case] = &[$($($(crate::Case {
            action: <windlass_calls::$service::$call as windlass_calls::Call>::ACTION,
            question: crate::Question::$question,
            name: stringify!($name),
        },)+)+)+];

        /// Runs them, one after the other, and says how each ended.
        pub(super) async fn run<P: windlass_engine::Port>(place: &crate::Place<P>) -> Vec<crate::Check> {
            let mut ended = Vec::with_capacity(CASES.len());
            $($($(ended.push(Box::pin($module::$name(place)).await);)+)+)+
            ended
        }
    };
}

mod addresses;
mod alarms;
mod associations;
mod autoscaling;
mod balancers;
mod commands;
mod dashboards;
mod endpoints;
mod ground;
mod group_changes;
mod group_spot;
mod hooks;
mod iam;
mod instances;
mod listeners;
mod log_groups;
mod metrics;
mod network;
mod policies;
mod reads;
mod refreshes;
mod routes;
mod rules;
mod s3;
mod schedules;
mod security;
mod sqs;
mod subnets;
mod table_ec2;
mod table_fleet;
mod table_rest;
mod tags;
mod target_groups;
mod targets;
mod templates;
mod topics;

/// All cases, in the order they run.
pub fn listed() -> impl Iterator<Item = Case> {
    let tables = [table_ec2::CASES, table_fleet::CASES, table_rest::CASES];
    tables.into_iter().flatten().copied()
}

/// Runs all cases, one after the other, and says how each ended.
pub async fn all<P: Port>(place: &Place<P>) -> Vec<(Case, Check)> {
    let mut ended = Box::pin(table_ec2::run(place)).await;
    ended.extend(Box::pin(table_fleet::run(place)).await);
    ended.extend(Box::pin(table_rest::run(place)).await);
    listed().zip(ended).collect()
}

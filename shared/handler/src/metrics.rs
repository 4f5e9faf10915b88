//! Metrics: one line per pass in CloudWatch's embedded metric format, which CloudWatch reads off the logs without a call.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use windlass_engine::CallCounts;

/// CloudWatch namespace of every metric.
const NAMESPACE: &str = "Windlass";
/// Per function and stack, and per function over all stacks.
const DIMENSIONS: [&[&str]; 2] = [&["Function", "Stack"], &["Function"]];
/// Metrics and their units.
const METRICS: [(&str, &str); 4] = [
    ("PassDuration", "Milliseconds"),
    ("Calls", "Count"),
    ("Steps", "Count"),
    ("Waiting", "Count"),
];

/// What a pass took.
pub(crate) struct PassMetrics<'a> {
    pub(crate) at: Timestamp,
    pub(crate) stack: &'a str,
    pub(crate) duration: SignedDuration,
    pub(crate) calls: &'a CallCounts,
    pub(crate) steps: usize,
    pub(crate) waiting: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Directives,
    function: &'a str,
    stack: &'a str,
    pass_duration: u64,
    calls: u64,
    steps: usize,
    waiting: usize,
    /// Not a metric of its own, which would cost one per action and stack: a property for Logs Insights.
    calls_by_action: &'a BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directives {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 2],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// The document to log for a pass of this function.
pub(crate) fn line<'a>(function: &'a str, pass: &PassMetrics<'a>) -> impl Serialize + use<'a> {
    let metrics = METRICS.map(|(name, unit)| Metric { name, unit });
    Line {
        aws: Directives {
            timestamp: pass.at.as_millisecond(),
            cloud_watch_metrics: [Directive {
                namespace: NAMESPACE,
                dimensions: DIMENSIONS,
                metrics: metrics.into(),
            }],
        },
        function,
        stack: pass.stack,
        pass_duration: u64::try_from(pass.duration.as_millis()).unwrap_or_default(),
        calls: pass.calls.values().sum(),
        steps: pass.steps,
        waiting: pass.waiting,
        calls_by_action: pass.calls,
    }
}

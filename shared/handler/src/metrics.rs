//! Metrics: one line per pass or batch in CloudWatch's embedded metric format, which CloudWatch reads off the logs without a call.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use windlass_engine::CallCounts;

/// CloudWatch namespace of every metric.
const NAMESPACE: &str = "Windlass";
/// A metric and its unit.
type Named = (&'static str, &'static str);
/// Names of the dimensions that a metric is counted by.
type Dimensions = &'static [&'static [&'static str]];

/// Per function and stack, and per function over all stacks.
const OF_PASSES: Dimensions = &[&["Function", "Stack"], &["Function"]];
/// What a pass took.
const PASS: &[Named] = &[
    ("PassDuration", "Milliseconds"),
    ("Calls", "Count"),
    ("Steps", "Count"),
    ("Waiting", "Count"),
];
/// Per function.
const OF_BATCHES: Dimensions = &[&["Function"]];
/// What a batch of the archive came to.
const ARCHIVE: &[Named] = &[
    ("BatchDuration", "Milliseconds"),
    ("Calls", "Count"),
    ("Archived", "Count"),
    ("Failed", "Count"),
    ("Woken", "Count"),
    ("Left", "Count"),
];

/// What a batch of lifecycle events came to.
const LIFECYCLE: &[Named] = &[
    ("BatchDuration", "Milliseconds"),
    ("Calls", "Count"),
    ("Admitted", "Count"),
    ("Rejected", "Count"),
    ("Ignored", "Count"),
    ("Failed", "Count"),
];

/// What a batch of the scale function came to.
const SCALE: &[Named] = &[
    ("BatchDuration", "Milliseconds"),
    ("Calls", "Count"),
    ("Decisions", "Count"),
    ("Changes", "Count"),
    ("Ignored", "Count"),
    ("Failed", "Count"),
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
    dimensions: Dimensions,
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
    Line {
        aws: directives(pass.at, OF_PASSES, PASS),
        function,
        stack: pass.stack,
        pass_duration: milliseconds(pass.duration),
        calls: pass.calls.values().sum(),
        steps: pass.steps,
        waiting: pass.waiting,
        calls_by_action: pass.calls,
    }
}

/// What a batch of the archive came to.
pub(crate) struct ArchiveMetrics<'a> {
    pub(crate) at: Timestamp,
    pub(crate) duration: SignedDuration,
    pub(crate) calls: &'a CallCounts,
    pub(crate) archived: usize,
    pub(crate) failed: usize,
    pub(crate) woken: usize,
    pub(crate) left: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArchiveLine<'a> {
    #[serde(rename = "_aws")]
    aws: Directives,
    function: &'a str,
    batch_duration: u64,
    calls: u64,
    archived: usize,
    failed: usize,
    woken: usize,
    left: usize,
    calls_by_action: &'a CallCounts,
}

/// The document to log for a batch of the archive.
pub(crate) fn archive_line<'a>(function: &'a str, batch: &ArchiveMetrics<'a>) -> impl Serialize + use<'a> {
    ArchiveLine {
        aws: directives(batch.at, OF_BATCHES, ARCHIVE),
        function,
        batch_duration: milliseconds(batch.duration),
        calls: batch.calls.values().sum(),
        archived: batch.archived,
        failed: batch.failed,
        woken: batch.woken,
        left: batch.left,
        calls_by_action: batch.calls,
    }
}

/// What a batch of lifecycle events came to.
pub(crate) struct LifecycleMetrics<'a> {
    pub(crate) at: Timestamp,
    pub(crate) duration: SignedDuration,
    pub(crate) calls: &'a CallCounts,
    pub(crate) admitted: usize,
    pub(crate) rejected: usize,
    pub(crate) ignored: usize,
    pub(crate) failed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleLine<'a> {
    #[serde(rename = "_aws")]
    aws: Directives,
    function: &'a str,
    batch_duration: u64,
    calls: u64,
    admitted: usize,
    rejected: usize,
    ignored: usize,
    failed: usize,
    calls_by_action: &'a CallCounts,
}

/// The document to log for a batch of lifecycle events.
pub(crate) fn lifecycle_line<'a>(
    function: &'a str,
    batch: &LifecycleMetrics<'a>,
) -> impl Serialize + use<'a> {
    LifecycleLine {
        aws: directives(batch.at, OF_BATCHES, LIFECYCLE),
        function,
        batch_duration: milliseconds(batch.duration),
        calls: batch.calls.values().sum(),
        admitted: batch.admitted,
        rejected: batch.rejected,
        ignored: batch.ignored,
        failed: batch.failed,
        calls_by_action: batch.calls,
    }
}

/// What a batch of the scale function came to.
pub(crate) struct ScaleMetrics<'a> {
    pub(crate) at: Timestamp,
    pub(crate) duration: SignedDuration,
    pub(crate) calls: &'a CallCounts,
    pub(crate) decisions: usize,
    pub(crate) changes: usize,
    pub(crate) ignored: usize,
    pub(crate) failed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ScaleLine<'a> {
    #[serde(rename = "_aws")]
    aws: Directives,
    function: &'a str,
    batch_duration: u64,
    calls: u64,
    decisions: usize,
    changes: usize,
    ignored: usize,
    failed: usize,
    calls_by_action: &'a CallCounts,
}

/// The document to log for a batch of the scale function.
pub(crate) fn scale_line<'a>(function: &'a str, batch: &ScaleMetrics<'a>) -> impl Serialize + use<'a> {
    ScaleLine {
        aws: directives(batch.at, OF_BATCHES, SCALE),
        function,
        batch_duration: milliseconds(batch.duration),
        calls: batch.calls.values().sum(),
        decisions: batch.decisions,
        changes: batch.changes,
        ignored: batch.ignored,
        failed: batch.failed,
        calls_by_action: batch.calls,
    }
}

fn directives(at: Timestamp, dimensions: Dimensions, metrics: &[Named]) -> Directives {
    let metrics = metrics.iter().map(|(name, unit)| Metric { name, unit });
    Directives {
        timestamp: at.as_millisecond(),
        cloud_watch_metrics: [Directive {
            namespace: NAMESPACE,
            dimensions,
            metrics: metrics.collect(),
        }],
    }
}

fn milliseconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or_default()
}

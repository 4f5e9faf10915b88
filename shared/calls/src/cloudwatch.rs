//! Amazon CloudWatch: alarms, dashboards and metrics.

use std::collections::BTreeMap;

use ordered_float::OrderedFloat;

use crate::Tags;

calls! { "cloudwatch", Cloudwatch;
    /// Metric alarms whose name begins so.
    DescribeAlarms { /// Beginning of the name.
        prefix: String } => Vec<Alarm>, Read;
    /// A dashboard's body, JSON; `ResourceNotFound` without one.
    GetDashboard { /// Name.
        name: String } => String, Read;

    /// Points of up to 500 metrics in a span of time, each by the name that the call gives it, oldest first. A metric that
    /// nobody put anything in has none.
    GetMetricData { /// The metrics, by their names in the answer: lower-case letters and digits.
        metrics: BTreeMap<String, Metric>, /// Second since the epoch with which the span begins.
        from: i64, /// The second before which it ends.
        to: i64 } => Points<Datapoint>, Read;

    /// Writes an alarm, over an earlier one of that name. A new one starts in `INSUFFICIENT_DATA`; an earlier one keeps
    /// its state and its tags (rule 2).
    PutMetricAlarm { /// The alarm.
        alarm: Box<Alarm>, /// Tags, set when it is new and ignored when it is not.
        tags: Tags } => done, Idempotent;
    /// Writes a dashboard, over an earlier one of that name.
    PutDashboard { /// Name. Dashboards have no Region.
        name: String, /// Its body, JSON.
        body: String } => done, Idempotent;

    /// Deletes alarms, at most 100; ones that do not exist are no error.
    DeleteAlarms { /// Names.
        names: Vec<String> } => done, Delete;
    /// Deletes dashboards; one that does not exist answers `ResourceNotFound`, and none is deleted.
    DeleteDashboards { /// Names.
        names: Vec<String> } => done, Delete;
}

/// An alarm, without its state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Name, unique in the account and Region.
    pub name: String,
    /// For people.
    pub description: String,
    /// What is watched.
    pub watch: Watch,
    /// `GreaterThanThreshold`, `LessThanThreshold`, …
    pub comparison: String,
    /// Threshold, in the unit of what is watched.
    pub threshold: OrderedFloat<f64>,
    /// Periods that are looked at.
    pub periods: u32,
    /// How many of them must breach.
    pub datapoints: u32,
    /// `missing`, `breaching`, `notBreaching` or `ignore`.
    pub missing_data: String,
    /// ARNs of what is told when it goes off and when it is over, in order and each once; none: only EventBridge hears
    /// of it.
    pub notify: Vec<String>,
    /// ARNs of the scaling policies that it runs each minute while it is in `ALARM` (rule 1), in order and each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Watch {
    /// One metric.
    Metric(Metric),
    /// An expression over several; the first letters name them in it.
    Expression {
        /// `100 * bad / all`.
        expression: String,
        /// The metrics, by their names in the expression: lower-case letters and digits.
        metrics: BTreeMap<String, Metric>,
    },
}

/// A metric as it is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// `AWS/EC2`.
    pub namespace: String,
    /// `CPUUtilization`.
    pub name: String,
    /// Dimensions: name to value.
    pub dimensions: BTreeMap<String, String>,
    /// `Average`, `Sum`, `Minimum`, `Maximum`, or a percentile, `p95`.
    pub statistic: String,
    /// Seconds of one period: 10, 20, 30 or a multiple of 60 (rule 3).
    pub period: u32,
}

/// Points of several metrics, by the names that the call gave them.
pub type Points<T> = BTreeMap<String, Vec<T>>;

/// A metric in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Datapoint {
    /// Second since the epoch with which the period begins.
    pub at: i64,
    /// Value, by the statistic and in the unit of the metric.
    pub value: OrderedFloat<f64>,
}

//! Metrics: what was put in a span of time, by period and statistic.

use std::collections::BTreeMap;

use windlass_calls::Class;
use windlass_calls::cloudwatch::{GetMetricData, Metric};
use windlass_engine::Port;

use crate::check::{Check, same};
use crate::place::Place;

const MINUTE: i64 = 60;

/// The last minute but one is left empty, and what is not within the span is left out.
pub(super) async fn several_metrics_are_answered_by_period_and_statistic<P: Port>(place: &Place<P>) -> Check {
    let to = place.control.now() / MINUTE * MINUTE - MINUTE;
    let from = to - 3 * MINUTE;
    let metric = metric(place, "metric-data");
    for (at, value) in [
        (from - 1, 9.0),
        (from, 10.0),
        (from + 59, 40.0),
        (from + 2 * MINUTE, 70.0),
        (to, 9.0),
    ] {
        place.control.measure(&metric, at, value)?;
    }
    let by = |statistic: &str| Metric {
        statistic: statistic.into(),
        ..metric.clone()
    };
    let metrics = BTreeMap::from([
        ("average".to_owned(), by("Average")),
        ("count".to_owned(), by("SampleCount")),
        ("most".to_owned(), by("Maximum")),
    ]);
    let points = place.call(GetMetricData { metrics, from, to }).await?;
    let of = |name: &str| {
        let points = points.get(name).into_iter().flatten();
        points
            .map(|point| (point.at - from, point.value.into_inner()))
            .collect::<Vec<_>>()
    };
    same("average", of("average"), vec![(0, 25.0), (120, 70.0)])?;
    same("count", of("count"), vec![(0, 2.0), (120, 1.0)])?;
    same("most", of("most"), vec![(0, 40.0), (120, 70.0)])
}

/// A metric is its name with all of its dimensions.
pub(super) async fn a_metric_that_nobody_put_anything_in_has_no_points<P: Port>(place: &Place<P>) -> Check {
    let to = place.control.now();
    place
        .control
        .measure(&metric(place, "metric-none"), to - MINUTE, 1.0)?;
    let mut other = metric(place, "metric-none");
    other.dimensions.insert("Zone".into(), "a".into());
    let metrics = BTreeMap::from([("other".to_owned(), other)]);
    let call = GetMetricData {
        metrics,
        from: to - 10 * MINUTE,
        to,
    };
    let points = place.call(call).await?;
    same("points", points.get("other").map_or(0, Vec::len), 0)
}

pub(super) async fn a_span_that_ends_before_it_begins_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused(place, |call| (call.from, call.to) = (call.to, call.from)).await
}

pub(super) async fn a_name_that_is_none_of_a_query_is_refused<P: Port>(place: &Place<P>) -> Check {
    refused(place, |call| {
        let metrics = std::mem::take(&mut call.metrics);
        call.metrics = metrics
            .into_values()
            .map(|metric| ("Cpu".to_owned(), metric))
            .collect();
    })
    .await
}

async fn refused<P: Port>(place: &Place<P>, change: impl FnOnce(&mut GetMetricData)) -> Check {
    let to = place.control.now();
    let mut call = GetMetricData {
        metrics: BTreeMap::from([("cpu".to_owned(), metric(place, "metric-refused"))]),
        from: to - MINUTE,
        to,
    };
    change(&mut call);
    place.refuses(call, Class::Terminal, "ValidationError").await
}

fn metric<P: Port>(place: &Place<P>, case: &str) -> Metric {
    Metric {
        namespace: "AWS/EC2".into(),
        name: "CPUUtilization".into(),
        dimensions: BTreeMap::from([("AutoScalingGroupName".into(), place.name(case))]),
        statistic: "Average".into(),
        period: 60,
    }
}

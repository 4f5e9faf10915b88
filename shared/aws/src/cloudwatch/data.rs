//! Metrics: several in one question, and their points.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types as sdk;
use windlass_calls::cloudwatch::{Datapoint, GetMetricData, Points};

use super::alarm::metric_stat;
use crate::answer::{every, field};
use crate::fault::Fault;

pub(super) async fn get(client: &Client, call: GetMetricData) -> Result<Points<Datapoint>, Fault> {
    let names = call.metrics.keys().map(|name| (name.clone(), Vec::new()));
    let mut points: Points<Datapoint> = names.collect();
    let request = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries(call.metrics)))
        .start_time(DateTime::from_secs(call.from))
        .end_time(DateTime::from_secs(call.to))
        .scan_by(sdk::ScanBy::TimestampAscending);
    for page in every(request.into_paginator().send()).await? {
        for result in page.metric_data_results.unwrap_or_default() {
            add(&mut points, result)?;
        }
    }
    Ok(points)
}

fn queries(metrics: BTreeMap<String, windlass_calls::cloudwatch::Metric>) -> Vec<sdk::MetricDataQuery> {
    let query = |(name, metric)| {
        sdk::MetricDataQuery::builder()
            .id(name)
            .metric_stat(metric_stat(metric))
            .return_data(true)
            .build()
    };
    metrics.into_iter().map(query).collect()
}

/// Adds a page's points of one metric. AWS answers times and values in two lists.
fn add(points: &mut Points<Datapoint>, result: sdk::MetricDataResult) -> Result<(), Fault> {
    let name = field(result.id, "Id")?;
    let (times, values) = (
        result.timestamps.unwrap_or_default(),
        result.values.unwrap_or_default(),
    );
    if times.len() != values.len() {
        let (times, values) = (times.len(), values.len());
        return Err(Fault::Unexpected(format!(
            "metric {name} has {times} times and {values} values"
        )));
    }
    let more = times.iter().zip(values).map(|(time, value)| Datapoint {
        at: time.secs(),
        value: value.into(),
    });
    points.entry(name).or_default().extend(more);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(times: &[i64], values: &[f64]) -> sdk::MetricDataResult {
        let times = times.iter().map(|time| DateTime::from_secs(*time));
        sdk::MetricDataResult::builder()
            .id("cpu")
            .set_timestamps(Some(times.collect()))
            .set_values(Some(values.to_vec()))
            .build()
    }

    #[test]
    fn points_of_several_pages_are_one_row() -> Result<(), Fault> {
        let mut points = Points::new();
        add(&mut points, page(&[60, 120], &[1.0, 2.0]))?;
        add(&mut points, page(&[180], &[3.0]))?;
        let row: Vec<(i64, f64)> = points["cpu"]
            .iter()
            .map(|point| (point.at, point.value.into_inner()))
            .collect();
        assert_eq!(row, [(60, 1.0), (120, 2.0), (180, 3.0)]);
        Ok(())
    }

    #[test]
    fn an_answer_whose_lists_do_not_match_is_none() {
        let fault = add(&mut Points::new(), page(&[60, 120], &[1.0]));
        let said = fault.map_err(|fault| fault.of("cloudwatch:GetMetricData").message);
        assert_eq!(said, Err("metric cpu has 2 times and 1 values".to_owned()));
    }
}

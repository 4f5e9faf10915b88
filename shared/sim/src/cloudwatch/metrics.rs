//! Metrics: values that somebody put, and what a period of them comes to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_calls::cloudwatch::{Datapoint, GetMetricData, Metric, Points};

use super::alarm::{check_period, is_id, is_statistic};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// Most metrics that one call asks for.
const AT_ONCE: usize = 500;

/// Values by metric and second. A metric is its namespace, its name and all of its dimensions.
pub(super) type Metrics = BTreeMap<Key, BTreeMap<i64, Vec<f64>>>;
type Key = (String, String, BTreeMap<String, String>);

impl World {
    /// Puts a value of a metric, as whoever measures it does; alarms look at it when time goes on, or stands still.
    pub fn put_metric_data(&mut self, metric: &Metric, at: Timestamp, value: f64) {
        let values = self.cloudwatch.metrics.entry(key(metric)).or_default();
        values.entry(at.as_second()).or_default().push(value);
        self.cloudwatch.states.look_again();
    }

    pub(super) fn get_metric_data(&mut self, call: &GetMetricData) -> Answer<Points<Datapoint>> {
        check(call).map_err(|why| refused("ValidationError", why))?;
        let points = |metric: &Metric| self.points(metric, call.from, call.to);
        let named = call.metrics.iter();
        Ok(named
            .map(|(name, metric)| (name.clone(), points(metric)))
            .collect())
    }

    /// What a metric comes to in each period of a span that has values, oldest first.
    pub(super) fn points(&self, metric: &Metric, from: i64, to: i64) -> Vec<Datapoint> {
        let period = i64::from(metric.period);
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        let values = self.cloudwatch.metrics.get(&key(metric));
        for (at, values) in values.into_iter().flat_map(|values| values.range(from..to)) {
            let begins = at.div_euclid(period) * period;
            periods.entry(begins).or_default().extend(values);
        }
        let comes_to = periods.into_iter().map(|(at, values)| Datapoint {
            at,
            value: statistic(&metric.statistic, values).into(),
        });
        comes_to.collect()
    }
}

fn key(metric: &Metric) -> Key {
    let Metric {
        namespace,
        name,
        dimensions,
        ..
    } = metric;
    (namespace.clone(), name.clone(), dimensions.clone())
}

/// What some values, of which there is at least one, come to.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there are few values"
)]
fn statistic(name: &str, mut values: Vec<f64>) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    values.sort_by(f64::total_cmp);
    let at = |percent: f64| values[((percent / 100.0 * count).ceil() as usize).clamp(1, values.len()) - 1];
    match name {
        "SampleCount" => count,
        "Sum" => sum,
        "Average" => sum / count,
        "Minimum" => values[0],
        "Maximum" => values[values.len() - 1],
        percentile => at(percentile.trim_start_matches('p').parse().unwrap_or(100.0)),
    }
}

fn check(call: &GetMetricData) -> Result<(), String> {
    if call.from >= call.to {
        return Err("The parameter StartTime must be less than the parameter EndTime.".into());
    }
    if call.metrics.is_empty() || call.metrics.len() > AT_ONCE {
        return Err(format!(
            "The parameter MetricDataQueries must have 1 to {AT_ONCE} members."
        ));
    }
    for (name, metric) in &call.metrics {
        if !is_id(name) {
            return Err(format!(
                "The value {name} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            ));
        }
        check_period(metric)?;
        if !is_statistic(&metric.statistic) {
            return Err(format!(
                "The value {} for parameter Stat is not supported.",
                metric.statistic
            ));
        }
    }
    Ok(())
}

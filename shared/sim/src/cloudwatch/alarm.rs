//! Alarms: a put writes over an earlier one of the name, all but its tags (rule 2), and is checked first (rule 3).

use std::collections::BTreeMap;

use windlass_calls::Tags;
use windlass_calls::cloudwatch::{Alarm, DeleteAlarms, DescribeAlarms, Metric, PutMetricAlarm, Watch};

use crate::refusal::{Answer, refused};
use crate::world::World;

/// Longest name.
const NAME_LIMIT: usize = 255;
/// Longest description.
const DESCRIPTION_LIMIT: usize = 1024;
/// Most that are told.
const ACTIONS: usize = 5;
/// Most that one call deletes (rule 51).
const DELETED_AT_ONCE: usize = 100;
/// Most dimensions of a metric.
const DIMENSIONS: usize = 30;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// An alarm with its tags.
#[derive(Debug, Clone)]
pub(crate) struct OwnedAlarm {
    pub(crate) shown: Alarm,
    pub(crate) tags: Tags,
}

impl World {
    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    pub(super) fn describe_alarms(&mut self, call: &DescribeAlarms) -> Answer<Vec<Alarm>> {
        let visible = self.cloudwatch.alarms.visible(self.clock);
        Ok(visible
            .map(|alarm| &alarm.shown)
            .filter(|alarm| alarm.name.starts_with(&call.prefix))
            .cloned()
            .collect())
    }

    pub(super) fn put_metric_alarm(&mut self, call: &PutMetricAlarm) -> Answer<()> {
        let alarm = &*call.alarm;
        if let Err(why) = check(alarm).and_then(|()| self.check_actions(alarm)) {
            return Err(refused("ValidationError", why));
        }
        let first = self.cloudwatch.alarms.get(&alarm.name);
        let tags = first.map_or_else(|| call.tags.clone(), |first| first.tags.clone());
        let shown = alarm.clone();
        let visible_from = self.monitoring_visible_from(&alarm.name);
        self.cloudwatch
            .alarms
            .put(&alarm.name, visible_from, OwnedAlarm { shown, tags });
        Ok(())
    }

    /// Alarms that do not exist are no error.
    pub(super) fn delete_alarms(&mut self, call: &DeleteAlarms) -> Answer<()> {
        if call.names.len() > DELETED_AT_ONCE {
            let message = format!("Member must have length less than or equal to {DELETED_AT_ONCE}");
            return Err(refused("ValidationError", message));
        }
        for name in &call.names {
            self.cloudwatch.alarms.remove(name);
            self.cloudwatch.states.forget(name);
        }
        Ok(())
    }

    fn check_actions(&self, alarm: &Alarm) -> Result<(), String> {
        if alarm.notify.len() + alarm.policies.len() > ACTIONS {
            return Err(format!("Member must have length less than or equal to {ACTIONS}"));
        }
        for action in alarm.notify.iter().chain(&alarm.policies) {
            let mut parts = action.split(':');
            let (arn, region) = (parts.next(), parts.nth(2));
            if arn != Some("arn") {
                return Err(format!("Invalid arn syntax: {action}"));
            }
            if region != Some(self.config.region.as_str()) {
                return Err(format!(
                    "Invalid region {} specified. Only {} is supported.",
                    region.unwrap_or_default(),
                    self.config.region
                ));
            }
        }
        Ok(())
    }
}

/// What is wrong with an alarm, in words.
fn check(alarm: &Alarm) -> Result<(), String> {
    check_text(alarm)?;
    if alarm.periods == 0 || alarm.datapoints == 0 {
        return Err("EvaluationPeriods and DatapointsToAlarm must be at least 1".into());
    }
    if alarm.datapoints > alarm.periods {
        return Err("DatapointsToAlarm must be less than or equal to EvaluationPeriods".into());
    }
    if !alarm.threshold.is_finite() {
        return Err("Threshold must be a number".into());
    }
    match &alarm.watch {
        Watch::Metric(metric) => check_metric(metric, alarm.periods),
        Watch::Expression { expression, metrics } => {
            check_expression(expression, metrics)?;
            metrics
                .values()
                .try_for_each(|metric| check_metric(metric, alarm.periods))
        }
    }
}

fn check_text(alarm: &Alarm) -> Result<(), String> {
    if !(1..=NAME_LIMIT).contains(&alarm.name.chars().count()) {
        return Err(format!("AlarmName must have 1 to {NAME_LIMIT} characters"));
    }
    if alarm.description.chars().count() > DESCRIPTION_LIMIT {
        return Err(format!(
            "AlarmDescription must have at most {DESCRIPTION_LIMIT} characters"
        ));
    }
    let comparisons = [
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    ];
    if !comparisons.contains(&alarm.comparison.as_str()) {
        return Err(format!("ComparisonOperator {} is not valid", alarm.comparison));
    }
    let missing = ["breaching", "notBreaching", "ignore", "missing"];
    if !missing.contains(&alarm.missing_data.as_str()) {
        return Err(format!("TreatMissingData {} is not valid", alarm.missing_data));
    }
    Ok(())
}

/// Rule 3: the period, and how far all of them reach back.
fn check_metric(metric: &Metric, periods: u32) -> Result<(), String> {
    check_period(metric)?;
    let period = metric.period;
    let reach = u64::from(period) * u64::from(periods);
    let longest = if u64::from(period) < HOUR { DAY } else { WEEK };
    if reach > longest {
        return Err(format!(
            "Metrics cannot be checked across more than {longest} seconds (EvaluationPeriods * Period = {reach})"
        ));
    }
    if metric.namespace.is_empty() || metric.name.is_empty() {
        return Err("A metric needs a namespace and a name".into());
    }
    if metric.dimensions.len() > DIMENSIONS {
        return Err(format!("A metric has at most {DIMENSIONS} dimensions"));
    }
    if !is_statistic(&metric.statistic) {
        return Err(format!("Statistic {} is not valid", metric.statistic));
    }
    Ok(())
}

/// Rule 3: periods are short ones, or minutes.
pub(super) fn check_period(metric: &Metric) -> Result<(), String> {
    let period = metric.period;
    if matches!(period, 10 | 20 | 30) || (period > 0 && period.is_multiple_of(60)) {
        return Ok(());
    }
    Err(format!("Period {period} is not 10, 20, 30 or a multiple of 60"))
}

/// A plain statistic or a percentile, `p95` or `p99.9`.
pub(super) fn is_statistic(name: &str) -> bool {
    let percentile = |name: &str| {
        let percent = name.strip_prefix('p')?;
        let digits = percent.chars().all(|c| c.is_ascii_digit() || c == '.');
        percent
            .parse::<f64>()
            .ok()
            .filter(|percent| digits && *percent <= 100.0)
    };
    matches!(name, "SampleCount" | "Average" | "Sum" | "Minimum" | "Maximum") || percentile(name).is_some()
}

/// It has metrics, their names are names, and it speaks of no others.
fn check_expression(expression: &str, metrics: &BTreeMap<String, Metric>) -> Result<(), String> {
    if metrics.is_empty() {
        return Err("An expression needs at least one metric".into());
    }
    if let Some(id) = metrics.keys().find(|id| !is_id(id)) {
        return Err(format!(
            "Id {id} does not start with a lower-case letter, or has other characters than letters, digits and _"
        ));
    }
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    match words
        .filter(|word| is_id(word))
        .find(|word| !metrics.contains_key(*word))
    {
        None if expression.trim().is_empty() => Err("Expression must not be empty".into()),
        None => Ok(()),
        Some(unknown) => Err(format!("Error in expression: undefined variable {unknown}")),
    }
}

pub(super) fn is_id(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(plain)
}

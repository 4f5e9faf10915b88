//! States of alarms: which metric alarms go off by what was put, and who hears of it.
//!
//! An alarm looks at its newest periods, and at two before them for each that lacks a value (rule 3). It goes off where as
//! many as it asks for are beyond the threshold, and is over where they are not. Without any value at all in its periods it
//! has insufficient data, unless missing ones count as something. An event tells of a change, and of nothing else; a scaling
//! policy is run each minute while the alarm lasts (rule 1).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use windlass_calls::cloudwatch::{Alarm, Datapoint, Watch};

use crate::world::World;

/// Seconds between two looks at all alarms.
const MINUTE: i64 = 60;
/// Periods that are looked at beyond those asked for, where some have no value.
const SPARE: i64 = 2;

/// States of alarms that are not the first one, by name; and the minute up to which they were looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
    by_alarm: BTreeMap<String, State>,
    looked: Option<i64>,
    /// Something was put since.
    is_new: bool,
}

/// Where an alarm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    Alarm,
    Ok,
    #[default]
    InsufficientData,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Alarm => "ALARM",
            Self::Ok => "OK",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl States {
    /// There is something new in the minute that was looked at last.
    pub(super) fn look_again(&mut self) {
        self.is_new = true;
    }

    pub(super) fn forget(&mut self, alarm: &str) {
        self.by_alarm.remove(alarm);
    }
}

impl World {
    /// Looks at all alarms at each minute until then. Where nobody puts metrics, alarms stay as they are.
    pub(crate) fn watch(&mut self, now: Timestamp) {
        let minute = now.as_second().div_euclid(MINUTE);
        let States { looked, is_new, .. } = *self.cloudwatch.states;
        if self.cloudwatch.metrics.is_empty() || (!is_new && looked.is_some_and(|looked| looked >= minute)) {
            return;
        }
        let first = looked.map_or(minute, |looked| (looked + 1).min(minute));
        self.cloudwatch.states.looked = Some(minute);
        self.cloudwatch.states.is_new = false;
        let shown: Vec<Alarm> = self
            .cloudwatch
            .alarms
            .all()
            .map(|owned| owned.shown.clone())
            .collect();
        for minute in first..=minute {
            for alarm in &shown {
                self.look_at_alarm(alarm, minute * MINUTE);
            }
        }
    }

    fn look_at_alarm(&mut self, alarm: &Alarm, now: i64) {
        let Watch::Metric(metric) = &alarm.watch else {
            return;
        };
        let (period, periods) = (i64::from(metric.period), i64::from(alarm.periods));
        let end = now.div_euclid(period) * period;
        let points = self.points(metric, end - (periods + SPARE) * period, end);
        let before = self
            .cloudwatch
            .states
            .by_alarm
            .get(&alarm.name)
            .copied()
            .unwrap_or_default();
        let state = judge(alarm, &points, end - periods * period).unwrap_or(before);
        if state == State::Alarm
            && let Some(newest) = points.last()
        {
            let distance = newest.value.into_inner() - alarm.threshold.into_inner();
            for policy in &alarm.policies {
                self.run_policy(
                    policy,
                    distance,
                    Timestamp::from_second(now).unwrap_or(Timestamp::MAX),
                );
            }
        }
        if state == before {
            return;
        }
        self.cloudwatch.states.by_alarm.insert(alarm.name.clone(), state);
        let at = Timestamp::from_second(now).unwrap_or(Timestamp::MAX);
        let detail = json!({
            "alarmName": alarm.name,
            "state": {"value": state.word(), "reason": "Threshold Crossed", "timestamp": at.to_string()},
            "previousState": {"value": before.word()},
            "configuration": {"description": alarm.description},
        });
        let arn = self.arn("cloudwatch", &format!("alarm:{}", alarm.name));
        self.emit(
            "aws.cloudwatch",
            "CloudWatch Alarm State Change",
            &arn,
            at,
            &detail,
        );
    }
}

/// What the newest points make of an alarm, those of its own periods being from `begin` on; `None` leaves it as it is.
fn judge(alarm: &Alarm, points: &[Datapoint], begin: i64) -> Option<State> {
    let periods = usize::try_from(alarm.periods).unwrap_or(usize::MAX);
    let datapoints = usize::try_from(alarm.datapoints).unwrap_or(usize::MAX);
    let own = points.iter().filter(|point| point.at >= begin).count();
    if own == 0 {
        return match alarm.missing_data.as_str() {
            "breaching" => Some(State::Alarm),
            "notBreaching" => Some(State::Ok),
            "ignore" => None,
            _ => Some(State::InsufficientData),
        };
    }
    let newest = &points[points.len().saturating_sub(periods)..];
    let beyond = |point: &&Datapoint| {
        let (value, threshold) = (point.value, alarm.threshold);
        match alarm.comparison.as_str() {
            "GreaterThanThreshold" => value > threshold,
            "GreaterThanOrEqualToThreshold" => value >= threshold,
            "LessThanThreshold" => value < threshold,
            _ => value <= threshold,
        }
    };
    let breaching = newest.iter().filter(beyond).count();
    let unknown = periods - newest.len();
    if breaching >= datapoints {
        Some(State::Alarm)
    } else if breaching + unknown < datapoints {
        Some(State::Ok)
    } else {
        None
    }
}

//! What makes a group grow and shrink: measures, each with its thresholds or its target.

use std::collections::{BTreeMap, BTreeSet};

use ordered_float::OrderedFloat;

use super::whole;
use crate::defaults::{PERIODS_IN, PERIODS_OUT};
use crate::diagnostics::{Refused, Report};
use crate::raw::{self, RawCustom, RawMetric, RawScaleIn, RawScaleOut};
use crate::scaling::{Breach, CustomMetric, Goal, Measure, Metric, Scaling};
use crate::shape::{At, Field};
use crate::types::Mode;
use crate::values::{List, Row, Table};

/// Most dimensions of a metric, by AWS.
const MOST_DIMENSIONS: usize = 30;
/// Characters of a namespace, of the name of a metric or a dimension, and of the value of a dimension, by AWS.
const LONGEST_NAME: usize = 255;
const LONGEST_VALUE: usize = 1024;
/// Highest target of a percentage: more than a tenth above it adds instances, and there is no more than 100.
const HIGHEST_TARGET: f64 = 90.0;
/// Statistics that are no percentile.
const STATISTICS: [&str; 5] = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"];

pub(super) fn check(
    field: Field<List<RawMetric>>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Vec<Metric>, Refused> {
    let Some(At {
        value: List(items),
        place,
    }) = field.given()?
    else {
        return mode.map(|mode| match mode {
            Mode::Asg => Scaling::default().metrics,
            Mode::Ec2 => Vec::new(),
        });
    };
    if mode == Ok(Mode::Ec2) && !items.is_empty() {
        report.refuse(
            &place,
            "metrics move the size of an Auto Scaling group, and with `mode: ec2` there is none",
            "leave them out, or use `mode: asg`",
        );
    }
    let mut seen = BTreeSet::new();
    let verdicts: Vec<_> = items
        .into_iter()
        .map(|item| metric(item?.value, &mut seen, report))
        .collect();
    verdicts.into_iter().collect()
}

/// A threshold as it is written, each part judged on its own.
struct Limit {
    threshold: Result<At<f64>, Refused>,
    periods: Result<u32, Refused>,
}

impl Limit {
    fn new(
        threshold: Result<At<f64>, Refused>,
        periods: Result<At<i64>, Refused>,
        report: &mut Report,
    ) -> Self {
        Self {
            threshold,
            periods: whole(periods, 1..=60, report),
        }
    }

    fn breach(self) -> Result<Breach, Refused> {
        Ok(Breach {
            threshold: OrderedFloat(self.threshold?.value),
            periods: self.periods?,
        })
    }
}

fn metric(raw: RawMetric, seen: &mut BTreeSet<String>, report: &mut Report) -> Result<Metric, Refused> {
    let hint = "say what is measured, as in `type: cpu`";
    let kind = raw.r#type.required(hint, report);
    let place = kind.as_ref().ok().map(|at| at.place.clone());
    let percent = matches!(&kind, Ok(at) if matches!(at.value, raw::Metric::Cpu | raw::Metric::Memory));
    let goal = goal(raw.scale_out, raw.scale_in, raw.target, percent, report);
    let measure = measure(kind, raw.metric, report)?;
    if let Some(place) = &place
        && !seen.insert(measure.word().into_owned())
    {
        let hint = "keep one of the two; custom metrics are told apart by their names";
        report.refuse(place, "this metric is listed twice", hint);
    }
    Ok(Metric { measure, goal: goal? })
}

/// Either thresholds or a target.
fn goal(
    out: Field<RawScaleOut>,
    shrink: Field<RawScaleIn>,
    target: Field<f64>,
    percent: bool,
    report: &mut Report,
) -> Result<Goal, Refused> {
    if target.is_given() {
        let between = out.is_given() || shrink.is_given();
        let target = target.required("", report)?;
        if between {
            return Err(report.refuse(
                &target.place,
                "a target stands beside thresholds",
                "keep `target`, or `scaleOut` and `scaleIn`",
            ));
        }
        if target.value <= 0.0 || (percent && target.value > HIGHEST_TARGET) {
            let message = format!("the target {} is out of range", target.value);
            let hint = if percent {
                "it is a percentage above 0, and 90 at most: a tenth above it has to be possible"
            } else {
                "it has to be above 0"
            };
            return Err(report.refuse(&target.place, message, hint));
        }
        return Ok(Goal::Target {
            target: OrderedFloat(target.value),
        });
    }
    let hint = "say when to grow, as in {above: 70, periods: 2}, or what it should be, as in `target: 60`";
    let out = out.required(hint, report).map(|at| {
        let hint = "give the threshold, as in `above: 70`";
        let above = at.value.above.required(hint, report);
        Limit::new(above, at.value.periods.or(PERIODS_OUT.into()), report)
    });
    let shrink = shrink.given().map(|at| {
        at.map(|at| {
            let hint = "give the threshold, as in `below: 30`";
            let below = at.value.below.required(hint, report);
            Limit::new(below, at.value.periods.or(PERIODS_IN.into()), report)
        })
    });
    let above = out.as_ref().ok().and_then(|limit| limit.threshold.as_ref().ok());
    let below = shrink
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(|limit| limit.threshold.as_ref().ok());
    for threshold in [above, below].into_iter().flatten() {
        let _reported = threshold_fits(percent, threshold, report);
    }
    uncrossed(above, below, report);
    Ok(Goal::Between {
        scale_out: out?.breach()?,
        scale_in: shrink?.map(Limit::breach).transpose()?,
    })
}

/// Only a custom one says which metric it is.
fn measure(
    kind: Result<At<raw::Metric>, Refused>,
    custom: Field<RawCustom>,
    report: &mut Report,
) -> Result<Measure, Refused> {
    let At { value, place } = kind?;
    let plain = match value {
        raw::Metric::Cpu => Measure::Cpu,
        raw::Metric::RequestsPerTarget => Measure::RequestsPerTarget,
        raw::Metric::NetworkIn => Measure::NetworkIn,
        raw::Metric::NetworkOut => Measure::NetworkOut,
        raw::Metric::Memory => Measure::Memory,
        raw::Metric::TargetResponseTime => Measure::TargetResponseTime,
        raw::Metric::Custom => {
            let hint = "say which, as in `metric: {namespace: Shop, name: JobsWaiting}`";
            let metric = custom.required(hint, report)?.value;
            return self::custom(metric, report).map(Measure::Custom);
        }
    };
    if custom.is_given() {
        let hint = "use `type: custom`, or leave `metric` out";
        return Err(report.refuse(&place, "only a custom measure names its metric", hint));
    }
    Ok(plain)
}

fn custom(raw: RawCustom, report: &mut Report) -> Result<CustomMetric, Refused> {
    let namespace = raw
        .namespace
        .required("say whose metric it is, as in `namespace: Shop`", report);
    let name = raw
        .name
        .required("say which metric, as in `name: JobsWaiting`", report);
    let [namespace, name] = [namespace, name].map(|text| named(text, LONGEST_NAME, report));
    let dimensions = match raw.dimensions.given() {
        Ok(Some(at)) => dimensions(at, report),
        Ok(None) => Ok(BTreeMap::new()),
        Err(refused) => Err(refused),
    };
    let statistic = raw.statistic.or(STATISTICS[0].to_owned());
    let statistic = statistic.and_then(|At { value, place }| {
        if STATISTICS.contains(&value.as_str()) || is_percentile(&value) {
            return Ok(value);
        }
        let message = format!("`{value}` is no statistic of CloudWatch's");
        let hint = format!("use {}, or a percentile such as p95", STATISTICS.join(", "));
        Err(report.refuse(&place, message, hint))
    });
    Ok(CustomMetric {
        namespace: namespace?,
        name: name?,
        dimensions: dimensions?,
        statistic: statistic?,
    })
}

fn dimensions(table: At<Table>, report: &mut Report) -> Result<BTreeMap<String, String>, Refused> {
    let At {
        value: Table(rows),
        place,
    } = table;
    let number = if rows.len() > MOST_DIMENSIONS {
        let message = format!("{} dimensions are too many", rows.len());
        Err(report.refuse(&place, message, format!("a metric has at most {MOST_DIMENSIONS}")))
    } else {
        Ok(())
    };
    let rows: Vec<_> = rows
        .into_iter()
        .map(|Row { name, value }| {
            let name = named(Ok(name), LONGEST_NAME, report);
            let value = named(value, LONGEST_VALUE, report);
            Ok((name?, value?))
        })
        .collect();
    number?;
    rows.into_iter().collect()
}

/// A text that CloudWatch takes as a name: printable ASCII, not blank, no colon first.
fn named(text: Result<At<String>, Refused>, longest: usize, report: &mut Report) -> Result<String, Refused> {
    let At { value, place } = text?;
    let printable = value.chars().all(|c| (' '..='~').contains(&c));
    let begins = value
        .chars()
        .next()
        .is_some_and(|first| first != ':' && first != ' ');
    if printable && begins && value.len() <= longest {
        return Ok(value);
    }
    let hint = format!("use 1 to {longest} printable ASCII characters, no blank and no colon first");
    Err(report.refuse(&place, "CloudWatch has no such name", hint))
}

/// `p95`, `p99.9`.
fn is_percentile(text: &str) -> bool {
    let Some(percent) = text.strip_prefix('p') else {
        return false;
    };
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(fraction, 10) && (digits(whole, 2) || whole == "100")
}

fn threshold_fits(percent: bool, threshold: &At<f64>, report: &mut Report) -> Result<(), Refused> {
    let value = threshold.value;
    if (0.0..=if percent { 100.0 } else { f64::MAX }).contains(&value) {
        return Ok(());
    }
    let hint = if percent {
        "it is a percentage, 0 to 100"
    } else {
        "it cannot be negative"
    };
    let message = format!("the threshold {value} is out of range");
    Err(report.refuse(&threshold.place, message, hint))
}

/// Growing above a value at which it also shrinks, the group would never rest.
fn uncrossed(above: Option<&At<f64>>, below: Option<&At<f64>>, report: &mut Report) {
    if let (Some(above), Some(below)) = (above, below)
        && below.value >= above.value
    {
        report.refuse(
            &below.place,
            format!(
                "the thresholds cross: scale in below {}, scale out above {}",
                below.value, above.value
            ),
            "leave a gap, as in scaleIn below 30 and scaleOut above 70, or the group never rests",
        );
    }
}

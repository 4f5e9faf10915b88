//! Bounds of the group, and the scaling that is still to come.
//!
//! Metrics, behavior and schedules are refused as not supported yet, but judged first: a spec written ahead should
//! learn of crossed thresholds now.

use std::collections::BTreeSet;

use super::whole;
use crate::diagnostics::{Refused, Report};
use crate::raw::{Metric, RawBehavior, RawMetric, RawScaling, RawSchedule};
use crate::shape::{At, Field};
use crate::types::Scaling;
use crate::values::{List, Seconds};

/// Far above any account's quota; a typing error should not order a data center.
const MOST: i64 = 1000;
const DEFAULT_MIN: i64 = 3;
const DEFAULT_MAX: i64 = 9;

pub(super) fn check(field: Field<RawScaling>, report: &mut Report) -> Result<Scaling, Refused> {
    let raw = field.open()?.value;
    let bounds = bounds(raw.min, raw.max, report);
    metrics(raw.metrics, report);
    behavior(raw.behavior, report);
    schedule(raw.schedule, report);
    bounds
}

/// `1 <= min <= max`; what is left out is said in the message, for it is not in the text.
fn bounds(min: Field<i64>, max: Field<i64>, report: &mut Report) -> Result<Scaling, Refused> {
    let (min_given, max_given) = (min.is_given(), max.is_given());
    let (min, max) = (min.or(DEFAULT_MIN), max.or(DEFAULT_MAX));
    let blamed = if min_given { min.as_ref() } else { max.as_ref() }
        .ok()
        .map(|at| at.place.clone());
    let (min, max): (Result<u32, _>, Result<u32, _>) =
        (whole(min, 1..=MOST, report), whole(max, 1..=MOST, report));
    let (min, max) = (min?, max?);
    if min <= max {
        return Ok(Scaling { min, max });
    }
    let default = |given: bool| if given { "" } else { " (the default)" };
    let message = format!(
        "min {min}{} is greater than max {max}{}",
        default(min_given),
        default(max_given)
    );
    Err(report.refuse(
        &blamed.unwrap_or_default(),
        message,
        "raise max or lower min; set both to be sure",
    ))
}

fn metrics(field: Field<List<RawMetric>>, report: &mut Report) {
    let Ok(Some(At {
        value: List(items),
        place,
    })) = field.given()
    else {
        return;
    };
    if items.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    for item in items.into_iter().flatten() {
        metric(item, &mut seen, report);
    }
    let remedy = "leave it out; set min and max to the number of instances that you need";
    report.unsupported(&place, "`metrics`", remedy);
}

fn metric(item: At<RawMetric>, seen: &mut BTreeSet<u8>, report: &mut Report) {
    let raw = item.value;
    let kind = raw
        .r#type
        .required("say what is measured, as in `type: cpu`", report);
    let out = raw
        .scale_out
        .required("say when to grow, as in {above: 70, periods: 2}", report)
        .ok();
    let shrink = raw.scale_in.given().ok().flatten();
    let above = out.and_then(|at| {
        let _reported = whole::<u8>(at.value.periods.or(2), 1..=60, report);
        at.value
            .above
            .required("give the threshold, as in `above: 70`", report)
            .ok()
    });
    let below = shrink.and_then(|at| {
        let _reported = whole::<u8>(at.value.periods.or(5), 1..=60, report);
        at.value
            .below
            .required("give the threshold, as in `below: 30`", report)
            .ok()
    });
    if let Ok(kind) = kind {
        if !seen.insert(kind.value as u8) {
            report.refuse(&kind.place, "this metric is listed twice", "keep one of the two");
        }
        for threshold in [&above, &below].into_iter().flatten() {
            threshold_fits(kind.value, threshold, report);
        }
    }
    uncrossed(above, below, report);
}

fn threshold_fits(kind: Metric, threshold: &At<f64>, report: &mut Report) {
    let percent = matches!(kind, Metric::Cpu | Metric::Memory);
    let value = threshold.value;
    if value < 0.0 || (percent && value > 100.0) {
        let hint = if percent {
            "it is a percentage, 0 to 100"
        } else {
            "it cannot be negative"
        };
        report.refuse(
            &threshold.place,
            format!("the threshold {value} is out of range"),
            hint,
        );
    }
}

/// Growing above a value at which it also shrinks, the group would never rest.
fn uncrossed(above: Option<At<f64>>, below: Option<At<f64>>, report: &mut Report) {
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

fn behavior(field: Field<RawBehavior>, report: &mut Report) {
    let Ok(Some(At { value: raw, place })) = field.given() else {
        return;
    };
    let empty = !raw.cooldown.is_given() && !raw.max_step.is_given() && !raw.stabilization.is_given();
    if empty {
        return;
    }
    let _reported = whole::<u32>(raw.max_step.or(1), 1..=MOST, report);
    let _reported: [Result<At<Seconds>, Refused>; 2] =
        [raw.cooldown.or(Seconds(0)), raw.stabilization.or(Seconds(0))];
    report.unsupported(&place, "`behavior`", "leave it out");
}

fn schedule(field: Field<List<RawSchedule>>, report: &mut Report) {
    let Ok(Some(At {
        value: List(items),
        place,
    })) = field.given()
    else {
        return;
    };
    if items.is_empty() {
        return;
    }
    for item in items.into_iter().flatten() {
        let raw = item.value;
        let _reported = raw
            .cron
            .required("say when, as in `cron: \"0 7 * * 1-5\"`", report);
        let _reported = raw.time_zone.given();
        let _reported = bounds(raw.min, raw.max, report);
    }
    report.unsupported(
        &place,
        "`schedule`",
        "leave it out; upload a spec with other bounds when you need them",
    );
}

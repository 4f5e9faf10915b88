//! Bounds of the number of instances, and what moves it between them.
//!
//! What is not supported yet is judged first: a spec written ahead should learn of crossed thresholds now.

use std::collections::BTreeSet;

use ordered_float::OrderedFloat;

use super::{duration, whole};
use crate::defaults::{PERIODS_IN, PERIODS_OUT};
use crate::diagnostics::{Refused, Report};
use crate::raw::{self, RawBehavior, RawMetric, RawScaling, RawSchedule};
use crate::shape::{At, Field};
use crate::types::{Behavior, Breach, Measure, Metric, Mode, Scaling};
use crate::values::{List, Seconds};

/// Far above any account's quota; a typing error should not order a data center.
pub(super) const MOST: i64 = 1000;
/// What cooldown and stabilization may be, in seconds: longer, and a group that a short load made large stays so.
const PATIENCE: std::ops::RangeInclusive<u32> = 0..=3600;

pub(super) fn check(
    field: Field<RawScaling>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Scaling, Refused> {
    let raw = field.open()?.value;
    let bounds = match mode {
        Ok(Mode::Asg) => bounds(raw.min, raw.max, report),
        Ok(Mode::Ec2) => fixed(raw.min, raw.max, report),
        Err(refused) => {
            let _reported = [raw.min.or(1), raw.max.or(1)].map(|bound| whole::<u32>(bound, 1..=MOST, report));
            Err(refused)
        }
    };
    let metrics = metrics(raw.metrics, mode, report);
    let behavior = behavior(raw.behavior, mode, report);
    schedule(raw.schedule, report);
    let (min, max) = bounds?;
    Ok(Scaling {
        min,
        max,
        metrics: metrics?,
        behavior: behavior?,
    })
}

/// `1 <= min <= max`; what is left out is said in the message, for it is not in the text.
fn bounds(min: Field<i64>, max: Field<i64>, report: &mut Report) -> Result<(u32, u32), Refused> {
    let (min_given, max_given) = (min.is_given(), max.is_given());
    let usual = Scaling::default();
    let (min, max) = (min.or(usual.min.into()), max.or(usual.max.into()));
    let blamed = if min_given { min.as_ref() } else { max.as_ref() }
        .ok()
        .map(|at| at.place.clone());
    let (min, max): (Result<u32, _>, Result<u32, _>) =
        (whole(min, 1..=MOST, report), whole(max, 1..=MOST, report));
    let (min, max) = (min?, max?);
    if min <= max {
        return Ok((min, max));
    }
    let message = format!(
        "min {min}{} is greater than max {max}{}",
        unless(min_given),
        unless(max_given)
    );
    Err(report.refuse(
        &blamed.unwrap_or_default(),
        message,
        "raise max or lower min; set both to be sure",
    ))
}

/// Both bounds of a fixed number of instances, which is `min`.
fn fixed(min: Field<i64>, max: Field<i64>, report: &mut Report) -> Result<(u32, u32), Refused> {
    let min_given = min.is_given();
    let min: Result<u32, _> = whole(min.or(Scaling::default().min.into()), 1..=MOST, report);
    let Some(at) = max.given()? else {
        return min.map(|number| (number, number));
    };
    let place = at.place.clone();
    let max: u32 = whole(Ok(at), 1..=MOST, report)?;
    let min = min?;
    if min == max {
        return Ok((min, max));
    }
    let message = format!(
        "min {min}{} and max {max} differ, and with `mode: ec2` the number of instances is fixed",
        unless(min_given)
    );
    Err(report.refuse(
        &place,
        message,
        "leave max out and set min to the number, or use `mode: asg`",
    ))
}

/// What to say of a value that stands in a message, and perhaps not in the text.
fn unless(given: bool) -> &'static str {
    if given { "" } else { " (the default)" }
}

fn metrics(
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

fn metric(raw: RawMetric, seen: &mut BTreeSet<u8>, report: &mut Report) -> Result<Metric, Refused> {
    let kind = raw
        .r#type
        .required("say what is measured, as in `type: cpu`", report);
    let out = raw
        .scale_out
        .required("say when to grow, as in {above: 70, periods: 2}", report)
        .map(|at| {
            let hint = "give the threshold, as in `above: 70`";
            let above = at.value.above.required(hint, report);
            Limit::new(above, at.value.periods.or(PERIODS_OUT.into()), report)
        });
    let shrink = raw.scale_in.given().map(|at| {
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
    if let Ok(kind) = &kind {
        if !seen.insert(kind.value as u8) {
            report.refuse(&kind.place, "this metric is listed twice", "keep one of the two");
        }
        for threshold in [above, below].into_iter().flatten() {
            threshold_fits(kind.value, threshold, report);
        }
    }
    uncrossed(above, below, report);
    Ok(Metric {
        measure: measure(kind, report)?,
        scale_out: out?.breach()?,
        scale_in: shrink?.map(Limit::breach).transpose()?,
    })
}

/// Everything but memory is measured without an agent on the instance.
fn measure(kind: Result<At<raw::Metric>, Refused>, report: &mut Report) -> Result<Measure, Refused> {
    let At { value, place } = kind?;
    match value {
        raw::Metric::Cpu => Ok(Measure::Cpu),
        raw::Metric::RequestsPerTarget => Ok(Measure::RequestsPerTarget),
        raw::Metric::NetworkIn => Ok(Measure::NetworkIn),
        raw::Metric::NetworkOut => Ok(Measure::NetworkOut),
        raw::Metric::Memory => Err(report.unsupported(
            &place,
            "this measure",
            "leave it out, or use `type: cpu`, which is",
        )),
    }
}

fn threshold_fits(kind: raw::Metric, threshold: &At<f64>, report: &mut Report) {
    let percent = matches!(kind, raw::Metric::Cpu | raw::Metric::Memory);
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

fn behavior(
    field: Field<RawBehavior>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Behavior, Refused> {
    let usual = Behavior::default();
    let Some(At { value: raw, place }) = field.given()? else {
        return Ok(usual);
    };
    let said = raw.cooldown.is_given() || raw.max_step.is_given() || raw.stabilization.is_given();
    if mode == Ok(Mode::Ec2) && said {
        let message =
            "`behavior` is how fast an Auto Scaling group grows, and with `mode: ec2` there is none";
        report.refuse(&place, message, "leave it out, or use `mode: asg`");
    }
    let hint = "choose 0s to 1h; 150s is the default";
    let cooldown = raw.cooldown.or(Seconds(usual.cooldown));
    let cooldown = duration(cooldown, PATIENCE, "a cooldown of", hint, report);
    let max_step = raw.max_step.given();
    let max_step = max_step.and_then(|given| {
        let step = given.map(|at| whole::<u32>(Ok(at), 1..=MOST, report));
        step.transpose()
    });
    let hint = "choose 0s to 1h; 5m is the default";
    let stabilization = raw.stabilization.or(Seconds(usual.stabilization));
    let stabilization = duration(stabilization, PATIENCE, "a stabilization of", hint, report);
    Ok(Behavior {
        cooldown: cooldown?,
        max_step: max_step?,
        stabilization: stabilization?,
    })
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

//! Bounds of the number of instances, and what moves it between them.

use super::{duration, metrics, schedule, whole};
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawBehavior, RawScaling};
use crate::scaling::{Behavior, Scaling};
use crate::shape::{At, Field};
use crate::types::Mode;
use crate::values::Seconds;

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
    let metrics = metrics::check(raw.metrics, mode, report);
    let behavior = behavior(raw.behavior, mode, report);
    let schedule = schedule::check(raw.schedule, mode, report);
    let (min, max) = bounds?;
    Ok(Scaling {
        min,
        max,
        metrics: metrics?,
        behavior: behavior?,
        schedule: schedule?,
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

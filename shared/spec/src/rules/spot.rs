//! Spot instances: how many of a group's instances are on demand whatever happens.

use super::whole;
use crate::defaults;
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawCompute, RawSpot};
use crate::scaling::Scaling;
use crate::shape::{At, Field};
use crate::types::{Mode, Spot};

/// What a spec says of spot instances; `None` is all on demand.
pub(super) fn check(
    field: Field<RawSpot>,
    mode: Result<Mode, Refused>,
    report: &mut Report,
) -> Result<Option<Spot>, Refused> {
    let Some(At { value: raw, place }) = field.given()? else {
        return Ok(None);
    };
    let base = raw.on_demand_base.or(defaults::ON_DEMAND_BASE);
    let base = whole(base, 0..=super::scaling::MOST, report);
    let percent = raw.on_demand_percent.or(defaults::ON_DEMAND_PERCENT);
    let percent = whole(percent, 0..=100, report);
    if mode == Ok(Mode::Ec2) {
        let message =
            "spot instances are a share of an Auto Scaling group, and with `mode: ec2` there is none";
        return Err(report.refuse(&place, message, "leave `spot` out, or use `mode: asg`"));
    }
    Ok(Some(Spot {
        on_demand_base: base?,
        on_demand_percent: percent?,
    }))
}

/// The number of instances that are always on demand, where the spec says it.
pub(super) fn base(field: &Field<RawCompute>) -> Option<At<i64>> {
    let Field::Given(At { value: compute, .. }) = field else {
        return None;
    };
    let Field::Given(At { value: spot, .. }) = &compute.spot else {
        return None;
    };
    match &spot.on_demand_base {
        Field::Given(base) => Some(base.clone()),
        _ => None,
    }
}

/// More instances on demand than the group ever has leave no room for spot ones.
pub(super) fn within(base: Option<At<i64>>, scaling: &Scaling, mode: Mode, report: &mut Report) {
    let largest = i64::from(scaling.max);
    let above = |at: &At<i64>| mode == Mode::Asg && (largest + 1..=super::scaling::MOST).contains(&at.value);
    if let Some(At { value, place }) = base.filter(above) {
        report.refuse(
            &place,
            format!("{value} instances on demand are more than `scaling.max`, {largest}"),
            "lower it, raise `scaling.max`, or leave `spot` out: all instances are on demand then",
        );
    }
}

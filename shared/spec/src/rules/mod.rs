//! From the fields as written to the [`Spec`]: defaults, and every rule of meaning.
//!
//! Guarantees: all rules run whose fields could be read, so that the report is complete; a default is never put in
//! the place of a wrong value.

mod app;
mod compute;
mod drift;
mod lifecycle;
mod listeners;
mod load_balancer;
mod metadata;
mod metrics;
mod monitoring;
mod network;
mod scaling;
mod schedule;
mod spot;

use std::ops::RangeInclusive;

use crate::defaults;
use crate::diagnostics::{Refused, Report};
use crate::raw::RawSpec;
use crate::shape::At;
use crate::types::{Apply, Nat, Rollout, Spec, StackId};
use crate::values::Seconds;

/// The spec of `stack`, if every rule holds.
pub(crate) fn check(stack: &StackId, raw: RawSpec, report: &mut Report) -> Result<Spec, Refused> {
    let tags = metadata::check(stack, raw.metadata, report);
    let (network, nat) = network::check(raw.network, report);
    needs_the_internet(&nat, app::download(&raw.compute), report);
    let on_demand = spot::base(&raw.compute);
    let (compute, mode) = compute::check(raw.compute, report);
    let load_balancer = load_balancer::check(raw.load_balancer, report);
    let scaling = scaling::check(raw.scaling, mode, report);
    if let (Ok(scaling), Ok(mode)) = (&scaling, mode) {
        spot::within(on_demand, scaling, mode, report);
    }
    let lifecycle = lifecycle::check(raw.lifecycle, mode, report);
    let monitoring = monitoring::check(raw.monitoring, report);
    let drift = drift::check(raw.drift, report);
    Ok(Spec {
        stack: stack.clone(),
        tags: tags?,
        apply: raw.apply.or(Apply::default())?.value,
        allow_replace: raw.allow_replace.or(false)?.value,
        rollout: raw.rollout.or(Rollout::default())?.value,
        protect: raw.protect.or(defaults::protected(stack))?.value,
        network: network?,
        compute: compute?,
        load_balancer: load_balancer?,
        scaling: scaling?,
        lifecycle: lifecycle?,
        monitoring: monitoring?,
        drift: drift?,
    })
}

/// Packages and containers are downloaded at boot; without NAT there is no way to them.
fn needs_the_internet(nat: &Result<At<Nat>, Refused>, download: Option<&str>, report: &mut Report) {
    if let (
        Ok(At {
            value: Nat::None,
            place,
        }),
        Some(what),
    ) = (nat, download)
    {
        report.refuse(
            place,
            format!("{what} needs the internet, and `nat: none` leaves the instances without it"),
            "use an image that boots without the internet with userData, or `nat: per-zone`",
        );
    }
}

/// A whole number within `range`, as the type that the spec has for it.
fn whole<T: TryFrom<i64>>(
    field: Result<At<i64>, Refused>,
    range: RangeInclusive<i64>,
    report: &mut Report,
) -> Result<T, Refused> {
    let At { value, place } = field?;
    let (low, high) = (range.start(), range.end());
    T::try_from(value)
        .ok()
        .filter(|_| range.contains(&value))
        .ok_or_else(|| {
            let message = format!("{value} is out of range");
            report.refuse(&place, message, format!("choose a number from {low} to {high}"))
        })
}

/// A duration within `range`, in seconds; `what` stands before it in the message.
fn duration(
    field: Result<At<Seconds>, Refused>,
    range: RangeInclusive<u32>,
    what: &str,
    hint: &str,
    report: &mut Report,
) -> Result<u32, Refused> {
    let At {
        value: Seconds(seconds),
        place,
    } = field?;
    if range.contains(&seconds) {
        return Ok(seconds);
    }
    Err(report.refuse(&place, format!("{what} {seconds}s is out of range"), hint))
}

/// A TCP port.
fn port(field: Result<At<i64>, Refused>, report: &mut Report) -> Result<u16, Refused> {
    whole(field, 1..=65535, report)
}

/// The path of an SSM parameter: `/` and a name, as often as wanted.
fn is_parameter(path: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    path.starts_with('/')
        && path.len() > 1
        && !path.ends_with('/')
        && !path.contains("//")
        && path.chars().all(fit)
}

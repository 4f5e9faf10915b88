//! From the fields as written to the [`Spec`]: defaults, and every rule of meaning.
//!
//! Guarantees: all rules run whose fields could be read, so that the report is complete; a default is never put in
//! the place of a wrong value. What is not built yet is refused where it is asked for, never ignored.

mod app;
mod compute;
mod lifecycle;
mod listeners;
mod load_balancer;
mod metadata;
mod monitoring;
mod network;
mod scaling;

use std::ops::RangeInclusive;

use crate::diagnostics::{Refused, Report};
use crate::raw::RawSpec;
use crate::shape::{At, Field};
use crate::types::{Apply, Nat, Spec, StackId};

/// The spec of `stack`, if every rule holds.
pub(crate) fn check(stack: &StackId, raw: RawSpec, report: &mut Report) -> Result<Spec, Refused> {
    replacing(raw.allow_replace, report);
    let tags = metadata::check(stack, raw.metadata, report);
    let (network, nat) = network::check(raw.network, report);
    needs_the_internet(&nat, app::download(&raw.compute), report);
    let (compute, mode) = compute::check(raw.compute, report);
    let load_balancer = load_balancer::check(raw.load_balancer, report);
    let scaling = scaling::check(raw.scaling, mode, report);
    let lifecycle = lifecycle::check(raw.lifecycle, report);
    let monitoring = monitoring::check(raw.monitoring, report);
    lifecycle::drift(raw.drift, report);
    let protect = raw.protect.or(stack.environment == "prod");
    Ok(Spec {
        stack: stack.clone(),
        tags: tags?,
        apply: raw.apply.or(Apply::Auto)?.value,
        protect: protect?.value,
        network: network?,
        compute: compute?,
        load_balancer: load_balancer?,
        scaling: scaling?,
        lifecycle: lifecycle?,
        monitoring: monitoring?,
    })
}

/// `allowReplace`: only its default exists so far. `apiVersion` and `kind` have one value each.
fn replacing(allow_replace: Field<bool>, report: &mut Report) {
    if let Ok(At { value: true, place }) = allow_replace.or(false) {
        let remedy = "leave it out; to change what AWS cannot change in place, start a new stack";
        report.unsupported(&place, "`allowReplace: true`", remedy);
    }
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

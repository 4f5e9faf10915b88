//! Who can reach the load balancer, and the health check.

use super::{listeners, whole};
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawHealthCheck, RawLoadBalancer};
use crate::shape::{At, Field, shorten};
use crate::types::{HealthCheck, LoadBalancer, Scheme};
use crate::values::Seconds;

pub(super) fn check(field: Field<RawLoadBalancer>, report: &mut Report) -> Result<LoadBalancer, Refused> {
    let raw = field.open()?.value;
    let scheme = raw.scheme.or(Scheme::InternetFacing);
    let listeners = listeners::check(raw.listeners, report);
    let health_check = health_check(raw.health_check, report);
    Ok(LoadBalancer {
        scheme: scheme?.value,
        listeners: listeners?,
        health_check: health_check?,
    })
}

fn health_check(field: Field<RawHealthCheck>, report: &mut Report) -> Result<HealthCheck, Refused> {
    let raw = field.open()?.value;
    let path = raw.path.or("/".to_owned()).and_then(|at| path(at, report));
    let interval = raw.interval.or(Seconds(15)).and_then(|at| interval(&at, report));
    let healthy = whole(raw.healthy.or(2), 2..=10, report);
    let unhealthy = whole(raw.unhealthy.or(2), 2..=10, report);
    let codes = raw
        .codes
        .or("200-399".to_owned())
        .and_then(|at| codes(at, report));
    Ok(HealthCheck {
        path: path?,
        interval: interval?,
        healthy: healthy?,
        unhealthy: unhealthy?,
        codes: codes?,
    })
}

fn path(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value: path, place } = at;
    if !path.starts_with('/') {
        let message = format!("the path `{}` does not begin with `/`", shorten(&path));
        let hint = if path.contains("://") {
            "write the path alone, without scheme and host, as in `/health`".to_owned()
        } else {
            format!("did you mean `/{}`?", shorten(&path))
        };
        return Err(report.refuse(&place, message, hint));
    }
    if path.len() > 1024 {
        let message = format!("the path has {} characters", path.len());
        return Err(report.refuse(&place, message, "AWS takes at most 1024"));
    }
    if let Some(c) = path.chars().find(|c| !c.is_ascii_graphic()) {
        let message = format!("the path contains {c:?}");
        return Err(report.refuse(&place, message, "use printable ASCII, and %20 for a space"));
    }
    Ok(path)
}

fn interval(at: &At<Seconds>, report: &mut Report) -> Result<u32, Refused> {
    let seconds = at.value.0;
    if (5..=300).contains(&seconds) {
        return Ok(seconds);
    }
    let message = format!("an interval of {seconds}s is out of range");
    Err(report.refuse(&at.place, message, "choose 5s to 300s; 15s is the default"))
}

/// `200`, `200,302`, `200-399`: single codes and ascending ranges, all from 200 to 499.
fn codes(at: At<String>, report: &mut Report) -> Result<String, Refused> {
    let At { value: codes, place } = at;
    if codes.split(',').all(is_codes) {
        return Ok(codes);
    }
    Err(report.refuse(
        &place,
        format!("`{}` are not HTTP codes from 200 to 499", shorten(&codes)),
        "write \"200\", \"200,302\" or \"200-399\", in quotes and without spaces",
    ))
}

fn is_codes(part: &str) -> bool {
    let code = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse::<u16>().ok())
            .flatten()
            .filter(|code| (200..=499).contains(code))
    };
    match part.split_once('-') {
        None => code(part).is_some(),
        Some((low, high)) => code(low).zip(code(high)).is_some_and(|(low, high)| low < high),
    }
}

//! Who can reach the load balancer, and the health check.

use super::{duration, listeners, whole};
use crate::diagnostics::{Refused, Report};
use crate::raw::{RawHealthCheck, RawLoadBalancer};
use crate::shape::{At, Field, shorten};
use crate::types::{HealthCheck, LoadBalancer};
use crate::values::Seconds;

pub(super) fn check(field: Field<RawLoadBalancer>, report: &mut Report) -> Result<LoadBalancer, Refused> {
    let raw = field.open()?.value;
    let usual = LoadBalancer::default();
    let scheme = raw.scheme.or(usual.scheme);
    let listeners = match raw.listeners.given() {
        Ok(None) => Ok(usual.listeners),
        Ok(Some(list)) => listeners::check(list, report),
        Err(refused) => Err(refused),
    };
    let health_check = health_check(raw.health_check, report);
    Ok(LoadBalancer {
        scheme: scheme?.value,
        listeners: listeners?,
        health_check: health_check?,
    })
}

fn health_check(field: Field<RawHealthCheck>, report: &mut Report) -> Result<HealthCheck, Refused> {
    let raw = field.open()?.value;
    let usual = HealthCheck::default();
    let path = raw.path.or(usual.path).and_then(|at| path(at, report));
    let hint = "choose 5s to 300s; 15s is the default";
    let interval = raw.interval.or(Seconds(usual.interval));
    let interval = duration(interval, 5..=300, "an interval of", hint, report);
    let healthy = whole(raw.healthy.or(usual.healthy.into()), 2..=10, report);
    let unhealthy = whole(raw.unhealthy.or(usual.unhealthy.into()), 2..=10, report);
    let codes = raw.codes.or(usual.codes).and_then(|at| codes(at, report));
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

//! Listeners and the health check.

use std::collections::BTreeSet;

use super::{port, whole};
use crate::diagnostics::{Refused, Report};
use crate::raw::{Protocol, RawHealthCheck, RawListener, RawLoadBalancer};
use crate::shape::{At, Field, shorten};
use crate::types::{HealthCheck, Listener, LoadBalancer, Scheme};
use crate::values::{List, Seconds};

/// Listeners of one load balancer, by AWS's default quota.
const MOST_LISTENERS: usize = 50;

pub(super) fn check(field: Field<RawLoadBalancer>, report: &mut Report) -> Result<LoadBalancer, Refused> {
    let raw = field.open()?.value;
    let scheme = raw.scheme.or(Scheme::InternetFacing);
    let listeners = match raw.listeners.given() {
        Ok(None) => Ok(vec![Listener { port: 80 }]),
        Ok(Some(list)) => listeners(list, report),
        Err(refused) => Err(refused),
    };
    let health_check = health_check(raw.health_check, report);
    Ok(LoadBalancer {
        scheme: scheme?.value,
        listeners: listeners?,
        health_check: health_check?,
    })
}

fn listeners(list: At<List<RawListener>>, report: &mut Report) -> Result<Vec<Listener>, Refused> {
    let At {
        value: List(items),
        place,
    } = list;
    if items.is_empty() || items.len() > MOST_LISTENERS {
        let message = format!("{} listeners are given", items.len());
        let hint = format!("give 1 to {MOST_LISTENERS}, as in [{{port: 80}}], or leave it out for port 80");
        return Err(report.refuse(&place, message, hint));
    }
    let mut seen = BTreeSet::new();
    let verdicts: Vec<_> = items
        .into_iter()
        .map(|item| listener(item, &mut seen, report))
        .collect();
    verdicts.into_iter().collect()
}

fn listener(
    item: Result<At<RawListener>, Refused>,
    seen: &mut BTreeSet<u16>,
    report: &mut Report,
) -> Result<Listener, Refused> {
    let raw = item?.value;
    let plain = plain_http(raw.protocol, raw.certificate_arn, raw.redirect_to, report);
    let given = raw.port.required("say the port, as in `port: 80`", report)?;
    let place = given.place.clone();
    let port = port(Ok(given), report)?;
    if !seen.insert(port) {
        return Err(report.refuse(
            &place,
            format!("port {port} has two listeners"),
            "keep one of them",
        ));
    }
    plain.map(|()| Listener { port })
}

/// Only HTTP that is forwarded exists so far.
fn plain_http(
    protocol: Field<Protocol>,
    certificate_arn: Field<String>,
    redirect_to: Field<i64>,
    report: &mut Report,
) -> Result<(), Refused> {
    let mut plain = Ok(());
    match protocol.or(Protocol::Http) {
        Ok(At {
            value: Protocol::Https,
            place,
        }) => {
            let remedy = "use `protocol: HTTP`, and end TLS in front of the stack, for example in CloudFront";
            plain = Err(report.unsupported(&place, "`protocol: HTTPS`", remedy));
        }
        Ok(_) => {}
        Err(refused) => plain = Err(refused),
    }
    if let Some(At { place, .. }) = certificate_arn.given()? {
        plain = Err(report.unsupported(&place, "`certificateArn`", "leave it out, with `protocol: HTTP`"));
    }
    if let Some(at) = redirect_to.given()? {
        let place = at.place.clone();
        let _reported = port(Ok(at), report);
        plain = Err(report.unsupported(
            &place,
            "`redirectTo`",
            "leave it out: the port serves the application",
        ));
    }
    plain
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

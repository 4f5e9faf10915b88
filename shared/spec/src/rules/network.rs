//! The VPC's range, its zones and its ways out.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::whole;
use crate::diagnostics::{Place, Refused, Report};
use crate::raw::RawNetwork;
use crate::shape::{At, Field};
use crate::types::{Endpoint, Nat, Network};
use crate::values::List;

/// A VPC is /16 at most, by AWS.
const LARGEST: u8 = 16;
/// Sixteen blocks of a /23 are /27, the smallest subnet that a load balancer takes.
const SMALLEST: u8 = 23;
/// The private ranges of RFC 1918.
const PRIVATE: [([u8; 4], u8); 3] = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)];

/// The network, and apart from it `nat` with its place, for the rule that joins it with the application.
pub(super) fn check(
    field: Field<RawNetwork>,
    report: &mut Report,
) -> (Result<Network, Refused>, Result<At<Nat>, Refused>) {
    let raw = match field.open() {
        Ok(at) => at.value,
        Err(refused) => return (Err(refused), Err(refused)),
    };
    let usual = Network::default();
    let nat = raw.nat.or(usual.nat);
    let zones = whole(raw.zones.or(usual.zones.into()), 2..=6, report);
    let cidr = match raw.cidr.given() {
        Ok(None) => Ok(usual.cidr),
        Ok(Some(at)) => cidr(&at, report),
        Err(refused) => Err(refused),
    };
    let endpoints = endpoints(raw.endpoints, &nat, report);
    (network(cidr, zones, &nat, endpoints), nat)
}

fn network(
    cidr: Result<Ipv4Net, Refused>,
    zones: Result<u8, Refused>,
    nat: &Result<At<Nat>, Refused>,
    endpoints: Result<BTreeSet<Endpoint>, Refused>,
) -> Result<Network, Refused> {
    let nat = nat.as_ref().map_err(|refused| *refused)?;
    Ok(Network {
        cidr: cidr?,
        zones: zones?,
        nat: nat.value,
        endpoints: endpoints?,
    })
}

fn cidr(at: &At<String>, report: &mut Report) -> Result<Ipv4Net, Refused> {
    let At { value, place } = at;
    let net: Ipv4Net = value.parse().map_err(|_| {
        let hint = "write an address and a length, as in 10.0.0.0/16";
        report.refuse(place, format!("`{value}` is not an IPv4 range"), hint)
    })?;
    // Each of these is judged on its own, so that one correction does not uncover the next.
    let verdicts = [
        private(net, place, report),
        size(net, place, report),
        aligned(net, place, report),
    ];
    verdicts
        .into_iter()
        .collect::<Result<(), Refused>>()
        .map(|()| net)
}

fn private(net: Ipv4Net, place: &Place, report: &mut Report) -> Result<(), Refused> {
    let inside = |(base, length): ([u8; 4], u8)| {
        Ipv4Net::new(base.into(), length).is_ok_and(|range| range.contains(&net.network()))
    };
    if PRIVATE.into_iter().any(inside) {
        return Ok(());
    }
    Err(report.refuse(
        place,
        format!("{net} is not a private range"),
        "choose it from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
    ))
}

fn size(net: Ipv4Net, place: &Place, report: &mut Report) -> Result<(), Refused> {
    let length = net.prefix_len();
    if length > SMALLEST {
        let base = Ipv4Net::new(net.network(), LARGEST).unwrap_or(net).trunc();
        return Err(report.refuse(
            place,
            format!(
                "{net} is too small for the zones: it is cut into 16 subnets, and a load balancer needs /27 or larger"
            ),
            format!("use /{SMALLEST} or larger, such as {base}"),
        ));
    }
    if length < LARGEST {
        let message = format!("{net} is too large: a VPC is /{LARGEST} at most");
        return Err(report.refuse(place, message, format!("use {}/{LARGEST}", net.network())));
    }
    Ok(())
}

fn aligned(net: Ipv4Net, place: &Place, report: &mut Report) -> Result<(), Refused> {
    if net == net.trunc() {
        return Ok(());
    }
    let message = format!(
        "{net} does not begin at the start of a /{} range",
        net.prefix_len()
    );
    Err(report.refuse(place, message, format!("did you mean `{}`?", net.trunc())))
}

/// What the spec lists. What it does not list: of a network that is closed otherwise, the way in for people and S3.
fn endpoints(
    field: Field<List<Endpoint>>,
    nat: &Result<At<Nat>, Refused>,
    report: &mut Report,
) -> Result<BTreeSet<Endpoint>, Refused> {
    let closed = nat
        .as_ref()
        .map(|at| at.value == Nat::None)
        .map_err(|refused| *refused);
    let Some(At {
        value: List(items), ..
    }) = field.given()?
    else {
        let usual: &[Endpoint] = if closed? {
            &[Endpoint::Ssm, Endpoint::S3]
        } else {
            &[]
        };
        return Ok(usual.iter().copied().collect());
    };
    let mut seen = BTreeMap::new();
    let verdicts: Vec<_> = items
        .into_iter()
        .map(|item| endpoint(item?, &mut seen, report))
        .collect();
    // One that could not be read may be the one that is missed.
    verdicts.into_iter().collect::<Result<(), Refused>>()?;
    if closed == Ok(true) {
        layers(&seen, report)?;
    }
    Ok(seen.into_keys().collect())
}

fn endpoint(
    at: At<Endpoint>,
    seen: &mut BTreeMap<Endpoint, Place>,
    report: &mut Report,
) -> Result<(), Refused> {
    let At { value, place } = at;
    if seen.contains_key(&value) {
        return Err(report.refuse(&place, "this endpoint is listed twice", "keep the first"));
    }
    seen.insert(value, place);
    Ok(())
}

/// The registry answers with links to S3.
fn layers(listed: &BTreeMap<Endpoint, Place>, report: &mut Report) -> Result<(), Refused> {
    match listed.get(&Endpoint::Ecr) {
        Some(place) if !listed.contains_key(&Endpoint::S3) => Err(report.refuse(
            place,
            "`ecr` alone pulls no image: its layers are in S3, which `nat: none` leaves out of reach",
            "add `s3` to the list; it is free",
        )),
        _ => Ok(()),
    }
}

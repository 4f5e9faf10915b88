//! The resource kinds, one file each, in the order in which people would build them.

pub mod image;
pub mod zones;

pub mod address;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod subnet;
pub mod vpc;
pub mod vpc_endpoint;

pub mod quotas;

pub mod instance_profile;
pub mod instance_role;
pub mod instance_role_policy;
pub mod launch_template;
pub mod security_group;
pub mod security_group_rule;

pub mod listener;
pub mod load_balancer;
pub mod load_balancer_attributes;
pub mod target_group;
pub mod target_group_attributes;

pub mod auto_scaling_group;
pub mod instance;
pub mod target_registration;
pub mod targets;

pub mod alarm;
pub mod dashboard;
pub mod group_metrics;
pub mod log_group;
pub mod subscription;
pub mod topic;

mod named;

use windlass_calls::{Request, Tags};
use windlass_spec::{Nat, Runtime};

use crate::context::{Context, Id, Known, Outputs, Zone};
use crate::kind::{Blocked, Next};
use crate::names;

/// The one of several resources that is this logical id: the recorded one if it is among them, else the smallest id.
fn find<'a, T>(
    cx: &Context,
    id: &Id,
    seen: &'a [T],
    key: impl Fn(&T) -> &str,
    tags: impl Fn(&T) -> &Tags,
) -> Option<&'a T> {
    let recorded = cx.record(id).map(|record| record.outputs.get("id"));
    let ours = seen
        .iter()
        .filter(|item| names::is(tags(item), id) && names::owned(tags(item), &cx.spec.stack));
    ours.min_by_key(|item| (recorded.as_deref() != Some(key(item)), key(item).to_owned()))
}

/// The zones that have a NAT gateway of their own.
fn nat_zones(cx: &Context, known: &Known) -> Result<Vec<Zone>, Blocked> {
    let zones = cx.zones(known)?;
    let count = match cx.spec.network.nat {
        Nat::PerZone => zones.len(),
        Nat::Single => 1,
        Nat::None => 0,
    };
    Ok(zones.into_iter().take(count).collect())
}

/// Everything an instance needs to boot and be reached, whatever the group's own settings refer to.
fn runnable(cx: &Context, known: &Known) -> Result<(), Blocked> {
    for zone in cx.zones(known)? {
        known.ready(&in_zone("route-table-association", "private", &zone))?;
        if cx.spec.network.nat != Nat::None {
            known.ready(&in_zone("route", "private", &zone))?;
        }
    }
    for rule in ["load-balancer-out", "instances-in", "instances-out"] {
        known.ready(&Id::of("security-group-rule", rule))?;
    }
    known.ready(&Id::only("instance-role"))?;
    known.ready(&Id::only("instance-role-policy"))?;
    known.ready(&Id::only("instance-profile"))?;
    known.ready(&Id::only("target-group-attributes"))?;
    for listener in &cx.spec.load_balancer.listeners {
        known.ready(&Id::of("listener", listener.port))?;
    }
    if is_container(cx) {
        known.ready(&Id::only("log-group"))?;
    }
    if vpc_endpoint::any_interface(cx) {
        known.ready(&Id::of("security-group-rule", "endpoints-in"))?;
    }
    vpc_endpoint::all_ready(cx, known)
}

/// Logical id of the subnet, route table or route of one zone.
fn in_zone(kind: &str, tier: &str, zone: &Zone) -> Id {
    Id::of(kind, format!("{tier}-{}", zone.letter))
}

/// The zone and tier that a logical id like `subnet/public-a` names.
fn tier_and_zone(cx: &Context, known: &Known, id: &Id) -> Result<(String, Zone), Blocked> {
    let (tier, letter) = id.part().split_once('-').unwrap_or((id.part(), ""));
    let zone = cx.zones(known)?.into_iter().find(|zone| zone.letter == letter);
    zone.map(|zone| (tier.to_owned(), zone)).ok_or_else(|| Blocked {
        on: Id::only("zones"),
        need: crate::kind::Need::Exists,
    })
}

/// Sets attributes of something else: for the first time a part of its creation, later a change.
fn set(
    cx: &Context,
    id: &Id,
    request: impl Into<Request>,
    reason: impl Into<String>,
    outputs: Outputs,
) -> Next {
    match cx.record(id) {
        Some(_) => Next::update(request, reason, outputs),
        None => Next::create(request, reason),
    }
}

/// Text of a refusal to change something in place that cannot be changed yet.
fn unsupported_change(what: &str, from: impl std::fmt::Display, to: impl std::fmt::Display) -> String {
    format!(
        "changing {what} of a running stack from {from} to {to} is not supported yet: put the earlier value back"
    )
}

/// Text of a refusal to touch something that carries our name but not our tags.
fn foreign(what: &str, name: &str) -> String {
    format!(
        "a {what} named {name} exists and does not belong to this stack: delete or rename it, or choose another stack name"
    )
}

/// Whether the instances run a container.
fn is_container(cx: &Context) -> bool {
    matches!(cx.spec.compute.app.runtime, Runtime::Container { .. })
}

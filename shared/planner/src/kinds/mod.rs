//! The resource kinds, one file each, in the order in which people would build them.

pub mod image;
pub mod zones;

pub mod address;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod network_interface;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod scaling_policy;
pub mod scheduled_action;
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
pub mod probe_rule;
pub mod probe_target_group;
pub mod target_group;
pub mod target_group_attributes;

pub mod auto_scaling_group;
pub mod instance;
pub mod lifecycle_hook;
pub mod target_registration;
pub mod targets;

pub mod alarm;
pub mod dashboard;
pub mod group_metrics;
pub mod log_group;
pub mod subscription;
pub mod tags;
pub mod topic;

mod counted;
mod named;
mod spot;
mod target_groups;

use windlass_calls::{Request, Tags};
use windlass_spec::{Mode, Nat, Runtime, Verify};

use crate::context::{Context, Id, Known, Outputs, Zone};
use crate::kind::{Blocked, Next, Present};
use crate::names;

/// What carries tags, and an id of AWS's.
trait Tagged {
    /// The id.
    fn key(&self) -> &str;
    /// The tags.
    fn tags(&self) -> &Tags;
}

macro_rules! tagged {
    ($($kind:ident: $key:ident),* $(,)?) => {
        $(impl Tagged for windlass_calls::ec2::$kind {
            fn key(&self) -> &str { &self.$key }
            fn tags(&self) -> &Tags { &self.tags }
        })*
    };
}

tagged! {
    Vpc: id, Subnet: id, InternetGateway: id, Address: allocation, NatGateway: id, RouteTable: id, SecurityGroup: id,
    VpcEndpoint: id, LaunchTemplate: id, Instance: id,
}

/// What AWS shows under one logical id.
struct Found<'a, T> {
    /// The one that is, or can become, what is wanted.
    this: Option<&'a T>,
    /// Those that cannot, such as those of a network that is being replaced.
    old: Vec<&'a str>,
}

/// The one of several resources that is this logical id: of those that fit the recorded one if it is among them, else
/// the smallest id.
fn find<'a, T: Tagged>(cx: &Context, id: &Id, seen: &'a [T], fits: impl Fn(&T) -> bool) -> Found<'a, T> {
    let recorded = cx.record(id).map(|record| record.outputs.get("id"));
    let ours = seen
        .iter()
        .filter(|item| names::is(item.tags(), id) && names::owned(item.tags(), &cx.spec.stack));
    let (fitting, old): (Vec<&T>, Vec<&T>) = ours.partition(|item| fits(item));
    let this = fitting
        .into_iter()
        .min_by_key(|item| (recorded.as_deref() != Some(item.key()), item.key().to_owned()));
    Found {
        this,
        old: old.into_iter().map(Tagged::key).collect(),
    }
}

/// Everything of a kind that carries the stack's tag, with its logical id.
fn present<T: Tagged>(cx: &Context, kind: &str, seen: &[T]) -> Vec<Present> {
    let ours = seen
        .iter()
        .filter(|item| names::owned(item.tags(), &cx.spec.stack));
    ours.filter_map(|item| {
        let id = names::resource(item.tags()).filter(|id| id.kind() == kind)?;
        Some(Present::new(id, item.key()))
    })
    .collect()
}

/// A create; and beside `old` ones that cannot become what is wanted, a replacement. If none of those is the one that
/// was recorded, that one is newer and not visible yet: then the engine waits for it.
fn make(cx: &Context, id: &Id, old: &[&str], request: impl Into<Request>, reason: impl Into<String>) -> Next {
    let recorded = cx.record(id).map(|record| record.outputs.get("id"));
    let newer = recorded.is_some_and(|id| !id.is_empty() && !old.contains(&id.as_str()));
    if old.is_empty() {
        Next::create(request, reason)
    } else if newer {
        Next::create_beside(request, reason)
    } else {
        Next::replace(request, reason)
    }
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

/// Everything an instance needs to boot and be reached, whatever the group's own settings refer to. Its way out is the
/// NAT gateway's too (rule 39): that is available long before its own subnet has a route.
fn runnable(cx: &Context, known: &Known) -> Result<(), Blocked> {
    for zone in cx.zones(known)? {
        known.ready(&in_zone("route-table-association", "private", &zone))?;
        if cx.spec.network.nat != Nat::None {
            known.ready(&in_zone("route", "private", &zone))?;
        }
    }
    for zone in nat_zones(cx, known)? {
        known.ready(&Id::of("route", "public"))?;
        known.ready(&in_zone("route-table-association", "public", &zone))?;
    }
    for rule in ["load-balancer-out", "instances-in", "instances-out"] {
        known.ready(&Id::of("security-group-rule", rule))?;
    }
    known.ready(&Id::only("instance-role"))?;
    known.ready(&Id::only("instance-role-policy"))?;
    known.ready(&Id::only("instance-profile"))?;
    known.ready(&Id::only("target-group-attributes"))?;
    if is_gated(cx) {
        known.ready(&target_group_attributes::of_probe())?;
        known.ready(&Id::only("probe-rule"))?;
    }
    for listener in &cx.spec.load_balancer.listeners {
        known.exists(&Id::of("listener", listener.port))?;
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

/// Whether the load balancer has to find a new instance healthy before it is in service.
fn is_gated(cx: &Context) -> bool {
    cx.spec.compute.mode == Mode::Asg && cx.spec.lifecycle.launch.verify == Verify::LoadBalancer
}

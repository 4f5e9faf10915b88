//! Whether the load balancer's health check can reach the instance, from the network's description alone.
//!
//! Guarantees: a link is called closed only if its own description says so; where a description is missing, or does not
//! decide, the answer is [`Path::Unknown`] or goes on to the next link.
//!
//! Assumes: network ACLs are the VPC's default ones, which let everything pass; Windlass makes none.

mod internet;

use ipnet::Ipv4Net;

use super::network::{Network, Peer, RouteTable, Rule, SecurityGroup, Subnet};
use super::text::shown;
pub use internet::to_internet;

/// What a walk along a path came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// Every link is known, and open.
    Open,
    /// The first closed link.
    Closed(Closed),
    /// No link is known to be closed, and not every one is known.
    Unknown,
}

/// A closed link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What is missing, in words.
    pub words: String,
    /// What opens it.
    pub remedy: String,
}

/// A link: `None` if it is not known, else open, or what is missing.
type Link = Option<Verdict>;
type Verdict = Result<(), Closed>;

/// From the load balancer to a TCP port of the instance, and back: same VPC, zone in use, outbound rule of the balancer,
/// inbound rule of the instance, route back. Security groups are stateful, so answers need no rule.
#[must_use]
pub fn to_instance(network: &Network, port: u16) -> Path {
    walk(&[
        same_vpc(network),
        zone_in_use(network),
        balancer_egress(network, port),
        instance_ingress(network, port),
        route_back(network),
    ])
}

fn walk(links: &[Link]) -> Path {
    let closed = links.iter().flatten().find_map(|link| link.as_ref().err());
    match closed {
        Some(closed) => Path::Closed(closed.clone()),
        None if links.iter().all(Option::is_some) => Path::Open,
        None => Path::Unknown,
    }
}

fn closed(words: String, remedy: &str) -> Verdict {
    let remedy = remedy.to_owned();
    Err(Closed { words, remedy })
}

/// Security groups and targets are of one VPC.
fn same_vpc(network: &Network) -> Link {
    let (subnet, balancer) = (
        network.subnet.as_ref()?,
        network.balancer_subnets.as_ref()?.first()?,
    );
    if subnet.vpc == balancer.vpc {
        return Some(Ok(()));
    }
    Some(closed(
        format!(
            "the instance is in VPC {}, and the load balancer in VPC {}",
            shown(&subnet.vpc),
            shown(&balancer.vpc)
        ),
        REPAIR,
    ))
}

/// A load balancer checks no targets of zones that are not enabled for it (`Target.NotInUse`).
fn zone_in_use(network: &Network) -> Link {
    let (subnet, balancer) = (network.subnet.as_ref()?, network.balancer_subnets.as_ref()?);
    if balancer.iter().any(|other| other.zone == subnet.zone) {
        return Some(Ok(()));
    }
    Some(closed(
        format!(
            "the load balancer has no subnet in {}, the zone of the instance",
            shown(&subnet.zone)
        ),
        REPAIR,
    ))
}

/// What drift repair puts back.
const REPAIR: &str =
    "this is not what the spec asks for: upload the spec again, and Windlass changes it back";

fn balancer_egress(network: &Network, port: u16) -> Link {
    let balancer = network.balancer_groups.as_ref()?;
    let to = Side {
        groups: network.instance_groups.as_deref(),
        subnets: network.subnet.as_ref().map(std::slice::from_ref),
    };
    let rules = balancer.iter().flat_map(|group| &group.egress);
    if permits(rules, port, &to)? {
        return Some(Ok(()));
    }
    Some(closed(
        format!(
            "no outbound rule of the load balancer's security group ({}) lets TCP port {port} to the instance",
            ids(balancer)
        ),
        REPAIR,
    ))
}

fn instance_ingress(network: &Network, port: u16) -> Link {
    let instance = network.instance_groups.as_ref()?;
    let from = Side {
        groups: network.balancer_groups.as_deref(),
        subnets: network.balancer_subnets.as_deref(),
    };
    let rules = instance.iter().flat_map(|group| &group.ingress);
    if permits(rules, port, &from)? {
        return Some(Ok(()));
    }
    Some(closed(
        format!(
            "no inbound rule of the instance's security group ({}) lets TCP port {port} in from the load balancer",
            ids(instance)
        ),
        REPAIR,
    ))
}

fn ids(groups: &[SecurityGroup]) -> String {
    let ids: Vec<_> = groups.iter().take(5).map(|group| shown(&group.id)).collect();
    ids.join(", ")
}

/// The other side of a rule.
struct Side<'a> {
    groups: Option<&'a [SecurityGroup]>,
    subnets: Option<&'a [Subnet]>,
}

/// Whether a rule lets the port pass to the other side. `None` if one might, and nothing decides it.
fn permits<'a>(rules: impl Iterator<Item = &'a Rule>, port: u16, side: &Side) -> Option<bool> {
    let verdicts: Vec<Option<bool>> = rules
        .filter(|rule| covers(rule, port))
        .map(|rule| side.is(&rule.peer))
        .collect();
    if verdicts.contains(&Some(true)) {
        return Some(true);
    }
    (!verdicts.contains(&None)).then_some(false)
}

fn covers(rule: &Rule, port: u16) -> bool {
    match (rule.protocol.as_str(), rule.ports) {
        ("-1", _) | ("tcp" | "6", None) => true,
        ("tcp" | "6", Some((first, last))) => (first..=last).contains(&port),
        _ => false,
    }
}

impl Side<'_> {
    /// Whether this is who the rule means. A range that holds some addresses of a subnet and not all decides nothing.
    fn is(&self, peer: &Peer) -> Option<bool> {
        match peer {
            Peer::Group(id) => Some(self.groups?.iter().any(|group| group.id == *id)),
            Peer::Cidr(range) => {
                let range: Ipv4Net = range.parse().ok()?;
                let subnets: Vec<Ipv4Net> = ranges(self.subnets?)?;
                if range.prefix_len() == 0 || subnets.iter().all(|subnet| range.contains(subnet)) {
                    return Some(true);
                }
                let apart = |subnet: &Ipv4Net| !range.contains(subnet) && !subnet.contains(&range);
                subnets.iter().all(apart).then_some(false)
            }
        }
    }
}

fn ranges(subnets: &[Subnet]) -> Option<Vec<Ipv4Net>> {
    let ranges: Option<Vec<_>> = subnets.iter().map(|subnet| subnet.cidr.parse().ok()).collect();
    ranges.filter(|ranges| !ranges.is_empty())
}

/// The most special route decides. The local route covers the VPC and cannot be taken away, but others can be put over it.
fn route_back(network: &Network) -> Link {
    let table = network.route_table.as_ref()?;
    for subnet in ranges(network.balancer_subnets.as_deref()?)? {
        let blackhole = most_special(table, subnet).is_some_and(|state| state == "blackhole");
        if blackhole {
            return Some(closed(
                format!(
                    "route table {} sends answers to {subnet}, a subnet of the load balancer, into a blackhole",
                    shown(&table.id)
                ),
                REPAIR,
            ));
        }
    }
    Some(Ok(()))
}

/// State of the most special route to these addresses.
fn most_special(table: &RouteTable, to: Ipv4Net) -> Option<&str> {
    let routes = table.routes.iter().filter_map(|route| {
        let destination: Ipv4Net = route.destination.parse().ok()?;
        destination
            .contains(&to)
            .then_some((destination.prefix_len(), route.state.as_str()))
    });
    routes.max_by_key(|(length, _)| *length).map(|(_, state)| state)
}

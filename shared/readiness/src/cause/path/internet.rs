//! The instance's way to the internet: what packages and images come by.

use super::super::network::{Network, Peer, Rule};
use super::super::text::shown;
use super::{Link, Path, REPAIR, closed, covers, ids, walk};

const EVERYWHERE: &str = "0.0.0.0/0";
const HTTPS: u16 = 443;

/// From the instance to HTTPS in the internet: outbound rule, default route, and a gateway that is there (rules 37, 39).
#[must_use]
pub fn to_internet(network: &Network) -> Path {
    walk(&[
        instance_egress(network),
        default_route(network),
        nat_gateway(network),
    ])
}

/// A rule to a part of the internet decides nothing.
fn instance_egress(network: &Network) -> Link {
    let groups = network.instance_groups.as_ref()?;
    let mut rules = groups
        .iter()
        .flat_map(|group| &group.egress)
        .filter(|rule| covers(rule, HTTPS))
        .peekable();
    if rules.peek().is_none() {
        let words = format!(
            "no outbound rule of the instance's security group ({}) lets TCP port {HTTPS} out",
            ids(groups)
        );
        return Some(closed(words, REPAIR));
    }
    let everywhere = |rule: &Rule| matches!(&rule.peer, Peer::Cidr(range) if range == EVERYWHERE);
    rules.any(everywhere).then_some(Ok(()))
}

fn default_route(network: &Network) -> Link {
    let table = network.route_table.as_ref()?;
    Some(
        match table.routes.iter().find(|route| route.destination == EVERYWHERE) {
            None => closed(
                format!("route table {} has no default route", shown(&table.id)),
                NO_EXIT,
            ),
            Some(route) if route.state == "blackhole" => closed(
                format!(
                    "the default route of route table {} leads to a gateway that is gone",
                    shown(&table.id)
                ),
                REPAIR,
            ),
            Some(_) => Ok(()),
        },
    )
}

const NO_EXIT: &str =
    "give the instances a way out with network.nat, or an image that boots without the internet";

/// The gateway of the default route. An internet gateway has no state of its own.
fn nat_gateway(network: &Network) -> Link {
    let table = network.route_table.as_ref()?;
    let default = table
        .routes
        .iter()
        .find(|route| route.destination == EVERYWHERE)?;
    let target = default.target.as_deref()?;
    if !target.starts_with("nat-") {
        return Some(Ok(()));
    }
    let gateways = network.nat_gateways.as_ref()?;
    let gateway = gateways.iter().find(|gateway| gateway.id == target)?;
    if gateway.state == "available" {
        return Some(Ok(()));
    }
    Some(closed(
        format!(
            "NAT gateway {} is {}, not available",
            shown(&gateway.id),
            shown(&gateway.state)
        ),
        "wait until it is available; if it failed, delete it, settle the cause, and upload the spec again",
    ))
}

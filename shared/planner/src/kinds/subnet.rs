//! Subnets: one public and one private in each zone, in address blocks that never move.

use serde_json::json;
use windlass_calls::ec2::{
    self, CreateSubnet, DeleteSubnet, DescribeSubnets, ModifySubnetAttribute, Request as Ec2Request,
    Response as Ec2,
};
use windlass_calls::{Request, Response};

use super::{Found, find, in_zone, make, present, tier_and_zone};
use crate::cidr;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A subnet.
pub struct Subnet;

impl Kind for Subnet {
    type Seen = Vec<ec2::Subnet>;
    const NAME: &'static str = "subnet";
    const AFTER: &'static [&'static str] = &[
        "auto-scaling-group",
        "instance",
        "load-balancer",
        "nat-gateway",
        "network-interface",
        "vpc-endpoint",
    ];

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        let zones = cx.zones(known)?;
        let tiers = ["public", "private"];
        Ok(tiers
            .iter()
            .flat_map(|tier| zones.iter().map(|zone| in_zone(Self::NAME, tier, zone)))
            .collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeSubnets { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeSubnets(subnets))) => seen.clone_from(subnets),
            (_, Response::Ec2(Ec2::CreateSubnet(subnet))) => seen.push(subnet.clone()),
            (Request::Ec2(Ec2Request::ModifySubnetAttribute(change)), _) => {
                for subnet in seen.iter_mut().filter(|subnet| subnet.id == change.subnet) {
                    subnet.map_public_ip = change.map_public_ip;
                }
            }
            (Request::Ec2(Ec2Request::DeleteSubnet(delete)), _) => {
                seen.retain(|subnet| subnet.id != delete.subnet);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let (tier, zone) = tier_and_zone(cx, known, id)?;
        let public = tier == "public";
        let range = if public { cidr::public } else { cidr::private };
        let cidr = range(cx.spec.network.cidr, zone.index);
        let vpc = known.exists(&Id::only("vpc"))?;
        let Found { this, old } = find(cx, id, seen, |subnet| vpc.is("id", &subnet.vpc));
        let Some(subnet) = this else {
            let reason = format!("{tier} addresses of zone {}, {cidr}", zone.name);
            let tags = names::tags(cx.spec, id);
            let zone = zone.name;
            let create = CreateSubnet {
                vpc: vpc.get("id"),
                cidr,
                zone,
                tags,
            };
            return Ok(make(cx, id, &old, create, reason));
        };
        let outputs = Outputs::id(&subnet.id).with("zone", &subnet.zone);
        Ok(if subnet.cidr != cidr {
            Next::refuse(format!(
                "subnet {} has the range {} and not {cidr}: its tags are not its own; correct them",
                subnet.id, subnet.cidr
            ))
        } else if subnet.state == "pending" {
            Next::wait("the subnet is pending", outputs)
        } else if subnet.map_public_ip != public {
            let change = ModifySubnetAttribute {
                subnet: subnet.id.clone(),
                map_public_ip: public,
            };
            Next::update(
                change,
                format!(
                    "a {tier} subnet gives out {} addresses",
                    if public { "public" } else { "no public" }
                ),
                outputs,
            )
            .over(json!({ "subnet": subnet.id, "mapPublicIp": subnet.map_public_ip }))
        } else {
            Next::InSync(outputs)
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        present(cx, Self::NAME, seen)
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let subnet = it.physical.clone();
        Removal::send(DeleteSubnet { subnet }, format!("{} is no longer wanted", it.id))
    }
}

//! Elastic IP addresses, one for each NAT gateway.

use windlass_calls::ec2::{self, AllocateAddress, DescribeAddresses, ReleaseAddress, Response as Ec2};
use windlass_calls::{Request, Response};

use super::{Found, find, make, nat_zones, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// An elastic IP address.
pub struct Address;

impl Kind for Address {
    type Seen = Vec<ec2::Address>;
    const NAME: &'static str = "address";
    const AFTER: &'static [&'static str] = &["nat-gateway"];

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(nat_zones(cx, known)?
            .iter()
            .map(|zone| Id::of(Self::NAME, &zone.letter))
            .collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeAddresses { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeAddresses(addresses))) => seen.clone_from(addresses),
            (_, Response::Ec2(Ec2::AllocateAddress(address))) => seen.push(address.clone()),
            (Request::Ec2(ec2::Request::ReleaseAddress(release)), _) => {
                seen.retain(|address| address.allocation != release.allocation);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, _: &Known) -> Result<Next, Blocked> {
        let network = cx.spec.network.cidr.to_string();
        let fits = |address: &ec2::Address| {
            let tag = address.tags.get(names::NETWORK_TAG);
            tag.is_none_or(|tag| *tag == network)
        };
        let Found { this, old } = find(cx, id, seen, fits);
        if let Some(address) = this {
            let outputs = Outputs::id(&address.allocation).with("publicIp", &address.public_ip);
            return Ok(Next::InSync(outputs));
        }
        let mut tags = names::tags(cx.spec, id);
        tags.insert(names::NETWORK_TAG.into(), network);
        let reason = format!("the fixed address of the NAT gateway in zone {}", id.part());
        Ok(make(cx, id, &old, AllocateAddress { tags }, reason))
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        present(cx, Self::NAME, seen)
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let allocation = it.physical.clone();
        Removal::send(
            ReleaseAddress { allocation },
            "no NAT gateway needs the address any more",
        )
    }
}

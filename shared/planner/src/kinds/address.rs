//! Elastic IP addresses, one for each NAT gateway.

use windlass_calls::ec2::{self, AllocateAddress, DescribeAddresses, Response as Ec2};
use windlass_calls::{Request, Response};

use super::{find, nat_zones};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// An elastic IP address.
pub struct Address;

impl Kind for Address {
    type Seen = Vec<ec2::Address>;
    const NAME: &'static str = "address";

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

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeAddresses(addresses)) => seen.clone_from(addresses),
            Response::Ec2(Ec2::AllocateAddress(address)) => seen.push(address.clone()),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, _: &Known) -> Result<Next, Blocked> {
        let found = find(
            cx,
            id,
            seen,
            |address| &address.allocation,
            |address| &address.tags,
        );
        Ok(match found {
            Some(address) => {
                Next::InSync(Outputs::id(&address.allocation).with("publicIp", &address.public_ip))
            }
            None => Next::create(
                AllocateAddress {
                    tags: names::tags(cx.spec, id),
                },
                format!("the fixed address of the NAT gateway in zone {}", id.part()),
            ),
        })
    }
}

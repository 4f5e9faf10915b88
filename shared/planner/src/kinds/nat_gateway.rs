//! NAT gateways: the private subnets' way out. They take minutes, so everything that can goes on beside them.

use windlass_calls::ec2::{self, CreateNatGateway, DescribeNatGateways, Response as Ec2};
use windlass_calls::{Request, Response};

use super::{find, nat_zones};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// A NAT gateway.
pub struct NatGateway;

impl Kind for NatGateway {
    type Seen = Vec<ec2::NatGateway>;
    const NAME: &'static str = "nat-gateway";

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(nat_zones(cx, known)?
            .iter()
            .map(|zone| Id::of(Self::NAME, &zone.letter))
            .collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeNatGateways { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeNatGateways(gateways)) => {
                let live = gateways
                    .iter()
                    .filter(|gateway| !gateway.state.starts_with("delet"));
                *seen = live.cloned().collect();
            }
            // A repeated token answers the same gateway again.
            Response::Ec2(Ec2::CreateNatGateway(gateway)) if !seen.iter().any(|one| one.id == gateway.id) => {
                seen.push(gateway.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let Some(gateway) = find(cx, id, seen, |gateway| &gateway.id, |gateway| &gateway.tags) else {
            known.ready(&Id::only("internet-gateway"))?;
            let subnet = known
                .exists(&Id::of("subnet", format!("public-{}", id.part())))?
                .get("id");
            let allocation = known.exists(&Id::of("address", id.part()))?.get("id");
            let create = CreateNatGateway {
                subnet,
                allocation,
                token: cx.token(id),
                tags: names::tags(cx.spec, id),
            };
            return Ok(Next::create(
                create,
                format!("the way out of the private subnets, in zone {}", id.part()),
            ));
        };
        let outputs = Outputs::id(&gateway.id);
        Ok(match gateway.state.as_str() {
            "available" => Next::InSync(outputs),
            // It is recorded: AWS answers its client token with it for a day, so the next one needs another.
            "failed" => Next::Refuse {
                reason: format!(
                    "NAT gateway {} failed ({}): delete it, settle the cause, and upload the spec again",
                    gateway.id,
                    gateway.failure.as_deref().unwrap_or("AWS gives no reason"),
                ),
                outputs: Some(outputs),
            },
            state => Next::wait(format!("the NAT gateway is {state}"), outputs),
        })
    }
}

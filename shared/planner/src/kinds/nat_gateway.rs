//! NAT gateways: the private subnets' way out. They take minutes, so everything that can goes on beside them.

use windlass_calls::ec2::{self, CreateNatGateway, DeleteNatGateway, DescribeNatGateways, Response as Ec2};
use windlass_calls::{Request, Response};

use super::{Found, find, make, nat_zones, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A NAT gateway.
pub struct NatGateway;

impl Kind for NatGateway {
    type Seen = Vec<ec2::NatGateway>;
    const NAME: &'static str = "nat-gateway";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance", "route"];

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

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeNatGateways(gateways))) => {
                let live = gateways.iter().filter(|gateway| gateway.state != "deleted");
                *seen = live.cloned().collect();
            }
            // A repeated token answers the same gateway again.
            (_, Response::Ec2(Ec2::CreateNatGateway(gateway)))
                if !seen.iter().any(|one| one.id == gateway.id) =>
            {
                seen.push(gateway.clone());
            }
            (Request::Ec2(ec2::Request::DeleteNatGateway(delete)), _) => {
                let deleted = seen.iter_mut().filter(|gateway| gateway.id == delete.nat_gateway);
                deleted.for_each(|gateway| gateway.state = DELETING.into());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let subnet = known.exists(&Id::of("subnet", format!("public-{}", id.part())));
        let subnet = subnet?;
        let fits = |gateway: &ec2::NatGateway| subnet.is("id", &gateway.subnet);
        let serves = |gateway: &ec2::NatGateway| {
            names::is(&gateway.tags, id)
                && fits(gateway)
                && !matches!(gateway.state.as_str(), DELETING | FAILED)
        };
        // One that failed because another has its address stands in nobody's way.
        let any_serves = seen.iter().any(serves);
        let live: Vec<ec2::NatGateway> = seen
            .iter()
            .filter(|gateway| gateway.state != DELETING && !(any_serves && gateway.state == FAILED))
            .cloned()
            .collect();
        let Found { this, old } = find(cx, id, &live, fits);
        let Some(gateway) = this else {
            known.ready(&Id::only("internet-gateway"))?;
            let allocation = known.exists(&Id::of("address", id.part()))?.get("id");
            // An address is in use until the gateway that has it is gone (rule 51): another one with it would fail.
            let holds = |gateway: &&ec2::NatGateway| {
                gateway.state == DELETING && gateway.allocations.contains(&allocation)
            };
            if let Some(earlier) = seen.iter().find(holds) {
                return Ok(Next::Wait {
                    reason: format!("AWS is deleting {}, which still has the address", earlier.id),
                    outputs: None,
                });
            }
            let create = CreateNatGateway {
                subnet: subnet.get("id"),
                allocation,
                token: cx.token(id),
                tags: names::tags(cx.spec, id),
            };
            let reason = format!("the way out of the private subnets, in zone {}", id.part());
            return Ok(make(cx, id, &old, create, reason));
        };
        let outputs = Outputs::id(&gateway.id);
        Ok(match gateway.state.as_str() {
            "available" => Next::InSync(outputs),
            // It is recorded: AWS answers its client token with it for a day, so the next one needs another.
            FAILED => Next::Refuse {
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

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        present(cx, Self::NAME, seen)
    }

    /// A failed one is deleted as well: it holds its subnet no more, but is shown for an hour.
    fn remove(_: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let nat_gateway = it.physical.clone();
        let deleting = seen
            .iter()
            .any(|one| one.id == nat_gateway && one.state == DELETING);
        if deleting {
            return Removal::wait(format!("AWS is deleting {nat_gateway}"));
        }
        Removal::send(
            DeleteNatGateway { nat_gateway },
            "the private subnets need this way out no more",
        )
    }
}

/// The state of one that never came to be.
const FAILED: &str = "failed";
/// The state of one on its way out, which takes about a minute.
const DELETING: &str = "deleting";

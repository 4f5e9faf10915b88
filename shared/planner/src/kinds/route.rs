//! Default routes: public subnets to the internet gateway, private ones to their NAT gateway once it is available.

use windlass_calls::ec2::{CreateRoute, RouteTarget};
use windlass_calls::{Request, Response};
use windlass_spec::Nat;

use super::in_zone;
use super::route_table::Seen;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// A default route.
pub struct Route;

/// Everything outside the VPC.
const DEFAULT: &str = "0.0.0.0/0";

impl Kind for Route {
    type Seen = Seen;
    const NAME: &'static str = "route";

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        let mut ids = vec![Id::of(Self::NAME, "public")];
        if cx.spec.network.nat != Nat::None {
            ids.extend(
                cx.zones(known)?
                    .iter()
                    .map(|zone| in_zone(Self::NAME, "private", zone)),
            );
        }
        Ok(ids)
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![Seen::query(cx)])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        seen.read(request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let table = known.exists(&Id::of("route-table", id.part()))?.get("id");
        let route = seen
            .table(&table)
            .and_then(|table| table.routes.iter().find(|route| route.destination == DEFAULT));
        if let Some(route) = route
            && route.state == "blackhole"
        {
            return Ok(Next::refuse(format!(
                "the default route of {table} leads to something that was deleted: delete the route, and upload the spec again"
            )));
        }
        let (target, reason) = target(cx, id, known)?;
        Ok(match route {
            Some(route) if route.target.as_ref() == Some(&target) => Next::InSync(Outputs::id(&table)),
            Some(_) => Next::refuse(format!(
                "the default route of {table} leads elsewhere, and changing it is not supported yet: delete the route, and upload the spec again"
            )),
            None => {
                let create = CreateRoute {
                    route_table: table,
                    destination: DEFAULT.into(),
                    target,
                };
                Next::create(create, reason)
            }
        })
    }
}

/// Where a route leads, and why. A NAT gateway must be available, or instances would boot without the internet (rule 39).
fn target(cx: &Context, id: &Id, known: &Known) -> Result<(RouteTarget, String), Blocked> {
    let Some(letter) = id.part().strip_prefix("private-") else {
        let gateway = known.ready(&Id::only("internet-gateway"))?.get("id");
        return Ok((
            RouteTarget::InternetGateway(gateway),
            "public subnets reach the internet directly".into(),
        ));
    };
    let letter = match cx.spec.network.nat {
        Nat::Single => cx
            .zones(known)?
            .first()
            .map_or_else(String::new, |zone| zone.letter.clone()),
        Nat::PerZone | Nat::None => letter.to_owned(),
    };
    let gateway = known.ready(&Id::of("nat-gateway", &letter))?.get("id");
    let reason = format!("instances reach the internet through the NAT gateway of zone {letter}");
    Ok((RouteTarget::NatGateway(gateway), reason))
}

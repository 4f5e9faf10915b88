//! Default routes: public subnets to the internet gateway, private ones to their NAT gateway once it is available.

use serde_json::json;
use windlass_calls::ec2::{CreateRoute, DeleteRoute, ReplaceRoute, RouteTarget};
use windlass_calls::{Request, Response};
use windlass_spec::Nat;

use super::in_zone;
use super::route_table::Seen;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};

/// A default route.
pub struct Route;

/// Everything outside the VPC.
pub(super) const DEFAULT: &str = "0.0.0.0/0";

impl Kind for Route {
    type Seen = Seen;
    const NAME: &'static str = "route";
    const GOES: bool = false;

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
        let (target, reason) = target(cx, id, known)?;
        Ok(match route {
            Some(route) if route.target.as_ref() == Some(&target) && route.state != BLACKHOLE => {
                Next::InSync(Outputs::id(&table))
            }
            Some(route) => {
                let now = json!({ "routeTable": table, "destination": DEFAULT, "target": route.target });
                let outputs = Outputs::id(&table);
                let replace = ReplaceRoute {
                    route_table: table,
                    destination: DEFAULT.into(),
                    target,
                };
                Next::update(replace, reason, outputs).over(now)
            }
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

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let tables = seen.default_routes(cx);
        tables
            .map(|table| Present::new(Id::of(Self::NAME, table.id.part()), &table.physical))
            .collect()
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let delete = DeleteRoute {
            route_table: it.physical.clone(),
            destination: DEFAULT.into(),
        };
        Removal::send(delete, "the private subnets have no way out any more")
    }
}

/// The state of a route whose target is gone.
const BLACKHOLE: &str = "blackhole";

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

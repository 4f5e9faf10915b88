//! Which route table each subnet uses.

use windlass_calls::ec2::{AssociateRouteTable, DisassociateRouteTable};
use windlass_calls::{Request, Response};

use super::in_zone;
use super::route_table::Seen;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// A subnet's use of a route table.
pub struct RouteTableAssociation;

impl Kind for RouteTableAssociation {
    type Seen = Seen;
    const NAME: &'static str = "route-table-association";
    const GOES: bool = false;

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        let zones = cx.zones(known)?;
        let tiers = ["public", "private"];
        Ok(tiers
            .iter()
            .flat_map(|tier| zones.iter().map(|zone| in_zone(Self::NAME, tier, zone)))
            .collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![Seen::query(cx)])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        seen.read(request, response);
    }

    fn next(_: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let subnet = known.exists(&Id::of("subnet", id.part()))?.get("id");
        let table = if id.part().starts_with("public-") {
            "public"
        } else {
            id.part()
        };
        let route_table = known.exists(&Id::of("route-table", table))?.get("id");
        let associations = seen
            .table(&route_table)
            .map_or(&[][..], |table| &table.associations);
        let this = associations
            .iter()
            .find(|association| association.subnet == subnet);
        if let Some(association) = this {
            return Ok(Next::InSync(Outputs::id(&association.id)));
        }
        let reason = format!("{} follows its own routes", id.part());
        Ok(match seen.other_association(&subnet, &route_table) {
            // Somebody gave the subnet another table: it takes no second one.
            Some(other) => Next::update(
                DisassociateRouteTable {
                    association: other.id.clone(),
                },
                reason,
                Outputs::id(&other.id),
            ),
            None => Next::create(AssociateRouteTable { route_table, subnet }, reason),
        })
    }
}

//! Route tables: one for all public subnets, one for the private subnet of each zone.

use windlass_calls::ec2::{
    self, CreateRouteTable, DeleteRouteTable, DescribeRouteTables, Request as Ec2Request, Response as Ec2,
    Route,
};
use windlass_calls::{Request, Response};

use super::{Found, find, in_zone, make, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A route table.
pub struct RouteTable;

/// The route tables of the stack with their routes and associations: what three kinds look at.
#[derive(Default, Clone)]
pub struct Seen(Vec<ec2::RouteTable>);

impl Seen {
    /// The query that fills it.
    pub(super) fn query(cx: &Context) -> Request {
        let filters = names::filters(&cx.spec.stack);
        DescribeRouteTables { filters }.into()
    }

    /// Folds in an answer of any of the three kinds.
    pub(super) fn read(&mut self, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeRouteTables(tables))) => self.0.clone_from(tables),
            (_, Response::Ec2(Ec2::CreateRouteTable(table))) if self.table(&table.id).is_none() => {
                self.0.push(table.clone());
            }
            (Request::Ec2(Ec2Request::CreateRoute(create)), _) => {
                let route = Route {
                    destination: create.destination.clone(),
                    target: Some(create.target.clone()),
                    state: "active".into(),
                };
                self.edit(&create.route_table, |table| table.routes.push(route));
            }
            (Request::Ec2(Ec2Request::ReplaceRoute(replace)), _) => {
                let of = |route: &&mut Route| route.destination == replace.destination;
                self.edit(&replace.route_table, |table| {
                    for route in table.routes.iter_mut().filter(of) {
                        route.target = Some(replace.target.clone());
                        route.state = "active".into();
                    }
                });
            }
            (Request::Ec2(Ec2Request::DeleteRoute(delete)), _) => {
                self.edit(&delete.route_table, |table| {
                    table
                        .routes
                        .retain(|route| route.destination != delete.destination);
                });
            }
            (Request::Ec2(Ec2Request::DisassociateRouteTable(delete)), _) => {
                let ended = |association: &ec2::Association| association.id == delete.association;
                self.0
                    .iter_mut()
                    .for_each(|table| table.associations.retain(|one| !ended(one)));
            }
            (Request::Ec2(Ec2Request::DeleteRouteTable(delete)), _) => {
                self.0.retain(|table| table.id != delete.route_table);
            }
            (
                Request::Ec2(Ec2Request::AssociateRouteTable(associate)),
                Response::Ec2(Ec2::AssociateRouteTable(association)),
            ) => {
                self.edit(&associate.route_table, |table| {
                    table.associations.push(association.clone());
                });
            }
            _ => {}
        }
    }

    /// The default routes of the stack's own tables: the table's logical id and its id.
    pub(super) fn default_routes<'a>(&'a self, cx: &'a Context) -> impl Iterator<Item = Present> + 'a {
        let routed = self.0.iter().filter(|table| {
            table
                .routes
                .iter()
                .any(|route| route.destination == super::route::DEFAULT)
        });
        let routed: Vec<ec2::RouteTable> = routed.cloned().collect();
        present(cx, RouteTable::NAME, &routed).into_iter()
    }

    /// The table that a subnet uses now, other than this one, and by which association.
    pub(super) fn other_association(&self, subnet: &str, table: &str) -> Option<&ec2::Association> {
        let others = self.0.iter().filter(|other| other.id != table);
        others
            .flat_map(|other| &other.associations)
            .find(|association| association.subnet == subnet)
    }

    /// The table with this id.
    pub(super) fn table(&self, id: &str) -> Option<&ec2::RouteTable> {
        self.0.iter().find(|table| table.id == id)
    }

    fn edit(&mut self, id: &str, change: impl FnOnce(&mut ec2::RouteTable)) {
        if let Some(table) = self.0.iter_mut().find(|table| table.id == id) {
            change(table);
        }
    }
}

impl Kind for RouteTable {
    type Seen = Seen;
    const NAME: &'static str = "route-table";
    const AFTER: &'static [&'static str] = &["subnet", "vpc-endpoint"];

    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        let mut ids = vec![Id::of(Self::NAME, "public")];
        ids.extend(
            cx.zones(known)?
                .iter()
                .map(|zone| in_zone(Self::NAME, "private", zone)),
        );
        Ok(ids)
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![Seen::query(cx)])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        seen.read(request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let vpc = known.exists(&Id::only("vpc"))?;
        let Found { this, old } = find(cx, id, &seen.0, |table| vpc.is("id", &table.vpc));
        if let Some(table) = this {
            return Ok(Next::InSync(Outputs::id(&table.id)));
        }
        let create = CreateRouteTable {
            vpc: vpc.get("id"),
            token: cx.token(id),
            tags: names::tags(cx.spec, id),
        };
        let reason = match id.part() {
            "public" => "the routes of the public subnets".to_owned(),
            _ => format!("the routes of {}, apart from the other zones'", id.part()),
        };
        Ok(make(cx, id, &old, create, reason))
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        present(cx, Self::NAME, &seen.0)
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let route_table = it.physical.clone();
        Removal::send(
            DeleteRouteTable { route_table },
            format!("{} is no longer wanted", it.id),
        )
    }
}

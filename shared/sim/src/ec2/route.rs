//! Route tables with their routes and associations, and the question whether a subnet reaches the internet.
//!
//! Each table starts with the local route. VPCs have no main table here: a subnet without an association reaches
//! nothing, as it would with AWS's own main table.

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::{
    AssociateRouteTable, Association, CreateRoute, CreateRouteTable, DeleteRoute, DeleteRouteTable,
    DescribeRouteTables, DisassociateRouteTable, ReplaceRoute, Route, RouteTable, RouteTarget,
};

use super::filter::{Filtered, select};
use super::{needed, not_found, vpc::range};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

const EVERYWHERE: &str = "0.0.0.0/0";

impl Filtered for RouteTable {
    const FILTERS: &'static [&'static str] = &["vpc-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, _: &str) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl World {
    pub(super) fn describe_route_tables(&mut self, call: &DescribeRouteTables) -> Answer<Vec<RouteTable>> {
        let mut found: Vec<_> = select(&self.ec2.route_tables, self.clock, &call.filters)?
            .cloned()
            .collect();
        for route in found.iter_mut().flat_map(|table| &mut table.routes) {
            let leads = route
                .target
                .as_ref()
                .is_none_or(|target| self.target_vpc(target).is_some());
            route.state = if leads { "active" } else { "blackhole" }.into();
        }
        Ok(found)
    }

    pub(super) fn create_route_table(&mut self, call: &CreateRouteTable) -> Answer<RouteTable> {
        if let Some(first) = self.ec2.route_table_tokens.replay(&call.token, call)? {
            return Ok(first);
        }
        let local = Route {
            destination: self.named_vpc(&call.vpc)?.shown.cidr.clone(),
            target: None,
            state: "active".into(),
        };
        let id = self.next_id("rtb");
        let table = RouteTable {
            id: id.clone(),
            vpc: call.vpc.clone(),
            routes: vec![local],
            associations: Vec::new(),
            tags: call.tags.clone(),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.route_tables.insert(&id, visible_from, table.clone());
        self.ec2.route_table_tokens.remember(&call.token, call, &table);
        Ok(table)
    }

    /// A NAT gateway that is still pending is accepted as a target; a failed or deleted one is not.
    pub(super) fn create_route(&mut self, call: &CreateRoute) -> Answer<()> {
        let vpc = self.named_table(&call.route_table)?.vpc.clone();
        if call.destination != EVERYWHERE {
            range(&call.destination, "InvalidParameterValue")?;
        }
        self.check_target(&call.target, &vpc)?;
        let table = self.named_table_mut(&call.route_table)?;
        if table
            .routes
            .iter()
            .any(|route| route.destination == call.destination)
        {
            let message = format!("The route identified by {} already exists.", call.destination);
            return Err(refused("RouteAlreadyExists", message));
        }
        table.routes.push(Route {
            destination: call.destination.clone(),
            target: Some(call.target.clone()),
            state: "active".into(),
        });
        Ok(())
    }

    pub(super) fn replace_route(&mut self, call: &ReplaceRoute) -> Answer<()> {
        let vpc = self.named_table(&call.route_table)?.vpc.clone();
        self.check_target(&call.target, &vpc)?;
        let mut routes = self.named_table_mut(&call.route_table)?.routes.iter_mut();
        let own = |route: &&mut Route| route.target.is_some() && route.destination == call.destination;
        let route = routes.find(own).ok_or_else(|| {
            let message = format!(
                "There is no route defined for '{}' in the route table. Use CreateRoute instead.",
                call.destination
            );
            refused("InvalidParameterValue", message)
        })?;
        route.target = Some(call.target.clone());
        Ok(())
    }

    pub(super) fn delete_one_route(&mut self, call: &DeleteRoute) -> Answer<()> {
        let (id, destination) = (&call.route_table, &call.destination);
        let routes = &mut self.named_table_mut(id)?.routes;
        let found = routes.iter().position(|route| route.destination == *destination);
        let found = found.ok_or_else(|| {
            let message = format!("no route with destination-cidr-block {destination} in route table {id}");
            refused("InvalidRoute.NotFound", message)
        })?;
        if routes.get(found).is_some_and(|route| route.target.is_none()) {
            let message = format!("cannot remove local route {destination} in route table {id}");
            return Err(refused("InvalidParameterValue", message));
        }
        routes.remove(found);
        Ok(())
    }

    fn check_target(&self, target: &RouteTarget, vpc: &str) -> Answer<()> {
        let (seen, code, kind, id) = match target {
            RouteTarget::InternetGateway(id) => {
                let seen = self.ec2.internet_gateways.seen(id, self.clock).is_some();
                (seen, "InvalidGatewayID.NotFound", "gateway", id)
            }
            RouteTarget::NatGateway(id) => {
                let nat = self.ec2.nat_gateways.seen(id, self.clock);
                let lives = nat.is_some_and(|nat| nat.lives(self.clock));
                (lives, "InvalidNatGatewayID.NotFound", "natGateway", id)
            }
        };
        if !seen {
            return Err(not_found(code, kind, id));
        }
        if self.target_vpc(target) != Some(vpc) {
            let message = format!("route table and network gateway {id} belong to different networks");
            return Err(refused("InvalidParameterValue", message));
        }
        Ok(())
    }

    pub(super) fn associate_route_table(&mut self, call: &AssociateRouteTable) -> Answer<Association> {
        let subnet_vpc = &self.named_subnet(&call.subnet)?.vpc;
        if *subnet_vpc != self.named_table(&call.route_table)?.vpc {
            let message = format!(
                "Route table {} and subnet {} belong to different networks",
                call.route_table, call.subnet
            );
            return Err(refused("InvalidParameterValue", message));
        }
        if self.table_of(&call.subnet).is_some() {
            let message = format!(
                "the specified association for route table {} conflicts with an existing association",
                call.route_table
            );
            return Err(refused("Resource.AlreadyAssociated", message));
        }
        let association = Association {
            id: self.next_id("rtbassoc"),
            subnet: call.subnet.clone(),
        };
        let table = self.named_table_mut(&call.route_table)?;
        table.associations.push(association.clone());
        Ok(association)
    }

    pub(super) fn disassociate_route_table(&mut self, call: &DisassociateRouteTable) -> Answer<()> {
        let id = &call.association;
        let uses = |used: &Association| used.id == *id;
        let mut tables = self.ec2.route_tables.all_mut();
        let table = tables.find(|table| table.associations.iter().any(uses));
        let table = table.ok_or_else(|| not_found("InvalidAssociationID.NotFound", "association", id))?;
        table.associations.retain(|used| !uses(used));
        Ok(())
    }

    /// Gateway endpoints let go of it.
    pub(super) fn delete_route_table(&mut self, call: &DeleteRouteTable) -> Answer<()> {
        let id = &call.route_table;
        if !self.named_table(id)?.associations.is_empty() {
            return Err(needed("routeTable", id));
        }
        for endpoint in self.ec2.endpoints.all_mut() {
            endpoint.forget_table(id);
        }
        let gone_from = self.gone_from(id);
        self.ec2.route_tables.bury(id, self.clock, gone_from);
        Ok(())
    }

    /// Whether an instance launched into a subnet at this time reaches the internet: through an available NAT gateway
    /// that reaches it itself, or with a public address of its own (rule 39).
    pub(crate) fn reaches_internet(&self, subnet: &str, at: Timestamp) -> bool {
        match self.default_target(subnet) {
            Some(RouteTarget::NatGateway(id)) => {
                let nat = self.ec2.nat_gateways.get(id).filter(|nat| nat.works(at));
                nat.is_some_and(|nat| self.is_public(&nat.shown.subnet))
            }
            Some(RouteTarget::InternetGateway(_)) => {
                let public_ip = self
                    .ec2
                    .subnets
                    .get(subnet)
                    .is_some_and(|subnet| subnet.map_public_ip);
                public_ip && self.is_public(subnet)
            }
            None => false,
        }
    }

    /// Whether the default route of a subnet leads to an attached internet gateway.
    fn is_public(&self, subnet: &str) -> bool {
        let target = self.default_target(subnet);
        target
            .is_some_and(|to| matches!(to, RouteTarget::InternetGateway(_)) && self.target_vpc(to).is_some())
    }

    fn default_target(&self, subnet: &str) -> Option<&RouteTarget> {
        let mut routes = self.table_of(subnet)?.routes.iter();
        routes
            .find(|route| route.destination == EVERYWHERE)?
            .target
            .as_ref()
    }

    fn table_of(&self, subnet: &str) -> Option<&RouteTable> {
        let uses = |table: &&RouteTable| table.associations.iter().any(|used| used.subnet == subnet);
        self.ec2.route_tables.all().find(uses)
    }

    /// The VPC a target leads out of; `None` if it is gone or detached.
    fn target_vpc(&self, target: &RouteTarget) -> Option<&str> {
        match target {
            RouteTarget::InternetGateway(id) => self
                .ec2
                .internet_gateways
                .get(id)?
                .attachments
                .first()
                .map(String::as_str),
            RouteTarget::NatGateway(id) => self
                .ec2
                .nat_gateways
                .get(id)
                .filter(|nat| nat.lives(self.clock))
                .map(super::OwnedNat::vpc),
        }
    }

    fn named_table(&self, id: &str) -> Answer<&RouteTable> {
        self.ec2
            .route_tables
            .seen(id, self.clock)
            .ok_or_else(|| no_table(id))
    }

    fn named_table_mut(&mut self, id: &str) -> Answer<&mut RouteTable> {
        self.ec2
            .route_tables
            .seen_mut(id, self.clock)
            .ok_or_else(|| no_table(id))
    }
}

fn no_table(id: &str) -> Refusal {
    not_found("InvalidRouteTableID.NotFound", "routeTable", id)
}

//! VPC endpoints: gateways in route tables, for S3 and `DynamoDB`, and interfaces in subnets, for everything else.
//!
//! Endpoints answer `Id.NotFound` where the rest of EC2 answers `ID.NotFound`. That S3 and `DynamoDB` have interfaces too
//! is not modelled, nor are the routes of a gateway. A deleted interface endpoint is `deleting` for a while, with its
//! network interfaces; a deleted endpoint is shown for an hour.

use std::collections::BTreeSet;

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::{
    CreateVpcEndpoint, DeleteVpcEndpoints, DescribeVpcEndpoints, EndpointAccess, ModifyVpcEndpoint,
    VpcEndpoint,
};

use super::access::{changed, sorted};
use super::filter::{Filtered, select_shown};
use super::{SHOWN_FOR, not_found};
use crate::refusal::{Answer, Refusal, refused};
use crate::time::after;
use crate::world::World;

/// Services that gateways lead to, and the prefix list that stands for each in a route.
const GATEWAYS: [(&str, &str); 2] = [("dynamodb", "pl-02cd2c6b"), ("s3", "pl-63a5400a")];

/// Services that interfaces lead to.
const INTERFACES: [&str; 18] = [
    "autoscaling",
    "cloudformation",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "elasticloadbalancing",
    "events",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
];

/// A VPC endpoint with its course.
#[derive(Debug, Clone)]
pub(crate) struct OwnedEndpoint {
    /// As it was created.
    pub(crate) shown: VpcEndpoint,
    available_from: Timestamp,
    /// When it is, or will be, deleted.
    deleted: Option<Timestamp>,
}

/// What an endpoint leads from and to.
#[derive(Clone, Copy)]
struct Place<'a> {
    vpc: &'a str,
    /// `com.amazonaws.us-east-1.ssm`.
    service: &'a str,
    /// The endpoint itself, once it is there.
    own: Option<&'a str>,
}

impl Filtered for VpcEndpoint {
    const FILTERS: &'static [&'static str] =
        &["service-name", "vpc-endpoint-id", "vpc-endpoint-state", "vpc-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "service-name" => Some(&self.service),
            "vpc-endpoint-id" => Some(&self.id),
            "vpc-endpoint-state" => Some(&self.state),
            _ => Some(&self.vpc),
        }
    }
}

impl OwnedEndpoint {
    /// Whether it is there: pending or available.
    pub(crate) fn lives(&self) -> bool {
        self.deleted.is_none()
    }

    /// Whether it is deleted, and nothing of it is left.
    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.deleted.is_some_and(|deleted| deleted <= now)
    }

    /// Deletes it; at this time it is gone.
    pub(crate) fn delete(&mut self, gone: Timestamp) {
        self.deleted.get_or_insert(gone);
    }

    /// Its tags, unless it is deleted.
    pub(super) fn tags_mut(&mut self, now: Timestamp) -> Option<&mut Tags> {
        (!self.is_gone(now)).then_some(&mut self.shown.tags)
    }

    /// Lets go of a route table that is gone.
    pub(super) fn forget_table(&mut self, route_table: &str) {
        if let EndpointAccess::Gateway { route_tables } = &mut self.shown.access {
            route_tables.retain(|id| id != route_table);
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            vpc: &self.shown.vpc,
            service: &self.shown.service,
            own: Some(&self.shown.id),
        }
    }

    fn listed(&self, now: Timestamp) -> bool {
        self.deleted.is_none_or(|ended| now < after(ended, SHOWN_FOR))
    }

    fn at(&self, now: Timestamp) -> VpcEndpoint {
        let state = if self.is_gone(now) {
            "deleted"
        } else if self.deleted.is_some() {
            "deleting"
        } else if now < self.available_from {
            "pending"
        } else {
            "available"
        };
        VpcEndpoint {
            state: state.into(),
            ..self.shown.clone()
        }
    }

    fn routes(&self, route_table: &str) -> bool {
        match &self.shown.access {
            EndpointAccess::Gateway { route_tables } => route_tables.iter().any(|id| id == route_table),
            EndpointAccess::Interface { .. } => false,
        }
    }
}

impl World {
    /// Whether a VPC has an endpoint to Systems Manager.
    pub(super) fn has_ssm_endpoint(&self, vpc: &str) -> bool {
        let mut endpoints = self.ec2.endpoints.all().filter(|endpoint| endpoint.lives());
        endpoints.any(|endpoint| {
            let service = endpoint.shown.service.rsplit('.').next();
            endpoint.shown.vpc == vpc && service == Some("ssm")
        })
    }

    pub(super) fn describe_vpc_endpoints(&mut self, call: &DescribeVpcEndpoints) -> Answer<Vec<VpcEndpoint>> {
        let now = self.clock;
        let listed = self
            .ec2
            .endpoints
            .visible(now)
            .filter(|endpoint| endpoint.listed(now));
        select_shown(listed.map(|endpoint| endpoint.at(now)), &call.filters)
    }

    pub(super) fn create_vpc_endpoint(&mut self, call: &CreateVpcEndpoint) -> Answer<VpcEndpoint> {
        if let Some(first) = self.ec2.endpoint_tokens.replay(&call.token, call)? {
            return Ok(first);
        }
        if self.ec2.vpcs.seen(&call.vpc, self.clock).is_none() {
            return Err(not_found("InvalidVpcId.NotFound", "Vpc", &call.vpc));
        }
        self.check_service(call)?;
        let place = Place {
            vpc: &call.vpc,
            service: &call.service,
            own: None,
        };
        self.check_access(place, &call.access)?;
        let access = sorted(&call.access);
        let delayed = matches!(access, EndpointAccess::Interface { .. });
        if delayed {
            self.check_private_dns(place)?;
        }
        let available_from = if delayed {
            after(self.clock, self.config.endpoint_delay)
        } else {
            self.clock
        };
        let id = self.next_id("vpce");
        let endpoint = OwnedEndpoint {
            shown: VpcEndpoint {
                id: id.clone(),
                vpc: call.vpc.clone(),
                service: call.service.clone(),
                access,
                private_dns: delayed,
                state: String::new(),
                tags: call.tags.clone(),
            },
            available_from,
            deleted: None,
        };
        let shown = endpoint.at(self.clock);
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.endpoints.insert(&id, visible_from, endpoint);
        self.ec2.endpoint_tokens.remember(&call.token, call, &shown);
        Ok(shown)
    }

    pub(super) fn modify_vpc_endpoint(&mut self, call: &ModifyVpcEndpoint) -> Answer<()> {
        let endpoint = self.named_endpoint(&call.endpoint)?;
        let access = changed(&endpoint.shown.access, &call.add, &call.remove)?;
        self.check_access(endpoint.place(), &call.add)?;
        self.check_zones(&access)?;
        if let Some(endpoint) = self.ec2.endpoints.get_mut(&call.endpoint) {
            endpoint.shown.access = access;
        }
        Ok(())
    }

    /// All of them or none. A repeat is no error while one is deleting.
    pub(super) fn delete_vpc_endpoints(&mut self, call: &DeleteVpcEndpoints) -> Answer<()> {
        let now = self.clock;
        let gone = |endpoint: &OwnedEndpoint| endpoint.is_gone(now);
        for id in &call.endpoints {
            let endpoint = self.ec2.endpoints.seen(id, now);
            endpoint.filter(|it| !gone(it)).ok_or_else(|| no_endpoint(id))?;
        }
        let delayed = after(now, self.config.endpoint_delete_delay);
        for id in &call.endpoints {
            if let Some(endpoint) = self.ec2.endpoints.get_mut(id) {
                let has_interfaces = matches!(endpoint.shown.access, EndpointAccess::Interface { .. });
                endpoint.delete(if has_interfaces { delayed } else { now });
            }
        }
        Ok(())
    }

    fn named_endpoint(&self, id: &str) -> Answer<&OwnedEndpoint> {
        let endpoint = self.ec2.endpoints.seen(id, self.clock);
        endpoint
            .filter(|endpoint| endpoint.lives())
            .ok_or_else(|| no_endpoint(id))
    }

    /// Whether the service can be reached in this way.
    fn check_service(&self, call: &CreateVpcEndpoint) -> Answer<()> {
        let name = self.service_name(&call.service);
        let gateway = prefix_list(name).is_some();
        if !gateway && !INTERFACES.contains(&name) {
            return Err(refused(
                "InvalidServiceName",
                format!("The Vpc Endpoint Service '{}' does not exist", call.service),
            ));
        }
        match (&call.access, gateway) {
            (EndpointAccess::Gateway { .. }, true) | (EndpointAccess::Interface { .. }, false) => Ok(()),
            (EndpointAccess::Gateway { .. }, false) => Err(wrong_type("Gateway", "Interface")),
            (EndpointAccess::Interface { .. }, true) => Err(wrong_type("Interface", "Gateway")),
        }
    }

    /// The service's own name, `ssm`; empty if it is none of AWS's in the Region.
    fn service_name<'a>(&self, service: &'a str) -> &'a str {
        let prefix = format!("com.amazonaws.{}.", self.config.region);
        service.strip_prefix(&prefix).unwrap_or_default()
    }

    /// Whether an endpoint can stand in all of it.
    fn check_access(&self, place: Place, access: &EndpointAccess) -> Answer<()> {
        match access {
            EndpointAccess::Gateway { route_tables } => {
                route_tables.iter().try_for_each(|id| self.check_table(place, id))
            }
            EndpointAccess::Interface {
                subnets,
                security_groups,
            } => {
                for id in subnets {
                    let subnet = self.ec2.subnets.seen(id, self.clock);
                    let subnet = subnet.ok_or_else(|| not_found("InvalidSubnetId.NotFound", "subnet", id))?;
                    check_vpc(place, "Subnet", id, &subnet.vpc)?;
                }
                for id in security_groups {
                    let group = self.ec2.security_groups.seen(id, self.clock);
                    let group = group
                        .ok_or_else(|| not_found("InvalidSecurityGroupId.NotFound", "security group", id))?;
                    check_vpc(place, "Security group", id, &group.vpc)?;
                }
                self.check_zones(access)
            }
        }
    }

    fn check_table(&self, place: Place, id: &str) -> Answer<()> {
        let table = self.ec2.route_tables.seen(id, self.clock);
        let table = table.ok_or_else(|| not_found("InvalidRouteTableId.NotFound", "routeTable", id))?;
        check_vpc(place, "Route table", id, &table.vpc)?;
        if !self.others(place).any(|other| other.routes(id)) {
            return Ok(());
        }
        let message = format!(
            "route table {id} already has a route with destination-prefix-list-id {}",
            prefix_list(self.service_name(place.service)).unwrap_or_default()
        );
        Err(refused("RouteAlreadyExists", message))
    }

    /// One subnet per zone.
    fn check_zones(&self, access: &EndpointAccess) -> Answer<()> {
        let EndpointAccess::Interface { subnets, .. } = access else {
            return Ok(());
        };
        let mut zones = BTreeSet::new();
        for id in subnets {
            let zone = self.ec2.subnets.get(id).map(|subnet| &subnet.zone);
            if zone.is_some_and(|zone| !zones.insert(zone)) {
                let message = format!("Found another VPC endpoint subnet in the availability zone of {id}");
                return Err(refused("DuplicateSubnetsInSameZone", message));
            }
        }
        Ok(())
    }

    /// Rule 42. `enableDnsSupport` is on in every new VPC, and nothing here turns it off.
    fn check_private_dns(&self, place: Place) -> Answer<()> {
        let vpc = place.vpc;
        if !self.named_vpc(vpc)?.dns_hostnames {
            return Err(invalid(format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to \
                 true for {vpc}"
            )));
        }
        if self.others(place).next().is_some() {
            let (service, region) = (self.service_name(place.service), &self.config.region);
            return Err(invalid(format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
                 {service}.{region}.amazonaws.com in the VPC {vpc}"
            )));
        }
        Ok(())
    }

    /// Other endpoints that lead from the same VPC to the same service.
    fn others<'a>(&'a self, place: Place<'a>) -> impl Iterator<Item = &'a OwnedEndpoint> {
        let same = move |it: &&OwnedEndpoint| {
            let shown = &it.shown;
            shown.vpc == place.vpc && shown.service == place.service && place.own != Some(&shown.id)
        };
        let all = self.ec2.endpoints.all();
        all.filter(|endpoint| endpoint.lives()).filter(same)
    }
}

fn prefix_list(service: &str) -> Option<&'static str> {
    let mut gateways = GATEWAYS.iter();
    gateways.find(|(name, _)| *name == service).map(|(_, list)| *list)
}

fn check_vpc(place: Place, kind: &str, id: &str, vpc: &str) -> Answer<()> {
    if vpc == place.vpc {
        return Ok(());
    }
    Err(invalid(format!(
        "{kind} {id} does not belong to VPC {}",
        place.vpc
    )))
}

pub(super) fn no_endpoint(id: &str) -> Refusal {
    let message = format!("The Vpc Endpoint Id '{id}' does not exist");
    refused("InvalidVpcEndpointId.NotFound", message)
}

fn wrong_type(asked: &str, available: &str) -> Refusal {
    invalid(format!(
        "Endpoint type ({asked}) does not match available service types ([{available}])."
    ))
}

fn invalid(message: String) -> Refusal {
    refused("InvalidParameter", message)
}

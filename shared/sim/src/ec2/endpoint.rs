//! VPC endpoints: gateways in route tables, for S3 and `DynamoDB`, and interfaces in subnets, for everything else.
//!
//! Endpoints answer `Id.NotFound` where the rest of EC2 answers `ID.NotFound`. That S3 and `DynamoDB` have interfaces too
//! is not modelled, nor are the routes of a gateway.

use std::collections::BTreeSet;

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::{CreateVpcEndpoint, DescribeVpcEndpoints, EndpointAccess, VpcEndpoint};

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
    deleted: Option<Timestamp>,
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

    /// Deletes it, at once.
    pub(crate) fn delete(&mut self, now: Timestamp) {
        self.deleted.get_or_insert(now);
    }

    fn listed(&self, now: Timestamp) -> bool {
        self.deleted.is_none_or(|ended| now < after(ended, SHOWN_FOR))
    }

    fn at(&self, now: Timestamp) -> VpcEndpoint {
        let state = if self.deleted.is_some() {
            "deleted"
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
        let service = self.service(call)?;
        let (access, delayed) = match &call.access {
            EndpointAccess::Gateway { route_tables } => {
                self.check_gateway(call, service, route_tables)?;
                let route_tables = sorted(route_tables);
                (EndpointAccess::Gateway { route_tables }, false)
            }
            EndpointAccess::Interface {
                subnets,
                security_groups,
            } => {
                self.check_interface(call, service, subnets, security_groups)?;
                let (subnets, security_groups) = (sorted(subnets), sorted(security_groups));
                let access = EndpointAccess::Interface {
                    subnets,
                    security_groups,
                };
                (access, true)
            }
        };
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

    /// The service's own name, `ssm`, if it can be reached in this way.
    fn service<'a>(&self, call: &'a CreateVpcEndpoint) -> Answer<&'a str> {
        let prefix = format!("com.amazonaws.{}.", self.config.region);
        let name = call.service.strip_prefix(&prefix).unwrap_or_default();
        let gateway = prefix_list(name).is_some();
        if !gateway && !INTERFACES.contains(&name) {
            return Err(refused(
                "InvalidServiceName",
                format!("The Vpc Endpoint Service '{}' does not exist", call.service),
            ));
        }
        match (&call.access, gateway) {
            (EndpointAccess::Gateway { .. }, true) | (EndpointAccess::Interface { .. }, false) => Ok(name),
            (EndpointAccess::Gateway { .. }, false) => Err(wrong_type("Gateway", "Interface")),
            (EndpointAccess::Interface { .. }, true) => Err(wrong_type("Interface", "Gateway")),
        }
    }

    fn check_gateway(&self, call: &CreateVpcEndpoint, service: &str, route_tables: &[String]) -> Answer<()> {
        for id in route_tables {
            let table = self.ec2.route_tables.seen(id, self.clock);
            let table = table.ok_or_else(|| not_found("InvalidRouteTableId.NotFound", "routeTable", id))?;
            check_vpc(call, "Route table", id, &table.vpc)?;
            let mut others = self.living_endpoints(call);
            if others.any(|other| other.routes(id)) {
                let message = format!(
                    "route table {id} already has a route with destination-prefix-list-id {}",
                    prefix_list(service).unwrap_or_default()
                );
                return Err(refused("RouteAlreadyExists", message));
            }
        }
        Ok(())
    }

    fn check_interface(
        &self,
        call: &CreateVpcEndpoint,
        service: &str,
        subnets: &[String],
        security_groups: &[String],
    ) -> Answer<()> {
        let mut zones = BTreeSet::new();
        for id in subnets {
            let subnet = self.ec2.subnets.seen(id, self.clock);
            let subnet = subnet.ok_or_else(|| not_found("InvalidSubnetId.NotFound", "subnet", id))?;
            check_vpc(call, "Subnet", id, &subnet.vpc)?;
            if !zones.insert(&subnet.zone) {
                let message = format!("Found another VPC endpoint subnet in the availability zone of {id}");
                return Err(refused("DuplicateSubnetsInSameZone", message));
            }
        }
        for id in security_groups {
            let group = self.ec2.security_groups.seen(id, self.clock);
            let group =
                group.ok_or_else(|| not_found("InvalidSecurityGroupId.NotFound", "security group", id))?;
            check_vpc(call, "Security group", id, &group.vpc)?;
        }
        self.check_private_dns(call, service)
    }

    /// Rule 42. `enableDnsSupport` is on in every new VPC, and nothing here turns it off.
    fn check_private_dns(&self, call: &CreateVpcEndpoint, service: &str) -> Answer<()> {
        let vpc = &call.vpc;
        if !self.named_vpc(vpc)?.dns_hostnames {
            return Err(invalid(format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to \
                 true for {vpc}"
            )));
        }
        if self.living_endpoints(call).next().is_some() {
            let region = &self.config.region;
            return Err(invalid(format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
                 {service}.{region}.amazonaws.com in the VPC {vpc}"
            )));
        }
        Ok(())
    }

    /// Endpoints that lead from the same VPC to the same service.
    fn living_endpoints<'a>(
        &'a self,
        call: &'a CreateVpcEndpoint,
    ) -> impl Iterator<Item = &'a OwnedEndpoint> {
        let same = |it: &&OwnedEndpoint| it.shown.vpc == call.vpc && it.shown.service == call.service;
        self.ec2
            .endpoints
            .all()
            .filter(|endpoint| endpoint.lives())
            .filter(same)
    }
}

fn prefix_list(service: &str) -> Option<&'static str> {
    let mut gateways = GATEWAYS.iter();
    gateways.find(|(name, _)| *name == service).map(|(_, list)| *list)
}

fn check_vpc(call: &CreateVpcEndpoint, kind: &str, id: &str, vpc: &str) -> Answer<()> {
    if vpc == call.vpc {
        return Ok(());
    }
    Err(invalid(format!(
        "{kind} {id} does not belong to VPC {}",
        call.vpc
    )))
}

fn wrong_type(asked: &str, available: &str) -> Refusal {
    invalid(format!(
        "Endpoint type ({asked}) does not match available service types ([{available}])."
    ))
}

fn invalid(message: String) -> Refusal {
    refused("InvalidParameter", message)
}

fn sorted(ids: &[String]) -> Vec<String> {
    let unique: BTreeSet<_> = ids.iter().cloned().collect();
    unique.into_iter().collect()
}

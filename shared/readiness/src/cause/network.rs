//! The network between the load balancer and the instance, as AWS describes it.
//!
//! Guarantees: plain data of the calls' types, which are not read back from JSON themselves; the parts that decide
//! nothing are left out.

use serde::{Deserialize, Serialize};
use windlass_calls::ec2;

/// What is known of the network. A part that is `None` was not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    /// Security groups of the load balancer.
    pub balancer_groups: Option<Vec<SecurityGroup>>,
    /// Security groups of the instance.
    pub instance_groups: Option<Vec<SecurityGroup>>,
    /// Subnets of the load balancer, one per zone.
    pub balancer_subnets: Option<Vec<Subnet>>,
    /// Subnet of the instance.
    pub subnet: Option<Subnet>,
    /// Route table of the instance's subnet.
    pub route_table: Option<RouteTable>,
    /// NAT gateways of the stack.
    pub nat_gateways: Option<Vec<NatGateway>>,
}

/// A security group with its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroup {
    /// `sg-…`.
    pub id: String,
    /// Inbound rules.
    #[serde(default)]
    pub ingress: Vec<Rule>,
    /// Outbound rules.
    #[serde(default)]
    pub egress: Vec<Rule>,
}

/// A security-group rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// `tcp`, or `-1` for everything.
    pub protocol: String,
    /// First and last port; `None` for all.
    #[serde(default)]
    pub ports: Option<(u16, u16)>,
    /// The other side.
    pub peer: Peer,
}

/// The other side of a security-group rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    /// An IPv4 range.
    Cidr(String),
    /// A security group id.
    Group(String),
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// IPv4 range.
    pub cidr: String,
    /// Zone name.
    pub zone: String,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    /// `rtb-…`.
    pub id: String,
    /// Its routes, the local one included.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// `0.0.0.0/0`.
    pub destination: String,
    /// Id of the gateway that it leads to; `None` for the local route and kinds that we do not use.
    #[serde(default)]
    pub target: Option<String>,
    /// `active`, or `blackhole` when the target is gone.
    pub state: String,
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NatGateway {
    /// `nat-…`.
    pub id: String,
    /// `pending`, `available`, `failed`, `deleting` or `deleted` (rule 37).
    pub state: String,
}

impl From<&ec2::SecurityGroup> for SecurityGroup {
    fn from(group: &ec2::SecurityGroup) -> Self {
        Self {
            id: group.id.clone(),
            ingress: group.ingress.iter().map(Rule::from).collect(),
            egress: group.egress.iter().map(Rule::from).collect(),
        }
    }
}

impl From<&ec2::Rule> for Rule {
    fn from(rule: &ec2::Rule) -> Self {
        let peer = match &rule.peer {
            ec2::Peer::Cidr(range) => Peer::Cidr(range.clone()),
            ec2::Peer::Group(id) => Peer::Group(id.clone()),
        };
        Self {
            protocol: rule.protocol.clone(),
            ports: rule.ports,
            peer,
        }
    }
}

impl From<&ec2::Subnet> for Subnet {
    fn from(subnet: &ec2::Subnet) -> Self {
        Self {
            id: subnet.id.clone(),
            vpc: subnet.vpc.clone(),
            cidr: subnet.cidr.clone(),
            zone: subnet.zone.clone(),
        }
    }
}

impl From<&ec2::RouteTable> for RouteTable {
    fn from(table: &ec2::RouteTable) -> Self {
        Self {
            id: table.id.clone(),
            routes: table.routes.iter().map(Route::from).collect(),
        }
    }
}

impl From<&ec2::Route> for Route {
    fn from(route: &ec2::Route) -> Self {
        let target = route.target.as_ref().map(|target| match target {
            ec2::RouteTarget::InternetGateway(id) | ec2::RouteTarget::NatGateway(id) => id.clone(),
        });
        Self {
            destination: route.destination.clone(),
            target,
            state: route.state.clone(),
        }
    }
}

impl From<&ec2::NatGateway> for NatGateway {
    fn from(gateway: &ec2::NatGateway) -> Self {
        Self {
            id: gateway.id.clone(),
            state: gateway.state.clone(),
        }
    }
}

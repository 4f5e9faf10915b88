//! Network interfaces: what keeps subnets, security groups and VPCs from being deleted.
//!
//! Those of instances and of AWS's own services are not kept: they follow from what they belong to. Those of a load
//! balancer outlive it for a while (rule 51). Other people's are put in and taken out from outside.

use std::collections::BTreeMap;

use windlass_calls::Tags;
use windlass_calls::ec2::{DescribeNetworkInterfaces, EndpointAccess, NetworkInterface};

use super::filter::{self, Filtered, select_shown};
use super::{Machine, OwnedEndpoint, OwnedNat};
use crate::elb::Face;
use crate::refusal::Answer;
use crate::shared::Shared;
use crate::sim::fnv;
use crate::world::World;

/// Interfaces have no tags here.
static UNTAGGED: Tags = Tags::new();

/// Network interfaces of other people, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interfaces(Shared<BTreeMap<String, NetworkInterface>>);

impl Filtered for NetworkInterface {
    const FILTERS: &'static [&'static str] = &["description", "group-id", "subnet-id", "vpc-id"];
    fn tags(&self) -> &Tags {
        &UNTAGGED
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "description" => Some(&self.description),
            "subnet-id" => Some(&self.subnet),
            "vpc-id" => Some(&self.vpc),
            _ => None,
        }
    }
    fn accepted(&self, filter: &str, wanted: &str) -> bool {
        let groups = || self.security_groups.iter().map(String::as_str);
        let values: Vec<&str> = match filter {
            "group-id" => groups().collect(),
            _ => self.value(filter).into_iter().collect(),
        };
        values.iter().any(|value| filter::matches(value, wanted))
    }
}

impl World {
    pub(super) fn describe_network_interfaces(
        &mut self,
        call: &DescribeNetworkInterfaces,
    ) -> Answer<Vec<NetworkInterface>> {
        select_shown(self.interfaces(), &call.filters)
    }

    /// All interfaces there are.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = NetworkInterface> {
        let (ec2, now) = (&self.ec2, self.clock);
        let machines = ec2.instances.all().filter(move |it| it.is_connected(now));
        let nats = ec2.nat_gateways.all().filter(move |it| it.holds(now));
        let endpoints = ec2.endpoints.all().filter(move |it| !it.is_gone(now));
        machines
            .map(of_machine)
            .chain(nats.map(of_nat))
            .chain(endpoints.flat_map(of_endpoint))
            .chain(self.faces().flat_map(of_balancer))
            .chain(ec2.interfaces.0.values().cloned())
    }

    /// Whether something in a VPC has a public address.
    pub(super) fn has_public_addresses(&self, vpc: &str) -> bool {
        let (ec2, now) = (&self.ec2, self.clock);
        let mut machines = ec2.instances.all();
        let mut nats = ec2.nat_gateways.all();
        machines.any(|it| it.public && it.vpc == vpc && it.is_connected(now))
            || nats.any(|it| it.vpc() == vpc && it.holds(now))
            || self.faces().any(|it| it.public && it.vpc == vpc)
    }

    /// Puts a network interface of somebody else's into a subnet, and answers its id; `None` without such a subnet.
    pub fn add_interface(&mut self, subnet: &str, description: &str) -> Option<String> {
        let vpc = self.ec2.subnets.get(subnet)?.vpc.clone();
        let id = self.next_id("eni");
        let interface = NetworkInterface {
            id: id.clone(),
            vpc,
            subnet: subnet.to_owned(),
            description: description.to_owned(),
            managed: false,
            instance: None,
            security_groups: Vec::new(),
        };
        self.ec2.interfaces.0.insert(id.clone(), interface);
        Some(id)
    }

    /// Takes away a network interface that was put in; `false` if there is none.
    pub fn remove_interface(&mut self, id: &str) -> bool {
        self.ec2.interfaces.0.remove(id).is_some()
    }
}

fn of_machine(machine: &Machine) -> NetworkInterface {
    NetworkInterface {
        id: id(&machine.id, &machine.subnet),
        vpc: machine.vpc.clone(),
        subnet: machine.subnet.clone(),
        description: String::new(),
        managed: false,
        instance: Some(machine.id.clone()),
        security_groups: machine.security_groups.clone(),
    }
}

fn of_nat(nat: &OwnedNat) -> NetworkInterface {
    let description = format!("Interface for NAT Gateway {}", nat.id());
    managed(description, nat.vpc(), &nat.shown.subnet, &[])
}

fn of_endpoint(endpoint: &OwnedEndpoint) -> Vec<NetworkInterface> {
    let shown = &endpoint.shown;
    let description = format!("VPC Endpoint Interface {}", shown.id);
    match &shown.access {
        EndpointAccess::Gateway { .. } => Vec::new(),
        EndpointAccess::Interface {
            subnets,
            security_groups,
        } => subnets
            .iter()
            .map(|subnet| managed(description.clone(), &shown.vpc, subnet, security_groups))
            .collect(),
    }
}

fn of_balancer(face: Face<'_>) -> Vec<NetworkInterface> {
    let description = format!("ELB {}", face.name);
    let interface = |subnet: &String| managed(description.clone(), face.vpc, subnet, face.security_groups);
    face.subnets.iter().map(interface).collect()
}

fn managed(description: String, vpc: &str, subnet: &str, security_groups: &[String]) -> NetworkInterface {
    NetworkInterface {
        id: id(&description, subnet),
        vpc: vpc.to_owned(),
        subnet: subnet.to_owned(),
        description,
        managed: true,
        instance: None,
        security_groups: security_groups.to_vec(),
    }
}

/// An id that depends on whom the interface belongs to and where it is alone.
fn id(owner: &str, subnet: &str) -> String {
    format!("eni-{:016x}", fnv(format!("{owner}/{subnet}").as_bytes()))
}

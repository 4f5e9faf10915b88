//! Subnets: within their VPC's range, in a zone that exists, never overlapping.

use ipnet::Ipv4Net;
use windlass_calls::Tags;
use windlass_calls::ec2::{CreateSubnet, DeleteSubnet, DescribeSubnets, ModifySubnetAttribute, Subnet};

use super::filter::{Filtered, select};
use super::vpc::range;
use super::{needed, not_found};
use crate::refusal::{Answer, refused};
use crate::world::World;

impl Filtered for Subnet {
    const FILTERS: &'static [&'static str] = &["vpc-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, _: &str) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl World {
    pub(super) fn describe_subnets(&mut self, call: &DescribeSubnets) -> Answer<Vec<Subnet>> {
        Ok(select(&self.ec2.subnets, self.clock, &call.filters)?
            .cloned()
            .collect())
    }

    pub(super) fn create_subnet(&mut self, call: &CreateSubnet) -> Answer<Subnet> {
        let wanted = range(&call.cidr, "InvalidSubnet.Range")?;
        self.check_place(call, wanted)?;
        let id = self.next_id("subnet");
        let subnet = Subnet {
            id: id.clone(),
            vpc: call.vpc.clone(),
            cidr: wanted.to_string(),
            zone: call.zone.clone(),
            state: "available".into(),
            map_public_ip: false,
            tags: call.tags.clone(),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.subnets.insert(&id, visible_from, subnet.clone());
        Ok(subnet)
    }

    fn check_place(&self, call: &CreateSubnet, wanted: Ipv4Net) -> Answer<()> {
        let vpc = self.named_vpc(&call.vpc)?;
        if !self.config.zones.contains(&call.zone) {
            let message = format!(
                "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in \
                 the following availability zones: {}.",
                call.zone,
                self.config.zones.join(", ")
            );
            return Err(refused("InvalidParameterValue", message));
        }
        if !contains(&vpc.shown.cidr, wanted) {
            return Err(refused(
                "InvalidSubnet.Range",
                format!("The CIDR '{}' is invalid.", call.cidr),
            ));
        }
        let neighbours = self.ec2.subnets.all().filter(|subnet| subnet.vpc == call.vpc);
        if neighbours
            .into_iter()
            .any(|subnet| overlaps(&subnet.cidr, wanted))
        {
            let message = format!("The CIDR '{}' conflicts with another subnet", call.cidr);
            return Err(refused("InvalidSubnet.Conflict", message));
        }
        Ok(())
    }

    pub(super) fn modify_subnet_attribute(&mut self, call: &ModifySubnetAttribute) -> Answer<()> {
        let subnet = self.ec2.subnets.seen_mut(&call.subnet, self.clock);
        let subnet = subnet.ok_or_else(|| not_found("InvalidSubnetID.NotFound", "subnet", &call.subnet))?;
        subnet.map_public_ip = call.map_public_ip;
        Ok(())
    }

    /// Its use of a route table goes with it.
    pub(super) fn delete_subnet(&mut self, call: &DeleteSubnet) -> Answer<()> {
        let id = &call.subnet;
        self.named_subnet(id)?;
        if self.interfaces().any(|interface| interface.subnet == *id) {
            return Err(needed("subnet", id));
        }
        self.disassociate(id);
        let gone_from = self.gone_from(id);
        self.ec2.subnets.bury(id, self.clock, gone_from);
        Ok(())
    }
}

fn contains(outer: &str, inner: Ipv4Net) -> bool {
    outer.parse().is_ok_and(|outer: Ipv4Net| outer.contains(&inner))
}

fn overlaps(one: &str, other: Ipv4Net) -> bool {
    one.parse()
        .is_ok_and(|one: Ipv4Net| one.contains(&other) || other.contains(&one))
}

//! Internet gateways: five per Region (rule 38), one per VPC.

use windlass_calls::Tags;
use windlass_calls::ec2::{
    AttachInternetGateway, CreateInternetGateway, DeleteInternetGateway, DescribeInternetGateways,
    DetachInternetGateway, InternetGateway,
};

use super::filter::{Filtered, select};
use super::{needed, not_found};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

impl Filtered for InternetGateway {
    const FILTERS: &'static [&'static str] = &["attachment.vpc-id", "internet-gateway-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "attachment.vpc-id" => self.attachments.first().map(String::as_str),
            _ => Some(&self.id),
        }
    }
}

impl World {
    pub(super) fn describe_internet_gateways(
        &mut self,
        call: &DescribeInternetGateways,
    ) -> Answer<Vec<InternetGateway>> {
        Ok(select(&self.ec2.internet_gateways, self.clock, &call.filters)?
            .cloned()
            .collect())
    }

    pub(super) fn create_internet_gateway(
        &mut self,
        call: &CreateInternetGateway,
    ) -> Answer<InternetGateway> {
        if self.ec2.internet_gateways.len() >= self.config.internet_gateway_quota {
            let message = "The maximum number of internet gateways has been reached.";
            return Err(refused("InternetGatewayLimitExceeded", message));
        }
        let id = self.next_id("igw");
        let gateway = InternetGateway {
            id: id.clone(),
            attachments: Vec::new(),
            tags: call.tags.clone(),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2
            .internet_gateways
            .insert(&id, visible_from, gateway.clone());
        Ok(gateway)
    }

    pub(super) fn attach_internet_gateway(&mut self, call: &AttachInternetGateway) -> Answer<()> {
        self.named_vpc(&call.vpc)?;
        let other = self
            .attached_gateway(&call.vpc)
            .filter(|id| **id != call.internet_gateway)
            .cloned();
        let gateway = self
            .ec2
            .internet_gateways
            .seen_mut(&call.internet_gateway, self.clock)
            .ok_or_else(|| no_gateway(&call.internet_gateway))?;
        if let Some(vpc) = gateway.attachments.first() {
            let message = format!("resource {} is already attached to network {vpc}", gateway.id);
            return Err(refused("Resource.AlreadyAssociated", message));
        }
        if let Some(other) = other {
            let message = format!(
                "Network {} already has an internet gateway attached: {other}",
                call.vpc
            );
            return Err(refused("InvalidParameterValue", message));
        }
        gateway.attachments.push(call.vpc.clone());
        Ok(())
    }

    /// The way out stays while something in the VPC has a public address.
    pub(super) fn detach_internet_gateway(&mut self, call: &DetachInternetGateway) -> Answer<()> {
        let (id, vpc) = (&call.internet_gateway, &call.vpc);
        let gateway = self.ec2.internet_gateways.seen(id, self.clock);
        if !gateway.ok_or_else(|| no_gateway(id))?.attachments.contains(vpc) {
            let message = format!("resource {id} is not attached to network {vpc}");
            return Err(refused("Gateway.NotAttached", message));
        }
        if self.has_public_addresses(vpc) {
            let message = format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before \
                 detaching the gateway."
            );
            return Err(refused("DependencyViolation", message));
        }
        let gateway = self.ec2.internet_gateways.get_mut(id);
        gateway.ok_or_else(|| no_gateway(id))?.attachments.clear();
        Ok(())
    }

    pub(super) fn delete_internet_gateway(&mut self, call: &DeleteInternetGateway) -> Answer<()> {
        let id = &call.internet_gateway;
        let gateway = self.ec2.internet_gateways.seen(id, self.clock);
        if !gateway.ok_or_else(|| no_gateway(id))?.attachments.is_empty() {
            return Err(needed("internetGateway", id));
        }
        let gone_from = self.gone_from(id);
        self.ec2.internet_gateways.bury(id, self.clock, gone_from);
        Ok(())
    }

    /// The internet gateway attached to a VPC.
    pub(crate) fn attached_gateway(&self, vpc: &str) -> Option<&String> {
        let attached = |gateway: &&InternetGateway| gateway.attachments.iter().any(|id| id == vpc);
        self.ec2
            .internet_gateways
            .all()
            .find(attached)
            .map(|gateway| &gateway.id)
    }
}

fn no_gateway(id: &str) -> Refusal {
    not_found("InvalidInternetGatewayID.NotFound", "internetGateway", id)
}

//! Elastic IP addresses: five per Region (rule 38). An address shows its association only once the NAT gateway that
//! took it is available, and is taken from the start until the gateway is deleted (rule 51).

use windlass_calls::Tags;
use windlass_calls::ec2::{Address, AllocateAddress, DescribeAddresses, ReleaseAddress};

use super::filter::{Filtered, select};
use super::not_found;
use crate::refusal::{Answer, refused};
use crate::world::World;

impl Filtered for Address {
    const FILTERS: &'static [&'static str] = &["allocation-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, _: &str) -> Option<&str> {
        Some(&self.allocation)
    }
}

impl World {
    pub(super) fn describe_addresses(&mut self, call: &DescribeAddresses) -> Answer<Vec<Address>> {
        let found = select(&self.ec2.addresses, self.clock, &call.filters)?;
        Ok(found.map(|address| self.with_association(address)).collect())
    }

    pub(super) fn allocate_address(&mut self, call: &AllocateAddress) -> Answer<Address> {
        if self.ec2.addresses.len() >= self.config.address_quota {
            let message = "The maximum number of addresses has been reached.";
            return Err(refused("AddressLimitExceeded", message));
        }
        let allocation = self.next_id("eipalloc");
        let [.., high, low] = self.next_number("public-ip").to_be_bytes();
        let address = Address {
            allocation: allocation.clone(),
            public_ip: format!("198.18.{high}.{low}"),
            association: None,
            tags: call.tags.clone(),
        };
        let visible_from = self.ec2_visible_from(&allocation);
        self.ec2
            .addresses
            .insert(&allocation, visible_from, address.clone());
        Ok(address)
    }

    pub(super) fn release_address(&mut self, call: &ReleaseAddress) -> Answer<()> {
        let id = &call.allocation;
        let address = self.ec2.addresses.seen(id, self.clock);
        let address = address.ok_or_else(|| not_found("InvalidAllocationID.NotFound", "allocation", id))?;
        let mut nats = self.ec2.nat_gateways.all();
        if nats.any(|nat| nat.uses(id) && nat.holds(self.clock)) {
            let message = format!("Address {} is in use.", address.public_ip);
            return Err(refused("InvalidIPAddress.InUse", message));
        }
        let gone_from = self.gone_from(id);
        self.ec2.addresses.bury(id, self.clock, gone_from);
        Ok(())
    }

    fn with_association(&self, address: &Address) -> Address {
        let user = self
            .ec2
            .nat_gateways
            .all()
            .find(|nat| nat.uses(&address.allocation) && nat.shows_addresses(self.clock));
        Address {
            association: user.map(|nat| nat.id().replacen("nat", "eipassoc", 1)),
            ..address.clone()
        }
    }
}

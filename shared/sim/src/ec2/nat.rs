//! NAT gateways: pending, then available or failed (rule 37).
//!
//! AWS accepts the call and finds out later: without an internet gateway attached to the VPC, or with an address in
//! use, the gateway fails after a few seconds with `Gateway.NotAttached` or `Resource.AlreadyAssociated`. Both are judged
//! on what was there when it was created. A deleted one takes its time, and holds its address until then (rule 51). A
//! failed or deleted one is shown for an hour.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::ec2::{CreateNatGateway, DeleteNatGateway, DescribeNatGateways, NatGateway};

use super::filter::{Filtered, select};
use super::{SHOWN_FOR, not_found};
use crate::refusal::{Answer, Refusal, refused};
use crate::time::after;
use crate::world::World;

/// From `CreateNatGateway` to `failed`.
const FAILS_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// A NAT gateway with its course.
#[derive(Debug, Clone)]
pub(crate) struct OwnedNat {
    /// As it was created: pending.
    pub(crate) shown: NatGateway,
    vpc: String,
    /// When it stops being pending.
    settles: Timestamp,
    failure: Option<String>,
    /// When it is, or will be, deleted.
    deleted: Option<Timestamp>,
}

impl Filtered for OwnedNat {
    const FILTERS: &'static [&'static str] = &["subnet-id", "vpc-id"];
    fn tags(&self) -> &Tags {
        &self.shown.tags
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "subnet-id" => Some(&self.shown.subnet),
            _ => Some(&self.vpc),
        }
    }
}

impl OwnedNat {
    pub(crate) fn id(&self) -> &str {
        &self.shown.id
    }

    pub(crate) fn vpc(&self) -> &str {
        &self.vpc
    }

    fn state(&self, now: Timestamp) -> &'static str {
        match (self.deleted, &self.failure) {
            (Some(deleted), _) if deleted <= now => "deleted",
            (Some(_), _) => "deleting",
            (None, _) if now < self.settles => "pending",
            (None, Some(_)) => "failed",
            (None, None) => "available",
        }
    }

    /// Whether it carries traffic.
    pub(crate) fn works(&self, now: Timestamp) -> bool {
        self.state(now) == "available"
    }

    /// Whether it is there: pending or available.
    pub(crate) fn lives(&self, now: Timestamp) -> bool {
        matches!(self.state(now), "pending" | "available")
    }

    /// Whether it was made for this address.
    pub(super) fn uses(&self, allocation: &str) -> bool {
        self.shown.allocations.iter().any(|used| used == allocation)
    }

    /// Whether it has its addresses and its network interface: it did not fail, and is not yet deleted.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.failure.is_none() && self.deleted.is_none_or(|deleted| now < deleted)
    }

    /// Whether its addresses show that it has them.
    pub(super) fn shows_addresses(&self, now: Timestamp) -> bool {
        self.holds(now) && self.settles <= now
    }

    /// Whether somebody deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// Deletes it; at this time it is gone.
    pub(crate) fn delete(&mut self, gone: Timestamp) {
        self.deleted.get_or_insert(gone);
    }

    /// Its tags, unless it is deleted.
    pub(super) fn tags_mut(&mut self, now: Timestamp) -> Option<&mut Tags> {
        (self.state(now) != "deleted").then_some(&mut self.shown.tags)
    }

    fn listed(&self, now: Timestamp) -> bool {
        let ended = self.deleted.or(self.failure.as_ref().map(|_| self.settles));
        ended.is_none_or(|ended| now < after(ended, SHOWN_FOR))
    }

    fn at(&self, now: Timestamp) -> NatGateway {
        let state = self.state(now);
        NatGateway {
            state: state.into(),
            failure: self.failure.clone().filter(|_| state == "failed"),
            ..self.shown.clone()
        }
    }
}

impl World {
    pub(super) fn describe_nat_gateways(&mut self, call: &DescribeNatGateways) -> Answer<Vec<NatGateway>> {
        let now = self.clock;
        let found = select(&self.ec2.nat_gateways, now, &call.filters)?;
        Ok(found
            .filter(|nat| nat.listed(now))
            .map(|nat| nat.at(now))
            .collect())
    }

    pub(super) fn create_nat_gateway(&mut self, call: &CreateNatGateway) -> Answer<NatGateway> {
        if let Some(first) = self.ec2.nat_tokens.replay(&call.token, call)? {
            return Ok(first);
        }
        let subnet = self.named_subnet(&call.subnet)?;
        let (vpc, zone) = (subnet.vpc.clone(), subnet.zone.clone());
        if self.ec2.addresses.seen(&call.allocation, self.clock).is_none() {
            return Err(not_found(
                "InvalidAllocationID.NotFound",
                "allocation",
                &call.allocation,
            ));
        }
        if self.nats_in(&zone) >= self.config.nat_gateway_quota {
            let limit = self.config.nat_gateway_quota;
            let message = format!("Performing this operation would exceed the limit of {limit} NAT gateways");
            return Err(refused("NatGatewayLimitExceeded", message));
        }
        let failure = self.nat_failure(&vpc, &call.allocation);
        let delay = if failure.is_some() {
            FAILS_AFTER
        } else {
            self.config.nat_delay
        };
        let id = self.next_id("nat");
        let shown = NatGateway {
            id: id.clone(),
            subnet: call.subnet.clone(),
            state: "pending".into(),
            failure: None,
            allocations: vec![call.allocation.clone()],
            tags: call.tags.clone(),
        };
        let nat = OwnedNat {
            shown: shown.clone(),
            vpc,
            settles: after(self.clock, delay),
            failure,
            deleted: None,
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.nat_gateways.insert(&id, visible_from, nat);
        self.ec2.nat_tokens.remember(&call.token, call, &shown);
        Ok(shown)
    }

    /// A failed one is deleted at once. A repeat is no error while it is deleting.
    pub(super) fn delete_nat_gateway(&mut self, call: &DeleteNatGateway) -> Answer<()> {
        let (now, delay) = (self.clock, self.config.nat_delete_delay);
        let nat = self.ec2.nat_gateways.seen_mut(&call.nat_gateway, now);
        let nat = nat.filter(|nat| nat.listed(now) && nat.state(now) != "deleted");
        let nat = nat.ok_or_else(|| no_nat(&call.nat_gateway))?;
        nat.delete(if nat.failure.is_some() {
            now
        } else {
            after(now, delay)
        });
        Ok(())
    }

    /// How many count against the quota of a zone.
    fn nats_in(&self, zone: &str) -> usize {
        let in_zone = |nat: &&OwnedNat| {
            let subnet = self.ec2.subnets.get(&nat.shown.subnet);
            nat.lives(self.clock) && subnet.is_some_and(|subnet| subnet.zone == zone)
        };
        self.ec2.nat_gateways.all().filter(in_zone).count()
    }

    /// Why a NAT gateway made now will fail.
    fn nat_failure(&self, vpc: &str, allocation: &str) -> Option<String> {
        if self.attached_gateway(vpc).is_none() {
            return Some(format!(
                "Gateway.NotAttached: Network {vpc} has no Internet gateway attached"
            ));
        }
        let mut nats = self.ec2.nat_gateways.all();
        let taken = nats.any(|nat| nat.uses(allocation) && nat.holds(self.clock));
        taken.then(|| {
            format!("Resource.AlreadyAssociated: Elastic IP address [{allocation}] is already associated")
        })
    }
}

pub(super) fn no_nat(id: &str) -> Refusal {
    refused(
        "NatGatewayNotFound",
        format!("The Nat Gateway {id} was not found"),
    )
}

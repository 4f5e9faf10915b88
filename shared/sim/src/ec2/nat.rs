//! NAT gateways: pending, then available or failed (rule 37).
//!
//! AWS accepts the call and finds out later: without an internet gateway attached to the VPC, or with an address in
//! use, the gateway fails after a few seconds with `Gateway.NotAttached` or `Resource.AlreadyAssociated`. Both are judged
//! on what was there when it was created. A failed or deleted one is shown for an hour.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::ec2::{CreateNatGateway, DescribeNatGateways, NatGateway};

use super::filter::{Filtered, select};
use super::{SHOWN_FOR, not_found};
use crate::refusal::{Answer, refused};
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
            (Some(_), _) => "deleted",
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

    /// Whether somebody deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// Deletes it, at once.
    pub(crate) fn delete(&mut self, now: Timestamp) {
        self.deleted.get_or_insert(now);
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
        let taken = nats.any(|nat| nat.uses(allocation) && nat.failure.is_none() && nat.deleted.is_none());
        taken.then(|| {
            format!("Resource.AlreadyAssociated: Elastic IP address [{allocation}] is already associated")
        })
    }
}

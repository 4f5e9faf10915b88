//! Spot instances of groups: which of the instances are some, how they are taken back, and what is said of their health
//! from outside.
//!
//! A group with a policy of its own for instances replaces, one at a time and the new one first, those that are on demand
//! and should be spot, or the other way round; one with a launch template alone leaves them. Prices are not modelled, and
//! nothing is taken back unless a test says so.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use windlass_calls::autoscaling::{Launch, SetInstanceHealth};

use super::fleet::Event;
use super::{Fleet, LAUNCH, Seat, invalid};
use crate::refusal::Answer;
use crate::time::{after, seconds_after};
use crate::world::World;

/// From the notice until EC2 takes the instance back (rule 19).
const NOTICE: SignedDuration = SignedDuration::from_secs(120);

impl World {
    /// Gives a spot instance its notice: in two minutes EC2 takes it back, whatever holds it then (rule 19). `false` if
    /// there is no such spot instance, or it has its notice already.
    pub fn interrupt_spot(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.ec2.instances.get_mut(id);
        let Some(zone) = machine.and_then(|machine| machine.warn(after(now, NOTICE))) else {
            return false;
        };
        // The one kind of resource that has a zone in the place of its Region and account.
        let arn = format!("arn:aws:ec2:{zone}:instance/{id}");
        let detail = json!({ "instance-id": id, "instance-action": "terminate" });
        self.emit(
            "aws.ec2",
            "EC2 Spot Instance Interruption Warning",
            &arn,
            now,
            &detail,
        );
        true
    }

    /// Says that a spot instance is at risk, perhaps long before its notice. A group that rebalances launches its
    /// replacement, and lets it go when that is in service. `false` if there is no such spot instance.
    pub fn recommend_rebalance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.ec2.instances.get(id);
        if !machine.is_some_and(|machine| machine.is_spot() && machine.is_live()) {
            return false;
        }
        let arn = self.arn("ec2", &format!("instance/{id}"));
        let detail = json!({ "instance-id": id });
        let kind = "EC2 Instance Rebalance Recommendation";
        self.emit("aws.ec2", kind, &arn, now, &detail);
        let member = self.autoscaling.members.get(id);
        let group = member.and_then(|member| self.autoscaling.groups.get(&member.group));
        let group = group.filter(|fleet| fleet.settings.rebalance);
        if let Some(name) = group.map(|fleet| fleet.name().to_owned()) {
            self.replace(&name, id, now);
            self.run_groups(now);
        }
        true
    }

    /// An instance that is well is to be replaced: its replacement is launched first.
    pub(super) fn replace(&mut self, group: &str, id: &str, at: Timestamp) {
        if let Some(member) = self.autoscaling.members.get_mut(id) {
            member.well = member.marked.is_none();
            member.marked.get_or_insert(at);
        }
        self.not_before(group, at);
    }

    /// A grace period that counts is one that has not passed: within it nothing happens.
    pub(super) fn set_health(&mut self, call: &SetInstanceHealth) -> Answer<()> {
        let (now, id) = (self.clock, &call.instance);
        let unhealthy = match call.health.as_str() {
            "Unhealthy" => true,
            "Healthy" => false,
            other => {
                return Err(invalid(format!(
                    "Valid instance health states are: [Healthy, Unhealthy], and not {other}"
                )));
            }
        };
        let seat = self.seat(id).ok_or_else(|| {
            invalid(format!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            ))
        })?;
        let group = seat.member.group.clone();
        let fleet = self.named_fleet(&group)?;
        let grace = if call.respects_grace {
            fleet.settings.grace
        } else {
            0
        };
        let young = now < seconds_after(seat.in_service_from(&self.config), grace);
        if let Some(member) = self.autoscaling.members.get_mut(id) {
            match (unhealthy, member.leaving) {
                (true, None) if grace == 0 || !young => {
                    member.well = false;
                    member.marked.get_or_insert(now);
                }
                (false, None) => member.marked = None,
                _ => {}
            }
        }
        self.not_before(&group, now);
        self.run_groups(now);
        Ok(())
    }

    /// Whether the next instance of a group is a spot instance.
    pub(super) fn next_is_spot(&self, fleet: &Fleet, launch: &Launch) -> bool {
        let Some(spot) = launch.spot.as_ref().filter(|spot| spot.has_spot()) else {
            return false;
        };
        let counted = self.seats_of(fleet.name()).filter(Seat::counts);
        let on_demand = counted.filter(|seat| !seat.machine.is_spot()).count();
        on_demand >= spot.on_demand(fleet.desired) as usize
    }

    /// The next instance that is on demand and should be spot, or the other way round.
    pub(super) fn next_swap(&self, fleet: &Fleet, last: Timestamp) -> Option<(Timestamp, Event)> {
        let busy = fleet.refresh().is_some() || fleet.suspended.contains(LAUNCH);
        let complete = self.seats_of(fleet.name()).filter(Seat::counts).count() == fleet.wanted();
        let replacing = |seat: Seat| seat.member.marked.is_some() && seat.member.leaving.is_none();
        if !fleet.has_policy() || busy || !complete || self.seats_of(fleet.name()).any(replacing) {
            return None;
        }
        let surplus = self.surplus_is_spot(fleet)?;
        let mut counted = self.seats_of(fleet.name()).filter(Seat::counts);
        let first = counted.find(|seat| seat.machine.is_spot() == surplus)?;
        Some((last, Event::Swap(first.machine.id().to_owned())))
    }

    /// Of which kind a group has too many: spot instances (`true`), or such on demand; `None` if it has what its policy
    /// asks for.
    pub(super) fn surplus_is_spot(&self, fleet: &Fleet) -> Option<bool> {
        let counted = || self.seats_of(fleet.name()).filter(Seat::counts);
        let wanted = match &fleet.settings.spot {
            Some(spot) => spot.on_demand(fleet.desired) as usize,
            None if fleet.has_policy() => fleet.wanted(),
            None => return None,
        };
        let on_demand = counted().filter(|seat| !seat.machine.is_spot()).count();
        let spot = counted().count() - on_demand;
        if on_demand > wanted {
            Some(false)
        } else if spot > fleet.wanted() - wanted {
            Some(true)
        } else {
            None
        }
    }

    fn seat(&self, id: &str) -> Option<Seat<'_>> {
        let member = self.autoscaling.members.get(id)?;
        let machine = self.ec2.instances.get(id)?;
        Some(Seat { member, machine })
    }
}

impl Fleet {
    /// Whether it has a policy for its instances, and not a launch template alone.
    fn has_policy(&self) -> bool {
        !self.settings.instance_types.is_empty()
    }
}

impl Seat<'_> {
    /// When EC2 takes it back.
    pub(super) fn next_reclaim(&self) -> Option<(Timestamp, Event)> {
        let at = self.machine.reclaimed_from()?;
        let lives = self.machine.is_live();
        lives.then(|| (at, Event::Reclaim(self.machine.id().to_owned())))
    }
}

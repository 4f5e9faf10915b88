//! Groups changed and deleted by calls.

use std::cmp::Reverse;

use jiff::Timestamp;
use windlass_calls::autoscaling::{
    CreateOrUpdateTags, DeleteAutoScalingGroup, DeleteTags, GroupChange, GroupSettings, SetDesiredCapacity,
    UpdateAutoScalingGroup,
};

use super::{Fleet, Seat, check_bounds, check_desired, set_launch};
use crate::refusal::{Answer, refused};
use crate::world::World;

impl World {
    /// New bounds pull the desired capacity in. Instances that are too many then leave, what is missing is launched.
    pub(super) fn update_group(&mut self, call: &UpdateAutoScalingGroup) -> Answer<()> {
        let (change, fleet) = (&*call.change, self.named_fleet(&call.group)?);
        let mut settings = fleet.settings.clone();
        apply(change, &mut settings);
        check_bounds(&settings)?;
        let desired = match change.desired {
            Some(desired) => desired,
            None => fleet.desired.clamp(settings.min, settings.max),
        };
        check_desired(&settings, desired)?;
        if let Some(subnets) = &change.subnets {
            self.check_group_subnets(subnets)?;
        }
        if let Some(launch) = &change.launch {
            self.check_launch(launch)?;
        }
        let fleet = self.named_fleet_mut(&call.group)?;
        fleet.settings = settings;
        fleet.desired = desired;
        self.run_groups(self.clock);
        Ok(())
    }

    pub(super) fn set_desired(&mut self, call: &SetDesiredCapacity) -> Answer<()> {
        let GroupSettings { min, max, .. } = self.named_fleet(&call.group)?.settings;
        let wrong = if call.desired > max {
            Some(("above max", max))
        } else {
            (call.desired < min).then_some(("below min", min))
        };
        if let Some((side, bound)) = wrong {
            let message = format!(
                "New SetDesiredCapacity value {} is {side} value {bound} for the AutoScalingGroup.",
                call.desired
            );
            return Err(refused("ValidationError", message));
        }
        self.named_fleet_mut(&call.group)?.desired = call.desired;
        self.run_groups(self.clock);
        Ok(())
    }

    pub(super) fn set_group_tags(&mut self, call: &CreateOrUpdateTags) -> Answer<()> {
        let fleet = self.named_fleet_mut(&call.group)?;
        fleet.tags.extend(call.tags.clone());
        Ok(())
    }

    pub(super) fn delete_group_tags(&mut self, call: &DeleteTags) -> Answer<()> {
        let fleet = self.named_fleet_mut(&call.group)?;
        fleet.tags.retain(|key, _| !call.keys.contains(key));
        Ok(())
    }

    /// Instances that are on their way out are activities in progress.
    pub(super) fn delete_group(&mut self, call: &DeleteAutoScalingGroup) -> Answer<()> {
        let name = &call.group;
        self.named_fleet(name)?;
        if self.seats_of(name).any(|seat| !seat.is_leaving()) {
            let message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance \
                           request(s) still in the group.";
            return Err(refused("ResourceInUse", message));
        }
        if self.seats_of(name).next().is_some() {
            let message = "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.";
            return Err(refused("ScalingActivityInProgress", message));
        }
        self.autoscaling.groups.remove(name);
        Ok(())
    }

    /// Which of these instances a group gives up first when there are too many: what does not serve, then what is spot and
    /// should be on demand or the other way round, then the oldest version, then one of the fullest zone, then the oldest
    /// instance.
    pub(super) fn first_to_go<'a>(
        &'a self,
        fleet: &'a Fleet,
        seats: impl Iterator<Item = Seat<'a>>,
        now: Timestamp,
    ) -> Option<Seat<'a>> {
        let counted: Vec<_> = self.seats_of(fleet.name()).filter(Seat::counts).collect();
        let load = |zone: &str| counted.iter().filter(|seat| seat.machine.zone() == zone).count();
        let surplus = self.surplus_is_spot(fleet);
        seats.min_by_key(|seat| {
            let machine = seat.machine;
            let serves = self.serves_from(fleet, *seat, now) == Some(now);
            let fullest = Reverse(load(machine.zone()));
            (
                serves,
                surplus != Some(machine.is_spot()),
                machine.version(),
                fullest,
                machine.launched(),
                machine.id(),
            )
        })
    }
}

fn apply(change: &GroupChange, settings: &mut GroupSettings) {
    settings.min = change.min.unwrap_or(settings.min);
    settings.max = change.max.unwrap_or(settings.max);
    settings.grace = change.grace.unwrap_or(settings.grace);
    settings.warmup = change.warmup.unwrap_or(settings.warmup);
    settings.maintenance = change.maintenance.unwrap_or(settings.maintenance);
    settings.rebalance = change.rebalance.unwrap_or(settings.rebalance);
    if let Some(subnets) = &change.subnets {
        settings.subnets.clone_from(subnets);
    }
    if let Some(launch) = &change.launch {
        set_launch(settings, launch);
    }
}

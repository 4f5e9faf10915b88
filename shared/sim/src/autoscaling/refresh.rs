//! Instance refreshes: a group's instances replaced by ones of another launch template version, a few at a time.
//!
//! An old instance leaves as soon as enough others serve: are in service and healthy in every target group. When all are
//! replaced the refresh bakes, and then the version is the group's. Without an instance that gets healthy for the grace
//! period and [`WorldConfig::refresh_patience`](crate::WorldConfig) it fails, and rolls back if it is to: then the
//! group's own version is what the others are replaced by. Warmup, alarms and checkpoints are not modelled.

use jiff::Timestamp;
use windlass_calls::autoscaling::{
    CancelInstanceRefresh, DescribeInstanceRefreshes, Launch, Refresh, RefreshId, RefreshPreferences,
    StartInstanceRefresh,
};

use super::fleet::launch_types;
use super::{Fleet, Seat, invalid, launch_of, set_launch};
use crate::refusal::{Answer, refused};
use crate::time::{after, seconds_after};
use crate::world::World;

/// How many refreshes a describe shows.
const REFRESHES: usize = 20;
const STUCK: &str = "Replacement instances did not become healthy in time.";
const CANCELLED: &str = "Cancelled due to user request.";

/// A refresh, under way or ended.
#[derive(Debug, Clone)]
pub(crate) struct Refreshing {
    id: String,
    launch: Launch,
    preferences: RefreshPreferences,
    phase: Phase,
    /// How many instances there were to replace.
    total: usize,
    /// When it last got on.
    since: Timestamp,
}

#[derive(Debug, Clone)]
enum Phase {
    Replacing,
    Baking {
        until: Timestamp,
    },
    RollingBack,
    Ended {
        status: &'static str,
        reason: Option<&'static str>,
        percentage: u32,
    },
}

/// Something that happens to a refresh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// This instance can be spared.
    Retire(String),
    /// All instances are replaced, and serve.
    Replaced,
    /// They have been watched long enough.
    Baked,
    /// Nothing got healthy for too long.
    Stuck,
}

impl Refreshing {
    fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    fn replaces(&self) -> bool {
        matches!(self.phase, Phase::Replacing | Phase::RollingBack)
    }

    fn end(&mut self, status: &'static str, reason: Option<&'static str>, percentage: u32) {
        self.phase = Phase::Ended {
            status,
            reason,
            percentage,
        };
    }

    /// The fewest and the most instances of this many at a time: one can be replaced in any case.
    fn bounds(&self, wanted: usize) -> (usize, usize) {
        let (least, most) = self.preferences.healthy;
        let share = |percentage: u32| wanted.saturating_mul(percentage as usize);
        if least >= 100 {
            return (wanted, (share(most) / 100).max(wanted + 1));
        }
        let least = share(least).div_ceil(100).min(wanted.saturating_sub(1));
        (least, (share(most) / 100).max(wanted))
    }
}

impl Fleet {
    /// The refresh that is under way.
    pub(super) fn refresh(&self) -> Option<&Refreshing> {
        self.refreshes.front().filter(|refresh| !refresh.has_ended())
    }

    fn refresh_mut(&mut self) -> Option<&mut Refreshing> {
        self.refreshes.front_mut().filter(|refresh| !refresh.has_ended())
    }

    /// What the next instance is made from.
    pub(super) fn launch(&self) -> Launch {
        match self.refresh().map(|refresh| (&refresh.phase, &refresh.launch)) {
            Some((Phase::Replacing | Phase::Baking { .. }, launch)) => launch.clone(),
            _ => launch_of(&self.settings),
        }
    }
}

impl World {
    pub(super) fn describe_refreshes(&mut self, call: &DescribeInstanceRefreshes) -> Answer<Vec<Refresh>> {
        let fleet = self.named_fleet(&call.group)?;
        let refreshes = fleet.refreshes.iter();
        Ok(refreshes
            .map(|refresh| self.shown_refresh(fleet, refresh))
            .collect())
    }

    /// Without an instance to replace it is successful at once.
    pub(super) fn start_refresh(&mut self, call: &StartInstanceRefresh) -> Answer<RefreshId> {
        let fleet = self.named_fleet(&call.group)?;
        if fleet.refresh().is_some() {
            let message = "An Instance Refresh is already in progress and blocks the execution of this Instance \
                           Refresh.";
            return Err(refused("InstanceRefreshInProgress", message));
        }
        check_preferences(&call.preferences)?;
        self.check_launch(&call.launch)?;
        let total = self.odd(fleet, &call.launch).count();
        let number = self.next_number("instance-refresh");
        let id = format!("refresh-{number:08x}");
        let refresh = Refreshing {
            id: id.clone(),
            launch: call.launch.clone(),
            preferences: call.preferences.clone(),
            phase: Phase::Replacing,
            total,
            since: self.clock,
        };
        let fleet = self.named_fleet_mut(&call.group)?;
        fleet.refreshes.push_front(refresh);
        fleet.refreshes.truncate(REFRESHES);
        if total == 0 {
            self.succeed(&call.group);
        }
        self.run_groups(self.clock);
        Ok(RefreshId(id))
    }

    /// Instances stay as they are: what is too many leaves.
    pub(super) fn cancel_refresh(&mut self, call: &CancelInstanceRefresh) -> Answer<()> {
        let fleet = self.named_fleet(&call.group)?;
        let Some(refresh) = fleet.refresh() else {
            let message = format!(
                "No in progress or pending Instance Refresh found for Auto Scaling group {}",
                call.group
            );
            return Err(refused("ActiveInstanceRefreshNotFound", message));
        };
        let percentage = self.percentage(fleet, refresh);
        if let Some(refresh) = self.named_fleet_mut(&call.group)?.refresh_mut() {
            refresh.end("Cancelled", Some(CANCELLED), percentage);
        }
        self.run_groups(self.clock);
        Ok(())
    }

    fn shown_refresh(&self, fleet: &Fleet, refresh: &Refreshing) -> Refresh {
        let (status, reason) = match &refresh.phase {
            Phase::Replacing => ("InProgress", None),
            Phase::Baking { .. } => ("Baking", None),
            Phase::RollingBack => ("RollbackInProgress", Some(STUCK)),
            Phase::Ended { status, reason, .. } => (*status, *reason),
        };
        Refresh {
            id: refresh.id.clone(),
            status: status.into(),
            reason: reason.map(Into::into),
            percentage: self.percentage(fleet, refresh),
            version: Some(refresh.launch.version),
        }
    }

    /// How much of a refresh is done, and not rolled back.
    fn percentage(&self, fleet: &Fleet, refresh: &Refreshing) -> u32 {
        let odd = || self.odd(fleet, &fleet.launch()).count().min(refresh.total);
        let replaced = match &refresh.phase {
            Phase::Ended { percentage, .. } => return *percentage,
            Phase::Baking { .. } => refresh.total,
            Phase::Replacing => refresh.total - odd(),
            Phase::RollingBack => odd(),
        };
        let percentage = (replaced * 100).checked_div(refresh.total).unwrap_or(100);
        u32::try_from(percentage).unwrap_or(100)
    }

    /// How many instances a group wants to count on now.
    pub(super) fn goal(&self, fleet: &Fleet) -> usize {
        let wanted = fleet.wanted();
        match fleet.refresh().filter(|refresh| refresh.replaces()) {
            None => wanted,
            Some(refresh) => {
                let (_, most) = refresh.bounds(wanted);
                let odd = self.odd(fleet, &fleet.launch()).count();
                most.min(odd.saturating_add(wanted))
            }
        }
    }

    /// Instances that the group counts on and that are not made from this.
    fn odd<'a>(&'a self, fleet: &'a Fleet, launch: &'a Launch) -> impl Iterator<Item = Seat<'a>> {
        let counted = self.seats_of(fleet.name()).filter(Seat::counts);
        counted.filter(move |seat| !self.is_made_from(*seat, launch))
    }

    pub(super) fn is_made_from(&self, seat: Seat, launch: &Launch) -> bool {
        let machine = seat.machine;
        let template = self.ec2.launch_templates.get(&launch.launch_template);
        let data = template.and_then(|template| template.data(launch.version));
        let has_type = data.is_none_or(|data| {
            let mut types = launch_types(launch, data).iter();
            types.any(|one| one == machine.instance_type())
        });
        machine.launch_template() == launch.launch_template && machine.version() == launch.version && has_type
    }

    /// The first time from `from` on at which an instance serves; `None` if it never will.
    pub(super) fn serves_from(&self, fleet: &Fleet, seat: Seat, from: Timestamp) -> Option<Timestamp> {
        let from = from.max(seat.in_service_from(&self.config));
        let mut courses = self.courses(fleet, seat);
        let serves = courses.try_fold(from, |latest, course| {
            course.healthy_from(from).map(|at| latest.max(at))
        });
        serves.filter(|_| seat.machine.is_up())
    }

    /// The first time from `from` on at which an instance does not serve; `None` if it serves for good.
    fn out_from(&self, fleet: &Fleet, seat: Seat, from: Timestamp) -> Option<Timestamp> {
        if !seat.machine.is_up() || from < seat.in_service_from(&self.config) {
            return Some(from);
        }
        let courses = self.courses(fleet, seat);
        courses.filter_map(|course| course.out_from(from)).min()
    }

    /// What the refresh of a group does next, and when.
    pub(super) fn next_step(&self, fleet: &Fleet, last: Timestamp) -> Option<(Timestamp, Step)> {
        let refresh = fleet.refresh()?;
        if let Phase::Baking { until } = refresh.phase {
            return Some((until, Step::Baked));
        }
        let patience = after(
            seconds_after(refresh.since, fleet.settings.grace),
            self.config.refresh_patience,
        );
        let stuck = Some((patience, Step::Stuck));
        let next = self.next_replacement(fleet, refresh, last);
        next.into_iter().chain(stuck).min()
    }

    /// Looks at times alone and never at what is past, so that nothing depends on how often a world is asked.
    fn next_replacement(
        &self,
        fleet: &Fleet,
        refresh: &Refreshing,
        last: Timestamp,
    ) -> Option<(Timestamp, Step)> {
        let launch = fleet.launch();
        let counted = self.seats_of(fleet.name()).filter(Seat::counts);
        let (new, odd): (Vec<_>, Vec<_>) = counted.partition(|seat| self.is_made_from(*seat, &launch));
        if odd.is_empty() {
            let at = self.enough(fleet, &new, fleet.wanted(), last);
            return at.map(|at| (at, Step::Replaced));
        }
        let (kept, _) = refresh.bounds(fleet.wanted());
        let spare = self.enough(fleet, &new, (kept + 1).saturating_sub(odd.len()), last);
        let out = odd.iter().filter_map(|seat| self.out_from(fleet, *seat, last));
        let at = out.chain(spare).min()?;
        let retired = self.first_to_go(fleet, odd.iter().copied(), at)?;
        Some((at, Step::Retire(retired.machine.id().to_owned())))
    }

    /// The first time from `from` on at which this many of the instances serve.
    fn enough(&self, fleet: &Fleet, seats: &[Seat], count: usize, from: Timestamp) -> Option<Timestamp> {
        let serve = |at: Timestamp| {
            let serving = seats
                .iter()
                .filter(|seat| self.serves_from(fleet, **seat, at) == Some(at));
            serving.count()
        };
        let starts = seats
            .iter()
            .filter_map(|seat| self.serves_from(fleet, *seat, from));
        let mut starts: Vec<_> = starts.chain([from]).collect();
        starts.sort_unstable();
        starts.into_iter().find(|at| serve(*at) >= count)
    }

    pub(super) fn take_step(&mut self, name: &str, at: Timestamp, step: Step) {
        if let Step::Retire(id) = &step {
            self.let_go(name, id, at);
        }
        let Some(fleet) = self.autoscaling.groups.get(name) else {
            return;
        };
        let percentage = fleet
            .refresh()
            .map_or(0, |refresh| self.percentage(fleet, refresh));
        let Some(refresh) = self.autoscaling.groups.get_mut(name).and_then(Fleet::refresh_mut) else {
            return;
        };
        refresh.since = at;
        let RefreshPreferences { bake, rollback, .. } = refresh.preferences;
        match (&refresh.phase, step) {
            (_, Step::Retire(_)) | (Phase::Ended { .. }, _) => {}
            (Phase::RollingBack, Step::Stuck) => refresh.end("RollbackFailed", Some(STUCK), percentage),
            (Phase::RollingBack, _) => refresh.end("RollbackSuccessful", Some(STUCK), percentage),
            (_, Step::Stuck) if rollback => refresh.phase = Phase::RollingBack,
            (_, Step::Stuck) => refresh.end("Failed", Some(STUCK), percentage),
            (Phase::Replacing, _) if bake > 0 => {
                let until = seconds_after(at, bake);
                refresh.phase = Phase::Baking { until };
            }
            (Phase::Replacing | Phase::Baking { .. }, _) => self.succeed(name),
        }
    }

    /// What the refresh brought is the group's from now on.
    fn succeed(&mut self, name: &str) {
        let Some(fleet) = self.autoscaling.groups.get_mut(name) else {
            return;
        };
        if let Some(refresh) = fleet.refreshes.front_mut() {
            set_launch(&mut fleet.settings, &refresh.launch);
            refresh.end("Successful", None, 100);
        }
    }
}

fn check_preferences(preferences: &RefreshPreferences) -> Answer<()> {
    let (least, most) = preferences.healthy;
    if least <= 100 && (100..=200).contains(&most) && most - least <= 100 {
        return Ok(());
    }
    Err(invalid(
        "The healthy percentages of the instance refresh are out of range.".into(),
    ))
}

//! What a group does on its own, as events in the order of time: launch what is missing, give up on what is unhealthy or
//! gone, terminate it once its replacement is in service, forget it once it has drained.
//!
//! With a maintenance policy of at least 100 % a replacement is launched first, else the old instance goes first
//! (rule 61). Instances that are too many leave. A failed launch is tried again after a minute. Warm pools are
//! not modelled; `hook` adds what holds instances on their way, `refresh` what replaces them by ones of another version,
//! `spot` what is different for spot instances, `policy` what alarms do to its capacity,
//! `schedule` what the clock does to its bounds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::autoscaling::{Activity, GroupSettings, Launch, LifecycleHook, Policy, Transition};
use windlass_calls::ec2::{LaunchTemplateData, Subnet};

use super::hook::Hold;
use super::refresh::{Refreshing, Step};
use super::schedule::Planned;
use super::{LAUNCH, Member, Seat, launch_of, set_launch};
use crate::ec2::Start;
use crate::elb::Course;
use crate::time::{after, seconds_after};
use crate::world::World;

/// Until a failed launch is tried again.
const RETRIED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// How many activities a describe shows.
const ACTIVITIES: usize = 20;

/// A group.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(super) arn: String,
    pub(super) settings: GroupSettings,
    pub(crate) tags: Tags,
    pub(super) desired: u32,
    /// Metrics of its sizes that it reports.
    pub(super) metrics: BTreeSet<String>,
    pub(super) suspended: BTreeSet<String>,
    /// Lifecycle hooks by name.
    pub(super) hooks: BTreeMap<String, LifecycleHook>,
    /// Scheduled actions by name.
    pub(super) schedule: BTreeMap<String, Planned>,
    /// Step scaling policies by name.
    pub(super) policies: BTreeMap<String, Policy>,
    /// The newest first.
    pub(super) activities: VecDeque<Activity>,
    /// The newest first.
    pub(super) refreshes: VecDeque<Refreshing>,
    /// Not before this time does it launch again.
    next_launch: Timestamp,
}

/// Something that happens to a group on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The instance has drained, or was gone already.
    Forget(String),
    /// The instance has drained, and waits for the group's hooks.
    Hold(String),
    /// The instance was launched, and waits for the group's hooks.
    Announce(String),
    /// A hook gave the launching instance up.
    Abandon(String),
    /// The instance is found unhealthy or gone.
    GiveUp(String),
    /// The instance's replacement is there, or the group does not want it any more.
    Terminate(String),
    /// EC2 takes the spot instance back.
    Reclaim(String),
    /// The instance is spot and should be on demand, or the other way round.
    Swap(String),
    /// The instance refresh goes on.
    Refresh(Step),
    /// The scheduled action sets the group's bounds.
    Bounds(String),
    /// One instance is missing.
    Launch,
}

impl Fleet {
    pub(super) fn new(
        arn: String,
        settings: &GroupSettings,
        desired: u32,
        tags: &Tags,
        now: Timestamp,
    ) -> Self {
        let launch = launch_of(settings);
        let mut settings = settings.clone();
        set_launch(&mut settings, &launch);
        Self {
            arn,
            tags: tags.clone(),
            desired,
            settings,
            metrics: BTreeSet::new(),
            suspended: BTreeSet::new(),
            hooks: BTreeMap::new(),
            schedule: BTreeMap::new(),
            policies: BTreeMap::new(),
            activities: VecDeque::new(),
            refreshes: VecDeque::new(),
            next_launch: now,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Suspends or resumes a process.
    pub(crate) fn suspend(&mut self, process: &str, suspended: bool) {
        if suspended {
            self.suspended.insert(process.to_owned());
        } else {
            self.suspended.remove(process);
        }
    }

    fn record(&mut self, activity: Activity) {
        self.activities.push_front(activity);
        self.activities.truncate(ACTIVITIES);
    }
}

impl World {
    /// All instances of groups, in the order of launch.
    pub(super) fn seats(&self) -> impl Iterator<Item = Seat<'_>> {
        self.autoscaling.members.iter().filter_map(|(id, member)| {
            let machine = self.ec2.instances.get(id)?;
            Some(Seat { member, machine })
        })
    }

    /// The instances of a group, in the order of launch.
    pub(super) fn seats_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = Seat<'a>> {
        self.seats().filter(move |seat| seat.member.group == group)
    }

    /// The instances that their groups have registered with a target group.
    pub(crate) fn registered<'a>(&'a self, target_group: &'a str) -> impl Iterator<Item = Seat<'a>> {
        self.seats().filter(move |seat| {
            let fleet = self.autoscaling.groups.get(&seat.member.group);
            let registers =
                fleet.is_some_and(|fleet| fleet.settings.target_groups.iter().any(|arn| arn == target_group));
            registers && seat.in_service_from(&self.config) <= self.clock
        })
    }

    /// Terminates the instances whose group is gone.
    pub(crate) fn end_orphans(&mut self) {
        let (now, groups) = (self.clock, &self.autoscaling.groups);
        let orphan = |member: &Member| groups.get(&member.group).is_none();
        let members = self.autoscaling.members.iter();
        let orphans: Vec<String> = members
            .filter(|(_, member)| orphan(member))
            .map(|(id, _)| id.clone())
            .collect();
        for id in orphans {
            self.part(&id, now);
        }
    }

    /// A member leaves its group for good, and its instance is terminated.
    fn part(&mut self, id: &str, at: Timestamp) {
        self.autoscaling.members.remove(id);
        if let Some(machine) = self.ec2.instances.get_mut(id) {
            machine.terminate(at);
        }
    }

    /// Lets every group do what it does until then.
    pub(crate) fn run_groups(&mut self, now: Timestamp) {
        if self.autoscaling.groups.is_empty() {
            return;
        }
        let names: Vec<String> = self
            .autoscaling
            .groups
            .all()
            .map(|fleet| fleet.settings.name.clone())
            .collect();
        for name in names {
            // What a call made possible happens at the time of the call, and nothing happens before what it follows from.
            let mut last = self.clock;
            while let Some((at, event)) = self.next_event(&name, last).filter(|(at, _)| *at <= now) {
                last = at;
                self.happen(&name, at, event);
            }
        }
    }

    /// What a group does next, and when: not before what it did last.
    fn next_event(&self, name: &str, last: Timestamp) -> Option<(Timestamp, Event)> {
        let fleet = self.autoscaling.groups.get(name)?;
        let refreshes = self.next_step(fleet, last);
        self.seats_of(name)
            .filter_map(|seat| {
                let own = self.next_of(fleet, seat);
                own.into_iter().chain(seat.next_reclaim()).min()
            })
            .chain(self.next_launch(fleet))
            .chain(self.next_surplus(fleet, last))
            .chain(self.next_swap(fleet, last))
            .chain(refreshes.map(|(at, step)| (at, Event::Refresh(step))))
            .chain(fleet.next_action().map(|(at, name)| (at, Event::Bounds(name))))
            .map(|(at, event)| (at.max(last), event))
            .min()
    }

    fn next_launch(&self, fleet: &Fleet) -> Option<(Timestamp, Event)> {
        let counted = self.seats_of(fleet.name()).filter(Seat::counts).count();
        let missing = counted < self.goal(fleet);
        let launches = missing && !fleet.suspended.contains(LAUNCH);
        launches.then_some((fleet.next_launch, Event::Launch))
    }

    fn next_surplus(&self, fleet: &Fleet, last: Timestamp) -> Option<(Timestamp, Event)> {
        let counted = || self.seats_of(fleet.name()).filter(Seat::counts);
        if counted().count() <= self.goal(fleet) {
            return None;
        }
        let first = self.first_to_go(fleet, counted(), last)?;
        Some((last, Event::Terminate(first.machine.id().to_owned())))
    }

    fn next_of(&self, fleet: &Fleet, seat: Seat) -> Option<(Timestamp, Event)> {
        let id = || seat.machine.id().to_owned();
        match (seat.member.marked, seat.member.leaving) {
            (_, Some(leaving)) => Some(self.next_of_leaving(fleet, seat, leaving)),
            (Some(marked), None) => self
                .replaced(fleet, seat, marked)
                .map(|at| (at, Event::Terminate(id()))),
            (None, None) => {
                let given_up = self.given_up(fleet, seat).map(|at| (at, Event::GiveUp(id())));
                let hold = seat.member.launching.as_ref();
                let announced = hold.filter(|_| !seat.member.announced);
                let announced = announced.map(|hold| (hold.since, Event::Announce(id())));
                let abandoned = hold.and_then(Hold::abandoned_at);
                let abandoned = abandoned.map(|at| (at, Event::Abandon(id())));
                given_up.into_iter().chain(announced).chain(abandoned).min()
            }
        }
    }

    /// One that leaves drains, waits for the hooks, and is gone then. What is down already waits for nobody.
    fn next_of_leaving(&self, fleet: &Fleet, seat: Seat, leaving: Timestamp) -> (Timestamp, Event) {
        let id = seat.machine.id().to_owned();
        let drained = self.drained(fleet, seat, leaving);
        match &seat.member.terminating {
            _ if !seat.machine.is_up() || seat.member.is_abandoned() => (drained, Event::Forget(id)),
            Some(hold) => (
                hold.abandoned_at().unwrap_or(hold.released_at()),
                Event::Forget(id),
            ),
            None if Hold::of(fleet, Transition::Terminating, drained).is_some() => (drained, Event::Hold(id)),
            None => (drained, Event::Forget(id)),
        }
    }

    /// When the group gives up on an instance: it is stopped or gone, or unhealthy after its grace period.
    fn given_up(&self, fleet: &Fleet, seat: Seat) -> Option<Timestamp> {
        let registered = seat.in_service_from(&self.config);
        let judged = seconds_after(registered, fleet.settings.grace);
        let courses = self.courses(fleet, seat);
        let unhealthy = courses.filter_map(|course| course.unhealthy_from(judged)).min();
        seat.noticed_down().into_iter().chain(unhealthy).min()
    }

    /// How the checks of an instance go, in every target group that checks it.
    pub(super) fn courses(&self, fleet: &Fleet, seat: Seat) -> impl Iterator<Item = Course> {
        let registered = seat.in_service_from(&self.config);
        let groups = fleet.settings.target_groups.iter();
        groups.filter_map(move |arn| self.course(seat.machine, registered, arn))
    }

    /// When an instance that was given up on may go.
    fn replaced(&self, fleet: &Fleet, seat: Seat, marked: Timestamp) -> Option<Timestamp> {
        let launch_first = fleet.settings.maintenance.0 >= 100;
        if !seat.machine.is_up() || !launch_first {
            return Some(marked);
        }
        let counting = self.seats_of(fleet.name()).filter(Seat::counts);
        let mut in_service: Vec<_> = counting
            .map(|other| other.in_service_from(&self.config))
            .collect();
        in_service.sort_unstable();
        match fleet.wanted().checked_sub(1) {
            None => Some(marked),
            Some(last) => in_service.get(last).map(|at| marked.max(*at)),
        }
    }

    fn drained(&self, fleet: &Fleet, seat: Seat, leaving: Timestamp) -> Timestamp {
        if !seat.machine.is_up() || seat.member.is_abandoned() {
            return leaving;
        }
        let groups = fleet.settings.target_groups.iter();
        let delays = groups.filter_map(|arn| Some(self.elb.target_groups.get(arn)?.drain()));
        seconds_after(leaving, delays.max().unwrap_or(0))
    }

    fn happen(&mut self, name: &str, at: Timestamp, event: Event) {
        match event {
            Event::Launch => self.launch(name, at),
            Event::Bounds(action) => self.take_action(name, &action, at),
            Event::Forget(id) => self.part(&id, at),
            Event::GiveUp(id) => {
                if let Some(member) = self.autoscaling.members.get_mut(&id) {
                    member.marked = Some(at);
                }
                self.not_before(name, at);
            }
            Event::Swap(id) => self.replace(name, &id, at),
            Event::Reclaim(id) => {
                let machine = self.ec2.instances.get_mut(&id);
                machine.map(|machine| machine.terminate(at));
            }
            Event::Terminate(id) | Event::Abandon(id) => self.let_go(name, &id, at),
            Event::Announce(id) => {
                if let Some(member) = self.autoscaling.members.get_mut(&id) {
                    member.announced = true;
                }
                self.announce(name, &id, Transition::Launching, at);
            }
            Event::Hold(id) => {
                let fleet = self.autoscaling.groups.get(name);
                let hold = fleet.and_then(|fleet| Hold::of(fleet, Transition::Terminating, at));
                if let Some(member) = self.autoscaling.members.get_mut(&id) {
                    member.terminating = hold;
                }
                self.announce(name, &id, Transition::Terminating, at);
            }
            Event::Refresh(step) => self.take_step(name, at, step),
        }
    }

    /// An instance leaves: it drains, and is terminated then.
    pub(super) fn let_go(&mut self, name: &str, id: &str, at: Timestamp) {
        let cause = told(at, self.why_it_goes(name, id));
        if let Some(member) = self.autoscaling.members.get_mut(id) {
            member.leaving = Some(at);
        }
        self.record(
            name,
            Activity {
                description: format!("Terminating EC2 instance: {id}"),
                ..successful(cause)
            },
        );
    }

    /// Why an instance goes, in AWS's words.
    fn why_it_goes(&self, name: &str, id: &str) -> &'static str {
        let seat = self.seats_of(name).find(|seat| seat.machine.id() == id);
        let Some(seat) = seat else {
            return "";
        };
        let refreshed = self.autoscaling.groups.get(name).and_then(Fleet::refresh);
        if !seat.machine.is_up() {
            "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped."
        } else if seat
            .member
            .launching
            .as_ref()
            .is_some_and(|hold| hold.abandoned_at().is_some())
        {
            "an instance was taken out of service in response to a lifecycle action that was abandoned."
        } else if seat.member.marked.is_some() {
            "an instance was taken out of service in response to an ELB system health check failure."
        } else if refreshed.is_some() {
            "an instance was taken out of service in response to an instance refresh."
        } else {
            "an instance was taken out of service in response to a difference between desired and actual capacity."
        }
    }

    /// A need that arises now cannot be met earlier.
    pub(crate) fn not_before(&mut self, name: &str, at: Timestamp) {
        if let Some(fleet) = self.autoscaling.groups.get_mut(name) {
            fleet.next_launch = fleet.next_launch.max(at);
        }
    }

    fn launch(&mut self, name: &str, at: Timestamp) {
        match self.try_launch(name, at) {
            Ok(id) => {
                let cause = told(
                    at,
                    "an instance was started in response to a difference between desired and actual capacity",
                );
                self.record(
                    name,
                    Activity {
                        description: format!("Launching a new EC2 instance: {id}"),
                        ..successful(cause)
                    },
                );
            }
            Err(why) => {
                self.not_before(name, after(at, RETRIED_AFTER));
                let cause = told(
                    at,
                    "an instance was started in response to a difference between desired and actual capacity",
                );
                self.record(
                    name,
                    Activity {
                        description: "Launching a new EC2 instance".into(),
                        status: "Failed".into(),
                        message: Some(why),
                        ..successful(cause)
                    },
                );
            }
        }
    }

    fn try_launch(&mut self, name: &str, at: Timestamp) -> Result<String, String> {
        let fleet = self.autoscaling.groups.get(name).ok_or("The group is gone.")?;
        let launch = fleet.launch();
        let (id, version) = (&launch.launch_template, launch.version);
        let template = self.ec2.launch_templates.get(id);
        let template = template.ok_or("The launch template does not exist.")?;
        let data = template
            .data(version)
            .ok_or("The launch template version does not exist.")?;
        let subnet = self.emptiest(fleet).ok_or("The subnet does not exist.")?.clone();
        let types = launch_types(&launch, data);
        let spot = self.next_is_spot(fleet, &launch);
        let instance_type = self.first_to_start(types, &subnet.zone, spot)?.clone();
        let security_groups = data.security_groups.clone();
        let mut tags = template.launch_tags(version);
        tags.extend(fleet.tags.clone());
        tags.insert("aws:autoscaling:groupName".into(), name.to_owned());
        let machine = self.start(Start {
            template: (id.clone(), version),
            security_groups,
            instance_type,
            spot,
            subnet,
            tags,
            at,
        });
        let id = machine.id().to_owned();
        let fleet = self.autoscaling.groups.get(name);
        let launching = fleet.and_then(|fleet| Hold::of(fleet, Transition::Launching, at));
        self.autoscaling
            .members
            .insert(id.clone(), Member::new(name, launching));
        Ok(id)
    }

    /// The first of these types that can start in a zone; else why the first of all cannot.
    fn first_to_start<'a>(&self, types: &'a [String], zone: &str, spot: bool) -> Result<&'a String, String> {
        let mut why = None;
        for instance_type in types {
            match self.check_capacity(instance_type, zone, spot) {
                Ok(()) => return Ok(instance_type),
                Err(refusal) => why = why.or(Some(refusal)),
            }
        }
        Err(why.map_or_else(String::new, |refusal| refusal.words().to_owned()))
    }

    /// The subnet of the group with the fewest instances the group counts on; during a refresh, with the fewest new ones.
    fn emptiest(&self, fleet: &Fleet) -> Option<&Subnet> {
        let launch = fleet.refresh().map(|_| fleet.launch());
        let stays = |seat: &Seat| {
            let launch = launch.as_ref();
            seat.counts() && launch.is_none_or(|launch| self.is_made_from(*seat, launch))
        };
        let load = |subnet: &&String| {
            let in_it = |seat: &Seat| stays(seat) && seat.machine.subnet() == **subnet;
            self.seats_of(fleet.name()).filter(in_it).count()
        };
        let subnet = fleet.settings.subnets.iter().min_by_key(load)?;
        self.ec2.subnets.get(subnet)
    }

    fn record(&mut self, name: &str, activity: Activity) {
        let id = self.next_id("activity");
        if let Some(fleet) = self.autoscaling.groups.get_mut(name) {
            fleet.record(Activity { id, ..activity });
        }
    }
}

/// An activity that went well, for this reason.
fn successful(cause: String) -> Activity {
    Activity {
        id: String::new(),
        description: String::new(),
        status: "Successful".into(),
        message: None,
        cause,
    }
}

/// Words of AWS's with the time before them.
fn told(at: Timestamp, words: &str) -> String {
    let at = at.round(jiff::Unit::Second).unwrap_or(at);
    format!("At {at} {words}")
}

impl Fleet {
    pub(super) fn wanted(&self) -> usize {
        usize::try_from(self.desired).unwrap_or(usize::MAX)
    }
}

/// The types to choose from in order of preference.
pub(super) fn launch_types<'a>(launch: &'a Launch, data: &'a LaunchTemplateData) -> &'a [String] {
    match launch.instance_types.as_slice() {
        [] => std::slice::from_ref(&data.instance_type),
        [_] if launch.spot.is_none() => std::slice::from_ref(&data.instance_type),
        types => types,
    }
}

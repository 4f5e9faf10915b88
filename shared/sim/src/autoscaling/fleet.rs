//! What a group does on its own, as events in the order of time: launch what is missing, give up on what is unhealthy or
//! gone, terminate it once its replacement is in service, forget it once it has drained.
//!
//! With a maintenance policy of at least 100 % a replacement is launched first, else the old instance goes first
//! (rule 61). A failed launch is tried again after a minute. Hooks, warm pools and scaling are not modelled.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::autoscaling::{Activity, GroupSettings};

use super::Machine;
use crate::elb::DRAIN;
use crate::time::{after, seconds_after};
use crate::world::World;

/// Until a failed launch is tried again.
const RETRIED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// How many activities a describe shows.
const ACTIVITIES: usize = 20;
/// The process that launches instances (rule 62).
const LAUNCH: &str = "Launch";

/// A group.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(super) arn: String,
    pub(super) settings: GroupSettings,
    pub(crate) tags: Tags,
    pub(super) desired: u32,
    pub(super) suspended: BTreeSet<String>,
    /// The newest first.
    pub(super) activities: VecDeque<Activity>,
    /// Not before this time does it launch again.
    next_launch: Timestamp,
}

/// Something that happens to a group on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The instance has drained, or was gone already.
    Forget(String),
    /// The instance is found unhealthy or gone.
    GiveUp(String),
    /// The instance's replacement is there.
    Terminate(String),
    /// One instance is missing.
    Launch,
}

impl Fleet {
    pub(super) fn new(arn: String, settings: &GroupSettings, tags: &Tags, now: Timestamp) -> Self {
        let mut settings = settings.clone();
        if settings.instance_types.len() == 1 {
            // The adapter writes overrides for several types only: one is left to the template, and shows as none.
            settings.instance_types.clear();
        }
        Self {
            arn,
            tags: tags.clone(),
            desired: settings.min,
            settings,
            suspended: BTreeSet::new(),
            activities: VecDeque::new(),
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
    /// The instances of a group, in the order of launch.
    pub(super) fn machines_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Machine> {
        self.autoscaling
            .machines
            .values()
            .filter(move |machine| machine.group == group)
    }

    /// The instances registered with a target group.
    pub(crate) fn registered<'a>(&'a self, target_group: &'a str) -> impl Iterator<Item = &'a Machine> {
        self.autoscaling.machines.values().filter(move |machine| {
            let fleet = self.autoscaling.groups.get(&machine.group);
            let registers =
                fleet.is_some_and(|fleet| fleet.settings.target_groups.iter().any(|arn| arn == target_group));
            registers && machine.in_service_from(&self.config) <= self.clock
        })
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
            while let Some((at, event)) = self.next_event(&name).filter(|(at, _)| *at <= now) {
                self.happen(&name, at, event);
            }
        }
    }

    /// What a group does next, and when.
    fn next_event(&self, name: &str) -> Option<(Timestamp, Event)> {
        let fleet = self.autoscaling.groups.get(name)?;
        let of_machines = self
            .machines_of(name)
            .filter_map(|machine| self.next_of(fleet, machine));
        of_machines.chain(self.next_launch(fleet)).min()
    }

    fn next_launch(&self, fleet: &Fleet) -> Option<(Timestamp, Event)> {
        let missing = self
            .machines_of(fleet.name())
            .filter(|machine| machine.counts())
            .count()
            < fleet.wanted();
        let launches = missing && !fleet.suspended.contains(LAUNCH);
        launches.then_some((fleet.next_launch, Event::Launch))
    }

    fn next_of(&self, fleet: &Fleet, machine: &Machine) -> Option<(Timestamp, Event)> {
        let id = || machine.id.clone();
        match (machine.marked, machine.leaving) {
            (_, Some(leaving)) => Some((self.drained(fleet, machine, leaving), Event::Forget(id()))),
            (Some(marked), None) => self
                .replaced(fleet, machine, marked)
                .map(|at| (at, Event::Terminate(id()))),
            (None, None) => self.given_up(fleet, machine).map(|at| (at, Event::GiveUp(id()))),
        }
    }

    /// When the group gives up on an instance: it is gone, or unhealthy after its grace period.
    fn given_up(&self, fleet: &Fleet, machine: &Machine) -> Option<Timestamp> {
        let judged = seconds_after(machine.in_service_from(&self.config), fleet.settings.grace);
        let courses = fleet
            .settings
            .target_groups
            .iter()
            .filter_map(|arn| self.course(machine, arn));
        let unhealthy = courses.filter_map(|course| course.unhealthy_from(judged)).min();
        machine.noticed_dead().into_iter().chain(unhealthy).min()
    }

    /// When an instance that was given up on may go.
    fn replaced(&self, fleet: &Fleet, machine: &Machine, marked: Timestamp) -> Option<Timestamp> {
        let launch_first = fleet.settings.maintenance.0 >= 100;
        if machine.dead.is_some() || !launch_first {
            return Some(marked);
        }
        let counting = self.machines_of(fleet.name()).filter(|other| other.counts());
        let mut in_service: Vec<_> = counting
            .map(|other| other.in_service_from(&self.config))
            .collect();
        in_service.sort_unstable();
        match fleet.wanted().checked_sub(1) {
            None => Some(marked),
            Some(last) => in_service.get(last).map(|at| marked.max(*at)),
        }
    }

    fn drained(&self, fleet: &Fleet, machine: &Machine, leaving: Timestamp) -> Timestamp {
        if machine.dead.is_some() {
            return leaving;
        }
        let delay = |arn: &String| {
            self.elb
                .target_groups
                .get(arn)?
                .attributes
                .get(DRAIN)?
                .parse()
                .ok()
        };
        let longest = fleet.settings.target_groups.iter().filter_map(delay).max();
        seconds_after(leaving, longest.unwrap_or(0))
    }

    fn happen(&mut self, name: &str, at: Timestamp, event: Event) {
        match event {
            Event::Launch => self.launch(name, at),
            Event::Forget(id) => {
                self.autoscaling.machines.remove(&id);
            }
            Event::GiveUp(id) => {
                if let Some(machine) = self.autoscaling.machines.get_mut(&id) {
                    machine.marked = Some(at);
                }
                self.not_before(name, at);
            }
            Event::Terminate(id) => {
                if let Some(machine) = self.autoscaling.machines.get_mut(&id) {
                    machine.leaving = Some(at);
                }
                let words = format!("Terminating EC2 instance: {id}");
                self.record(name, words, "Successful", None);
            }
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
                self.record(
                    name,
                    format!("Launching a new EC2 instance: {id}"),
                    "Successful",
                    None,
                );
            }
            Err(why) => {
                self.not_before(name, after(at, RETRIED_AFTER));
                self.record(name, "Launching a new EC2 instance".into(), "Failed", Some(why));
            }
        }
    }

    fn try_launch(&mut self, name: &str, at: Timestamp) -> Result<String, String> {
        if let Some(why) = &self.config.launch_failure {
            return Err(why.clone());
        }
        let fleet = self.autoscaling.groups.get(name).ok_or("The group is gone.")?;
        let template = self.ec2.launch_templates.get(&fleet.settings.launch_template);
        let template = template.ok_or("The launch template does not exist.")?;
        let (subnet, zone) = self.emptiest(fleet).ok_or("The subnet does not exist.")?;
        let own_type = [template.data.instance_type.clone()];
        let types: &[String] = if fleet.settings.instance_types.is_empty() {
            &own_type
        } else {
            &fleet.settings.instance_types
        };
        if !types
            .iter()
            .any(|instance_type| self.config.offers(instance_type, &zone))
        {
            let types = types.join(", ");
            return Err(format!(
                "Your requested instance type ({types}) is not supported in your requested Availability Zone ({zone})."
            ));
        }
        let mut tags = template.data.tags.clone();
        tags.extend(fleet.tags.clone());
        let connected = !self.config.instances_need_internet || self.reaches_internet(&subnet, at);
        let works = connected && !self.config.broken_app;
        let id = self.next_id("i");
        let machine = Machine {
            id: id.clone(),
            group: name.to_owned(),
            subnet,
            zone,
            tags,
            launched: at,
            works,
            sick: None,
            dead: None,
            marked: None,
            leaving: None,
        };
        self.autoscaling.machines.insert(id.clone(), machine);
        Ok(id)
    }

    /// The subnet of the group with the fewest instances the group counts on, and its zone.
    fn emptiest(&self, fleet: &Fleet) -> Option<(String, String)> {
        let load = |subnet: &&String| {
            let in_it = |machine: &&Machine| machine.counts() && machine.subnet == **subnet;
            self.machines_of(fleet.name()).filter(in_it).count()
        };
        let subnet = fleet.settings.subnets.iter().min_by_key(load)?;
        let zone = self.ec2.subnets.get(subnet)?.zone.clone();
        Some((subnet.clone(), zone))
    }

    fn record(&mut self, name: &str, description: String, status: &str, message: Option<String>) {
        let id = self.next_id("activity");
        if let Some(fleet) = self.autoscaling.groups.get_mut(name) {
            fleet.record(Activity {
                id,
                description,
                status: status.into(),
                message,
            });
        }
    }
}

impl Fleet {
    fn wanted(&self) -> usize {
        usize::try_from(self.desired).unwrap_or(usize::MAX)
    }
}

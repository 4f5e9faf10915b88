//! What happens to an account from outside: drift by other people, dying instances; and the list of all there is.
//!
//! Everything here takes effect at once, visible everywhere, at the world's clock. Deletions do not check
//! dependencies: what is left pointing at nothing stays so, as a blackhole route does.

use windlass_calls::Tags;
use windlass_calls::ec2::{Image, Rule};

use crate::world::World;

/// A resource that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Live {
    /// Its kind: `vpc`, `subnet`, `internet-gateway`, `address`, `nat-gateway`, `route-table`, `security-group`,
    /// `launch-template`, `load-balancer`, `target-group`, `listener`, `auto-scaling-group`, `instance`,
    /// `iam-role` or `instance-profile`.
    pub kind: &'static str,
    /// Id, ARN or name: what AWS knows it by.
    pub id: String,
    /// Its tags.
    pub tags: Tags,
}

impl World {
    /// Every resource that exists, visible or not. NAT gateways that failed or were deleted do not, nor do terminated
    /// instances.
    #[must_use]
    pub fn inventory(&self) -> Vec<Live> {
        let mut all = self.network();
        let (elb, groups) = (&self.elb, &self.autoscaling);
        all.extend(
            elb.balancers
                .all()
                .map(|it| live("load-balancer", it.arn(), &it.tags)),
        );
        all.extend(
            elb.target_groups
                .all()
                .map(|it| live("target-group", it.arn(), &it.tags)),
        );
        all.extend(
            elb.listeners
                .all()
                .map(|it| live("listener", &it.shown.arn, &it.tags)),
        );
        all.extend(
            groups
                .groups
                .all()
                .map(|it| live("auto-scaling-group", it.name(), &it.tags)),
        );
        let machines = groups.machines.values().filter(|machine| machine.is_live());
        all.extend(machines.map(|it| live("instance", it.id(), it.tags())));
        all.extend(
            self.iam
                .roles
                .values()
                .map(|it| live("iam-role", &it.shown.name, it.tags())),
        );
        let profiles = self.iam.profiles.values();
        all.extend(profiles.map(|it| live("instance-profile", &it.shown.name, &it.shown.tags)));
        all
    }

    fn network(&self) -> Vec<Live> {
        let ec2 = &self.ec2;
        let nats = ec2.nat_gateways.all().filter(|nat| nat.lives(self.clock));
        let mut all: Vec<Live> = ec2
            .vpcs
            .all()
            .map(|it| live("vpc", &it.shown.id, &it.shown.tags))
            .collect();
        all.extend(ec2.subnets.all().map(|it| live("subnet", &it.id, &it.tags)));
        all.extend(
            ec2.internet_gateways
                .all()
                .map(|it| live("internet-gateway", &it.id, &it.tags)),
        );
        all.extend(
            ec2.addresses
                .all()
                .map(|it| live("address", &it.allocation, &it.tags)),
        );
        all.extend(nats.map(|it| live("nat-gateway", it.id(), &it.shown.tags)));
        all.extend(
            ec2.route_tables
                .all()
                .map(|it| live("route-table", &it.id, &it.tags)),
        );
        all.extend(
            ec2.security_groups
                .all()
                .map(|it| live("security-group", &it.id, &it.tags)),
        );
        let templates = ec2.launch_templates.all();
        all.extend(templates.map(|it| live("launch-template", &it.shown.id, &it.shown.tags)));
        all
    }

    /// Deletes a resource behind our back, by its [`Live::id`]; `false` if there is none. A group takes its instances
    /// with it, a load balancer its listeners, a subnet its route-table association. Role and profile of one name go
    /// together.
    pub fn delete(&mut self, id: &str) -> bool {
        let (before, now) = (self.inventory().len(), self.clock);
        self.delete_from_ec2(id);
        if let Some(nat) = self.ec2.nat_gateways.get_mut(id) {
            nat.delete(now);
        }
        self.elb.balancers.remove(id);
        self.elb.target_groups.remove(id);
        self.elb
            .listeners
            .retain(|listener| listener.shown.arn != id && listener.shown.load_balancer != id);
        self.autoscaling.groups.remove(id);
        let groups = &self.autoscaling.groups;
        self.autoscaling
            .machines
            .retain(|_, machine| groups.get(machine.group()).is_some());
        self.iam.roles.remove(id);
        self.iam.profiles.remove(id);
        self.terminate_instance(id);
        self.inventory().len() < before
    }

    fn delete_from_ec2(&mut self, id: &str) {
        let ec2 = &mut self.ec2;
        ec2.vpcs.remove(id);
        if ec2.subnets.remove(id).is_some() {
            self.disassociate(id);
        }
        let ec2 = &mut self.ec2;
        ec2.internet_gateways.remove(id);
        ec2.addresses.remove(id);
        ec2.route_tables.remove(id);
        ec2.security_groups.remove(id);
        ec2.launch_templates.remove(id);
    }

    /// Terminates an instance behind its group's back; `false` if there is none. The group notices a minute later.
    pub fn terminate_instance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.autoscaling.machines.get_mut(id);
        machine.is_some_and(|machine| machine.die(now))
    }

    /// Makes the application of an instance stop answering for good; `false` if there is no such instance.
    pub fn break_instance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.autoscaling.machines.get_mut(id);
        machine.map(|machine| machine.fail(now)).is_some()
    }

    /// Suspends or resumes a process of a group, `Launch` say (rule 62).
    pub fn suspend_process(&mut self, group: &str, process: &str, suspended: bool) {
        if let Some(fleet) = self.autoscaling.groups.get_mut(group) {
            fleet.suspend(process, suspended);
        }
        self.not_before(group, self.clock);
    }

    /// Makes an image available, as its publisher would.
    pub fn register_image(&mut self, image: Image) {
        self.ec2.images.insert(image);
    }

    /// Deletes a route; `false` if there is none.
    pub fn delete_route(&mut self, route_table: &str, destination: &str) -> bool {
        let table = self.ec2.route_tables.get_mut(route_table);
        table.is_some_and(|table| removed(&mut table.routes, |route| route.destination == destination))
    }

    /// Takes a subnet's route table away; `false` if it has none.
    pub fn disassociate(&mut self, subnet: &str) -> bool {
        let mut tables = self.ec2.route_tables.all_mut();
        tables.any(|table| removed(&mut table.associations, |used| used.subnet == subnet))
    }

    /// Deletes a rule of a security group, inbound or outbound; `false` if there is none.
    pub fn delete_rule(&mut self, group: &str, rule: &Rule) -> bool {
        let group = self.ec2.security_groups.get_mut(group);
        group.is_some_and(|group| {
            let inbound = removed(&mut group.ingress, |present| present == rule);
            removed(&mut group.egress, |present| present == rule) || inbound
        })
    }
}

fn live(kind: &'static str, id: &str, tags: &Tags) -> Live {
    Live {
        kind,
        id: id.to_owned(),
        tags: tags.clone(),
    }
}

/// Removes what matches; `false` if nothing did.
fn removed<T>(items: &mut Vec<T>, matches: impl Fn(&T) -> bool) -> bool {
    let before = items.len();
    items.retain(|item| !matches(item));
    items.len() < before
}

//! What happens to an account from outside: drift by other people, dying instances; and the list of all there is. What
//! the owners of addresses and certificates do stands with SNS and ELB.
//!
//! Everything here takes effect at once, visible everywhere, at the world's clock. Deletions do not check
//! dependencies: what is left pointing at nothing stays so, as a blackhole route does. Network interfaces of a load
//! balancer go with it. Those that other people put in stand with the interfaces.

use windlass_calls::Tags;
use windlass_calls::ec2::{Image, Rule};

use crate::world::World;

/// A resource that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Live {
    /// Its kind: `vpc`, `subnet`, `internet-gateway`, `address`, `nat-gateway`, `route-table`, `security-group`,
    /// `vpc-endpoint`, `launch-template`, `load-balancer`, `target-group`, `listener`, `listener-rule`, `auto-scaling-group`,
    /// `instance`, `iam-role`, `instance-profile`, `alarm`, `dashboard`, `topic` or `log-group`.
    pub kind: &'static str,
    /// Id, ARN or name: what AWS knows it by.
    pub id: String,
    /// Its tags.
    pub tags: Tags,
}

impl World {
    /// Every resource that exists, visible or not. NAT gateways that failed or were deleted do not, nor do deleted
    /// endpoints and terminated instances. Dashboards have no tags.
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
        let rules = elb.rules.all();
        all.extend(rules.map(|it| live("listener-rule", &it.shown.arn, &it.tags)));
        all.extend(
            groups
                .groups
                .all()
                .map(|it| live("auto-scaling-group", it.name(), &it.tags)),
        );
        let machines = self.ec2.instances.all().filter(|machine| machine.is_live());
        all.extend(machines.map(|it| live("instance", it.id(), it.tags())));
        all.extend(
            self.iam
                .roles
                .values()
                .map(|it| live("iam-role", &it.shown.name, it.tags())),
        );
        let profiles = self.iam.profiles.values();
        all.extend(profiles.map(|it| live("instance-profile", &it.shown.name, &it.shown.tags)));
        all.extend(self.monitoring());
        all
    }

    fn monitoring(&self) -> Vec<Live> {
        let (alarms, dashboards) = (self.cloudwatch.alarms.all(), self.cloudwatch.dashboards.all());
        let mut all: Vec<Live> = alarms.map(|it| live("alarm", &it.shown.name, &it.tags)).collect();
        all.extend(dashboards.map(|(name, _)| live("dashboard", name, &Tags::new())));
        all.extend(self.sns.topics.all().map(|it| live("topic", &it.arn, &it.tags)));
        let log_groups = self.logs.groups.all();
        all.extend(log_groups.map(|it| live("log-group", &it.shown.name, &it.tags)));
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
        let endpoints = ec2.endpoints.all().filter(|endpoint| endpoint.lives());
        all.extend(endpoints.map(|it| live("vpc-endpoint", &it.shown.id, &it.shown.tags)));
        let templates = ec2.launch_templates.all();
        all.extend(templates.map(|it| live("launch-template", &it.shown.id, &it.shown.tags)));
        all
    }

    /// Deletes a resource behind our back, by its [`Live::id`]; `false` if there is none. A group takes its instances
    /// with it, a load balancer its listeners, a listener its rules, a subnet its route-table association, a topic its subscriptions. What has
    /// one name goes together, as a role and its profile do; see [`World::delete_one`].
    pub fn delete(&mut self, id: &str) -> bool {
        // A failed NAT gateway is in no inventory, and has to be deleted all the same.
        if self.ec2.nat_gateways.get_mut(id).is_some() {
            return self.delete_one("nat-gateway", id);
        }
        let all = self.inventory().into_iter();
        let kinds: Vec<_> = all.filter(|live| live.id == id).map(|live| live.kind).collect();
        kinds.iter().filter(|kind| self.delete_one(kind, id)).count() > 0
    }

    /// Deletes a resource of this [`Live::kind`] and [`Live::id`] behind our back; `false` if there is none.
    pub fn delete_one(&mut self, kind: &str, id: &str) -> bool {
        let now = self.clock;
        match kind {
            "nat-gateway" => {
                let nat = self.ec2.nat_gateways.get_mut(id).filter(|nat| !nat.is_deleted());
                nat.map(|nat| nat.delete(now)).is_some()
            }
            "vpc-endpoint" => {
                let endpoints = &mut self.ec2.endpoints;
                let endpoint = endpoints.get_mut(id).filter(|endpoint| endpoint.lives());
                endpoint.map(|endpoint| endpoint.delete(now)).is_some()
            }
            "instance" => self.terminate_instance(id),
            "subnet" => {
                self.disassociate(id);
                self.ec2.subnets.remove(id).is_some()
            }
            "load-balancer" => {
                for listener in self.listeners_of(id) {
                    self.take_listener(&listener);
                }
                self.elb.balancers.remove(id).is_some()
            }
            "listener" => self.take_listener(id),
            "auto-scaling-group" => {
                let found = self.autoscaling.groups.remove(id).is_some();
                self.end_orphans();
                found
            }
            _ => self.take(kind, id),
        }
    }

    fn take_listener(&mut self, arn: &str) -> bool {
        for rule in self.rules_of(arn) {
            self.elb.rules.remove(&rule);
        }
        self.elb.listeners.remove(arn).is_some()
    }

    /// Deletes what nothing else depends on.
    fn take(&mut self, kind: &str, id: &str) -> bool {
        let (ec2, elb, iam) = (&mut self.ec2, &mut self.elb, &mut self.iam);
        match kind {
            "vpc" => ec2.vpcs.remove(id).is_some(),
            "internet-gateway" => ec2.internet_gateways.remove(id).is_some(),
            "address" => ec2.addresses.remove(id).is_some(),
            "route-table" => ec2.route_tables.remove(id).is_some(),
            "security-group" => ec2.security_groups.remove(id).is_some(),
            "launch-template" => ec2.launch_templates.remove(id).is_some(),
            "target-group" => elb.target_groups.remove(id).is_some(),
            "listener-rule" => elb.rules.remove(id).is_some(),
            "iam-role" => iam.roles.remove(id).is_some(),
            "instance-profile" => iam.profiles.remove(id).is_some(),
            "alarm" => self.cloudwatch.alarms.remove(id).is_some(),
            "dashboard" => self.cloudwatch.dashboards.remove(id).is_some(),
            "topic" => self.sns.topics.remove(id).is_some(),
            "log-group" => self.logs.groups.remove(id).is_some(),
            _ => false,
        }
    }

    /// Terminates an instance; `false` if there is none. Its group notices a minute later; from a target group that it
    /// was put into by hand it disappears once it has drained.
    pub fn terminate_instance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.ec2.instances.get_mut(id);
        machine.is_some_and(|machine| machine.terminate(now))
    }

    /// Stops an instance; `false` if there is none that runs. Its group notices a minute later and replaces it.
    pub fn stop_instance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.ec2.instances.get_mut(id);
        machine.is_some_and(|machine| machine.stop(now))
    }

    /// Makes the application of an instance stop answering for good; `false` if there is no such instance.
    pub fn break_instance(&mut self, id: &str) -> bool {
        let now = self.clock;
        let machine = self.ec2.instances.get_mut(id).filter(|machine| machine.is_live());
        machine.map(|machine| machine.fail(now)).is_some()
    }

    /// Takes an instance out of a target group that it was put into by hand; `false` if it is not in it.
    pub fn deregister_target(&mut self, target_group: &str, id: &str) -> bool {
        let group = self.elb.target_groups.get_mut(target_group);
        group.is_some_and(|group| group.targets.remove(id).is_some())
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

//! The shape of a world: every setting that AWS can be asked for, with each id replaced by the logical id of what it
//! stands for. Two stacks of one shape are the same stack, whatever led to it (I13).
//!
//! Left out: ids, generated names and addresses, the numbers of launch template versions (whether it is the newest one
//! stays), the desired capacity and the group's own instances, how often something was made, and the tags that people
//! chose, which are set when something is made and never changed.

use std::collections::BTreeSet;
use std::fmt::Debug;

use jiff::Timestamp;
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, DescribePolicies, Policy};
use windlass_calls::cloudwatch::{DescribeAlarms, GetDashboard};
use windlass_calls::ec2::{
    DescribeAddresses, DescribeInstances, DescribeInternetGateways, DescribeLaunchTemplateVersions,
    DescribeLaunchTemplates, DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups,
    DescribeSubnets, DescribeVpcAttribute, DescribeVpcEndpoints, DescribeVpcs, EndpointAccess,
};
use windlass_calls::elb::{
    DescribeListeners, DescribeLoadBalancerAttributes, DescribeLoadBalancers, DescribeRules, DescribeTags,
    DescribeTargetGroupAttributes, DescribeTargetGroups, DescribeTargetHealth,
};
use windlass_calls::iam::{GetInstanceProfile, GetRole, GetRolePolicy, ListAttachedRolePolicies};
use windlass_calls::logs::DescribeLogGroups;
use windlass_calls::sns::ListSubscriptionsByTopic;
use windlass_calls::{Call, CallError, Filters, Tags};
use windlass_planner::Id;
use windlass_planner::names::{INCARNATION_TAG, INSTANCE_POLICY, RESOURCE_TAG, STACK_TAG, VERSION_TAG};
use windlass_sim::{Live, World};

use crate::lab::{Lab, stack};

/// One line per setting, in order.
pub type Shape = BTreeSet<String>;

/// The shape of a lab's account, once everything in it shows.
///
/// # Errors
/// Something of the inventory cannot be described.
pub fn shape(lab: &Lab) -> Result<Shape, String> {
    let mut world = lab.sim.world().clone();
    let now = lab.sim.now() + lab.settings.consistency;
    world.settle(now);
    let mut camera = Camera::new(world, now);
    camera.network().map_err(|error| error.to_string())?;
    camera.endpoints().map_err(|error| error.to_string())?;
    camera.compute(lab).map_err(|error| error.to_string())?;
    camera.balancing().map_err(|error| error.to_string())?;
    camera.access().map_err(|error| error.to_string())?;
    camera.monitoring(lab).map_err(|error| error.to_string())?;
    Ok(camera.shape)
}

/// What only one of two shapes has, in words; nothing if they are the same.
#[must_use]
pub fn difference(this: &Shape, other: &Shape) -> Option<String> {
    let less = this.difference(other).map(|line| format!("only here:  {line}"));
    let more = other.difference(this).map(|line| format!("only there: {line}"));
    let lines: Vec<String> = less.chain(more).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

struct Camera {
    world: World,
    now: Timestamp,
    /// What there is.
    live: Vec<Live>,
    /// What AWS knows something by, and what stands for it; the longest first, for some begin as others do.
    names: Vec<(String, String)>,
    shape: Shape,
}

impl Camera {
    fn new(mut world: World, now: Timestamp) -> Self {
        let live = world.inventory();
        let mut names: Vec<(String, String)> = live.iter().map(|it| (it.id.clone(), logical(it))).collect();
        let balancers = world.call(now, DescribeLoadBalancers { name: None }).into_iter();
        for balancer in balancers.flatten() {
            names.push((balancer.dns_name, "<load-balancer.dns>".into()));
            names.push((balancer.name, "<load-balancer.name>".into()));
        }
        for group in live.iter().filter(|it| it.kind == "auto-scaling-group") {
            let group = group.id.clone();
            let policies = world.call(now, DescribePolicies { group }).into_iter();
            let stands = |policy: Policy| (policy.arn, format!("<scaling-policy {}>", policy.settings.name));
            names.extend(policies.flatten().map(stands));
        }
        let groups = world.call(now, DescribeTargetGroups { name: None }).into_iter();
        names.extend(
            groups
                .flatten()
                .map(|group| (group.name, "<target-group.name>".into())),
        );
        // Alarms and dashboards know load balancers and target groups by the end of their ARNs.
        let ends: Vec<(String, String)> = names
            .iter()
            .filter_map(|(id, name)| Some((end(id)?, format!("{name}.end"))))
            .collect();
        names.extend(ends);
        // Of the names of a group any will do.
        let base = windlass_planner::names::stack(&stack());
        let others = ["b", "c", "d", "e", "f"].map(|ending| format!("{base}.{ending}"));
        names.retain(|(id, _)| *id != base && !others.contains(id));
        names.extend(others.map(|name| (name, base.clone())));
        names.sort_by_key(|(id, _)| (std::cmp::Reverse(id.len()), id.clone()));
        Self {
            world,
            now,
            live,
            names,
            shape: Shape::new(),
        }
    }

    fn ask<C: Call>(&mut self, call: C) -> Result<C::Response, CallError> {
        self.world.call(self.now, call)
    }

    /// A text with logical ids in place of AWS's.
    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in &self.names {
            if text.contains(id.as_str()) {
                text = text.replace(id.as_str(), name);
            }
        }
        text
    }

    /// The same of a list in no particular order.
    fn list(&self, ids: &mut [String]) {
        for id in ids.iter_mut() {
            *id = self.text(id);
        }
        ids.sort();
    }

    fn note(&mut self, what: impl Debug) {
        let line = self.text(&format!("{what:?}"));
        self.shape.insert(line);
    }

    fn lives(&self, kind: &str, id: &str) -> bool {
        self.live.iter().any(|it| it.kind == kind && it.id == id)
    }

    fn of(&self, kind: &str) -> Vec<Live> {
        self.live.iter().filter(|it| it.kind == kind).cloned().collect()
    }

    fn network(&mut self) -> Result<(), CallError> {
        for mut vpc in self.ask(DescribeVpcs {
            filters: Filters::new(),
        })? {
            tidy(&mut vpc.tags);
            let dns = self.ask(DescribeVpcAttribute { vpc: vpc.id.clone() })?;
            self.note((vpc, dns));
        }
        for mut subnet in self.ask(DescribeSubnets {
            filters: Filters::new(),
        })? {
            tidy(&mut subnet.tags);
            self.note(subnet);
        }
        for mut gateway in self.ask(DescribeInternetGateways {
            filters: Filters::new(),
        })? {
            tidy(&mut gateway.tags);
            self.note(gateway);
        }
        for mut address in self.ask(DescribeAddresses {
            filters: Filters::new(),
        })? {
            tidy(&mut address.tags);
            address.public_ip.clear();
            address.association = address.association.map(|_| "used".into());
            self.note(address);
        }
        for mut nat in self.ask(DescribeNatGateways {
            filters: Filters::new(),
        })? {
            tidy(&mut nat.tags);
            if self.lives("nat-gateway", &nat.id) {
                self.note(nat);
            }
        }
        self.routes()?;
        self.rules()
    }

    fn routes(&mut self) -> Result<(), CallError> {
        for mut table in self.ask(DescribeRouteTables {
            filters: Filters::new(),
        })? {
            if !self.lives("route-table", &table.id) {
                continue;
            }
            tidy(&mut table.tags);
            for route in std::mem::take(&mut table.routes) {
                self.note((&table.id, route));
            }
            for association in std::mem::take(&mut table.associations) {
                self.note((&table.id, "serves", association.subnet));
            }
            self.note(table);
        }
        Ok(())
    }

    fn rules(&mut self) -> Result<(), CallError> {
        for mut group in self.ask(DescribeSecurityGroups {
            filters: Filters::new(),
        })? {
            if !self.lives("security-group", &group.id) {
                continue;
            }
            tidy(&mut group.tags);
            for rule in std::mem::take(&mut group.ingress) {
                self.note((&group.id, "in", rule));
            }
            for rule in std::mem::take(&mut group.egress) {
                self.note((&group.id, "out", rule));
            }
            self.note(group);
        }
        Ok(())
    }

    fn endpoints(&mut self) -> Result<(), CallError> {
        for mut endpoint in self.ask(DescribeVpcEndpoints {
            filters: Filters::new(),
        })? {
            if !self.lives("vpc-endpoint", &endpoint.id) {
                continue;
            }
            tidy(&mut endpoint.tags);
            match &mut endpoint.access {
                EndpointAccess::Gateway { route_tables } => self.list(route_tables),
                EndpointAccess::Interface {
                    subnets,
                    security_groups,
                } => {
                    self.list(subnets);
                    self.list(security_groups);
                }
            }
            self.note(endpoint);
        }
        Ok(())
    }

    fn compute(&mut self, lab: &Lab) -> Result<(), CallError> {
        let wanted = Id::only("group-metrics");
        let reported = lab
            .state()
            .is_some_and(|state| state.resources.contains_key(&wanted));
        let mut newest = Vec::new();
        for mut template in self.ask(DescribeLaunchTemplates {
            filters: Filters::new(),
        })? {
            let launch_template = template.id.clone();
            for mut version in self.ask(DescribeLaunchTemplateVersions { launch_template })? {
                newest.push((template.id.clone(), version.version));
                version.version = 0;
                tidy(&mut version.data.tags);
                self.note(version);
            }
            tidy(&mut template.tags);
            (template.default_version, template.latest_version) = (0, 0);
            self.note(template);
        }
        for group in self.of("auto-scaling-group") {
            for policy in self.ask(DescribePolicies {
                group: group.id.clone(),
            })? {
                self.note(policy);
            }
            for mut group in self.ask(DescribeAutoScalingGroups {
                names: vec![group.id],
            })? {
                let made = (group.settings.launch_template.clone(), group.settings.version);
                group.settings.version = u64::from(newest.contains(&made));
                group.desired = 0;
                group.arn.clear();
                // What is left of a share of spot instances that was turned off: the one type, which is the template's.
                if group.settings.spot.is_none() && group.settings.instance_types.len() == 1 {
                    group.settings.instance_types.clear();
                }
                // Without charge, and AWS keeps them for those who look.
                if !reported {
                    group.metrics.clear();
                }
                group.instances.clear();
                tidy(&mut group.tags);
                self.list(&mut group.settings.subnets);
                self.list(&mut group.settings.target_groups);
                self.note(group);
            }
        }
        for mut instance in self.ask(DescribeInstances {
            filters: Filters::new(),
        })? {
            let resource = instance.tags.get(RESOURCE_TAG);
            let fixed = resource.is_some_and(|resource| resource.starts_with("instance/"));
            if fixed && self.lives("instance", &instance.id) {
                tidy(&mut instance.tags);
                instance.launched = None;
                self.note(instance);
            }
        }
        Ok(())
    }

    fn balancing(&mut self) -> Result<(), CallError> {
        for mut balancer in self.ask(DescribeLoadBalancers { name: None })? {
            self.list(&mut balancer.subnets);
            self.list(&mut balancer.security_groups);
            let load_balancer = balancer.arn.clone();
            let attributes = self.ask(DescribeLoadBalancerAttributes {
                load_balancer: load_balancer.clone(),
            })?;
            for listener in self.ask(DescribeListeners { load_balancer })? {
                self.listener_rules(&listener.arn)?;
                self.tags(&listener.arn)?;
                self.note(listener);
            }
            self.tags(&balancer.arn)?;
            self.note((balancer, attributes));
        }
        for group in self.ask(DescribeTargetGroups { name: None })? {
            let target_group = group.arn.clone();
            let attributes = self.ask(DescribeTargetGroupAttributes {
                target_group: target_group.clone(),
            })?;
            for target in self.ask(DescribeTargetHealth { target_group })? {
                // Those of a group come and go.
                let fixed = self
                    .names
                    .iter()
                    .any(|(id, name)| *id == target.target && name.starts_with("<instance/"));
                if fixed {
                    self.note(("target", target));
                }
            }
            self.tags(&group.arn)?;
            self.note((group, attributes));
        }
        Ok(())
    }

    /// Rules of a listener, of whatever priority: one beside another has the next.
    fn listener_rules(&mut self, listener: &str) -> Result<(), CallError> {
        let listener = listener.to_owned();
        for mut rule in self.ask(DescribeRules { listener })? {
            rule.priority = 0;
            self.tags(&rule.arn)?;
            self.note(rule);
        }
        Ok(())
    }

    fn tags(&mut self, arn: &str) -> Result<(), CallError> {
        for mut described in self.ask(DescribeTags {
            resources: vec![arn.to_owned()],
        })? {
            tidy(&mut described.tags);
            self.note(described);
        }
        Ok(())
    }

    fn access(&mut self) -> Result<(), CallError> {
        for role in self.of("iam-role") {
            let mut shown = self.ask(GetRole {
                name: role.id.clone(),
            })?;
            tidy(&mut shown.tags);
            let policies = self.ask(ListAttachedRolePolicies {
                role: role.id.clone(),
            })?;
            let own = self.ask(GetRolePolicy {
                role: role.id,
                name: INSTANCE_POLICY.into(),
            });
            self.note((shown, policies, own.ok()));
        }
        for profile in self.of("instance-profile") {
            let mut shown = self.ask(GetInstanceProfile { name: profile.id })?;
            tidy(&mut shown.tags);
            self.note(shown);
        }
        Ok(())
    }

    fn monitoring(&mut self, lab: &Lab) -> Result<(), CallError> {
        for alarm in self.ask(DescribeAlarms {
            prefix: String::new(),
        })? {
            self.note(alarm);
        }
        for dashboard in self.of("dashboard") {
            let body = self.ask(GetDashboard {
                name: dashboard.id.clone(),
            })?;
            self.note((dashboard.id, body));
        }
        let state = lab.state();
        let recorded = |endpoint: &str| {
            let resources = state.iter().flat_map(|state| state.resources.keys());
            resources
                .into_iter()
                .any(|id| id.kind() == "subscription" && id.part().contains(endpoint))
        };
        for topic in self.of("topic") {
            for one in self.ask(ListSubscriptionsByTopic {
                topic: topic.id.clone(),
            })? {
                // One that was never confirmed cannot be taken off the list (rule 66).
                let confirmed = one.arn.starts_with("arn:");
                if confirmed || recorded(&one.endpoint) {
                    self.note((&topic.id, one.protocol, one.endpoint));
                }
            }
        }
        for group in self.ask(DescribeLogGroups {
            prefix: String::new(),
        })? {
            self.note(group);
        }
        for it in self.live.clone() {
            self.note((it.kind, logical(&it)));
        }
        Ok(())
    }
}

/// What stands for a resource: its logical id, and for a group's instances one word.
fn logical(it: &Live) -> String {
    let resource = it.tags.get(RESOURCE_TAG).map_or("foreign", String::as_str);
    match it.kind {
        "instance" if !resource.starts_with("instance/") => "<instance>".into(),
        "dashboard" => "<dashboard>".into(),
        _ => format!("<{resource}>"),
    }
}

/// The end of a load balancer's or target group's ARN, as metrics name it.
fn end(arn: &str) -> Option<String> {
    let (_, end) = arn.rsplit_once(':')?;
    let end = end.strip_prefix("loadbalancer/").unwrap_or(end);
    arn.starts_with("arn:aws:elasticloadbalancing:")
        .then(|| end.to_owned())
}

/// Leaves of tags what does not depend on how something came to be.
fn tidy(tags: &mut Tags) {
    let kept = |name: &str| name == "Name" || name.starts_with("windlass:");
    tags.retain(|name, _| kept(name) && ![VERSION_TAG, INCARNATION_TAG, STACK_TAG].contains(&name.as_str()));
}

//! What a spec promises, held against what AWS has. Pure.

use std::collections::BTreeSet;
use std::fmt::Display;

use windlass_calls::ec2::{Peer, RouteTarget, Rule, Subnet};
use windlass_calls::elb::Action;
use windlass_planner::{Id, StackOutputs, names};
use windlass_spec::{Endpoint, Mode, Nat, Scheme, Spec};

use crate::inventory::Inventory;

/// Collects differences.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Notes a difference between what is promised and what is there.
    fn compare<T: PartialEq + Display + Copy>(&mut self, what: &str, promised: T, there: T) {
        if promised != there {
            self.0
                .push(format!("{what}: the spec says {promised}, AWS has {there}"));
        }
    }

    /// Notes something that must hold.
    fn expect(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.0.push(what.into());
        }
    }
}

/// Every difference between a spec and what AWS has, in words; none if the promise is kept.
pub(crate) fn differences(spec: &Spec, there: &Inventory, outputs: &StackOutputs) -> Vec<String> {
    let mut found = Differences::default();
    network(spec, there, &mut found);
    ways_out(spec, there, &mut found);
    security(spec, there, &mut found);
    balancing(spec, there, &mut found);
    template(spec, there, &mut found);
    fleet(spec, there, &mut found);
    answered(there, outputs, &mut found);
    found.0
}

/// Subnets of one tier, told by where their default route leads.
fn tier(there: &Inventory, public: bool) -> Vec<&Subnet> {
    let subnets = there.subnets.iter();
    subnets
        .filter(|subnet| there.is_public(&subnet.id) == public)
        .collect()
}

fn network(spec: &Spec, there: &Inventory, found: &mut Differences) {
    found.compare("VPCs", 1, there.vpcs.len());
    for vpc in &there.vpcs {
        found.compare("network.cidr", &spec.network.cidr.to_string(), &vpc.cidr);
        found.compare("state of the VPC", "available", &vpc.state);
    }
    let zones = usize::from(spec.network.zones);
    for (name, public) in [("public", true), ("private", false)] {
        let subnets = tier(there, public);
        let in_zones: BTreeSet<&String> = subnets.iter().map(|subnet| &subnet.zone).collect();
        found.compare(&format!("{name} subnets"), zones, subnets.len());
        found.compare(&format!("zones with a {name} subnet"), zones, in_zones.len());
    }
    for subnet in &there.subnets {
        found.compare(&format!("state of {}", subnet.id), "available", &subnet.state);
    }
    found.compare("internet gateways", 1, there.internet_gateways.len());
    let attached = there
        .internet_gateways
        .iter()
        .flat_map(|gateway| &gateway.attachments);
    found.compare("attachments of the internet gateway", 1, attached.count());
}

fn ways_out(spec: &Spec, there: &Inventory, found: &mut Differences) {
    let nats = match spec.network.nat {
        Nat::PerZone => usize::from(spec.network.zones),
        Nat::Single => 1,
        Nat::None => 0,
    };
    found.compare("NAT gateways", nats, there.nat_gateways.len());
    found.compare("addresses of NAT gateways", nats, there.addresses.len());
    for nat in &there.nat_gateways {
        found.compare(&format!("state of {}", nat.id), "available", &nat.state);
        let outside = there.is_public(&nat.subnet);
        found.expect(outside, format!("{} is not in a public subnet", nat.id));
    }
    for subnet in tier(there, false) {
        let way_out = there.way_out(&subnet.id);
        if nats == 0 {
            found.expect(
                way_out.is_none(),
                format!("{} has a way out, though nat is none", subnet.id),
            );
            continue;
        }
        let Some(route) = way_out.filter(|route| route.state == "active") else {
            found.0.push(format!("{} has no active way out", subnet.id));
            continue;
        };
        let zone = nat_zone(there, route.target.as_ref());
        if spec.network.nat == Nat::PerZone {
            found.compare(
                &format!("zone of the NAT gateway of {}", subnet.id),
                &subnet.zone[..],
                zone,
            );
        }
    }
}

/// The zone of the NAT gateway that a route leads to.
fn nat_zone<'a>(there: &'a Inventory, target: Option<&RouteTarget>) -> &'a str {
    let Some(RouteTarget::NatGateway(id)) = target else {
        return "none";
    };
    let nat = there.nat_gateways.iter().find(|nat| nat.id == *id);
    let subnet = nat.and_then(|nat| there.subnets.iter().find(|subnet| subnet.id == nat.subnet));
    subnet.map_or("none", |subnet| &subnet.zone)
}

fn security(spec: &Spec, there: &Inventory, found: &mut Differences) {
    let gateways = BTreeSet::from([Endpoint::S3, Endpoint::DynamoDb]);
    let interfaces = !spec.network.endpoints.is_subset(&gateways);
    found.compare(
        "security groups",
        2 + usize::from(interfaces),
        there.security_groups.len(),
    );
    let clients = match spec.load_balancer.scheme {
        Scheme::InternetFacing => "0.0.0.0/0".to_owned(),
        Scheme::Internal => spec.network.cidr.to_string(),
    };
    let balancers = there.load_balancers.iter();
    let of_balancer: BTreeSet<&String> = balancers.flat_map(|balancer| &balancer.security_groups).collect();
    let (balancer, others): (Vec<_>, Vec<_>) = there
        .security_groups
        .iter()
        .partition(|group| of_balancer.contains(&group.id));
    let of_endpoints = Id::of("security-group", "endpoints");
    let (endpoints, instances): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|group| names::is(&group.tags, &of_endpoints));
    for group in endpoints {
        let instances = instances
            .iter()
            .map(|group| Rule::tcp(443, Peer::Group(group.id.clone())));
        found.expect(
            group.ingress == instances.collect::<Vec<_>>() && group.egress.is_empty(),
            format!(
                "{} lets in more or less than the instances on port 443",
                group.name
            ),
        );
    }
    for listener in &spec.load_balancer.listeners {
        let rule = Rule::tcp(listener.port, Peer::Cidr(clients.clone()));
        let open = balancer.iter().any(|group| group.ingress.contains(&rule));
        found.expect(
            open,
            format!(
                "port {} is not open to {clients} at the load balancer",
                listener.port
            ),
        );
    }
    let port = spec.compute.app.port;
    let only: Vec<Rule> = of_balancer
        .iter()
        .map(|id| Rule::tcp(port, Peer::Group((*id).clone())))
        .collect();
    for group in instances {
        let exactly = group.ingress == only;
        found.expect(
            exactly,
            format!(
                "{} lets in more or less than the load balancer on port {port}",
                group.name
            ),
        );
    }
}

fn balancing(spec: &Spec, there: &Inventory, found: &mut Differences) {
    found.compare("load balancers", 1, there.load_balancers.len());
    let scheme = match spec.load_balancer.scheme {
        Scheme::InternetFacing => "internet-facing",
        Scheme::Internal => "internal",
    };
    for balancer in &there.load_balancers {
        found.compare("state of the load balancer", "active", &balancer.state);
        found.compare("loadBalancer.scheme", scheme, &balancer.scheme);
        let zones = usize::from(spec.network.zones);
        found.compare("zones of the load balancer", zones, balancer.subnets.len());
    }
    let promised: BTreeSet<u16> = spec
        .load_balancer
        .listeners
        .iter()
        .map(|listener| listener.port)
        .collect();
    let open: BTreeSet<u16> = there.listeners.iter().map(|listener| listener.port).collect();
    found.compare("ports of the listeners", &list(promised), &list(open));
    found.compare("target groups", 1, there.target_groups.len());
    let check = &spec.load_balancer.health_check;
    for group in &there.target_groups {
        let forward = Some(Action::Forward(group.arn.clone()));
        for wanted in &spec.load_balancer.listeners {
            let action = wanted
                .redirect_to
                .map(Action::RedirectToHttps)
                .or(forward.clone());
            let as_wanted = there
                .listeners
                .iter()
                .any(|listener| listener.port == wanted.port && listener.action == action);
            found.expect(
                as_wanted,
                "a listener neither forwards to the target group nor redirects as it should",
            );
        }
        let seen = &group.health_check;
        found.compare("compute.app.port", spec.compute.app.port, group.port);
        found.compare("healthCheck.path", &check.path, &seen.path);
        found.compare("healthCheck.interval", check.interval, seen.interval);
        found.compare("healthCheck.healthy", check.healthy, seen.healthy);
        found.compare("healthCheck.unhealthy", check.unhealthy, seen.unhealthy);
        found.compare("healthCheck.codes", &check.codes, &seen.codes);
    }
}

fn template(spec: &Spec, there: &Inventory, found: &mut Differences) {
    found.compare("launch templates", 1, there.templates.len());
    for version in &there.templates {
        let data = &version.data;
        found.compare("metadata tokens (IMDSv2)", "required", &data.http_tokens);
        found.expect(data.encrypted, "the root volume is not encrypted");
        found.expect(data.detailed_monitoring, "detailed monitoring is off");
        let known = spec.compute.instance_types.contains(&data.instance_type);
        found.expect(
            known,
            format!("instance type {} is not in the spec", data.instance_type),
        );
    }
}

fn fleet(spec: &Spec, there: &Inventory, found: &mut Differences) {
    let has_group = spec.compute.mode == Mode::Asg;
    found.compare("Auto Scaling groups", usize::from(has_group), there.groups.len());
    let private: BTreeSet<&String> = tier(there, false).iter().map(|subnet| &subnet.id).collect();
    for group in &there.groups {
        let settings = &group.settings;
        // While there is a schedule, whatever it said last.
        if spec.scaling.schedule.is_empty() {
            found.compare("scaling.min", spec.scaling.min, settings.min);
            found.compare("scaling.max", spec.scaling.max, settings.max);
        }
        found.compare("health check of the group", "ELB", &group.health_check);
        let subnets: BTreeSet<&String> = settings.subnets.iter().collect();
        found.expect(subnets == private, "the group's subnets are not the private ones");
        let target_groups: BTreeSet<&String> = settings.target_groups.iter().collect();
        let serving = there.target_groups.iter().map(|group| &group.arn).collect();
        found.expect(
            target_groups == serving,
            "the group does not feed the target group",
        );
        found.expect(
            group.suspended.is_empty(),
            format!("processes are suspended: {}", group.suspended.join(" ")),
        );
    }
    let healthy = there.health.iter().filter(|target| target.state == "healthy");
    let serving = if has_group {
        there.serving().count()
    } else {
        healthy.count()
    };
    let min = spec.scaling.least() as usize;
    found.expect(
        serving >= min,
        format!("{serving} instances serve, fewer than scaling.min {min}"),
    );
    let zones: BTreeSet<&String> = there.serving().map(|instance| &instance.zone).collect();
    let spread = usize::from(spec.network.zones).min(min);
    found.expect(
        zones.len() >= spread,
        format!("instances serve in {} zones, fewer than {spread}", zones.len()),
    );
}

/// The outputs name what is there.
fn answered(there: &Inventory, outputs: &StackOutputs, found: &mut Differences) {
    let dns = there.load_balancers.iter().map(|balancer| &balancer.dns_name);
    found.compare("output alb_dns_name", &outputs.alb_dns_name, &list(dns));
    let vpcs = there.vpcs.iter().map(|vpc| &vpc.id);
    found.compare("output vpc_id", &outputs.vpc_id, &list(vpcs));
    let ids = |public| -> BTreeSet<&String> { tier(there, public).iter().map(|subnet| &subnet.id).collect() };
    let nats: BTreeSet<&String> = there.nat_gateways.iter().map(|nat| &nat.id).collect();
    let instances: BTreeSet<&String> = there.serving().map(|instance| &instance.id).collect();
    for (name, said, there) in [
        ("public_subnet_ids", &outputs.public_subnet_ids, ids(true)),
        ("private_subnet_ids", &outputs.private_subnet_ids, ids(false)),
        ("nat_gateway_ids", &outputs.nat_gateway_ids, nats),
        ("instance_ids", &outputs.instance_ids, instances),
    ] {
        let said = list(said.iter().collect::<BTreeSet<_>>());
        let there = list(there);
        found.expect(
            said == there,
            format!("output {name} says {said}, AWS has {there}"),
        );
    }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use windlass_crash::{Lab, stack};
    use windlass_sim::WorldConfig;

    use super::*;
    use crate::inventory;

    const WEB: &str = include_str!("../../../events/specs/web.yaml");
    const INTERNAL: &str = include_str!("../../../events/specs/internal.yaml");

    /// A spec, and what the simulated AWS has once its stack has settled.
    fn settled(text: &str) -> (Spec, Inventory, StackOutputs) {
        let lab = Lab::new(WorldConfig::default(), 1);
        lab.upload(text);
        lab.run(400);
        let outputs = lab.status().unwrap().outputs;
        let read = lab.sim.run(inventory::read(&lab.sim, &stack(), &outputs));
        let spec = windlass_spec::decode(&stack(), text.as_bytes()).unwrap();
        (spec, read.finished().unwrap().unwrap(), outputs)
    }

    #[rstest]
    #[case::web(WEB)]
    #[case::internal(&INTERNAL.replace("name: internal", "name: web"))]
    #[case::single(&WEB.replace("nat: per-zone", "nat: single"))]
    fn a_settled_stack_keeps_every_promise(#[case] text: &str) {
        let (spec, there, outputs) = settled(text);
        assert_eq!(differences(&spec, &there, &outputs), [""; 0]);
    }

    #[rstest]
    #[case(|there: &mut Inventory| there.nat_gateways[0].state = "failed".into(), "available")]
    #[case(|there: &mut Inventory| { there.nat_gateways.pop(); }, "NAT gateways: the spec says 3, AWS has 2")]
    #[case(|there: &mut Inventory| { there.subnets.pop(); }, "private subnets: the spec says 3, AWS has 2")]
    #[case(|there: &mut Inventory| there.route_tables.clear(), "public subnets: the spec says 3, AWS has 0")]
    #[case(|there: &mut Inventory| there.listeners[0].port = 81, "ports of the listeners: the spec says 80, AWS has 81")]
    #[case(|there: &mut Inventory| there.load_balancers[0].state = "provisioning".into(), "state of the load balancer")]
    #[case(|there: &mut Inventory| there.target_groups[0].health_check.path = "/x".into(), "healthCheck.path: the spec says /, AWS has /x")]
    #[case(|there: &mut Inventory| there.templates[0].data.http_tokens = "optional".into(), "IMDSv2")]
    #[case(|there: &mut Inventory| there.templates[0].data.encrypted = false, "not encrypted")]
    #[case(|there: &mut Inventory| there.health[0].state = "unhealthy".into(), "fewer than scaling.min 3")]
    #[case(|there: &mut Inventory| there.groups[0].instances.iter_mut().for_each(|i| i.zone = "us-east-1a".into()), "zones, fewer than 3")]
    #[case(|there: &mut Inventory| there.security_groups.iter_mut().for_each(|g| g.ingress.clear()), "not open to 0.0.0.0/0")]
    #[case(|there: &mut Inventory| there.security_groups.iter_mut().for_each(|g| g.ingress.push(Rule::everything())), "more or less than the load balancer")]
    fn each_broken_promise_is_named(#[case] breaks: fn(&mut Inventory), #[case] said: &str) {
        let (spec, mut there, outputs) = settled(WEB);
        breaks(&mut there);
        let found = differences(&spec, &there, &outputs);
        assert!(found.iter().any(|found| found.contains(said)), "{found:?}");
    }

    #[test]
    fn the_inventory_has_a_line_for_each_resource() {
        let (_, there, _) = settled(WEB);
        insta::assert_snapshot!(there.render(&stack()));
    }
}

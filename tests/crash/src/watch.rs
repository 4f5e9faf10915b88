//! Whether a stack serves: looked at in every second, and before every call of the pipeline.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use windlass_calls::ec2::{DescribeSecurityGroups, Peer, SecurityGroup};
use windlass_calls::elb::{
    Action, DescribeListeners, DescribeLoadBalancers, DescribeTargetGroups, DescribeTargetHealth, TargetGroup,
};
use windlass_calls::{CallError, Filters};
use windlass_planner::names::RESOURCE_TAG;
use windlass_sim::{Verdict, World};

use crate::lab::{Lab, QUEUE, Stopped};

/// Runs messages until there are none, as [`Lab::run`] does, and looks at the world in every second. Answers when fewer
/// than `least` instances served, and what was seen then.
///
/// # Errors
/// The first moment at which too few served, or a port that was closed while it served.
pub fn runs_and_serves(lab: &Lab, limit: usize, least: usize) -> Result<Stopped, String> {
    let wrong: Rc<RefCell<Option<String>>> = Rc::default();
    let (sim, seen) = (lab.sim.clone(), Rc::clone(&wrong));
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.effect().is_mutating() && seen.borrow().is_none() {
            let mut world = sim.world().clone();
            *seen.borrow_mut() = serves(&mut world, sent.now, least).err();
        }
        Verdict::Deliver
    })));
    let mut stopped = Stopped::StillBusy;
    for _ in 0..limit {
        let next = lab.sim.world().next_visible(QUEUE);
        while next.is_some_and(|next| lab.sim.now() < next) && wrong.borrow().is_none() {
            lab.sim.advance(SignedDuration::from_secs(1));
            let now = lab.sim.now();
            let seen = serves(&mut lab.sim.world_mut(), now, least);
            *wrong.borrow_mut() = seen.err();
        }
        if wrong.borrow().is_some() {
            break;
        }
        if lab.step().is_none() {
            stopped = Stopped::Quiet;
            break;
        }
    }
    lab.sim.set_faults(None);
    let wrong = wrong.borrow_mut().take();
    wrong.map_or(Ok(stopped), Err)
}

/// Whether every port of every load balancer that sends requests to instances has enough of them, and each of these can
/// be reached.
fn serves(world: &mut World, now: Timestamp, least: usize) -> Result<(), String> {
    let ports = ports(world, now).map_err(|error| error.to_string())?;
    if ports.is_empty() {
        return Err(format!("{now}: no port sends requests to instances"));
    }
    for (port, healthy, closed) in ports {
        if healthy < least {
            return Err(format!("{now}: {healthy} healthy instances behind port {port}"));
        }
        if let Some(closed) = closed {
            return Err(format!("{now}: port {port} serves, and {closed}"));
        }
    }
    Ok(())
}

/// Ports that send requests to instances, how many of these are healthy, and what keeps requests from them.
fn ports(world: &mut World, now: Timestamp) -> Result<Vec<(u16, usize, Option<String>)>, CallError> {
    let filters = Filters::new();
    let rules = world.call(now, DescribeSecurityGroups { filters })?;
    let groups = world.call(now, DescribeTargetGroups { name: None })?;
    let mut ports = Vec::new();
    for balancer in world.call(now, DescribeLoadBalancers { name: None })? {
        let load_balancer = balancer.arn;
        for listener in world.call(now, DescribeListeners { load_balancer })? {
            let to: Vec<String> = match listener.action {
                Some(Action::Forward(to)) => vec![to],
                Some(Action::Split(to)) => to
                    .into_iter()
                    .filter(|(_, weight)| *weight > 0)
                    .map(|(group, _)| group)
                    .collect(),
                _ => continue,
            };
            let (mut healthy, mut closed) = (0, None);
            for target_group in to {
                let group = groups.iter().find(|group| group.arn == target_group);
                closed = closed.or_else(|| group.and_then(|group| shut(&rules, group)));
                let targets = world.call(now, DescribeTargetHealth { target_group })?;
                healthy += targets.iter().filter(|target| target.state == "healthy").count();
            }
            ports.push((listener.port, healthy, closed));
        }
    }
    Ok(ports)
}

/// What keeps the load balancer's requests from the instances of a target group.
fn shut(groups: &[SecurityGroup], to: &TargetGroup) -> Option<String> {
    let find = |resource: &str| {
        let named = |group: &&SecurityGroup| {
            group.vpc == to.vpc && group.tags.get(RESOURCE_TAG).is_some_and(|tag| tag == resource)
        };
        groups.iter().find(named)
    };
    let (Some(balancer), Some(instances)) = (
        find("security-group/load-balancer"),
        find("security-group/instances"),
    ) else {
        return Some("a security group is missing".into());
    };
    let ports = Some((to.port, to.port));
    let lets = |rules: &[windlass_calls::ec2::Rule], other: &SecurityGroup| {
        rules
            .iter()
            .any(|rule| rule.ports == ports && rule.peer == Peer::Group(other.id.clone()))
    };
    if !lets(&balancer.egress, instances) {
        return Some(format!("no rule lets requests out to port {}", to.port));
    }
    (!lets(&instances.ingress, balancer)).then(|| format!("no rule lets requests in at port {}", to.port))
}

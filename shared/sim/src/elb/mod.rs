//! Elastic Load Balancing v2: application load balancers, target groups and their targets, listeners and their rules.
//!
//! Creates answer the first one when repeated with the same settings, tags included, and `Duplicate…` with others
//! (rule 35): with those that it has now. Reads are consistent unless [`WorldConfig::elb_lag`](crate::WorldConfig) and
//! [`WorldConfig::ghost_lag`](crate::WorldConfig) say otherwise. What it names of EC2 it sees as late as EC2 shows it.

mod attributes;
mod balancer;
mod certificate;
mod health;
mod listener;
mod rule;
mod tagging;
mod target;
mod target_group;
mod usage;

use std::collections::BTreeSet;

use windlass_calls::elb::{Request, Response};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

pub(crate) use balancer::{Face, OwnedBalancer};
pub(crate) use health::Course;
pub(crate) use listener::OwnedListener;
pub(crate) use rule::OwnedRule;
pub(crate) use target_group::OwnedTargetGroup;

use balancer::Leaving;

/// Longest name (rule 35).
const NAME_LIMIT: usize = 32;

/// ELB's resources, by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elb {
    pub(crate) balancers: Shelf<OwnedBalancer>,
    pub(crate) target_groups: Shelf<OwnedTargetGroup>,
    pub(crate) listeners: Shelf<OwnedListener>,
    pub(crate) rules: Shelf<OwnedRule>,
    /// What left its subnets, and keeps its network interfaces there for a while.
    leaving: Shared<Vec<Leaving>>,
    lost_certificates: Shared<BTreeSet<String>>,
}

impl World {
    pub(crate) fn elb(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeLoadBalancers => describe_load_balancers,
            DescribeLoadBalancerAttributes => describe_load_balancer_attributes,
            DescribeTargetGroups => describe_target_groups,
            DescribeTargetGroupAttributes => describe_target_group_attributes,
            DescribeListeners => describe_listeners,
            DescribeRules => describe_rules,
            DescribeTags => describe_elb_tags,
            DescribeTargetHealth => describe_target_health,
            CreateLoadBalancer => create_load_balancer,
            ModifyLoadBalancerAttributes => modify_load_balancer_attributes,
            CreateTargetGroup => create_target_group,
            ModifyTargetGroupAttributes => modify_target_group_attributes,
            CreateListener => create_listener,
            CreateRule => create_rule,
            RegisterTargets => register_targets,
            SetSubnets => set_subnets,
            ModifyListener => modify_listener,
            ModifyTargetGroup => modify_target_group,
            AddTags => add_elb_tags,
            RemoveTags => remove_elb_tags,
            DeregisterTargets => deregister_targets,
            DeleteRule => delete_elb_rule,
            DeleteListener => delete_listener,
            DeleteLoadBalancer => delete_load_balancer,
            DeleteTargetGroup => delete_target_group,
        )
    }

    /// When reads start to show an ELB resource made now.
    fn elb_visible_from(&self, arn: &str) -> jiff::Timestamp {
        self.config.elb_lag.visible_from(arn, self.clock)
    }

    fn named_balancer(&self, arn: &str) -> Answer<&OwnedBalancer> {
        let balancer = self.elb.balancers.seen(arn, self.clock);
        balancer.ok_or_else(|| no_balancer(arn))
    }

    /// A load balancer that a read names.
    fn shown_balancer(&self, arn: &str) -> Answer<&OwnedBalancer> {
        let balancer = self.elb.balancers.shown(arn, self.clock);
        balancer.ok_or_else(|| no_balancer(arn))
    }

    fn named_target_group(&self, arn: &str) -> Answer<&OwnedTargetGroup> {
        let group = self.elb.target_groups.seen(arn, self.clock);
        group.ok_or_else(|| no_target_group(arn))
    }

    /// A target group that a read names.
    fn shown_target_group(&self, arn: &str) -> Answer<&OwnedTargetGroup> {
        let group = self.elb.target_groups.shown(arn, self.clock);
        group.ok_or_else(|| no_target_group(arn))
    }
}

/// Rule 35.
fn check_name(kind: &str, name: &str) -> Answer<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let valid = (1..=NAME_LIMIT).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-");
    if valid {
        return Ok(());
    }
    let rule = "alphanumeric characters and hyphens, at most 32, no hyphen at either end, not starting with internal-";
    Err(refused(
        "ValidationError",
        format!("The {kind} name '{name}' is not valid: {rule}"),
    ))
}

fn no_balancer(id: &str) -> Refusal {
    missing("LoadBalancerNotFound", "load balancers", id)
}

fn no_target_group(id: &str) -> Refusal {
    missing("TargetGroupNotFound", "target groups", id)
}

fn no_listener(id: &str) -> Refusal {
    missing("ListenerNotFound", "listeners", id)
}

fn no_rule(id: &str) -> Refusal {
    missing("RuleNotFound", "rules", id)
}

fn missing(code: &'static str, kind: &str, id: &str) -> Refusal {
    refused(code, format!("One or more {kind} not found: {id}"))
}

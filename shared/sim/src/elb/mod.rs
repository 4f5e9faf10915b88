//! Elastic Load Balancing v2: application load balancers, target groups and their targets, listeners.
//!
//! Creates answer the first one when repeated with the same settings, tags included, and `Duplicate…` with others
//! (rule 35). Reads are consistent unless [`WorldConfig::elb_lag`](crate::WorldConfig) says otherwise. What it names
//! of EC2 it sees as late as EC2 shows it.

mod attributes;
mod balancer;
mod certificate;
mod health;
mod listener;
mod target;
mod target_group;

use std::collections::BTreeSet;

use windlass_calls::Tags;
use windlass_calls::elb::{DescribeTags, Request, Response, TagDescription};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

pub(crate) use balancer::OwnedBalancer;
pub(crate) use listener::OwnedListener;
pub(crate) use target_group::OwnedTargetGroup;

/// Most resources a `DescribeTags` takes.
const TAGS_LIMIT: usize = 20;
/// Longest name (rule 35).
const NAME_LIMIT: usize = 32;

/// ELB's resources, by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elb {
    pub(crate) balancers: Shelf<OwnedBalancer>,
    pub(crate) target_groups: Shelf<OwnedTargetGroup>,
    pub(crate) listeners: Shelf<OwnedListener>,
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
            DescribeTags => describe_elb_tags,
            DescribeTargetHealth => describe_target_health,
            CreateLoadBalancer => create_load_balancer,
            ModifyLoadBalancerAttributes => modify_load_balancer_attributes,
            CreateTargetGroup => create_target_group,
            ModifyTargetGroupAttributes => modify_target_group_attributes,
            CreateListener => create_listener,
            RegisterTargets => register_targets,
        )
    }

    fn describe_elb_tags(&mut self, call: &DescribeTags) -> Answer<Vec<TagDescription>> {
        if call.resources.len() > TAGS_LIMIT {
            return Err(refused(
                "ValidationError",
                "Cannot have more than 20 resources described",
            ));
        }
        let described = |arn: &String| {
            let tags = self.elb_tags(arn)?.clone();
            Ok(TagDescription {
                resource: arn.clone(),
                tags,
            })
        };
        call.resources.iter().map(described).collect()
    }

    fn elb_tags(&self, arn: &str) -> Answer<&Tags> {
        if arn.contains(":loadbalancer/") {
            self.named_balancer(arn).map(|balancer| &balancer.tags)
        } else if arn.contains(":targetgroup/") {
            self.named_target_group(arn).map(|group| &group.tags)
        } else {
            let listener = self
                .elb
                .listeners
                .seen(arn, self.clock)
                .map(|listener| &listener.tags);
            listener.ok_or_else(|| missing("ListenerNotFound", "listeners", arn))
        }
    }

    /// When reads start to show an ELB resource made now.
    fn elb_visible_from(&self, arn: &str) -> jiff::Timestamp {
        self.config.elb_lag.visible_from(arn, self.clock)
    }

    fn named_balancer(&self, arn: &str) -> Answer<&OwnedBalancer> {
        let balancer = self.elb.balancers.seen(arn, self.clock);
        balancer.ok_or_else(|| no_balancer(arn))
    }

    fn named_target_group(&self, arn: &str) -> Answer<&OwnedTargetGroup> {
        let group = self.elb.target_groups.seen(arn, self.clock);
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

fn missing(code: &'static str, kind: &str, id: &str) -> Refusal {
    refused(code, format!("One or more {kind} not found: {id}"))
}

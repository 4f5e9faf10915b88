//! Tags of load balancers, target groups, listeners and rules.

use windlass_calls::Tags;
use windlass_calls::elb::{AddTags, DescribeTags, RemoveTags, TagDescription};

use super::{no_balancer, no_listener, no_rule, no_target_group};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// Most resources that one call takes.
const RESOURCES: usize = 20;

impl World {
    pub(super) fn describe_elb_tags(&mut self, call: &DescribeTags) -> Answer<Vec<TagDescription>> {
        check_count(&call.resources)?;
        let described = |arn: &String| {
            let tags = self.elb_tags(arn)?.clone();
            Ok(TagDescription {
                resource: arn.clone(),
                tags,
            })
        };
        call.resources.iter().map(described).collect()
    }

    /// On all of them or on none.
    pub(super) fn add_elb_tags(&mut self, call: &AddTags) -> Answer<()> {
        self.change_elb_tags(&call.resources, |tags| tags.extend(call.tags.clone()))
    }

    /// From all of them or from none.
    pub(super) fn remove_elb_tags(&mut self, call: &RemoveTags) -> Answer<()> {
        self.change_elb_tags(&call.resources, |tags| {
            tags.retain(|key, _| !call.keys.contains(key));
        })
    }

    fn change_elb_tags(&mut self, resources: &[String], change: impl Fn(&mut Tags)) -> Answer<()> {
        check_count(resources)?;
        for arn in resources {
            self.elb_tags_mut(arn)?;
        }
        for arn in resources {
            change(self.elb_tags_mut(arn)?);
        }
        Ok(())
    }

    fn elb_tags(&self, arn: &str) -> Answer<&Tags> {
        if arn.contains(":loadbalancer/") {
            self.shown_balancer(arn).map(|balancer| &balancer.tags)
        } else if arn.contains(":targetgroup/") {
            self.shown_target_group(arn).map(|group| &group.tags)
        } else if arn.contains(":listener-rule/") {
            let rule = self.elb.rules.shown(arn, self.clock);
            rule.map(|rule| &rule.tags).ok_or_else(|| no_rule(arn))
        } else {
            let listener = self.elb.listeners.shown(arn, self.clock);
            let tags = listener.map(|listener| &listener.tags);
            tags.ok_or_else(|| no_listener(arn))
        }
    }

    fn elb_tags_mut(&mut self, arn: &str) -> Answer<&mut Tags> {
        let (elb, now) = (&mut self.elb, self.clock);
        if arn.contains(":loadbalancer/") {
            let tags = elb.balancers.seen_mut(arn, now).map(|it| &mut it.tags);
            tags.ok_or_else(|| no_balancer(arn))
        } else if arn.contains(":targetgroup/") {
            let tags = elb.target_groups.seen_mut(arn, now).map(|it| &mut it.tags);
            tags.ok_or_else(|| no_target_group(arn))
        } else if arn.contains(":listener-rule/") {
            let tags = elb.rules.seen_mut(arn, now).map(|it| &mut it.tags);
            tags.ok_or_else(|| no_rule(arn))
        } else {
            let tags = elb.listeners.seen_mut(arn, now).map(|it| &mut it.tags);
            tags.ok_or_else(|| no_listener(arn))
        }
    }
}

fn check_count(resources: &[String]) -> Answer<()> {
    if resources.len() <= RESOURCES {
        return Ok(());
    }
    let message = format!("Cannot have more than {RESOURCES} resources described");
    Err(refused("ValidationError", message))
}

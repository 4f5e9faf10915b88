//! Which listeners and rules use which target groups: without one a target group's targets are not checked (rule 49).

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_calls::elb::Action;

use crate::refusal::{Answer, refused};
use crate::world::World;

/// Target groups that requests are sent to, those of weight 0 too, and since when.
pub(super) type Used = BTreeMap<String, Timestamp>;

/// A listener or a rule that sends requests to a target group.
pub(super) struct User<'a> {
    /// Load balancer ARN.
    pub(super) balancer: &'a str,
    /// Since when.
    pub(super) since: Timestamp,
}

impl World {
    /// The listeners and rules that send requests to a target group.
    pub(super) fn users_of<'a>(&'a self, target_group: &'a str) -> impl Iterator<Item = User<'a>> {
        let listeners = self.elb.listeners.all();
        let listeners = listeners.map(|it| (it.shown.load_balancer.as_str(), &it.used));
        let rules = self
            .elb
            .rules
            .all()
            .map(|it| (it.load_balancer.as_str(), &it.used));
        listeners.chain(rules).filter_map(move |(balancer, used)| {
            let since = *used.get(target_group)?;
            Some(User { balancer, since })
        })
    }

    /// Since when each target group of an action is in use, if it is taken now.
    pub(super) fn in_use_since(&self, action: &Action) -> Used {
        let since = |group: &str| self.users_of(group).map(|user| user.since).min();
        let groups = groups(action).into_iter();
        groups
            .map(|group| (group.clone(), since(group).unwrap_or(self.clock)))
            .collect()
    }

    /// A target group serves one load balancer.
    pub(super) fn check_association(&self, balancer: &str, action: &Action) -> Answer<()> {
        for group in groups(action) {
            if self.users_of(group).any(|user| user.balancer != balancer) {
                let message = format!(
                    "The following target groups cannot be associated with more than one load balancer: {group}"
                );
                return Err(refused("TargetGroupAssociationLimit", message));
            }
        }
        Ok(())
    }
}

/// The target groups of an action.
pub(super) fn groups(action: &Action) -> Vec<&String> {
    match action {
        Action::Forward(group) => vec![group],
        Action::Split(weights) => weights.keys().collect(),
        Action::RedirectToHttps(_) => Vec::new(),
    }
}

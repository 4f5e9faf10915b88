//! Rules of listeners, for requests from some addresses.
//!
//! A repeat is not recognized: the priority of the first one is taken.

use windlass_calls::Tags;
use windlass_calls::elb::{CreateRule, DeleteRule, DescribeRules, Rule};

use super::usage::Used;
use super::{no_listener, no_rule};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// Largest priority.
const LAST: u32 = 50_000;
/// Most values of one rule's conditions.
const VALUES: usize = 5;

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct OwnedRule {
    pub(crate) shown: Rule,
    pub(crate) tags: Tags,
    /// Listener ARN.
    listener: String,
    /// Load balancer ARN.
    pub(super) load_balancer: String,
    pub(super) used: Used,
}

impl World {
    pub(super) fn describe_rules(&mut self, call: &DescribeRules) -> Answer<Vec<Rule>> {
        let arn = &call.listener;
        if self.elb.listeners.shown(arn, self.clock).is_none() {
            return Err(no_listener(arn));
        }
        let visible = self.elb.rules.visible(self.clock);
        Ok(visible
            .filter(|rule| rule.listener == *arn)
            .map(|rule| rule.shown.clone())
            .collect())
    }

    pub(super) fn create_rule(&mut self, call: &CreateRule) -> Answer<Rule> {
        let arn = &call.listener;
        let listener = self.elb.listeners.seen(arn, self.clock);
        let listener = listener.ok_or_else(|| no_listener(arn))?.shown.clone();
        check_settings(call)?;
        let same = |rule: &OwnedRule| rule.listener == *arn && rule.shown.priority == call.priority;
        if self.elb.rules.all().any(same) {
            let message = format!("Priority '{}' is currently in use", call.priority);
            return Err(refused("PriorityInUse", message));
        }
        let balancer = &listener.load_balancer;
        self.check_action(balancer, listener.port, listener.protocol.as_ref(), &call.action)?;
        self.check_association(balancer, &call.action)?;
        Ok(self.insert_rule(call, listener.load_balancer))
    }

    pub(super) fn delete_elb_rule(&mut self, call: &DeleteRule) -> Answer<()> {
        if self.elb.rules.seen(&call.rule, self.clock).is_none() {
            return Err(no_rule(&call.rule));
        }
        self.bury_rule(&call.rule);
        Ok(())
    }

    pub(super) fn bury_rule(&mut self, arn: &str) {
        let gone_from = self.gone_from(arn);
        self.elb.rules.bury(arn, self.clock, gone_from);
    }

    /// ARNs of a listener's rules.
    pub(crate) fn rules_of(&self, listener: &str) -> Vec<String> {
        let rules = self.elb.rules.all().filter(|rule| rule.listener == listener);
        rules.map(|rule| rule.shown.arn.clone()).collect()
    }

    /// Changes what a rule says, as a person would by hand, its priority too; `false` if there is none of that ARN.
    pub fn edit_listener_rule(&mut self, edited: &Rule) -> bool {
        let used = edited.action.as_ref().map(|action| self.in_use_since(action));
        let Some(rule) = self.elb.rules.get_mut(&edited.arn) else {
            return false;
        };
        rule.used = used.unwrap_or_default();
        rule.shown = edited.clone();
        true
    }

    fn insert_rule(&mut self, call: &CreateRule, load_balancer: String) -> Rule {
        let number = self.next_number("listener-rule");
        let listener = call.listener.replacen(":listener/", ":listener-rule/", 1);
        let arn = format!("{listener}/{number:016x}");
        let shown = Rule {
            arn: arn.clone(),
            priority: call.priority,
            source_ips: call.source_ips.clone(),
            action: Some(call.action.clone()),
        };
        let rule = OwnedRule {
            shown: shown.clone(),
            tags: call.tags.clone(),
            listener: call.listener.clone(),
            load_balancer,
            used: self.in_use_since(&call.action),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.rules.insert(&arn, visible_from, rule);
        shown
    }
}

fn check_settings(call: &CreateRule) -> Answer<()> {
    let is_range = |range: &String| range.parse::<ipnet::IpNet>().is_ok();
    let wrong = if !(1..=LAST).contains(&call.priority) {
        format!("Priority '{}' must be between 1 and {LAST}", call.priority)
    } else if call.source_ips.is_empty() {
        "A condition value must be specified".to_owned()
    } else if call.source_ips.len() > VALUES {
        format!("A rule can have at most {VALUES} condition values")
    } else if let Some(range) = call.source_ips.iter().find(|range| !is_range(range)) {
        format!("The source IP '{range}' is not a valid CIDR block")
    } else {
        return Ok(());
    };
    Err(refused("ValidationError", wrong))
}

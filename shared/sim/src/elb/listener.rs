//! Listeners: HTTP and HTTPS, forwarding to target groups or redirecting to HTTPS.
//!
//! AWS answers a repeat with the same settings by the listener it has, and `DuplicateListener` only to other settings on
//! the same port (its API guide, and terraform-provider-aws issue 35121).

use std::collections::BTreeMap;

use windlass_calls::Tags;
use windlass_calls::elb::{
    Action, CreateListener, DeleteListener, DescribeListeners, Listener, ModifyListener, Protocol,
};

use super::no_listener;
use super::usage::{Used, groups};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// How the names of AWS's TLS policies begin.
const POLICIES: &str = "ELBSecurityPolicy-";
/// Most target groups of one action (rule 48).
const GROUPS: usize = 5;
/// Largest weight (rule 48).
const HEAVIEST: u16 = 999;

/// A listener.
#[derive(Debug, Clone)]
pub(crate) struct OwnedListener {
    pub(crate) shown: Listener,
    pub(crate) tags: Tags,
    pub(super) used: Used,
}

impl OwnedListener {
    /// Whether it is what a call would make.
    fn is(&self, call: &CreateListener) -> bool {
        self.shown.protocol.as_ref() == Some(&call.protocol)
            && self.shown.action.as_ref() == Some(&call.action)
            && self.tags == call.tags
    }

    /// Takes another action. Groups that are in use go on being checked, whichever listener used them first.
    fn act(&mut self, action: &Action, since: Used) {
        self.used = since;
        self.shown.action = Some(action.clone());
    }
}

impl World {
    pub(super) fn describe_listeners(&mut self, call: &DescribeListeners) -> Answer<Vec<Listener>> {
        self.shown_balancer(&call.load_balancer)?;
        let visible = self
            .elb
            .listeners
            .visible(self.clock)
            .map(|listener| &listener.shown);
        Ok(visible
            .filter(|listener| listener.load_balancer == call.load_balancer)
            .cloned()
            .collect())
    }

    pub(super) fn create_listener(&mut self, call: &CreateListener) -> Answer<Listener> {
        self.named_balancer(&call.load_balancer)?;
        self.check_settings(&call.load_balancer, call.port, &call.protocol, &call.action)?;
        let same_port = |listener: &&OwnedListener| {
            listener.shown.load_balancer == call.load_balancer && listener.shown.port == call.port
        };
        if let Some(first) = self.elb.listeners.all().find(same_port) {
            if first.is(call) {
                return Ok(first.shown.clone());
            }
            let message = format!(
                "A listener already exists on this port for this load balancer '{}'",
                call.load_balancer
            );
            return Err(refused("DuplicateListener", message));
        }
        self.check_association(&call.load_balancer, &call.action)?;
        Ok(self.insert_listener(call))
    }

    pub(super) fn modify_listener(&mut self, call: &ModifyListener) -> Answer<()> {
        let (arn, now) = (&call.listener, self.clock);
        let listener = self.elb.listeners.seen(arn, now);
        let listener = listener.ok_or_else(|| no_listener(arn))?.shown.clone();
        self.check_settings(
            &listener.load_balancer,
            listener.port,
            &call.protocol,
            &call.action,
        )?;
        self.check_association(&listener.load_balancer, &call.action)?;
        let since = self.in_use_since(&call.action);
        if let Some(listener) = self.elb.listeners.get_mut(arn) {
            listener.shown.protocol = Some(call.protocol.clone());
            listener.act(&call.action, since);
        }
        Ok(())
    }

    pub(super) fn delete_listener(&mut self, call: &DeleteListener) -> Answer<()> {
        if self.elb.listeners.seen(&call.listener, self.clock).is_none() {
            return Err(no_listener(&call.listener));
        }
        self.bury_listener(&call.listener);
        Ok(())
    }

    /// Its rules go with it.
    pub(super) fn bury_listener(&mut self, arn: &str) {
        for rule in self.rules_of(arn) {
            self.bury_rule(&rule);
        }
        let gone_from = self.gone_from(arn);
        self.elb.listeners.bury(arn, self.clock, gone_from);
    }

    /// ARNs of a load balancer's listeners.
    pub(crate) fn listeners_of(&self, balancer: &str) -> Vec<String> {
        let listeners = self.elb.listeners.all().map(|listener| &listener.shown);
        listeners
            .filter(|listener| listener.load_balancer == balancer)
            .map(|listener| listener.arn.clone())
            .collect()
    }

    fn check_settings(&self, balancer: &str, port: u16, protocol: &Protocol, action: &Action) -> Answer<()> {
        self.check_protocol(protocol)?;
        self.check_action(balancer, port, Some(protocol), action)
    }

    /// What a listener or a rule does; one of a protocol that we do not use cannot lead back to itself.
    pub(super) fn check_action(
        &self,
        balancer: &str,
        port: u16,
        protocol: Option<&Protocol>,
        action: &Action,
    ) -> Answer<()> {
        match action {
            Action::RedirectToHttps(to) => check_redirect(protocol, port, *to)?,
            Action::Split(weights) => check_weights(weights)?,
            Action::Forward(_) => {}
        }
        let mut groups = groups(action).into_iter();
        groups.try_for_each(|group| self.check_group(group, balancer))
    }

    fn check_protocol(&self, protocol: &Protocol) -> Answer<()> {
        match protocol {
            Protocol::Http => Ok(()),
            Protocol::Https { policy, .. } if !policy.starts_with(POLICIES) => Err(refused(
                "SSLPolicyNotFound",
                format!("SSL policy '{policy}' not found"),
            )),
            Protocol::Https { certificate, .. } => self.check_certificate(certificate),
        }
    }

    fn check_group(&self, target_group: &str, balancer: &str) -> Answer<()> {
        let group = self.named_target_group(target_group)?;
        let balancer = self.elb.balancers.get(balancer);
        if balancer.is_some_and(|balancer| balancer.vpc() == group.vpc()) {
            return Ok(());
        }
        let message = "The target group and the load balancer must be in the same VPC";
        Err(refused("InvalidConfigurationRequest", message))
    }

    fn insert_listener(&mut self, call: &CreateListener) -> Listener {
        let number = self.next_number("listener");
        let balancer = call.load_balancer.replacen(":loadbalancer/", ":listener/", 1);
        let arn = format!("{balancer}/{number:016x}");
        let shown = Listener {
            arn: arn.clone(),
            load_balancer: call.load_balancer.clone(),
            port: call.port,
            protocol: Some(call.protocol.clone()),
            action: Some(call.action.clone()),
        };
        let mut listener = OwnedListener {
            shown: shown.clone(),
            tags: call.tags.clone(),
            used: Used::new(),
        };
        listener.act(&call.action, self.in_use_since(&call.action));
        let visible_from = self.elb_visible_from(&arn);
        self.elb.listeners.insert(&arn, visible_from, listener);
        shown
    }
}

/// A redirect to where it came from would never end.
fn check_redirect(protocol: Option<&Protocol>, port: u16, to: u16) -> Answer<()> {
    if !matches!(protocol, Some(Protocol::Https { .. })) || port != to {
        return Ok(());
    }
    Err(refused(
        "InvalidLoadBalancerAction",
        "The redirect configuration is not valid because it creates a loop.",
    ))
}

/// Rule 48.
fn check_weights(weights: &BTreeMap<String, u16>) -> Answer<()> {
    let wrong = if weights.is_empty() {
        "A forward action needs at least one target group"
    } else if weights.len() > GROUPS {
        "A forward action takes at most five target groups"
    } else if weights.values().any(|weight| *weight > HEAVIEST) {
        "The weight of a target group must be between 0 and 999"
    } else {
        return Ok(());
    };
    Err(refused("ValidationError", wrong))
}

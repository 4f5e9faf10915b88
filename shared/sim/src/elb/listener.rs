//! HTTP listeners that forward to one target group.
//!
//! AWS answers a repeat with the same settings by the listener it has, and `DuplicateListener` only to other settings on
//! the same port (its API guide, and terraform-provider-aws issue 35121).

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::elb::{CreateListener, DescribeListeners, Listener};

use crate::refusal::{Answer, refused};
use crate::world::World;

/// A listener.
#[derive(Debug, Clone)]
pub(crate) struct OwnedListener {
    pub(crate) shown: Listener,
    pub(crate) tags: Tags,
    pub(super) created: Timestamp,
    request: CreateListener,
}

impl World {
    pub(super) fn describe_listeners(&mut self, call: &DescribeListeners) -> Answer<Vec<Listener>> {
        self.named_balancer(&call.load_balancer)?;
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
        let vpc = self.named_balancer(&call.load_balancer)?.vpc();
        if self.named_target_group(&call.target_group)?.vpc() != vpc {
            let message = "The target group and the load balancer must be in the same VPC";
            return Err(refused("InvalidConfigurationRequest", message));
        }
        let same_port = |listener: &&OwnedListener| {
            listener.shown.load_balancer == call.load_balancer && listener.shown.port == call.port
        };
        if let Some(first) = self.elb.listeners.all().find(same_port) {
            if first.request == *call {
                return Ok(first.shown.clone());
            }
            let message = format!(
                "A listener already exists on this port for this load balancer '{}'",
                call.load_balancer
            );
            return Err(refused("DuplicateListener", message));
        }
        self.check_association(call)?;
        Ok(self.insert_listener(call))
    }

    /// A target group serves one load balancer.
    fn check_association(&self, call: &CreateListener) -> Answer<()> {
        let elsewhere = |listener: &OwnedListener| {
            listener.shown.load_balancer != call.load_balancer
                && listener.shown.forwards_to.contains(&call.target_group)
        };
        if self.elb.listeners.all().any(elsewhere) {
            let message = format!(
                "The following target groups cannot be associated with more than one load balancer: {}",
                call.target_group
            );
            return Err(refused("TargetGroupAssociationLimit", message));
        }
        Ok(())
    }

    fn insert_listener(&mut self, call: &CreateListener) -> Listener {
        let number = self.next_number("listener");
        let balancer = call.load_balancer.replacen(":loadbalancer/", ":listener/", 1);
        let arn = format!("{balancer}/{number:016x}");
        let shown = Listener {
            arn: arn.clone(),
            load_balancer: call.load_balancer.clone(),
            port: call.port,
            protocol: "HTTP".into(),
            forwards_to: vec![call.target_group.clone()],
        };
        let listener = OwnedListener {
            shown: shown.clone(),
            tags: call.tags.clone(),
            created: self.clock,
            request: call.clone(),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.listeners.insert(&arn, visible_from, listener);
        shown
    }
}

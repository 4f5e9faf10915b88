//! Listeners: HTTP and HTTPS, forwarding to one target group or redirecting to HTTPS.
//!
//! AWS answers a repeat with the same settings by the listener it has, and `DuplicateListener` only to other settings on
//! the same port (its API guide, and terraform-provider-aws issue 35121).

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::elb::{Action, CreateListener, DescribeListeners, Listener, Protocol};

use crate::refusal::{Answer, refused};
use crate::world::World;

/// How the names of AWS's TLS policies begin.
const POLICIES: &str = "ELBSecurityPolicy-";

/// A listener.
#[derive(Debug, Clone)]
pub(crate) struct OwnedListener {
    pub(crate) shown: Listener,
    pub(crate) tags: Tags,
    pub(super) created: Timestamp,
    request: CreateListener,
}

impl OwnedListener {
    /// Whether it sends requests to a target group.
    fn forwards_to(&self, target_group: &str) -> bool {
        matches!(&self.request.action, Action::Forward(to) if to == target_group)
    }
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
        self.check_protocol(&call.protocol)?;
        match &call.action {
            Action::Forward(target_group) => self.check_group(target_group, vpc)?,
            Action::RedirectToHttps(port) => check_redirect(call, *port)?,
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

    fn check_group(&self, target_group: &str, vpc: &str) -> Answer<()> {
        if self.named_target_group(target_group)?.vpc() == vpc {
            return Ok(());
        }
        let message = "The target group and the load balancer must be in the same VPC";
        Err(refused("InvalidConfigurationRequest", message))
    }

    /// A target group serves one load balancer.
    fn check_association(&self, call: &CreateListener) -> Answer<()> {
        let Action::Forward(target_group) = &call.action else {
            return Ok(());
        };
        let mut users = self.listeners_to(target_group);
        if users.any(|listener| listener.shown.load_balancer != call.load_balancer) {
            let message = format!(
                "The following target groups cannot be associated with more than one load balancer: {target_group}"
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
            protocol: Some(call.protocol.clone()),
            action: Some(call.action.clone()),
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

    /// The listeners that send requests to a target group.
    pub(super) fn listeners_to<'a>(
        &'a self,
        target_group: &'a str,
    ) -> impl Iterator<Item = &'a OwnedListener> {
        let listeners = self.elb.listeners.all();
        listeners.filter(move |listener| listener.forwards_to(target_group))
    }
}

/// A redirect to where it came from would never end.
fn check_redirect(call: &CreateListener, port: u16) -> Answer<()> {
    if call.protocol == Protocol::Http || call.port != port {
        return Ok(());
    }
    Err(refused(
        "InvalidLoadBalancerAction",
        "The redirect configuration is not valid because it creates a loop.",
    ))
}

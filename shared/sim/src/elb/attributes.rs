//! Attributes of load balancers and target groups: AWS's defaults until somebody sets them, no keys but AWS's own.

use windlass_calls::Tags;
use windlass_calls::elb::{
    DescribeLoadBalancerAttributes, DescribeTargetGroupAttributes, ModifyLoadBalancerAttributes,
    ModifyTargetGroupAttributes,
};

use super::{no_balancer, no_target_group};
use crate::refusal::{Answer, refused};
use crate::world::World;

/// Target-group attribute: seconds a target drains (rule 14).
pub(super) const DRAIN: &str = "deregistration_delay.timeout_seconds";

/// Load-balancer attribute: whether it cannot be deleted.
pub(super) const PROTECTED: &str = "deletion_protection.enabled";

const BALANCER: [(&str, &str); 13] = [
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.prefix", ""),
    ("client_keep_alive.seconds", "3600"),
    (PROTECTED, "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("waf.fail_open.enabled", "false"),
];

const TARGET_GROUP: [(&str, &str); 9] = [
    (DRAIN, "300"),
    ("load_balancing.algorithm.type", "round_robin"),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.enabled", "false"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
    ),
];

/// Attributes of a new load balancer.
pub(super) fn of_new_balancer() -> Tags {
    owned(BALANCER)
}

/// Attributes of a new target group.
pub(super) fn of_new_target_group() -> Tags {
    owned(TARGET_GROUP)
}

fn owned<const N: usize>(defaults: [(&str, &str); N]) -> Tags {
    defaults
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

impl World {
    pub(super) fn describe_load_balancer_attributes(
        &mut self,
        call: &DescribeLoadBalancerAttributes,
    ) -> Answer<Tags> {
        self.shown_balancer(&call.load_balancer)
            .map(|balancer| balancer.attributes.clone())
    }

    pub(super) fn describe_target_group_attributes(
        &mut self,
        call: &DescribeTargetGroupAttributes,
    ) -> Answer<Tags> {
        self.shown_target_group(&call.target_group)
            .map(|group| group.attributes.clone())
    }

    pub(super) fn modify_load_balancer_attributes(
        &mut self,
        call: &ModifyLoadBalancerAttributes,
    ) -> Answer<()> {
        let arn = &call.load_balancer;
        let balancer = self.elb.balancers.seen_mut(arn, self.clock);
        let balancer = balancer.ok_or_else(|| no_balancer(arn))?;
        set(&mut balancer.attributes, &call.attributes, "Load balancer")
    }

    pub(super) fn modify_target_group_attributes(
        &mut self,
        call: &ModifyTargetGroupAttributes,
    ) -> Answer<()> {
        let arn = &call.target_group;
        let group = self.elb.target_groups.seen_mut(arn, self.clock);
        let group = group.ok_or_else(|| no_target_group(arn))?;
        set(&mut group.attributes, &call.attributes, "Target group")
    }
}

/// Sets all of them or none.
fn set(attributes: &mut Tags, wanted: &Tags, kind: &str) -> Answer<()> {
    if let Some(key) = wanted.keys().find(|key| !attributes.contains_key(*key)) {
        return Err(refused(
            "ValidationError",
            format!("{kind} attribute key '{key}' is not recognized"),
        ));
    }
    attributes.extend(wanted.clone());
    Ok(())
}

//! The outputs of a stack: names that other tools may rely on.

use serde::{Deserialize, Serialize};

use crate::context::{Id, Known};

/// Outputs of a stack, as in `status.json`. The names are a contract. What does not exist yet is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackOutputs {
    /// What clients connect to.
    pub alb_dns_name: String,
    /// ARN of the load balancer.
    pub alb_arn: String,
    /// ARN of the main target group.
    pub target_group_arn: String,
    /// ARN of the listener that forwards to the instances, on the lowest port of several.
    pub listener_arn: String,
    /// Name of the Auto Scaling group.
    pub asg_name: String,
    /// Id of the launch template.
    pub launch_template_id: String,
    /// Id of the VPC.
    pub vpc_id: String,
    /// Ids of the public subnets, in the order of the zones.
    pub public_subnet_ids: Vec<String>,
    /// Ids of the private subnets, in the order of the zones.
    pub private_subnet_ids: Vec<String>,
    /// Ids of the NAT gateways.
    pub nat_gateway_ids: Vec<String>,
    /// Ids of the security groups.
    pub security_group_ids: SecurityGroupIds,
    /// Ids of the instances in service.
    pub instance_ids: Vec<String>,
}

/// Ids of the two security groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupIds {
    /// The load balancer's.
    pub load_balancer: String,
    /// The instances'.
    pub instances: String,
}

/// An instance the load balancer does not find healthy, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnhealthyInstance {
    /// `i-…`.
    pub instance: String,
    /// What the load balancer says.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

/// Reads the outputs of a stack off what is known of its resources.
#[must_use]
pub fn stack_outputs(known: &Known) -> StackOutputs {
    let value = |id: &Id, name: &str| {
        known
            .get(id)
            .map_or_else(String::new, |resource| resource.outputs.get(name))
    };
    let only = |kind: &str, name: &str| value(&Id::only(kind), name);
    let all = |prefix: &str| -> Vec<String> {
        let matching = known.iter().filter(|(id, _)| id.as_str().starts_with(prefix));
        matching.map(|(_, resource)| resource.outputs.get("id")).collect()
    };
    let mut listeners: Vec<(u16, String)> = known
        .iter()
        .filter(|(id, resource)| id.kind() == "listener" && resource.outputs.get("action") == "forward")
        .filter_map(|(id, resource)| Some((id.part().parse().ok()?, resource.outputs.get("arn"))))
        .collect();
    listeners.sort();
    let instances = only("targets", "instances");
    StackOutputs {
        alb_dns_name: only("load-balancer", "dnsName"),
        alb_arn: only("load-balancer", "arn"),
        target_group_arn: only("target-group", "arn"),
        listener_arn: listeners
            .into_iter()
            .next()
            .map(|(_, arn)| arn)
            .unwrap_or_default(),
        asg_name: only("auto-scaling-group", "name"),
        launch_template_id: only("launch-template", "id"),
        vpc_id: only("vpc", "id"),
        public_subnet_ids: all("subnet/public-"),
        private_subnet_ids: all("subnet/private-"),
        nat_gateway_ids: all("nat-gateway/"),
        security_group_ids: SecurityGroupIds {
            load_balancer: value(&Id::of("security-group", "load-balancer"), "id"),
            instances: value(&Id::of("security-group", "instances"), "id"),
        },
        instance_ids: instances
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

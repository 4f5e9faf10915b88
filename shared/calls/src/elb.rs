//! Elastic Load Balancing v2: application load balancers, target groups, listeners, target health.

use crate::Tags;

calls! { "elasticloadbalancing", Elb;
    /// The load balancer of this name, `LoadBalancerNotFound` without one; or all of the account in the Region.
    DescribeLoadBalancers { /// Name, at most 32 characters (rule 35); `None` for all.
        name: Option<String> } => Vec<LoadBalancer>, Read;
    /// Attributes of a load balancer.
    DescribeLoadBalancerAttributes { /// ARN.
        load_balancer: String } => Tags, Read;
    /// The target group of this name, `TargetGroupNotFound` without one; or all of the account in the Region.
    DescribeTargetGroups { /// Name, at most 32 characters; `None` for all.
        name: Option<String> } => Vec<TargetGroup>, Read;
    /// Attributes of a target group.
    DescribeTargetGroupAttributes { /// ARN.
        target_group: String } => Tags, Read;
    /// Listeners of a load balancer.
    DescribeListeners { /// Load balancer ARN.
        load_balancer: String } => Vec<Listener>, Read;
    /// Rules of a listener, the default one left out.
    DescribeRules { /// Listener ARN.
        listener: String } => Vec<Rule>, Read;
    /// Tags of load balancers, target groups, listeners and rules, at most 20 at a time.
    DescribeTags { /// ARNs.
        resources: Vec<String> } => Vec<TagDescription>, Read;
    /// What the load balancer thinks of each target.
    DescribeTargetHealth { /// Target group ARN.
        target_group: String } => Vec<TargetHealth>, Read;

    /// An application load balancer. Repeated with the same settings it answers the first one (rule 35).
    CreateLoadBalancer { /// Name.
        name: String, /// `internet-facing` or `internal`.
        scheme: String, /// Subnet ids, one per zone.
        subnets: Vec<String>, /// Security group ids.
        security_groups: Vec<String>, /// Tags, set by the same call.
        tags: Tags } => LoadBalancer, Idempotent;
    /// Sets attributes of a load balancer.
    ModifyLoadBalancerAttributes { /// ARN.
        load_balancer: String, /// Attribute keys and values.
        attributes: Tags } => done, Idempotent;
    /// A target group for instances over HTTP. Repeated with the same settings it answers the first one (rule 35).
    CreateTargetGroup { /// Name.
        name: String, /// VPC id.
        vpc: String, /// Port of the targets.
        port: u16, /// Health check.
        health_check: HealthCheck, /// Tags, set by the same call.
        tags: Tags } => TargetGroup, Idempotent;
    /// Sets attributes of a target group.
    ModifyTargetGroupAttributes { /// ARN.
        target_group: String, /// Attribute keys and values.
        attributes: Tags } => done, Idempotent;
    /// A listener. Repeated with the same settings it answers the first one; another one on the port answers
    /// `DuplicateListener`.
    CreateListener { /// Load balancer ARN.
        load_balancer: String, /// Port.
        port: u16, /// What it speaks.
        protocol: Protocol, /// What it does with every request.
        action: Action, /// Tags, set by the same call.
        tags: Tags } => Listener, Idempotent;
    /// A rule of a listener, for requests from some addresses. A priority that is taken answers `PriorityInUse`, also to a
    /// repeat.
    CreateRule { /// Listener ARN.
        listener: String, /// 1 to 50000, the first that fits decides.
        priority: u32, /// Ranges of the addresses, `127.0.0.1/32`; at most 5.
        source_ips: Vec<String>, /// What it does with those requests.
        action: Action, /// Tags, set by the same call.
        tags: Tags } => Rule, Idempotent;
    /// Puts instances into a target group; repeating it changes nothing. If one of them is not `running` it answers
    /// `InvalidTarget`, and none is put in (rule 60).
    RegisterTargets { /// Target group ARN.
        target_group: String, /// Instance ids.
        targets: Vec<String> } => done, Idempotent;
    /// Sets the subnets of a load balancer, and so its zones.
    SetSubnets { /// Load balancer ARN.
        load_balancer: String, /// Subnet ids, one per zone.
        subnets: Vec<String> } => done, Idempotent;
    /// Sets what a listener speaks and does. It replaces whole lists (rule 48).
    ModifyListener { /// Listener ARN.
        listener: String, /// What it speaks.
        protocol: Protocol, /// What it does with every request.
        action: Action } => done, Idempotent;
    /// Sets the health check of a target group. Its port and VPC cannot change.
    ModifyTargetGroup { /// Target group ARN.
        target_group: String, /// Health check.
        health_check: HealthCheck } => done, Idempotent;
    /// Sets tags of load balancers, target groups, listeners and rules, over earlier values.
    AddTags { /// ARNs, at most 20.
        resources: Vec<String>, /// Tags.
        tags: Tags } => done, Idempotent;
    /// Takes tags away; ones that are not there are no error.
    RemoveTags { /// ARNs, at most 20.
        resources: Vec<String>, /// Keys.
        keys: Vec<String> } => done, Delete;

    /// Takes instances out of a target group, each once it has drained (rule 14).
    DeregisterTargets { /// Target group ARN.
        target_group: String, /// Instance ids.
        targets: Vec<String> } => done, Delete;
    /// Deletes a rule.
    DeleteRule { /// Rule ARN.
        rule: String } => done, Delete;
    /// Deletes a listener with its rules.
    DeleteListener { /// Listener ARN.
        listener: String } => done, Delete;
    /// Deletes a load balancer with its listeners and their rules; repeated it succeeds. Its network interfaces go minutes later.
    DeleteLoadBalancer { /// ARN.
        load_balancer: String } => done, Delete;
    /// Deletes a target group; one that a listener or a rule uses answers `ResourceInUse`; repeated it succeeds.
    DeleteTargetGroup { /// ARN.
        target_group: String } => done, Delete;
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// What clients connect to.
    pub dns_name: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// VPC id.
    pub vpc: String,
    /// `provisioning`, `active`, `active_impaired` or `failed` (rule 41).
    pub state: String,
    /// Why, when it failed.
    pub state_reason: Option<String>,
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// VPC id.
    pub vpc: String,
    /// Port of the targets.
    pub port: u16,
    /// Health check.
    pub health_check: HealthCheck,
    /// ARNs of the load balancers that use it.
    pub load_balancers: Vec<String>,
}

/// The check of one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Path.
    pub path: String,
    /// Seconds between checks.
    pub interval: u32,
    /// Seconds until a check without an answer fails; less than the interval.
    pub timeout: u32,
    /// Passes in a row that make a target healthy.
    pub healthy: u32,
    /// Failures in a row that make it unhealthy.
    pub unhealthy: u32,
    /// Codes that pass, `200-399`.
    pub codes: String,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// ARN.
    pub arn: String,
    /// Load balancer ARN.
    pub load_balancer: String,
    /// Port.
    pub port: u16,
    /// What it speaks; `None` for what we do not use.
    pub protocol: Option<Protocol>,
    /// What it does by default with every request; `None` for what we do not use.
    pub action: Option<Action>,
}

/// A rule of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// ARN.
    pub arn: String,
    /// 1 to 50000.
    pub priority: u32,
    /// Ranges of the addresses whose requests it takes; empty for conditions that we do not use.
    pub source_ips: Vec<String>,
    /// What it does with them; `None` for what we do not use.
    pub action: Option<Action>,
}

/// What a listener speaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Protocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https {
        /// ARN of the certificate, in the load balancer's Region.
        certificate: String,
        /// Name of the policy that says which TLS versions and ciphers are spoken.
        policy: String,
    },
}

/// What a listener does with every request, or a rule with those that it takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Sends it to the targets of this group (its ARN).
    Forward(String),
    /// Spreads requests over the targets of several groups: ARN to weight, 0 to 999. One of weight 0 gets no requests,
    /// and its targets are checked all the same (rules 48, 49).
    Split(std::collections::BTreeMap<String, u16>),
    /// Answers `301` to the same host, path and query over HTTPS on this port.
    RedirectToHttps(u16),
}

/// Tags of one load-balancing resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagDescription {
    /// ARN.
    pub resource: String,
    /// Its tags.
    pub tags: Tags,
}

/// The load balancer's view of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    /// Instance id.
    pub target: String,
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining` or `unavailable`.
    pub state: String,
    /// AWS's reason code, `Target.FailedHealthChecks`.
    pub reason: Option<String>,
    /// AWS's words for it.
    pub description: Option<String>,
}

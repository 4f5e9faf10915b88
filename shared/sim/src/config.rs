//! What kind of AWS a world is: its zones, quotas, delays and weaknesses. All of it may change while it runs.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::sim::splitmix;
use crate::time::seconds_after;

/// How long a new resource stays out of sight, or a deleted one in sight (rule 34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lag {
    /// Not at all.
    #[default]
    None,
    /// This many seconds.
    Fixed(u32),
    /// 0 to `max` seconds, each resource its own, decided by the seed and the resource's id.
    Seeded {
        /// Seed.
        seed: u64,
        /// Longest lag, in seconds.
        max: u32,
    },
}

impl Lag {
    /// When reads show what happened to a resource at this time.
    pub(crate) fn visible_from(self, id: &str, happened: Timestamp) -> Timestamp {
        match self {
            Self::None => happened,
            Self::Fixed(seconds) => seconds_after(happened, seconds),
            Self::Seeded { seed, max } => seconds_after(happened, draw(seed, id, max)),
        }
    }
}

/// A number from 0 to `max` that depends on the seed and the id alone.
fn draw(seed: u64, id: &str, max: u32) -> u32 {
    let mixed = id
        .bytes()
        .fold(seed, |state, byte| splitmix(state ^ u64::from(byte)));
    u32::try_from(mixed % (u64::from(max) + 1)).unwrap_or(max)
}

/// Settings of a [`World`](crate::World). The defaults are a fresh account in us-east-1 without any fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldConfig {
    /// Region, the prefix of its zones.
    pub region: String,
    /// Account id, as it stands in ARNs.
    pub account: String,
    /// Zone names.
    pub zones: Vec<String>,
    /// Instance types that a zone does not offer: prefix of the type (`t3.`) and zone name (rule 64). All others are
    /// offered everywhere.
    pub not_offered: Vec<(String, String)>,
    /// Most VPCs (rule 38).
    pub vpc_quota: usize,
    /// Most internet gateways (rule 38).
    pub internet_gateway_quota: usize,
    /// Most elastic IP addresses (rule 38).
    pub address_quota: usize,
    /// Most NAT gateways in one zone, failed ones not counted.
    pub nat_gateway_quota: usize,
    /// Most load balancers.
    pub load_balancer_quota: usize,
    /// Most virtual processors of standard instances that are pending or running (rule 65). New accounts have 5.
    pub vcpu_quota: usize,
    /// The same of standard spot instances (rule 65). New accounts have 5.
    pub spot_vcpu_quota: usize,
    /// Codes of the quotas that Service Quotas does not know, `L-F678F1CE`. They hold all the same.
    pub untold_quotas: BTreeSet<String>,
    /// From `CreateNatGateway` to `available`.
    pub nat_delay: SignedDuration,
    /// From `CreateLoadBalancer` to `active`.
    pub load_balancer_delay: SignedDuration,
    /// From `CreateVpcEndpoint` to `available`, for an interface endpoint.
    pub endpoint_delay: SignedDuration,
    /// From the launch of an instance to `running`.
    pub running_delay: SignedDuration,
    /// From the launch of an instance to `InService` in its group, which waits for it to be running.
    pub in_service_delay: SignedDuration,
    /// From the launch of an instance until its application answers.
    pub boot_delay: SignedDuration,
    /// From the creation of an instance profile, or its role's entry, until a launch accepts it (rule 40).
    pub profile_propagation: SignedDuration,
    /// From `DeleteNatGateway` to `deleted`; its address is in use until then (rule 51).
    pub nat_delete_delay: SignedDuration,
    /// From `DeleteVpcEndpoints` to `deleted`, for an interface endpoint.
    pub endpoint_delete_delay: SignedDuration,
    /// How long the network interfaces of a load balancer stay when it was deleted (rule 51).
    pub interface_delay: SignedDuration,
    /// Beyond the grace period of its group, how long an instance refresh waits for the next healthy instance before it
    /// fails.
    pub refresh_patience: SignedDuration,
    /// Lag of new EC2 resources (rule 34).
    pub visibility_lag: Lag,
    /// Lag of new load balancers, target groups and listeners.
    pub elb_lag: Lag,
    /// Lag of new Auto Scaling groups.
    pub autoscaling_lag: Lag,
    /// Lag of new alarms, dashboards, topics and log groups.
    pub monitoring_lag: Lag,
    /// How long describes still show EC2 and ELB resources that were deleted. Those that AWS shows as `deleted` or
    /// `terminated` are left out.
    pub ghost_lag: Lag,
    /// An instance launched without a way to the internet never becomes healthy (rule 39).
    pub instances_need_internet: bool,
    /// Instances launched from now on never become healthy.
    pub broken_app: bool,
    /// Instances launched from these versions of any launch template never become healthy.
    pub broken_versions: BTreeSet<u64>,
    /// The operating system of instances does not answer, once it has booted: their own status check fails.
    pub impaired: bool,
    /// What instances print while they boot.
    pub console: String,
    /// From the launch of an instance until its SSM agent has registered; `None`: it never does.
    pub agent_delay: Option<SignedDuration>,
    /// What every command prints that an agent runs.
    pub command_output: String,
    /// From `SendCommand` to the end of the command; `None`: it runs until its time is up.
    pub command_delay: Option<SignedDuration>,
    /// Launches fail for this reason, as they do without capacity or vCPU quota (rule 65).
    pub launch_failure: Option<String>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        let zone = |letter: char| format!("us-east-1{letter}");
        Self {
            region: "us-east-1".into(),
            account: "123456789012".into(),
            zones: ('a'..='f').map(zone).collect(),
            not_offered: vec![("t3.".into(), zone('e'))],
            vpc_quota: 5,
            internet_gateway_quota: 5,
            address_quota: 5,
            nat_gateway_quota: 5,
            load_balancer_quota: 50,
            vcpu_quota: 64,
            spot_vcpu_quota: 64,
            untold_quotas: BTreeSet::new(),
            nat_delay: SignedDuration::from_secs(100),
            load_balancer_delay: SignedDuration::from_secs(150),
            endpoint_delay: SignedDuration::from_secs(60),
            running_delay: SignedDuration::from_secs(10),
            in_service_delay: SignedDuration::from_secs(20),
            boot_delay: SignedDuration::from_secs(30),
            profile_propagation: SignedDuration::from_secs(10),
            nat_delete_delay: SignedDuration::from_secs(60),
            endpoint_delete_delay: SignedDuration::from_secs(30),
            interface_delay: SignedDuration::from_secs(30),
            refresh_patience: SignedDuration::from_secs(600),
            visibility_lag: Lag::None,
            elb_lag: Lag::None,
            autoscaling_lag: Lag::None,
            monitoring_lag: Lag::None,
            ghost_lag: Lag::None,
            instances_need_internet: true,
            broken_app: false,
            broken_versions: BTreeSet::new(),
            impaired: false,
            console: String::new(),
            agent_delay: Some(SignedDuration::from_secs(20)),
            command_output: String::new(),
            command_delay: Some(SignedDuration::from_secs(2)),
            launch_failure: None,
        }
    }
}

impl WorldConfig {
    /// Whether a zone offers an instance type (rule 64).
    pub(crate) fn offers(&self, instance_type: &str, zone: &str) -> bool {
        !self
            .not_offered
            .iter()
            .any(|(prefix, without)| instance_type.starts_with(prefix.as_str()) && without == zone)
    }
}

//! What a spec has where it says nothing.
//!
//! Guarantees: the rules fill in these values and no others, so that [`Spec::minimal`] is what the shortest text
//! decodes to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use ordered_float::OrderedFloat;

use crate::scaling::{Behavior, Breach, Goal, Measure, Metric, Scaling};
use crate::types::{
    App, Apply, Architecture, Compute, Drift, HealthCheck, Image, Launch, Lifecycle, Listener, LoadBalancer,
    Mode, Monitoring, Nat, Network, Protocol, Rollout, Runtime, Scheme, Spec, StackId, Verify,
};

/// Port of what packages bring, and of the load balancer.
pub(crate) const HTTP: u16 = 80;
/// Minutes in a row; a group grows sooner than it shrinks.
pub(crate) const PERIODS_OUT: u32 = 2;
/// The same of shrinking.
pub(crate) const PERIODS_IN: u32 = 5;
/// With spot instances, how many are on demand all the same.
pub(crate) const ON_DEMAND_BASE: i64 = 1;
/// And how many of the others, in percent.
pub(crate) const ON_DEMAND_PERCENT: i64 = 50;

impl Spec {
    /// The smallest valid spec of `stack`: packages `[nginx]`, and every default.
    ///
    /// For work that needs a spec and has none, as finding the resources of a stack whose spec was lost.
    #[must_use]
    pub fn minimal(stack: &StackId) -> Self {
        let (instance_types, architecture) = machines();
        Self {
            stack: stack.clone(),
            tags: BTreeMap::new(),
            apply: Apply::default(),
            allow_replace: false,
            rollout: Rollout::default(),
            protect: protected(stack),
            network: Network::default(),
            compute: Compute {
                mode: Mode::default(),
                image: Image::default(),
                instance_types,
                architecture,
                spot: None,
                app: App {
                    port: HTTP,
                    runtime: Runtime::Packages(vec!["nginx".to_owned()]),
                },
            },
            load_balancer: LoadBalancer::default(),
            scaling: Scaling::default(),
            lifecycle: Lifecycle::default(),
            monitoring: Monitoring::default(),
            drift: Drift::default(),
        }
    }
}

/// Whether the spec of `stack` has `protect`.
pub(crate) fn protected(stack: &StackId) -> bool {
    stack.environment == "prod"
}

/// The instance types, and their architecture.
pub(crate) fn machines() -> (Vec<String>, Architecture) {
    (vec!["t3.micro".to_owned()], Architecture::X86_64)
}

/// No endpoints: those of [`Nat::None`], which is no default, are among the rules.
impl Default for Network {
    fn default() -> Self {
        Self {
            cidr: Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 16),
            zones: 3,
            nat: Nat::PerZone,
            endpoints: BTreeSet::new(),
        }
    }
}

impl Default for LoadBalancer {
    fn default() -> Self {
        Self {
            scheme: Scheme::InternetFacing,
            listeners: vec![Listener {
                port: HTTP,
                protocol: Protocol::Http,
                redirect_to: None,
            }],
            health_check: HealthCheck::default(),
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            interval: 15,
            healthy: 2,
            unhealthy: 2,
            codes: "200-399".to_owned(),
        }
    }
}

/// With [`Mode::Asg`]. With [`Mode::Ec2`] there are no metrics, and `max` is `min`.
impl Default for Scaling {
    fn default() -> Self {
        let breach = |threshold, periods| Breach {
            threshold: OrderedFloat(threshold),
            periods,
        };
        Self {
            min: 3,
            max: 9,
            metrics: vec![Metric {
                measure: Measure::Cpu,
                goal: Goal::Between {
                    scale_out: breach(70.0, PERIODS_OUT),
                    scale_in: Some(breach(30.0, PERIODS_IN)),
                },
            }],
            behavior: Behavior::default(),
            schedule: vec![],
        }
    }
}

/// As long as the late metric takes to show a removal; and as long as a threshold's minutes, so that a lull is no end.
impl Default for Behavior {
    fn default() -> Self {
        Self {
            cooldown: 150,
            max_step: None,
            stabilization: 300,
        }
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            drain: 60,
            launch: Launch {
                verify: Verify::LoadBalancer,
                timeout: 600,
            },
            command: None,
        }
    }
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            interval: 3600,
            repair: true,
        }
    }
}

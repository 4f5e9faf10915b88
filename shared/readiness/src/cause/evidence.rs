//! What is known of an instance that did not become healthy.
//!
//! Guarantees: plain data, written and read as JSON; every part may be missing, and what an earlier version wrote can be
//! read. It holds no environment values and no boot script; the console may hold what a script printed.

use serde::{Deserialize, Serialize};
use windlass_calls::{ec2, elb};
use windlass_spec::{App, Runtime as SpecRuntime};

use super::network::Network;

/// Everything that was found out. A part that is `None` was not asked, or did not answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// What the target group says of the instance (`DescribeTargetHealth`).
    pub target: Option<Target>,
    /// The health check as it is configured (`DescribeTargetGroups`).
    pub check: Option<Check>,
    /// The load balancer (`DescribeLoadBalancers`).
    pub load_balancer: Option<Balancer>,
    /// The instance (`DescribeInstances`, `DescribeInstanceStatus`).
    pub instance: Option<Instance>,
    /// The end of the console output (`GetConsoleOutput`), decoded. Of it the last 64 KiB are read.
    pub console: Option<String>,
    /// What the instance says of itself, where its SSM agent answers.
    pub agent: Option<Agent>,
    /// The network between the load balancer and the instance.
    pub network: Option<Network>,
    /// What the spec asks for.
    pub asked: Option<Asked>,
}

/// The load balancer's view of the instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining` or `unavailable`.
    pub state: String,
    /// AWS's reason code, `Target.Timeout`.
    pub reason: Option<String>,
    /// AWS's words for it, `Health checks failed with these codes: [404]`.
    pub description: Option<String>,
}

impl From<&elb::TargetHealth> for Target {
    fn from(health: &elb::TargetHealth) -> Self {
        Self {
            state: health.state.clone(),
            reason: health.reason.clone(),
            description: health.description.clone(),
        }
    }
}

/// A health check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Check {
    /// `HTTP` or `HTTPS`.
    pub protocol: Option<String>,
    /// Path, `/health`.
    pub path: Option<String>,
    /// Port of the instance that is asked.
    pub port: Option<u16>,
    /// Codes that pass, `200-399`.
    pub codes: Option<String>,
    /// Seconds until a check without an answer fails.
    pub timeout: Option<u32>,
}

impl From<&elb::TargetGroup> for Check {
    /// Target groups are made for HTTP, and checked on the port of their targets.
    fn from(group: &elb::TargetGroup) -> Self {
        Self {
            protocol: Some("HTTP".into()),
            path: Some(group.health_check.path.clone()),
            port: Some(group.port),
            codes: Some(group.health_check.codes.clone()),
            timeout: Some(group.health_check.timeout),
        }
    }
}

/// The load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Balancer {
    /// `provisioning`, `active`, `active_impaired` or `failed` (rule 41).
    pub state: String,
}

impl From<&elb::LoadBalancer> for Balancer {
    fn from(balancer: &elb::LoadBalancer) -> Self {
        Self {
            state: balancer.state.clone(),
        }
    }
}

/// The instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Instance {
    /// `i-…`.
    pub id: Option<String>,
    /// `t3.micro`.
    pub instance_type: Option<String>,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub state: Option<String>,
    /// Why it is in that state: `Client.UserInitiatedShutdown: User initiated shutdown`.
    pub state_reason: Option<String>,
    /// The check of the host below it: `ok`, `impaired`, `initializing`, …
    pub system_status: Option<String>,
    /// The check of the instance itself: `ok`, `impaired`, `initializing`, …
    pub instance_status: Option<String>,
}

impl From<&ec2::Instance> for Instance {
    /// Without the two checks, which another call answers.
    fn from(instance: &ec2::Instance) -> Self {
        Self {
            id: Some(instance.id.clone()),
            instance_type: Some(instance.instance_type.clone()),
            state: Some(instance.state.clone()),
            state_reason: instance.state_reason.clone(),
            system_status: None,
            instance_status: None,
        }
    }
}

/// What the instance says of itself, by commands sent over SSM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agent {
    /// Units of `systemctl list-units --failed`: `nginx.service`.
    pub failed_units: Option<Vec<String>>,
    /// Sockets of `ss -Hltn`.
    pub listening: Option<Vec<Socket>>,
    /// `cloud-init status`: `running`, `done`, `error`, …
    pub cloud_init: Option<String>,
    /// Containers of `docker ps --all`.
    pub containers: Option<Vec<Container>>,
}

/// A listening TCP socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Socket {
    /// `0.0.0.0`, `*`, `[::]`, `127.0.0.1`, `127.0.0.53%lo`.
    pub address: String,
    /// Port.
    pub port: u16,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Name, `app`.
    pub name: String,
    /// Docker's words: `Up 2 minutes`, `Exited (1) 3 seconds ago`, `Restarting (1) 5 seconds ago`.
    pub status: String,
}

/// What the spec asks for, without environment values and without the boot script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asked {
    /// What runs.
    pub runtime: Option<Runtime>,
    /// Port that the application listens on.
    pub port: Option<u16>,
}

/// What runs on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Runtime {
    /// Packages of the image's own package manager.
    Packages(Vec<String>),
    /// A container of this image.
    Container(String),
    /// A script of the user's own.
    UserData,
}

impl From<&App> for Asked {
    fn from(app: &App) -> Self {
        let runtime = match &app.runtime {
            SpecRuntime::Packages(packages) => Runtime::Packages(packages.clone()),
            SpecRuntime::Container { image, .. } => Runtime::Container(image.clone()),
            SpecRuntime::UserData(_) => Runtime::UserData,
        };
        Self {
            runtime: Some(runtime),
            port: Some(app.port),
        }
    }
}

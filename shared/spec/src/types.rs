//! The decoded spec: every default filled in, every rule of [`crate::decode`] already checked.
//!
//! Guarantees: what an earlier version recorded can be read: a field that is new has the value it then had.
//! A value of [`Spec`] only exists when all the rules hold, so later stages never see an invalid one.
//! The types are plain data; nothing here reads a clock, the environment or AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::scaling::Scaling;

/// Which stack: the environment and name that its spec's key carries, `specs/<environment>/<name>.yaml`.
///
/// Both parts match `[a-z][a-z0-9-]*`, do not end in a hyphen, and are at most 32 characters long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StackId {
    /// `dev`, `stage`, `prod`, …
    pub environment: String,
    /// The stack's name within its environment.
    pub name: String,
}

impl fmt::Display for StackId {
    /// `dev/web`, as in the `windlass:stack` tag and in `status.json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment, self.name)
    }
}

/// A valid stack description with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// From the key, and equal to what `metadata` says where it says it.
    pub stack: StackId,
    /// The user's own tags, put on every resource that takes tags.
    pub tags: BTreeMap<String, String>,
    /// What happens with a plan.
    #[serde(default)]
    pub apply: Apply,
    /// What AWS cannot change in place may be replaced.
    #[serde(default)]
    pub allow_replace: bool,
    /// What happens with running instances when what they are made from changes.
    #[serde(default)]
    pub rollout: Rollout,
    /// Refuse to destroy the stack. Default true in environment `prod`.
    pub protect: bool,
    /// The VPC and what is in it.
    pub network: Network,
    /// What runs, and on which machines.
    pub compute: Compute,
    /// The only public entry.
    pub load_balancer: LoadBalancer,
    /// How many instances.
    pub scaling: Scaling,
    /// Launching and terminating instances.
    pub lifecycle: Lifecycle,
    /// What people see, and what they are told.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// What happens with what somebody changed by hand.
    #[serde(default)]
    pub drift: Drift,
}

/// What happens with running instances when what they are made from changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rollout {
    /// They are replaced, a few at a time.
    #[default]
    Auto,
    /// They stay, and only those launched later have it.
    Manual,
}

/// What happens with what somebody changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Seconds between two looks, 300 to 86400.
    pub interval: u32,
    /// It is changed back; otherwise it is only said.
    pub repair: bool,
}

/// What happens with a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Apply {
    /// It is carried out.
    #[default]
    Auto,
    /// It is written down, and nothing is changed.
    Plan,
}

/// The VPC, its zones and its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// A private range, /16 to /23: sixteen equal blocks of it become subnets, and an ALB subnet is /27 or larger.
    pub cidr: Ipv4Net,
    /// Number of availability zones, 2 to 6.
    pub zones: u8,
    /// Where the private subnets' way out is.
    pub nat: Nat,
    /// AWS services that the private subnets reach without the internet. With [`Nat::None`] Session Manager and S3,
    /// unless others are named.
    #[serde(default)]
    pub endpoints: BTreeSet<Endpoint>,
}

/// An AWS service that instances reach by VPC endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Amazon S3, by a gateway endpoint, without charge.
    S3,
    /// `DynamoDB`, by a gateway endpoint, without charge.
    DynamoDb,
    /// Systems Manager with Session Manager and Parameter Store.
    Ssm,
    /// The container registry. Image layers come from S3, which needs its own endpoint.
    Ecr,
    /// CloudWatch Logs.
    Logs,
    /// CloudWatch metrics.
    Monitoring,
    /// Secrets Manager.
    SecretsManager,
    /// Key Management Service.
    Kms,
    /// Security Token Service.
    Sts,
    /// Amazon SQS.
    Sqs,
    /// Amazon SNS.
    Sns,
}

/// NAT gateways: one in every zone, one for all, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// One NAT gateway in every zone: no zone depends on another.
    PerZone,
    /// One NAT gateway, in the first zone, for all.
    Single,
    /// None: the image must boot without the internet.
    None,
}

/// Machines and the application on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// Who keeps the number of instances.
    #[serde(default)]
    pub mode: Mode,
    /// What the instances boot.
    pub image: Image,
    /// One or more instance types of one architecture, in order of preference.
    pub instance_types: Vec<String>,
    /// The architecture of all of them.
    pub architecture: Architecture,
    /// Spot instances among those of the group; `None` is all on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// What is installed and started at boot, and the port it listens on.
    pub app: App,
}

/// Which of a group's instances are on demand; the others are spot instances, which EC2 may take back at two minutes'
/// notice (rule 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spot {
    /// How many are on demand in any case; at most [`Scaling::max`].
    pub on_demand_base: u32,
    /// How many of those beyond are on demand, in percent, 0 to 100.
    pub on_demand_percent: u8,
}

/// Who keeps the number of instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// An Auto Scaling group, between [`Scaling::min`] and [`Scaling::max`].
    #[default]
    Asg,
    /// Windlass itself: [`Scaling::min`] instances, which is also [`Scaling::max`], spread over the zones.
    Ec2,
}

/// The machine image: an alias, a fixed image or a public parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Image {
    /// Amazon Linux 2023, resolved once per spec change through its public SSM parameter.
    #[default]
    Al2023,
    /// Ubuntu 24.04 LTS, resolved once per spec change through its public SSM parameter.
    Ubuntu2404,
    /// A fixed image, `ami-…`.
    Ami(String),
    /// An SSM parameter (its path, with the leading `/`) that holds an image id.
    Parameter(String),
}

/// Processor architecture of the instance types, in AWS's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD: `x86_64`.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton: `arm64`.
    Arm64,
}

/// The application: what instances run, and where it listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// TCP port the load balancer sends requests and health checks to.
    pub port: u16,
    /// What is installed and started.
    pub runtime: Runtime,
}

/// The three ways to say what an instance runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Runtime {
    /// Packages of the image's own package manager; each is also enabled as a service of that name where one exists.
    Packages(Vec<String>),
    /// A container, published on [`App::port`].
    #[serde(rename_all = "camelCase")]
    Container {
        /// Image reference, `registry/name:tag` or `@sha256:…`.
        image: String,
        /// Environment variables.
        env: BTreeMap<String, Variable>,
    },
    /// A script of the user's own, passed through as it is (at most 16 KiB before encoding).
    UserData(String),
}

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variable {
    /// Of an SSM parameter, read by the instance at boot: its path, with the leading `/`. Written `ssm:/path`.
    Parameter(String),
    /// Of a Secrets Manager secret, read by the instance at boot: its name. Written `secret:name`.
    Secret(String),
    /// As it stands in the spec; one line. Recorded as a plain text, as it was before there were others.
    #[serde(untagged)]
    Plain(String),
}

/// The load balancer, its listeners and its health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// Public or private.
    pub scheme: Scheme,
    /// Ports it listens on; each port once, at least one.
    pub listeners: Vec<Listener>,
    /// How a target is judged.
    pub health_check: HealthCheck,
}

/// Who can reach the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// In the public subnets, open to everybody.
    InternetFacing,
    /// In the private subnets, open to the VPC's own range.
    Internal,
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// TCP port, 1 to 65535.
    pub port: u16,
    /// What it speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// Port of an HTTPS listener of this stack that clients are sent to; `None` forwards to the instances. At least one
    /// listener forwards.
    #[serde(default)]
    pub redirect_to: Option<u16>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    #[serde(rename_all = "camelCase")]
    Https {
        /// ARN of an ACM certificate, or of an IAM server certificate.
        certificate_arn: String,
    },
}

/// The load balancer's check of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Path with a leading `/`.
    pub path: String,
    /// Seconds between checks, 5 to 300.
    pub interval: u32,
    /// Passes in a row that make a target healthy, 2 to 10.
    pub healthy: u32,
    /// Failures in a row that make it unhealthy, 2 to 10.
    pub unhealthy: u32,
    /// HTTP codes that count as a pass, as ELB writes them: `200-399`, `200,204`.
    pub codes: String,
}

/// What people see, and what they are told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// A CloudWatch dashboard.
    pub dashboard: bool,
    /// Who is told when the stack serves badly. Nobody: no alarms for it either.
    pub notify: Vec<Contact>,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Contact {
    /// A mail address.
    Email(String),
    /// An `https://` URL that takes SNS's messages.
    Https(String),
}

/// Launching and terminating instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Seconds a leaving target may finish its requests: the target group's deregistration delay, 0 to 3600.
    pub drain: u32,
    /// What a new instance must show before it is in service.
    #[serde(default = "Launch::unverified")]
    pub launch: Launch,
    /// What a leaving instance still does once it has no requests left; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// A command that a leaving instance runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// For the shell.
    pub text: String,
    /// Seconds that it may take, 30 to 3600.
    pub timeout: u32,
}

/// What a new instance must show before it is in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// Who has to find it healthy; with [`Mode::Ec2`] nobody.
    pub verify: Verify,
    /// Seconds that it may take, 30 to 7200: what a lifecycle hook waits.
    pub timeout: u32,
}

impl Launch {
    /// What there was before anything could be asked for.
    fn unverified() -> Self {
        Self {
            verify: Verify::None,
            timeout: 600,
        }
    }
}

/// Who has to find a new instance healthy before it is in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// The load balancer.
    LoadBalancer,
    /// Nobody.
    None,
}

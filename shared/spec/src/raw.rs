//! The spec as it is written: every field optional, nothing judged but its shape.
//!
//! Guarantees: one definition gives the decoder, the list of known names and the JSON Schema, so that they cannot
//! differ. The documentation of a field is what an editor shows for it.

use crate::shape::{record, words};
use crate::types::{Nat, Scheme};
use crate::values::{List, Seconds, Table};

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    V1,
}
words!(ApiVersion { "windlass/v1" => Self::V1, });

/// The kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stack,
}
words!(Kind { "Stack" => Self::Stack, });

/// What happens with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apply {
    Auto,
    Plan,
}
words!(Apply { "auto" => Self::Auto, "plan" => Self::Plan, });

words!(Nat { "per-zone" => Self::PerZone, "single" => Self::Single, "none" => Self::None, });

/// Who keeps the number of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Asg,
    Ec2,
}
words!(Mode { "asg" => Self::Asg, "ec2" => Self::Ec2, });

words!(Scheme { "internet-facing" => Self::InternetFacing, "internal" => Self::Internal, });

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Https,
}
words!(Protocol { "HTTP" => Self::Http, "HTTPS" => Self::Https, });

/// What a scaling metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Cpu,
    RequestsPerTarget,
    NetworkIn,
    NetworkOut,
    Memory,
}
words!(Metric {
    "cpu" => Self::Cpu,
    "requestsPerTarget" => Self::RequestsPerTarget,
    "networkIn" => Self::NetworkIn,
    "networkOut" => Self::NetworkOut,
    "memory" => Self::Memory,
});

/// What a new instance must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verify {
    LoadBalancer,
    None,
}
words!(Verify { "load-balancer" => Self::LoadBalancer, "none" => Self::None, });

record! {
    /// A highly available, self-healing web stack on AWS. `compute.app` is all that must be said.
    #[schemars(title = "Windlass stack", extend("required" = ["compute"]))]
    RawSpec {
        /// Version of this format.
        #[expect(dead_code, reason = "the one word that there is says nothing more")]
        api_version: ApiVersion,
        /// What this document describes.
        #[expect(dead_code, reason = "the one word that there is says nothing more")]
        kind: Kind,
        /// Name, environment and tags of the stack.
        metadata: RawMetadata,
        /// `auto` applies every change; `plan` (not supported yet) only writes the plan.
        #[schemars(extend("default" = "auto"))]
        apply: Apply,
        /// Whether resources may be replaced that AWS cannot change in place. `true` is not supported yet.
        #[schemars(extend("default" = false))]
        allow_replace: bool,
        /// `true` refuses to destroy the stack when its spec is deleted. Default: true in environment `prod`, else false.
        protect: bool,
        /// The VPC, its zones and its way out.
        network: RawNetwork,
        /// What runs, and on which machines.
        compute: RawCompute,
        /// The entry to the stack.
        load_balancer: RawLoadBalancer,
        /// How many instances.
        scaling: RawScaling,
        /// Launching and terminating instances.
        lifecycle: RawLifecycle,
        /// Dashboard and notifications.
        monitoring: RawMonitoring,
        /// Finding and repairing what was changed by hand. Not supported yet.
        drift: RawDrift,
    }
}

record! {
    /// Name, environment and tags of the stack.
    RawMetadata {
        /// Must be the file name of the spec, which is also the default.
        #[schemars(length(max = 32), regex(pattern = "^[a-z]([a-z0-9-]*[a-z0-9])?$"))]
        name: String,
        /// Must be the folder of the spec, which is also the default.
        #[schemars(length(max = 32), regex(pattern = "^[a-z]([a-z0-9-]*[a-z0-9])?$"))]
        environment: String,
        /// Put on every resource that takes tags; at most 40.
        #[schemars(extend("maxProperties" = 40))]
        tags: Table,
    }
}

record! {
    /// The VPC, its zones and its way out.
    RawNetwork {
        /// A private IPv4 range, /16 to /23.
        #[schemars(regex(pattern = r"^[0-9.]+/(1[6-9]|2[0-3])$"), extend("default" = "10.0.0.0/16"))]
        cidr: String,
        /// Number of availability zones.
        #[schemars(range(min = 2, max = 6), extend("default" = 3))]
        zones: i64,
        /// NAT gateways: one in every zone, a single one, or none (the image must then boot without the internet).
        #[schemars(extend("default" = "per-zone"))]
        nat: Nat,
        /// Interface endpoints such as `ssm`. Not supported yet.
        endpoints: List<String>,
    }
}

record! {
    /// What runs, and on which machines.
    #[schemars(extend("required" = ["app"]))]
    RawCompute {
        /// `asg`: an Auto Scaling group. `ec2`, fixed instances, is not supported yet.
        #[schemars(extend("default" = "asg"))]
        mode: Mode,
        /// `al2023`, `ubuntu-24.04`, an image `ami-…`, or `ssm:/path` of a parameter that holds an image id.
        #[schemars(
            regex(pattern = "^(al2023|ubuntu-24\\.04|ami-[0-9a-f]{8,17}|ssm:/.+)$"),
            extend("default" = "al2023")
        )]
        image: String,
        /// Instance types of one architecture, in order of preference.
        #[schemars(length(min = 1, max = 20), extend("default" = ["t3.micro"]))]
        instance_types: List<String>,
        /// Spot instances. Not supported yet.
        spot: RawSpot,
        /// What an instance runs: exactly one of `packages`, `container` and `userData`.
        app: RawApp,
    }
}

record! {
    /// Spot instances. Not supported yet.
    RawSpot {
        /// Instances that are always on demand.
        #[schemars(range(min = 0))]
        on_demand_base: i64,
        /// Share of the others that is on demand, in percent.
        #[schemars(range(min = 0, max = 100))]
        on_demand_percent: i64,
    }
}

record! {
    /// What an instance runs: exactly one of `packages`, `container` and `userData`.
    #[schemars(extend("oneOf" = [
        {"required": ["packages"]}, {"required": ["container"]}, {"required": ["userData", "port"]}
    ]))]
    RawApp {
        /// Packages to install with the image's package manager; each is also started as a service.
        #[schemars(length(min = 1))]
        packages: List<String>,
        /// A container image to run.
        container: RawContainer,
        /// A script of your own, run at first boot as it is; at most 16 KiB.
        user_data: String,
        /// Port the application listens on. Default 80 for packages; required with `userData`.
        #[schemars(range(min = 1, max = 65535))]
        port: i64,
    }
}

record! {
    /// A container image to run.
    #[schemars(extend("required" = ["image", "port"]))]
    RawContainer {
        /// Image reference, `registry/name:tag` or `name@sha256:…`.
        image: String,
        /// Port the container listens on.
        #[schemars(range(min = 1, max = 65535))]
        port: i64,
        /// Environment variables. Never secrets: they can be read in the launch template.
        env: Table,
    }
}

record! {
    /// The entry to the stack.
    RawLoadBalancer {
        /// `internet-facing`: open to everybody; `internal`: open to the VPC's own range.
        #[schemars(extend("default" = "internet-facing"))]
        scheme: Scheme,
        /// Ports it listens on, each once.
        #[schemars(length(min = 1, max = 50), extend("default" = [{"port": 80, "protocol": "HTTP"}]))]
        listeners: List<RawListener>,
        /// How an instance is judged.
        health_check: RawHealthCheck,
    }
}

record! {
    /// One port of the load balancer.
    #[schemars(extend("required" = ["port"]))]
    RawListener {
        /// TCP port.
        #[schemars(range(min = 1, max = 65535))]
        port: i64,
        /// `HTTP`. `HTTPS` is not supported yet.
        #[schemars(extend("default" = "HTTP"))]
        protocol: Protocol,
        /// Certificate for HTTPS. Not supported yet.
        certificate_arn: String,
        /// Port that clients are redirected to. Not supported yet.
        #[schemars(range(min = 1, max = 65535))]
        redirect_to: i64,
    }
}

record! {
    /// How the load balancer judges an instance.
    RawHealthCheck {
        /// Path that answers when the application is well.
        #[schemars(length(max = 1024), regex(pattern = "^/"), extend("default" = "/"))]
        path: String,
        /// Time between checks, 5s to 300s.
        #[schemars(extend("default" = "15s"))]
        interval: Seconds,
        /// Passes in a row that make an instance healthy.
        #[schemars(range(min = 2, max = 10), extend("default" = 2))]
        healthy: i64,
        /// Failures in a row that make it unhealthy.
        #[schemars(range(min = 2, max = 10), extend("default" = 2))]
        unhealthy: i64,
        /// HTTP codes that pass, 200 to 499: `"200"`, `"200,302"` or `"200-399"`.
        #[schemars(
            regex(pattern = "^[234][0-9]{2}(-[234][0-9]{2})?(,[234][0-9]{2}(-[234][0-9]{2})?)*$"),
            extend("default" = "200-399")
        )]
        codes: String,
    }
}

record! {
    /// How many instances.
    RawScaling {
        /// Fewest instances.
        #[schemars(range(min = 1, max = 1000), extend("default" = 3))]
        min: i64,
        /// Most instances.
        #[schemars(range(min = 1, max = 1000), extend("default" = 9))]
        max: i64,
        /// What makes the group grow and shrink. Not supported yet.
        metrics: List<RawMetric>,
        /// How fast it does. Not supported yet.
        behavior: RawBehavior,
        /// Bounds by the clock. Not supported yet.
        schedule: List<RawSchedule>,
    }
}

record! {
    /// One measure with its two thresholds. Not supported yet.
    #[schemars(extend("required" = ["type"]))]
    RawMetric {
        /// What is measured.
        r#type: Metric,
        /// When to add instances.
        scale_out: RawScaleOut,
        /// When to remove instances.
        scale_in: RawScaleIn,
    }
}

record! {
    /// When to add instances.
    #[schemars(extend("required" = ["above"]))]
    RawScaleOut {
        /// Threshold; percent for `cpu` and `memory`.
        above: f64,
        /// Minutes in a row above it.
        #[schemars(range(min = 1, max = 60))]
        periods: i64,
    }
}

record! {
    /// When to remove instances.
    #[schemars(extend("required" = ["below"]))]
    RawScaleIn {
        /// Threshold; percent for `cpu` and `memory`.
        below: f64,
        /// Minutes in a row below it.
        #[schemars(range(min = 1, max = 60))]
        periods: i64,
    }
}

record! {
    /// How fast the group grows and shrinks. Not supported yet.
    RawBehavior {
        /// Pause between two changes.
        cooldown: Seconds,
        /// Most instances added or removed at once.
        #[schemars(range(min = 1))]
        max_step: i64,
        /// How long a fall must last.
        stabilization: Seconds,
    }
}

record! {
    /// Bounds of the group by the clock. Not supported yet.
    #[schemars(extend("required" = ["cron"]))]
    RawSchedule {
        /// When, as a cron expression.
        cron: String,
        /// Time zone of the expression, as `Europe/Berlin`.
        time_zone: String,
        /// Fewest instances from then on.
        #[schemars(range(min = 1, max = 1000))]
        min: i64,
        /// Most instances from then on.
        #[schemars(range(min = 1, max = 1000))]
        max: i64,
    }
}

record! {
    /// Launching and terminating instances.
    RawLifecycle {
        /// What a new instance must show before it is in service.
        launch: RawLaunch,
        /// How an instance leaves.
        terminate: RawTerminate,
    }
}

record! {
    /// What a new instance must show before it is in service.
    RawLaunch {
        /// `none`. `load-balancer` is not supported yet.
        verify: Verify,
        /// How long that may take. Not supported yet.
        timeout: Seconds,
    }
}

record! {
    /// How an instance leaves.
    RawTerminate {
        /// Time to finish its requests, 0s to 3600s.
        #[schemars(extend("default" = "60s"))]
        drain: Seconds,
    }
}

record! {
    /// Dashboard and notifications.
    RawMonitoring {
        /// A CloudWatch dashboard of the stack. `true` is not supported yet.
        #[schemars(extend("default" = false))]
        dashboard: bool,
        /// Mail addresses that are told about trouble. Not supported yet.
        notify: List<String>,
    }
}

record! {
    /// Finding and repairing what was changed by hand. Not supported yet.
    RawDrift {
        /// How often to look.
        interval: Seconds,
        /// Whether to repair what was found.
        repair: bool,
    }
}

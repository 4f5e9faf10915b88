//! The spec as it is written: every field optional, nothing judged but its shape.
//!
//! Guarantees: one definition gives the decoder, the list of known names and the JSON Schema, so that they cannot
//! differ. The documentation of a field is what an editor shows for it.

use serde_json::{Value, json};

use crate::shape::{record, words};
use crate::types::{Apply, Endpoint, Mode, Nat, Rollout, Scheme, Verify};
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

words!(Apply { "auto" => Self::Auto, "plan" => Self::Plan, });

words!(Rollout { "auto" => Self::Auto, "manual" => Self::Manual, });

words!(Nat { "per-zone" => Self::PerZone, "single" => Self::Single, "none" => Self::None, });

words!(Endpoint {
    "s3" => Self::S3,
    "dynamodb" => Self::DynamoDb,
    "ssm" => Self::Ssm,
    "ecr" => Self::Ecr,
    "logs" => Self::Logs,
    "monitoring" => Self::Monitoring,
    "secretsmanager" => Self::SecretsManager,
    "kms" => Self::Kms,
    "sts" => Self::Sts,
    "sqs" => Self::Sqs,
    "sns" => Self::Sns,
});

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
    TargetResponseTime,
    Custom,
}
words!(Metric {
    "cpu" => Self::Cpu,
    "requestsPerTarget" => Self::RequestsPerTarget,
    "networkIn" => Self::NetworkIn,
    "networkOut" => Self::NetworkOut,
    "memory" => Self::Memory,
    "targetResponseTime" => Self::TargetResponseTime,
    "custom" => Self::Custom,
});

words!(Verify { "load-balancer" => Self::LoadBalancer, "none" => Self::None, });

/// An ACM certificate, or an IAM server certificate.
const CERTIFICATE: &str = concat!(
    "^arn:aws(-[a-z]+)*:",
    "(acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+",
    "|iam::[0-9]{12}:server-certificate(/[A-Za-z0-9_+=,.@-]+)+)$"
);
/// Printable, and more than blanks; not a colon first, which CloudWatch keeps to itself.
const METRIC_TEXT: &str = "^[!-9;-~][ -~]*$";
/// A plain statistic or a percentile.
const STATISTIC: &str = r"^(Average|Sum|Minimum|Maximum|SampleCount|p(100|[0-9]{1,2})(\.[0-9]{1,10})?)$";
/// Five fields, of numbers, names of months and weekdays, lists, ranges and steps.
const CRON: &str = r"^[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}$";
/// A mail address, or an `https://` URL without credentials.
const CONTACT: &str = concat!(
    r"^([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    r"|https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?)$"
);

/// The schema of a record that has `field`, which passes `schema`.
fn within(field: &str, schema: &Value) -> Value {
    json!({"properties": {field: schema}, "required": [field]})
}

record! {
    /// A highly available, self-healing web stack on AWS. `compute.app` is all that must be said.
    #[schemars(title = "Windlass stack", extend("required" = ["compute"], "allOf" = [
        {
            "if": within("compute", &json!({"properties": {"mode": {"const": "ec2"}}, "required": ["mode"]})),
            "then": {"properties": {
                "scaling": {"properties": {"metrics": {"maxItems": 0}}},
                "lifecycle": {"properties": {"launch": {"properties": {"verify": {"const": "none"}}}}}
            }}
        },
        {
            "if": within("network", &json!({"properties": {"nat": {"const": "none"}}, "required": ["nat"]})),
            "then": {"properties": {"compute": {"properties": {"app": {"required": ["userData"]}}}}}
        }
    ]))]
    RawSpec {
        /// Version of this format.
        #[expect(dead_code, reason = "the one word that there is says nothing more")]
        api_version: ApiVersion,
        /// What this document describes.
        #[expect(dead_code, reason = "the one word that there is says nothing more")]
        kind: Kind,
        /// Name, environment and tags of the stack.
        metadata: RawMetadata,
        /// `auto` carries out every change; `plan` only writes down what would change.
        #[schemars(extend("default" = "auto"))]
        apply: Apply,
        /// `true` lets what AWS cannot change in place be replaced; `false` refuses a change that needs that.
        #[schemars(extend("default" = false))]
        allow_replace: bool,
        /// `auto` replaces running instances, a few at a time, when what they are made from changes; `manual` leaves
        /// them, and only those launched later have it.
        #[schemars(extend("default" = "auto"))]
        rollout: Rollout,
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
        /// What happens with what somebody changed by hand.
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
    #[schemars(extend(
        "if" = {
            "properties": {"nat": {"const": "none"}, "endpoints": {"contains": {"const": "ecr"}}},
            "required": ["nat", "endpoints"]
        },
        "then" = {"properties": {"endpoints": {"contains": {"const": "s3"}}}}
    ))]
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
        /// AWS services that the private subnets reach without the internet, each once. Default: `ssm` and `s3` with
        /// `nat: none`, else none; `[]` is none in any case. `s3` and `dynamodb` are free, the others cost money by
        /// zone and hour. With `nat: none`, `ecr` needs `s3`, where the layers of its images are.
        #[schemars(extend("uniqueItems" = true))]
        endpoints: List<Endpoint>,
    }
}

record! {
    /// What runs, and on which machines.
    #[schemars(extend(
        "required" = ["app"],
        "if" = {"properties": {"mode": {"const": "ec2"}}, "required": ["mode"]},
        "then" = {"properties": {"instanceTypes": {"maxItems": 1}, "spot": false}}
    ))]
    RawCompute {
        /// `asg`: an Auto Scaling group, between `scaling.min` and `scaling.max`. `ec2`: a fixed number of instances,
        /// `scaling.min`, of one type.
        #[schemars(extend("default" = "asg"))]
        mode: Mode,
        /// `al2023`, `ubuntu-24.04`, an image `ami-…`, or `ssm:/path` of a parameter that holds an image id.
        #[schemars(
            regex(pattern = r"^(al2023|ubuntu-24\.04|ami-[0-9a-f]{8,17}|ssm:(/[A-Za-z0-9._-]+)+)$"),
            extend("default" = "al2023")
        )]
        image: String,
        /// Instance types of one architecture, in order of preference, each once; with `mode: ec2` a single one.
        #[schemars(length(min = 1, max = 20), extend("default" = ["t3.micro"], "uniqueItems" = true))]
        instance_types: List<String>,
        /// Spot instances in the group; left out, all are on demand. Not with `mode: ec2`. EC2 may take a spot instance back
        /// at two minutes' notice, which is the rarer the more `instanceTypes` there are to choose from.
        spot: RawSpot,
        /// What an instance runs: exactly one of `packages`, `container` and `userData`.
        app: RawApp,
    }
}

record! {
    /// How many of the group's instances are on demand; the others are spot instances.
    RawSpot {
        /// Instances that are on demand in any case, at most `scaling.max`.
        #[schemars(range(min = 0, max = 1000), extend("default" = 1))]
        on_demand_base: i64,
        /// How many of the others are on demand, in percent: 0 for none, 100 for all.
        #[schemars(range(min = 0, max = 100), extend("default" = 50))]
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
        /// Environment variables, each one line of text, `ssm:/path` for the value of an SSM parameter, or
        /// `secret:name` for that of a Secrets Manager secret; the instance reads both at boot. Never write a secret
        /// itself: the text can be read in the launch template.
        #[schemars(extend(
            "propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties" = {
                "type": "string",
                "pattern": "^[^\\n\\r\\x00]*$",
                "allOf": [
                    {"if": {"pattern": "^ssm:/"}, "then": {"pattern": "^ssm:(/[A-Za-z0-9._-]+)+$"}},
                    {"if": {"pattern": "^secret:"}, "then": {"pattern": "^secret:[A-Za-z0-9/_+=.@-]{1,512}$"}}
                ]
            }
        ))]
        env: Table,
    }
}

record! {
    /// The entry to the stack.
    RawLoadBalancer {
        /// `internet-facing`: open to everybody; `internal`: open to the VPC's own range.
        #[schemars(extend("default" = "internet-facing"))]
        scheme: Scheme,
        /// Ports it listens on, each once; HTTP on port 80 unless others are named.
        #[schemars(length(min = 1, max = 50), extend("default" = [{"port": 80, "protocol": "HTTP"}]))]
        listeners: List<RawListener>,
        /// How an instance is judged.
        health_check: RawHealthCheck,
    }
}

record! {
    /// One port of the load balancer.
    #[schemars(extend(
        "required" = ["port"],
        "if" = {"properties": {"protocol": {"const": "HTTPS"}}, "required": ["protocol"]},
        "then" = {"required": ["certificateArn"], "properties": {"redirectTo": false}},
        "else" = {"properties": {"certificateArn": false}}
    ))]
    RawListener {
        /// TCP port.
        #[schemars(range(min = 1, max = 65535))]
        port: i64,
        /// What clients speak; HTTPS needs `certificateArn`. Instances are always spoken to in HTTP.
        #[schemars(extend("default" = "HTTP"))]
        protocol: Protocol,
        /// ARN of the certificate for HTTPS: one of ACM, in the stack's region, or a server certificate of IAM.
        #[schemars(regex(pattern = CERTIFICATE))]
        certificate_arn: String,
        /// Port of an HTTPS listener in this list that clients are sent to. Only with HTTP, which otherwise forwards
        /// to the instances.
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
        /// Fewest instances; with `mode: ec2` their number.
        #[schemars(range(min = 1, max = 1000), extend("default" = 3))]
        min: i64,
        /// Most instances, at least `min`; with `mode: ec2` the same as `min`, which is then its default.
        #[schemars(range(min = 1, max = 1000), extend("default" = 9))]
        max: i64,
        /// What makes the group grow and shrink, each type once; `[]` for nothing. With `mode: ec2` there is nothing to
        /// move, and none is the default.
        #[schemars(extend("default" = [
            {"type": "cpu", "scaleOut": {"above": 70, "periods": 2}, "scaleIn": {"below": 30, "periods": 5}}
        ]))]
        metrics: List<RawMetric>,
        /// How fast it does.
        behavior: RawBehavior,
        /// Other bounds from certain times on, at most 50. While there is any, the group keeps the bounds that it was given
        /// last: those of the spec are set when the group is made, and when they change. Not with `mode: ec2`.
        #[schemars(length(max = 50))]
        schedule: List<RawSchedule>,
    }
}

record! {
    /// One measure, with either its thresholds or its target.
    #[schemars(extend(
        "required" = ["type"],
        "oneOf" = [
            {"required": ["scaleOut"], "properties": {"target": false}},
            {"required": ["target"], "properties": {"scaleOut": false, "scaleIn": false}}
        ],
        "allOf" = [
            {
                "if": {"properties": {"type": {"enum": ["cpu", "memory"]}}},
                "then": {"properties": {
                    "scaleOut": {"properties": {"above": {"maximum": 100}}},
                    "scaleIn": {"properties": {"below": {"maximum": 100}}},
                    "target": {"maximum": 90}
                }}
            },
            {
                "if": {"properties": {"type": {"const": "custom"}}},
                "then": {"required": ["metric"]},
                "else": {"properties": {"metric": false}}
            }
        ]
    ))]
    RawMetric {
        /// What is measured, on the average of the group's instances. `cpu`: processor use in percent. `requestsPerTarget`:
        /// requests in a minute. `networkIn`, `networkOut`: bytes in a minute. `memory`: memory in use in percent, told by the
        /// CloudWatch agent, which the instances then run. `targetResponseTime`: seconds until the answer. `custom`: a metric
        /// of your own, of which each instance has its share.
        r#type: Metric,
        /// Which metric, with `type: custom`.
        metric: RawCustom,
        /// When to add instances.
        scale_out: RawScaleOut,
        /// When to remove instances; never because of this measure if left out.
        scale_in: RawScaleIn,
        /// Instead of thresholds: the value that it should be near, of a percentage 90 at most. More than a tenth above it for 2 minutes adds instances, more
        /// than a tenth below it for 5 removes some.
        #[schemars(extend("exclusiveMinimum" = 0))]
        target: f64,
    }
}

record! {
    /// A metric that somebody puts into CloudWatch.
    #[schemars(extend("required" = ["namespace", "name"]))]
    RawCustom {
        /// Its namespace.
        #[schemars(regex(pattern = METRIC_TEXT), length(max = 255))]
        namespace: String,
        /// Its name.
        #[schemars(regex(pattern = METRIC_TEXT), length(max = 255))]
        name: String,
        /// All of its dimensions, at most 30: with one less it is another metric.
        #[schemars(extend(
            "maxProperties" = 30,
            "propertyNames" = {"pattern": METRIC_TEXT, "maxLength": 255},
            "additionalProperties" = {"type": "string", "pattern": METRIC_TEXT, "maxLength": 1024}
        ))]
        dimensions: Table,
        /// What the values of a minute come to: `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, or a percentile as `p95`.
        #[schemars(regex(pattern = STATISTIC), extend("default" = "Average"))]
        statistic: String,
    }
}

record! {
    /// When to add instances.
    #[schemars(extend("required" = ["above"]))]
    RawScaleOut {
        /// Threshold; percent for `cpu` and `memory`.
        #[schemars(range(min = 0))]
        above: f64,
        /// Minutes in a row above it.
        #[schemars(range(min = 1, max = 60), extend("default" = 2))]
        periods: i64,
    }
}

record! {
    /// When to remove instances.
    #[schemars(extend("required" = ["below"]))]
    RawScaleIn {
        /// Threshold, less than that of `scaleOut`; percent for `cpu` and `memory`.
        #[schemars(range(min = 0))]
        below: f64,
        /// Minutes in a row below it.
        #[schemars(range(min = 1, max = 60), extend("default" = 5))]
        periods: i64,
    }
}

record! {
    /// How fast the group grows and shrinks.
    RawBehavior {
        /// Pause from one removal of instances to the next, at most 1h.
        #[schemars(extend("default" = "150s"))]
        cooldown: Seconds,
        /// Most instances added or removed at once; any number if left out.
        #[schemars(range(min = 1, max = 1000))]
        max_step: i64,
        /// Instances are removed only down to the most that was needed at any time of so long, at most 1h.
        #[schemars(extend("default" = "5m"))]
        stabilization: Seconds,
    }
}

record! {
    /// Other bounds of the group from certain times on.
    #[schemars(extend("required" = ["cron", "min", "max"]))]
    RawSchedule {
        /// When, as five fields of Unix: minute, hour, day of the month, month, day of the week. `0 7 * * MON-FRI`
        #[schemars(regex(pattern = CRON))]
        cron: String,
        /// Time zone of the expression, as `Europe/Berlin`.
        #[schemars(extend("default" = "Etc/UTC"))]
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
        /// `load-balancer` keeps it out of service until the load balancer found it healthy; `none` asks for nothing, and is
        /// what there is with `mode: ec2`.
        #[schemars(extend("default" = "load-balancer"))]
        verify: Verify,
        /// How long that may take, 30s to 2h.
        #[schemars(extend("default" = "10m"))]
        timeout: Seconds,
    }
}

record! {
    /// How an instance leaves.
    RawTerminate {
        /// Time to finish its requests, 0s to 3600s.
        #[schemars(extend("default" = "60s"))]
        drain: Seconds,
        /// Shell command that it runs once it has no requests left, as root, by Systems Manager: to hand over work, or to
        /// save what it has. Only with `mode: asg`.
        #[schemars(length(min = 1, max = 4096))]
        command: String,
        /// How long the command may take, 30s to 1h; a minute if nothing is said.
        timeout: Seconds,
    }
}

record! {
    /// Dashboard and notifications.
    RawMonitoring {
        /// Whether to make a CloudWatch dashboard of the stack.
        #[schemars(extend("default" = false))]
        dashboard: bool,
        /// Mail addresses and `https://` URLs that are told when the stack serves badly, each once. SNS asks each of
        /// them to confirm.
        #[schemars(
            length(max = 50),
            inner(regex(pattern = CONTACT)),
            extend("default" = [], "uniqueItems" = true)
        )]
        notify: List<String>,
    }
}

record! {
    /// What happens with what somebody changed by hand.
    RawDrift {
        /// Time between two looks, 5m to 24h.
        #[schemars(extend("default" = "1h"))]
        interval: Seconds,
        /// `true` changes it back; `false` only says what was changed.
        #[schemars(extend("default" = true))]
        repair: bool,
    }
}

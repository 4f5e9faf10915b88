//! EC2 Auto Scaling: the group, its instances and what it tried.

use crate::Tags;

calls! { "autoscaling", Autoscaling;
    /// The group of this name with its instances; an empty list without one.
    DescribeAutoScalingGroups { /// Name.
        name: String } => Vec<Group>, Read;
    /// The group's newest activities first: launches, terminations, and why they failed. At most 20.
    DescribeScalingActivities { /// Group name.
        group: String } => Vec<Activity>, Read;
    /// A group. Names are unique: a repeat answers `AlreadyExists`.
    CreateAutoScalingGroup { /// Its settings.
        settings: Box<GroupSettings>, /// Tags, propagated to the instances.
        tags: Tags } => done, Idempotent;
    /// Has the group report its sizes as metrics, one a minute, without charge; all of them.
    EnableMetricsCollection { /// Group name.
        group: String } => done, Idempotent;
}

/// Settings of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSettings {
    /// Name.
    pub name: String,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// ARNs of the target groups it registers its instances with.
    pub target_groups: Vec<String>,
    /// Launch template id.
    pub launch_template: String,
    /// Its version: a number, never `$Latest` (rule 46).
    pub version: u64,
    /// Instance types to choose from in order of preference; with one, the template's own is used.
    pub instance_types: Vec<String>,
    /// Seconds after launch before ELB health counts (rule 8).
    pub grace: u32,
    /// Seconds until a new instance counts in the metrics; unset is not 0 (rule 8).
    pub warmup: u32,
    /// Percentages of the desired capacity kept while instances are replaced (rule 61): at least, at most.
    pub maintenance: (u32, u32),
}

/// A group as AWS shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// ARN.
    pub arn: String,
    /// Settings, as AWS has them.
    pub settings: GroupSettings,
    /// `EC2` or `ELB`.
    pub health_check: String,
    /// Instances it wants. The scaler's, never reset (rule 47).
    pub desired: u32,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// Metrics of its sizes that it reports: `GroupInServiceInstances`, …
    pub metrics: Vec<String>,
    /// Processes that are suspended (rule 62).
    pub suspended: Vec<String>,
    /// `Delete in progress` while it goes.
    pub status: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// An instance of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// Zone name.
    pub zone: String,
    /// `Pending`, `InService`, `Terminating`, `Pending:Wait`, …
    pub lifecycle_state: String,
    /// `Healthy` or `Unhealthy`.
    pub health: String,
}

/// Something a group did or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// AWS's id of it.
    pub id: String,
    /// `Launching a new EC2 instance: i-…`.
    pub description: String,
    /// `Successful`, `Failed`, `Cancelled`, `InProgress`, …
    pub status: String,
    /// AWS's words for why.
    pub message: Option<String>,
}

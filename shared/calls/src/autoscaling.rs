//! EC2 Auto Scaling: the group, its instances and what it tried.

use crate::Tags;

calls! { "autoscaling", Autoscaling;
    /// The groups of these names with their instances; those that do not exist are left out. At least one name, at most 50.
    DescribeAutoScalingGroups { /// Names.
        names: Vec<String> } => Vec<Group>, Read;
    /// The instances of all groups of the account in the Region, with the names of their groups; or those of them that have
    /// these ids, at most 50 (rule 9).
    DescribeAutoScalingInstances { /// Ids; none asks for all.
        instances: Vec<String> } => Vec<Member>, Read;
    /// The group's newest activities first: launches, terminations, and why they failed. At most 20.
    DescribeScalingActivities { /// Group name.
        group: String } => Vec<Activity>, Read;
    /// A group. Names are unique: a repeat answers `AlreadyExists`.
    CreateAutoScalingGroup { /// Its settings.
        settings: Box<GroupSettings>, /// Instances it starts with; `min` if it is not given.
        desired: Option<u32>, /// Lifecycle hooks: those put later miss the first instances (rule 12).
        hooks: Vec<LifecycleHook>, /// Tags, propagated to the instances.
        tags: Tags } => done, Idempotent;
    /// Has the group report its sizes as metrics, one a minute, without charge; all of them.
    EnableMetricsCollection { /// Group name.
        group: String } => done, Idempotent;
    /// Instance refreshes of a group, the newest first.
    DescribeInstanceRefreshes { /// Group name.
        group: String } => Vec<Refresh>, Read;
    /// Changes settings of a group; what is not given stays. Bounds that no longer hold the desired capacity pull it in.
    UpdateAutoScalingGroup { /// Group name.
        group: String, /// What changes.
        change: Box<GroupChange> } => done, Idempotent;
    /// Has a group want so many instances, within its bounds, at once: cooldowns are ignored (rule 7). Two at the same time
    /// may answer `ResourceContention`, and one in the middle of something `ScalingActivityInProgress`.
    SetDesiredCapacity { /// Group name.
        group: String, /// Instances.
        desired: u32 } => done, Idempotent;
    /// Sets tags of a group, over earlier values; instances launched from then on get them.
    CreateOrUpdateTags { /// Group name.
        group: String, /// Tags, propagated to the instances.
        tags: Tags } => done, Idempotent;
    /// Takes tags of a group away; ones that are not there are no error.
    DeleteTags { /// Group name.
        group: String, /// Keys.
        keys: Vec<String> } => done, Delete;
    /// Replaces a group's instances by ones of another launch template version, a few at a time, and makes that version
    /// the group's. While one is under way a repeat answers `InstanceRefreshInProgress` (rule 46).
    StartInstanceRefresh { /// Group name.
        group: String, /// What the instances are to be made from.
        launch: Launch, /// How.
        preferences: RefreshPreferences } => RefreshId, Idempotent;
    /// Ends the refresh that is under way, where it stands; without one it answers `ActiveInstanceRefreshNotFound`.
    CancelInstanceRefresh { /// Group name.
        group: String } => done, Delete;
    /// Lifecycle hooks of a group.
    DescribeLifecycleHooks { /// Group name.
        group: String } => Vec<LifecycleHook>, Read;
    /// Adds a hook to a group, or changes one for the instances that come after.
    PutLifecycleHook { /// Group name.
        group: String, /// The hook.
        hook: LifecycleHook } => done, Idempotent;
    /// Takes a hook away. What waits for it is let go first: launches are abandoned, terminations go on.
    DeleteLifecycleHook { /// Group name.
        group: String, /// Hook name.
        hook: String } => done, Delete;
    /// Ends an instance's wait. Repeated, or late, it answers `ValidationError`, "No active Lifecycle Action found"
    /// (rule 16), which reads as [`Class::Gone`](crate::Class).
    CompleteLifecycleAction { /// Group name.
        group: String, /// Hook name.
        hook: String, /// Instance id.
        instance: String, /// How it ends.
        result: HookResult } => done, Delete;
    /// Starts the hook's time for an instance anew, up to a hundred times its length in all (rule 11).
    RecordLifecycleActionHeartbeat { /// Group name.
        group: String, /// Hook name.
        hook: String, /// Instance id.
        instance: String } => done, Idempotent;
    /// Says how an instance of a group is, instead of the group's own checks: of one that is `Unhealthy` it launches the
    /// replacement at once. For an instance of no group it answers `ValidationError`, which reads as
    /// [`Class::Gone`](crate::Class).
    SetInstanceHealth { /// Instance id.
        instance: String, /// `Healthy` or `Unhealthy`.
        health: String, /// Whether that counts only after the grace period.
        respects_grace: bool } => done, Idempotent;
    /// Keeps a group from some of what it does by itself: `Launch` (rule 62).
    SuspendProcesses { /// Group name.
        group: String, /// Processes.
        processes: Vec<String> } => done, Idempotent;
    /// Lets it again.
    ResumeProcesses { /// Group name.
        group: String, /// Processes.
        processes: Vec<String> } => done, Idempotent;
    /// Deletes a group without instances; one with instances answers `ResourceInUse`.
    DeleteAutoScalingGroup { /// Group name.
        group: String } => done, Delete;
}

/// What instances are made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// Launch template id.
    pub launch_template: String,
    /// Its version: a number, never `$Latest` (rule 46).
    pub version: u64,
    /// Instance types to choose from in order of preference; with one and no spot instances, the template's own is used.
    pub instance_types: Vec<String>,
    /// Which of them are spot instances; `None` is none. One [without any](Distribution::has_spot) is none as well, and
    /// has the group replace those that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<Distribution>,
}

/// How a group's instances are shared out between on demand and spot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// Instances that are on demand in any case.
    pub on_demand_base: u32,
    /// How many of those beyond are on demand, in percent, 0 to 100.
    pub on_demand_percent: u32,
    /// How spot instances are chosen: `price-capacity-optimized`, …
    pub spot_strategy: String,
}

impl Distribution {
    /// Whether there can be spot instances.
    #[must_use]
    pub fn has_spot(&self) -> bool {
        self.on_demand_percent < 100
    }

    /// How many of this many instances are on demand: AWS rounds their share up.
    #[must_use]
    pub fn on_demand(&self, instances: u32) -> u32 {
        let base = self.on_demand_base.min(instances);
        let beyond = u64::from(instances - base) * u64::from(self.on_demand_percent);
        base + u32::try_from(beyond.div_ceil(100)).unwrap_or(u32::MAX)
    }
}

/// Changes of a group's settings: `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// Fewest instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Most instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Instances it wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Subnet ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// What instances launched from then on are made from; running ones stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
    /// Seconds after launch before ELB health counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<u32>,
    /// Seconds until a new instance counts in the metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<u32>,
    /// Percentages of the desired capacity kept while instances are replaced: at least, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<(u32, u32)>,
    /// Whether spot instances at risk are replaced before EC2 takes them back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<bool>,
}

/// How a refresh goes about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshPreferences {
    /// Percentages of the desired capacity in service meanwhile: at least, at most.
    pub healthy: (u32, u32),
    /// Seconds that the new instances are watched before it counts as done.
    pub bake: u32,
    /// Goes back to the old version if it fails.
    pub rollback: bool,
}

/// A hook that holds instances on their way in or out until somebody says how to go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleHook {
    /// Name.
    pub name: String,
    /// Which way.
    pub transition: Transition,
    /// Seconds without a heartbeat until the default result, 30 to 7200 (rule 11).
    pub heartbeat: u32,
    /// What happens then.
    pub default: HookResult,
}

/// Which way an instance goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transition {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`
    Launching,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`
    Terminating,
}

impl Transition {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Self::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }

    /// Reads AWS's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Launching, Self::Terminating]
            .into_iter()
            .find(|transition| transition.as_str() == text)
    }
}

/// How a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookResult {
    /// The instance goes on.
    Continue,
    /// It is terminated, and the group launches another one at once (rule 62). On the way out both end it (rule 17).
    Abandon,
}

impl HookResult {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }

    /// Reads AWS's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Continue, Self::Abandon]
            .into_iter()
            .find(|result| result.as_str() == text)
    }
}

/// Id of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshId(pub String);

/// An instance refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Its id.
    pub id: String,
    /// `Pending`, `InProgress`, `Baking`, `Successful`, `Failed`, `Cancelling`, `Cancelled`, `RollbackInProgress`,
    /// `RollbackSuccessful` or `RollbackFailed`.
    pub status: String,
    /// AWS's words for why it is in that state.
    pub reason: Option<String>,
    /// How far it is, from 0 to 100.
    pub percentage: u32,
    /// Version of the launch template that it is to bring; `None` if it names none.
    pub version: Option<u64>,
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
    /// Instance types to choose from in order of preference; with one and no spot instances, the template's own is used.
    pub instance_types: Vec<String>,
    /// Which of the instances are spot instances; `None` is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<Distribution>,
    /// Whether spot instances at risk are replaced before EC2 takes them back.
    pub rebalance: bool,
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

/// An instance and the group that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Group name.
    pub group: String,
    /// The instance.
    pub instance: Instance,
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
    /// AWS's words for how it went, where there is something to say.
    pub message: Option<String>,
    /// AWS's words for why: `At 2026-05-04T09:00:00Z an instance was taken out of service in response to …`.
    pub cause: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_on_demand_is_rounded_up_and_never_beyond_the_instances() {
        let on_demand = |on_demand_base, on_demand_percent, instances| {
            let distribution = Distribution {
                on_demand_base,
                on_demand_percent,
                spot_strategy: String::new(),
            };
            distribution.on_demand(instances)
        };
        assert_eq!(on_demand(1, 50, 4), 1 + 2);
        assert_eq!(on_demand(0, 0, 4), 0);
        assert_eq!(on_demand(6, 0, 4), 4);
        assert_eq!(on_demand(0, 100, 4), 4);
        assert_eq!(on_demand(2, 1, 3), 3);
    }
}

//! EC2 Auto Scaling: the group, its instances and what it tried.

use ordered_float::OrderedFloat;

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
    /// The step scaling policies of a group; those of other types are left out.
    DescribePolicies { /// Group name.
        group: String } => Vec<Policy>, Read;
    /// Writes a step scaling policy, over an earlier one of the name, which keeps its ARN.
    PutScalingPolicy { /// Group name.
        group: String, /// The policy.
        policy: StepPolicy } => PolicyArn, Idempotent;
    /// Takes a policy away, and with it the action of the alarms that name it.
    DeletePolicy { /// Group name.
        group: String, /// Policy name.
        policy: String } => done, Delete;
    /// Scheduled actions of a group.
    DescribeScheduledActions { /// Group name.
        group: String } => Vec<ScheduledAction>, Read;
    /// Writes a scheduled action, over an earlier one of the name. At its times the group gets other bounds, and a capacity
    /// within them (rule 63).
    PutScheduledUpdateGroupAction { /// Group name.
        group: String, /// The action.
        action: ScheduledAction } => done, Idempotent;
    /// Takes a scheduled action away; the bounds that it set stay.
    DeleteScheduledAction { /// Group name.
        group: String, /// Name of the action.
        action: String } => done, Delete;
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

/// A step scaling policy. An alarm that has its ARN among its actions runs it, and again each minute while it stays in `ALARM`
/// (rule 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPolicy {
    /// Name, unique in the group.
    pub name: String,
    /// Steps, by rising distance.
    pub steps: Vec<Step>,
    /// Instances that a step adds or removes at least.
    pub least: u32,
}

/// What a policy does at a distance of the metric from the alarm's threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// From this distance on; `None` for any below the other end.
    pub from: Option<OrderedFloat<f64>>,
    /// Up to this distance, without it; `None` for any above.
    pub to: Option<OrderedFloat<f64>>,
    /// Change of the capacity in percent.
    pub percent: i32,
}

impl StepPolicy {
    /// Instances more, or fewer, of so many in service that have warmed up, at this distance. What is no whole number is cut
    /// towards zero beyond one instance, and is one instance below.
    #[must_use]
    pub fn change(&self, capacity: u32, distance: f64) -> i64 {
        let holds = |step: &&Step| {
            let (from, to) = (
                step.from.map(OrderedFloat::into_inner),
                step.to.map(OrderedFloat::into_inner),
            );
            from.is_none_or(|from| distance >= from) && to.is_none_or(|to| distance < to)
        };
        let Some(step) = self.steps.iter().find(holds) else {
            return 0;
        };
        let hundredths = i64::from(capacity) * i64::from(step.percent);
        let whole = match hundredths.abs() {
            0..100 => hundredths.signum(),
            _ => hundredths / 100,
        };
        whole.abs().max(self.least.into()) * i64::from(step.percent.signum())
    }
}

/// ARN of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyArn(pub String);

/// A policy as AWS shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// ARN: what alarms name.
    pub arn: String,
    /// Settings, as AWS has them.
    pub settings: StepPolicy,
}

/// Other bounds of a group from certain times on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledAction {
    /// Name, unique in the group.
    pub name: String,
    /// When: five fields, as of Unix. Empty for one that comes once, which is none of ours.
    pub recurrence: String,
    /// The time zone that it is meant in, a name of the IANA database.
    pub time_zone: String,
    /// Fewest instances from then on; `None` leaves it.
    pub min: Option<u32>,
    /// Most instances from then on; `None` leaves it.
    pub max: Option<u32>,
    /// Instances that it wants; `None` leaves that to others.
    pub desired: Option<u32>,
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

    /// The examples of the Auto Scaling user guide for percentages, and the least that a step changes.
    #[test]
    fn a_percentage_is_cut_towards_zero_beyond_one_instance_and_is_one_below() {
        let step = |from: Option<f64>, to: Option<f64>, percent| Step {
            from: from.map(OrderedFloat),
            to: to.map(OrderedFloat),
            percent,
        };
        let policy = |least, steps: &[Step]| StepPolicy {
            name: "steps".into(),
            steps: steps.to_vec(),
            least,
        };
        let by = |percent| policy(0, &[step(Some(0.0), None, percent)]);
        assert_eq!(by(127).change(10, 0.0), 12);
        assert_eq!(by(-66).change(10, 1.0), -6);
        assert_eq!(by(7).change(10, 1.0), 1);
        assert_eq!(by(-5).change(10, 1.0), -1);
        assert_eq!(policy(2, &[step(Some(0.0), None, 25)]).change(4, 1.0), 2);
        assert_eq!(policy(1, &[step(Some(0.0), None, 50)]).change(0, 1.0), 1);
        let steps = [
            step(None, Some(0.0), -10),
            step(Some(0.0), Some(10.0), 10),
            step(Some(10.0), None, 30),
        ];
        let changes = [-1.0, 0.0, 9.9, 10.0].map(|distance| policy(0, &steps).change(10, distance));
        assert_eq!(changes, [-1, 1, 1, 3]);
        assert_eq!(policy(1, &steps[1..2]).change(10, 10.0), 0, "no step for it");
    }

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

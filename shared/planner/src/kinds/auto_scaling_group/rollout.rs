//! Rollouts: what instances are made from reaches the running ones by an instance refresh, which makes the new version the
//! group's when it is done, or is taken back (rule 46).

use serde_json::json;
use windlass_calls::autoscaling::{
    CancelInstanceRefresh, Group, GroupChange, Launch, Refresh, RefreshPreferences, StartInstanceRefresh,
    UpdateAutoScalingGroup,
};
use windlass_spec::Rollout;

use super::{MAINTENANCE, launched};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Next};

/// Seconds that new instances are watched before a rollout counts as done.
const BAKE: u32 = 60;

/// Whether a refresh still goes on: AWS takes no other meanwhile.
pub(super) fn is_under_way(refresh: &Refresh) -> bool {
    is_active(refresh) || is_ending(refresh)
}

/// Brings a new version to the instances that run, or says how far that is. The new ones start no sooner than the first
/// ones would: what boots without a way out never gets healthy, and the rollout is taken back.
pub(super) fn next(
    cx: &Context,
    id: &Id,
    group: &Group,
    newest: Option<&Refresh>,
    known: &Known,
    wanted: Launch,
    outputs: Outputs,
) -> Result<Next, Blocked> {
    let name = group.settings.name.clone();
    let now = json!({ "group": name, "launch": launched(&group.settings), "change": { "launch": launched(&group.settings) } });
    if cx.spec.rollout == Rollout::Manual {
        let change = GroupChange {
            launch: Some(wanted),
            ..GroupChange::default()
        };
        let update = UpdateAutoScalingGroup {
            group: name,
            change: Box::new(change),
        };
        let reason = "instances launched from now on are made from the new version; running ones stay";
        return Ok(Next::update(update, reason, outputs).over(now));
    }
    let outputs = outputs.with("rollout", cx.version);
    let tried = cx
        .record(id)
        .is_some_and(|record| record.outputs.get("rollout") == cx.version);
    Ok(match newest {
        Some(refresh) if is_active(refresh) && refresh.version != Some(wanted.version) => {
            let reason = "the rollout under way brings a version that is no longer wanted";
            Next::update(CancelInstanceRefresh { group: name }, reason, outputs)
        }
        Some(refresh) if is_active(refresh) => Next::wait(
            format!(
                "rolling out version {}: {} %{}",
                wanted.version,
                refresh.percentage,
                because(refresh)
            ),
            outputs,
        ),
        Some(refresh) if is_ending(refresh) => Next::wait(
            format!("the rollout is {}{}", words(&refresh.status), because(refresh)),
            outputs,
        ),
        Some(refresh) if tried && refresh.version == Some(wanted.version) && is_failed(refresh) => {
            Next::Refuse {
                reason: format!(
                    "version {} of the launch template did not become healthy ({}{}), and version {} goes on serving: correct compute, or the application, and upload the spec again",
                    wanted.version,
                    words(&refresh.status),
                    because(refresh),
                    group.settings.version,
                ),
                outputs: Some(outputs),
            }
        }
        _ => {
            super::super::runnable(cx, known)?;
            let reason = "running instances are replaced by ones of the new version, a few at a time";
            let start = StartInstanceRefresh {
                group: name,
                launch: wanted,
                preferences: RefreshPreferences {
                    healthy: MAINTENANCE,
                    bake: BAKE,
                    rollback: true,
                },
            };
            Next::update(start, reason, outputs).over(now)
        }
    })
}

pub(super) fn is_active(refresh: &Refresh) -> bool {
    matches!(refresh.status.as_str(), "Pending" | "InProgress" | "Baking")
}

fn is_ending(refresh: &Refresh) -> bool {
    matches!(refresh.status.as_str(), "Cancelling" | "RollbackInProgress")
}

fn is_failed(refresh: &Refresh) -> bool {
    matches!(
        refresh.status.as_str(),
        "Failed" | "RollbackSuccessful" | "RollbackFailed" | "Cancelled"
    )
}

/// `RollbackSuccessful` as people read it: `rollback successful`.
fn words(status: &str) -> String {
    let spaced = status.chars().flat_map(|c| {
        let before = c.is_ascii_uppercase().then_some(' ');
        before.into_iter().chain([c.to_ascii_lowercase()])
    });
    spaced.collect::<String>().trim().to_owned()
}

fn because(refresh: &Refresh) -> String {
    refresh
        .reason
        .as_deref()
        .map_or_else(String::new, |why| format!(": {why}"))
}

//! Instance refreshes (rule 46), of groups with one instance.

use windlass_calls::Class;
use windlass_calls::autoscaling::{
    CancelInstanceRefresh, DescribeInstanceRefreshes, Refresh, RefreshPreferences, StartInstanceRefresh,
};
use windlass_engine::Port;

use super::autoscaling::{described, made};
use super::group_changes::{second_version, with_one_instance};
use crate::check::{Check, Mismatch, different, only, same};
use crate::place::Place;

pub(super) async fn a_refresh_replaces_the_instance_and_leaves_the_group_its_version<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = ready(place, "refresh").await?;
    let before = only("instances", described(place, "refresh").await?.instances)?;
    let id = place.call(call).await?.0;
    let shown = ended(place, "refresh").await?;
    same("id", shown.id, id)?;
    same("status", shown.status.as_str(), "Successful")?;
    same("percentage", shown.percentage, 100)?;
    same("version", shown.version, Some(2))?;
    let group = described(place, "refresh").await?;
    same("version of the group", group.settings.version, 2)?;
    let stays = group
        .instances
        .into_iter()
        .filter(|it| it.lifecycle_state == "InService");
    let after = only("instances in service", stays.collect())?;
    different("instance", before.id, after.id)
}

pub(super) async fn a_second_refresh_answers_that_one_is_under_way<P: Port>(place: &Place<P>) -> Check {
    let call = ready(place, "refresh-twice").await?;
    let id = place.call(call.clone()).await?.0;
    place
        .refuses(call, Class::Exists, "InstanceRefreshInProgress")
        .await?;
    same(
        "id",
        only("refreshes", listed(place, "refresh-twice").await?)?.id,
        id,
    )
}

pub(super) async fn a_missing_group_cannot_be_refreshed<P: Port>(place: &Place<P>) -> Check {
    let settings = made(place, "refresh-none").await?.settings;
    let call = StartInstanceRefresh {
        group: place.name("no-group"),
        launch: second_version(place, "refresh-none", &settings).await?,
        preferences: preferences(),
    };
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_refresh_to_a_missing_version_is_refused<P: Port>(place: &Place<P>) -> Check {
    let mut call = ready(place, "refresh-lost").await?;
    call.launch.version = 7;
    place.refuses(call, Class::NotYet, "ValidationError").await?;
    same("refreshes", listed(place, "refresh-lost").await?, Vec::new())
}

pub(super) async fn a_cancelled_refresh_ends_where_it_stands<P: Port>(place: &Place<P>) -> Check {
    let id = place.call(ready(place, "cancel").await?).await?.0;
    place.call(cancel(place, "cancel")).await?;
    let shown = ended(place, "cancel").await?;
    same("id", shown.id, id)?;
    same("status", shown.status.as_str(), "Cancelled")?;
    let group = described(place, "cancel").await?;
    same("version of the group", group.settings.version, 1)
}

pub(super) async fn a_refresh_cancelled_twice_answers_that_there_is_none<P: Port>(place: &Place<P>) -> Check {
    place.call(ready(place, "cancel-twice").await?).await?;
    place.call(cancel(place, "cancel-twice")).await?;
    ended(place, "cancel-twice").await?;
    let call = cancel(place, "cancel-twice");
    place
        .refuses(call, Class::Gone, "ActiveInstanceRefreshNotFound")
        .await
}

pub(super) async fn a_group_without_a_refresh_has_none_to_cancel<P: Port>(place: &Place<P>) -> Check {
    made(place, "cancel-none").await?;
    let call = cancel(place, "cancel-none");
    place
        .refuses(call, Class::Gone, "ActiveInstanceRefreshNotFound")
        .await
}

pub(super) async fn a_group_that_was_never_refreshed_has_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    made(place, "refresh-never").await?;
    same("refreshes", listed(place, "refresh-never").await?, Vec::new())
}

/// Rule 46: it names a version.
async fn ready<P: Port>(place: &Place<P>, case: &str) -> Result<StartInstanceRefresh, Mismatch> {
    let settings = with_one_instance(place, case).await?;
    Ok(StartInstanceRefresh {
        group: place.name(case),
        launch: second_version(place, case, &settings).await?,
        preferences: preferences(),
    })
}

fn preferences() -> RefreshPreferences {
    RefreshPreferences {
        healthy: (100, 200),
        bake: 0,
        rollback: true,
    }
}

fn cancel<P: Port>(place: &Place<P>, case: &str) -> CancelInstanceRefresh {
    CancelInstanceRefresh {
        group: place.name(case),
    }
}

async fn listed<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<Refresh>, Mismatch> {
    let group = place.name(case);
    place.call(DescribeInstanceRefreshes { group }).await
}

/// The case's only refresh, once it has ended.
async fn ended<P: Port>(place: &Place<P>, case: &str) -> Result<Refresh, Mismatch> {
    let group = place.name(case);
    let over = |refresh: &Refresh| {
        [
            "Successful",
            "Failed",
            "Cancelled",
            "RollbackSuccessful",
            "RollbackFailed",
        ]
        .contains(&refresh.status.as_str())
    };
    let found = place
        .eventually("ended", DescribeInstanceRefreshes { group }, |refreshes| {
            refreshes.iter().all(over)
        })
        .await?;
    only("refreshes", found)
}

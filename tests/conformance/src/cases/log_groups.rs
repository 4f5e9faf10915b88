//! Log groups.

use windlass_calls::Class;
use windlass_calls::logs::{
    CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListTagsForResource, LogGroup, PutRetentionPolicy,
};
use windlass_engine::Port;

use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

pub(super) async fn a_new_log_group_shows_its_arn_and_keeps_everything<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs")).await?;
    let shown = described(place, "logs").await?;
    let name = name(place, "logs");
    let end = format!(":log-group:{name}");
    holds("ARN", shown.arn.ends_with(&end), &shown.arn)?;
    same("name", shown.name, name)?;
    same("retention", shown.retention, None)
}

pub(super) async fn a_repeated_log_group_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let call = create(place, "logs-twice");
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Exists, "ResourceAlreadyExistsException")
        .await
}

pub(super) async fn a_log_group_with_a_bad_name_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = create(place, "logs of nobody");
    place
        .refuses(call, Class::Terminal, "InvalidParameterException")
        .await
}

pub(super) async fn a_log_group_keeps_what_it_gets_for_as_long_as_it_is_told<P: Port>(
    place: &Place<P>,
) -> Check {
    kept(place, "logs-keep", &[30, 14]).await
}

pub(super) async fn telling_a_log_group_twice_changes_nothing<P: Port>(place: &Place<P>) -> Check {
    kept(place, "logs-keep-twice", &[30, 30]).await
}

async fn kept<P: Port>(place: &Place<P>, case: &str, retentions: &[u32]) -> Check {
    place.call(create(place, case)).await?;
    for days in retentions {
        place.call(keep(place, case, *days)).await?;
        let shown = described(place, case).await?;
        same("retention", shown.retention, Some(*days))?;
    }
    Ok(())
}

pub(super) async fn a_missing_log_group_keeps_nothing<P: Port>(place: &Place<P>) -> Check {
    let call = keep(place, "logs-none", 30);
    place
        .refuses(call, Class::Gone, "ResourceNotFoundException")
        .await
}

pub(super) async fn a_retention_that_aws_does_not_take_is_refused<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs-odd")).await?;
    let call = keep(place, "logs-odd", 15);
    place
        .refuses(call, Class::Terminal, "InvalidParameterException")
        .await
}

pub(super) async fn log_groups_are_found_by_the_beginning_of_their_names<P: Port>(place: &Place<P>) -> Check {
    for case in ["logs/one", "logs/two", "log-s"] {
        place.call(create(place, case)).await?;
    }
    let prefix = name(place, "logs/");
    let found = place.call(DescribeLogGroups { prefix }).await?;
    let mut names: Vec<_> = found.into_iter().map(|group| group.name).collect();
    names.sort();
    same(
        "names",
        names,
        vec![name(place, "logs/one"), name(place, "logs/two")],
    )
}

pub(super) async fn a_log_group_shows_the_tags_it_was_made_with<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs-tags")).await?;
    let resource = described(place, "logs-tags").await?.arn;
    let tags = place.call(ListTagsForResource { resource }).await?;
    same("tags", tags, place.tags("logs-tags"))
}

pub(super) async fn tags_of_a_missing_log_group_are_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs-there")).await?;
    let there = described(place, "logs-there").await?.arn;
    let resource = there.replace("logs-there", "logs-not-there");
    let call = ListTagsForResource { resource };
    place
        .refuses(call, Class::Gone, "ResourceNotFoundException")
        .await
}

pub(super) async fn a_deleted_log_group_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs-gone")).await?;
    place.call(delete(place, "logs-gone")).await?;
    let prefix = name(place, "logs-gone");
    place.gone("the log group", DescribeLogGroups { prefix }).await
}

pub(super) async fn a_log_group_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(create(place, "logs-gone-2")).await?;
    place.call(delete(place, "logs-gone-2")).await?;
    let call = delete(place, "logs-gone-2");
    place
        .refuses(call, Class::Gone, "ResourceNotFoundException")
        .await
}

pub(super) async fn a_missing_log_group_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    let call = delete(place, "logs-never");
    place
        .refuses(call, Class::Gone, "ResourceNotFoundException")
        .await
}

fn delete<P: Port>(place: &Place<P>, case: &str) -> DeleteLogGroup {
    DeleteLogGroup {
        name: name(place, case),
    }
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<LogGroup, Mismatch> {
    let prefix = name(place, case);
    let found = place.call(DescribeLogGroups { prefix }).await?;
    let named = found.into_iter().filter(|group| group.name == name(place, case));
    only("log groups of its name", named.collect())
}

fn create<P: Port>(place: &Place<P>, case: &str) -> CreateLogGroup {
    CreateLogGroup {
        name: name(place, case),
        tags: place.tags(case),
    }
}

fn keep<P: Port>(place: &Place<P>, case: &str, days: u32) -> PutRetentionPolicy {
    PutRetentionPolicy {
        name: name(place, case),
        days,
    }
}

fn name<P: Port>(place: &Place<P>, case: &str) -> String {
    format!("/conformance/{}", place.name(case))
}

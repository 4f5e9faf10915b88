//! Amazon CloudWatch Logs.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types as sdk;
use windlass_calls::logs::{
    CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListTagsForResource, LogGroup, PutRetentionPolicy,
    Request, Response,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field, number, signed};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, logs;
        DescribeLogGroups => describe_log_groups,
        ListTagsForResource => list_tags,
        CreateLogGroup => create_log_group,
        PutRetentionPolicy => put_retention_policy,
        DeleteLogGroup => delete_log_group,
    )
}

async fn describe_log_groups(client: &Client, call: DescribeLogGroups) -> Result<Vec<LogGroup>, Fault> {
    let request = client.describe_log_groups().log_group_name_prefix(call.prefix);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(log_group).collect()
}

async fn list_tags(client: &Client, call: ListTagsForResource) -> Result<Tags, Fault> {
    let request = client.list_tags_for_resource().resource_arn(call.resource);
    let tags = request.send().await?.tags.unwrap_or_default();
    Ok(tags.into_iter().collect())
}

async fn create_log_group(client: &Client, call: CreateLogGroup) -> Result<(), Fault> {
    let request = client.create_log_group().log_group_name(call.name);
    let request = call
        .tags
        .into_iter()
        .fold(request, |request, (key, value)| request.tags(key, value));
    request.send().await?;
    Ok(())
}

async fn put_retention_policy(client: &Client, call: PutRetentionPolicy) -> Result<(), Fault> {
    client
        .put_retention_policy()
        .log_group_name(call.name)
        .retention_in_days(signed(call.days))
        .send()
        .await?;
    Ok(())
}

async fn delete_log_group(client: &Client, call: DeleteLogGroup) -> Result<(), Fault> {
    client.delete_log_group().log_group_name(call.name).send().await?;
    Ok(())
}

fn log_group(found: sdk::LogGroup) -> Result<LogGroup, Fault> {
    let days = found.retention_in_days;
    Ok(LogGroup {
        name: field(found.log_group_name, "LogGroupName")?,
        arn: arn(field(found.log_group_arn.or(found.arn), "LogGroupArn")?),
        retention: days
            .map(|days| number(Some(days), "RetentionInDays"))
            .transpose()?,
    })
}

/// The group's own ARN: the older of AWS's two fields ends in `:*`, for all that is in the group.
fn arn(found: String) -> String {
    found.strip_suffix(":*").map(str::to_owned).unwrap_or(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/windlass/dev/web";

    fn found() -> sdk::builders::LogGroupBuilder {
        sdk::LogGroup::builder()
            .log_group_name("/windlass/dev/web")
            .arn(format!("{ARN}:*"))
    }

    #[test]
    fn a_log_groups_arn_names_the_group_and_not_what_is_in_it() {
        let read =
            |group: sdk::builders::LogGroupBuilder| log_group(group.build()).ok().map(|group| group.arn);
        assert_eq!(read(found()).as_deref(), Some(ARN));
        assert_eq!(read(found().log_group_arn(ARN)).as_deref(), Some(ARN));
    }

    #[test]
    fn a_log_group_without_retention_keeps_for_ever() {
        let days = |group: sdk::builders::LogGroupBuilder| {
            log_group(group.build()).ok().map(|group| group.retention)
        };
        assert_eq!(days(found()), Some(None));
        assert_eq!(days(found().retention_in_days(30)), Some(Some(30)));
    }
}

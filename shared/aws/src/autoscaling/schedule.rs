//! Scheduled actions.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{
    DeleteScheduledAction, DescribeScheduledActions, PutScheduledUpdateGroupAction, ScheduledAction,
};

use crate::answer::{every, field, or_empty, or_zero, signed};
use crate::fault::Fault;

/// What AWS means without a time zone.
const UTC: &str = "Etc/UTC";

pub(super) async fn describe(
    client: &Client,
    call: DescribeScheduledActions,
) -> Result<Vec<ScheduledAction>, Fault> {
    let request = client
        .describe_scheduled_actions()
        .auto_scaling_group_name(call.group);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(action).collect()
}

pub(super) async fn put(client: &Client, call: PutScheduledUpdateGroupAction) -> Result<(), Fault> {
    let ScheduledAction {
        name,
        recurrence,
        time_zone,
        min,
        max,
        desired,
    } = call.action;
    client
        .put_scheduled_update_group_action()
        .auto_scaling_group_name(call.group)
        .scheduled_action_name(name)
        .recurrence(recurrence)
        .time_zone(time_zone)
        .set_min_size(min.map(signed))
        .set_max_size(max.map(signed))
        .set_desired_capacity(desired.map(signed))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn delete(client: &Client, call: DeleteScheduledAction) -> Result<(), Fault> {
    client
        .delete_scheduled_action()
        .auto_scaling_group_name(call.group)
        .scheduled_action_name(call.action)
        .send()
        .await?;
    Ok(())
}

fn action(found: sdk::ScheduledUpdateGroupAction) -> Result<ScheduledAction, Fault> {
    let number = |size: Option<i32>| size.map(|size| or_zero(Some(size)));
    Ok(ScheduledAction {
        name: field(found.scheduled_action_name, "ScheduledActionName")?,
        recurrence: or_empty(found.recurrence),
        time_zone: found.time_zone.unwrap_or_else(|| UTC.to_owned()),
        min: number(found.min_size),
        max: number(found.max_size),
        desired: number(found.desired_capacity),
    })
}

//! Amazon CloudWatch: dashboards here, alarms and their conversion in `alarm`, metrics in `data`.

mod alarm;
mod data;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types as sdk;
use windlass_calls::cloudwatch::{
    Alarm, DeleteAlarms, DeleteDashboards, DescribeAlarms, GetDashboard, PutDashboard, PutMetricAlarm,
    Request, Response,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field, signed};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, cloudwatch;
        DescribeAlarms => describe_alarms,
        GetDashboard => get_dashboard,
        GetMetricData => data::get,
        PutMetricAlarm => put_metric_alarm,
        PutDashboard => put_dashboard,
        DeleteAlarms => delete_alarms,
        DeleteDashboards => delete_dashboards,
    )
}

/// What the scale function asks for.
pub(crate) async fn send_of_scale(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, cloudwatch; GetMetricData => data::get; other)
}

async fn describe_alarms(client: &Client, call: DescribeAlarms) -> Result<Vec<Alarm>, Fault> {
    let request = client
        .describe_alarms()
        .alarm_name_prefix(call.prefix)
        .alarm_types(sdk::AlarmType::MetricAlarm);
    let pages = every(request.into_paginator().send()).await?;
    pages
        .into_iter()
        .flat_map(|page| page.metric_alarms.unwrap_or_default())
        .map(alarm::read)
        .collect()
}

async fn get_dashboard(client: &Client, call: GetDashboard) -> Result<String, Fault> {
    let answer = client.get_dashboard().dashboard_name(call.name).send().await?;
    field(answer.dashboard_body, "DashboardBody")
}

async fn put_metric_alarm(client: &Client, call: PutMetricAlarm) -> Result<(), Fault> {
    let alarm = *call.alarm;
    let off = alarm::when_off(&alarm);
    let watched = alarm::watched(alarm.watch);
    client
        .put_metric_alarm()
        .alarm_name(alarm.name)
        .alarm_description(alarm.description)
        .set_namespace(watched.namespace)
        .set_metric_name(watched.name)
        .set_dimensions(watched.dimensions)
        .set_statistic(watched.statistic)
        .set_extended_statistic(watched.percentile)
        .set_period(watched.period)
        .set_metrics(watched.queries)
        .comparison_operator(alarm.comparison.as_str().into())
        .threshold(alarm.threshold.into_inner())
        .evaluation_periods(signed(alarm.periods))
        .datapoints_to_alarm(signed(alarm.datapoints))
        .treat_missing_data(alarm.missing_data)
        .actions_enabled(true)
        .set_alarm_actions(Some(off))
        .set_ok_actions(Some(alarm.notify))
        .set_tags(to_sdk(call.tags))
        .send()
        .await?;
    Ok(())
}

async fn put_dashboard(client: &Client, call: PutDashboard) -> Result<(), Fault> {
    client
        .put_dashboard()
        .dashboard_name(call.name)
        .dashboard_body(call.body)
        .send()
        .await?;
    Ok(())
}

async fn delete_alarms(client: &Client, call: DeleteAlarms) -> Result<(), Fault> {
    let request = client.delete_alarms();
    request.set_alarm_names(Some(call.names)).send().await?;
    Ok(())
}

async fn delete_dashboards(client: &Client, call: DeleteDashboards) -> Result<(), Fault> {
    let request = client.delete_dashboards();
    request.set_dashboard_names(Some(call.names)).send().await?;
    Ok(())
}

/// Tags of a create call; none at all rather than an empty list.
fn to_sdk(tags: Tags) -> Option<Vec<sdk::Tag>> {
    let tag = |(key, value)| sdk::Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.into_iter().map(tag).collect())
}

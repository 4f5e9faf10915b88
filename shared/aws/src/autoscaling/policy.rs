//! Step scaling policies.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{
    DeletePolicy, DescribePolicies, Policy, PolicyArn, PutScalingPolicy, Step, StepPolicy,
};

use crate::answer::{every, field, or_zero, signed};
use crate::fault::Fault;

/// The only type that we read and write.
const TYPE: &str = "StepScaling";
/// How steps are meant.
const ADJUSTMENT: &str = "PercentChangeInCapacity";
/// What the points of the alarm's metric come to.
const AGGREGATION: &str = "Average";

/// One whose steps are no percentages reads as one without steps, so that it equals none of ours.
pub(super) async fn describe(client: &Client, call: DescribePolicies) -> Result<Vec<Policy>, Fault> {
    let request = client
        .describe_policies()
        .auto_scaling_group_name(call.group)
        .policy_types(TYPE);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(policy).collect()
}

/// Without a warm-up of its own the group's holds.
pub(super) async fn put(client: &Client, call: PutScalingPolicy) -> Result<PolicyArn, Fault> {
    let StepPolicy { name, steps, least } = call.policy;
    let steps = steps.into_iter().map(|step| {
        sdk::StepAdjustment::builder()
            .set_metric_interval_lower_bound(step.from.map(Into::into))
            .set_metric_interval_upper_bound(step.to.map(Into::into))
            .scaling_adjustment(step.percent)
            .build()
    });
    let answer = client
        .put_scaling_policy()
        .auto_scaling_group_name(call.group)
        .policy_name(name)
        .policy_type(TYPE)
        .adjustment_type(ADJUSTMENT)
        .min_adjustment_magnitude(signed(least))
        .metric_aggregation_type(AGGREGATION)
        .set_step_adjustments(Some(steps.collect()))
        .send()
        .await?;
    Ok(PolicyArn(field(answer.policy_arn, "PolicyARN")?))
}

pub(super) async fn delete(client: &Client, call: DeletePolicy) -> Result<(), Fault> {
    client
        .delete_policy()
        .auto_scaling_group_name(call.group)
        .policy_name(call.policy)
        .send()
        .await?;
    Ok(())
}

fn policy(found: sdk::ScalingPolicy) -> Result<Policy, Fault> {
    let in_percent = found.adjustment_type.as_deref() == Some(ADJUSTMENT);
    let steps = found.step_adjustments.unwrap_or_default().into_iter();
    let steps = steps.filter(|_| in_percent).map(|step| Step {
        from: step.metric_interval_lower_bound.map(Into::into),
        to: step.metric_interval_upper_bound.map(Into::into),
        percent: step.scaling_adjustment.unwrap_or_default(),
    });
    Ok(Policy {
        arn: field(found.policy_arn, "PolicyARN")?,
        settings: StepPolicy {
            name: field(found.policy_name, "PolicyName")?,
            steps: steps.collect(),
            least: or_zero(found.min_adjustment_magnitude),
        },
    })
}

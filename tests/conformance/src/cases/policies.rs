//! Step scaling policies, and what an alarm that names one does to a group.

use std::collections::BTreeMap;

use windlass_calls::autoscaling::{
    DeletePolicy, DescribeAutoScalingGroups, DescribePolicies, Group, Policy, PutScalingPolicy, Step,
    StepPolicy,
};
use windlass_calls::cloudwatch::{Alarm, Metric, PutMetricAlarm, Watch};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::autoscaling::{made, request};
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

const MINUTE: i64 = 60;

fn put<P: Port>(place: &Place<P>, case: &str, percent: i32) -> PutScalingPolicy {
    PutScalingPolicy {
        group: place.name(case),
        policy: StepPolicy {
            name: "steps".into(),
            steps: vec![
                Step {
                    from: Some(0.0.into()),
                    to: Some(10.5.into()),
                    percent,
                },
                Step {
                    from: Some(10.5.into()),
                    to: None,
                    percent: 2 * percent,
                },
            ],
            least: 1,
        },
    }
}

async fn policies<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<Policy>, Mismatch> {
    let group = place.name(case);
    place.call(DescribePolicies { group }).await
}

fn delete<P: Port>(place: &Place<P>, case: &str) -> DeletePolicy {
    DeletePolicy {
        group: place.name(case),
        policy: "steps".into(),
    }
}

pub(super) async fn a_new_policy_shows_its_steps_and_the_arn_that_it_was_answered_with<P: Port>(
    place: &Place<P>,
) -> Check {
    made(place, "steps").await?;
    same("policies", policies(place, "steps").await?, Vec::new())?;
    let call = put(place, "steps", 20);
    let arn = place.call(call.clone()).await?.0;
    let shown = only("policies", policies(place, "steps").await?)?;
    same("policy", &shown.settings, &call.policy)?;
    same("ARN", &shown.arn, &arn)?;
    let end = format!(":autoScalingGroupName/{}:policyName/steps", place.name("steps"));
    holds(
        "ARN",
        arn.contains(":scalingPolicy:") && arn.ends_with(&end),
        &arn,
    )
}

/// And two groups may each have one of a name.
pub(super) async fn a_policy_put_over_another_keeps_its_arn<P: Port>(place: &Place<P>) -> Check {
    made(place, "steps-over").await?;
    made(place, "steps-beside").await?;
    let first = place.call(put(place, "steps-over", 20)).await?;
    let other = place.call(put(place, "steps-beside", 40)).await?;
    let again = put(place, "steps-over", 30);
    same("ARN", place.call(again.clone()).await?, first.clone())?;
    let shown = only("policies", policies(place, "steps-over").await?)?;
    same("policy", shown.settings, again.policy)?;
    let beside = only("policies", policies(place, "steps-beside").await?)?;
    same("the other group's", beside.arn, other.0.clone())?;
    holds("ARNs differ", first != other, &other)
}

pub(super) async fn policies_of_a_missing_group_are_refused<P: Port>(place: &Place<P>) -> Check {
    let group = place.name("steps-no-group");
    place
        .refuses(DescribePolicies { group }, Class::NotYet, "ValidationError")
        .await
}

pub(super) async fn a_missing_group_takes_no_policy<P: Port>(place: &Place<P>) -> Check {
    let call = put(place, "steps-no-group", 20);
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_policy_without_steps_or_with_a_gap_between_them_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    made(place, "steps-steps").await?;
    let mut none = put(place, "steps-steps", 20);
    none.policy.steps.clear();
    let mut gap = put(place, "steps-steps", 20);
    gap.policy.steps[1].from = Some(11.0.into());
    for call in [none, gap] {
        place.refuses(call, Class::Terminal, "ValidationError").await?;
    }
    same("policies", policies(place, "steps-steps").await?, Vec::new())
}

pub(super) async fn a_deleted_policy_is_gone<P: Port>(place: &Place<P>) -> Check {
    made(place, "steps-gone").await?;
    place.call(put(place, "steps-gone", 20)).await?;
    place.call(delete(place, "steps-gone")).await?;
    same("policies", policies(place, "steps-gone").await?, Vec::new())
}

pub(super) async fn a_policy_deleted_twice_is_not_found<P: Port>(place: &Place<P>) -> Check {
    made(place, "steps-gone-2").await?;
    place.call(put(place, "steps-gone-2", 20)).await?;
    place.call(delete(place, "steps-gone-2")).await?;
    let again = delete(place, "steps-gone-2");
    place.refuses(again, Class::Gone, "ValidationError").await
}

pub(super) async fn a_policy_of_a_missing_group_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    let call = delete(place, "steps-no-group");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

/// Rule 1. One instance serves and has warmed up: 100 percent more of it is one. What is not warm counts for nothing, so that
/// nothing more comes of it at once.
pub(super) async fn an_alarm_runs_the_policy_that_it_names<P: Port>(place: &Place<P>) -> Check {
    let mut call = request(place, "steps-run").await?;
    call.desired = Some(1);
    call.settings.warmup = 1;
    place.settled(call).await?;
    let names = vec![place.name("steps-run")];
    let describe = DescribeAutoScalingGroups { names };
    let in_service = |groups: &Vec<Group>| {
        let mut all = groups.iter().flat_map(|group| &group.instances);
        all.any(|one| one.lifecycle_state == "InService")
    };
    place
        .eventually("an instance in service", describe.clone(), in_service)
        .await?;
    place.control.pause();
    let mut policy = put(place, "steps-run", 100);
    policy.policy.steps.truncate(1);
    let arn = place.call(policy).await?.0;
    let metric = Metric {
        namespace: "AWS/EC2".into(),
        name: "CPUUtilization".into(),
        dimensions: BTreeMap::from([("AutoScalingGroupName".into(), place.name("steps-run"))]),
        statistic: "Average".into(),
        period: 60,
    };
    let alarm = Alarm {
        name: place.name("steps-run"),
        description: "Overrun".into(),
        watch: Watch::Metric(metric.clone()),
        comparison: "GreaterThanThreshold".into(),
        threshold: 90.0.into(),
        periods: 1,
        datapoints: 1,
        missing_data: "missing".into(),
        notify: vec![],
        policies: vec![arn],
    };
    let tags = Tags::new();
    let alarm = Box::new(alarm);
    place.call(PutMetricAlarm { alarm, tags }).await?;
    let minute = place.control.now() / MINUTE * MINUTE - MINUTE;
    for after in 0..3 {
        place.control.measure(&metric, minute + after * MINUTE, 95.0)?;
    }
    let wants = |groups: &Vec<Group>| groups.first().is_some_and(|group| group.desired == 2);
    place
        .eventually("one instance more", describe, wants)
        .await
        .map(drop)
}

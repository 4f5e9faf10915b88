//! Capacity that follows the load: an alarm goes off on metrics that were put, its event reaches the function, and the group
//! gets another capacity, with the reason in the journal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group, SetDesiredCapacity};
use windlass_calls::cloudwatch::Metric;
use windlass_e2e::{Cloud, glance};
use windlass_engine::{Phase, Port, ScalingEntry, Status};
use windlass_scaling::{Rule, decide};

const SPEC: &str = "
apiVersion: windlass/v1
kind: Stack
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
lifecycle: {launch: {verify: none}}
scaling: {min: 2, max: 6}
";

async fn running(cloud: &Cloud, key: &str) -> Status {
    let version = cloud.upload(key, SPEC).await;
    cloud.wait_for_phase(key, &version, Phase::Ready).await
}

async fn group(cloud: &Cloud, name: &str) -> Group {
    let names = vec![name.to_owned()];
    cloud
        .aws
        .call(DescribeAutoScalingGroups { names })
        .await
        .unwrap()
        .remove(0)
}

/// Waits until a group is as wanted.
async fn until(cloud: &Cloud, name: &str, what: &str, is_so: impl Fn(&Group) -> bool) -> Group {
    for _ in 0..600 {
        let group = group(cloud, name).await;
        if is_so(&group) {
            return group;
        }
        glance().await;
    }
    panic!("{name} never was {what}: {:#?}", group(cloud, name).await)
}

fn in_service(group: &Group) -> usize {
    let instances = group.instances.iter();
    instances
        .filter(|instance| instance.lifecycle_state == "InService")
        .count()
}

/// Every decision about a stack that is in the journal.
async fn journal(cloud: &Cloud, stack: &str) -> Vec<ScalingEntry> {
    let keys = cloud.list(&format!("journal/{stack}/")).await;
    let mut entries = Vec::new();
    for key in keys.iter().filter(|key| key.ends_with("-scaling.json")) {
        let (body, _) = cloud.object(key).await.expect("the journal keeps what it has");
        entries.push(serde_json::from_slice(&body).unwrap());
    }
    entries
}

/// Two instances that are used to 95 percent for two minutes, and three more that come.
#[tokio::test]
async fn a_load_that_is_too_much_gets_more_instances_and_the_reason_is_written_down() {
    let cloud = Cloud::connect().await;
    let stack = &format!("e2e/out-{}", windlass_e2e::run());
    let key = &format!("specs/{stack}.yaml");
    let name = &running(&cloud, key).await.outputs.asg_name;
    cloud.report_cpu(name, 3, 2, 92.0);
    let grown = until(&cloud, name, "larger", |group| group.desired > 2).await;
    let entries = journal(&cloud, stack).await;
    let first = entries.iter().find(|entry| entry.decision.changes()).unwrap();
    assert_eq!(first.because, "alarm cpu-out went off");
    assert_eq!(first.decision.rule, Rule::Out("cpu".into()));
    assert_eq!((first.decision.from, first.decision.to), (2, grown.desired));
    assert!(first.failed.is_none() && first.held.is_none(), "{first:#?}");
    let again = decide(
        &first.decision.policy,
        &first.decision.observation,
        &first.decision.memory,
    );
    assert_eq!(again, first.decision, "its record says the same");
    let wanted = usize::try_from(grown.desired).unwrap();
    until(&cloud, name, "grown", |group| in_service(group) == wanted).await;
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

/// Four instances that are used to a tenth for six minutes: two are as few as may be. What somebody else had asked for would
/// not be taken back for two minutes; so the scaler's memory is told that it was itself.
#[tokio::test]
async fn when_the_load_is_gone_so_are_the_instances() {
    let cloud = Cloud::connect().await;
    let stack = &format!("e2e/in-{}", windlass_e2e::run());
    let key = &format!("specs/{stack}.yaml");
    let outputs = running(&cloud, key).await.outputs;
    let name = &outputs.asg_name;
    let set = SetDesiredCapacity {
        group: name.clone(),
        desired: 4,
    };
    cloud.aws.call(set).await.unwrap();
    cloud.remember_asking(stack, 4).await;
    until(&cloud, name, "four", |group| in_service(group) == 4).await;
    cloud.wait_for_healthy(&outputs.target_group_arn, 4).await;
    cloud.report_cpu(name, 6, 4, 10.0);
    until(&cloud, name, "smaller", |group| group.desired == 2).await;
    let entries = journal(&cloud, stack).await;
    let last = entries.iter().find(|entry| entry.decision.changes()).unwrap();
    assert_eq!((last.decision.from, last.decision.to), (4, 2));
    assert_eq!(last.decision.rule, Rule::In);
    until(&cloud, name, "two", |group| in_service(group) == 2).await;
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

/// Nobody tells the function of alarms, and the instances are overrun: AWS itself adds half as many, by the policy that the
/// stack was given.
#[tokio::test]
async fn a_group_that_is_overrun_grows_though_the_function_hears_of_nothing() {
    let cloud = Cloud::connect().await;
    let stack = &format!("e2e/backstop-{}", windlass_e2e::run());
    let key = &format!("specs/{stack}.yaml");
    let outputs = running(&cloud, key).await.outputs;
    let name = &outputs.asg_name;
    cloud.wait_for_healthy(&outputs.target_group_arn, 2).await;
    let silenced = cloud.rules.silence("CloudWatch Alarm State Change");
    cloud.report_cpu(name, 7, 2, 97.0);
    let grown = until(&cloud, name, "larger", |group| group.desired > 2).await;
    assert_eq!(grown.desired, 3);
    assert!(
        journal(&cloud, stack)
            .await
            .iter()
            .all(|entry| !entry.decision.changes())
    );
    drop(silenced);
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

const SHOP: &str = "
apiVersion: windlass/v1
kind: Stack
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
lifecycle: {launch: {verify: none}}
scaling:
  min: 2
  max: 6
  metrics:
    - {type: cpu, scaleOut: {above: 95}}
    - {type: memory, scaleOut: {above: 80}}
    - {type: targetResponseTime, scaleOut: {above: 2}}
    - {type: custom, metric: {namespace: Shop, name: OrdersWaiting, dimensions: {Queue: QUEUE}}, target: 10}
";

/// Twice what each instance should have of orders, for as long as it takes.
#[tokio::test]
async fn a_metric_of_ones_own_is_followed_beside_the_others() {
    let cloud = Cloud::connect().await;
    let run = windlass_e2e::run();
    let stack = &format!("e2e/shop-{run}");
    let key = &format!("specs/{stack}.yaml");
    let spec = SHOP.replace("QUEUE", &run);
    let version = cloud.upload(key, spec).await;
    let outputs = cloud.wait_for_phase(key, &version, Phase::Ready).await.outputs;
    let name = &outputs.asg_name;
    let orders = Metric {
        namespace: "Shop".into(),
        name: "OrdersWaiting".into(),
        dimensions: [("Queue".to_owned(), run.clone())].into(),
        statistic: "Average".into(),
        period: 60,
    };
    cloud.report_cpu(name, 3, 2, 20.0);
    cloud.report(&orders, 3, 1, 20.0);
    let grown = until(&cloud, name, "larger", |group| group.desired > 2).await;
    let entries = journal(&cloud, stack).await;
    let first = entries.iter().find(|entry| entry.decision.changes()).unwrap();
    assert_eq!(first.because, "alarm custom_OrdersWaiting-out went off");
    assert_eq!(first.decision.rule, Rule::Out("custom_OrdersWaiting".into()));
    assert_eq!((first.decision.to, grown.desired), (4, 4));
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

/// Rule 63: each minute the clock says other bounds than the spec, and nobody moves them back.
#[tokio::test]
async fn the_clock_gives_the_group_other_bounds_and_they_stay() {
    let cloud = Cloud::connect().await;
    let stack = &format!("e2e/clock-{}", windlass_e2e::run());
    let key = &format!("specs/{stack}.yaml");
    let schedule = "{cron: '* * * * *', timeZone: Europe/Berlin, min: 3, max: 5}";
    let spec = SPEC.replace("max: 6", &format!("max: 6, schedule: [{schedule}]"));
    let version = cloud.upload(key, spec).await;
    let outputs = cloud.wait_for_phase(key, &version, Phase::Ready).await.outputs;
    let name = &outputs.asg_name;
    let bounds = |group: &Group| (group.settings.min, group.settings.max, group.desired);
    until(&cloud, name, "as the clock says", |group| {
        bounds(group) == (3, 5, 3)
    })
    .await;
    cloud.look(stack).await;
    until(&cloud, name, "three", |group| in_service(group) == 3).await;
    cloud.wait_for_empty_queue().await;
    assert_eq!(bounds(&group(&cloud, name).await), (3, 5, 3));
    let status = cloud.status(key).await.unwrap();
    assert_eq!((status.phase, status.drift.len()), (Phase::Ready, 0));
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

//! The gate: a new instance serves only once the load balancer found it healthy, and one that cannot is given up with the
//! reason, while the earlier ones go on serving.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_calls::elb::DescribeTargetHealth;
use windlass_e2e::{Cloud, count, glance};
use windlass_engine::{Phase, Port, Status};

const GATE: &str = include_str!("../../../events/specs/gate.yaml");

/// Half a minute is enough for an instance of the local cloud.
fn spec(package: &str) -> String {
    GATE.replace("timeout: 5m ", "timeout: 30s")
        .replace("[nginx]", &format!("[{package}]"))
}

/// Instances of the stack's group in this state.
async fn members(cloud: &Cloud, status: &Status, state: &str) -> BTreeSet<String> {
    let names = vec![status.outputs.asg_name.clone()];
    let groups = cloud.aws.call(DescribeAutoScalingGroups { names }).await.unwrap();
    let instances = groups.into_iter().flat_map(|group| group.instances);
    let wanted = instances.filter(|instance| instance.lifecycle_state == state);
    wanted.map(|instance| instance.id).collect()
}

/// Instances that get requests.
async fn healthy(cloud: &Cloud, status: &Status) -> BTreeSet<String> {
    let target_group = status.outputs.target_group_arn.clone();
    let targets = cloud
        .aws
        .call(DescribeTargetHealth { target_group })
        .await
        .unwrap();
    let healthy = targets.into_iter().filter(|target| target.state == "healthy");
    healthy.map(|target| target.target).collect()
}

#[tokio::test]
async fn a_new_instance_is_let_in_by_the_gate_and_a_broken_one_is_given_up_with_its_cause() {
    let cloud = Cloud::connect().await;
    let key = &format!("specs/e2e/gate-{}.yaml", windlass_e2e::run());
    cloud.control.reset_calls();
    let version = cloud.upload(key, spec("nginx")).await;
    let ready = cloud.wait_for_phase(key, &version, Phase::Ready).await;
    let calls = cloud.control.calls();
    let completed = count(&calls, |action| action == "autoscaling:CompleteLifecycleAction");
    assert_eq!(completed, 2, "{calls:#}");
    let serving = healthy(&cloud, &ready).await;
    assert_eq!(
        (serving.len(), members(&cloud, &ready, "InService").await),
        (2, serving.clone())
    );

    let version = cloud.upload(key, spec("ngnix")).await;
    let mut told = None;
    for _ in 0..900 {
        // Whoever served goes on, and nobody else begins to.
        assert_eq!(members(&cloud, &ready, "InService").await, serving);
        assert!(healthy(&cloud, &ready).await.is_superset(&serving));
        let status = cloud.status(key).await;
        told =
            status.filter(|status| status.spec_version == version && !status.unhealthy_instances.is_empty());
        if told.is_some() {
            break;
        }
        glance().await;
    }
    let told = told.expect("the status says why");
    let said = &told.unhealthy_instances[0];
    assert!(said.cause.contains("`ngnix` was not found"), "{said:?}");
    assert!(said.remedy.contains("`nginx`"), "{said:?}");

    let version = cloud.upload(key, spec("nginx")).await;
    let forgiven = |status: &Status| status.spec_version == version && status.unhealthy_instances.is_empty();
    cloud.wait_for(key, "without unhealthy instances", forgiven).await;
    // In two steps: both instances are replaced, and then watched for a while.
    let replaced = |status: &Status| {
        let mut waits = status.waiting_on.iter();
        status.phase == Phase::Ready || waits.any(|wait| wait.reason.contains(": 100 %"))
    };
    cloud.wait_for(key, "rolled out", replaced).await;
    cloud.wait_for_phase(key, &version, Phase::Ready).await;
    cloud.delete(key).await;
    cloud
        .wait_for(key, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
}

//! A running stack over the wire: changed in place, rolled out, replaced, mended, and destroyed to the last piece.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_calls::Filters;
use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_calls::ec2::{
    DeleteRoute, DescribeAddresses, DescribeInstances, DescribeInternetGateways, DescribeLaunchTemplates,
    DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups, DescribeSubnets, DescribeVpcEndpoints,
    DescribeVpcs,
};
use windlass_calls::elb::{DescribeLoadBalancers, DescribeTargetGroups, DescribeTargetHealth};
use windlass_calls::iam::{GetInstanceProfile, GetRole};
use windlass_e2e::{Cloud, run};
use windlass_engine::{Phase, Port, Status};

const WEB: &str = include_str!("../../../events/specs/web.yaml");

struct Stack {
    cloud: Cloud,
    name: String,
    key: String,
    spec: String,
}

impl Stack {
    async fn ready(part: &str) -> (Self, Status) {
        let name = format!("{part}-{}", run());
        let spec = WEB
            .replace("name: web ", &format!("name: {name} "))
            .replace("environment: dev", "environment: e2e");
        let stack = Self {
            cloud: Cloud::connect().await,
            key: format!("specs/e2e/{name}.yaml"),
            name,
            spec: spec.clone(),
        };
        let status = stack.becomes_ready(&spec).await;
        (stack, status)
    }

    async fn becomes_ready(&self, spec: &str) -> Status {
        let version = self.cloud.upload(&self.key, spec).await;
        self.cloud.wait_for_phase(&self.key, &version, Phase::Ready).await
    }

    fn changed(&self, from: &str, to: &str) -> String {
        let changed = self.spec.replacen(from, to, 1);
        assert_ne!(changed, self.spec, "{from}");
        changed
    }

    fn filters(&self) -> Filters {
        Filters::from([("tag:windlass:stack".into(), vec![format!("e2e/{}", self.name)])])
    }

    async fn destroyed(&self) -> Status {
        self.cloud.delete(&self.key).await;
        let status = self
            .cloud
            .wait_for(&self.key, "Deleted", |status| {
                assert_ne!(status.phase, Phase::Failed, "{status:#?}");
                status.phase == Phase::Deleted
            })
            .await;
        self.nothing_is_left().await;
        status
    }

    /// Asks each service itself, by tag and by name.
    async fn nothing_is_left(&self) {
        let aws = &self.cloud.aws;
        macro_rules! none {
            ($($call:ident),*) => {$(
                let filters = self.filters();
                let left = aws.call($call { filters }).await.unwrap();
                assert!(left.is_empty(), "{left:#?}");
            )*};
        }
        none!(
            DescribeVpcs,
            DescribeSubnets,
            DescribeInternetGateways,
            DescribeAddresses,
            DescribeRouteTables,
            DescribeSecurityGroups,
            DescribeLaunchTemplates
        );
        let filters = self.filters();
        let nats = aws.call(DescribeNatGateways { filters }).await.unwrap();
        assert!(nats.iter().all(|nat| nat.state == "deleted"), "{nats:#?}");
        let filters = self.filters();
        let endpoints = aws.call(DescribeVpcEndpoints { filters }).await.unwrap();
        assert!(endpoints.iter().all(|it| it.state == "deleted"), "{endpoints:#?}");
        let filters = self.filters();
        let instances = aws.call(DescribeInstances { filters }).await.unwrap();
        assert!(
            instances.iter().all(|it| it.state == "terminated"),
            "{instances:#?}"
        );
        let ours = format!("windlass-e2e-{}", self.name);
        let balancers = aws.call(DescribeLoadBalancers { name: None }).await.unwrap();
        assert!(
            balancers.iter().all(|it| !it.name.starts_with(&ours)),
            "{balancers:#?}"
        );
        let groups = aws.call(DescribeTargetGroups { name: None }).await.unwrap();
        assert!(groups.iter().all(|it| !it.name.starts_with(&ours)), "{groups:#?}");
        for name in [ours.clone(), format!("{ours}.b")] {
            let groups = aws
                .call(DescribeAutoScalingGroups { names: vec![name] })
                .await
                .unwrap();
            assert!(groups.is_empty(), "{groups:#?}");
        }
        let name = format!("{ours}-us-east-1-instance");
        let role = aws.call(GetRole { name: name.clone() }).await;
        assert!(role.is_err(), "{role:#?}");
        let profile = aws.call(GetInstanceProfile { name }).await;
        assert!(profile.is_err(), "{profile:#?}");
    }
}

/// Side by side: each has a stack of its own, and the pipeline works on many at once.
#[tokio::test]
async fn a_running_stack_is_changed_rolled_out_replaced_mended_and_destroyed() {
    futures::join!(
        a_deleted_spec_destroys_its_stack_to_the_last_piece(),
        what_can_change_in_place_does_and_keeps_its_ids(),
        a_new_application_is_rolled_out_while_the_old_one_serves(),
        another_port_is_replaced_with_healthy_targets_throughout(),
        what_somebody_deleted_by_hand_is_mended_by_a_look(),
    );
}

async fn a_deleted_spec_destroys_its_stack_to_the_last_piece() {
    let (stack, ready) = Stack::ready("gone").await;
    let status = stack.destroyed().await;
    assert_eq!(status.outputs, Status::default().outputs);
    assert!(status.serial > ready.serial);
    // Another stack of the name is another one.
    let again = stack.becomes_ready(&stack.spec).await;
    assert_ne!(again.outputs.vpc_id, ready.outputs.vpc_id);
    stack.destroyed().await;
}

async fn what_can_change_in_place_does_and_keeps_its_ids() {
    let (stack, before) = Stack::ready("change").await;
    let changes = [
        ("path: /\n", "path: /health\n"),
        ("min: 3", "min: 4"),
        ("nat: per-zone", "nat: single"),
        (
            "- {port: 80, protocol: HTTP}",
            "- {port: 80, protocol: HTTP}\n    - {port: 8080, protocol: HTTP}",
        ),
        ("endpoints: [ssm, s3]", "endpoints: [s3]"),
        ("zones: 3", "zones: 4"),
        ("drain: 60s", "drain: 30s"),
    ];
    let mut spec = stack.spec.clone();
    for (from, to) in changes {
        spec = spec.replacen(from, to, 1);
        let after = stack.becomes_ready(&spec).await;
        assert_eq!(after.outputs.alb_arn, before.outputs.alb_arn, "{from}");
        assert_eq!(
            after.outputs.target_group_arn, before.outputs.target_group_arn,
            "{from}"
        );
        assert_eq!(after.outputs.asg_name, before.outputs.asg_name, "{from}");
    }
    let after = stack.cloud.status(&stack.key).await.unwrap();
    assert_eq!(after.outputs.nat_gateway_ids.len(), 1);
    assert_eq!(after.outputs.public_subnet_ids.len(), 4);
    assert_eq!(
        after.outputs.public_subnet_ids[..3],
        before.outputs.public_subnet_ids[..]
    );
    stack.destroyed().await;
}

async fn a_new_application_is_rolled_out_while_the_old_one_serves() {
    let (stack, before) = Stack::ready("rollout").await;
    let version = stack
        .cloud
        .upload(
            &stack.key,
            stack.changed("packages: [nginx]", "packages: [nginx, htop]"),
        )
        .await;
    let target_group = before.outputs.target_group_arn.clone();
    let mut least = usize::MAX;
    let mut said = false;
    loop {
        let target_group = target_group.clone();
        let health = stack
            .cloud
            .aws
            .call(DescribeTargetHealth { target_group })
            .await
            .unwrap();
        least = least.min(health.iter().filter(|target| target.state == "healthy").count());
        let status = stack.cloud.status(&stack.key).await.unwrap();
        said |= status
            .waiting_on
            .iter()
            .any(|wait| wait.reason.contains("rolling out version 2"));
        assert_ne!(status.phase, Phase::Failed, "{status:#?}");
        if status.phase == Phase::Ready && status.spec_version == version {
            assert!(
                status
                    .outputs
                    .instance_ids
                    .iter()
                    .all(|id| !before.outputs.instance_ids.contains(id)),
                "{status:#?}"
            );
            break;
        }
    }
    assert!(least >= 3, "only {least} healthy at some time");
    assert!(said, "the status never said how far the rollout was");
    stack.destroyed().await;
}

async fn another_port_is_replaced_with_healthy_targets_throughout() {
    let (stack, before) = Stack::ready("port").await;
    // What listens there: the package's own service has its own port.
    let port = stack.changed(
        "packages: [nginx]    # installed and started at boot\n    port: 80\n",
        "userData: \"#!/bin/sh\\npython3 -m http.server 8080\\n\"\n    port: 8080\n",
    );
    let version = stack.cloud.upload(&stack.key, port.clone()).await;
    let refused = stack
        .cloud
        .wait_for_phase(&stack.key, &version, Phase::Failed)
        .await;
    assert!(
        refused
            .errors
            .iter()
            .any(|error| error.message.contains("compute.app.port")),
        "{refused:#?}"
    );
    let after = stack
        .becomes_ready(&port.replace("allowReplace: false", "allowReplace: true"))
        .await;
    assert_eq!(after.outputs.alb_arn, before.outputs.alb_arn);
    assert_ne!(after.outputs.target_group_arn, before.outputs.target_group_arn);
    assert_ne!(after.outputs.asg_name, before.outputs.asg_name);
    stack.destroyed().await;
}

async fn what_somebody_deleted_by_hand_is_mended_by_a_look() {
    let (stack, status) = Stack::ready("drift").await;
    let filters = stack.filters();
    let tables = stack
        .cloud
        .aws
        .call(DescribeRouteTables { filters })
        .await
        .unwrap();
    let table = tables
        .iter()
        .find(|it| it.tags["windlass:resource"] == "route-table/private-a")
        .unwrap();
    // Rule 34: what was made a moment ago and does not show is waited for, not made again.
    for _ in 0..30 {
        windlass_e2e::glance().await;
    }
    let delete = DeleteRoute {
        route_table: table.id.clone(),
        destination: "0.0.0.0/0".into(),
    };
    stack.cloud.aws.call(delete).await.unwrap();
    stack.cloud.look(&format!("e2e/{}", stack.name)).await;
    let mended = || async {
        let filters = stack.filters();
        let tables = stack
            .cloud
            .aws
            .call(DescribeRouteTables { filters })
            .await
            .unwrap();
        let table = tables
            .into_iter()
            .find(|it| it.tags["windlass:resource"] == "route-table/private-a");
        table
            .unwrap()
            .routes
            .iter()
            .any(|route| route.destination == "0.0.0.0/0")
    };
    for _ in 0..100 {
        if mended().await {
            break;
        }
        windlass_e2e::glance().await;
    }
    assert!(mended().await);
    let journal = stack.cloud.list(&format!("journal/e2e/{}/", stack.name)).await;
    assert!(
        journal.iter().any(|key| key.ends_with("-drift.json")),
        "{journal:?}"
    );
    assert_eq!(
        stack.cloud.status(&stack.key).await.unwrap().outputs,
        status.outputs
    );
    stack.destroyed().await;
}

//! A spec in the bucket becomes a serving stack, and what AWS shows is what the spec says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::LazyLock;

use windlass_calls::Filters;
use windlass_calls::autoscaling::DescribeAutoScalingGroups;
use windlass_calls::ec2::{
    DescribeLaunchTemplateVersions, DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups,
    DescribeSubnets, DescribeVpcs, Peer, RouteTarget, Rule,
};
use windlass_calls::elb::{
    Action, DescribeListeners, DescribeLoadBalancers, DescribeTargetGroupAttributes, DescribeTargetGroups,
    DescribeTargetHealth,
};
use windlass_e2e::{Cloud, count, is_read};
use windlass_engine::{Phase, Port, Status};

const WEB: &str = include_str!("../../../events/specs/web.yaml");

/// Name of the stack, fixed for the process.
static NAME: LazyLock<String> = LazyLock::new(|| format!("creation-{}", windlass_e2e::run()));
/// Key of its spec.
static KEY: LazyLock<String> = LazyLock::new(|| format!("specs/e2e/{}.yaml", *NAME));

fn spec() -> String {
    WEB.replace("name: web ", &format!("name: {} ", *NAME))
        .replace("environment: dev", "environment: e2e")
}

#[tokio::test]
async fn the_reference_spec_becomes_the_stack_it_describes_and_stays_so() {
    let cloud = Cloud::connect().await;
    cloud.control.reset_calls();
    let version = cloud.upload(&KEY, spec()).await;
    let status = cloud.wait_for_phase(&KEY, &version, Phase::Ready).await;
    let calls = cloud.control.calls();
    // Passes take 140 at most, and the gate's looks some 20 for three instances.
    assert!(count(&calls, |_| true) <= 160, "{calls:#}");
    assert!(count(&calls, |action| !is_read(action)) > 40, "{calls:#}");
    assert!(
        status.errors.is_empty() && status.waiting_on.is_empty(),
        "{status:#?}"
    );

    network_is_as_described(&cloud, &status).await;
    entry_is_as_described(&cloud, &status).await;
    instances_are_as_described(&cloud, &status).await;

    uploading_it_again_changes_nothing(&cloud, &status).await;
    an_invalid_spec_leaves_it_alone(&cloud, &status).await;
    deleting_the_spec_destroys_it(&cloud, &status).await;
}

fn filters() -> Filters {
    Filters::from([("tag:windlass:stack".into(), vec![format!("e2e/{}", *NAME)])])
}

async fn network_is_as_described(cloud: &Cloud, status: &Status) {
    let outputs = &status.outputs;
    let vpcs = cloud.aws.call(DescribeVpcs { filters: filters() }).await.unwrap();
    assert_eq!(vpcs.len(), 1);
    assert_eq!(
        (&vpcs[0].id, vpcs[0].cidr.as_str()),
        (&outputs.vpc_id, "10.0.0.0/16")
    );
    assert_eq!(vpcs[0].tags.get("team").map(String::as_str), Some("storefront"));

    let subnets = cloud
        .aws
        .call(DescribeSubnets { filters: filters() })
        .await
        .unwrap();
    let cidr = |id: &String| {
        subnets
            .iter()
            .find(|subnet| subnet.id == *id)
            .map(|subnet| (subnet.cidr.as_str(), subnet.map_public_ip))
    };
    let public: Vec<_> = outputs.public_subnet_ids.iter().filter_map(cidr).collect();
    let private: Vec<_> = outputs.private_subnet_ids.iter().filter_map(cidr).collect();
    assert_eq!(
        public,
        [
            ("10.0.0.0/20", true),
            ("10.0.16.0/20", true),
            ("10.0.32.0/20", true)
        ]
    );
    assert_eq!(
        private,
        [
            ("10.0.128.0/20", false),
            ("10.0.144.0/20", false),
            ("10.0.160.0/20", false)
        ]
    );
    let mut zones: Vec<_> = subnets.iter().map(|subnet| subnet.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    assert_eq!(zones.len(), 3);

    let gateways = cloud
        .aws
        .call(DescribeNatGateways { filters: filters() })
        .await
        .unwrap();
    assert_eq!(gateways.len(), 3);
    assert!(
        gateways.iter().all(
            |gateway| gateway.state == "available" && outputs.public_subnet_ids.contains(&gateway.subnet)
        )
    );

    let tables = cloud
        .aws
        .call(DescribeRouteTables { filters: filters() })
        .await
        .unwrap();
    assert_eq!(tables.len(), 4);
    for subnet in &outputs.private_subnet_ids {
        let zone = &subnets.iter().find(|one| one.id == *subnet).unwrap().zone;
        let table = tables
            .iter()
            .find(|table| table.associations.iter().any(|use_| use_.subnet == *subnet))
            .unwrap();
        let targets: Vec<_> = table
            .routes
            .iter()
            .filter_map(|route| route.target.as_ref())
            .collect();
        let [RouteTarget::NatGateway(id)] = targets[..] else {
            panic!("{table:#?}")
        };
        let gateway = gateways.iter().find(|gateway| gateway.id == *id).unwrap();
        let at = &subnets.iter().find(|one| one.id == gateway.subnet).unwrap().zone;
        assert_eq!(at, zone, "each zone leaves through its own NAT gateway");
    }
}

async fn entry_is_as_described(cloud: &Cloud, status: &Status) {
    let outputs = &status.outputs;
    let groups = cloud
        .aws
        .call(DescribeSecurityGroups { filters: filters() })
        .await
        .unwrap();
    let (balancer, instances) = (
        &outputs.security_group_ids.load_balancer,
        &outputs.security_group_ids.instances,
    );
    let group = |id: &String| groups.iter().find(|group| group.id == *id).unwrap();
    assert_eq!(
        group(balancer).ingress,
        [Rule::tcp(80, Peer::Cidr("0.0.0.0/0".into()))]
    );
    assert_eq!(
        group(balancer).egress,
        [Rule::tcp(80, Peer::Group(instances.clone()))]
    );
    assert_eq!(
        group(instances).ingress,
        [Rule::tcp(80, Peer::Group(balancer.clone()))]
    );
    assert_eq!(group(instances).egress, [Rule::everything()]);

    let name = outputs.alb_arn.split('/').nth(2).unwrap().to_owned();
    let balancers = cloud
        .aws
        .call(DescribeLoadBalancers { name: Some(name) })
        .await
        .unwrap();
    assert_eq!(
        (balancers[0].state.as_str(), balancers[0].scheme.as_str()),
        ("active", "internet-facing")
    );
    assert_eq!(balancers[0].dns_name, outputs.alb_dns_name);
    let load_balancer = outputs.alb_arn.clone();
    let listeners = cloud.aws.call(DescribeListeners { load_balancer }).await.unwrap();
    assert_eq!(listeners.len(), 1);
    assert_eq!(
        (listeners[0].port, &listeners[0].arn),
        (80, &outputs.listener_arn)
    );
    assert_eq!(
        listeners[0].action,
        Some(Action::Forward(outputs.target_group_arn.clone()))
    );

    let name = outputs.target_group_arn.split('/').nth(1).unwrap().to_owned();
    let targets = cloud
        .aws
        .call(DescribeTargetGroups { name: Some(name) })
        .await
        .unwrap();
    let check = &targets[0].health_check;
    assert_eq!(
        (
            check.path.as_str(),
            check.interval,
            check.healthy,
            check.unhealthy
        ),
        ("/", 15, 2, 2)
    );
    assert_eq!(check.codes, "200-399");
    let target_group = outputs.target_group_arn.clone();
    let attributes = cloud
        .aws
        .call(DescribeTargetGroupAttributes { target_group })
        .await
        .unwrap();
    assert_eq!(
        attributes
            .get("deregistration_delay.timeout_seconds")
            .map(String::as_str),
        Some("60")
    );
}

async fn instances_are_as_described(cloud: &Cloud, status: &Status) {
    let outputs = &status.outputs;
    let launch_template = outputs.launch_template_id.clone();
    let versions = cloud
        .aws
        .call(DescribeLaunchTemplateVersions { launch_template })
        .await
        .unwrap();
    let data = &versions[0].data;
    assert_eq!((data.http_tokens.as_str(), data.http_hop_limit), ("required", 1));
    assert!(data.encrypted && data.detailed_monitoring, "{data:#?}");
    assert!(
        data.security_groups
            .iter()
            .eq([&outputs.security_group_ids.instances])
    );

    let name = outputs.asg_name.clone();
    let groups = cloud
        .aws
        .call(DescribeAutoScalingGroups { names: vec![name] })
        .await
        .unwrap();
    let group = &groups[0];
    assert_eq!(
        (
            group.settings.min,
            group.settings.max,
            group.desired,
            group.health_check.as_str()
        ),
        (3, 9, 3, "ELB")
    );
    assert_eq!(
        (group.settings.warmup, group.settings.maintenance),
        (60, (100, 110))
    );
    let mut zones: Vec<_> = group.instances.iter().map(|instance| &instance.zone).collect();
    zones.sort();
    zones.dedup();
    assert_eq!(
        zones.len(),
        3,
        "one instance in each zone: {:#?}",
        group.instances
    );

    let target_group = outputs.target_group_arn.clone();
    let health = cloud
        .aws
        .call(DescribeTargetHealth { target_group })
        .await
        .unwrap();
    let mut healthy: Vec<_> = health
        .iter()
        .filter(|target| target.state == "healthy")
        .map(|target| target.target.clone())
        .collect();
    healthy.sort();
    assert_eq!(healthy, outputs.instance_ids);
}

async fn uploading_it_again_changes_nothing(cloud: &Cloud, before: &Status) {
    cloud.control.reset_calls();
    let version = cloud.upload(&KEY, spec()).await;
    let after = cloud.wait_for_phase(&KEY, &version, Phase::Ready).await;
    cloud.wait_for_empty_queue().await;
    let calls = cloud.control.calls();
    assert_eq!(count(&calls, |action| !is_read(action)), 0, "{calls:#}");
    assert!(count(&calls, is_read) <= 36, "{calls:#}");
    assert_eq!(after.outputs, before.outputs);
}

async fn an_invalid_spec_leaves_it_alone(cloud: &Cloud, before: &Status) {
    cloud.control.reset_calls();
    let version = cloud.upload(&KEY, spec().replace("min: 3", "min: 30")).await;
    let rejected = cloud.wait_for_phase(&KEY, &version, Phase::Rejected).await;
    cloud.wait_for_empty_queue().await;
    assert_eq!(rejected.outputs, before.outputs);
    assert!(
        rejected
            .errors
            .iter()
            .any(|error| error.path.starts_with("scaling") && error.line.is_some()),
        "{rejected:#?}"
    );
    assert_eq!(count(&cloud.control.calls(), |_| true), 0);
    let version = cloud.upload(&KEY, spec()).await;
    cloud.wait_for_phase(&KEY, &version, Phase::Ready).await;
}

/// The bar is 130 calls; that nothing is left is `change.rs`'s to show.
async fn deleting_the_spec_destroys_it(cloud: &Cloud, before: &Status) {
    cloud.wait_for_empty_queue().await;
    cloud.control.reset_calls();
    cloud.delete(&KEY).await;
    let deleted = cloud
        .wait_for(&KEY, "Deleted", |status| status.phase == Phase::Deleted)
        .await;
    let calls = cloud.control.calls();
    println!("destroyed with {} calls", count(&calls, |_| true));
    // Passes take 130 at most, and the looks at three instances that leave at once a few. Looks that overlap ask each
    // instance's console twice, and end its wait twice.
    let of_leavers =
        |action: &str| action.ends_with("GetConsoleOutput") || action.ends_with("CompleteLifecycleAction");
    assert!(count(&calls, |action| !of_leavers(action)) <= 139, "{calls:#}");
    assert!(count(&calls, of_leavers) <= 12, "{calls:#}");
    assert!(deleted.serial > before.serial);
    assert_eq!(deleted.outputs, Status::default().outputs);
}

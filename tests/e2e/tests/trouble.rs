//! AWS refuses, throttles and fails: the stack gets there all the same, or says what a person must do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_e2e::Cloud;
use windlass_engine::{Phase, ResourceState};

const INTERNAL: &str = include_str!("../../../events/specs/internal.yaml");

fn spec(name: &str) -> String {
    INTERNAL
        .replace("name: internal", &format!("name: {name}"))
        .replace("environment: dev", "environment: e2e")
}

#[tokio::test]
async fn throttled_and_failing_calls_are_tried_again() {
    let cloud = Cloud::connect().await;
    cloud.control.clear_faults();
    cloud.control.fail("CreateSubnet", "RequestLimitExceeded", 503, 3);
    cloud
        .control
        .fail("CreateLoadBalancer", "InternalFailure", 500, 1);
    cloud.control.fail("DescribeNatGateways", "Unavailable", 503, 1);
    let name = format!("throttled-{}", windlass_e2e::run());
    let key = &format!("specs/e2e/{name}.yaml");
    let version = cloud.upload(key, spec(&name)).await;
    let status = cloud.wait_for_phase(key, &version, Phase::Ready).await;
    assert_eq!(
        cloud.control.faults(),
        serde_json::json!([]),
        "every fault was met"
    );
    assert_eq!(status.outputs.private_subnet_ids.len(), 2);
    assert_eq!(status.outputs.nat_gateway_ids.len(), 1);
    cloud.wait_for_empty_queue().await;
}

#[tokio::test]
async fn a_quota_fails_with_its_remedy_and_the_next_upload_goes_on_from_there() {
    let cloud = Cloud::connect().await;
    let name = format!("quota-{}", windlass_e2e::run());
    let key = &format!("specs/e2e/{name}.yaml");
    cloud
        .control
        .fail("AllocateAddress", "AddressLimitExceeded", 400, 1);
    let version = cloud.upload(key, spec(&name)).await;
    let failed = cloud.wait_for_phase(key, &version, Phase::Failed).await;
    assert_eq!(failed.errors[0].path, "address/a");
    assert!(
        failed.errors[0]
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("Service Quotas")),
        "{failed:#?}"
    );
    cloud.control.clear_faults();
    let version = cloud.upload(key, spec(&name)).await;
    let ready = cloud.wait_for_phase(key, &version, Phase::Ready).await;
    assert_eq!(
        ready.outputs.vpc_id, failed.outputs.vpc_id,
        "what was there is kept"
    );
    assert!(
        ready
            .resources
            .values()
            .all(|state| *state == ResourceState::Ready)
    );
}

//! Bad input is answered with its place and its remedy, nothing is created, and the queue is empty afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_e2e::{Cloud, count};
use windlass_engine::{Phase, Status};

/// A spec, by its name, and the path its first error must name.
fn bad_specs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let spec = |text: &str| format!("compute: {{app: {{packages: [nginx]}}}}\n{text}").into_bytes();
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n";
    vec![
        ("another-name", spec("metadata: {name: other}\n"), "metadata.name"),
        (
            "megabyte",
            spec(&"# a comment that goes on and on\n".repeat(40_000)),
            "",
        ),
        ("bomb", bomb.as_bytes().to_vec(), "a"),
        ("binary", vec![0, 159, 146, 150, 255, 0], ""),
        ("empty", vec![], ""),
        ("small", spec("network: {cidr: 10.0.0.0/26}\n"), "network.cidr"),
        ("public", spec("network: {cidr: 8.8.0.0/16}\n"), "network.cidr"),
        (
            "port",
            b"compute: {app: {packages: [nginx], port: 70000}}\n".to_vec(),
            "compute.app.port",
        ),
        ("bounds", spec("scaling: {min: 5, max: 2}\n"), "scaling"),
        (
            "crossed",
            spec(
                "scaling: {metrics: [{type: cpu, scaleOut: {above: 30, periods: 2}, scaleIn: {below: 70, periods: 5}}]}\n",
            ),
            "scaling.metrics[0]",
        ),
        (
            "mixed",
            b"compute: {instanceTypes: [t3.micro, t4g.micro], app: {packages: [nginx]}}\n".to_vec(),
            "compute.instanceTypes",
        ),
        ("offline", spec("network: {nat: none}\n"), "network.nat"),
    ]
}

#[tokio::test]
async fn every_bad_spec_is_rejected_with_its_place_and_its_remedy() {
    let cloud = Cloud::connect().await;
    cloud.control.reset_calls();
    let mut versions = Vec::new();
    for (name, body, _) in bad_specs() {
        versions.push(cloud.upload(&format!("specs/bad/{name}.yaml"), body).await);
    }
    for ((name, _, path), version) in bad_specs().into_iter().zip(versions) {
        let key = format!("specs/bad/{name}.yaml");
        let status = cloud.wait_for_phase(&key, &version, Phase::Rejected).await;
        println!("{name}: {}", rendered(&status));
        assert!(
            status.errors.iter().any(|error| error.path.starts_with(path)),
            "{name}: {status:#?}"
        );
        assert!(
            status
                .errors
                .iter()
                .all(|error| !error.message.is_empty() && error.hint.is_some()),
            "{name}: {status:#?}"
        );
    }
    cloud.wait_for_empty_queue().await;
    let calls = cloud.control.calls();
    assert_eq!(count(&calls, |_| true), 0, "{calls:#}");
}

#[tokio::test]
async fn a_key_that_names_no_stack_is_answered_beside_where_the_stack_would_be() {
    let cloud = Cloud::connect().await;
    for key in [
        "specs/x.yaml",
        "specs/e2e/a+b c%20.yaml",
        "specs/e2e/deep/er.yaml",
        "specs/e2e/web.yml",
    ] {
        // An earlier run on the same cloud left its own answer.
        let before = cloud.status(key).await.map(|status| status.updated_at);
        cloud.upload(key, "compute: {app: {packages: [nginx]}}\n").await;
        let new = |status: &Status| status.phase == Phase::Rejected && Some(status.updated_at) != before;
        let status = cloud.wait_for(key, "Rejected anew", new).await;
        println!("{key}: {}", rendered(&status));
        assert_eq!(status.errors[0].path, key);
        assert!(status.errors[0].hint.is_some());
    }
    cloud.wait_for_empty_queue().await;
}

fn rendered(status: &Status) -> String {
    let error = &status.errors[0];
    format!(
        "{} {:?}:{:?} {} ({:?})",
        error.path, error.line, error.column, error.message, error.hint
    )
}

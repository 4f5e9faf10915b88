//! Every example over the wire, and what only some of them have: fixed instances, plans, preflight.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use windlass_calls::Filters;
use windlass_calls::ec2::DescribeInstances;
use windlass_calls::elb::{Action, DescribeListeners, Protocol};
use windlass_e2e::{Cloud, count, is_read, run};
use windlass_engine::{Phase, PlanDocument, Port, Status, plan_key};
use windlass_spec::StackId;

/// Examples with a test of their own.
const APART: [&str; 2] = ["web", "plan-only"];
const FIXED: &str = include_str!("../../../events/specs/fixed.yaml");
const PLAN_ONLY: &str = include_str!("../../../events/specs/plan-only.yaml");

fn key(name: &str) -> String {
    format!("specs/e2e/{name}.yaml")
}

/// Name and text of each example in the folder, but those that have a test of their own.
fn examples() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/specs");
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let specs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let named = specs.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    let mut examples: Vec<_> = named
        .filter(|(name, _)| !APART.contains(&name.as_str()))
        .collect();
    examples.sort();
    examples
}

/// All of them side by side: the pipeline works on many stacks at once.
#[tokio::test]
async fn every_example_becomes_ready() {
    let cloud = Cloud::connect().await;
    let mut uploaded = Vec::new();
    let examples = examples();
    assert!(examples.len() >= 8, "only {} examples", examples.len());
    for (name, spec) in examples {
        let name = format!("{name}-{}", run());
        let version = cloud.upload(&key(&name), spec).await;
        uploaded.push((name, version));
    }
    for (name, version) in &uploaded {
        let status = cloud.wait_for_phase(&key(name), version, Phase::Ready).await;
        println!("{name}: {} resources", status.resources.len());
        if name.starts_with("https-") {
            redirects_to_https(&cloud, &status).await;
        }
    }
    cloud.wait_for_empty_queue().await;
}

async fn redirects_to_https(cloud: &Cloud, status: &Status) {
    let load_balancer = status.outputs.alb_arn.clone();
    let listeners = cloud.aws.call(DescribeListeners { load_balancer }).await.unwrap();
    let at = |port: u16| listeners.iter().find(|listener| listener.port == port).unwrap();
    assert_eq!(at(80).action, Some(Action::RedirectToHttps(443)));
    assert_eq!(
        at(443).action,
        Some(Action::Forward(status.outputs.target_group_arn.clone()))
    );
    assert!(matches!(at(443).protocol, Some(Protocol::Https { .. })));
    assert_eq!(status.outputs.listener_arn, at(443).arn);
}

/// EC2 tells EventBridge, the rule tells the queue, and the function looks the instance up.
#[tokio::test]
async fn a_fixed_instance_that_dies_is_replaced_by_its_event_alone() {
    let cloud = Cloud::connect().await;
    let name = format!("dies-{}", run());
    let version = cloud.upload(&key(&name), FIXED).await;
    let before = cloud.wait_for_phase(&key(&name), &version, Phase::Ready).await;
    let victim = before.outputs.instance_ids[0].clone();
    cloud.control.kill_instance(&victim);
    let replaced = |status: &Status| {
        status.phase == Phase::Ready
            && status.outputs.instance_ids.len() == 2
            && !status.outputs.instance_ids.contains(&victim)
    };
    let after = cloud
        .wait_for(&key(&name), "Ready with another instance", replaced)
        .await;
    assert!(
        after
            .outputs
            .instance_ids
            .contains(&before.outputs.instance_ids[1]),
        "the other one stays"
    );
    let filters = Filters::from([
        ("tag:windlass:stack".to_owned(), vec![format!("e2e/{name}")]),
        (
            "instance-state-name".to_owned(),
            vec!["pending".to_owned(), "running".to_owned()],
        ),
    ]);
    let running = cloud.aws.call(DescribeInstances { filters }).await.unwrap();
    assert_eq!(running.len(), 2, "{running:#?}");
}

#[tokio::test]
async fn a_spec_that_says_plan_changes_nothing_and_says_what_it_would_do() {
    let cloud = Cloud::connect().await;
    let name = format!("plan-{}", run());
    cloud.control.reset_calls();
    let version = cloud.upload(&key(&name), PLAN_ONLY).await;
    let status = cloud.wait_for_phase(&key(&name), &version, Phase::Planned).await;
    cloud.wait_for_empty_queue().await;
    let calls = cloud.control.calls();
    assert_eq!(count(&calls, |action| !is_read(action)), 0, "{calls:#}");
    let stack = StackId {
        environment: "e2e".into(),
        name: name.clone(),
    };
    let (body, _) = cloud
        .object(&plan_key(&stack, 1))
        .await
        .expect("the plan is written");
    let plan: PlanDocument = serde_json::from_slice(&body).unwrap();
    assert_eq!((plan.counts, plan.applied), (status.plan, false));
    assert!(
        plan.text[0].starts_with(&format!("e2e/{name}: ")),
        "{}",
        plan.text[0]
    );

    let version = cloud
        .upload(&key(&name), PLAN_ONLY.replace("apply: plan", "apply: auto"))
        .await;
    let ready = cloud.wait_for_phase(&key(&name), &version, Phase::Ready).await;
    let planned = plan.plan.steps.len();
    // Zones, image, quotas, tags and targets are looked up, not made.
    assert_eq!(ready.resources.len(), planned + 5);
}

/// `windlass plan --live` says the same as the pipeline would, and changes nothing.
#[tokio::test]
async fn the_tool_plans_over_the_running_stack() {
    let cloud = Cloud::connect().await;
    let name = format!("live-{}", run());
    let version = cloud.upload(&key(&name), FIXED).await;
    cloud.wait_for_phase(&key(&name), &version, Phase::Ready).await;
    let file = std::env::temp_dir().join(format!("{name}.yaml"));
    std::fs::write(
        &file,
        format!("{FIXED}\nlifecycle: {{terminate: {{drain: 90s}}}}\n"),
    )
    .unwrap();
    let tool = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/windlass");
    cloud.control.reset_calls();
    let answer = Command::new(tool)
        .args(["--no-color", "plan", "--live", "--stack", &format!("e2e/{name}")])
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8_lossy(&answer.stdout);
    assert!(
        answer.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    assert!(
        said.contains("deregistration_delay.timeout_seconds: 60 -> 90"),
        "{said}"
    );
    assert!(said.contains("0 to create, 1 to change"), "{said}");
    let calls = cloud.control.calls();
    assert_eq!(count(&calls, |action| !is_read(action)), 0, "{calls:#}");
}

/// Needed, used, allowed, and where to raise it; and nothing is begun.
#[tokio::test]
async fn a_stack_that_does_not_fit_is_refused_whole() {
    let cloud = Cloud::connect().await;
    let name = format!("room-{}", run());
    cloud.control.quota("vcpus", Some(1));
    cloud.control.reset_calls();
    let version = cloud.upload(&key(&name), FIXED).await;
    let failed = cloud.wait_for_phase(&key(&name), &version, Phase::Failed).await;
    let calls = cloud.control.calls();
    cloud.control.quota("vcpus", None);
    assert_eq!(count(&calls, |action| !is_read(action)), 0, "{calls:#}");
    let error = failed
        .errors
        .iter()
        .find(|error| error.path == "quotas")
        .expect("the quotas say why");
    println!("{}", error.message);
    for part in [
        "4 vCPUs of running Standard",
        "1 allowed",
        "servicequotas/home/services/ec2/quotas/L-1216C47A",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    let version = cloud.upload(&key(&name), FIXED).await;
    cloud.wait_for_phase(&key(&name), &version, Phase::Ready).await;
}

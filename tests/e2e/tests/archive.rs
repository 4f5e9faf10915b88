//! Every recorded state is archived, byte for byte, by events or by the schedule alone; what nobody wakes is woken; and
//! an earlier spec comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use windlass_archive::StateKey;
use windlass_calls::cloudwatch::DescribeAlarms;
use windlass_e2e::Cloud;
use windlass_engine::{Head, Phase, Port, Wake, head_key};
use windlass_spec::{StackId, decode};

const INTERNAL: &str = include_str!("../../../events/specs/internal.yaml");
/// Its line on scaling, and the same with another threshold than the default.
const SCALING: &str = "scaling: {min: 2, max: 4}";
const ANOTHER_THRESHOLD: &str = "scaling: {min: 2, max: 4, metrics: [{type: cpu, scaleOut: {above: 75}, scaleIn: {below: 30, periods: 5}}]}";
/// Most sweeps that archiving may take with every event dropped.
const SWEEPS: usize = 20;

fn stack(part: &str) -> StackId {
    StackId {
        environment: "e2e".into(),
        name: format!("{part}-{}", windlass_e2e::run()),
    }
}

/// States of a stack, each of its own content and size, the larger ones incompressible.
fn states(stack: &StackId, count: u64) -> BTreeMap<StateKey, Vec<u8>> {
    let state = |serial: u64| {
        let mut random = serial;
        let noise = (0..serial * 37 % 9000).map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + u8::try_from(random >> 60).unwrap())
        });
        let noise: String = noise.collect();
        format!("{{\"stack\": \"{stack}\", \"serial\": {serial}, \"noise\": \"{noise}\"}}\n").into_bytes()
    };
    let key = |serial: u64| StateKey {
        stack: stack.clone(),
        serial,
    };
    (1..=count).map(|serial| (key(serial), state(serial))).collect()
}

#[tokio::test]
async fn a_thousand_states_written_at_once_are_archived_byte_for_byte() {
    let cloud = Cloud::connect().await;
    let stack = stack("events");
    let states = states(&stack, 1000);
    cloud.record_at_once(&states).await;
    cloud.wait_for_archived(&stack.to_string(), states.len()).await;
    cloud.assert_archived(&states).await;
    let (key, state) = states.last_key_value().unwrap();
    let (packed, _) = cloud.object(&key.archived()).await.unwrap();
    if let Some(unpacked) = unpacked_by_zstd(&packed) {
        assert_eq!(unpacked, *state, "what people's own tool makes of it");
    }
    cloud.wait_for_idle_archive().await;
}

/// What the program `zstd` makes of an archived object, if it is on this machine: it shares no code with the archive.
fn unpacked_by_zstd(packed: &[u8]) -> Option<Vec<u8>> {
    let mut run = Command::new("zstd");
    run.args(["--decompress", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(mut started) = run.spawn() else {
        println!("there is no zstd here: only the archive's own code has unpacked it");
        return None;
    };
    started.stdin.take().unwrap().write_all(packed).unwrap();
    let ended = started.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", ended.status);
    Some(ended.stdout)
}

#[tokio::test]
async fn with_every_event_dropped_the_schedule_alone_archives_a_thousand_states() {
    let cloud = Cloud::connect().await;
    let stack = stack("schedule");
    let states = states(&stack, 1000);
    let silenced = cloud.rules.silence("states/");
    cloud.record_at_once(&states).await;
    cloud.wait_for_idle_archive().await;
    // The schedule's own message, sent as often as minutes would have to pass.
    let message = cloud.rules.input("rate(5 minutes)");
    let mut sweeps = 0;
    while cloud.list(&format!("archive/{stack}/")).await.len() < states.len() {
        assert!(sweeps < SWEEPS, "not archived after {sweeps} sweeps");
        cloud.tell_archive(&message).await;
        cloud.wait_for_idle_archive().await;
        sweeps += 1;
    }
    println!("{} states in {sweeps} sweeps", states.len());
    assert!(sweeps > 0, "the events were not dropped");
    cloud.assert_archived(&states).await;
    drop(silenced);
}

#[tokio::test]
async fn a_stack_whose_wake_up_was_lost_is_woken_by_the_schedule() {
    let cloud = Cloud::connect().await;
    let stack = stack("asleep");
    let head = Head {
        lineage: "l1".into(),
        wake: Some(Wake {
            token: "lost".into(),
            due: windlass_e2e::minutes_ago(10),
            attempt: 0,
        }),
        ..Head::default()
    };
    let key = head_key(&stack);
    cloud
        .record(&key, &serde_json::to_vec(&head).unwrap())
        .await
        .unwrap();
    cloud.tell_archive(&cloud.rules.input("rate(5 minutes)")).await;
    // It has no spec, which a pass answers: so there was one.
    let spec = format!("specs/{stack}.yaml");
    cloud
        .wait_for(&spec, "looked at", |status| status.phase == Phase::Failed)
        .await;
    cloud.remove(&key).await;
    cloud.wait_for_idle_archive().await;
    cloud.wait_for_empty_queue().await;
}

#[tokio::test]
async fn an_earlier_spec_comes_back_and_every_state_on_the_way_is_kept() {
    let cloud = Cloud::connect().await;
    let stack = stack("restore");
    let spec = INTERNAL
        .replace("name: internal", &format!("name: {}", stack.name))
        .replace("environment: dev", "environment: e2e");
    let key = format!("specs/{stack}.yaml");
    let version = cloud.upload(&key, spec.clone()).await;
    let ready = cloud.wait_for_phase(&key, &version, Phase::Ready).await;

    let mut recorded = BTreeMap::new();
    for key in cloud.list(&format!("states/{stack}/")).await {
        let (body, _) = cloud.object(&key).await.unwrap();
        recorded.insert(StateKey::parse(&key).unwrap(), body);
    }
    cloud.wait_for_archived(&stack.to_string(), recorded.len()).await;
    cloud.assert_archived(&recorded).await;

    let history: Value = serde_json::from_str(&windlass(&["history", &stack.to_string(), "--json"])).unwrap();
    let listed: Vec<u64> = history["states"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|state| state["serial"].as_u64())
        .collect();
    let serials: Vec<u64> = recorded.keys().map(|key| key.serial).collect();
    assert_eq!(listed, serials);
    assert!(
        !history["states"][0]["added"].as_array().unwrap().is_empty(),
        "{history:#}"
    );

    let first = *listed.last().unwrap();
    let second = spec.replace(SCALING, ANOTHER_THRESHOLD);
    assert_ne!(second, spec);
    let version = cloud.upload(&key, second).await;
    cloud.wait_for_phase(&key, &version, Phase::Ready).await;
    assert_eq!(threshold(&cloud, &stack).await, "75");
    let history: Value = serde_json::from_str(&windlass(&["history", &stack.to_string(), "--json"])).unwrap();
    let changes = history["states"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|state| state["spec"].as_array().cloned().unwrap_or_default());
    let change = json!({"path": "/scaling/metrics/0/scaleOut/threshold", "from": 70.0, "to": 75.0});
    assert!(changes.into_iter().any(|found| found == change), "{history:#}");

    let broken = cloud.upload(&key, "scaling: {min: 5, max: 2}\n").await;
    cloud.wait_for_phase(&key, &broken, Phase::Rejected).await;
    println!(
        "{}",
        windlass(&["restore", &stack.to_string(), &first.to_string(), "--yes"])
    );
    let restored = cloud
        .wait_for(&key, "Ready again", |status| {
            status.phase == Phase::Ready && status.spec_version != version
        })
        .await;
    assert_eq!(restored.outputs, ready.outputs);
    assert_eq!(threshold(&cloud, &stack).await, "70");
    let text = cloud.spec(&key).await.unwrap();
    assert_eq!(
        decode(&stack, &text).unwrap(),
        decode(&stack, spec.as_bytes()).unwrap()
    );
    cloud.wait_for_empty_queue().await;
}

/// The threshold of the alarm by which the stack grows.
async fn threshold(cloud: &Cloud, stack: &StackId) -> String {
    let prefix = format!("windlass/{stack}/cpu-out");
    let alarms = cloud.aws.call(DescribeAlarms { prefix }).await.unwrap();
    alarms[0].threshold.to_string()
}

/// Runs the tool that people use, and answers what it printed.
fn windlass(arguments: &[&str]) -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/windlass");
    let ran = Command::new(&tool).args(arguments).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}; `make local` builds it", tool.display()));
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    said
}

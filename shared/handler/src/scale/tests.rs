use rstest::rstest;
use serde_json::json;
use windlass_engine::ScaleWake;
use windlass_spec::StackId;

use super::*;

const BUCKET: &str = "states";

fn record(id: &str, body: &serde_json::Value) -> Record {
    Record {
        message_id: id.into(),
        body: body.to_string(),
    }
}

fn alarm(name: &str, state: &str) -> serde_json::Value {
    json!({
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": name, "state": {"value": state}},
    })
}

fn state(bucket: &str, key: &str) -> serde_json::Value {
    json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
    })
}

fn tick(token: &str) -> serde_json::Value {
    json!({"scale": {"stack": {"environment": "dev", "name": "web"}, "token": token}})
}

fn stack(name: &str) -> StackId {
    StackId {
        environment: "dev".into(),
        name: name.into(),
    }
}

#[test]
fn what_happened_to_a_stack_shares_one_look_and_each_tick_has_its_own() {
    let records = [
        record("m1", &alarm("windlass/dev/web/cpu-out", "ALARM")),
        record("m2", &alarm("windlass/dev/web/cpu-in", "ALARM")),
        record("m3", &state(BUCKET, "states/dev/web/00000007.json")),
        record("m4", &alarm("windlass/dev/shop/cpu-out", "ALARM")),
        record("m5", &tick("a")),
        record("m6", &tick("a")),
        record("m7", &tick("b")),
    ];
    let looks: Vec<(String, Vec<String>)> = sort(BUCKET, &records)
        .looks
        .into_iter()
        .map(|(occasion, messages)| (occasion.stack().to_string(), messages))
        .collect();
    let expected = [
        ("dev/web", vec!["m1", "m2", "m3"]),
        ("dev/shop", vec!["m4"]),
        ("dev/web", vec!["m5", "m6"]),
        ("dev/web", vec!["m7"]),
    ];
    let expected = expected.map(|(stack, messages)| {
        let messages: Vec<String> = messages.into_iter().map(str::to_owned).collect();
        (stack.to_owned(), messages)
    });
    assert_eq!(looks, expected);
}

/// It is the only word about the alarm (rule 1).
#[test]
fn an_alarm_is_not_taken_for_the_state_that_came_with_it() {
    let records = [
        record("m1", &state(BUCKET, "states/dev/web/00000007.json")),
        record("m2", &alarm("windlass/dev/web/cpu-out", "ALARM")),
        record("m3", &state(BUCKET, "states/dev/web/00000008.json")),
    ];
    let looks = sort(BUCKET, &records).looks;
    assert_eq!(looks.len(), 1);
    assert!(matches!(&looks[0].0, ScaleOccasion::Alarm { alarm, .. } if alarm == "cpu-out"));
    let records = [
        record("m1", &state(BUCKET, "states/dev/web/00000007.json")),
        record("m2", &alarm("windlass/dev/web/cpu-out", "INSUFFICIENT_DATA")),
    ];
    assert!(matches!(
        &sort(BUCKET, &records).looks[0].0,
        ScaleOccasion::Unheard { .. }
    ));
}

#[rstest]
#[case::over(alarm("windlass/dev/web/cpu-out", "OK"))]
#[case::somebody_elses(alarm("web-cpu", "ALARM"))]
#[case::another_bucket(state("others", "states/dev/web/00000007.json"))]
#[case::no_state(state(BUCKET, "stacks/dev/web/head.json"))]
fn what_asks_for_nothing_is_acknowledged(#[case] body: serde_json::Value) {
    let work = sort(BUCKET, &[record("m1", &body)]);
    assert_eq!(work.looks, []);
    assert_eq!(work.left_alone[0].how, How::Nothing);
}

#[test]
fn a_malformed_one_goes_to_the_dead_letter_queue_with_what_it_lacks() {
    let mut malformed = alarm("windlass/dev/web/cpu-out", "ALARM");
    malformed["detail"].as_object_mut().unwrap().remove("alarmName");
    let work = sort(
        BUCKET,
        &[record("m1", &malformed), record("m2", &json!({"x": 1}))],
    );
    let how: Vec<How> = work.left_alone.iter().map(|left_alone| left_alone.how).collect();
    assert_eq!(how, [How::Poison, How::Poison]);
    assert!(
        work.left_alone[0].why.contains("alarmName"),
        "{}",
        work.left_alone[0].why
    );
}

/// What `events/` shows is what the function reads.
#[rstest]
#[case::alarm("alarm", ScaleOccasion::Alarm { stack: stack("web"), alarm: "cpu-out".into() })]
#[case::tick("scale-tick", ScaleOccasion::Woken(ScaleWake { stack: stack("web"), token: Some("3f2c9a7d5b1e8046".into()), attempt: 0 }))]
fn the_sample_of_a_message_is_read(#[case] name: &str, #[case] occasion: ScaleOccasion) {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let batch: Batch = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(sort(BUCKET, &batch.records).looks[0].0, occasion);
}

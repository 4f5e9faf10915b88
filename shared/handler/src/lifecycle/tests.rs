use rstest::rstest;
use serde_json::json;
use windlass_engine::{SpotEvent, SpotNotice};

use super::*;

fn record(id: &str, body: &serde_json::Value) -> Record {
    Record {
        message_id: id.into(),
        body: body.to_string(),
    }
}

fn launch(group: &str, instance: &str) -> serde_json::Value {
    json!({
        "source": "aws.autoscaling",
        "detail-type": "EC2 Instance-launch Lifecycle Action",
        "detail": {
            "AutoScalingGroupName": group,
            "LifecycleHookName": "windlass-launch",
            "EC2InstanceId": instance,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        },
    })
}

fn wake(token: &str) -> serde_json::Value {
    let chain = json!({"stack": {"environment": "dev", "name": "web"}, "token": token});
    json!({"gate": {"group": "windlass-dev-web", "chain": chain}})
}

#[test]
fn all_launches_of_a_group_share_one_look_and_each_wake_up_has_its_own() {
    let records = [
        record("m1", &launch("windlass-dev-web", "i-1")),
        record("m2", &launch("windlass-dev-web", "i-2")),
        record("m3", &launch("windlass-dev-shop", "i-3")),
        record("m4", &wake("a")),
        record("m5", &wake("a")),
        record("m6", &wake("b")),
    ];
    let looks: Vec<Vec<String>> = sort(&records)
        .looks
        .into_iter()
        .map(|(_, messages)| messages)
        .collect();
    assert_eq!(
        looks,
        [vec!["m1", "m2"], vec!["m3"], vec!["m4", "m5"], vec!["m6"]]
    );
}

#[test]
fn other_events_are_acknowledged_and_malformed_ones_go_to_the_dead_letter_queue_with_what_they_lack() {
    let mut malformed = launch("windlass-dev-web", "i-1");
    malformed["detail"]
        .as_object_mut()
        .unwrap()
        .remove("EC2InstanceId");
    let other =
        json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance Launch Successful", "detail": {}});
    let work = sort(&[record("m1", &other), record("m2", &malformed)]);
    let how: Vec<How> = work.left_alone.iter().map(|left_alone| left_alone.how).collect();
    assert_eq!(how, [How::Nothing, How::Poison]);
    assert!(
        work.left_alone[1].why.contains("EC2InstanceId"),
        "{}",
        work.left_alone[1].why
    );
    assert_eq!(work.looks, []);
}

/// What `events/` shows is what the function reads.
#[rstest]
#[case::interrupted("spot-interrupted", SpotEvent::Interruption("terminate".into()))]
#[case::at_risk("spot-at-risk", SpotEvent::Risk)]
fn the_sample_of_an_event_about_a_spot_instance_is_read(#[case] name: &str, #[case] what: SpotEvent) {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let batch: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let body: serde_json::Value =
        serde_json::from_str(batch["Records"][0]["body"].as_str().unwrap()).unwrap();
    let notice = SpotNotice {
        instance: "i-0a1b2c3d4e5f60718".into(),
        what,
        at: "2026-05-04T09:12:41Z".parse().unwrap(),
    };
    // Twice the same is one look.
    let work = sort(&[record("m1", &body), record("m2", &body)]);
    let messages = vec!["m1".to_owned(), "m2".to_owned()];
    assert_eq!(work.looks, [(Occasion::Spot(notice), messages)]);
}

#[test]
fn a_malformed_notice_goes_to_the_dead_letter_queue_with_what_it_lacks() {
    let malformed = json!({
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "time": "2026-05-04T09:12:41Z",
        "detail": {"instance-action": "terminate"},
    });
    let work = sort(&[record("m1", &malformed)]);
    assert_eq!(work.left_alone[0].how, How::Poison);
    assert!(
        work.left_alone[0].why.contains("instance-id"),
        "{}",
        work.left_alone[0].why
    );
}

use serde_json::json;

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

//! One message of the queue: an S3 or EC2 event by way of EventBridge, or a wake-up of our own.

use serde_json::Value;
use windlass_engine::{Trigger, WakeMessage};
use windlass_spec::{StackId, parse_key};

use crate::event::{Happened, S3Event};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A pass over a stack.
    Pass {
        /// The stack.
        stack: StackId,
        /// Why.
        trigger: Trigger,
    },
    /// An instance died or stopped: a pass over its stack, if it is one of ours. The event carries no tags (rule 58).
    Instance {
        /// `i-…`.
        instance: String,
    },
    /// An object was put under a key that names no stack: the rejection must be written.
    BadKey {
        /// The key.
        key: String,
    },
    /// Nothing, and nothing is wrong with it.
    Nothing {
        /// Why.
        why: String,
    },
    /// Nothing, though somebody seems to expect something: worth a warning.
    Foreign {
        /// Why.
        why: String,
    },
    /// Not a message that Windlass knows. It must reach the dead-letter queue.
    Unknown {
        /// What is wrong with it.
        why: String,
    },
}

/// Reads the body of one message.
#[must_use]
pub fn read(spec_bucket: &str, body: &str) -> Message {
    let value: Value = match serde_json::from_str(body) {
        Ok(value) => value,
        Err(error) => return unknown(format!("the body is not JSON: {error}")),
    };
    if value.get("wake").is_some() {
        return match serde_json::from_value(value) {
            Ok(wake) => wake_up(&wake),
            Err(error) => unknown(format!("the wake-up cannot be read: {error}")),
        };
    }
    if value.get("source").and_then(Value::as_str) == Some("aws.ec2") {
        return instance(&value);
    }
    match serde_json::from_value(value) {
        Ok(event) => s3(spec_bucket, &event),
        Err(error) => unknown(format!("neither a wake-up nor an S3 event: {error}")),
    }
}

fn unknown(why: String) -> Message {
    Message::Unknown { why }
}

/// A wake-up's stack goes into keys and names: it must be one that a spec key could name.
fn wake_up(message: &WakeMessage) -> Message {
    let stack = &message.wake.stack;
    match parse_key(&format!("specs/{stack}.yaml")) {
        Ok(parsed) if parsed == *stack => Message::Pass {
            stack: parsed,
            trigger: message.trigger(),
        },
        _ => unknown(format!("the wake-up names no possible stack: {stack}")),
    }
}

/// `EC2 Instance State-change Notification`. Whatever the state, the pass looks for itself.
fn instance(event: &Value) -> Message {
    let kind = event
        .get("detail-type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = event.pointer("/detail/instance-id").and_then(Value::as_str);
    match (kind, id) {
        ("EC2 Instance State-change Notification", Some(id)) if is_instance_id(id) => Message::Instance {
            instance: id.to_owned(),
        },
        ("EC2 Instance State-change Notification", _) => unknown("the event names no instance".into()),
        (kind, _) => unknown(format!("an event `{kind}` from aws.ec2 means nothing here")),
    }
}

fn is_instance_id(id: &str) -> bool {
    id.strip_prefix("i-")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn s3(spec_bucket: &str, event: &S3Event) -> Message {
    let happened = match event.happened() {
        Ok(happened) => happened,
        Err(why) => return unknown(why),
    };
    let (bucket, key) = (event.bucket(), event.key());
    if bucket != spec_bucket {
        return Message::Foreign {
            why: format!("the event is about bucket {bucket}, not about the spec bucket {spec_bucket}"),
        };
    }
    match parse_key(key) {
        Ok(stack) => Message::Pass {
            stack,
            trigger: Trigger::SpecChanged,
        },
        Err(_) if happened == Happened::Deleted => Message::Nothing {
            why: format!("{key} is gone; it never named a stack"),
        },
        Err(_) => Message::BadKey { key: key.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn s3_event(kind: &str, bucket: &str, key: &str) -> String {
        json!({
            "source": "aws.s3", "detail-type": kind,
            "detail": {"bucket": {"name": bucket}, "object": {"key": key, "version-id": "v1", "sequencer": "00"}}
        })
        .to_string()
    }

    fn pass(name: &str, trigger: Trigger) -> Message {
        let stack = StackId {
            environment: "dev".into(),
            name: name.into(),
        };
        Message::Pass { stack, trigger }
    }

    #[rstest]
    #[case("Object Created")]
    #[case("Object Deleted")]
    fn a_spec_that_was_put_or_deleted_asks_for_a_pass_over_its_stack(#[case] kind: &str) {
        let message = read("specs", &s3_event(kind, "specs", "specs/dev/web.yaml"));
        assert_eq!(message, pass("web", Trigger::SpecChanged));
    }

    #[rstest]
    #[case("specs/x.yaml")]
    #[case("specs/dev/a+b.yaml")]
    #[case("specs/dev/my web.yaml")]
    #[case("specs/dev/a%20b.yaml")]
    #[case("specs/dev/we%62.yaml")]
    fn a_key_is_taken_literally_and_one_that_names_no_stack_is_kept_as_it_is(#[case] key: &str) {
        let message = read("specs", &s3_event("Object Created", "specs", key));
        assert_eq!(message, Message::BadKey { key: key.into() });
    }

    #[test]
    fn an_instance_that_died_is_to_be_looked_up() {
        let body = include_str!("../../../../events/instance-terminated.json");
        let event: Value = serde_json::from_str(body).unwrap();
        let message = read("specs", event["Records"][0]["body"].as_str().unwrap());
        let instance = "i-0a1b2c3d4e5f60718".to_owned();
        assert_eq!(message, Message::Instance { instance });
    }

    #[test]
    fn deleting_a_key_that_named_no_stack_asks_for_nothing() {
        let message = read("specs", &s3_event("Object Deleted", "specs", "specs/x.yaml"));
        assert!(matches!(message, Message::Nothing { .. }));
    }

    #[test]
    fn an_event_of_another_bucket_is_foreign() {
        let message = read(
            "specs",
            &s3_event("Object Created", "states", "specs/dev/web.yaml"),
        );
        assert!(matches!(message, Message::Foreign { .. }), "{message:?}");
    }

    #[rstest]
    #[case(json!("t1"), Trigger::Woken { token: "t1".into() })]
    #[case(json!(null), Trigger::Look)]
    fn a_wake_up_continues_its_chain_or_asks_for_a_look(#[case] token: Value, #[case] trigger: Trigger) {
        let body = json!({"wake": {"stack": {"environment": "dev", "name": "web"}, "token": token}});
        assert_eq!(read("specs", &body.to_string()), pass("web", trigger));
    }

    #[rstest]
    #[case("", "not JSON")]
    #[case("\u{0}\u{1}", "not JSON")]
    #[case("[]", "neither a wake-up nor an S3 event")]
    #[case("{}", "neither a wake-up nor an S3 event")]
    #[case(r#"{"wake": 7}"#, "wake-up cannot be read")]
    #[case(
        r#"{"wake": {"stack": {"environment": "..", "name": "x"}, "token": null}}"#,
        "no possible stack"
    )]
    #[case(
        r#"{"wake": {"stack": {"environment": "a/b", "name": "x"}, "token": null}}"#,
        "no possible stack"
    )]
    #[case(r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"state": "terminated"}}"#, "names no instance")]
    #[case(r#"{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"instance-id": "i-../x"}}"#, "names no instance")]
    #[case(r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}"#, "means nothing here")]
    fn anything_else_is_unknown_and_says_why(#[case] body: &str, #[case] why: &str) {
        let Message::Unknown { why: said } = read("specs", body) else {
            panic!("{body} was understood");
        };
        assert!(said.contains(why), "{said}");
    }
}

//! One message of the queue: an S3 event by way of EventBridge, or a wake-up of our own.
//!
//! Keys are literal: EventBridge, unlike S3's own notifications, does not URL-encode them, so that `a+b` and `a%20b` mean
//! themselves.

use serde::Deserialize;
use serde_json::Value;
use windlass_engine::{Trigger, WakeMessage};
use windlass_spec::{StackId, parse_key};

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

/// An S3 event in EventBridge's envelope: the fields that are used.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct S3Event {
    source: String,
    detail_type: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
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
    match serde_json::from_value(value) {
        Ok(event) => s3(spec_bucket, event),
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

fn s3(spec_bucket: &str, event: S3Event) -> Message {
    let deleted = match (event.source.as_str(), event.detail_type.as_str()) {
        ("aws.s3", "Object Created") => false,
        ("aws.s3", "Object Deleted") => true,
        (source, kind) => return unknown(format!("an event `{kind}` from {source} means nothing here")),
    };
    let (bucket, key) = (event.detail.bucket.name, event.detail.object.key);
    if bucket != spec_bucket {
        return Message::Foreign {
            why: format!("the event is about bucket {bucket}, not about the spec bucket {spec_bucket}"),
        };
    }
    match parse_key(&key) {
        Ok(stack) => Message::Pass {
            stack,
            trigger: Trigger::SpecChanged,
        },
        Err(_) if deleted => Message::Nothing {
            why: format!("{key} is gone; it never named a stack"),
        },
        Err(_) => Message::BadKey { key },
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
    #[case(r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}"#, "means nothing here")]
    fn anything_else_is_unknown_and_says_why(#[case] body: &str, #[case] why: &str) {
        let Message::Unknown { why: said } = read("specs", body) else {
            panic!("{body} was understood");
        };
        assert!(said.contains(why), "{said}");
    }
}

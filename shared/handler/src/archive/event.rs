//! One message of the archive's queue: a state was recorded, or it is time for a sweep.

use serde::Deserialize;
use serde_json::Value;
use windlass_archive::StateKey;

use crate::event::{Happened, S3Event};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// To archive a state.
    State(StateKey),
    /// To sweep.
    Sweep,
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

/// What the schedule sends: `{"sweep": true}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    sweep: bool,
}

/// Reads the body of one message.
pub(crate) fn read(state_bucket: &str, body: &str) -> Message {
    let value: Value = match serde_json::from_str(body) {
        Ok(value) => value,
        Err(error) => return unknown(format!("the body is not JSON: {error}")),
    };
    if value.get("sweep").is_some() {
        return match serde_json::from_value(value) {
            Ok(Sweep { sweep: true }) => Message::Sweep,
            Ok(Sweep { sweep: false }) => unknown("a sweep that is none".to_owned()),
            Err(error) => unknown(format!("the sweep cannot be read: {error}")),
        };
    }
    match serde_json::from_value(value) {
        Ok(event) => s3(state_bucket, &event),
        Err(error) => unknown(format!("neither a sweep nor an S3 event: {error}")),
    }
}

fn unknown(why: String) -> Message {
    Message::Unknown { why }
}

fn s3(state_bucket: &str, event: &S3Event) -> Message {
    match event.happened() {
        Ok(Happened::Created) => {}
        Ok(Happened::Deleted) => return unknown("a deletion means nothing here".to_owned()),
        Err(why) => return unknown(why),
    }
    let (bucket, key) = (event.bucket(), event.key());
    if bucket != state_bucket {
        return Message::Foreign {
            why: format!("the event is about bucket {bucket}, not about the state bucket {state_bucket}"),
        };
    }
    match StateKey::parse(key) {
        Some(state) => Message::State(state),
        None => Message::Foreign {
            why: format!("{key} names no state: Windlass did not write it, and does not archive it"),
        },
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

    #[test]
    fn a_state_that_was_recorded_is_to_be_archived() {
        let key = "states/dev/web/00000007.json";
        let message = read("states", &s3_event("Object Created", "states", key));
        assert_eq!(message, Message::State(StateKey::parse(key).unwrap()));
    }

    #[test]
    fn the_schedule_asks_for_a_sweep() {
        assert_eq!(read("states", r#"{"sweep": true}"#), Message::Sweep);
    }

    #[rstest]
    #[case("other", "states/dev/web/00000007.json")]
    #[case("states", "states/dev/web/7.json")]
    #[case("states", "states/dev/we%62/00000007.json")]
    #[case("states", "archive/dev/web/00000007.json.zst")]
    fn an_object_that_is_no_state_of_ours_is_foreign(#[case] bucket: &str, #[case] key: &str) {
        let message = read("states", &s3_event("Object Created", bucket, key));
        assert!(matches!(message, Message::Foreign { .. }), "{message:?}");
    }

    #[rstest]
    #[case("", "not JSON")]
    #[case("[]", "neither a sweep nor an S3 event")]
    #[case(
        r#"{"wake": {"stack": {"environment": "dev", "name": "web"}, "token": null}}"#,
        "neither"
    )]
    #[case(r#"{"sweep": false}"#, "is none")]
    #[case(r#"{"sweep": 1}"#, "cannot be read")]
    #[case(r#"{"sweep": true, "all": true}"#, "cannot be read")]
    #[case(&s3_event("Object Deleted", "states", "states/dev/web/00000007.json"), "deletion")]
    #[case(r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}"#, "means nothing here")]
    fn anything_else_is_unknown_and_says_why(#[case] body: &str, #[case] why: &str) {
        let Message::Unknown { why: said } = read("states", body) else {
            panic!("{body} was understood");
        };
        assert!(said.contains(why), "{said}");
    }
}

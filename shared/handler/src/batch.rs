//! A batch of messages as Lambda hands it over, the answer that says which of them failed, and the messages of any
//! function that lead to nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::log::{Level, Log};

/// A batch of messages, as Lambda hands it over from SQS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id, which the answer refers to.
    pub message_id: String,
    /// What it says.
    pub body: String,
}

/// Which messages failed and must come again. All others are acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl BatchResponse {
    pub(crate) fn fail(&mut self, messages: &[String]) {
        let failures = messages.iter().map(|id| Failure {
            item_identifier: id.clone(),
        });
        self.batch_item_failures.extend(failures);
    }

    /// Ids of the messages that failed.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.batch_item_failures
            .iter()
            .map(|failure| failure.item_identifier.as_str())
    }
}

/// One run of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The request's id.
    pub request: String,
    /// When Lambda stops it.
    pub deadline: Timestamp,
}

/// A message that leads to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeftAlone {
    pub(crate) message: String,
    pub(crate) why: String,
    pub(crate) how: How,
    /// The beginning of the body, for people.
    pub(crate) body: String,
}

/// What becomes of a message that leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Acknowledged: nothing is wrong.
    Nothing,
    /// Acknowledged with a warning.
    Foreign,
    /// Failed, so that SQS moves it to the dead-letter queue.
    Poison,
}

/// Bytes of a body that are logged.
const SHOWN: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageLine<'a> {
    message_id: &'a str,
    why: &'a str,
    body: &'a str,
}

impl LeftAlone {
    pub(crate) fn new(record: &Record, why: String, how: How) -> Self {
        let end = record.body.floor_char_boundary(SHOWN);
        Self {
            message: record.message_id.clone(),
            why,
            how,
            body: record.body[..end].to_owned(),
        }
    }

    /// Logs it, and fails it if it is poison.
    pub(crate) fn report(&self, log: &Log, response: &mut BatchResponse) {
        let line = MessageLine {
            message_id: &self.message,
            why: &self.why,
            body: &self.body,
        };
        match self.how {
            How::Nothing => log.write(Level::Debug, "nothing to do", line),
            How::Foreign => log.write(Level::Warn, "message ignored", line),
            How::Poison => {
                log.write(
                    Level::Error,
                    "message not understood: it goes to the dead-letter queue",
                    line,
                );
                response.fail(std::slice::from_ref(&self.message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_shaped_as_sqs_expects_it() {
        let empty = serde_json::to_value(BatchResponse::default()).unwrap();
        assert_eq!(empty, json!({"batchItemFailures": []}));
    }

    #[test]
    fn a_body_is_shown_up_to_a_kilobyte_and_never_cut_within_a_character() {
        let record = Record {
            message_id: "m1".into(),
            body: "ü".repeat(2000).replacen('ü', "x", 1),
        };
        let left_alone = LeftAlone::new(&record, String::new(), How::Poison);
        assert_eq!(left_alone.body.len(), 1023);
    }
}

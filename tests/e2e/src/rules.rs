//! Event rules of the deployed pipeline: which there are, what they send, and how to silence one.

use serde_json::{Value, json};

use crate::http::{address, exchange};

/// The event rules. There is no client for them here: the SDK's would be built for this alone.
pub struct Rules {
    address: String,
    archive_queue: String,
}

/// A rule that matches nothing until this goes out of scope, however the test ends.
pub struct Silenced<'a> {
    rules: &'a Rules,
    name: String,
}

impl Rules {
    /// The rules of the emulator at this address, beside the queue at this one.
    pub(crate) fn new(url: &str, archive_queue: &str) -> Self {
        Self {
            address: address(url),
            archive_queue: archive_queue.to_owned(),
        }
    }

    /// Silences the rule whose pattern or schedule contains this text.
    ///
    /// # Panics
    /// There is no such rule, or it cannot be silenced.
    #[must_use]
    pub fn silence(&self, text: &str) -> Silenced<'_> {
        let name = self.named(text).0;
        self.call("DisableRule", &json!({"Name": name}));
        Silenced { rules: self, name }
    }

    /// What the rule whose pattern or schedule contains this text sends to the archive's queue, its only target.
    ///
    /// # Panics
    /// There is no such rule, it is off, it sends elsewhere, or its target gets the event itself.
    #[must_use]
    pub fn input(&self, text: &str) -> String {
        let (name, state) = self.named(text);
        assert_eq!(state, "ENABLED", "{name}");
        let answer = self.call("ListTargetsByRule", &json!({"Rule": name}));
        let targets = answer["Targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(targets.len(), 1, "{name}: {answer}");
        let queue = self.archive_queue.rsplit('/').next();
        let sends_to = targets[0]["Arn"].as_str();
        assert_eq!(sends_to.and_then(|arn| arn.rsplit(':').next()), queue, "{name}");
        let input = targets[0]["Input"].as_str();
        #[expect(clippy::expect_used, reason = "a test without its rule must fail")]
        input.expect("the rule sends a constant").to_owned()
    }

    /// Name and state.
    fn named(&self, text: &str) -> (String, String) {
        let answer = self.call("ListRules", &json!({}));
        let says = |rule: &&Value| {
            let of = |field: &str| rule[field].as_str().is_some_and(|said| said.contains(text));
            of("EventPattern") || of("ScheduleExpression")
        };
        let rule = answer["Rules"]
            .as_array()
            .and_then(|rules| rules.iter().find(says));
        let text = |field: &str| rule.and_then(|rule| rule[field].as_str()).map(str::to_owned);
        #[expect(clippy::expect_used, reason = "a test without its rule must fail")]
        (
            text("Name").expect("such a rule is deployed"),
            text("State").unwrap_or_default(),
        )
    }

    fn call(&self, operation: &str, document: &Value) -> Value {
        let headers = format!(
            "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSEvents.{operation}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/events/aws4_request, \
             SignedHeaders=host, Signature=0\r\n"
        );
        #[expect(clippy::expect_used, reason = "a test without its cloud must fail")]
        exchange(&self.address, "POST", "/", &headers, document).expect("the local cloud has event rules")
    }
}

impl Drop for Silenced<'_> {
    fn drop(&mut self) {
        self.rules.call("EnableRule", &json!({"Name": self.name}));
    }
}

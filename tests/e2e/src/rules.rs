//! Event rules of the deployed pipeline: which there are, what they send, and how to silence one.

use serde_json::{Value, json};

use crate::http::{address, exchange};

/// The event rules. There is no client for them here: the SDK's would be built for this alone.
pub struct Rules {
    address: String,
}

/// A rule that matches nothing until this goes out of scope, however the test ends.
pub struct Silenced<'a> {
    rules: &'a Rules,
    name: String,
}

impl Rules {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            address: address(url),
        }
    }

    /// Silences the rule whose pattern or schedule contains this text.
    ///
    /// # Panics
    /// There is no such rule, or it cannot be silenced.
    #[must_use]
    pub fn silence(&self, text: &str) -> Silenced<'_> {
        let name = self.named(text);
        self.call("DisableRule", &json!({"Name": name}));
        Silenced { rules: self, name }
    }

    /// What the rule whose pattern or schedule contains this text sends to its first target, if that is constant.
    ///
    /// # Panics
    /// There is no such rule, or its target gets the event itself.
    #[must_use]
    pub fn input(&self, text: &str) -> String {
        let name = self.named(text);
        let targets = self.call("ListTargetsByRule", &json!({"Rule": name}));
        let input = targets["Targets"][0]["Input"].as_str();
        #[expect(clippy::expect_used, reason = "a test without its rule must fail")]
        input.expect("the rule sends a constant").to_owned()
    }

    fn named(&self, text: &str) -> String {
        let answer = self.call("ListRules", &json!({}));
        let says = |rule: &&Value| {
            let of = |field: &str| rule[field].as_str().is_some_and(|said| said.contains(text));
            of("EventPattern") || of("ScheduleExpression")
        };
        let rule = answer["Rules"]
            .as_array()
            .and_then(|rules| rules.iter().find(says));
        #[expect(clippy::expect_used, reason = "a test without its rule must fail")]
        let name = rule
            .and_then(|rule| rule["Name"].as_str())
            .expect("such a rule is deployed");
        name.to_owned()
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

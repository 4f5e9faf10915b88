//! The deployed pipeline on the local cloud, as its users see it: a spec goes into a bucket, a status comes out.
//!
//! Assumes a running local cloud and its variables in the environment (`make local`, then `. .local/env`). Without
//! them every test fails and says so: none is skipped.

mod control;
mod http;
mod metrics;
mod rules;
mod states;

pub use control::Control;
pub use rules::{Rules, Silenced};

use std::time::Duration;

use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use windlass_aws::Aws;
use windlass_calls::s3::{Condition, GetObject, Object, PutObject};
use windlass_engine::{Phase, Port, Status, status_key_of};

/// How often a status is read.
const GLANCE: Duration = Duration::from_millis(200);
/// How long any stack may take on the local cloud: several times what one takes.
const PATIENCE: u32 = 90 * 5;

/// The local cloud.
pub struct Cloud {
    /// AWS through the adapter.
    pub aws: Aws,
    /// Emulator controls.
    pub control: Control,
    /// Event rules.
    pub rules: Rules,
    s3: S3,
    sqs: Sqs,
    spec_bucket: String,
    state_bucket: String,
    queue: String,
    archive_queue: String,
}

/// A variable of `.local/env`.
///
/// # Panics
/// It is not set.
#[must_use]
pub fn variable(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' one way to find the local cloud"
    )]
    let value = std::env::var(name);
    #[expect(
        clippy::panic,
        reason = "a test without its cloud must fail, and say what to do"
    )]
    value.unwrap_or_else(|_| panic!("{name} is not set: run `make local`, then `. .local/env`"))
}

impl Cloud {
    /// Connects to the local cloud of the environment.
    pub async fn connect() -> Self {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        Self {
            aws: Aws::from_environment().await,
            control: Control::new(&variable("MOTO_URL")),
            rules: Rules::new(&variable("MINISTACK_URL"), &variable("ARCHIVE_QUEUE_URL")),
            s3: S3::new(&config),
            sqs: Sqs::new(&config),
            spec_bucket: variable("SPEC_BUCKET"),
            state_bucket: variable("STATE_BUCKET"),
            queue: variable("PROVISION_QUEUE_URL"),
            archive_queue: variable("ARCHIVE_QUEUE_URL"),
        }
    }

    /// Uploads a spec; answers its version.
    ///
    /// # Panics
    /// The bucket refused it.
    pub async fn upload(&self, key: &str, body: impl Into<Vec<u8>>) -> String {
        let put = PutObject {
            bucket: self.spec_bucket.clone(),
            key: key.into(),
            body: body.into(),
            content_type: "application/yaml".into(),
            metadata: windlass_calls::Tags::new(),
            condition: Condition::Always,
        };
        let written = self.aws.call(put).await;
        #[expect(clippy::expect_used, reason = "a test's set-up")]
        written.expect("the spec bucket takes specs").version
    }

    /// Deletes a spec, as a person would.
    ///
    /// # Panics
    /// The bucket refused.
    pub async fn delete(&self, key: &str) {
        let deleted = self
            .s3
            .delete_object()
            .bucket(&self.spec_bucket)
            .key(key)
            .send()
            .await;
        #[expect(clippy::expect_used, reason = "a test's set-up")]
        deleted.expect("the spec bucket lets specs be deleted");
    }

    /// The status that answers to a spec key, if there is one.
    pub async fn status(&self, key: &str) -> Option<Status> {
        let get = GetObject {
            bucket: self.state_bucket.clone(),
            key: status_key_of(key),
            limit: 1 << 20,
        };
        match self.aws.call(get).await.ok()? {
            Object::Found { body, .. } => serde_json::from_slice(&body).ok(),
            Object::TooLarge { .. } | Object::Deleted { .. } => None,
        }
    }

    /// Waits until the status of a spec key is as wanted, and answers it.
    ///
    /// # Panics
    /// It never was; says what it was instead.
    pub async fn wait_for(&self, key: &str, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut last = None;
        for _ in 0..PATIENCE {
            last = self.status(key).await;
            if let Some(status) = last.take_if(|status| wanted(status)) {
                return status;
            }
            glance().await;
        }
        #[expect(clippy::panic, reason = "the test failed")]
        {
            panic!("{key} never was {what}; its status: {last:#?}")
        }
    }

    /// Waits for a phase of this version of the spec.
    pub async fn wait_for_phase(&self, key: &str, version: &str, phase: Phase) -> Status {
        let what = format!("{phase:?} at version {version}");
        self.wait_for(key, &what, |status| {
            status.phase == phase && status.spec_version == version
        })
        .await
    }

    /// Asks for a look at a stack, as the archive's sweep does.
    ///
    /// # Panics
    /// The queue refused it.
    pub async fn look(&self, stack: &str) {
        let (environment, name) = stack.split_once('/').unwrap_or_default();
        let body =
            serde_json::json!({"wake": {"stack": {"environment": environment, "name": name}, "token": null}});
        let sent = self
            .sqs
            .send_message()
            .queue_url(&self.queue)
            .message_body(body.to_string())
            .send()
            .await;
        #[expect(clippy::expect_used, reason = "a test without its queue must fail")]
        sent.expect("the queue takes messages");
    }

    /// Waits until the pipeline's queue holds nothing, in flight or delayed.
    pub async fn wait_for_empty_queue(&self) {
        self.wait_until_empty(&self.queue).await;
    }

    /// Waits until a queue holds nothing, in flight or delayed.
    ///
    /// # Panics
    /// It never was empty.
    async fn wait_until_empty(&self, queue: &str) {
        let mut left = String::new();
        for _ in 0..PATIENCE {
            left = self.messages(queue).await;
            if left == "0 0 0" {
                return;
            }
            glance().await;
        }
        #[expect(clippy::panic, reason = "the test failed")]
        {
            panic!("{queue} never was empty: {left} (visible, in flight, delayed)")
        }
    }

    async fn messages(&self, queue: &str) -> String {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let get = self
            .sqs
            .get_queue_attributes()
            .queue_url(queue)
            .set_attribute_names(Some(names.to_vec()));
        let attributes = get
            .send()
            .await
            .ok()
            .and_then(|answer| answer.attributes)
            .unwrap_or_default();
        let counts = names
            .iter()
            .map(|name| attributes.get(name).map_or("?", String::as_str));
        counts.collect::<Vec<_>>().join(" ")
    }
}

/// A part of a stack's name that no earlier run on the same local cloud used: stacks stay until the cloud is stopped.
#[must_use]
pub fn run() -> String {
    format!("r{:x}", now().as_millisecond())
}

/// The time this many minutes ago.
#[must_use]
pub fn minutes_ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn now() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "names of stacks must differ between runs"
    )]
    Timestamp::now()
}

/// Lets a little real time pass: the pipeline under test runs in processes of its own.
pub async fn glance() {
    #[expect(clippy::disallowed_methods, reason = "a person who follows a stack waits too")]
    tokio::time::sleep(GLANCE).await;
}

/// Sum of the calls whose action matches.
#[must_use]
pub fn count(calls: &Value, matches: impl Fn(&str) -> bool) -> u64 {
    let counts = calls.as_object().into_iter().flatten();
    counts
        .filter(|(action, _)| matches(action))
        .filter_map(|(_, count)| count.as_u64())
        .sum()
}

/// Whether an action only reads.
#[must_use]
pub fn is_read(action: &str) -> bool {
    let operation = action.rsplit([':', '.']).next().unwrap_or(action);
    ["Describe", "Get", "List"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}

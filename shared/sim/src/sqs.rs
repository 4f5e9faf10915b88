//! Amazon SQS: standard queues with delays and a visibility timeout. Messages are delivered oldest first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use windlass_calls::sqs::{Request, Response, SendMessage};

use crate::refusal::{Answer, refused};
use crate::shared::Shared;
use crate::time::seconds_after;
use crate::world::{World, dispatch};

/// Longest delay of a message, in seconds (rule 22).
const LONGEST_DELAY: u16 = 900;

/// Queues by URL, and those that events go to, by the source of the events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sqs(
    Shared<BTreeMap<String, Queue>>,
    Shared<BTreeMap<&'static str, String>>,
);

/// The service that tells of alarms.
const ALARMS: &str = "aws.cloudwatch";
/// The services that tell of instances.
const INSTANCES: [&str; 2] = ["aws.autoscaling", "aws.ec2"];

#[derive(Debug, Clone)]
struct Queue {
    visibility_timeout: u32,
    messages: Vec<Message>,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, also its receipt.
    pub id: String,
    /// Body.
    pub body: String,
    /// When a receive may return it: after its delay, and again after the visibility timeout.
    pub visible_at: Timestamp,
    /// How many times it was received.
    pub receive_count: u32,
}

impl World {
    pub(crate) fn sqs(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request; SendMessage => send_message)
    }

    fn send_message(&mut self, call: &SendMessage) -> Answer<()> {
        if call.delay > LONGEST_DELAY {
            let message = format!(
                "Value {} for parameter DelaySeconds is invalid. Reason: at most 900.",
                call.delay
            );
            return Err(refused("InvalidParameterValue", message));
        }
        let visible_at = seconds_after(self.clock, u32::from(call.delay));
        let id = self.next_id("message");
        let queue = self.sqs.0.get_mut(&call.queue).ok_or_else(|| {
            refused(
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.",
            )
        })?;
        queue.messages.push(Message {
            id,
            body: call.body.clone(),
            visible_at,
            receive_count: 0,
        });
        Ok(())
    }

    /// Puts what happens to instances by themselves on a queue, as a rule of EventBridge does.
    pub fn route_instance_events(&mut self, url: &str) {
        let routes = INSTANCES.map(|source| (source, url.to_owned()));
        self.sqs.1.extend(routes);
    }

    /// Puts changes of alarms on a queue, as a rule of EventBridge does.
    pub fn route_alarm_events(&mut self, url: &str) {
        self.sqs.1.insert(ALARMS, url.to_owned());
    }

    /// Has all events about instances be lost from now on, as EventBridge may (rule 9).
    pub fn lose_instance_events(&mut self) {
        self.sqs.1.retain(|source, _| !INSTANCES.contains(source));
    }

    /// An event of AWS's own, in the form in which EventBridge delivers it.
    pub(crate) fn emit(
        &mut self,
        source: &str,
        kind: &str,
        resource: &str,
        at: Timestamp,
        detail: &serde_json::Value,
    ) {
        let Some(url) = self.sqs.1.get(source).cloned() else {
            return;
        };
        let id = self.next_id("message");
        let body = json!({
            "version": "0",
            "id": self.next_id("event"),
            "detail-type": kind,
            "source": source,
            "account": self.config.account,
            "time": at.round(jiff::Unit::Second).unwrap_or(at).to_string(),
            "region": self.config.region,
            "resources": [resource],
            "detail": detail,
        });
        if let Some(queue) = self.sqs.0.get_mut(&url) {
            queue.messages.push(Message {
                id,
                body: body.to_string(),
                visible_at: at,
                receive_count: 0,
            });
        }
    }

    /// Makes a queue with this visibility timeout in seconds. Nothing happens if it exists.
    pub fn create_queue(&mut self, url: &str, visibility_timeout: u32) {
        self.sqs.0.entry(url.to_owned()).or_insert(Queue {
            visibility_timeout,
            messages: Vec::new(),
        });
    }

    /// Receives the visible message that has waited longest, and hides it for the visibility timeout.
    pub fn receive(&mut self, now: Timestamp, url: &str) -> Option<Message> {
        self.settle(now);
        let queue = self.sqs.0.get_mut(url)?;
        let visible = queue
            .messages
            .iter_mut()
            .filter(|message| message.visible_at <= now);
        let message = visible.min_by_key(|message| message.visible_at)?;
        message.visible_at = seconds_after(now, queue.visibility_timeout);
        message.receive_count += 1;
        Some(message.clone())
    }

    /// Acknowledges a message; `false` if it is gone already.
    pub fn delete_message(&mut self, url: &str, id: &str) -> bool {
        let Some(queue) = self.sqs.0.get_mut(url) else {
            return false;
        };
        let before = queue.messages.len();
        queue.messages.retain(|message| message.id != id);
        queue.messages.len() < before
    }

    /// All messages of a queue, in the order they were sent, delayed and hidden ones included.
    #[must_use]
    pub fn messages(&self, url: &str) -> &[Message] {
        self.sqs.0.get(url).map_or(&[], |queue| &queue.messages)
    }

    /// When the next message of a queue becomes visible, which may be in the past.
    #[must_use]
    pub fn next_visible(&self, url: &str) -> Option<Timestamp> {
        self.messages(url).iter().map(|message| message.visible_at).min()
    }
}

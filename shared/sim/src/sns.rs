//! Amazon SNS: topics, who subscribes to them, and what was published. Messages are kept, and not delivered.
//!
//! Addresses outside of AWS must confirm: until then a subscription has no ARN, subscribing again sends the confirmation
//! again, and after two days without an answer it vanishes (rule 66).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::sns::{
    CreateTopic, DeleteTopic, ListSubscriptionsByTopic, ListTagsForResource, Publish, Request, Response,
    Subscribe, Subscription, TopicArn, Unsubscribe,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::shelf::Shelf;
use crate::time::after;
use crate::world::{World, dispatch};

/// How long a subscription waits for its confirmation.
const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_hours(48);
/// What stands in place of the ARN until then.
const PENDING: &str = "PendingConfirmation";
/// Most characters of a subject.
const SUBJECT: usize = 100;

/// Topics by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sns {
    pub(crate) topics: Shelf<Topic>,
    published: Shared<Vec<Publish>>,
}

/// A topic.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) arn: String,
    pub(crate) tags: Tags,
    /// By address and protocol.
    subscribers: BTreeMap<(String, String), Subscriber>,
}

/// An address that was subscribed.
#[derive(Debug, Clone)]
struct Subscriber {
    /// Once it has confirmed.
    arn: Option<String>,
    /// When it was last asked to confirm.
    asked: Timestamp,
    /// How often it was asked.
    times: u32,
    /// Somebody took it off the list.
    removed: bool,
}

impl Subscriber {
    /// Whether it is on the list: confirmed, or still waited for.
    fn listed(&self, now: Timestamp) -> bool {
        let waited_for = now < after(self.asked, CONFIRMED_WITHIN);
        !self.removed && (self.arn.is_some() || waited_for)
    }

    /// Takes it off the list.
    fn remove(&mut self) {
        self.arn = None;
        self.removed = true;
    }

    fn at(&self, (endpoint, protocol): &(String, String)) -> Subscription {
        Subscription {
            arn: self.arn.clone().unwrap_or_else(|| PENDING.into()),
            protocol: protocol.clone(),
            endpoint: endpoint.clone(),
        }
    }
}

impl World {
    pub(crate) fn sns(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            ListTagsForResource => list_topic_tags,
            ListSubscriptionsByTopic => list_subscriptions,
            CreateTopic => create_topic,
            Subscribe => subscribe,
            Publish => publish,
            Unsubscribe => end_subscription,
            DeleteTopic => delete_topic,
        )
    }

    fn list_topic_tags(&mut self, call: &ListTagsForResource) -> Answer<Tags> {
        let topic = self.sns.topics.seen(&call.topic, self.clock);
        let tags = topic.map(|topic| topic.tags.clone());
        tags.ok_or_else(|| refused("ResourceNotFound", "Resource does not exist").status(404))
    }

    fn list_subscriptions(&mut self, call: &ListSubscriptionsByTopic) -> Answer<Vec<Subscription>> {
        let topic = self.sns.topics.seen(&call.topic, self.clock);
        let subscribers = &topic.ok_or_else(no_topic)?.subscribers;
        let listed = subscribers.iter().filter(|(_, one)| one.listed(self.clock));
        Ok(listed.map(|(address, one)| one.at(address)).collect())
    }

    /// Repeated, it answers the first one, if that has the tags that are asked for.
    fn create_topic(&mut self, call: &CreateTopic) -> Answer<TopicArn> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=256).contains(&call.name.len()) || !call.name.chars().all(plain) {
            return Err(invalid("Topic Name"));
        }
        let arn = self.arn("sns", &call.name);
        if let Some(first) = self.sns.topics.get(&arn) {
            let has = |(key, value): (&String, &String)| first.tags.get(key) == Some(value);
            if call.tags.iter().all(has) {
                return Ok(TopicArn(arn));
            }
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        let topic = Topic {
            arn: arn.clone(),
            tags: call.tags.clone(),
            subscribers: BTreeMap::new(),
        };
        let visible_from = self.monitoring_visible_from(&arn);
        self.sns.topics.insert(&arn, visible_from, topic);
        Ok(TopicArn(arn))
    }

    fn subscribe(&mut self, call: &Subscribe) -> Answer<Subscription> {
        let now = self.clock;
        let topic = self.sns.topics.seen_mut(&call.topic, now).ok_or_else(no_topic)?;
        check_address(call)?;
        let address = (call.endpoint.clone(), call.protocol.clone());
        let subscriber = topic.subscribers.entry(address.clone()).or_insert(Subscriber {
            arn: None,
            asked: now,
            times: 0,
            removed: false,
        });
        subscriber.removed = false;
        if subscriber.arn.is_none() {
            subscriber.asked = now;
            subscriber.times += 1;
        }
        Ok(subscriber.at(&address))
    }

    fn end_subscription(&mut self, call: &Unsubscribe) -> Answer<()> {
        let arn = &call.subscription;
        let Some((topic, _)) = arn.rsplit_once(':') else {
            return Err(invalid(
                "SubscriptionArn Reason: An ARN must have at least 6 elements",
            ));
        };
        let topic = self.sns.topics.get_mut(topic);
        let subscribers = topic.map(|topic| topic.subscribers.values_mut());
        let mut all = subscribers.into_iter().flatten();
        let found = all.find(|one| one.arn.as_ref() == Some(arn));
        let found = found.ok_or_else(|| refused("NotFound", "Subscription does not exist").status(404))?;
        found.remove();
        Ok(())
    }

    fn publish(&mut self, call: &Publish) -> Answer<()> {
        let subject = call.subject.as_str();
        let printable = subject.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if subject.is_empty() || subject.len() > SUBJECT || !printable {
            return Err(invalid("Subject"));
        }
        if call.message.is_empty() {
            return Err(invalid("Empty message"));
        }
        if self.sns.topics.seen(&call.topic, self.clock).is_none() {
            return Err(no_topic());
        }
        self.sns.published.push(call.clone());
        Ok(())
    }

    /// Every message that was published, in order.
    #[must_use]
    pub fn published(&self) -> &[Publish] {
        &self.sns.published
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn delete_topic(&mut self, call: &DeleteTopic) -> Answer<()> {
        self.sns.topics.remove(&call.topic);
        Ok(())
    }

    /// How many confirmations were sent to an address, over the life of the topic.
    #[must_use]
    pub fn confirmations_sent(&self, topic: &str, endpoint: &str) -> u32 {
        let subscribers = self.sns.topics.get(topic).map(|topic| topic.subscribers.iter());
        let of_endpoint = subscribers.into_iter().flatten();
        of_endpoint
            .filter(|((address, _), _)| address == endpoint)
            .map(|(_, subscriber)| subscriber.times)
            .sum()
    }

    /// Confirms the subscription of an address, as its owner does; `false` if none waits for it.
    pub fn confirm_subscription(&mut self, topic: &str, endpoint: &str) -> bool {
        let number = self.next_number("subscription");
        let arn = format!("{topic}:{number:08x}");
        self.change_subscriber(topic, endpoint, |subscriber| {
            let waits = subscriber.arn.is_none();
            if waits {
                subscriber.arn = Some(arn.clone());
            }
            waits
        })
    }

    /// Takes an address off the list, as its owner does with a link in every mail; `false` if it is not on it.
    pub fn unsubscribe(&mut self, topic: &str, endpoint: &str) -> bool {
        self.change_subscriber(topic, endpoint, |subscriber| {
            subscriber.remove();
            true
        })
    }

    fn change_subscriber(
        &mut self,
        topic: &str,
        endpoint: &str,
        change: impl Fn(&mut Subscriber) -> bool,
    ) -> bool {
        let now = self.clock;
        let Some(topic) = self.sns.topics.get_mut(topic) else {
            return false;
        };
        let mut listed = topic
            .subscribers
            .iter_mut()
            .filter(|((address, _), subscriber)| address == endpoint && subscriber.listed(now));
        listed.any(|(_, subscriber)| change(subscriber))
    }
}

fn check_address(call: &Subscribe) -> Answer<()> {
    let endpoint = &call.endpoint;
    match call.protocol.as_str() {
        "email" => match endpoint.split_once('@') {
            Some((name, host)) if !name.is_empty() && host.contains('.') => Ok(()),
            _ => Err(invalid("Email address")),
        },
        "https" if endpoint.starts_with("https://") => Ok(()),
        "https" => Err(invalid("Endpoint must match the specified protocol")),
        other => Err(invalid(&format!(
            "Does not support this protocol string: {other}"
        ))),
    }
}

fn invalid(what: &str) -> Refusal {
    refused("InvalidParameter", format!("Invalid parameter: {what}"))
}

fn no_topic() -> Refusal {
    refused("NotFound", "Topic does not exist").status(404)
}

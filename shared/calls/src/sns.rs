//! Amazon SNS: the topic that people hear of trouble by.

use crate::Tags;

calls! { "sns", Sns;
    /// Tags of a topic; `ResourceNotFound` without one.
    ListTagsForResource { /// Topic ARN.
        topic: String } => Tags, Read;
    /// Subscriptions of a topic, unconfirmed ones included; `NotFound` without the topic.
    ListSubscriptionsByTopic { /// Topic ARN.
        topic: String } => Vec<Subscription>, Read;

    /// A topic. Repeated with the same tags it answers the first one (rule 36).
    CreateTopic { /// Name.
        name: String, /// Tags, set by the same call.
        tags: Tags } => TopicArn, Idempotent;
    /// Subscribes an address. Repeated for one that has not confirmed, it sends the confirmation again (rule 66).
    Subscribe { /// Topic ARN.
        topic: String, /// `email` or `https`.
        protocol: String, /// The address.
        endpoint: String } => Subscription, Idempotent;

    /// Sends a message to every confirmed subscription. Sent again, it arrives again.
    Publish { /// Topic ARN.
        topic: String, /// Subject of mails: at most 100 printable ASCII characters.
        subject: String, /// Text, at most 256 KiB.
        message: String } => done, Once;

    /// Ends a confirmed subscription; unconfirmed ones have no ARN, and end by themselves.
    Unsubscribe { /// Subscription ARN.
        subscription: String } => done, Delete;
    /// Deletes a topic with its subscriptions; repeated it succeeds.
    DeleteTopic { /// Topic ARN.
        topic: String } => done, Delete;
}

/// A topic's ARN, which carries its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(pub String);

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// ARN, or `PendingConfirmation`.
    pub arn: String,
    /// `email` or `https`.
    pub protocol: String,
    /// The address.
    pub endpoint: String,
}

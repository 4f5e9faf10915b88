//! Amazon SNS.

use aws_sdk_sns::Client;
use aws_sdk_sns::types as sdk;
use windlass_calls::sns::{
    CreateTopic, DeleteTopic, ListSubscriptionsByTopic, ListTagsForResource, Publish, Request, Response,
    Subscribe, Subscription, TopicArn, Unsubscribe,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field};
use crate::fault::Fault;

/// What a list shows in place of the ARN of a subscription that nobody has confirmed.
const PENDING: &str = "PendingConfirmation";

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, sns;
        ListTagsForResource => list_tags,
        ListSubscriptionsByTopic => list_subscriptions,
        CreateTopic => create_topic,
        Subscribe => subscribe,
        Publish => publish,
        Unsubscribe => unsubscribe,
        DeleteTopic => delete_topic,
    )
}

async fn list_tags(client: &Client, call: ListTagsForResource) -> Result<Tags, Fault> {
    let request = client.list_tags_for_resource().resource_arn(call.topic);
    let tags = request.send().await?.tags.unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

async fn list_subscriptions(
    client: &Client,
    call: ListSubscriptionsByTopic,
) -> Result<Vec<Subscription>, Fault> {
    let request = client.list_subscriptions_by_topic().topic_arn(call.topic);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(subscription).collect()
}

async fn create_topic(client: &Client, call: CreateTopic) -> Result<TopicArn, Fault> {
    let answer = client
        .create_topic()
        .name(call.name)
        .set_tags(to_sdk(call.tags)?)
        .send()
        .await?;
    Ok(TopicArn(field(answer.topic_arn, "TopicArn")?))
}

async fn subscribe(client: &Client, call: Subscribe) -> Result<Subscription, Fault> {
    let answer = client
        .subscribe()
        .topic_arn(call.topic)
        .protocol(&call.protocol)
        .endpoint(&call.endpoint)
        .send()
        .await?;
    Ok(Subscription {
        arn: confirmed(field(answer.subscription_arn, "SubscriptionArn")?),
        protocol: call.protocol,
        endpoint: call.endpoint,
    })
}

async fn publish(client: &Client, call: Publish) -> Result<(), Fault> {
    let request = client.publish().topic_arn(call.topic);
    request.subject(call.subject).message(call.message).send().await?;
    Ok(())
}

async fn unsubscribe(client: &Client, call: Unsubscribe) -> Result<(), Fault> {
    let request = client.unsubscribe();
    request.subscription_arn(call.subscription).send().await?;
    Ok(())
}

async fn delete_topic(client: &Client, call: DeleteTopic) -> Result<(), Fault> {
    client.delete_topic().topic_arn(call.topic).send().await?;
    Ok(())
}

/// `Subscribe` spells an unconfirmed subscription in another way than the list does.
fn confirmed(arn: String) -> String {
    if arn == "pending confirmation" {
        PENDING.to_owned()
    } else {
        arn
    }
}

fn subscription(found: sdk::Subscription) -> Result<Subscription, Fault> {
    Ok(Subscription {
        arn: confirmed(field(found.subscription_arn, "SubscriptionArn")?),
        protocol: field(found.protocol, "Protocol")?,
        endpoint: field(found.endpoint, "Endpoint")?,
    })
}

/// Tags of a create call; none at all rather than an empty list.
fn to_sdk(tags: Tags) -> Result<Option<Vec<sdk::Tag>>, Fault> {
    let tag = |(key, value)| Ok(sdk::Tag::builder().key(key).value(value).build()?);
    let tags = tags.into_iter().map(tag).collect::<Result<Vec<_>, Fault>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_subscription_reads_the_same_from_its_create_call_and_from_the_list() {
        let listed = sdk::Subscription::builder()
            .subscription_arn("PendingConfirmation")
            .protocol("email")
            .endpoint("ops@example.com");
        let listed = subscription(listed.build()).ok().map(|found| found.arn);
        assert_eq!(listed, Some(confirmed("pending confirmation".to_owned())));
        assert_eq!(confirmed("arn:aws:sns:x".to_owned()), "arn:aws:sns:x");
    }
}

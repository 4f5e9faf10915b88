//! Topics and who subscribes to them (rules 36 and 66).

use windlass_calls::Class;
use windlass_calls::sns::{
    CreateTopic, DeleteTopic, ListSubscriptionsByTopic, ListTagsForResource, Publish, Subscribe,
    Subscription, Unsubscribe,
};
use windlass_engine::Port;

use super::ground::NO_TOPIC;
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

const ADDRESS: &str = "ops@example.com";
const PENDING: &str = "PendingConfirmation";

pub(super) async fn a_new_topic_carries_its_name_in_its_arn_and_shows_its_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let topic = made(place, "topic").await?;
    let end = format!(":{}", place.name("topic"));
    holds("ARN", topic.ends_with(&end), &topic)?;
    same(
        "tags",
        place.call(ListTagsForResource { topic }).await?,
        place.tags("topic"),
    )
}

pub(super) async fn a_repeated_topic_answers_the_first<P: Port>(place: &Place<P>) -> Check {
    let first = made(place, "topic-twice").await?;
    same("ARN", made(place, "topic-twice").await?, first)
}

pub(super) async fn a_topic_with_other_tags_is_refused<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "topic-tags").await?;
    let other = CreateTopic {
        tags: place.tags("topic-other-tags"),
        ..request(place, "topic-tags")
    };
    place.refuses(other, Class::Terminal, "InvalidParameter").await?;
    same(
        "tags",
        place.call(ListTagsForResource { topic }).await?,
        place.tags("topic-tags"),
    )
}

pub(super) async fn a_topic_name_with_a_slash_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = request(place, "topic/slash");
    place.refuses(call, Class::Terminal, "InvalidParameter").await
}

pub(super) async fn a_new_subscription_waits_for_its_confirmation<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "sub").await?;
    let answer = place.call(subscribe(&topic, ADDRESS)).await?;
    same("answer", answer, pending())?;
    same(
        "subscription",
        only("subscriptions", listed(place, &topic).await?)?,
        pending(),
    )
}

/// Rule 66: it sends another confirmation, and is still one subscription.
pub(super) async fn a_repeated_subscription_is_listed_once<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "sub-twice").await?;
    for _ in 0..2 {
        same("answer", place.call(subscribe(&topic, ADDRESS)).await?, pending())?;
    }
    only("subscriptions", listed(place, &topic).await?).map(drop)
}

pub(super) async fn a_subscription_to_a_missing_topic_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = subscribe(NO_TOPIC, ADDRESS);
    place.refuses(call, Class::Gone, "NotFound").await
}

pub(super) async fn an_address_that_is_none_is_refused<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "sub-address").await?;
    let call = subscribe(&topic, "ops");
    place.refuses(call, Class::Terminal, "InvalidParameter").await
}

pub(super) async fn a_message_to_a_topic_is_taken<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "pub").await?;
    place.call(message(&topic)).await
}

pub(super) async fn a_repeated_message_to_a_topic_is_taken_again<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "pub-twice").await?;
    place.call(message(&topic)).await?;
    place.call(message(&topic)).await
}

pub(super) async fn a_message_to_a_missing_topic_is_refused<P: Port>(place: &Place<P>) -> Check {
    place.refuses(message(NO_TOPIC), Class::Gone, "NotFound").await
}

pub(super) async fn a_subject_of_two_lines_is_refused<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "pub-subject").await?;
    let call = Publish {
        subject: "two\nlines".into(),
        ..message(&topic)
    };
    place.refuses(call, Class::Terminal, "InvalidParameter").await
}

fn message(topic: &str) -> Publish {
    Publish {
        topic: topic.into(),
        subject: "Conformance".into(),
        message: "Nothing happened.".into(),
    }
}

pub(super) async fn a_topic_without_subscriptions_has_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "sub-none").await?;
    same("subscriptions", listed(place, &topic).await?, Vec::new())
}

pub(super) async fn a_subscription_that_is_ended_is_not_listed<P: Port>(place: &Place<P>) -> Check {
    let (topic, subscription) = confirmed(place, "sub-gone").await?;
    place.call(Unsubscribe { subscription }).await?;
    same("subscriptions", listed(place, &topic).await?, Vec::new())
}

pub(super) async fn a_subscription_ended_twice_is_not_listed<P: Port>(place: &Place<P>) -> Check {
    let (topic, subscription) = confirmed(place, "sub-gone-twice").await?;
    let call = Unsubscribe { subscription };
    place.call(call.clone()).await?;
    place.changes_nothing(call).await?;
    same("subscriptions", listed(place, &topic).await?, Vec::new())
}

/// Rule 66: until it is confirmed it has no ARN.
pub(super) async fn a_subscription_that_nobody_confirmed_cannot_be_ended<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "sub-stays").await?;
    place.call(subscribe(&topic, ADDRESS)).await?;
    let subscription = PENDING.into();
    let call = Unsubscribe { subscription };
    place.refuses(call, Class::Terminal, "InvalidParameter").await?;
    same(
        "subscription",
        only("subscriptions", listed(place, &topic).await?)?,
        pending(),
    )
}

pub(super) async fn a_deleted_topic_is_gone_with_its_subscriptions<P: Port>(place: &Place<P>) -> Check {
    let (topic, _) = confirmed(place, "topic-gone").await?;
    deleted(place, topic, 1).await?;
    let topic = made(place, "topic-gone").await?;
    same("subscriptions", listed(place, &topic).await?, Vec::new())
}

pub(super) async fn a_topic_deleted_twice_is_no_error<P: Port>(place: &Place<P>) -> Check {
    let topic = made(place, "topic-gone-twice").await?;
    deleted(place, topic, 2).await
}

pub(super) async fn a_topic_that_never_was_is_deleted_without_an_error<P: Port>(place: &Place<P>) -> Check {
    deleted(place, NO_TOPIC.into(), 1).await
}

async fn deleted<P: Port>(place: &Place<P>, topic: String, times: usize) -> Check {
    for _ in 0..times {
        let topic = topic.clone();
        place.call(DeleteTopic { topic }).await?;
    }
    let list = ListSubscriptionsByTopic { topic };
    place.refuses(list, Class::Gone, "NotFound").await
}

/// A topic, and the ARN of its subscription once it is confirmed.
async fn confirmed<P: Port>(place: &Place<P>, case: &str) -> Result<(String, String), Mismatch> {
    let topic = made(place, case).await?;
    place.call(subscribe(&topic, ADDRESS)).await?;
    place.control.confirm(&topic, ADDRESS)?;
    let shown = only("subscriptions", listed(place, &topic).await?)?;
    holds("ARN", shown.arn.starts_with(&format!("{topic}:")), &shown.arn)?;
    Ok((topic, shown.arn))
}

async fn made<P: Port>(place: &Place<P>, case: &str) -> Result<String, Mismatch> {
    Ok(place.call(request(place, case)).await?.0)
}

async fn listed<P: Port>(place: &Place<P>, topic: &str) -> Result<Vec<Subscription>, Mismatch> {
    let topic = topic.into();
    place.call(ListSubscriptionsByTopic { topic }).await
}

fn request<P: Port>(place: &Place<P>, case: &str) -> CreateTopic {
    CreateTopic {
        name: place.name(case),
        tags: place.tags(case),
    }
}

fn subscribe(topic: &str, address: &str) -> Subscribe {
    Subscribe {
        topic: topic.into(),
        protocol: "email".into(),
        endpoint: address.into(),
    }
}

fn pending() -> Subscription {
    Subscription {
        arn: PENDING.into(),
        protocol: "email".into(),
        endpoint: ADDRESS.into(),
    }
}

use rstest::rstest;
use windlass_calls::sns::{
    CreateTopic, DeleteTopic, ListSubscriptionsByTopic, ListTagsForResource, Publish, Subscribe,
    Subscription, Unsubscribe,
};
use windlass_calls::{Class, Tags};
use windlass_sim::{Lag, WorldConfig};

use crate::account::{Account, tags};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:web";
const OPS: &str = "ops@example.com";
const PENDING: &str = "PendingConfirmation";
const TWO_DAYS: i64 = 48 * 3600;

fn topic(tags: Tags) -> CreateTopic {
    CreateTopic {
        name: "web".into(),
        tags,
    }
}

fn subscribe(protocol: &str, endpoint: &str) -> Subscribe {
    Subscribe {
        topic: TOPIC.into(),
        protocol: protocol.into(),
        endpoint: endpoint.into(),
    }
}

/// An account with the topic in it.
fn account() -> Account {
    let mut account = Account::new();
    account.call(topic(tags("topic")));
    account
}

fn subscriptions(account: &mut Account) -> Vec<Subscription> {
    account.call(ListSubscriptionsByTopic { topic: TOPIC.into() })
}

fn pending(protocol: &str, endpoint: &str) -> Subscription {
    Subscription {
        arn: PENDING.into(),
        protocol: protocol.into(),
        endpoint: endpoint.into(),
    }
}

#[test]
fn a_topic_carries_its_name_in_its_arn_and_shows_its_tags() {
    let mut account = Account::new();
    assert_eq!(account.call(topic(tags("topic"))).0, TOPIC);
    let shown = account.call(ListTagsForResource { topic: TOPIC.into() });
    assert_eq!(shown, tags("topic"));
}

fn message(subject: &str) -> Publish {
    Publish {
        topic: TOPIC.into(),
        subject: subject.into(),
        message: "What happened.".into(),
    }
}

#[test]
fn what_is_published_is_kept_in_order_and_twice_if_it_was_sent_twice() {
    let mut account = account();
    for subject in ["one", "two", "two"] {
        account.call(message(subject));
    }
    let published = ["one", "two", "two"].map(message);
    assert_eq!(account.world.published(), published);
}

#[rstest]
#[case::no_subject("")]
#[case::two_lines("one\ntwo")]
#[case::not_ascii("Überraschung")]
#[case::too_long(&"x".repeat(101))]
fn a_subject_that_a_mail_could_not_have_is_refused(#[case] subject: &str) {
    let mut account = account();
    let refused = ("InvalidParameter".into(), Class::Terminal);
    assert_eq!(account.code(message(subject)), refused);
    assert!(account.world.published().is_empty());
    account.call(message(&"x".repeat(100)));
}

#[test]
fn a_message_to_a_missing_topic_or_without_words_is_refused() {
    let mut account = account();
    let empty = Publish {
        message: String::new(),
        ..message("one")
    };
    assert_eq!(account.code(empty).0, "InvalidParameter");
    account.call(DeleteTopic { topic: TOPIC.into() });
    assert_eq!(account.code(message("one")), ("NotFound".into(), Class::Gone));
}

#[test]
fn a_topic_can_be_created_again_with_tags_that_it_has_only() {
    let mut account = account();
    assert_eq!(account.call(topic(tags("topic"))).0, TOPIC);
    assert_eq!(account.call(topic(Tags::new())).0, TOPIC);
    let error = account.refusal(topic(tags("other")));
    assert_eq!(
        (error.code.as_str(), error.class),
        ("InvalidParameter", Class::Terminal)
    );
    assert_eq!(
        error.message,
        "Invalid parameter: Tags Reason: Topic already exists with different tags"
    );
    assert_eq!(
        account.call(ListTagsForResource { topic: TOPIC.into() }),
        tags("topic")
    );
}

#[test]
fn a_topic_with_a_bad_name_is_refused() {
    for name in ["", "dev/web", &"a".repeat(257)] {
        let call = CreateTopic {
            name: name.into(),
            tags: Tags::new(),
        };
        assert_eq!(Account::new().code(call).0, "InvalidParameter");
    }
}

#[test]
fn what_needs_a_topic_says_that_it_is_gone() {
    let mut account = Account::new();
    let gone = |code: &str| (code.to_owned(), Class::Gone);
    let call = ListTagsForResource { topic: TOPIC.into() };
    assert_eq!(account.code(call), gone("ResourceNotFound"));
    let call = ListSubscriptionsByTopic { topic: TOPIC.into() };
    assert_eq!(account.code(call), gone("NotFound"));
    assert_eq!(account.code(subscribe("email", OPS)), gone("NotFound"));
}

#[rstest]
#[case::mail("email", OPS)]
#[case::web("https", "https://example.com/hook")]
fn a_subscription_waits_for_its_confirmation(#[case] protocol: &str, #[case] endpoint: &str) {
    let mut account = account();
    let made = account.call(subscribe(protocol, endpoint));
    assert_eq!(made, pending(protocol, endpoint));
    assert_eq!(subscriptions(&mut account), [made]);
    assert_eq!(account.world.confirmations_sent(TOPIC, endpoint), 1);
}

#[test]
fn subscribing_again_sends_the_confirmation_again_until_it_is_confirmed() {
    let mut account = account();
    for sent in 1..=3 {
        assert_eq!(account.call(subscribe("email", OPS)), pending("email", OPS));
        assert_eq!(account.world.confirmations_sent(TOPIC, OPS), sent);
    }
    assert_eq!(subscriptions(&mut account).len(), 1);
    assert!(account.world.confirm_subscription(TOPIC, OPS));
    assert!(!account.world.confirm_subscription(TOPIC, OPS));
    let confirmed = account.call(subscribe("email", OPS));
    assert!(confirmed.arn.starts_with(&format!("{TOPIC}:")), "{confirmed:?}");
    assert_eq!(subscriptions(&mut account), [confirmed]);
    assert_eq!(account.world.confirmations_sent(TOPIC, OPS), 3);
}

#[test]
fn an_unconfirmed_subscription_vanishes_two_days_after_it_was_last_asked_for() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    account.wait(TWO_DAYS - 1);
    account.call(subscribe("email", OPS));
    account.wait(TWO_DAYS - 1);
    assert_eq!(subscriptions(&mut account).len(), 1);
    account.wait(1);
    assert!(subscriptions(&mut account).is_empty());
    assert!(!account.world.confirm_subscription(TOPIC, OPS), "too late");
    account.call(subscribe("email", OPS));
    assert_eq!(account.world.confirmations_sent(TOPIC, OPS), 3);
}

#[test]
fn a_confirmed_subscription_stays_until_its_owner_ends_it() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    account.world.confirm_subscription(TOPIC, OPS);
    account.wait(10 * TWO_DAYS);
    assert_eq!(subscriptions(&mut account).len(), 1);
    assert!(account.world.unsubscribe(TOPIC, OPS));
    assert!(!account.world.unsubscribe(TOPIC, OPS));
    assert!(subscriptions(&mut account).is_empty());
    assert_eq!(account.call(subscribe("email", OPS)), pending("email", OPS));
    assert_eq!(account.world.confirmations_sent(TOPIC, OPS), 2);
}

#[rstest]
#[case::another_protocol("pigeon", OPS)]
#[case::no_address("email", "ops")]
#[case::no_name("email", "@example.com")]
#[case::no_tls("https", "http://example.com")]
fn an_address_that_cannot_be_reached_is_refused(#[case] protocol: &str, #[case] endpoint: &str) {
    assert_eq!(
        account().code(subscribe(protocol, endpoint)),
        ("InvalidParameter".to_owned(), Class::Terminal)
    );
}

#[test]
fn a_deleted_topic_takes_its_subscriptions_with_it() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    assert!(account.world.delete(TOPIC));
    assert!(!account.world.confirm_subscription(TOPIC, OPS));
    account.call(topic(tags("other")));
    assert!(subscriptions(&mut account).is_empty());
}

#[test]
fn a_new_topic_stays_out_of_sight_for_the_lag() {
    let mut account = Account::with(WorldConfig {
        monitoring_lag: Lag::Fixed(30),
        ..WorldConfig::default()
    });
    let call = topic(tags("topic"));
    account.call(call.clone());
    assert_eq!(account.call(call).0, TOPIC, "creates are consistent");
    let read = ListTagsForResource { topic: TOPIC.into() };
    assert_eq!(account.code(read.clone()).0, "ResourceNotFound");
    assert_eq!(account.code(subscribe("email", OPS)).0, "NotFound");
    account.wait(30);
    account.call(read);
    account.call(subscribe("email", OPS));
}

#[test]
fn a_confirmed_subscription_can_be_ended() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    assert!(account.world.confirm_subscription(TOPIC, OPS));
    let end = Unsubscribe {
        subscription: subscriptions(&mut account)[0].arn.clone(),
    };
    account.call(end.clone());
    assert_eq!(subscriptions(&mut account), []);
    assert_eq!(account.code(end), ("NotFound".to_owned(), Class::Gone));
}

#[test]
fn a_subscription_without_an_arn_cannot_be_ended() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    let end = Unsubscribe {
        subscription: PENDING.into(),
    };
    assert_eq!(account.code(end).0, "InvalidParameter");
}

#[test]
fn a_topic_goes_with_its_subscriptions_and_can_be_deleted_twice() {
    let mut account = account();
    account.call(subscribe("email", OPS));
    let delete = DeleteTopic { topic: TOPIC.into() };
    account.call(delete.clone());
    account.call(delete);
    account.call(topic(tags("topic")));
    assert_eq!(subscriptions(&mut account), []);
}

use rstest::rstest;
use windlass_calls::s3::{Condition, GetObject, ListObjectsV2, Object, PutObject};
use windlass_calls::sqs::SendMessage;
use windlass_calls::{Class, Tags};

use crate::account::Account;

const QUEUE: &str = "https://sqs/queue";

fn account() -> Account {
    let mut account = Account::new();
    account.world.create_bucket("state");
    account.world.create_queue(QUEUE, 360);
    account
}

fn get(key: &str, limit: u64) -> GetObject {
    GetObject {
        bucket: "state".into(),
        key: key.into(),
        limit,
    }
}

fn put(key: &str, body: &str, condition: Condition) -> PutObject {
    PutObject {
        bucket: "state".into(),
        key: key.into(),
        body: body.into(),
        content_type: "application/json".into(),
        metadata: Tags::new(),
        condition,
    }
}

fn send(body: &str, delay: u16) -> SendMessage {
    SendMessage {
        queue: QUEUE.into(),
        body: body.into(),
        delay,
    }
}

#[test]
fn what_was_put_is_read_at_once() {
    let mut account = account();
    let put = account.call(put("head", "one", Condition::Always));
    let found = Object::Found {
        body: b"one".to_vec(),
        etag: put.etag,
        version: put.version,
        metadata: Tags::new(),
    };
    assert_eq!(account.call(get("head", 3)), found);
    assert_eq!(account.world.object("state", "head"), Some(&b"one"[..]));
}

#[test]
fn metadata_is_kept_with_the_version_it_came_with() {
    let mut account = account();
    let metadata = Tags::from([("sha256".into(), "abc".into())]);
    let tagged = PutObject {
        metadata: metadata.clone(),
        ..put("state", "one", Condition::Always)
    };
    account.call(tagged);
    let shown = |account: &mut Account| match account.call(get("state", 9)) {
        Object::Found { metadata, .. } => metadata,
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&mut account), metadata);
    account.call(put("state", "two", Condition::Always));
    assert_eq!(shown(&mut account), Tags::new());
}

#[test]
fn an_object_over_the_limit_comes_without_its_body() {
    let mut account = account();
    let version = account.call(put("head", "four", Condition::Always)).version;
    assert_eq!(
        account.call(get("head", 3)),
        Object::TooLarge { size: 4, version }
    );
}

#[test]
fn the_same_content_has_the_same_etag_and_another_version() {
    let mut account = account();
    let one = account.call(put("head", "same", Condition::Always));
    let two = account.call(put("head", "same", Condition::Always));
    assert!(one.etag == two.etag && one.version != two.version);
}

#[rstest]
#[case::missing_key("none", "NoSuchKey")]
fn what_is_missing_is_gone(#[case] key: &str, #[case] code: &str) {
    assert_eq!(account().code(get(key, 1)), (code.to_owned(), Class::Gone));
    let elsewhere = GetObject {
        bucket: "none".into(),
        ..get(key, 1)
    };
    assert_eq!(account().code(elsewhere).0, "NoSuchBucket");
}

#[test]
fn a_deleted_object_leaves_a_marker_and_its_key_is_free_again() {
    let mut account = account();
    let etag = account.call(put("spec", "one", Condition::Absent)).etag;
    account.world.delete_object("state", "spec");
    let Object::Deleted { version: first } = account.call(get("spec", 9)) else {
        panic!("no marker");
    };
    account.world.delete_object("state", "spec");
    let Object::Deleted { version: second } = account.call(get("spec", 9)) else {
        panic!("no marker");
    };
    assert_ne!(first, second, "another deletion, another marker");
    assert_eq!(
        account.code(put("spec", "two", Condition::Matches(etag))).0,
        "NoSuchKey"
    );
    account.call(put("spec", "two", Condition::Absent));
}

#[test]
fn a_conditional_put_loses_against_what_is_there() {
    let mut account = account();
    let lost = ("PreconditionFailed".to_owned(), Class::Conflict);
    let old = account.call(put("head", "one", Condition::Absent)).etag;
    assert_eq!(account.code(put("head", "two", Condition::Absent)), lost);
    let new = account
        .call(put("head", "two", Condition::Matches(old.clone())))
        .etag;
    assert_eq!(account.code(put("head", "three", Condition::Matches(old))), lost);
    account.call(put("head", "three", Condition::Matches(new)));
}

#[test]
fn keys_are_listed_in_order_without_the_deleted_ones() {
    let mut account = account();
    for key in ["states/b", "states/a", "states/c", "stacks/a"] {
        account.world.upload("state", key, b"x");
    }
    account.world.delete_object("state", "states/c");
    let list = ListObjectsV2 {
        bucket: "state".into(),
        prefix: "states/".into(),
    };
    assert_eq!(account.call(list), ["states/a", "states/b"]);
}

#[test]
fn a_delayed_message_is_received_after_its_delay() {
    let mut account = account();
    account.call(send("later", 60));
    account.wait(59);
    assert_eq!(account.world.receive(account.now, QUEUE), None);
    account.wait(1);
    assert_eq!(account.world.next_visible(QUEUE), Some(account.now));
    let message = account.world.receive(account.now, QUEUE).unwrap();
    assert_eq!((message.body.as_str(), message.receive_count), ("later", 1));
}

#[test]
fn a_message_comes_back_after_the_visibility_timeout_until_it_is_deleted() {
    let mut account = account();
    account.call(send("wake", 0));
    account.world.receive(account.now, QUEUE).unwrap();
    account.wait(359);
    assert_eq!(account.world.receive(account.now, QUEUE), None);
    account.wait(1);
    let again = account.world.receive(account.now, QUEUE).unwrap();
    assert_eq!(again.receive_count, 2);
    assert!(account.world.delete_message(QUEUE, &again.id));
    assert!(!account.world.delete_message(QUEUE, &again.id));
    assert!(account.world.messages(QUEUE).is_empty());
}

#[test]
fn messages_come_in_the_order_they_became_visible() {
    let mut account = account();
    account.call(send("second", 20));
    account.call(send("first", 10));
    account.wait(60);
    assert_eq!(account.world.receive(account.now, QUEUE).unwrap().body, "first");
    assert_eq!(account.world.receive(account.now, QUEUE).unwrap().body, "second");
}

#[test]
fn a_delay_over_15_minutes_and_an_unknown_queue_are_refused() {
    let mut account = account();
    assert_eq!(account.code(send("x", 901)).0, "InvalidParameterValue");
    let elsewhere = SendMessage {
        queue: "none".into(),
        ..send("x", 0)
    };
    assert_eq!(
        account.code(elsewhere).0,
        "AWS.SimpleQueueService.NonExistentQueue"
    );
}

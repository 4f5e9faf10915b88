//! Objects and conditional puts (rules 30 and 31). Delete markers cannot be made through the port.

use windlass_calls::s3::{Condition, ETag, GetObject, ListObjectsV2, Object, PutObject};
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use crate::check::{Check, Mismatch, different, same};
use crate::place::Place;

const LIMIT: u64 = 64;

pub(super) async fn a_new_object_reads_back_and_is_listed<P: Port>(place: &Place<P>) -> Check {
    // A key that tells an encoded from a literal one (rule 28).
    let put = place
        .call(put(place, "new/a+b c%20.yaml", "first", Condition::Absent))
        .await?;
    holds_object(place, "new/a+b c%20.yaml", "first", put).await?;
    let list = ListObjectsV2 {
        bucket: place.bucket.clone(),
        prefix: place.key("new/"),
    };
    same(
        "keys",
        place.call(list).await?,
        vec![place.key("new/a+b c%20.yaml")],
    )
}

pub(super) async fn an_object_keeps_its_metadata<P: Port>(place: &Place<P>) -> Check {
    let wanted = Tags::from([("sha256".to_owned(), place.name("hash"))]);
    let call = PutObject {
        metadata: wanted.clone(),
        ..put(place, "metadata", "first", Condition::Always)
    };
    place.call(call).await?;
    match place.call(get(place, "metadata")).await? {
        Object::Found { metadata, .. } => same("metadata", metadata, wanted),
        other => Err(Mismatch::new(format!("expected an object, found {other:?}"))),
    }
}

pub(super) async fn an_object_beyond_the_limit_comes_without_its_body<P: Port>(place: &Place<P>) -> Check {
    let body = "x".repeat(65);
    let put = place.call(put(place, "large", &body, Condition::Always)).await?;
    let version = put.version;
    same(
        "object",
        place.call(get(place, "large")).await?,
        Object::TooLarge { size: 65, version },
    )
}

pub(super) async fn a_put_over_the_version_that_was_read_succeeds<P: Port>(place: &Place<P>) -> Check {
    let first = place.call(put(place, "over", "first", Condition::Always)).await?;
    let condition = Condition::Matches(first.etag.clone());
    let second = place.call(put(place, "over", "second", condition)).await?;
    different("entity tag", &first.etag, &second.etag)?;
    holds_object(place, "over", "second", second).await
}

pub(super) async fn putting_the_same_bytes_again_keeps_the_entity_tag<P: Port>(place: &Place<P>) -> Check {
    let call = put(place, "twice", "same", Condition::Always);
    let first = place.call(call.clone()).await?;
    let second = place.call(call).await?;
    same("entity tag", &second.etag, &first.etag)?;
    different("version", &first.version, &second.version)
}

/// Rule 31: the writer whose answer was lost finds its own bytes.
pub(super) async fn a_repeated_put_if_absent_is_lost_to_the_first<P: Port>(place: &Place<P>) -> Check {
    let call = put(place, "absent-twice", "mine", Condition::Absent);
    let first = place.call(call.clone()).await?;
    place.refuses(call, Class::Conflict, "PreconditionFailed").await?;
    holds_object(place, "absent-twice", "mine", first).await
}

pub(super) async fn a_put_if_absent_over_an_object_is_a_conflict<P: Port>(place: &Place<P>) -> Check {
    let first = place
        .call(put(place, "absent", "theirs", Condition::Always))
        .await?;
    let call = put(place, "absent", "mine", Condition::Absent);
    place.refuses(call, Class::Conflict, "PreconditionFailed").await?;
    holds_object(place, "absent", "theirs", first).await
}

pub(super) async fn a_put_over_a_stale_version_is_a_conflict<P: Port>(place: &Place<P>) -> Check {
    let stale = place
        .call(put(place, "stale", "first", Condition::Always))
        .await?;
    let second = place
        .call(put(place, "stale", "second", Condition::Always))
        .await?;
    let call = put(place, "stale", "mine", Condition::Matches(stale.etag));
    place.refuses(call, Class::Conflict, "PreconditionFailed").await?;
    holds_object(place, "stale", "second", second).await
}

pub(super) async fn a_put_over_a_version_of_nothing_is_refused<P: Port>(place: &Place<P>) -> Check {
    let other = place
        .call(put(place, "something", "first", Condition::Always))
        .await?;
    let call = put(place, "nothing", "mine", Condition::Matches(other.etag));
    place.refuses(call, Class::Gone, "NoSuchKey").await
}

pub(super) async fn a_put_into_a_missing_bucket_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = PutObject {
        bucket: place.name("no-such-bucket"),
        ..put(place, "any", "mine", Condition::Always)
    };
    place.refuses(call, Class::Terminal, "NoSuchBucket").await
}

async fn holds_object<P: Port>(place: &Place<P>, key: &str, body: &str, put: ETag) -> Check {
    let wanted = Object::Found {
        body: body.into(),
        etag: put.etag,
        version: put.version,
        metadata: Tags::new(),
    };
    let found: Result<Object, Mismatch> = place.call(get(place, key)).await;
    same("object", found?, wanted)
}

fn get<P: Port>(place: &Place<P>, key: &str) -> GetObject {
    GetObject {
        bucket: place.bucket.clone(),
        key: place.key(key),
        limit: LIMIT,
    }
}

fn put<P: Port>(place: &Place<P>, key: &str, body: &str, condition: Condition) -> PutObject {
    PutObject {
        bucket: place.bucket.clone(),
        key: place.key(key),
        body: body.into(),
        content_type: "application/yaml".into(),
        metadata: Tags::new(),
        condition,
    }
}

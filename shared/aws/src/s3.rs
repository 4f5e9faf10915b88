//! Amazon S3.
//!
//! Guarantees: an object beyond the limit is never read; a delete marker is told from a key that never existed by
//! S3's own header (rule 56). Assumes bodies small enough for memory: specs, states and answers are.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use windlass_calls::CallError;
use windlass_calls::s3::{Condition, ETag, GetObject, ListObjectsV2, Object, PutObject, Request, Response};

use crate::CALL_TIMEOUT;
use crate::answer::{every, field, number, or_empty};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, s3;
        GetObject => get_object,
        ListObjectsV2 => list_objects,
        PutObject => put_object,
    )
}

async fn get_object(client: &Client, call: GetObject) -> Result<Object, Fault> {
    match client.get_object().bucket(call.bucket).key(call.key).send().await {
        Ok(answer) => object(answer, call.limit).await,
        Err(error) => match delete_marker(&error) {
            Some(version) => Ok(Object::Deleted { version }),
            None => Err(error.into()),
        },
    }
}

/// Version of the delete marker that an answer speaks of, if it does.
fn delete_marker(error: &SdkError<GetObjectError>) -> Option<String> {
    let raw = error.raw_response()?;
    let header = |name| raw.headers().get(name);
    let marked = raw.status().as_u16() == 404 && header("x-amz-delete-marker") == Some("true");
    marked.then(|| or_empty(header("x-amz-version-id")))
}

async fn object(answer: GetObjectOutput, limit: u64) -> Result<Object, Fault> {
    let size = number(answer.content_length, "Content-Length")?;
    let version = or_empty(answer.version_id);
    if size > limit {
        return Ok(Object::TooLarge { size, version });
    }
    Ok(Object::Found {
        body: read(answer.body).await?,
        etag: field(answer.e_tag, "ETag")?,
        version,
        metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
    })
}

/// Reads a body. The SDK's own time-out ends with the headers.
async fn read(body: ByteStream) -> Result<Vec<u8>, Fault> {
    match tokio::time::timeout(CALL_TIMEOUT, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_vec()),
        Ok(Err(error)) => Err(Fault::Unanswered(error.to_string())),
        Err(_) => Err(Fault::Unanswered("the body took too long".to_owned())),
    }
}

async fn list_objects(client: &Client, call: ListObjectsV2) -> Result<Vec<String>, Fault> {
    let request = client.list_objects_v2().bucket(call.bucket).prefix(call.prefix);
    let pages = every(request.into_paginator().send()).await?;
    let objects = pages
        .into_iter()
        .flat_map(|page| page.contents.unwrap_or_default());
    objects.map(|object| field(object.key, "Key")).collect()
}

async fn put_object(client: &Client, call: PutObject) -> Result<ETag, Fault> {
    let put = client
        .put_object()
        .bucket(call.bucket)
        .key(call.key)
        .content_type(call.content_type)
        .body(call.body.into());
    let put = call
        .metadata
        .into_iter()
        .fold(put, |put, (name, value)| put.metadata(name, value));
    let put = match call.condition {
        Condition::Always => put,
        Condition::Absent => put.if_none_match("*"),
        Condition::Matches(etag) => put.if_match(etag),
    };
    let answer = put.send().await?;
    Ok(ETag {
        etag: field(answer.e_tag, "ETag")?,
        version: or_empty(answer.version_id),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::primitives::SdkBody;
    use windlass_calls::Tags;

    use super::*;

    /// The marker that an answer of this status and with these headers speaks of.
    fn deleted(status: u16, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut response = HttpResponse::new(status.try_into().ok()?, SdkBody::empty());
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        let error = SdkError::service_error(GetObjectError::unhandled("no body"), response);
        delete_marker(&error)
    }

    #[test]
    fn only_a_404_with_the_marker_header_is_a_deletion() {
        let marker = |value| ("x-amz-delete-marker", value);
        assert_eq!(deleted(404, &[marker("true")]), Some(String::new()));
        assert_eq!(deleted(404, &[marker("false")]), None);
        assert_eq!(deleted(404, &[]), None);
        assert_eq!(deleted(403, &[marker("true")]), None);
    }

    #[test]
    fn a_deletion_is_told_from_another_by_the_version_of_its_marker() {
        let headers = [("x-amz-delete-marker", "true"), ("x-amz-version-id", "3HL4")];
        assert_eq!(deleted(404, &headers).as_deref(), Some("3HL4"));
    }

    fn answer(size: i64) -> GetObjectOutput {
        GetObjectOutput::builder()
            .content_length(size)
            .e_tag("\"a\"")
            .metadata("windlass-hash", "abc")
            .body(ByteStream::from_static(b"spec"))
            .build()
    }

    #[tokio::test]
    async fn an_object_beyond_the_limit_comes_without_its_body() {
        let found = object(answer(4), 4).await.ok();
        let body = b"spec".to_vec();
        assert_eq!(
            found,
            Some(Object::Found {
                body,
                etag: "\"a\"".into(),
                version: String::new(),
                metadata: Tags::from([("windlass-hash".to_owned(), "abc".to_owned())])
            })
        );
        let large = object(answer(4), 3).await.ok();
        assert_eq!(
            large,
            Some(Object::TooLarge {
                size: 4,
                version: String::new()
            })
        );
    }
}

//! S3's events in EventBridge's envelope: the fields that are used.
//!
//! Keys are literal: EventBridge, unlike S3's own notifications, does not URL-encode them, so that `a+b` and `a%20b` mean
//! themselves.

use serde::Deserialize;

/// Something happened to an object.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct S3Event {
    source: String,
    detail_type: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Created,
    Deleted,
}

impl S3Event {
    /// What happened; or in words what it is instead.
    pub(crate) fn happened(&self) -> Result<Happened, String> {
        match (self.source.as_str(), self.detail_type.as_str()) {
            ("aws.s3", "Object Created") => Ok(Happened::Created),
            ("aws.s3", "Object Deleted") => Ok(Happened::Deleted),
            (source, kind) => Err(format!("an event `{kind}` from {source} means nothing here")),
        }
    }

    /// Its bucket.
    pub(crate) fn bucket(&self) -> &str {
        &self.detail.bucket.name
    }

    /// Its key, literally.
    pub(crate) fn key(&self) -> &str {
        &self.detail.object.key
    }
}

//! Amazon S3: specs in, states and answers out.

use crate::Tags;

calls! { "s3", S3;
    /// An object's current version. `NoSuchKey` without one; see [`Object::Deleted`] for a delete marker.
    GetObject { /// Bucket.
        bucket: String, /// Key.
        key: String, /// Largest body wanted, in bytes; a larger object comes without its body.
        limit: u64 } => Object, Read;
    /// Keys under a prefix, all pages, in order.
    ListObjectsV2 { /// Bucket.
        bucket: String, /// Prefix.
        prefix: String } => Vec<String>, Read;
    /// Writes an object on a condition. A failed condition answers `PreconditionFailed` (412); a race that S3 could
    /// not settle answers `ConditionalRequestConflict` (409), which is not lost (rule 30).
    PutObject { /// Bucket.
        bucket: String, /// Key.
        key: String, /// Body.
        body: Vec<u8>, /// `application/json`.
        content_type: String, /// Metadata of the user's own: lower-case names.
        metadata: Tags, /// Condition.
        condition: Condition } => ETag, Idempotent;
}

/// When a put may happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Condition {
    /// Always.
    Always,
    /// Only if nothing has this key: `If-None-Match: *`.
    Absent,
    /// Only over this version: `If-Match`.
    Matches(String),
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// An object within the limit.
    Found {
        /// Its content.
        body: Vec<u8>,
        /// Its entity tag, for the next conditional put.
        etag: String,
        /// Its version id; empty in a bucket without versions.
        version: String,
        /// Metadata of the user's own: lower-case names.
        metadata: Tags,
    },
    /// An object larger than the limit.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// Its version id.
        version: String,
    },
    /// A delete marker: it existed, and somebody deleted it. The only proof of a deletion (rule 56).
    Deleted {
        /// The marker's own version id: another deletion, another marker. Empty where the answer has none.
        version: String,
    },
}

/// Entity tag and version of what was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag {
    /// Entity tag.
    pub etag: String,
    /// Version id; empty in a bucket without versions.
    pub version: String,
}

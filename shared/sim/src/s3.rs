//! Amazon S3: versioned buckets, strongly consistent, with conditional puts (rule 30) and delete markers (rule 56).
//!
//! Entity tags are hashes of the content, as AWS's are: putting the same bytes again keeps the tag. Races that answer
//! 409 are for the fault hook to inject.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_calls::Tags;
use windlass_calls::s3::{Condition, ETag, GetObject, ListObjectsV2, Object, PutObject, Request, Response};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::sim::fnv;
use crate::world::{World, dispatch};

/// Buckets by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct S3(Shared<BTreeMap<String, Bucket>>);

/// Versions of each key, the current one last.
#[derive(Debug, Clone, Default)]
struct Bucket(BTreeMap<String, Vec<Version>>);

#[derive(Debug, Clone)]
enum Version {
    Stored(Stored),
    /// With a version id of its own.
    DeleteMarker(String),
}

#[derive(Debug, Clone)]
struct Stored {
    body: Arc<[u8]>,
    metadata: Tags,
    etag: String,
    version: String,
}

impl World {
    pub(crate) fn s3(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            GetObject => get_object,
            ListObjectsV2 => list_objects,
            PutObject => put_object,
        )
    }

    fn get_object(&mut self, call: &GetObject) -> Answer<Object> {
        match self.bucket(&call.bucket)?.current(&call.key) {
            None => Err(no_such_key()),
            Some(Version::DeleteMarker(version)) => Ok(Object::Deleted {
                version: version.clone(),
            }),
            Some(Version::Stored(stored)) => Ok(stored.shown(call.limit)),
        }
    }

    fn list_objects(&mut self, call: &ListObjectsV2) -> Answer<Vec<String>> {
        let bucket = self.bucket(&call.bucket)?;
        let from_prefix = bucket.0.range(call.prefix.clone()..);
        let under_prefix = from_prefix.take_while(|(key, _)| key.starts_with(&call.prefix));
        Ok(under_prefix
            .filter(|(_, versions)| matches!(versions.last(), Some(Version::Stored(_))))
            .map(|(key, _)| key.clone())
            .collect())
    }

    fn put_object(&mut self, call: &PutObject) -> Answer<ETag> {
        self.bucket(&call.bucket)?.check(&call.key, &call.condition)?;
        Ok(self.store(&call.bucket, &call.key, &call.body, &call.metadata))
    }

    /// Makes an empty bucket with versions on. Nothing happens if it exists.
    pub fn create_bucket(&mut self, name: &str) {
        self.s3.0.entry(name.to_owned()).or_default();
    }

    /// Puts an object without a condition, as a person uploading a spec does. Makes the bucket if it is missing.
    pub fn upload(&mut self, bucket: &str, key: &str, body: &[u8]) -> ETag {
        self.store(bucket, key, body, &Tags::new())
    }

    /// Deletes an object, which leaves a delete marker: reads answer [`Object::Deleted`]. Another deletion leaves
    /// another marker.
    pub fn delete_object(&mut self, bucket: &str, key: &str) {
        let marker = Version::DeleteMarker(self.next_version());
        let bucket = self.s3.0.entry(bucket.to_owned()).or_default();
        bucket.0.entry(key.to_owned()).or_default().push(marker);
    }

    /// Takes a delete marker away, as a person does who puts an object back: its last version is current again. `false` if
    /// there is none.
    pub fn undelete_object(&mut self, bucket: &str, key: &str) -> bool {
        let versions = self.s3.0.get_mut(bucket).and_then(|bucket| bucket.0.get_mut(key));
        versions.is_some_and(|versions| {
            let deleted = matches!(versions.last(), Some(Version::DeleteMarker(_)));
            if deleted {
                versions.pop();
            }
            deleted
        })
    }

    /// The current content of an object; `None` without one and behind a delete marker.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        match self.s3.0.get(bucket)?.current(key)? {
            Version::Stored(stored) => Some(&stored.body),
            Version::DeleteMarker(_) => None,
        }
    }

    fn store(&mut self, bucket: &str, key: &str, body: &[u8], metadata: &Tags) -> ETag {
        let put = ETag {
            etag: format!("\"{:016x}{:016x}\"", fnv(body), body.len()),
            version: self.next_version(),
        };
        let bucket = self.s3.0.entry(bucket.to_owned()).or_default();
        bucket
            .0
            .entry(key.to_owned())
            .or_default()
            .push(Version::Stored(Stored {
                body: body.into(),
                metadata: metadata.clone(),
                etag: put.etag.clone(),
                version: put.version.clone(),
            }));
        put
    }

    fn next_version(&mut self) -> String {
        format!("version-{:08x}", self.next_number("s3-version"))
    }

    fn bucket(&self, name: &str) -> Answer<&Bucket> {
        let bucket = self.s3.0.get(name);
        bucket.ok_or_else(|| refused("NoSuchBucket", "The specified bucket does not exist").status(404))
    }
}

impl Bucket {
    fn current(&self, key: &str) -> Option<&Version> {
        self.0.get(key).and_then(|versions| versions.last())
    }

    /// Whether a put may happen. Behind a delete marker nothing has the key: `Absent` holds, and `If-Match` answers 404.
    fn check(&self, key: &str, condition: &Condition) -> Answer<()> {
        match (condition, self.current(key)) {
            (Condition::Always, _) | (Condition::Absent, None | Some(Version::DeleteMarker(_))) => Ok(()),
            (Condition::Matches(etag), Some(Version::Stored(stored))) if *etag == stored.etag => Ok(()),
            (Condition::Matches(_), None | Some(Version::DeleteMarker(_))) => Err(no_such_key()),
            (Condition::Absent | Condition::Matches(_), Some(Version::Stored(_))) => Err(refused(
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
            )
            .status(412)),
        }
    }
}

impl Stored {
    fn shown(&self, limit: u64) -> Object {
        let size = self.body.len() as u64;
        let version = self.version.clone();
        if size > limit {
            return Object::TooLarge { size, version };
        }
        Object::Found {
            body: self.body.to_vec(),
            etag: self.etag.clone(),
            version,
            metadata: self.metadata.clone(),
        }
    }
}

fn no_such_key() -> Refusal {
    refused("NoSuchKey", "The specified key does not exist.").status(404)
}

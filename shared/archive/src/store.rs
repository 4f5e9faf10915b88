//! The state bucket through a port: reading within a bound, listing.

use serde::de::DeserializeOwned;
use windlass_calls::s3::{GetObject, ListObjectsV2, Object};
use windlass_calls::{CallError, Class, Tags};
use windlass_engine::Port;

use crate::LARGEST;
use crate::error::ArchiveError;

/// An object that is there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) body: Vec<u8>,
    pub(crate) metadata: Tags,
    pub(crate) etag: String,
}

/// Reads an object of at most `limit` bytes; `None` if there is none, or a delete marker.
pub(crate) async fn read<P: Port>(
    port: &P,
    bucket: &str,
    key: &str,
    limit: u64,
) -> Result<Option<Found>, ArchiveError> {
    let get = GetObject {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        limit,
    };
    match port.call(get).await {
        Ok(Object::Found {
            body,
            etag,
            metadata,
            version: _,
        }) => Ok(Some(Found { body, metadata, etag })),
        Ok(Object::TooLarge { size, .. }) => Err(ArchiveError::TooLarge {
            key: key.to_owned(),
            size,
        }),
        Ok(Object::Deleted { .. }) => Ok(None),
        Err(error) if error.class == Class::Gone => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a document of ours; `None` if there is none.
pub(crate) async fn read_document<P: Port, T: DeserializeOwned>(
    port: &P,
    bucket: &str,
    key: &str,
) -> Result<Option<T>, ArchiveError> {
    let Some(found) = read(port, bucket, key, LARGEST as u64).await? else {
        return Ok(None);
    };
    let document = serde_json::from_slice(&found.body).map_err(|source| ArchiveError::Document {
        key: key.to_owned(),
        source,
    })?;
    Ok(Some(document))
}

/// Keys under a prefix, in order.
pub(crate) async fn list<P: Port>(port: &P, bucket: &str, prefix: &str) -> Result<Vec<String>, CallError> {
    let list = ListObjectsV2 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    };
    port.call(list).await
}

//! The state bucket: keys, and reads and writes with their conditions.

use serde::Serialize;
use serde::de::DeserializeOwned;
use windlass_calls::s3::{Condition, GetObject, ListObjectsV2, Object, PutObject};
use windlass_calls::{Applied, CallError, Class, Tags};
use windlass_spec::StackId;

use crate::pass::PassError;
use crate::port::Port;

/// Largest document of ours, in bytes: far above any, so that a larger one is somebody else's.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Tries of a put that S3 could not settle (rule 30).
const TRIES: usize = 4;

/// Key of a stack's head.
#[must_use]
pub fn head_key(stack: &StackId) -> String {
    format!("stacks/{stack}/head.json")
}

/// Key of a stack's status.
#[must_use]
pub fn status_key(stack: &StackId) -> String {
    format!("stacks/{stack}/status.json")
}

/// Key of the status that answers to a spec key, valid or not: `specs/x.yaml` → `stacks/x/status.json`.
#[must_use]
pub fn status_key_of(spec_key: &str) -> String {
    let path = spec_key.strip_prefix("specs/").unwrap_or(spec_key);
    let stem = [".yaml", ".yml", ".json"]
        .iter()
        .find_map(|extension| path.strip_suffix(extension))
        .unwrap_or(path);
    format!("stacks/{stem}/status.json")
}

/// Key of a numbered state. Zero-padded, so that keys sort as numbers do.
#[must_use]
pub fn state_key(stack: &StackId, serial: u64) -> String {
    format!("{}{serial:08}.json", states_prefix(stack))
}

/// Key of a journal entry; `stem` names the stack, or the key that names none.
#[must_use]
pub fn journal_key(stem: &str, at: jiff::Timestamp, kind: &str) -> String {
    let at = at.to_string();
    let (date, time) = at.split_once('T').unwrap_or((at.as_str(), ""));
    format!("journal/{stem}/{date}/{time}-{kind}.json")
}

/// Key of the plan that leads to a numbered state.
#[must_use]
pub fn plan_key(stack: &StackId, serial: u64) -> String {
    format!("plans/{stack}/{serial:08}.json")
}

/// Prefix of a stack's states.
pub(crate) fn states_prefix(stack: &StackId) -> String {
    format!("states/{stack}/")
}

/// A document with the tag of the version that was read.
pub(crate) struct Versioned<T> {
    /// The document.
    pub(crate) document: T,
    /// Its entity tag.
    pub(crate) etag: String,
}

/// The state bucket through a port.
pub(crate) struct Store<'a, P> {
    pub(crate) port: &'a P,
    pub(crate) bucket: &'a str,
}

impl<P: Port> Store<'_, P> {
    /// Reads a document; `None` if there is none.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, PassError> {
        let Some((body, etag)) = self.read(key).await? else {
            return Ok(None);
        };
        let document = serde_json::from_slice(&body).map_err(|source| PassError::Document {
            key: key.to_owned(),
            source,
        })?;
        Ok(Some(Versioned { document, etag }))
    }

    async fn read(&self, key: &str) -> Result<Option<(Vec<u8>, String)>, CallError> {
        let read = self.port.call(GetObject {
            bucket: self.bucket.to_owned(),
            key: key.to_owned(),
            limit: LARGEST,
        });
        match read.await {
            Ok(Object::Found { body, etag, .. }) => Ok(Some((body, etag))),
            Ok(Object::TooLarge { .. } | Object::Deleted { .. }) => Ok(None),
            Err(error) if error.class == Class::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keys under a prefix, in order.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, CallError> {
        let list = ListObjectsV2 {
            bucket: self.bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        self.port.call(list).await
    }

    /// Writes a document on a condition. `Ok(None)` says that somebody else was first.
    ///
    /// A lost answer, or a failed condition that may be the echo of our own earlier try, is settled by reading back:
    /// what is there is ours exactly if its bytes are (rule 31). The caller's documents therefore carry the writer.
    pub(crate) async fn put<T: Serialize>(
        &self,
        key: &str,
        document: &T,
        condition: Condition,
    ) -> Result<Option<String>, PassError> {
        let body = serde_json::to_vec_pretty(document).map_err(|source| PassError::Document {
            key: key.to_owned(),
            source,
        })?;
        let mut tries = 0;
        loop {
            tries += 1;
            let put = PutObject {
                bucket: self.bucket.to_owned(),
                key: key.to_owned(),
                body: body.clone(),
                content_type: "application/json".to_owned(),
                metadata: Tags::new(),
                condition: condition.clone(),
            };
            let error = match self.port.call(put).await {
                Ok(written) => return Ok(Some(written.etag)),
                Err(error) if error.class == Class::Conflict || error.applied == Applied::Unknown => error,
                Err(error) => return Err(error.into()),
            };
            match self.read(key).await? {
                Some((there, etag)) if there == body => return Ok(Some(etag)),
                _ if error.code == "PreconditionFailed" => return Ok(None),
                _ if tries == TRIES => return Err(error.into()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_key_has_a_status_key_and_a_valid_one_has_its_stacks() {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        assert_eq!(status_key_of("specs/dev/web.yaml"), status_key(&stack));
        assert_eq!(status_key_of("specs/x.yaml"), "stacks/x/status.json");
        assert_eq!(
            status_key_of("specs/dev/a+b c%20.yaml"),
            "stacks/dev/a+b c%20/status.json"
        );
    }

    #[test]
    fn state_keys_sort_by_serial() {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        assert!(state_key(&stack, 9) < state_key(&stack, 10));
    }
}

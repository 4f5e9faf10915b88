//! `sweep/archived.json`: up to which serial the states of each stack went into the archive. Kept only where archived
//! states expire.
//!
//! Without it, a sweep could not tell a state that was never archived from one whose copy expired, and would bring each
//! expired copy back. It is a note to ourselves and no more: lost, it costs one more round through the archive. Two
//! sweeps at once: the one that writes second finds it changed and leaves it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use windlass_calls::s3::{Condition, PutObject};
use windlass_calls::{CallError, Class, Tags};
use windlass_engine::Port;
use windlass_spec::StackId;

use crate::LARGEST;
use crate::error::ArchiveError;
use crate::key::StateKey;
use crate::store::read;

/// Its key: outside the archive, whose rules would expire it.
const KEY: &str = "sweep/archived.json";

/// Serials by stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Document(BTreeMap<String, u64>);

/// The note as it was read.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    document: Document,
    etag: Option<String>,
}

impl Ledger {
    /// Reads it. One that is not as we write it is begun anew.
    pub(crate) async fn read<P: Port>(port: &P, bucket: &str) -> Result<Self, ArchiveError> {
        let Some(found) = read(port, bucket, KEY, LARGEST as u64).await? else {
            return Ok(Self::default());
        };
        Ok(Self {
            document: serde_json::from_slice(&found.body).unwrap_or_default(),
            etag: Some(found.etag),
        })
    }

    /// Whether a state went into the archive once.
    pub(crate) fn has(&self, key: &StateKey) -> bool {
        key.serial <= self.up_to(&key.stack)
    }

    fn up_to(&self, stack: &StackId) -> u64 {
        let serial = self.document.0.get(&stack.to_string());
        serial.copied().unwrap_or_default()
    }

    /// Notes what is in the archive now: of each stack, up to the first state that is not. `states` are all of them, in
    /// order.
    pub(crate) async fn advance<P: Port>(
        self,
        port: &P,
        bucket: &str,
        states: &[StateKey],
        is_archived: impl Fn(&StateKey) -> bool,
    ) -> Result<(), ArchiveError> {
        let mut document = self.document.clone();
        for of_stack in states.chunk_by(|one, next| one.stack == next.stack) {
            let archived = of_stack
                .iter()
                .take_while(|key| self.has(key) || is_archived(key))
                .last();
            if let Some(last) = archived {
                document.0.insert(last.stack.to_string(), last.serial);
            }
        }
        if document == self.document {
            return Ok(());
        }
        let body = serde_json::to_vec(&document).map_err(|source| ArchiveError::Document {
            key: KEY.to_owned(),
            source,
        })?;
        match self.put(port, bucket, body).await {
            // Tolerated: another sweep wrote it; what it does not know yet, the next one notes.
            Err(error) if error.class == Class::Conflict => Ok(()),
            written => Ok(written?),
        }
    }

    async fn put<P: Port>(self, port: &P, bucket: &str, body: Vec<u8>) -> Result<(), CallError> {
        let put = PutObject {
            bucket: bucket.to_owned(),
            key: KEY.to_owned(),
            body,
            content_type: "application/json".to_owned(),
            metadata: Tags::new(),
            condition: self.etag.map_or(Condition::Absent, Condition::Matches),
        };
        port.call(put).await.map(|_| ())
    }
}

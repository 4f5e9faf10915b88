//! The state bucket, the archive in it, and the archive's queue.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use windlass_archive::{StateKey, unpack};
use windlass_calls::s3::{Condition, GetObject, ListObjectsV2, Object, PutObject};
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Tags};
use windlass_engine::Port;

use crate::{Cloud, PATIENCE, glance};

/// Puts in the air at a time: all of a thousand.
const PUTS: usize = 1000;
/// Reads in the air at a time.
const READS: usize = 100;

impl Cloud {
    /// Puts an object into the state bucket, if nothing has its key.
    ///
    /// # Errors
    /// Something has it, or the bucket refused.
    pub async fn record(&self, key: &str, body: &[u8]) -> Result<(), CallError> {
        let put = PutObject {
            bucket: self.state_bucket.clone(),
            key: key.to_owned(),
            body: body.to_vec(),
            content_type: "application/json".into(),
            metadata: Tags::new(),
            condition: Condition::Absent,
        };
        self.aws.call(put).await.map(|_| ())
    }

    /// Records all of these states at the same time.
    ///
    /// # Panics
    /// The bucket refused one.
    pub async fn record_at_once(&self, states: &BTreeMap<StateKey, Vec<u8>>) {
        let puts = stream::iter(states).map(async |(key, body)| self.record(&key.recorded(), body).await);
        let failed: Vec<_> = puts
            .buffer_unordered(PUTS)
            .filter_map(async |put| put.err())
            .collect()
            .await;
        assert!(failed.is_empty(), "{failed:#?}");
    }

    /// Content and metadata of an object in the state bucket, if it is there.
    pub async fn object(&self, key: &str) -> Option<(Vec<u8>, Tags)> {
        let get = GetObject {
            bucket: self.state_bucket.clone(),
            key: key.to_owned(),
            limit: 1 << 24,
        };
        match self.aws.call(get).await.ok()? {
            Object::Found { body, metadata, .. } => Some((body, metadata)),
            Object::TooLarge { .. } | Object::Deleted { .. } => None,
        }
    }

    /// Deletes an object from the state bucket.
    ///
    /// # Panics
    /// The bucket refused.
    pub async fn remove(&self, key: &str) {
        let delete = self.s3.delete_object().bucket(&self.state_bucket).key(key);
        #[expect(clippy::expect_used, reason = "a test's clean-up")]
        delete
            .send()
            .await
            .expect("the state bucket lets objects be deleted");
    }

    /// The text of a spec, if there is one.
    pub async fn spec(&self, key: &str) -> Option<Vec<u8>> {
        let get = GetObject {
            bucket: self.spec_bucket.clone(),
            key: key.to_owned(),
            limit: 1 << 20,
        };
        match self.aws.call(get).await.ok()? {
            Object::Found { body, .. } => Some(body),
            Object::TooLarge { .. } | Object::Deleted { .. } => None,
        }
    }

    /// Keys in the state bucket.
    ///
    /// # Panics
    /// It cannot be listed.
    pub async fn list(&self, prefix: &str) -> Vec<String> {
        let list = ListObjectsV2 {
            bucket: self.state_bucket.clone(),
            prefix: prefix.to_owned(),
        };
        #[expect(clippy::expect_used, reason = "a test without its bucket must fail")]
        self.aws.call(list).await.expect("the state bucket can be listed")
    }

    /// Waits until this many states of a stack are archived.
    ///
    /// # Panics
    /// They never were; says how many instead.
    pub async fn wait_for_archived(&self, stack: &str, count: usize) {
        let mut last = 0;
        for _ in 0..PATIENCE {
            last = self.list(&format!("archive/{stack}/")).await.len();
            if last >= count {
                return;
            }
            glance().await;
        }
        #[expect(clippy::panic, reason = "the test failed")]
        {
            panic!("of {count} states of {stack} only {last} were archived")
        }
    }

    /// Every one of these states is archived, byte for byte, with its hash beside it.
    ///
    /// # Panics
    /// One is not.
    pub async fn assert_archived(&self, states: &BTreeMap<StateKey, Vec<u8>>) {
        let reads = stream::iter(states).map(async |(key, body)| {
            let found = self.object(&key.archived()).await;
            let hashed = found
                .as_ref()
                .is_some_and(|(_, metadata)| metadata.contains_key("sha256"));
            let unpacked = found.map(|(packed, metadata)| unpack(&packed, &metadata));
            (hashed && unpacked == Some(Ok(body.clone())))
                .then_some(())
                .ok_or_else(|| key.archived())
        });
        let wrong: Vec<_> = reads
            .buffer_unordered(READS)
            .filter_map(async |read| read.err())
            .collect()
            .await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Sends a message to the archive's queue, as its rules do.
    ///
    /// # Panics
    /// The queue refused.
    pub async fn tell_archive(&self, body: &str) {
        let send = SendMessage {
            queue: self.archive_queue.clone(),
            body: body.to_owned(),
            delay: 0,
        };
        #[expect(clippy::expect_used, reason = "a test without its queue must fail")]
        self.aws
            .call(send)
            .await
            .expect("the archive's queue takes messages");
    }

    /// Waits until the archive's queue holds nothing, in flight or delayed.
    pub async fn wait_for_idle_archive(&self) {
        self.wait_until_empty(&self.archive_queue).await;
    }
}

//! The buckets, and the clock: everything of a command that is not its arguments.

use std::time::Duration;

use jiff::Timestamp;
use windlass_calls::s3::{Condition, GetObject, Object, PutObject};
use windlass_calls::{CallError, Class, Tags};
use windlass_engine::{Port, Status, status_key_of};

use crate::Failure;

/// Largest status that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// What time it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the clock; the rest gets it as an argument"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Lets time pass between two looks. A person waits here, not a function.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool for people may wait; the engine may not"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// What looking for a status came to.
pub(crate) enum Look {
    /// A status.
    Found(Box<Status>),
    /// There is none.
    Nothing,
    /// AWS could not be asked; later it may.
    Unreachable(CallError),
}

/// Looks for the status that answers to a spec's key.
pub(crate) async fn look<P: Port>(port: &P, bucket: &str, spec_key: &str) -> Result<Look, Failure> {
    let key = status_key_of(spec_key);
    let get = GetObject {
        bucket: bucket.to_owned(),
        key: key.clone(),
        limit: LARGEST,
    };
    match port.call(get).await {
        Ok(Object::Found { body, .. }) => serde_json::from_slice(&body)
            .map(|status| Look::Found(Box::new(status)))
            .map_err(|error| format!("{key} in bucket {bucket} is not a status: {error}").into()),
        Ok(Object::TooLarge { size, .. }) => {
            Err(format!("{key} in bucket {bucket} has {size} bytes: it is not a status").into())
        }
        Ok(Object::Deleted { .. }) => Ok(Look::Nothing),
        Err(error) => match error.class {
            Class::Gone => Ok(Look::Nothing),
            Class::Throttled | Class::Transient | Class::NotYet => Ok(Look::Unreachable(error)),
            Class::Exists | Class::Conflict | Class::Terminal => Err(error.into()),
        },
    }
}

/// Puts a spec on a condition, and answers with its version, as statuses refer to it.
pub(crate) async fn upload<P: Port>(
    port: &P,
    bucket: &str,
    key: &str,
    text: &[u8],
    condition: Condition,
) -> Result<String, CallError> {
    let put = PutObject {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        body: text.to_vec(),
        content_type: "application/yaml".to_owned(),
        metadata: Tags::new(),
        condition,
    };
    let written = port.call(put).await?;
    Ok(if written.version.is_empty() {
        written.etag
    } else {
        written.version
    })
}

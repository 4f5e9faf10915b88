//! One state into the archive: read, pack, put if absent, read back, compare.
//!
//! Whoever loses the race for the put, or never heard how it ended, reads back as well: what is there must be the same,
//! whoever put it. So it may be run any number of times, at the same time, and stopped anywhere.

use windlass_calls::s3::{Condition, PutObject};
use windlass_calls::{Applied, CallError, Class};
use windlass_engine::Port;

use crate::error::ArchiveError;
use crate::key::StateKey;
use crate::pack::{Packed, difference, largest_packed, pack};
use crate::store::read;
use crate::{LARGEST, Settings};

/// Tries of a put that S3 could not settle, or whose answer was lost (rules 30 and 31).
const TRIES: usize = 2;

/// What archiving a state came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was put, and what was read back is the same.
    Archived {
        /// Bytes of the state.
        size: usize,
        /// Bytes in the archive.
        packed: usize,
    },
    /// It was there already, and is the same.
    Same,
    /// There is no such state any more.
    Gone,
}

/// Puts one state into the archive.
///
/// # Errors
/// S3 did not let us, or the archive holds something else under its key: then nothing is overwritten, and it is an
/// error each time until a person has looked.
pub async fn archive_state<P: Port>(
    port: &P,
    settings: &Settings,
    key: &StateKey,
) -> Result<Outcome, ArchiveError> {
    let (bucket, recorded) = (&settings.state_bucket, key.recorded());
    let Some(state) = read(port, bucket, &recorded, LARGEST as u64).await? else {
        return Ok(Outcome::Gone);
    };
    let state = state.body;
    let packed = pack(&state).map_err(|why| ArchiveError::Unpackable { key: recorded, why })?;
    let archived = key.archived();
    let mut tries = 0;
    loop {
        tries += 1;
        let put = put(port, bucket, &archived, &packed).await;
        if let Err(error) = &put
            && !may_be_there(error)
        {
            return Err(error.clone().into());
        }
        match (read(port, bucket, &archived, largest_packed()).await?, put) {
            (Some(there), put) => {
                return match difference(&state, &there.body, &there.metadata) {
                    Some(why) => Err(ArchiveError::Differs { archived, why }),
                    None if was_there_before(&put) => Ok(Outcome::Same),
                    None => Ok(Outcome::Archived {
                        size: state.len(),
                        packed: packed.body.len(),
                    }),
                };
            }
            (None, Ok(())) => return Err(ArchiveError::Vanished { archived }),
            (None, Err(error)) if tries == TRIES => return Err(error.into()),
            (None, Err(_)) => {}
        }
    }
}

async fn put<P: Port>(port: &P, bucket: &str, archived: &str, packed: &Packed) -> Result<(), CallError> {
    let put = PutObject {
        bucket: bucket.to_owned(),
        key: archived.to_owned(),
        body: packed.body.clone(),
        content_type: "application/zstd".to_owned(),
        metadata: packed.metadata.clone(),
        condition: Condition::Absent,
    };
    port.call(put).await.map(|_| ())
}

/// Whether a put that failed may still leave an object under the key: somebody else's, or our own with its answer lost.
fn may_be_there(error: &CallError) -> bool {
    error.class == Class::Conflict || error.applied == Applied::Unknown
}

fn was_there_before(put: &Result<(), CallError>) -> bool {
    put.as_ref().is_err_and(|error| error.class == Class::Conflict)
}

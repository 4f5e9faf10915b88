//! Why something did not get into the archive, or out of it.

use thiserror::Error;
use windlass_calls::CallError;

/// What went wrong, about which object, and what to do.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// A call failed: again later.
    #[error("a call that the archive needs failed: {0}")]
    Call(#[from] CallError),
    /// An object that is larger than any of ours.
    #[error("{key} has {size} bytes: nothing that Windlass writes is so large; find out who put it there")]
    TooLarge {
        /// Its key.
        key: String,
        /// Its size in bytes.
        size: u64,
    },
    /// An archived object that does not hold what it should. Nothing was overwritten.
    #[error(
        "{archived} does not hold its state: {why}. Nothing was overwritten: compare the two, delete the archived object \
         if it is the wrong one (the bucket keeps it as a version), and move the message back from the dead-letter queue"
    )]
    Differs {
        /// Key of the archived object.
        archived: String,
        /// How it differs.
        why: String,
    },
    /// An object that was put and cannot be found.
    #[error(
        "{archived} was put and is not there: something deletes below archive/; look at the bucket's rules"
    )]
    Vanished {
        /// Key of the archived object.
        archived: String,
    },
    /// An archived object that does not unpack to what its metadata says.
    #[error("{archived} is damaged: {why}; the bucket keeps earlier versions of it")]
    Damaged {
        /// Key of the archived object.
        archived: String,
        /// How.
        why: String,
    },
    /// An archived object in a storage class that nobody can read from at once.
    #[error(
        "{archived} is in a Glacier class that must be thawed first: aws s3api restore-object, and try again later"
    )]
    Frozen {
        /// Key of the archived object.
        archived: String,
    },
    /// Compression failed, or made something that does not unpack to the same.
    #[error("{key} cannot be compressed: {why}")]
    Unpackable {
        /// Key of the state.
        key: String,
        /// Why.
        why: String,
    },
    /// A document of ours that cannot be read.
    #[error("{key} is not as Windlass writes it: an earlier version of it may be; the bucket keeps them")]
    Document {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

//! The sweep: what no event brought about. Recorded states that are not archived, stacks that nobody wakes, instances
//! that wait with nobody looking at them, and ticks of the scaler that were lost.
//!
//! Bounded: it begins nothing after the time it was given, and at most [`MOST`] states a run. What is left is counted,
//! and found again by the next sweep, as it is found by listing: a sweep remembers nothing. One state or head that
//! fails does not keep the others from their turn.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use windlass_calls::sqs::SendMessage;
use windlass_engine::{Clock, Head, Port, WakeBody, WakeMessage, head_key};
use windlass_spec::StackId;

use crate::Settings;
use crate::archive::{Outcome, archive_state};
use crate::error::ArchiveError;
use crate::key::{ARCHIVE, STACKS, STATES, StateKey, stack_of};
use crate::ledger::Ledger;
use crate::store::{list, read_document};
use crate::ticks::wake_scalers;
use crate::waits::wake_gates;
use crate::wake::{look_is_due, overdue};

/// Most states that one sweep archives.
const MOST: usize = 1000;
/// States or heads that are worked on at a time.
pub(crate) const AT_ONCE: usize = 8;

/// What a sweep did and found.
#[derive(Debug, Default)]
#[must_use]
pub struct SweepReport {
    /// States that were not archived, and are now.
    pub archived: Vec<StateKey>,
    /// Stacks that were woken.
    pub woken: Vec<StackId>,
    /// Groups whose waiting instances the lifecycle function was asked to look at.
    pub gates: Vec<String>,
    /// Stacks whose tick of the scaler was sent anew.
    pub ticks: Vec<StackId>,
    /// Keys below `states/` that are no state's.
    pub odd: Vec<String>,
    /// What could not be dealt with, by its key or name, and why.
    pub failed: Vec<(String, ArchiveError)>,
    /// Number of objects and groups that this sweep did not get to.
    pub left: usize,
}

/// Archives what is not archived, and wakes what should have been woken. Begins nothing at or after `until`.
///
/// # Errors
/// The bucket cannot be listed. What concerns one object is in the report.
pub async fn sweep<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    until: Timestamp,
) -> Result<SweepReport, ArchiveError> {
    let mut report = SweepReport::default();
    let keys = list(port, &settings.state_bucket, STACKS).await?;
    wake_gates(port, clock, settings, until, &keys, &mut report).await;
    wake_scalers(port, clock, settings, until, &keys, &mut report).await;
    wake_stacks(port, clock, settings, until, &keys, &mut report).await;
    archive_states(port, clock, settings, until, &mut report).await?;
    Ok(report)
}

/// Does a piece of work, unless time is up.
pub(crate) async fn in_time<T>(
    clock: &dyn Clock,
    until: Timestamp,
    work: impl Future<Output = T>,
) -> Option<T> {
    if clock.now() < until {
        Some(work.await)
    } else {
        None
    }
}

async fn archive_states<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    until: Timestamp,
    report: &mut SweepReport,
) -> Result<(), ArchiveError> {
    let bucket = &settings.state_bucket;
    // The archive first: a state that is archived between the two listings is met again and found the same.
    let mut archived: BTreeSet<StateKey> = list(port, bucket, ARCHIVE)
        .await?
        .iter()
        .filter_map(|key| StateKey::parse_archived(key))
        .collect();
    let ledger = if settings.expires {
        Some(Ledger::read(port, bucket).await?)
    } else {
        None
    };
    let states = states(list(port, bucket, STATES).await?, report);
    let missing: Vec<&StateKey> = states
        .iter()
        .filter(|key| !archived.contains(key) && !ledger.as_ref().is_some_and(|ledger| ledger.has(key)))
        .collect();
    report.left += missing.len().saturating_sub(MOST);
    let tried = stream::iter(missing.into_iter().take(MOST)).map(async |key| {
        (
            key,
            in_time(clock, until, archive_state(port, settings, key)).await,
        )
    });
    let mut tried = std::pin::pin!(tried.buffer_unordered(AT_ONCE));
    while let Some((key, result)) = tried.next().await {
        match result {
            Some(Ok(outcome)) => {
                archived.insert(key.clone());
                if matches!(outcome, Outcome::Archived { .. }) {
                    report.archived.push(key.clone());
                }
            }
            Some(Err(error)) => report.failed.push((key.to_string(), error)),
            None => report.left += 1,
        }
    }
    match ledger {
        Some(ledger) => {
            ledger
                .advance(port, bucket, &states, |key| archived.contains(key))
                .await
        }
        None => Ok(()),
    }
}

/// The states among keys, in order; the others are reported.
fn states(keys: Vec<String>, report: &mut SweepReport) -> Vec<StateKey> {
    let mut states = Vec::with_capacity(keys.len());
    for key in keys {
        match StateKey::parse(&key) {
            Some(state) => states.push(state),
            None => report.odd.push(key),
        }
    }
    states.sort();
    states
}

async fn wake_stacks<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    until: Timestamp,
    keys: &[String],
    report: &mut SweepReport,
) {
    let looks = stream::iter(keys.iter().filter_map(|key| stack_of(key, head_key))).map(async |stack| {
        let woken = in_time(clock, until, wake_if_overdue(port, clock, settings, &stack)).await;
        (stack, woken)
    });
    let mut looks = std::pin::pin!(looks.buffer_unordered(AT_ONCE));
    while let Some((stack, woken)) = looks.next().await {
        match woken {
            Some(Ok(true)) => report.woken.push(stack),
            Some(Ok(false)) => {}
            Some(Err(error)) => report.failed.push((head_key(&stack), error)),
            None => report.left += 1,
        }
    }
}

async fn wake_if_overdue<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    stack: &StackId,
) -> Result<bool, ArchiveError> {
    let key = head_key(stack);
    let Some(head) = read_document::<_, Head>(port, &settings.state_bucket, &key).await? else {
        return Ok(false);
    };
    let document = |source| ArchiveError::Document { key, source };
    let now = clock.now();
    let token = overdue(&head, now).map(str::to_owned);
    if token.is_none() && !look_is_due(&head, stack, now) {
        return Ok(false);
    }
    let message = WakeMessage {
        wake: WakeBody {
            stack: stack.clone(),
            token,
        },
    };
    let send = SendMessage {
        queue: settings.provision_queue.clone(),
        body: serde_json::to_string(&message).map_err(document)?,
        delay: 0,
    };
    port.call(send).await?;
    Ok(true)
}

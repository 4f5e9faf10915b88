//! The head after a pass: its operation, its deadline, and when the next look is due.

use jiff::{SignedDuration, Timestamp};
use windlass_planner::{Id, Outcome};

use crate::document::{DeletionStage, Head, Intent, Operation};
use crate::drift;
use crate::pass::{Purpose, Reconciled, Session, Trigger};

/// Longest time between wake-ups while AWS is busy, in seconds.
const LONGEST_PATIENCE: i64 = 30;
/// Longest time between wake-ups while calls keep failing. A wake-up that is lost with its function must be overdue when
/// the queue delivers the pass's own message again: 360 s after it came, of which a pass takes at most 60.
const LONGEST_BACKOFF: i64 = 200;

/// Longest time that an instance may take to finish its requests (rule 14). What leaves has it on top of the deadline.
const LONGEST_DRAIN: SignedDuration = SignedDuration::from_hours(1);

/// The head after this pass. Answers whether the operation ran out of time.
pub(super) fn move_head<P>(
    session: &mut Session<P>,
    reconciled: &Reconciled,
    now: Timestamp,
    settled: bool,
    failed: bool,
) -> bool {
    let fresh = session.head.spec_version != session.version;
    let interval = drift::interval(session);
    let window = session.settings.consistency;
    let head = &mut session.head;
    head.lease = None;
    if !reconciled.refused {
        head.spec_version.clone_from(&session.version);
    }
    head.intents
        .retain(|id, intent| unresolved(reconciled, id, intent, window, now));
    let role = reconciled.found.known.get(&Id::only("instance-role"));
    if let Some(arn) = role
        .map(|role| role.outputs.get("arn"))
        .filter(|arn| !arn.is_empty())
    {
        head.role = arn;
    }
    head.was_ready |= settled;
    if settled {
        head.drift = Some(interval);
    }
    if settled && session.purpose == Purpose::Destroy {
        end(head);
    }
    let looked_at_again = !matches!(session.job.trigger, Trigger::Woken { .. });
    head.operation = match head.operation.take() {
        _ if settled => None,
        Some(operation) if !fresh && !looked_at_again => Some(operation),
        _ => Some(Operation { since: now }),
    };
    let only_leaving = reconciled.found.outcomes.values().all(Outcome::is_ready);
    let drain = if only_leaving {
        LONGEST_DRAIN
    } else {
        SignedDuration::ZERO
    };
    let expired = head
        .operation
        .as_ref()
        .is_some_and(|operation| now > operation.since + session.settings.deadline + drain);
    let troubled =
        session.blind.is_some() || !session.troubles.is_empty() || !session.removal_troubles.is_empty();
    let attempt = head.wake.as_ref().map_or(0, |wake| wake.attempt);
    let attempt = if troubled { attempt + 1 } else { 0 };
    head.wake = None;
    if !settled && !failed && !expired {
        let age = head.operation.as_ref().map(|operation| operation.since);
        let age = age.map_or(0, |since| now.duration_since(since).as_secs());
        let creates = !head.was_ready;
        let delay = delay(
            session.settings.wake_seconds,
            age,
            attempt,
            creates,
            reconciled.unfinished,
        );
        head.wake_at(now + SignedDuration::from_secs(delay), attempt);
    }
    expired
}

/// Whether a create that was about to be sent may still turn out to have taken effect. One that is no longer wanted does
/// until everything would have shown.
pub(super) fn unresolved(
    reconciled: &Reconciled,
    id: &Id,
    intent: &Intent,
    window: SignedDuration,
    now: Timestamp,
) -> bool {
    let found = &reconciled.found;
    let looked_at = found.observed.contains(id.kind());
    let open = found.outcomes.contains_key(id) || !looked_at || now < intent.at + window;
    found.known.get(id).is_none() && open
}

/// The head of a stack of which nothing is left. Another stack of the name is another one: its tokens must be new.
fn end(head: &mut Head) {
    if let Some(deletion) = head.deletion.as_mut() {
        deletion.stage = DeletionStage::Ended;
    }
    head.lineage.clear();
    head.spec_version.clear();
    head.spent.clear();
    head.intents.clear();
    head.was_ready = false;
    head.drift = None;
}

/// Seconds until the next look: at once if time ran out; after the first pass that creates a stack thrice the least, because
/// whatever AWS is waited for then takes half a minute and more; else a sixth of the time that the work has taken so far;
/// and twice as long after each troubled pass. What takes long is looked at less often, and noticed late by a sixth at most.
fn delay(wake_seconds: u32, age: i64, attempt: u32, creates: bool, unfinished: bool) -> i64 {
    if unfinished {
        return 0;
    }
    let least = i64::from(wake_seconds);
    let usual = (age / 6).clamp(least, LONGEST_PATIENCE.max(least));
    let began = creates && attempt == 0 && age < least;
    let patient = if began { 3 * least } else { usual };
    let doubled = patient << attempt.min(8);
    doubled.min(LONGEST_BACKOFF.max(least))
}

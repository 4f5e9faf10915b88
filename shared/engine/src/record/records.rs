//! The records after a pass: what was found, what leaves, and how many of each name there have been.

use jiff::Timestamp;
use windlass_planner::{Evaluation, Id, Next, Outcome, Outputs, Record, Records};

use crate::pass::{Reconciled, Session};
use crate::port::Port;

/// Kinds that are choices, and nothing in AWS.
const CHOICES: [&str; 4] = ["image", "quotas", "tags", "zones"];

/// The records after this pass. A resource that is gone keeps its record until its successor is there: its
/// incarnation is part of the successor's token.
pub(super) fn recorded<P: Port>(session: &Session<P>, reconciled: &Reconciled, now: Timestamp) -> Records {
    let mut records = session.records.clone();
    let found = &reconciled.found;
    for (id, outcome) in &found.outcomes {
        let (outputs, settled) = match outcome {
            Outcome::Next(Next::InSync(outputs)) => (Some(outputs), true),
            Outcome::Next(next) => (next.outputs(), false),
            Outcome::Cached(_) => continue,
            Outcome::Blocked(_) | Outcome::Unobserved => (None, false),
        };
        let old = session.records.get(id);
        // What a spec that was refused would have chosen binds nobody.
        if reconciled.refused && CHOICES.contains(&id.kind()) {
            continue;
        }
        let record = match (outputs, old) {
            // One that was gone, and is answered once more, is an old answer: the next create needs the token after it.
            (Some(outputs), Some(old))
                if old.outputs.get("id") == outputs.get("id") && !session.made.contains(id) =>
            {
                Record {
                    outputs: outputs.clone(),
                    settled,
                    ..old.clone()
                }
            }
            (Some(outputs), _) => Record {
                outputs: outputs.clone(),
                settled,
                incarnation: session.context().incarnation(id),
                since: now,
                leaving: vec![],
            },
            // What the token stands for is dead and forgotten: the next create needs the token after it.
            (None, _)
                if session
                    .troubles
                    .get(id)
                    .is_some_and(|trouble| trouble.error.token_is_spent()) =>
            {
                Record {
                    outputs: Outputs::default(),
                    settled: false,
                    incarnation: session.context().incarnation(id),
                    since: Timestamp::UNIX_EPOCH,
                    leaving: vec![],
                }
            }
            (None, Some(old)) => Record {
                settled: false,
                ..old.clone()
            },
            (None, None) => continue,
        };
        records.insert(id.clone(), record);
    }
    record_leaving(&mut records, &reconciled.found);
    records
}

/// Keeps count of what is no longer recorded.
pub(super) fn spend<P>(session: &mut Session<P>, records: &Records) {
    let gone = session
        .records
        .iter()
        .filter(|(id, _)| !records.contains_key(*id));
    let gone: Vec<(Id, u32)> = gone
        .map(|(id, record)| (id.clone(), record.incarnation))
        .collect();
    session.head.spent.extend(gone);
    session.head.spent.retain(|id, _| !records.contains_key(id));
}

/// Keeps what leaves in the records until it is gone, so that every pass looks for it.
fn record_leaving(records: &mut Records, found: &Evaluation) {
    let looked_at = |id: &Id| found.observed.contains(id.kind());
    for (id, record) in records.iter_mut() {
        if looked_at(id) {
            record.leaving.clear();
        }
        record.settled &= found.outcomes.contains_key(id);
    }
    for present in found.leaving.keys() {
        let record = records.entry(present.id.clone()).or_insert_with(|| Record {
            outputs: Outputs::id(&present.physical),
            settled: false,
            incarnation: 1,
            since: Timestamp::UNIX_EPOCH,
            leaving: vec![],
        });
        record.leaving.push(present.physical.clone());
    }
    if found.complete {
        records.retain(|id, record| {
            found.outcomes.contains_key(id) || !looked_at(id) || !record.leaving.is_empty()
        });
    }
}

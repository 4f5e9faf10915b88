//! The archive function: states that were recorded go into the archive, a few at a time; a sweep finds the rest.
//!
//! Nothing begins so late that it could not end before the function's time-out, unless calls hang; even then nothing is
//! lost: the messages come again, and find what was done.

mod event;
#[cfg(test)]
mod tests;

use std::pin::pin;

use futures::{StreamExt, stream};
use jiff::SignedDuration;
use serde::Serialize;
use windlass_archive::{ArchiveError, Outcome, Settings, StateKey, SweepReport, archive_state, sweep};
use windlass_engine::{CallCounts, Clock, Metered, Port};

use crate::batch::{Batch, BatchResponse, How, Invocation, LeftAlone, Record};
use crate::log::{Level, Log, Nothing, chain};
use crate::metrics::{self, ArchiveMetrics};
use event::Message;

/// States that are archived at a time.
const AT_ONCE: usize = 8;
/// The least time that a state is begun with: one call that hangs, and the others.
const LEAST: SignedDuration = SignedDuration::from_secs(15);
/// Most lines about single objects that a sweep logs of one kind.
const LINES: usize = 20;

/// Everything the function needs to work on batches.
pub struct Archiver<'a, P> {
    /// The way to AWS.
    pub port: &'a P,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The archive's settings.
    pub settings: &'a Settings,
    /// Where lines go.
    pub log: &'a Log<'a>,
    /// The function's name in metrics: `archive`.
    pub function: &'a str,
}

/// What a batch asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Work {
    /// States, each with the messages about it.
    states: Vec<(StateKey, Vec<String>)>,
    /// Messages that ask for a sweep: one answers them all.
    sweeps: Vec<String>,
    /// Messages that ask for nothing.
    left_alone: Vec<LeftAlone>,
}

/// What a batch came to.
#[derive(Default)]
struct Tally {
    archived: usize,
    failed: usize,
    woken: usize,
    left: usize,
}

#[derive(Serialize)]
struct StateLine {
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed: Option<usize>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    key: &'a str,
    error: String,
}

#[derive(Serialize)]
struct KeyLine<'a> {
    key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SweepLine {
    archived: usize,
    woken: Vec<String>,
    gates: Vec<String>,
    ticks: Vec<String>,
    odd: usize,
    failed: usize,
    left: usize,
    duration_ms: i128,
}

impl<P: Port> Archiver<'_, P> {
    /// Works on a batch until it is done or time runs out.
    pub async fn process(&self, invocation: &Invocation, batch: &Batch) -> BatchResponse {
        self.log.set_request(&invocation.request);
        let began = self.clock.now();
        let port = Metered::new(self.port);
        let work = sort(&self.settings.state_bucket, &batch.records);
        let (mut response, mut tally) = (BatchResponse::default(), Tally::default());
        for left_alone in &work.left_alone {
            left_alone.report(self.log, &mut response);
        }
        self.states(&port, invocation, &work.states, &mut response, &mut tally)
            .await;
        if !work.sweeps.is_empty() && !self.sweep(&port, invocation, &mut tally).await {
            response.fail(&work.sweeps);
        }
        self.measure(began, &port.counts(), &tally);
        response
    }

    fn in_time(&self, invocation: &Invocation) -> bool {
        invocation.deadline.duration_since(self.clock.now()) >= LEAST
    }

    async fn states<M: Port>(
        &self,
        port: &M,
        invocation: &Invocation,
        states: &[(StateKey, Vec<String>)],
        response: &mut BatchResponse,
        tally: &mut Tally,
    ) {
        let tried = stream::iter(states).map(async |(key, messages)| {
            let result = if self.in_time(invocation) {
                Some(archive_state(port, self.settings, key).await)
            } else {
                None
            };
            (key, messages, result)
        });
        let mut tried = pin!(tried.buffered(AT_ONCE));
        while let Some((key, messages, result)) = tried.next().await {
            match result {
                Some(Ok(outcome)) => {
                    tally.archived += usize::from(matches!(outcome, Outcome::Archived { .. }));
                    self.report_state(key, outcome);
                }
                Some(Err(error)) => {
                    tally.failed += 1;
                    self.report_error(
                        "state not archived: its message comes again",
                        &key.recorded(),
                        &error,
                    );
                    response.fail(messages);
                }
                None => {
                    tally.left += 1;
                    response.fail(messages);
                }
            }
        }
        if tally.left > 0 {
            self.log
                .write(Level::Warn, "no time left for the rest of the batch", Nothing {});
        }
    }

    fn report_state(&self, key: &StateKey, outcome: Outcome) {
        let state = key.recorded();
        let (level, message, size, packed) = match outcome {
            Outcome::Archived { size, packed } => (Level::Info, "state archived", Some(size), Some(packed)),
            Outcome::Same => (Level::Debug, "state was archived already", None, None),
            Outcome::Gone => (Level::Warn, "state is gone: nothing to archive", None, None),
        };
        self.log.write(level, message, StateLine { state, size, packed });
    }

    fn report_error(&self, message: &str, key: &str, error: &ArchiveError) {
        let error = chain(error);
        self.log.write(Level::Error, message, ErrorLine { key, error });
    }

    /// Sweeps; answers whether all went well. What is left for the next sweep is well.
    async fn sweep<M: Port>(&self, port: &M, invocation: &Invocation, tally: &mut Tally) -> bool {
        if !self.in_time(invocation) {
            self.log.write(Level::Warn, "no time left to sweep", Nothing {});
            return false;
        }
        let began = self.clock.now();
        match sweep(port, self.clock, self.settings, invocation.deadline - LEAST).await {
            Ok(report) => {
                self.report_sweep(&report, self.clock.now().duration_since(began));
                tally.archived += report.archived.len();
                tally.failed += report.failed.len();
                tally.woken += report.woken.len();
                tally.left += report.left;
                report.failed.is_empty()
            }
            Err(error) => {
                tally.failed += 1;
                self.report_error(
                    "sweep failed: it comes again",
                    &self.settings.state_bucket,
                    &error,
                );
                false
            }
        }
    }

    fn report_sweep(&self, report: &SweepReport, duration: SignedDuration) {
        for key in report.odd.iter().take(LINES) {
            self.log.write(
                Level::Warn,
                "a key below states/ that names no state: not archived",
                KeyLine { key },
            );
        }
        for (key, error) in report.failed.iter().take(LINES) {
            self.report_error("the sweep failed here: it comes again", key, error);
        }
        let line = SweepLine {
            archived: report.archived.len(),
            woken: report.woken.iter().map(ToString::to_string).collect(),
            gates: report.gates.clone(),
            ticks: report.ticks.iter().map(ToString::to_string).collect(),
            odd: report.odd.len(),
            failed: report.failed.len(),
            left: report.left,
            duration_ms: duration.as_millis(),
        };
        let level = match report.left {
            0 => Level::Info,
            _ => Level::Warn,
        };
        self.log.write(level, "sweep ended", line);
    }

    fn measure(&self, began: jiff::Timestamp, calls: &CallCounts, tally: &Tally) {
        let at = self.clock.now();
        let metrics = ArchiveMetrics {
            at,
            duration: at.duration_since(began),
            calls,
            archived: tally.archived,
            failed: tally.failed,
            woken: tally.woken,
            left: tally.left,
        };
        self.log.line(&metrics::archive_line(self.function, &metrics));
    }
}

/// Sorts the records of a batch.
fn sort(state_bucket: &str, records: &[Record]) -> Work {
    let mut work = Work::default();
    for record in records {
        match event::read(state_bucket, &record.body) {
            Message::State(key) => work.add(key, &record.message_id),
            Message::Sweep => work.sweeps.push(record.message_id.clone()),
            Message::Foreign { why } => work.left_alone.push(LeftAlone::new(record, why, How::Foreign)),
            Message::Unknown { why } => work.left_alone.push(LeftAlone::new(record, why, How::Poison)),
        }
    }
    work
}

impl Work {
    fn add(&mut self, key: StateKey, message: &str) {
        let message = message.to_owned();
        match self.states.iter_mut().find(|(known, _)| *known == key) {
            Some((_, messages)) => messages.push(message),
            None => self.states.push((key, vec![message])),
        }
    }
}

//! The scale function: a scaling alarm that went off, a state that was recorded, or a tick of its own leads to one decision
//! about a stack's capacity.
//!
//! Messages that say the same are answered by one look, and so are alarms and states of one stack: all of them say no more
//! than "look at this stack". What cannot be read goes to the dead-letter queue, with what it lacks in the log; other
//! events of AWS's are counted and acknowledged.

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::Serialize;
use windlass_archive::StateKey;
use windlass_engine::{
    CallCounts, Clock, EventError, Metered, PassError, Port, ScaleOccasion, ScaleReport, ScaleSettings, scale,
};

use crate::batch::{Batch, BatchResponse, How, Invocation, LeftAlone, Record};
use crate::event::{Happened, S3Event};
use crate::log::{Level, Log, Nothing, chain};
use crate::metrics::{self, ScaleMetrics};

/// The least time that a decision is begun with: calls that hang, one after the other, and writing it down.
const LEAST: SignedDuration = SignedDuration::from_secs(15);

/// Everything the function needs to work on batches.
pub struct Scaler<'a, P> {
    /// The way to AWS.
    pub port: &'a P,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where things are.
    pub settings: &'a ScaleSettings,
    /// Where lines go.
    pub log: &'a Log<'a>,
    /// The function's name in metrics: `scale`.
    pub function: &'a str,
}

/// What a batch asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Work {
    /// Looks, each with the messages that ask for it.
    looks: Vec<(ScaleOccasion, Vec<String>)>,
    /// Messages that ask for nothing.
    left_alone: Vec<LeftAlone>,
}

/// What a batch came to.
#[derive(Default)]
struct Tally {
    decisions: usize,
    changes: usize,
    ignored: usize,
    failed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionLine<'a> {
    stack: &'a str,
    because: &'a str,
    from: u32,
    to: u32,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'a str>,
    ticks: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftAloneLine {
    stack: Option<String>,
    left_alone: Option<&'static str>,
}

#[derive(Serialize)]
struct ErrorLine {
    stack: String,
    error: String,
}

impl<P: Port> Scaler<'_, P> {
    /// Works on a batch until it is done or time runs out.
    pub async fn process(&self, invocation: &Invocation, batch: &Batch) -> BatchResponse {
        self.log.set_request(&invocation.request);
        let began = self.clock.now();
        let port = Metered::new(self.port);
        let work = sort(&self.settings.state_bucket, &batch.records);
        let (mut response, mut tally) = (BatchResponse::default(), Tally::default());
        for left_alone in &work.left_alone {
            tally.ignored += usize::from(left_alone.how == How::Nothing);
            left_alone.report(self.log, &mut response);
        }
        for (occasion, messages) in &work.looks {
            if invocation.deadline.duration_since(self.clock.now()) < LEAST {
                self.log
                    .write(Level::Warn, "no time left for the rest of the batch", Nothing {});
                response.fail(messages);
                continue;
            }
            let looked = Box::pin(scale(
                &port,
                self.clock,
                self.settings,
                occasion,
                &invocation.request,
            ))
            .await;
            if !self.report(occasion, looked, &mut tally) {
                response.fail(messages);
            }
        }
        self.measure(began, &port.counts(), &tally);
        response
    }

    /// Logs what a look came to; answers whether it ended well.
    fn report(
        &self,
        occasion: &ScaleOccasion,
        looked: Result<ScaleReport, PassError>,
        tally: &mut Tally,
    ) -> bool {
        let report = match looked {
            Ok(report) => report,
            Err(error) => {
                tally.failed += 1;
                let line = ErrorLine {
                    stack: occasion.stack().to_string(),
                    error: chain(&error),
                };
                self.log
                    .write(Level::Error, "nothing was decided: the message comes again", line);
                return false;
            }
        };
        if let Some(error) = report.failed {
            tally.failed += 1;
            let line = ErrorLine {
                stack: occasion.stack().to_string(),
                error,
            };
            self.log
                .write(Level::Warn, "a call failed: it is looked again shortly", line);
            return true;
        }
        let Some(entry) = &report.entry else {
            let line = LeftAloneLine {
                stack: report.stack.map(|stack| stack.to_string()),
                left_alone: report.left_alone,
            };
            self.log.write(Level::Debug, "looked", line);
            return true;
        };
        let decision = &entry.decision;
        tally.decisions += 1;
        tally.changes += usize::from(decision.changes() && entry.held.is_none() && entry.failed.is_none());
        let line = DecisionLine {
            stack: &entry.stack,
            because: &entry.because,
            from: decision.from,
            to: decision.to,
            reason: &decision.reason,
            held: entry.held.as_deref(),
            failed: entry.failed.as_deref(),
            ticks: report.ticks,
        };
        let level = match (&entry.failed, decision.changes()) {
            (Some(_), _) => Level::Warn,
            (None, true) => Level::Info,
            (None, false) => Level::Debug,
        };
        self.log.write(level, "decided", line);
        true
    }

    fn measure(&self, at: jiff::Timestamp, calls: &CallCounts, tally: &Tally) {
        let now = self.clock.now();
        let metrics = ScaleMetrics {
            at: now,
            duration: now.duration_since(at),
            calls,
            decisions: tally.decisions,
            changes: tally.changes,
            ignored: tally.ignored,
            failed: tally.failed,
        };
        self.log.line(&metrics::scale_line(self.function, &metrics));
    }
}

/// What a batch asks for: one look for each stack that something happened to, and one for each tick.
fn sort(state_bucket: &str, records: &[Record]) -> Work {
    let mut work = Work::default();
    for record in records {
        match read(state_bucket, &record.body) {
            Ok(Some(occasion)) => work.add(occasion, &record.message_id),
            Ok(None) => {
                let left_alone = LeftAlone::new(record, "it asks for nothing".into(), How::Nothing);
                work.left_alone.push(left_alone);
            }
            Err(error) => {
                let left_alone = LeftAlone::new(record, error.to_string(), How::Poison);
                work.left_alone.push(left_alone);
            }
        }
    }
    work
}

/// Reads a message: a state that was recorded, or what the engine knows. `Ok(None)` asks for nothing.
fn read(state_bucket: &str, body: &str) -> Result<Option<ScaleOccasion>, EventError> {
    let Ok(event) = serde_json::from_str::<S3Event>(body) else {
        return ScaleOccasion::parse(body);
    };
    let is_new = event.happened() == Ok(Happened::Created) && event.bucket() == state_bucket;
    let state = StateKey::parse(event.key()).filter(|_| is_new);
    Ok(state.map(|state| ScaleOccasion::Recorded {
        stack: state.stack,
        serial: state.serial,
    }))
}

impl Work {
    fn add(&mut self, occasion: ScaleOccasion, message: &str) {
        let same = |one: &ScaleOccasion| match (one, &occasion) {
            (ScaleOccasion::Woken(one), ScaleOccasion::Woken(other)) => one == other,
            (ScaleOccasion::Woken(_), _) | (_, ScaleOccasion::Woken(_)) => false,
            (one, other) => one.stack() == other.stack(),
        };
        match self.looks.iter_mut().find(|(one, _)| same(one)) {
            Some((one, messages)) => {
                messages.push(message.to_owned());
                // A state may have nothing new to say; an alarm always has, and most of all one that goes off.
                let says = |occasion: &ScaleOccasion| match occasion {
                    ScaleOccasion::Alarm { .. } => 2,
                    ScaleOccasion::Unheard { .. } => 1,
                    ScaleOccasion::Recorded { .. } | ScaleOccasion::Woken(_) => 0,
                };
                if says(&occasion) > says(one) {
                    *one = occasion;
                }
            }
            None => self.looks.push((occasion, vec![message.to_owned()])),
        }
    }
}

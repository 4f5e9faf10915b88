//! The lifecycle function: instances that wait for their launch hook are looked at, one look for all of a group; spot
//! instances that EC2 takes back are replaced.
//!
//! Messages that say the same are answered by one look. What cannot be read goes to the dead-letter queue, with what it
//! lacks in the log; other events of AWS's are counted and acknowledged.

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::Serialize;
use windlass_engine::{
    CallCounts, Clock, LifecycleSettings, LookReport, Metered, Occasion, PassError, Port, look,
};

use crate::batch::{Batch, BatchResponse, How, Invocation, LeftAlone, Record};
use crate::log::{Level, Log, Nothing, chain};
use crate::metrics::{self, LifecycleMetrics};

/// The least time that a look is begun with: calls that hang, one after the other, and writing it down.
const LEAST: SignedDuration = SignedDuration::from_secs(15);

/// Everything the function needs to work on batches.
pub struct Gatekeeper<'a, P> {
    /// The way to AWS.
    pub port: &'a P,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where things are.
    pub settings: &'a LifecycleSettings,
    /// Where lines go.
    pub log: &'a Log<'a>,
    /// The function's name in metrics: `lifecycle`.
    pub function: &'a str,
}

/// What a batch asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Work {
    /// Looks, each with the messages that ask for it.
    looks: Vec<(Occasion, Vec<String>)>,
    /// Messages that ask for nothing.
    left_alone: Vec<LeftAlone>,
}

/// What a batch came to.
#[derive(Default)]
struct Tally {
    admitted: usize,
    rejected: usize,
    ignored: usize,
    failed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LookLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    admitted: &'a [String],
    left: &'a [String],
    waiting: usize,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    interrupted: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    at_risk: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone: Option<&'a str>,
}

#[derive(Serialize)]
struct RejectedLine<'a> {
    stack: &'a str,
    instance: &'a str,
    cause: &'a str,
}

#[derive(Serialize)]
struct ErrorLine {
    error: String,
}

impl<P: Port> Gatekeeper<'_, P> {
    /// Works on a batch until it is done or time runs out.
    pub async fn process(&self, invocation: &Invocation, batch: &Batch) -> BatchResponse {
        self.log.set_request(&invocation.request);
        let began = self.clock.now();
        let port = Metered::new(self.port);
        let work = sort(&batch.records);
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
            let looked = look(&port, self.clock, self.settings, occasion, &invocation.request).await;
            if !self.report(looked, &mut tally) {
                response.fail(messages);
            }
        }
        self.measure(began, &port.counts(), &tally);
        response
    }

    /// Logs what a look came to; answers whether it ended well.
    fn report(&self, looked: Result<LookReport, PassError>, tally: &mut Tally) -> bool {
        let report = match looked {
            Ok(report) => report,
            Err(error) => {
                tally.failed += 1;
                let error = chain(&error);
                self.log.write(
                    Level::Error,
                    "the look failed: its message comes again",
                    ErrorLine { error },
                );
                return false;
            }
        };
        tally.admitted += report.admitted.len();
        tally.rejected += report.rejected.len();
        let stack = report.stack.as_ref().map(ToString::to_string);
        for (instance, cause) in &report.rejected {
            let line = RejectedLine {
                stack: stack.as_deref().unwrap_or_default(),
                instance,
                cause,
            };
            self.log.write(Level::Warn, "an instance was given up", line);
        }
        let nothing = [
            &report.admitted,
            &report.left,
            &report.interrupted,
            &report.at_risk,
        ];
        let level = if nothing.into_iter().all(Vec::is_empty) {
            Level::Debug
        } else {
            Level::Info
        };
        let line = LookLine {
            stack,
            admitted: &report.admitted,
            left: &report.left,
            waiting: report.waiting,
            interrupted: &report.interrupted,
            at_risk: &report.at_risk,
            left_alone: report.left_alone,
        };
        self.log.write(level, "looked", line);
        true
    }

    fn measure(&self, at: jiff::Timestamp, calls: &CallCounts, tally: &Tally) {
        let now = self.clock.now();
        let metrics = LifecycleMetrics {
            at: now,
            duration: now.duration_since(at),
            calls,
            admitted: tally.admitted,
            rejected: tally.rejected,
            ignored: tally.ignored,
            failed: tally.failed,
        };
        self.log.line(&metrics::lifecycle_line(self.function, &metrics));
    }
}

/// What a batch asks for: one look for all that wait in a group, and one for each wake-up.
fn sort(records: &[Record]) -> Work {
    let mut work = Work::default();
    for record in records {
        match Occasion::parse(&record.body) {
            Ok(Some(occasion)) => work.add(occasion, &record.message_id),
            Ok(None) => {
                let left_alone = LeftAlone::new(record, "another event".into(), How::Nothing);
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

impl Work {
    fn add(&mut self, occasion: Occasion, message: &str) {
        let same = |one: &Occasion| match (one, &occasion) {
            (Occasion::Waits { group: one, .. }, Occasion::Waits { group: other, .. }) => one == other,
            (one, other) => one == other,
        };
        match self.looks.iter_mut().find(|(one, _)| same(one)) {
            Some((_, messages)) => messages.push(message.to_owned()),
            None => self.looks.push((occasion, vec![message.to_owned()])),
        }
    }
}

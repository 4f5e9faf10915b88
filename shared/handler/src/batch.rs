//! A batch of messages, pass by pass, to the partial batch response.
//!
//! Passes run one after another. Before each one the time that is left is looked at: a pass that could not end before
//! the function's time-out does not begin, and its messages come again.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use windlass_engine::{
    Clock, Job, Metered, PassError, PassReport, Phase, Port, Settings, Verdict, pass, reject_key,
};
use windlass_spec::StackId;

use crate::log::{Level, Log, Nothing};
use crate::metrics::{self, PassMetrics};
use crate::work::{self, BadKey, How, LeftAlone, PassWork, StackWork};

/// Time that a pass needs after its budget and its last call, to record what it did.
const RECORDING: SignedDuration = SignedDuration::from_secs(5);
/// The least budget that a pass is worth beginning with.
const LEAST_BUDGET: SignedDuration = SignedDuration::from_secs(5);

/// A batch of messages, as Lambda hands it over from SQS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id, which the answer refers to.
    pub message_id: String,
    /// What it says.
    pub body: String,
}

/// Which messages failed and must come again. All others are acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl BatchResponse {
    fn fail(&mut self, messages: &[String]) {
        let failures = messages.iter().map(|id| Failure {
            item_identifier: id.clone(),
        });
        self.batch_item_failures.extend(failures);
    }

    /// Ids of the messages that failed.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.batch_item_failures
            .iter()
            .map(|failure| failure.item_identifier.as_str())
    }
}

/// One run of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The request's id.
    pub request: String,
    /// When Lambda stops it.
    pub deadline: Timestamp,
}

/// Everything a function needs to work on batches.
pub struct Processor<'a, P> {
    /// The way to AWS.
    pub port: &'a P,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The engine's settings; a pass gets less budget when less time is left.
    pub settings: &'a Settings,
    /// Where lines go.
    pub log: &'a Log<'a>,
    /// The function's name in metrics: `provision`.
    pub function: &'a str,
}

/// How one pass of the invocation ended, for the log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PassLine<'a> {
    stack: &'a str,
    pass: u32,
    verdict: String,
    phase: Option<Phase>,
    steps: Vec<String>,
    waiting: usize,
    serial: u64,
    duration_ms: i128,
}

/// A pass that did not end well, for the log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureLine<'a> {
    stack: &'a str,
    pass: u32,
    error: String,
    duration_ms: i128,
}

#[derive(Serialize)]
struct KeyLine<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageLine<'a> {
    message_id: &'a str,
    why: &'a str,
    body: &'a str,
}

#[derive(Serialize)]
struct StackLine {
    stack: String,
}

impl<P: Port> Processor<'_, P> {
    /// Works on a batch until it is done or time runs out.
    pub async fn process(&self, invocation: &Invocation, batch: &Batch) -> BatchResponse {
        self.log.set_request(&invocation.request);
        let work = work::sort(&self.settings.spec_bucket, &batch.records);
        let mut response = BatchResponse::default();
        for left_alone in &work.left_alone {
            self.leave_alone(left_alone, &mut response);
        }
        for bad in &work.bad_keys {
            self.reject(invocation, bad, &mut response).await;
        }
        let mut number = 0;
        for stack in &work.stacks {
            self.stack(invocation, stack, &mut number, &mut response).await;
        }
        response
    }

    fn leave_alone(&self, left: &LeftAlone, response: &mut BatchResponse) {
        let line = MessageLine {
            message_id: &left.message,
            why: &left.why,
            body: &left.body,
        };
        match left.how {
            How::Nothing => self.log.write(Level::Debug, "nothing to do", line),
            How::Foreign => self.log.write(Level::Warn, "message ignored", line),
            How::Poison => {
                self.log.write(
                    Level::Error,
                    "message not understood: it goes to the dead-letter queue",
                    line,
                );
                response.fail(std::slice::from_ref(&left.message));
            }
        }
    }

    async fn reject(&self, invocation: &Invocation, bad: &BadKey, response: &mut BatchResponse) {
        if self.budget(invocation).is_none() {
            self.log
                .write(Level::Warn, "no time left for the rest of the batch", Nothing {});
            return response.fail(&bad.messages);
        }
        let rejected = reject_key(self.port, self.clock, self.settings, &bad.key).await;
        let error = rejected.as_ref().err().map(chain);
        let line = KeyLine { key: &bad.key, error };
        if rejected.is_ok() {
            self.log
                .write(Level::Warn, "spec rejected: its key names no stack", line);
        } else {
            self.log
                .write(Level::Error, "the rejection could not be written", line);
            response.fail(&bad.messages);
        }
    }

    /// Runs the passes of one stack. A pass that went through answers for the wake-ups behind it as well: it recorded
    /// the wake-up that counts from now on.
    async fn stack(
        &self,
        invocation: &Invocation,
        work: &StackWork,
        number: &mut u32,
        response: &mut BatchResponse,
    ) {
        for pass in &work.passes {
            let Some(budget) = self.budget(invocation) else {
                let stack = work.stack.to_string();
                self.log.write(
                    Level::Warn,
                    "no time left for the rest of the batch",
                    StackLine { stack },
                );
                response.fail(&pass.messages);
                continue;
            };
            *number += 1;
            match self.pass(invocation, &work.stack, pass, *number, budget).await {
                Some(Verdict::Done) => return,
                Some(_) => {}
                None => response.fail(&pass.messages),
            }
        }
    }

    /// The budget of a pass that begins now; `None` if it could not end in time.
    fn budget(&self, invocation: &Invocation) -> Option<SignedDuration> {
        let left = invocation.deadline.duration_since(self.clock.now());
        let budget = self.settings.budget.min(left - self.settings.call - RECORDING);
        (budget >= LEAST_BUDGET).then_some(budget)
    }

    /// Runs one pass; `None` if it must be tried again.
    async fn pass(
        &self,
        invocation: &Invocation,
        stack: &StackId,
        work: &PassWork,
        number: u32,
        budget: SignedDuration,
    ) -> Option<Verdict> {
        let job = Job {
            stack: stack.clone(),
            trigger: work.trigger.clone(),
            invocation: format!("{}/{stack}/{number}", invocation.request),
        };
        let settings = Settings {
            budget,
            ..self.settings.clone()
        };
        let port = Metered::new(self.port);
        let began = self.clock.now();
        let result = pass(&port, self.clock, &settings, &job).await;
        let at = self.clock.now();
        let (stack, duration) = (stack.to_string(), at.duration_since(began));
        self.report_pass(&stack, number, duration, &result);
        let report = result.as_ref().ok();
        let calls = port.counts();
        let metrics = PassMetrics {
            at,
            stack: &stack,
            duration,
            calls: &calls,
            steps: report.map_or(0, |report| report.steps.len()),
            waiting: report.map_or(0, |report| report.waiting),
        };
        self.log.line(&metrics::line(self.function, &metrics));
        report.map(|report| report.verdict)
    }

    fn report_pass(
        &self,
        stack: &str,
        pass: u32,
        duration: SignedDuration,
        result: &Result<PassReport, PassError>,
    ) {
        let duration_ms = duration.as_millis();
        match result {
            Ok(report) => self.log.write(
                level(report),
                "pass ended",
                PassLine {
                    stack,
                    pass,
                    verdict: format!("{:?}", report.verdict),
                    phase: report.phase,
                    steps: steps(report),
                    waiting: report.waiting,
                    serial: report.serial,
                    duration_ms,
                },
            ),
            Err(error) => self.log.write(
                Level::Error,
                "pass failed: its messages come again",
                FailureLine {
                    stack,
                    pass,
                    error: chain(error),
                    duration_ms,
                },
            ),
        }
    }
}

/// A pass whose answer is that a person must act is worth a warning.
fn level(report: &PassReport) -> Level {
    match (report.verdict, report.phase) {
        (Verdict::Rejected | Verdict::NoSpec, _)
        | (_, Some(Phase::Failed | Phase::Degraded | Phase::Rejected)) => Level::Warn,
        _ => Level::Info,
    }
}

/// `vpc ec2:CreateVpc`, one for each mutating call.
fn steps(report: &PassReport) -> Vec<String> {
    let steps = report.steps.iter();
    steps.map(|(id, action)| format!("{id} {action}")).collect()
}

/// An error and what caused it, in one line; a cause that was quoted already is not said again.
fn chain(error: &PassError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

//! The provision function: a batch of messages, pass by pass, to the partial batch response.
//!
//! Passes run one after another. Before each one the time that is left is looked at: a pass that could not end before
//! the function's time-out does not begin, and its messages come again.

mod event;
#[cfg(test)]
mod tests;
mod work;

use jiff::SignedDuration;
use serde::Serialize;
use windlass_calls::ec2::DescribeInstances;
use windlass_calls::{Class, Filters};
use windlass_engine::{
    Clock, Job, Metered, PassError, PassReport, Phase, Port, Settings, Verdict, pass, reject_key,
};
use windlass_planner::names;
use windlass_spec::StackId;

use crate::batch::{Batch, BatchResponse, Invocation};
use crate::log::{Level, Log, Nothing, chain};
use crate::metrics::{self, PassMetrics};
use work::{BadKey, InstanceWork, PassWork, StackWork, Work};

pub use event::{Message, read};

/// Time that a pass needs after its budget and its last call, to record what it did.
const RECORDING: SignedDuration = SignedDuration::from_secs(5);
/// The least budget that a pass is worth beginning with.
const LEAST_BUDGET: SignedDuration = SignedDuration::from_secs(5);

/// Everything the function needs to work on batches.
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
struct InstanceLine<'a> {
    instance: &'a str,
    error: String,
}

#[derive(Serialize)]
struct StackLine {
    stack: String,
}

impl<P: Port> Processor<'_, P> {
    /// Works on a batch until it is done or time runs out.
    pub async fn process(&self, invocation: &Invocation, batch: &Batch) -> BatchResponse {
        self.log.set_request(&invocation.request);
        let mut work = work::sort(&self.settings.spec_bucket, &batch.records);
        let mut response = BatchResponse::default();
        for left_alone in &work.left_alone {
            left_alone.report(self.log, &mut response);
        }
        for bad in &work.bad_keys {
            self.reject(invocation, bad, &mut response).await;
        }
        for instance in std::mem::take(&mut work.instances) {
            self.look_up(&instance, &mut work, &mut response).await;
        }
        let mut number = 0;
        for stack in &work.stacks {
            self.stack(invocation, stack, &mut number, &mut response).await;
        }
        response
    }

    /// Finds out whose instance it is. Only a fixed instance is Windlass's to replace: a group replaces its own, and
    /// what is foreign is dropped without a word, for these events come from the whole account (rule 58).
    async fn look_up(&self, work: &InstanceWork, all: &mut Work, response: &mut BatchResponse) {
        let describe = DescribeInstances {
            filters: Filters::from([("instance-id".to_owned(), vec![work.instance.clone()])]),
        };
        match self.port.call(describe).await {
            Ok(found) => {
                if let Some(stack) = found
                    .iter()
                    .find_map(|instance| names::fixed_instance_of(&instance.tags))
                {
                    all.add_looks(&stack, &work.messages);
                }
            }
            Err(error) if error.class == Class::Gone => {}
            Err(error) => {
                let (instance, error) = (&work.instance, error.to_string());
                self.log.write(
                    Level::Warn,
                    "an instance could not be looked up: its event comes again",
                    InstanceLine { instance, error },
                );
                response.fail(&work.messages);
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
        let error = rejected.as_ref().err().map(|error| chain(error));
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

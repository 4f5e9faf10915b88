//! Instances whose time is up: they are asked about themselves, and given up with the likely cause.
//!
//! An answer takes seconds, and a look does not wait: the look that finds an instance late sends it one command and
//! remembers its id; a later one reads what it printed. An instance whose agent does not answer, and one that has had its
//! time to, is given up without its word: nothing keeps it.

use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::Timestamp;
use windlass_calls::autoscaling::{HookResult, SuspendProcesses};
use windlass_calls::elb::TargetHealth;
use windlass_calls::s3::Condition;
use windlass_calls::sns::Publish;
use windlass_calls::ssm::{CommandId, DescribeInstanceInformation, GetCommandInvocation, SendCommand};
use windlass_calls::{CallError, Class};
use windlass_planner::{Id, names};
use windlass_readiness::cause::agent::COMMANDS;
use windlass_readiness::cause::evidence::Agent;
use windlass_readiness::gate::{Memory, Question, Steps};
use windlass_spec::StackId;

use super::document::{Readiness, Rejected};
use super::explain::{Entry, Subject, explain};
use super::look::{LAUNCH, Recorded, Session};
use super::{LookReport, notice};
use crate::document::StateDocument;
use crate::pass::PassError;
use crate::port::Port;
use crate::store::journal_key;

/// Seconds within which the agent has to begin: the least that AWS takes.
const DELIVERY: u32 = 30;
/// Seconds that the command may run.
const RUNS: u32 = 20;

/// What became of those whose time is up.
#[derive(Default)]
pub(super) struct Ended {
    /// Who is kept waiting.
    pub(super) kept: BTreeSet<String>,
    /// Who was given up.
    pub(super) rejected: Vec<String>,
    /// What people are to be told of: another round failed.
    pub(super) notice: Option<Publish>,
}

/// What an instance said of itself.
enum Answer {
    /// Nothing yet.
    Open,
    /// It will not.
    None,
    /// This.
    Is(Agent),
}

impl Answer {
    fn into_agent(self) -> Option<Agent> {
        match self {
            Self::Is(agent) => Some(agent),
            Self::Open | Self::None => None,
        }
    }
}

impl<P: Port> Session<'_, P> {
    /// Asks who is late for the first time, and gives up who was asked before or cannot be asked.
    pub(super) async fn end(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        steps: &Steps,
        health: &[TargetHealth],
        report: &mut LookReport,
    ) -> Result<Ended, PassError> {
        let now = self.clock.now();
        let mut ended = Ended::default();
        let mut late = Vec::new();
        for (id, sent) in steps.ask.iter().zip(self.ask(&steps.ask).await) {
            match sent {
                Some(CommandId(command)) => {
                    document.memory.asked(id, command, now);
                    ended.kept.insert(id.clone());
                }
                None => late.push((id, None)),
            }
        }
        let answers = self.answers(&document.memory, &steps.reject, now).await;
        for (id, answer) in steps.reject.iter().zip(answers) {
            if matches!(answer, Answer::Open) {
                ended.kept.insert(id.clone());
            } else {
                late.push((id, answer.into_agent()));
            }
        }
        if late.is_empty() {
            return Ok(ended);
        }
        let Some(recorded) = self.recorded(stack).await? else {
            ended.kept.extend(late.into_iter().map(|(id, _)| id.clone()));
            return Ok(ended);
        };
        let subjects: Vec<Subject> = late
            .iter()
            .map(|(id, agent)| Subject {
                id,
                target: health.iter().find(|target| target.target == **id),
                agent: agent.as_ref(),
            })
            .collect();
        let entries = explain(self.port, stack, &recorded.state, &document.probe, &subjects, now).await;
        self.give_up(stack, document, &recorded, &entries, &mut ended, report)
            .await?;
        Ok(ended)
    }

    /// Sends each instance whose agent answers the command that asks it about itself.
    async fn ask(&self, ids: &[String]) -> Vec<Option<CommandId>> {
        if ids.is_empty() {
            return vec![];
        }
        let instances = ids.to_vec();
        let agents = self.port.call(DescribeInstanceInformation { instances }).await;
        let agents = agents.unwrap_or_default();
        let online = |id: &String| {
            let mut agents = agents.iter();
            agents.any(|agent| agent.instance == *id && agent.is_online())
        };
        join_all(ids.iter().map(async |id| {
            if !online(id) {
                return None;
            }
            let send = SendCommand {
                instance: id.clone(),
                commands: COMMANDS.map(str::to_owned).to_vec(),
                delivery: DELIVERY,
                timeout: RUNS,
            };
            self.port.call(send).await.ok()
        }))
        .await
    }

    async fn answers(&self, memory: &Memory, ids: &[String], now: Timestamp) -> Vec<Answer> {
        join_all(ids.iter().map(async |id| match memory.question(id) {
            Some(question) => self.answer(question, id, now).await,
            None => Answer::None,
        }))
        .await
    }

    async fn answer(&self, question: &Question, id: &str, now: Timestamp) -> Answer {
        let get = GetCommandInvocation {
            command: question.command.clone(),
            instance: id.to_owned(),
        };
        match self.port.call(get).await {
            Ok(invocation) if invocation.has_ended() => Answer::Is(Agent::read(&invocation.output)),
            Err(CallError { class, .. }) if class != Class::NotYet => Answer::None,
            _ if question.is_open(now) => Answer::Open,
            _ => Answer::None,
        }
    }

    /// If these are one round too many, nothing more is to be launched: giving an instance up launches another one at once
    /// (rule 62). It is written down first: what nobody remembers to have suspended, nobody lets go on. `false` if somebody
    /// else wrote meanwhile.
    async fn suspend_before(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        spec_version: &str,
        ids: &[&str],
    ) -> Result<bool, PassError> {
        let mut then = document.clone();
        then.follow(spec_version, self.clock.now());
        if then.suspended.is_none() {
            if !then.memory.would_be_too_many(ids) {
                return Ok(true);
            }
            then.suspend(spec_version, self.clock.now());
            if !self.write(stack, &mut then).await? {
                return Ok(false);
            }
            *document = then;
        }
        // Once more, if whoever wrote it down died before.
        let group = document.group.clone();
        let processes = vec![LAUNCH.into()];
        self.port.call(SuspendProcesses { group, processes }).await?;
        Ok(true)
    }

    /// Writes down why, and gives each of them up. One that cannot be given up is kept.
    async fn give_up(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        recorded: &Recorded,
        entries: &[Entry],
        ended: &mut Ended,
        report: &mut LookReport,
    ) -> Result<(), PassError> {
        let now = self.clock.now();
        let StateDocument { spec_version, .. } = &recorded.state;
        let mut told = None;
        let ids: Vec<&str> = entries.iter().map(|entry| entry.instance.as_str()).collect();
        if !self.suspend_before(stack, document, spec_version, &ids).await? {
            ended.kept.extend(ids.into_iter().map(str::to_owned));
            return Ok(());
        }
        for entry in entries {
            let id = &entry.instance;
            let key = journal_key(&stack.to_string(), now, &format!("rejected-{id}"));
            self.store.put(&key, entry, Condition::Always).await?;
            let abandoned = self.complete(&document.group, names::LAUNCH_HOOK, id, HookResult::Abandon);
            if abandoned.await.is_err() {
                ended.kept.insert(id.clone());
                continue;
            }
            document.follow(spec_version, now);
            document.remember(Rejected {
                instance: id.clone(),
                at: now,
                spec_version: spec_version.clone(),
                cause: entry.cause.cause.clone(),
                remedy: entry.cause.remedy.clone(),
            });
            report.rejected.push((id.clone(), entry.cause.cause.clone()));
            ended.rejected.push(id.clone());
            if document.memory.rejected(id, now) {
                told = Some((entry, key));
            }
        }
        let topic = recorded.state.resources.get(&Id::only("topic"));
        let notified = !recorded.state.spec.monitoring.notify.is_empty();
        if let (Some((entry, key)), Some(topic), true) = (told, topic, notified) {
            let kept = format!("s3://{}/{key}", self.settings.state_bucket);
            ended.notice = Some(notice::of(
                entry,
                &topic.outputs.get("arn"),
                &kept,
                ended.rejected.len().saturating_sub(1),
                document.suspended.is_some(),
            ));
        }
        Ok(())
    }
}

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
use windlass_calls::ssm::{CommandId, DescribeInstanceInformation, GetCommandInvocation, SendCommand};
use windlass_calls::{CallError, Class};
use windlass_planner::{Id, names};
use windlass_readiness::cause::agent::COMMANDS;
use windlass_readiness::cause::evidence::Agent;
use windlass_readiness::gate::{Memory, Question, Steps};
use windlass_spec::StackId;

use super::document::{Readiness, Rejected};
use super::explain::{Entry, Subject, explain};
use super::look::{LAUNCH, Session};
use super::{LookReport, notice};
use crate::document::StateDocument;
use crate::pass::PassError;
use crate::port::Port;
use crate::recorded::Recorded;
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
        let Some(recorded) = self.store.recorded(stack).await? else {
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

    /// Writes down who is given up, and that nothing more is to be launched if that is one round too many (rule 62). It comes
    /// before anything is done: what nobody remembers, nobody counts, tells or lets go on; and giving an instance up
    /// launches another one at once. Answers of whom people are to be told, or that somebody else wrote meanwhile.
    async fn condemn(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        spec_version: &str,
        entries: &[Entry],
    ) -> Result<Claimed, PassError> {
        let now = self.clock.now();
        let is_new = |entry: &&Entry| document.memory.given_up(&entry.instance).is_none();
        let new: Vec<&Entry> = entries.iter().filter(is_new).collect();
        let mut told = None;
        if new.is_empty() {
            return Ok(Claimed::ByUs { told });
        }
        let claimed = self.claim(stack, document, |document| {
            document.follow(spec_version, now);
            for entry in new {
                document.remember(Rejected {
                    instance: entry.instance.clone(),
                    at: now,
                    spec_version: spec_version.to_owned(),
                    cause: entry.cause.cause.clone(),
                    remedy: entry.cause.remedy.clone(),
                });
                if document.memory.rejected(&entry.instance, now) {
                    told = Some(entry.instance.clone());
                }
            }
            if !document.is_suspended_for(spec_version) && document.memory.is_too_many() {
                document.suspend(spec_version, now);
            }
        });
        if !claimed.await? {
            return Ok(Claimed::ByOthers);
        }
        Ok(Claimed::ByUs { told })
    }

    /// Gives each of them up, and writes down why. One that cannot be given up is kept, and given up by the next look.
    async fn give_up(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        recorded: &Recorded,
        entries: &[Entry],
        ended: &mut Ended,
        report: &mut LookReport,
    ) -> Result<(), PassError> {
        let StateDocument { spec_version, .. } = &recorded.state;
        let claimed = self.condemn(stack, document, spec_version, entries).await?;
        let Claimed::ByUs { told } = claimed else {
            ended
                .kept
                .extend(entries.iter().map(|entry| entry.instance.clone()));
            return Ok(());
        };
        let group = document.group.clone();
        let suspended = document.is_suspended_for(spec_version);
        if suspended {
            // Once more, if whoever wrote it down died before.
            let (group, processes) = (group.clone(), vec![LAUNCH.into()]);
            self.port.call(SuspendProcesses { group, processes }).await?;
        }
        for entry in entries {
            let id = &entry.instance;
            let at = document.memory.given_up(id).unwrap_or_else(|| self.clock.now());
            let key = journal_key(&stack.to_string(), at, &format!("rejected-{id}"));
            self.store.put(&key, entry, Condition::Always).await?;
            if told.as_ref() == Some(id) {
                self.tell_people(recorded, entry, &key, entries.len() - 1, suspended)
                    .await;
            }
            let abandoned = self.complete(&group, names::LAUNCH_HOOK, id, HookResult::Abandon);
            if abandoned.await.is_err() {
                ended.kept.insert(id.clone());
                continue;
            }
            document.memory.forget(id);
            report.rejected.push((id.clone(), entry.cause.cause.clone()));
            ended.rejected.push(id.clone());
        }
        Ok(())
    }

    /// Tells whoever wants to know of the first instance of a round, and how many others were given up with it. What could
    /// not be told stands in the status as well.
    async fn tell_people(
        &self,
        recorded: &Recorded,
        entry: &Entry,
        key: &str,
        others: usize,
        suspended: bool,
    ) {
        let topic = recorded.state.resources.get(&Id::only("topic"));
        let notified = !recorded.state.spec.monitoring.notify.is_empty();
        if let (Some(topic), true) = (topic, notified) {
            let kept = format!("s3://{}/{key}", self.settings.state_bucket);
            let notice = notice::of(entry, &topic.outputs.get("arn"), &kept, others, suspended);
            drop(self.port.call(notice).await);
        }
    }
}

/// Who gives instances up.
enum Claimed {
    /// This look; and people are to be told of this instance, the last of those that began another round.
    ByUs { told: Option<String> },
    /// Another look: the memory of this one is old.
    ByOthers,
}

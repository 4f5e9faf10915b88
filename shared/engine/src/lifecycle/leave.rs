//! Those that leave: drained, done with what they still had to do, written down, and let go.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use windlass_calls::autoscaling::{DescribeScalingActivities, Group, HookResult};
use windlass_calls::ec2::{DescribeInstances, GetConsoleOutput, Instance};
use windlass_calls::elb::{DescribeTargetHealth, TargetHealth};
use windlass_calls::s3::Condition;
use windlass_calls::ssm::{CommandId, GetCommandInvocation, SendCommand};
use windlass_calls::{CallError, Class};
use windlass_planner::names;
use windlass_readiness::leave::{self, Done, LEAVING, Leaver, Look, Running, Settings};
use windlass_spec::{Command, Spec, StackId};

use super::LookReport;
use super::document::Readiness;
use super::look::Session;
use crate::pass::PassError;
use crate::port::Port;
use crate::store::journal_key;

/// Most of a console that is kept, in bytes: its end.
const CONSOLE: usize = 4096;
/// Seconds until a command that the agent did not begin is given up: the least that Systems Manager takes.
const DELIVERY: u32 = 30;

/// What is kept of an instance that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    stack: String,
    instance: String,
    at: Timestamp,
    /// When it was launched.
    #[serde(skip_serializing_if = "Option::is_none")]
    launched: Option<Timestamp>,
    /// How old it became, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<i64>,
    /// Why its group terminates it, in AWS's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// `Healthy` or `Unhealthy`: the group's last opinion of it.
    health: String,
    /// What it waited for at last.
    done: Done,
    /// The end of its console.
    #[serde(skip_serializing_if = "Option::is_none")]
    console: Option<String>,
}

/// What is known of all that leave.
struct Known {
    instances: Vec<Instance>,
    reasons: Vec<(String, String)>,
}

impl<P: Port> Session<'_, P> {
    /// Looks at the instances that wait on their way out, and lets go who is done.
    pub(super) async fn see_off(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        group: Option<&Group>,
        report: &mut LookReport,
    ) -> Result<(), PassError> {
        let leaving = group.map(leaving);
        let somebody = leaving.as_ref().is_some_and(|leaving| !leaving.is_empty());
        if document.leaving.0.is_empty() && !somebody {
            return Ok(());
        }
        let Some(recorded) = self.store.recorded(stack).await? else {
            return Ok(());
        };
        if let Some(group) = group {
            document.targets.clone_from(&group.settings.target_groups);
        }
        let spec = &recorded.state.spec;
        let targets = self.targets(document, somebody).await;
        let ended = self.ended(document).await;
        let look = Look {
            now: self.clock.now(),
            leaving: leaving.as_ref(),
            targets: targets.as_deref(),
            ended: &ended,
        };
        let steps = leave::decide(&settings(spec), &mut document.leaving, &look);
        for target_group in &document.targets {
            self.deregister(target_group, steps.deregister.clone()).await;
        }
        let beaten = join_all(steps.beat.iter().map(|id| self.beat(document, id))).await;
        for (id, _) in steps.beat.iter().zip(beaten).filter(|(_, beaten)| beaten.is_ok()) {
            if let Some(leaver) = document.leaving.0.get_mut(id) {
                leaver.beat = look.now;
            }
        }
        let mut done = steps.done;
        if done.is_empty() && steps.run.is_empty() {
            return Ok(());
        }
        // A command runs at most once, whoever looks, and whoever dies; and what one look does, another one need not do.
        let begin = |document: &mut Readiness| begin(document, &steps.run, look.now);
        if !self.claim(stack, document, begin).await? {
            return Ok(());
        }
        if let Some(command) = &spec.lifecycle.command {
            for id in steps.run {
                if let Some(refused) = self.run(document, &id, command).await {
                    done.push((id, Done::Command(refused)));
                }
            }
        }
        self.let_go(stack, document, done, report).await
    }

    /// Asks whether those that drain have drained: somebody came, or drained still when last seen.
    async fn targets(&self, document: &Readiness, somebody: bool) -> Option<Vec<TargetHealth>> {
        let drains = |leaver: &Leaver| leaver.command.is_none();
        if !somebody && !document.leaving.0.values().any(drains) {
            return None;
        }
        let asked = document.targets.iter().map(|target_group| {
            self.port.call(DescribeTargetHealth {
                target_group: target_group.clone(),
            })
        });
        let mut targets = Vec::new();
        for answer in join_all(asked).await {
            match answer {
                Ok(found) => targets.extend(found),
                // A target group that is gone has no targets.
                Err(error) if error.class == Class::Gone => {}
                Err(_) => return None,
            }
        }
        Some(targets)
    }

    /// Commands that run no more, by instance.
    async fn ended(&self, document: &Readiness) -> BTreeMap<String, String> {
        let running = document.leaving.0.iter();
        let running = running.filter_map(|(id, leaver)| Some((id, leaver.command.as_ref()?)));
        let running = running.filter(|(_, running)| !running.id.is_empty());
        let asked = running.map(async |(instance, running)| {
            let invocation = self
                .port
                .call(GetCommandInvocation {
                    command: running.id.clone(),
                    instance: instance.clone(),
                })
                .await
                .ok()
                .filter(windlass_calls::ssm::Invocation::has_ended)?;
            Some((instance.clone(), invocation.status))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Asks an instance to run its command. Answers why it never will.
    async fn run(&self, document: &mut Readiness, id: &str, command: &Command) -> Option<String> {
        let send = SendCommand {
            instance: id.to_owned(),
            commands: vec![command.text.clone()],
            delivery: DELIVERY,
            timeout: command.timeout,
        };
        match self.port.call(send).await {
            Ok(CommandId(command)) => {
                if let Some(leaver) = document.leaving.0.get_mut(id) {
                    leaver.command = Some(Running {
                        id: command,
                        since: self.clock.now(),
                    });
                }
                None
            }
            // It did not arrive for sure.
            Err(error) if error.class == Class::Throttled => {
                if let Some(leaver) = document.leaving.0.get_mut(id) {
                    leaver.command = None;
                }
                None
            }
            // It may have: what became of it is not known.
            Err(error) if error.class == Class::Transient => None,
            Err(error) => Some(format!("it could not be sent: {error}")),
        }
    }

    async fn beat(&self, document: &Readiness, id: &str) -> Result<(), CallError> {
        self.heartbeat(&document.group, names::TERMINATE_HOOK, id).await
    }

    /// Writes down what is known of each, and only then ends its wait. Who cannot be let go now is left to the next look, and
    /// who cannot be at all, because the group is gone, is forgotten: the sweep finds whoever waits all the same.
    async fn let_go(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        done: Vec<(String, Done)>,
        report: &mut LookReport,
    ) -> Result<(), PassError> {
        if done.is_empty() {
            return Ok(());
        }
        let known = self.known(stack, &document.group).await;
        for (id, done) in done {
            let Some(leaver) = document.leaving.0.get(&id) else {
                continue;
            };
            let entry = self.entry(stack, &id, leaver, done, &known).await;
            let key = journal_key(&stack.to_string(), leaver.seen, &format!("left-{id}"));
            self.store.put(&key, &entry, Condition::Always).await?;
            let group = document.group.clone();
            let ended = self
                .complete(&group, names::TERMINATE_HOOK, &id, HookResult::Continue)
                .await;
            match ended {
                Ok(()) => {
                    document.leaving.0.remove(&id);
                    report.left.push(id);
                }
                Err(error) if matches!(error.class, Class::Throttled | Class::Transient) => {}
                Err(_) => drop(document.leaving.0.remove(&id)),
            }
        }
        Ok(())
    }

    async fn known(&self, stack: &StackId, group: &str) -> Known {
        let filters = names::filters(stack);
        let activities = self.port.call(DescribeScalingActivities {
            group: group.to_owned(),
        });
        let instances = self.port.call(DescribeInstances { filters });
        let (activities, instances) = futures::future::join(activities, instances).await;
        let activities = activities.unwrap_or_default().into_iter();
        Known {
            instances: instances.unwrap_or_default(),
            reasons: activities
                .map(|activity| (activity.description, activity.cause))
                .collect(),
        }
    }

    async fn entry(&self, stack: &StackId, id: &str, leaver: &Leaver, done: Done, known: &Known) -> Entry {
        let at = self.clock.now();
        let console = GetConsoleOutput {
            instance: id.to_owned(),
        };
        let console = self.port.call(console).await.ok().flatten();
        let instance = known.instances.iter().find(|instance| instance.id == id);
        let launched = instance
            .and_then(|instance| instance.launched)
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        let mut reasons = known.reasons.iter();
        let reason = reasons.find(|(words, _)| words.starts_with("Terminating") && words.contains(id));
        Entry {
            stack: stack.to_string(),
            instance: id.to_owned(),
            at,
            launched,
            age: launched.map(|launched| at.duration_since(launched).as_secs()),
            reason: reason.map(|(_, cause)| cause.clone()),
            health: leaver.health.clone(),
            done,
            console: console.map(|text| tail(&text).to_owned()),
        }
    }
}

/// They are about to run their command.
fn begin(document: &mut Readiness, ids: &[String], now: Timestamp) {
    for id in ids {
        if let Some(leaver) = document.leaving.0.get_mut(id) {
            leaver.command = Some(Running {
                id: String::new(),
                since: now,
            });
        }
    }
}

/// Those of a group that wait on their way out, with what the group thinks of their health.
fn leaving(group: &Group) -> BTreeMap<String, String> {
    let instances = group
        .instances
        .iter()
        .filter(|instance| instance.lifecycle_state == LEAVING);
    instances
        .map(|instance| (instance.id.clone(), instance.health.clone()))
        .collect()
}

fn settings(spec: &Spec) -> Settings {
    let seconds = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
    let command = spec.lifecycle.command.as_ref();
    Settings {
        drain: seconds(spec.lifecycle.drain),
        command: command.map(|command| seconds(command.timeout)),
        heartbeat: seconds(names::HOOK_HEARTBEAT),
    }
}

/// The end of a console.
fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(CONSOLE);
    let mut from = from..text.len();
    from.find_map(|at| text.get(at..)).unwrap_or(text)
}

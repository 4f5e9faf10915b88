//! One look: who waits, what the load balancer thinks of them, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::SignedDuration;
use windlass_calls::autoscaling::{
    DescribeAutoScalingGroups, Group, HookResult, SuspendProcesses, Transition,
};
use windlass_calls::elb::{DescribeTargetHealth, TargetHealth};
use windlass_calls::s3::Condition;
use windlass_calls::sns::Publish;
use windlass_calls::{CallError, Class};
use windlass_planner::{Id, names};
use windlass_readiness::gate::{self, Look, Steps, WAITING};
use windlass_spec::{StackId, Verify};

use super::document::{Readiness, readiness_key};
use super::{Chain, EARLY, GateWake, LOOK, LifecycleSettings, LookReport, OVERDUE, Occasion, SHORTLY, send};
use crate::document::{DeletionStage, Head, StateDocument};
use crate::pass::{Clock, PassError};
use crate::port::Port;
use crate::store::{Store, head_key, state_key};
use crate::wake::{WakeBody, WakeMessage};

/// The process that launches instances (rule 62).
const LAUNCH: &str = "Launch";

/// What a look works with.
pub(super) struct Session<'a, P> {
    pub(super) port: &'a P,
    pub(super) clock: &'a dyn Clock,
    pub(super) settings: &'a LifecycleSettings,
    pub(super) store: Store<'a, P>,
}

/// What came of the steps.
struct Acted {
    /// The status has something to say.
    news: bool,
    /// What people are to be told of.
    notice: Option<Publish>,
}

/// A stack as it is recorded.
pub(super) struct Recorded {
    pub(super) head: Head,
    pub(super) state: StateDocument,
}

impl<P: Port> Session<'_, P> {
    pub(super) async fn look(&self, occasion: &Occasion) -> Result<LookReport, PassError> {
        match occasion {
            Occasion::Waits {
                transition: Transition::Terminating,
                ..
            } => Ok(left_alone("not a launch")),
            Occasion::Waits { group, .. } => self.look_at_group(group).await,
            Occasion::Woken(wake) => self.woken(wake).await,
        }
    }

    /// Continues a chain of looks, or begins one.
    async fn woken(&self, wake: &GateWake) -> Result<LookReport, PassError> {
        let Some(Chain { stack, token }) = &wake.chain else {
            return self.look_at_group(&wake.group).await;
        };
        let Some(read) = self.store.get::<Readiness>(&readiness_key(stack)).await? else {
            return Ok(left_alone("nobody waits"));
        };
        let now = self.clock.now();
        let ours = |wake: &crate::document::Wake| wake.token == *token || now > wake.due + OVERDUE;
        if !read.document.wake.as_ref().is_some_and(ours) {
            return Ok(left_alone("an old wake-up"));
        }
        let (document, etag) = (read.document, Some(read.etag));
        self.judge(stack, document, etag, None).await
    }

    /// Looks at a group and everybody who waits in it. A group that is not ours is nobody's business.
    async fn look_at_group(&self, name: &str) -> Result<LookReport, PassError> {
        let names = vec![name.to_owned()];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await?;
        let Some((group, stack)) = groups
            .into_iter()
            .find_map(|group| Some((stack_of(&group)?, group)))
            .map(|(stack, group)| (group, stack))
        else {
            return Ok(left_alone("not a group of ours"));
        };
        let key = readiness_key(&stack);
        let read = self.store.get::<Readiness>(&key).await?;
        let (document, etag) = read.map_or((Readiness::default(), None), |read| {
            (read.document, Some(read.etag))
        });
        let Some(recorded) = self.recorded(&stack).await? else {
            return self.again(&stack, name).await;
        };
        let launch = recorded.state.spec.lifecycle.launch;
        let going = recorded.head.deletion.as_ref();
        if going.is_some_and(|deletion| deletion.stage == DeletionStage::Begun) {
            return self.open(&stack, &group, HookResult::Abandon).await;
        }
        if launch.verify != Verify::LoadBalancer {
            return self.open(&stack, &group, HookResult::Continue).await;
        }
        let Some(probe) = recorded.state.resources.get(&Id::only("probe-target-group")) else {
            return self.again(&stack, name).await;
        };
        let suspended = group.suspended.iter().any(|process| process == LAUNCH);
        let mut document = document;
        document.follow(&recorded.state.spec_version, self.clock.now());
        if document.suspended.is_some() && !suspended {
            // Somebody let it go on: what failed before no longer counts.
            document.suspended = None;
            document.memory.failed = None;
        }
        let document = Readiness {
            group: name.to_owned(),
            probe: probe.outputs.get("arn"),
            timeout: launch.timeout,
            heartbeat: names::HOOK_HEARTBEAT,
            ..document
        };
        self.judge(&stack, document, etag, Some(&group)).await
    }

    pub(super) async fn recorded(&self, stack: &StackId) -> Result<Option<Recorded>, PassError> {
        let Some(head) = self.store.get::<Head>(&head_key(stack)).await? else {
            return Ok(None);
        };
        let key = state_key(stack, head.document.serial);
        let state = self.store.get::<StateDocument>(&key).await?;
        Ok(state.map(|state| Recorded {
            head: head.document,
            state: state.document,
        }))
    }

    /// Nothing says yet how to judge them: what made the group is not recorded.
    async fn again(&self, stack: &StackId, group: &str) -> Result<LookReport, PassError> {
        let wake = GateWake {
            group: group.to_owned(),
            chain: None,
        };
        send(self.port, self.settings, wake, LOOK).await?;
        Ok(LookReport {
            stack: Some(stack.clone()),
            left_alone: Some("the stack is not recorded yet"),
            ..LookReport::default()
        })
    }

    /// Lets everybody go on, or gives everybody up, who waits for a gate that nobody wants any more.
    async fn open(
        &self,
        stack: &StackId,
        group: &Group,
        result: HookResult,
    ) -> Result<LookReport, PassError> {
        let waiting = group
            .instances
            .iter()
            .filter(|instance| instance.lifecycle_state == WAITING);
        let waiting: Vec<&String> = waiting.map(|instance| &instance.id).collect();
        let name = &group.settings.name;
        let ended = join_all(waiting.iter().map(|id| self.complete(name, id, result))).await;
        ended.into_iter().collect::<Result<Vec<()>, CallError>>()?;
        let ids = waiting.into_iter().cloned();
        let mut report = LookReport {
            stack: Some(stack.clone()),
            ..LookReport::default()
        };
        match result {
            HookResult::Continue => report.admitted = ids.collect(),
            HookResult::Abandon => {
                let why = "the stack is being destroyed";
                report.rejected = ids.map(|id| (id, why.into())).collect();
            }
        }
        Ok(report)
    }

    /// Asks the load balancer, does what follows, and remembers.
    async fn judge(
        &self,
        stack: &StackId,
        mut document: Readiness,
        etag: Option<String>,
        group: Option<&Group>,
    ) -> Result<LookReport, PassError> {
        let now = self.clock.now();
        let target_group = document.probe.clone();
        let health = match self.port.call(DescribeTargetHealth { target_group }).await {
            // Another probe took its place, or nobody wants one any more: what is recorded says which.
            Err(error) if error.class == Class::Gone && group.is_none() => {
                return Box::pin(self.look_at_group(&document.group)).await;
            }
            answer => answer.ok(),
        };
        let missing = group.is_none() && health.as_deref().is_none_or(|health| lost(&document, health));
        let asked = if missing {
            self.members(&document.group).await
        } else {
            group.map(members)
        };
        let look = Look {
            now,
            members: asked.as_ref(),
            health: health.as_deref(),
        };
        let suspended = document.suspended.is_some();
        let settings = document.settings();
        let steps = gate::decide(&settings, &mut document.memory, &look);
        let mut report = LookReport {
            stack: Some(stack.clone()),
            ..LookReport::default()
        };
        let Acted { news, notice } = self
            .act(
                stack,
                &mut document,
                &steps,
                health.as_deref().unwrap_or_default(),
                &mut report,
            )
            .await?;
        report.waiting = document.memory.waiting.len();
        let suspends = document.suspended.is_some() && !suspended;
        let suspends = suspends.then(|| document.group.clone());
        let written = self.remember(stack, document, etag).await?;
        let followed = self.follow(stack, suspends, news).await;
        if let Some(notice) = notice.filter(|_| written) {
            // What could not be told stands in the status as well.
            drop(self.port.call(notice).await);
        }
        followed.map(|()| report)
    }

    /// Does what follows from what is written down now: nobody would let go on what nobody remembers to have suspended.
    async fn follow(&self, stack: &StackId, suspends: Option<String>, news: bool) -> Result<(), PassError> {
        if let Some(group) = suspends {
            let processes = vec![LAUNCH.into()];
            self.port.call(SuspendProcesses { group, processes }).await?;
        }
        if news {
            self.tell(stack).await?;
        }
        Ok(())
    }

    async fn members(&self, group: &str) -> Option<BTreeMap<String, String>> {
        let names = vec![group.to_owned()];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await.ok()?;
        Some(groups.first().map(members).unwrap_or_default())
    }

    /// Takes the steps. A call that failed is left to the next look.
    async fn act(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        steps: &Steps,
        health: &[TargetHealth],
        report: &mut LookReport,
    ) -> Result<Acted, PassError> {
        let now = self.clock.now();
        self.register(&document.probe, steps.register.clone()).await;
        let group = document.group.clone();
        let beaten = join_all(steps.beat.iter().map(|id| self.beat(&group, id))).await;
        for (id, _) in steps.beat.iter().zip(beaten).filter(|(_, beaten)| beaten.is_ok()) {
            document.memory.beaten(id, now);
        }
        let mut kept = BTreeSet::new();
        let admitted = join_all(
            steps
                .admit
                .iter()
                .map(|id| self.complete(&group, id, HookResult::Continue)),
        )
        .await;
        for (id, admitted) in steps.admit.iter().zip(admitted) {
            match admitted {
                Ok(()) => {
                    document.memory.admitted(id);
                    report.admitted.push(id.clone());
                }
                Err(_) => {
                    kept.insert(id.clone());
                }
            }
        }
        let recovered = !report.admitted.is_empty() && !document.rejected.is_empty();
        if recovered {
            document.rejected.clear();
        }
        let ended = Box::pin(self.end(stack, document, steps, health, report)).await?;
        kept.extend(ended.kept);
        let listed = |id: &&String| {
            let mut targets = health.iter().filter(|target| target.state != "draining");
            targets.any(|target| target.target == **id) && !steps.deregister.contains(id)
        };
        let mut leaving = steps.deregister.clone();
        leaving.extend(ended.rejected.iter().filter(listed).cloned());
        leaving.retain(|id| !kept.contains(id));
        self.deregister(&document.probe, leaving).await;
        Ok(Acted {
            news: recovered || !ended.rejected.is_empty(),
            notice: ended.notice,
        })
    }

    /// Writes the memory with the next wake-up in it, and sends that. Whom another look overtook looks again: `false`.
    async fn remember(
        &self,
        stack: &StackId,
        mut document: Readiness,
        etag: Option<String>,
    ) -> Result<bool, PassError> {
        let again = GateWake {
            group: document.group.clone(),
            chain: None,
        };
        let mut next = again.clone();
        let waits = !document.memory.waiting.is_empty();
        let all_known = document.memory.waiting.values().all(|waiting| waiting.registered);
        let delay = if all_known { LOOK } else { EARLY };
        document.wake = None;
        if waits {
            let due = self.clock.now() + SignedDuration::from_secs(i64::from(delay));
            let token = document.wake_at(stack, due);
            next.chain = Some(Chain {
                stack: stack.clone(),
                token,
            });
        }
        let condition = etag.map_or(Condition::Absent, Condition::Matches);
        let written = self
            .store
            .put(&readiness_key(stack), &document, condition)
            .await?;
        match &written {
            None => send(self.port, self.settings, again, SHORTLY).await?,
            Some(_) if waits => send(self.port, self.settings, next, delay).await?,
            Some(_) => {}
        }
        Ok(written.is_some())
    }

    /// Has the provision function say it in the status.
    async fn tell(&self, stack: &StackId) -> Result<(), PassError> {
        let wake = WakeBody {
            stack: stack.clone(),
            token: None,
        };
        let body = serde_json::to_string(&WakeMessage { wake }).unwrap_or_default();
        let queue = self.settings.provision_queue.clone();
        let send = windlass_calls::sqs::SendMessage {
            queue,
            body,
            delay: 0,
        };
        Ok(self.port.call(send).await?)
    }
}

/// The stack whose group this is.
fn stack_of(group: &Group) -> Option<StackId> {
    names::resource(&group.tags).filter(|id| id.kind() == "auto-scaling-group")?;
    names::stack_of(&group.tags)
}

fn members(group: &Group) -> BTreeMap<String, String> {
    let instances = group.instances.iter();
    instances
        .map(|one| (one.id.clone(), one.lifecycle_state.clone()))
        .collect()
}

/// Whether somebody who waits is no longer among the targets, or does not run: then the group is asked.
fn lost(document: &Readiness, health: &[TargetHealth]) -> bool {
    let runs = |id: &String| {
        let target = health.iter().find(|target| target.target == *id);
        target.is_some_and(|target| target.reason.as_deref() != Some("Target.InvalidState"))
    };
    let mut known = document
        .memory
        .waiting
        .iter()
        .filter(|(_, waiting)| waiting.registered);
    !known.all(|(id, _)| runs(id))
}

fn left_alone(why: &'static str) -> LookReport {
    LookReport {
        left_alone: Some(why),
        ..LookReport::default()
    }
}

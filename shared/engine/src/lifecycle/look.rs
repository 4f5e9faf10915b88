//! One look: who waits, what the load balancer thinks of them, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group, HookResult};
use windlass_calls::elb::{DescribeTargetHealth, TargetHealth};
use windlass_calls::s3::Condition;
use windlass_calls::{CallError, Class};
use windlass_planner::{Id, names};
use windlass_readiness::gate::{self, Look, Steps, WAITING};
use windlass_readiness::leave::LEAVING;
use windlass_spec::{StackId, Verify};

use super::document::{Readiness, Suspended, readiness_key};
use super::{Chain, EARLY, GateWake, LOOK, LifecycleSettings, LookReport, OVERDUE, Occasion, SHORTLY, send};
use crate::document::DeletionStage;
use crate::pass::{Clock, PassError};
use crate::port::Port;
use crate::store::Store;
use crate::wake::{SOONER, WakeBody, WakeMessage};

/// The process that launches instances (rule 62).
pub(super) const LAUNCH: &str = "Launch";

/// Seconds until the provision function says in the status what was found: it is written down by then.
const SOON: u16 = 3;
/// Seconds until an instance that was let go on is in service, and one that left is gone.
const SETTLED: u16 = 20;
/// From writing a suspension down until it has happened for sure: longer than the function may run.
const SUSPENDING: SignedDuration = SignedDuration::from_secs(60);

/// Why nothing is done about a group that is not ours.
const FOREIGN: &str = "not a group of ours";

/// Longest delay that SQS takes, in seconds (rule 22).
const LONGEST: i64 = 900;

/// What a look works with.
pub(super) struct Session<'a, P> {
    pub(super) port: &'a P,
    pub(super) clock: &'a dyn Clock,
    pub(super) settings: &'a LifecycleSettings,
    pub(super) store: Store<'a, P>,
    /// Unique to this look among those that may overlap it.
    pub(super) writer: &'a str,
}

impl<P: Port> Session<'_, P> {
    pub(super) async fn look(&self, occasion: &Occasion) -> Result<LookReport, PassError> {
        match occasion {
            Occasion::Waits { group, .. } => self.somebody_waits(group).await,
            Occasion::Woken(wake) => self.woken(wake).await,
            Occasion::Spot(notice) => self.spot(notice).await,
        }
    }

    /// Continues a chain of looks, or begins one.
    async fn woken(&self, wake: &GateWake) -> Result<LookReport, PassError> {
        let Some(Chain { stack, token }) = &wake.chain else {
            return self.look_at_group(&wake.group).await;
        };
        let document = self.memory(stack, &wake.group).await?;
        let now = self.clock.now();
        let ours = |wake: &crate::document::Wake| wake.token == *token || now > wake.due + OVERDUE;
        if !document.wake.as_ref().is_some_and(ours) {
            return Ok(left_alone("an old wake-up"));
        }
        self.judge(stack, document, None).await
    }

    /// What is remembered of a group; nothing, if nothing ever was.
    async fn memory(&self, stack: &StackId, group: &str) -> Result<Readiness, PassError> {
        let read = self.store.get::<Readiness>(&readiness_key(stack, group)).await?;
        let (document, etag) = read.map_or_else(Default::default, |read| (read.document, Some(read.etag)));
        Ok(Readiness {
            group: group.to_owned(),
            etag,
            ..document
        })
    }

    /// Writes down what a look is about to do, so that no other look that read the same memory does it too. `false` if
    /// somebody else wrote meanwhile, and the memory of this one is old.
    pub(super) async fn claim(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        change: impl FnOnce(&mut Readiness),
    ) -> Result<bool, PassError> {
        let mut then = document.clone();
        then.claims += 1;
        change(&mut then);
        let claimed = self.write(stack, &mut then).await?;
        if claimed {
            *document = then;
        }
        Ok(claimed)
    }

    /// Writes the memory down, if it is still as it was read; `false` if somebody else wrote meanwhile.
    async fn write(&self, stack: &StackId, document: &mut Readiness) -> Result<bool, PassError> {
        let condition = document
            .etag
            .clone()
            .map_or(Condition::Absent, Condition::Matches);
        self.writer.clone_into(&mut document.writer);
        let key = readiness_key(stack, &document.group);
        let written = self.store.put(&key, document, condition).await?;
        let is_written = written.is_some();
        document.etag = written.or_else(|| document.etag.take());
        Ok(is_written)
    }

    /// Looks at a group because of an event. One event comes for each instance: where all that wait are known, and
    /// somebody will look soon, there is nothing to do.
    async fn somebody_waits(&self, name: &str) -> Result<LookReport, PassError> {
        let Some((stack, group)) = self.group(name).await? else {
            return Ok(left_alone(FOREIGN));
        };
        let document = self.memory(&stack, name).await?;
        if document.is_looked_at(&group, self.clock.now()) {
            return Ok(LookReport {
                stack: Some(stack),
                waiting: document.memory.waiting.len() + document.leaving.0.len(),
                left_alone: Some("all that wait are known, and are looked at soon"),
                ..LookReport::default()
            });
        }
        self.judge_group(stack, group, document).await
    }

    /// A group, and the stack that it is of; `None` if it is gone, or not ours.
    pub(super) async fn group(&self, name: &str) -> Result<Option<(StackId, Group)>, CallError> {
        let names = vec![name.to_owned()];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await?;
        let mut groups = groups.into_iter();
        Ok(groups.find_map(|group| Some((stack_of(&group)?, group))))
    }

    /// Looks at a group and everybody who waits in it. A group that is not ours is nobody's business.
    async fn look_at_group(&self, name: &str) -> Result<LookReport, PassError> {
        let Some((stack, group)) = self.group(name).await? else {
            return Ok(left_alone(FOREIGN));
        };
        let document = self.memory(&stack, name).await?;
        self.judge_group(stack, group, document).await
    }

    async fn judge_group(
        &self,
        stack: StackId,
        group: Group,
        mut document: Readiness,
    ) -> Result<LookReport, PassError> {
        let Some(recorded) = self.store.recorded(&stack).await? else {
            return self.again(&stack, &group).await;
        };
        let launch = recorded.state.spec.lifecycle.launch;
        let going = recorded.head.deletion.as_ref();
        let going = going.is_some_and(|deletion| deletion.stage == DeletionStage::Begun);
        if going || launch.verify != Verify::LoadBalancer {
            let result = if going {
                HookResult::Abandon
            } else {
                HookResult::Continue
            };
            document.memory.waiting.clear();
            document.end_canary();
            return self.open(&stack, document, &group, result).await;
        }
        let Some(probe) = recorded.state.resources.get(&Id::only("probe-target-group")) else {
            return self.again(&stack, &group).await;
        };
        let suspended = group.suspended.iter().any(|process| process == LAUNCH);
        document.follow(&recorded.state.spec_version, self.clock.now());
        // Whoever wrote it down a moment ago is about to do it.
        let long_ago = |since: &Suspended| self.clock.now().duration_since(since.at) > SUSPENDING;
        if document.suspended.as_ref().is_some_and(long_ago) && !suspended {
            // Somebody let it go on: what failed before no longer counts.
            document.suspended = None;
            document.memory.failed = None;
        }
        let document = Readiness {
            probe: probe.outputs.get("arn"),
            timeout: launch.timeout,
            heartbeat: names::HOOK_HEARTBEAT,
            ..document
        };
        self.judge(&stack, document, Some(&group)).await
    }

    /// Nothing says yet how to judge them: what made the group is not recorded. It is looked again as long as anybody waits.
    async fn again(&self, stack: &StackId, group: &Group) -> Result<LookReport, PassError> {
        let wake = GateWake {
            group: group.settings.name.clone(),
            chain: None,
        };
        let mut states = group.instances.iter().map(|instance| &instance.lifecycle_state);
        if states.any(|state| state == WAITING || state == LEAVING) {
            send(self.port, self.settings, wake, LOOK).await?;
        }
        Ok(LookReport {
            stack: Some(stack.clone()),
            left_alone: Some("the stack is not recorded yet"),
            ..LookReport::default()
        })
    }

    /// Lets everybody go on, or gives everybody up, who waits for a gate that nobody wants any more. Those that leave do as
    /// ever.
    async fn open(
        &self,
        stack: &StackId,
        mut document: Readiness,
        group: &Group,
        result: HookResult,
    ) -> Result<LookReport, PassError> {
        let waiting = group
            .instances
            .iter()
            .filter(|instance| instance.lifecycle_state == WAITING);
        let waiting: Vec<&String> = waiting.map(|instance| &instance.id).collect();
        let name = &group.settings.name;
        let ended = join_all(
            waiting
                .iter()
                .map(|id| self.complete(name, names::LAUNCH_HOOK, id, result)),
        )
        .await;
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
        let before = document.clone();
        Box::pin(self.see_off(stack, &mut document, Some(group), &mut report)).await?;
        self.end_canary(stack, &mut document).await;
        self.tell_of_members(stack, &document, &report).await?;
        if document != before || document.wake.is_some() {
            self.remember(stack, document).await?;
        }
        Ok(report)
    }

    /// Asks the load balancer, does what follows, and remembers.
    async fn judge(
        &self,
        stack: &StackId,
        mut document: Readiness,
        group: Option<&Group>,
    ) -> Result<LookReport, PassError> {
        let mut report = LookReport {
            stack: Some(stack.clone()),
            ..LookReport::default()
        };
        let resumed = self.try_again(stack, &mut document).await?;
        let mut news = false;
        if group.is_some() || !document.memory.waiting.is_empty() {
            let judged = Box::pin(self.judge_launches(stack, &mut document, group, &mut report)).await?;
            let Some(judged) = judged else {
                // Another probe took its place, or nobody wants one any more: what is recorded says which.
                let looked = Box::pin(self.look_at_group(&document.group)).await?;
                if looked.stack.is_none() {
                    self.forget(stack, document).await?;
                }
                return Ok(looked);
            };
            news = judged;
        }
        Box::pin(self.see_off(stack, &mut document, group, &mut report)).await?;
        self.end_canary(stack, &mut document).await;
        report.waiting = document.memory.waiting.len() + document.leaving.0.len();
        // First: what was remembered, and not told of, nobody would tell any more.
        if news || resumed {
            self.tell(stack, None, SOON).await?;
        } else {
            self.tell_of_members(stack, &document, &report).await?;
        }
        self.remember(stack, document).await?;
        Ok(report)
    }

    /// The group is gone, and whoever waited in it.
    async fn forget(&self, stack: &StackId, mut document: Readiness) -> Result<(), PassError> {
        document.leave_alone();
        self.remember(stack, document).await
    }

    /// What becomes of those that wait on their way in, and whether the status has something to say of it; `None` if the
    /// probe is gone.
    async fn judge_launches(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        group: Option<&Group>,
        report: &mut LookReport,
    ) -> Result<Option<bool>, PassError> {
        let now = self.clock.now();
        let target_group = document.probe.clone();
        let health = match self.port.call(DescribeTargetHealth { target_group }).await {
            Err(error) if error.class == Class::Gone && group.is_none() => return Ok(None),
            answer => answer.ok(),
        };
        let missing = group.is_none() && health.as_deref().is_none_or(|health| lost(document, health));
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
        let settings = document.settings();
        let known: BTreeSet<String> = document.memory.waiting.keys().cloned().collect();
        let steps = gate::decide(&settings, &mut document.memory, &look);
        // Whom nobody remembers, nobody sends a heartbeat for; that one got healthy counts whatever becomes of this look; and
        // of looks that all find the same, one goes on.
        let somebody_new = document.memory.waiting.keys().any(|id| !known.contains(id));
        let gets_healthy = !steps.admit.is_empty();
        let recovered = gets_healthy && !document.rejected.is_empty();
        let change = |document: &mut Readiness| {
            if gets_healthy {
                document.recover();
            }
        };
        if (somebody_new || gets_healthy) && !self.claim(stack, document, change).await? {
            return Ok(Some(false));
        }
        let health = health.as_deref().unwrap_or_default();
        let rejected = self.act(stack, document, &steps, health, report).await?;
        Ok(Some(recovered || rejected))
    }

    async fn members(&self, group: &str) -> Option<BTreeMap<String, String>> {
        let names = vec![group.to_owned()];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await.ok()?;
        Some(groups.first().map(members).unwrap_or_default())
    }

    /// Takes the steps, and answers whether somebody was given up. A call that failed is left to the next look.
    async fn act(
        &self,
        stack: &StackId,
        document: &mut Readiness,
        steps: &Steps,
        health: &[TargetHealth],
        report: &mut LookReport,
    ) -> Result<bool, PassError> {
        let now = self.clock.now();
        self.register(&document.probe, steps.register.clone()).await;
        let group = document.group.clone();
        let beaten = join_all(
            steps
                .beat
                .iter()
                .map(|id| self.heartbeat(&group, names::LAUNCH_HOOK, id)),
        )
        .await;
        for (id, _) in steps.beat.iter().zip(beaten).filter(|(_, beaten)| beaten.is_ok()) {
            document.memory.beaten(id, now);
        }
        let mut kept = BTreeSet::new();
        let admitted = join_all(
            steps
                .admit
                .iter()
                .map(|id| self.complete(&group, names::LAUNCH_HOOK, id, HookResult::Continue)),
        )
        .await;
        for (id, admitted) in steps.admit.iter().zip(admitted) {
            match admitted {
                Ok(()) => {
                    document.memory.forget(id);
                    report.admitted.push(id.clone());
                }
                Err(_) => {
                    kept.insert(id.clone());
                }
            }
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
        Ok(!ended.rejected.is_empty())
    }

    /// Writes the memory with the next wake-up in it, and sends that. Whom another look overtook looks again.
    async fn remember(&self, stack: &StackId, mut document: Readiness) -> Result<(), PassError> {
        let again = GateWake {
            group: document.group.clone(),
            chain: None,
        };
        let mut next = again.clone();
        let somebody = !document.memory.waiting.is_empty() || !document.leaving.0.is_empty();
        let all_known = document.memory.waiting.values().all(|waiting| waiting.registered);
        let now = self.clock.now();
        let delay = match (&document.canary, &document.suspended) {
            _ if somebody && all_known => LOOK,
            _ if somebody => EARLY,
            (Some(canary), _) if canary.over => LOOK,
            (_, Some(suspended)) => until(suspended.until, now),
            (Some(canary), _) => until(canary.until, now),
            _ => LOOK,
        };
        let waits = somebody || document.suspended.is_some() || document.canary.is_some();
        document.wake = None;
        if waits {
            let due = now + SignedDuration::from_secs(i64::from(delay));
            let token = document.wake_at(stack, due);
            next.chain = Some(Chain {
                stack: stack.clone(),
                token,
            });
        }
        if !self.write(stack, &mut document).await? {
            send(self.port, self.settings, again, SHORTLY).await?;
        } else if waits {
            send(self.port, self.settings, next, delay).await?;
        }
        Ok(())
    }

    /// Has the status name the instances that serve now, once the last of a wave has come or gone. If a pass is awaited, it
    /// comes then: it may wait for just that.
    async fn tell_of_members(
        &self,
        stack: &StackId,
        document: &Readiness,
        report: &LookReport,
    ) -> Result<(), PassError> {
        let came = !report.admitted.is_empty() && document.memory.waiting.is_empty();
        let went = !report.left.is_empty() && document.leaving.0.is_empty();
        if !came && !went {
            return Ok(());
        }
        let Some(recorded) = self.store.recorded(stack).await? else {
            return Ok(());
        };
        let awaited = recorded.head.wake.is_some();
        let token = awaited.then(|| SOONER.to_owned());
        self.tell(stack, token, SETTLED).await
    }

    /// Has the provision function look at the stack in so many seconds.
    async fn tell(&self, stack: &StackId, token: Option<String>, delay: u16) -> Result<(), PassError> {
        let wake = WakeBody {
            stack: stack.clone(),
            token,
        };
        let body = serde_json::to_string(&WakeMessage { wake }).unwrap_or_default();
        let queue = self.settings.provision_queue.clone();
        let send = windlass_calls::sqs::SendMessage { queue, body, delay };
        Ok(self.port.call(send).await?)
    }
}

/// Seconds until then, as many as a message can be late (rule 22).
fn until(then: Timestamp, now: Timestamp) -> u16 {
    let seconds = then.duration_since(now).as_secs().clamp(1, LONGEST);
    u16::try_from(seconds).unwrap_or(u16::MAX)
}

/// The stack whose group this is.
pub(super) fn stack_of(group: &Group) -> Option<StackId> {
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

pub(super) fn left_alone(why: &'static str) -> LookReport {
    LookReport {
        left_alone: Some(why),
        ..LookReport::default()
    }
}

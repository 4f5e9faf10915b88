//! The scale function's work: one decision about one stack's capacity, what is asked for because of it, and when it is to be
//! decided again.
//!
//! An alarm's event says no more than "look at this stack"; it comes when the alarm goes off and not again (rule 1). So while a
//! metric stays beyond a threshold, or one that rose is not heard of any more, and the group can still follow, a tick of our
//! own looks again each minute. A stack that is quiet, or as large or as small as it may be, costs nothing.
//!
//! Guarantees: of looks that overlap one decides, because what it decides is written down, by compare-and-swap, before it
//! is asked for. A decision that changes something is in the journal before that, with all that it was made from. A decision takes
//! four calls at most: metrics, health, the group, and its capacity.
//!
//! Assumes: the group's capacity is asked for by nobody else in the moment between reading and setting it; AWS has no
//! condition for that.
//!
//! Dying in between: what was about to be asked for stands in the memory, and the next look sees from the group whether it
//! was. The message comes again, or the schedule finds that a tick is overdue.

mod document;
mod event;
mod observe;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use windlass_calls::autoscaling::{Group, SetDesiredCapacity};
use windlass_calls::s3::Condition;
use windlass_calls::sqs::SendMessage;
use windlass_calls::{CallError, Class};
use windlass_planner::kinds::alarm::BACKSTOP;
use windlass_planner::{Id, names};
use windlass_scaling::{Decision, Policy, decide};
use windlass_spec::StackId;

use self::document::Asked;
use self::observe::{Place, Seen};
use crate::lifecycle::{Readiness, readiness_key};
use crate::pass::{Clock, PassError};
use crate::port::Port;
use crate::recorded::Recorded;
use crate::store::{Store, journal_key};
pub use document::{Scaling, scaling_key};

/// Seconds from one look to the next, while a metric is beyond a threshold: metrics are minutes.
const TICK: u16 = 60;
/// Seconds until somebody looks again where a call failed, or somebody else was in the way.
const SHORTLY: u16 = 10;
/// How long after its time a tick counts as lost: from then on any message may continue the chain.
const OVERDUE: SignedDuration = SignedDuration::from_secs(30);
/// Looks that fail one after the other before the queue has a say: it is minutes that this takes.
const ATTEMPTS: u32 = 12;
/// The process that launches instances (rule 62).
const LAUNCH: &str = "Launch";

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleSettings {
    /// Bucket with states, heads and memories.
    pub state_bucket: String,
    /// URL of the scale function's own queue.
    pub queue: String,
}

/// Why somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScaleOccasion {
    /// A scaling alarm went off.
    Alarm {
        /// The stack.
        stack: StackId,
        /// The alarm's own part of its name: `cpu-out`.
        alarm: String,
    },
    /// The alarm of a metric has no data any more: a load that rose until then may go on rising.
    Unheard {
        /// The stack.
        stack: StackId,
        /// The alarm's own part of its name: `cpu-out`.
        alarm: String,
    },
    /// A state was recorded: thresholds and bounds may be others now, without an alarm that changes (rule 2).
    Recorded {
        /// The stack.
        stack: StackId,
        /// Number of the state.
        serial: u64,
    },
    /// Our own tick.
    Woken(ScaleWake),
}

impl ScaleOccasion {
    /// The stack.
    #[must_use]
    pub fn stack(&self) -> &StackId {
        match self {
            Self::Alarm { stack, .. }
            | Self::Unheard { stack, .. }
            | Self::Recorded { stack, .. }
            | Self::Woken(ScaleWake { stack, .. }) => stack,
        }
    }

    /// How many looks before it failed.
    fn attempt(&self) -> u32 {
        match self {
            Self::Woken(wake) => wake.attempt,
            Self::Alarm { .. } | Self::Unheard { .. } | Self::Recorded { .. } => 0,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Alarm { alarm, .. } if alarm == BACKSTOP => {
                "alarm backstop went off: the group's own policy adds instances".into()
            }
            Self::Alarm { alarm, .. } => format!("alarm {alarm} went off"),
            Self::Unheard { alarm, .. } => format!("alarm {alarm} has no data any more"),
            Self::Recorded { .. } => "a state was recorded".into(),
            Self::Woken(_) => "a minute went by".into(),
        }
    }
}

/// Body of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleMessage {
    /// What to look at.
    pub scale: ScaleWake,
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleWake {
    /// The stack.
    pub stack: StackId,
    /// The token of the memory that it continues; absent for a look that always counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How many looks before it failed, one after the other.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_first(attempt: &u32) -> bool {
    *attempt == 0
}

/// A decision as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingEntry {
    /// The stack, `dev/web`.
    pub stack: String,
    /// Name of its group.
    pub group: String,
    /// Why it was decided just then, in words.
    pub because: String,
    /// Why it was not carried out, in words; absent if it was, or changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The error with which AWS refused it; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The decision, with all that it was made from.
    pub decision: Decision,
}

/// What a look came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScaleReport {
    /// The stack.
    pub stack: Option<StackId>,
    /// What was decided, as it stands in the journal.
    pub entry: Option<Box<ScalingEntry>>,
    /// Whether it is looked again by itself.
    pub ticks: bool,
    /// Nothing of ours, or an old message: left alone.
    pub left_alone: Option<&'static str>,
    /// The call that failed for now, so that it is looked again shortly.
    pub failed: Option<String>,
}

/// Decides about one stack's capacity, and asks for it. `writer` is unique to this look among those that may overlap it:
/// the id of the function's invocation, say.
///
/// # Errors
/// The pipeline's own bucket or queue, the metrics, or the group could not be asked, or the function may not do what it
/// decided: the message must come again.
pub async fn scale<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &ScaleSettings,
    occasion: &ScaleOccasion,
    writer: &str,
) -> Result<ScaleReport, PassError> {
    let session = Session {
        port,
        clock,
        settings,
        store: Store {
            port,
            bucket: &settings.state_bucket,
        },
        writer,
    };
    match session.look(occasion).await {
        // The queue would bring the message back in minutes, and the load does not wait.
        Err(PassError::Own(error)) if is_passing(&error) && occasion.attempt() < ATTEMPTS => {
            let stack = occasion.stack().clone();
            let attempt = occasion.attempt() + 1;
            session.send(&stack, None, SHORTLY, attempt).await?;
            Ok(ScaleReport {
                ticks: true,
                failed: Some(error.to_string()),
                ..left_alone(&stack, "a call failed: it is looked again shortly")
            })
        }
        ended => ended,
    }
}

/// What a look works with.
struct Session<'a, P> {
    port: &'a P,
    clock: &'a dyn Clock,
    settings: &'a ScaleSettings,
    store: Store<'a, P>,
    writer: &'a str,
}

impl<P: Port> Session<'_, P> {
    async fn look(&self, occasion: &ScaleOccasion) -> Result<ScaleReport, PassError> {
        let stack = occasion.stack();
        let document = self.memory(stack).await?;
        if let ScaleOccasion::Woken(ScaleWake {
            token: Some(token), ..
        }) = occasion
        {
            let now = self.clock.now();
            let tick = document.tick.as_ref();
            if !tick.is_some_and(|tick| tick.token == *token || now > tick.due + OVERDUE) {
                return Ok(left_alone(stack, "an old tick"));
            }
        }
        let Some(recorded) = self.store.recorded(stack).await?.filter(Recorded::stays) else {
            return self
                .end(
                    stack,
                    document,
                    "there is no such stack, or it is being destroyed",
                )
                .await;
        };
        let output = |id: &str, name: &str| {
            let record = recorded.state.resources.get(&Id::only(id));
            let value = record.map(|record| record.outputs.get(name));
            value.filter(|value| !value.is_empty())
        };
        let (Some(group), Some(targets), Some(balancer)) = (
            output("auto-scaling-group", "name"),
            output("target-group", "arn"),
            output("load-balancer", "arn"),
        ) else {
            return self.end(stack, document, "the stack has no group").await;
        };
        let wanted = &recorded.state.spec.scaling;
        let place = Place {
            group: &group,
            targets: &targets,
            balancer: &balancer,
            wanted,
            policy: &Policy::of(wanted),
        };
        if wanted.metrics.is_empty() {
            return self.end(stack, document, "the spec names no metric").await;
        }
        if let ScaleOccasion::Recorded { serial, .. } = occasion
            && *serial > recorded.head.serial
        {
            // Whoever recorded it died, or is about to say so: what it says counts when the head does.
            self.send(stack, None, TICK, 0).await?;
            return Ok(left_alone(stack, "its head does not point to the state yet"));
        }
        let mut document = document.of(&recorded.head.lineage, &group);
        let before = document.wanted.replace(wanted.clone());
        if matches!(occasion, ScaleOccasion::Recorded { .. }) {
            match before {
                Some(before) if before == *wanted => {
                    return Ok(left_alone(stack, "the spec says of scaling what it said"));
                }
                // A stack that is being created: nobody has measured anything yet.
                None => {
                    self.write(stack, &mut document).await?;
                    return Ok(left_alone(stack, "what the spec says of scaling is noted"));
                }
                Some(_) => {}
            }
        }
        let Some(seen) = observe::look(self.port, &place, self.clock.now()).await? else {
            return self.end(stack, document, "the group is gone").await;
        };
        if names::stack_of(&seen.group.tags).as_ref() != Some(stack) {
            return self.end(stack, document, "not a group of the stack's").await;
        }
        // After the group: a trial that begins in between makes it want fewer.
        let held = self.on_trial(stack, &group).await?;
        let held = held.or_else(|| suspended(&seen.group));
        Box::pin(self.decide(occasion, document, &place, &seen, held)).await
    }

    /// There is nothing to decide about, and nothing to look at again.
    async fn end(
        &self,
        stack: &StackId,
        mut document: Scaling,
        why: &'static str,
    ) -> Result<ScaleReport, PassError> {
        if document.tick.take().is_some() {
            self.write(stack, &mut document).await?;
        }
        Ok(left_alone(stack, why))
    }

    /// Why nothing is decided while one instance of the group is tried: its capacity is not the scaler's then.
    async fn on_trial(&self, stack: &StackId, group: &str) -> Result<Option<&'static str>, PassError> {
        let gate = self.store.get::<Readiness>(&readiness_key(stack, group)).await?;
        let tried = gate.is_some_and(|gate| gate.document.canary.is_some());
        Ok(tried.then_some("launches kept failing, and one instance is tried"))
    }

    async fn memory(&self, stack: &StackId) -> Result<Scaling, PassError> {
        let read = self.store.get::<Scaling>(&scaling_key(stack)).await?;
        let (document, etag) = read.map_or_else(Default::default, |read| (read.document, Some(read.etag)));
        Ok(Scaling { etag, ..document })
    }

    /// Writes the memory down, if it is still as it was read; `false` if somebody else wrote meanwhile.
    async fn write(&self, stack: &StackId, document: &mut Scaling) -> Result<bool, PassError> {
        let condition = document
            .etag
            .clone()
            .map_or(Condition::Absent, Condition::Matches);
        self.writer.clone_into(&mut document.writer);
        let written = self.store.put(&scaling_key(stack), document, condition).await?;
        let is_written = written.is_some();
        document.etag = written.or_else(|| document.etag.take());
        Ok(is_written)
    }

    async fn decide(
        &self,
        occasion: &ScaleOccasion,
        mut document: Scaling,
        place: &Place<'_>,
        seen: &Seen,
        held: Option<&'static str>,
    ) -> Result<ScaleReport, PassError> {
        let (stack, now) = (occasion.stack(), self.clock.now());
        document.settle(seen.group.desired);
        let observation = seen.observation(place, &mut document, now);
        let decision = decide(place.policy, &observation, &document.memory);
        let asks = decision.changes() && held.is_none();
        // Bounds that are not the spec's yet are about to be.
        let bounds = (place.wanted.min, place.wanted.max);
        let is_behind =
            place.wanted.schedule.is_empty() && (observation.fleet.min, observation.fleet.max) != bounds;
        let is_beyond = decision.wishes.iter().any(|wish| wish.beyond.is_some());
        let goes_on = decision.goes_on() || decision.changes() || (is_behind && is_beyond);
        let mut entry = Box::new(ScalingEntry {
            stack: stack.to_string(),
            group: place.group.to_owned(),
            because: occasion.in_words(),
            held: held.filter(|_| decision.changes()).map(str::to_owned),
            failed: None,
            decision,
        });
        document.decisions += 1;
        if asks {
            let (desired, after) = (entry.decision.to, entry.decision.after.clone());
            document.asked = Some(Asked { desired, after });
            if !self.write(stack, &mut document).await? {
                return self.overtaken(stack).await;
            }
        }
        let key = journal_key(&stack.to_string(), now, "scaling");
        let mut refused = None;
        if asks {
            self.store.put(&key, &*entry, Condition::Always).await?;
            let set = SetDesiredCapacity {
                group: place.group.to_owned(),
                desired: entry.decision.to,
            };
            if let Err(error) = self.port.call(set).await {
                entry.failed = Some(format!("{}: {}", error.code, error.message));
                self.store.put(&key, &*entry, Condition::Always).await?;
                refused = Some(error);
            } else {
                document.settle(entry.decision.to);
            }
        } else if held.is_none() {
            document.memory = entry.decision.after.clone();
        }
        if let Some(error) = refused.take_if(|error| is_final(error)) {
            // The message comes again, and so must count: its tick stays.
            self.write(stack, &mut document).await?;
            return Err(error.into());
        }
        let delay = if refused.is_some() { SHORTLY } else { TICK };
        document.tick = None;
        let token = goes_on.then(|| document.tick_at(stack, now + SignedDuration::from_secs(delay.into())));
        let written = self.write(stack, &mut document).await?;
        if !asks {
            if !written {
                return self.overtaken(stack).await;
            }
            self.store.put(&key, &*entry, Condition::Always).await?;
        }
        let token = token.filter(|_| written);
        if let Some(token) = &token {
            self.send(stack, Some(token.clone()), delay, 0).await?;
        }
        Ok(ScaleReport {
            stack: Some(stack.clone()),
            entry: Some(entry),
            ticks: token.is_some(),
            ..ScaleReport::default()
        })
    }

    /// Another look wrote meanwhile. It may have seen less than this one, or decided nothing: somebody looks once more.
    async fn overtaken(&self, stack: &StackId) -> Result<ScaleReport, PassError> {
        self.send(stack, None, SHORTLY, 0).await?;
        Ok(ScaleReport {
            ticks: true,
            ..left_alone(stack, "another look was first")
        })
    }

    /// Sends a tick that arrives after some seconds.
    async fn send(
        &self,
        stack: &StackId,
        token: Option<String>,
        delay: u16,
        attempt: u32,
    ) -> Result<(), CallError> {
        let scale = ScaleWake {
            stack: stack.clone(),
            token,
            attempt,
        };
        let body = serde_json::to_string(&ScaleMessage { scale }).unwrap_or_default();
        let queue = self.settings.queue.clone();
        self.port.call(SendMessage { queue, body, delay }).await
    }
}

/// Why a group that may not launch instances is left as it is: it would not get what is asked for, nor back what it lost.
fn suspended(group: &Group) -> Option<&'static str> {
    let mut suspended = group.suspended.iter();
    suspended
        .any(|process| process == LAUNCH)
        .then_some("launching is suspended")
}

/// Whether it is AWS's fault or the network's, and passes.
fn is_passing(error: &CallError) -> bool {
    matches!(error.class, Class::Throttled | Class::Transient)
}

/// Whether asking again will not help. Bounds that changed meanwhile are read again, and whoever is in the way goes.
fn is_final(error: &CallError) -> bool {
    error.class == Class::Terminal && error.code != "ValidationError"
}

fn left_alone(stack: &StackId, why: &'static str) -> ScaleReport {
    ScaleReport {
        stack: Some(stack.clone()),
        left_alone: Some(why),
        ..ScaleReport::default()
    }
}

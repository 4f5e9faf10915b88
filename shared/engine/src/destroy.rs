//! Destroying a stack: only on proof that its spec was deleted, after a while, and not many at once.
//!
//! Guarantees: nothing is taken away before a delete marker was seen on the spec, the grace is over, and the spec is still
//! gone; a protected stack is never destroyed; and if many specs vanish at once, which is more often an accident than a
//! wish, nothing is until a person deletes the spec once more. Putting the spec back ends it at any time.
//!
//! Dying in between loses nothing: the head says how far it is, and the wake-up in it goes on.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use windlass_calls::s3::{Condition, ListObjectsV2};
use windlass_spec::{Spec, StackId};

use crate::document::{Deletion, DeletionStage, Head};
use crate::load::Loaded;
use crate::pass::{Clock, Job, PassError, Session, Settings, Trigger, Verdict};
use crate::port::Port;
use crate::reject::{SpecWanted, Wanted, previous, write_status};
use crate::status::{Phase, Status, StatusError, WaitingOn};
use crate::store::{Store, head_key, journal_key};
use crate::{gate, wake};

/// Specs that vanish within this time of each other count as one event.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);
/// At most this many may vanish together without a person's word, or fewer than [`SHARE`] of all.
const FEW: usize = 3;
/// One in so many.
const SHARE: usize = 5;
/// Heads that are read at a time to find out.
const AT_ONCE: usize = 16;

/// What a pass over a stack without a spec is to do.
pub(crate) async fn wanted<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    job: &Job,
    loaded: &Loaded,
    marker: String,
) -> Result<Wanted, PassError> {
    let desk = Desk {
        port,
        clock,
        settings,
        job,
        loaded,
    };
    let now = clock.now();
    let seen = loaded
        .head
        .deletion
        .as_ref()
        .filter(|deletion| deletion.marker == marker);
    match seen.map(|deletion| deletion.stage) {
        Some(DeletionStage::Ended) => return desk.answer(Phase::Deleted, ended(loaded)).await,
        Some(DeletionStage::Begun) => return Ok(desk.go()),
        _ if is_protected(job, loaded) => return desk.answer(Phase::Failed, protected(job, loaded)).await,
        Some(DeletionStage::Held) => return desk.answer(Phase::Failed, previous(loaded)).await,
        Some(DeletionStage::Grace) => {}
        None => return desk.begin_grace(marker, now).await,
    }
    let deletion = seen.cloned().unwrap_or_default();
    let over = deletion.at + settings.grace;
    if now < over {
        return desk.wait(over, now).await;
    }
    match desk.vanished(&deletion).await? {
        Some(words) if !deletion.confirmed => desk.hold(deletion, words).await,
        _ => Ok(desk.go()),
    }
}

/// Whether the last spec that was carried out forbids it; of one that was lost, the environment's default.
fn is_protected(job: &Job, loaded: &Loaded) -> bool {
    let nothing_there = loaded.head.serial == 0 && loaded.head_etag.is_none();
    let recorded = loaded.recorded_spec.as_ref().map(|spec| spec.protect);
    recorded.unwrap_or(job.stack.environment == "prod" && !nothing_there)
}

fn protected(job: &Job, loaded: &Loaded) -> Status {
    let error = StatusError {
        path: "protect".into(),
        message: "the spec was deleted, and the stack is protected: nothing was touched".into(),
        hint: Some(format!(
            "put the spec back at specs/{}.yaml; to destroy the stack, upload it with `protect: false` first, and delete it when that is Ready",
            job.stack
        )),
        ..StatusError::default()
    };
    Status {
        errors: vec![error],
        ..previous(loaded)
    }
}

fn ended(loaded: &Loaded) -> Status {
    Status {
        errors: vec![],
        waiting_on: vec![],
        resources: std::collections::BTreeMap::new(),
        outputs: windlass_planner::StackOutputs::default(),
        serial: loaded.head.serial,
        ..previous(loaded)
    }
}

struct Desk<'a, P> {
    port: &'a P,
    clock: &'a dyn Clock,
    settings: &'a Settings,
    job: &'a Job,
    loaded: &'a Loaded,
}

impl<P: Port> Desk<'_, P> {
    /// Goes on to destroy. A stack whose spec was lost with its state is looked for by its names and tags.
    fn go(&self) -> Wanted {
        let recorded = self.loaded.recorded_spec.clone();
        Wanted::Spec(Box::new(SpecWanted {
            spec: recorded.unwrap_or_else(|| Spec::minimal(&self.job.stack)),
            version: self.loaded.head.spec_version.clone(),
            rejection: None,
            destroying: true,
        }))
    }

    /// Answers without a pass.
    async fn answer(&self, phase: Phase, status: Status) -> Result<Wanted, PassError> {
        let status = Status {
            phase,
            changes: vec![],
            ..status
        };
        let Self {
            port,
            clock,
            settings,
            job,
            loaded,
        } = self;
        write_status(*port, *clock, settings, job, loaded, status).await?;
        let verdict = if phase == Phase::Deleted {
            Verdict::Done
        } else {
            Verdict::Held
        };
        Ok(Wanted::Nothing(verdict, phase))
    }

    /// Notes that the spec is gone, and comes back when it can no longer be put back.
    async fn begin_grace(&self, marker: String, now: Timestamp) -> Result<Wanted, PassError> {
        let before = self.loaded.head.deletion.as_ref();
        let confirmed = before.is_some_and(|deletion| deletion.stage == DeletionStage::Held);
        let over = now + self.settings.grace;
        let mut head = self.loaded.head_for(self.job, now);
        head.deletion = Some(Deletion {
            marker,
            at: now,
            stage: DeletionStage::Grace,
            confirmed,
        });
        // Whatever was under way stops here.
        head.operation = None;
        let token = head.wake_at(over, 0);
        if !self.commit(&head).await? {
            return self.again().await;
        }
        self.wake(Some(token), over, now).await?;
        self.say_grace(over).await
    }

    /// Too early: somebody else asked, or the queue's longest delay was too short.
    async fn wait(&self, over: Timestamp, now: Timestamp) -> Result<Wanted, PassError> {
        if let Trigger::Woken { token } = &self.job.trigger {
            self.wake(Some(token.clone()), over, now).await?;
        }
        self.say_grace(over).await
    }

    async fn say_grace(&self, over: Timestamp) -> Result<Wanted, PassError> {
        let over = over.round(jiff::Unit::Second).unwrap_or(over);
        let status = Status {
            errors: vec![],
            waiting_on: vec![WaitingOn {
                resource: windlass_planner::Id::only("grace"),
                reason: format!(
                    "the spec was deleted: the stack is destroyed from {over} on; put the spec back to keep it"
                ),
                since: over - self.settings.grace,
            }],
            ..previous(self.loaded)
        };
        self.answer(Phase::Deleting, status).await
    }

    /// Holds until a person says so.
    async fn hold(&self, deletion: Deletion, words: String) -> Result<Wanted, PassError> {
        let mut head = self.loaded.head.clone();
        head.deletion = Some(Deletion {
            stage: DeletionStage::Held,
            ..deletion
        });
        head.wake = None;
        if !self.commit(&head).await? {
            return self.again().await;
        }
        let error = StatusError {
            path: "spec".into(),
            message: words,
            hint: Some(format!(
                "put the specs back if it was a mistake; to go on, delete specs/{}.yaml once more",
                self.job.stack
            )),
            ..StatusError::default()
        };
        let status = Status {
            errors: vec![error],
            waiting_on: vec![],
            ..previous(self.loaded)
        };
        self.answer(Phase::Failed, status).await
    }

    /// Whether too many stacks lost their specs together with this one, in words.
    async fn vanished(&self, deletion: &Deletion) -> Result<Option<String>, PassError> {
        let store = self.store();
        let heads = store.list("stacks/").await?;
        let stacks: Vec<StackId> = heads.iter().filter_map(|key| stack_of(key)).collect();
        let listed = ListObjectsV2 {
            bucket: self.settings.spec_bucket.clone(),
            prefix: "specs/".into(),
        };
        let specs = self.port.call(listed).await?;
        let is_missing = |stack: &&StackId| !specs.contains(&format!("specs/{stack}.yaml"));
        let missing = stacks
            .iter()
            .filter(is_missing)
            .filter(|stack| **stack != self.job.stack);
        let missing: Vec<String> = missing.map(head_key).collect();
        let (mut together, mut ended) = (1, 0);
        // Every one: the heads of stacks that are gone stay, and there may be any number of them.
        for keys in missing.chunks(AT_ONCE) {
            let read = keys.iter().map(|key| async {
                match store.get::<Head>(key).await {
                    // Somebody else's trouble: as one that did not notice yet.
                    Err(PassError::Document { .. }) => Ok(None),
                    read => read,
                }
            });
            for head in try_join_all(read).await? {
                match head.and_then(|head| head.document.deletion) {
                    Some(other) if other.stage == DeletionStage::Ended => ended += 1,
                    Some(other) if apart(other.at, deletion.at) > TOGETHER => {}
                    // Its event is still on the way.
                    _ => together += 1,
                }
            }
        }
        let all = stacks.len().max(1) - ended;
        Ok((together > FEW && together * SHARE >= all).then(|| {
            format!(
                "{together} of {all} stacks lost their specs within {} minutes: nothing is destroyed until a person confirms",
                TOGETHER.as_mins()
            )
        }))
    }

    /// Moves the head, if nobody else did.
    async fn commit(&self, head: &Head) -> Result<bool, PassError> {
        let condition = self
            .loaded
            .head_etag
            .clone()
            .map_or(Condition::Absent, Condition::Matches);
        let key = head_key(&self.job.stack);
        Ok(self.store().put(&key, head, condition).await?.is_some())
    }

    /// Somebody else moved the head: looks again.
    async fn again(&self) -> Result<Wanted, PassError> {
        wake::send(self.port, self.settings, &self.job.stack, None, gate::SHORTLY).await?;
        Ok(Wanted::Nothing(Verdict::Overtaken, Phase::Deleting))
    }

    async fn wake(&self, token: Option<String>, due: Timestamp, now: Timestamp) -> Result<(), PassError> {
        // A moment later than it is due, so that it is not too early.
        let delay = due.duration_since(now).as_secs() + 1;
        Ok(wake::send(self.port, self.settings, &self.job.stack, token, delay).await?)
    }

    fn store(&self) -> Store<'_, P> {
        Store {
            port: self.port,
            bucket: &self.settings.state_bucket,
        }
    }
}

/// A journal entry about a stack of which nothing is left.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    stack: String,
    at: Timestamp,
    /// The calls by which the last look asked for everything, by tags and by names.
    looked_with: BTreeSet<&'static str>,
    /// What they found of the stack: what belongs to others is not touched, and not listed.
    left: Vec<String>,
}

/// Writes down where the last look was, and that it found nothing.
pub(crate) async fn journal<P: Port>(session: &Session<'_, P>) -> Result<(), PassError> {
    let at = session.clock.now();
    let stack = session.job.stack.to_string();
    let key = journal_key(&stack, at, "deleted");
    let entry = Entry {
        stack,
        at,
        looked_with: session.board.looked_with(),
        left: vec![],
    };
    session.store().put(&key, &entry, Condition::Always).await?;
    Ok(())
}

/// The stack whose head has this key.
fn stack_of(key: &str) -> Option<StackId> {
    let name = key.strip_prefix("stacks/")?.strip_suffix("/head.json")?;
    windlass_spec::parse_key(&format!("specs/{name}.yaml")).ok()
}

fn apart(one: Timestamp, other: Timestamp) -> SignedDuration {
    one.duration_since(other).abs()
}

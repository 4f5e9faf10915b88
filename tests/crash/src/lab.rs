//! One stack's pipeline on the simulator.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use windlass_engine::{
    Job, PassError, PassReport, Settings, StateDocument, Status, Trigger, WakeMessage, head_key, pass,
    state_key, status_key,
};
use windlass_sim::{Message, Ran, Sim, World, WorldConfig};
use windlass_spec::StackId;

/// Bucket of the specs.
const SPEC_BUCKET: &str = "specs";
/// Bucket of the states.
pub const STATE_BUCKET: &str = "states";
/// The pipeline's queue.
pub const QUEUE: &str = "queue";
/// Its visibility timeout: six times the function's (rule 25).
const VISIBILITY: u32 = 360;
/// Body of a message that stands for an S3 event.
const SPEC_CHANGED: &str = "spec changed";

/// The stack of all labs.
#[must_use]
pub fn stack() -> StackId {
    StackId {
        environment: "dev".into(),
        name: "web".into(),
    }
}

/// The settings of the deployed function.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        spec_bucket: SPEC_BUCKET.into(),
        state_bucket: STATE_BUCKET.into(),
        queue: QUEUE.into(),
        region: "us-east-1".into(),
        boundary: None,
        lease: SignedDuration::from_secs(100),
        call: SignedDuration::from_secs(10),
        budget: SignedDuration::from_secs(40),
        consistency: SignedDuration::from_secs(300),
        wake_seconds: 10,
        deadline: SignedDuration::from_mins(60),
    }
}

/// Why a lab stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The queue is empty: nothing will happen any more.
    Quiet,
    /// It went on for longer than was allowed.
    StillBusy,
}

/// What one message came to.
#[derive(Debug)]
pub enum Step {
    /// The pass ended, and the message was acknowledged.
    Acknowledged(PassReport),
    /// The pass ended with an error: the message comes again.
    Returned(PassError),
    /// The function died: the message comes again.
    Crashed,
}

/// A spec bucket, a queue, a function and an AWS.
pub struct Lab {
    /// The simulated AWS.
    pub sim: Sim,
    /// The function's settings.
    pub settings: Settings,
    invocations: Cell<u64>,
    uploads: Cell<u32>,
}

impl Lab {
    /// A fresh account with the pipeline in it.
    #[must_use]
    pub fn new(config: WorldConfig, seed: u64) -> Self {
        let mut world = World::new(config);
        world.create_bucket(SPEC_BUCKET);
        world.create_bucket(STATE_BUCKET);
        world.create_queue(QUEUE, VISIBILITY);
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56);
        Self {
            sim: Sim::new(world, start, seed),
            settings: settings(),
            invocations: Cell::new(0),
            uploads: Cell::new(0),
        }
    }

    /// Uploads the spec; its event goes to the queue.
    pub fn upload(&self, spec: &str) {
        self.uploads.set(self.uploads.get() + 1);
        self.sim
            .world_mut()
            .upload(SPEC_BUCKET, &format!("specs/{}.yaml", stack()), spec.as_bytes());
        self.enqueue(SPEC_CHANGED);
    }

    /// How many times the spec was uploaded.
    #[must_use]
    pub fn uploads(&self) -> u32 {
        self.uploads.get()
    }

    /// Deletes the spec; its event goes to the queue.
    pub fn delete_spec(&self) {
        self.sim
            .world_mut()
            .delete_object(SPEC_BUCKET, &format!("specs/{}.yaml", stack()));
        self.enqueue(SPEC_CHANGED);
    }

    /// Puts a message on the queue as it is.
    pub fn enqueue(&self, body: &str) {
        let send = windlass_calls::sqs::SendMessage {
            queue: QUEUE.into(),
            body: body.into(),
            delay: 0,
        };
        let now = self.sim.now();
        let enqueued = self.sim.world_mut().call(now, send);
        debug_assert!(enqueued.is_ok(), "the queue exists");
    }

    /// Runs the next message, whenever it is visible; `None` if there is none.
    pub fn step(&self) -> Option<Step> {
        let next = self.sim.world().next_visible(QUEUE)?;
        if next > self.sim.now() {
            self.sim.set_now(next);
        }
        let now = self.sim.now();
        let message = self.sim.world_mut().receive(now, QUEUE)?;
        Some(self.deliver(&message))
    }

    fn deliver(&self, message: &Message) -> Step {
        let trigger = match serde_json::from_str::<WakeMessage>(&message.body) {
            Ok(wake) => wake.trigger(),
            Err(_) => Trigger::SpecChanged,
        };
        match self.pass(trigger) {
            Ran::Finished(Ok(report)) => {
                self.sim.world_mut().delete_message(QUEUE, &message.id);
                Step::Acknowledged(report)
            }
            Ran::Finished(Err(error)) => Step::Returned(error),
            Ran::Crashed | Ran::Stuck => Step::Crashed,
        }
    }

    /// Runs one pass outside the queue.
    pub fn pass(&self, trigger: Trigger) -> Ran<Result<PassReport, PassError>> {
        self.invocations.set(self.invocations.get() + 1);
        let job = Job {
            stack: stack(),
            trigger,
            invocation: format!("invocation-{}", self.invocations.get()),
        };
        let clock = || self.sim.now();
        self.sim.run(pass(&self.sim, &clock, &self.settings, &job))
    }

    /// Runs messages until there are none, or more than `limit` were run.
    pub fn run(&self, limit: usize) -> Stopped {
        for _ in 0..limit {
            if self.step().is_none() {
                return Stopped::Quiet;
            }
        }
        Stopped::StillBusy
    }

    /// The public status, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.document(&status_key(&stack()))
    }

    /// The head, if there is one.
    #[must_use]
    pub fn head(&self) -> Option<windlass_engine::Head> {
        self.document(&head_key(&stack()))
    }

    /// The state that the head points to.
    #[must_use]
    pub fn state(&self) -> Option<StateDocument> {
        self.document(&state_key(&stack(), self.head()?.serial))
    }

    fn document<T: serde::de::DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_slice(self.sim.world().object(STATE_BUCKET, key)?).ok()
    }
}

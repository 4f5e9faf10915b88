//! One stack's pipeline on the simulator.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group, GroupChange, UpdateAutoScalingGroup};
use windlass_engine::{
    Head, Job, LifecycleSettings, LookReport, Occasion, PassError, PassReport, Readiness, ScaleOccasion,
    ScaleReport, ScaleSettings, Scaling, Settings, StateDocument, Status, Trigger, WakeBody, WakeMessage,
    head_key, pass, readiness_key, scaling_key, state_key, status_key,
};
use windlass_sim::{Message, Ran, Sim, TraceEntry, World, WorldConfig};
use windlass_spec::StackId;

/// Bucket of the specs.
const SPEC_BUCKET: &str = "specs";
/// Bucket of the states.
pub const STATE_BUCKET: &str = "states";
/// The pipeline's queue.
pub const QUEUE: &str = "queue";
/// The lifecycle function's queue.
pub const LIFECYCLE: &str = "lifecycle";
/// The scale function's queue.
pub const SCALE: &str = "scale";
/// Visibility timeout of both: six times their functions' (rule 25).
const SHORT_VISIBILITY: u32 = 180;
/// The pipeline's queue's visibility timeout: six times the function's (rule 25).
const VISIBILITY: u32 = 360;
/// Beginning of a message that stands for an S3 event; the stack comes after it.
const SPEC_CHANGED: &str = "spec changed: ";

/// The stack of a lab that has one.
#[must_use]
pub fn stack() -> StackId {
    stack_named("web")
}

/// A stack of the environment `dev`.
#[must_use]
pub fn stack_named(name: &str) -> StackId {
    StackId {
        environment: "dev".into(),
        name: name.into(),
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
        grace: SignedDuration::from_mins(5),
    }
}

fn scale_settings() -> ScaleSettings {
    ScaleSettings {
        state_bucket: STATE_BUCKET.into(),
        queue: SCALE.into(),
    }
}

fn lifecycle_settings() -> LifecycleSettings {
    LifecycleSettings {
        state_bucket: STATE_BUCKET.into(),
        queue: LIFECYCLE.into(),
        provision_queue: QUEUE.into(),
    }
}

/// How far ahead is looked for what groups do by themselves: longer than any of it takes, but for a draining of an hour.
const AHEAD: SignedDuration = SignedDuration::from_mins(70);

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
    /// The lifecycle function's look ended, and the message was acknowledged.
    Looked(LookReport),
    /// The scale function's look ended, and the message was acknowledged.
    Scaled(ScaleReport),
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
    skew: Cell<SignedDuration>,
    looked: RefCell<BTreeSet<&'static str>>,
    invocations: Cell<u64>,
    uploads: RefCell<BTreeMap<String, u32>>,
}

impl Lab {
    /// A fresh account with the pipeline in it.
    #[must_use]
    pub fn new(config: WorldConfig, seed: u64) -> Self {
        let mut world = World::new(config);
        world.create_bucket(SPEC_BUCKET);
        world.create_bucket(STATE_BUCKET);
        world.create_queue(QUEUE, VISIBILITY);
        world.create_queue(LIFECYCLE, SHORT_VISIBILITY);
        world.create_queue(SCALE, SHORT_VISIBILITY);
        world.route_instance_events(LIFECYCLE);
        world.route_alarm_events(SCALE);
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56);
        Self {
            sim: Sim::new(world, start, seed),
            settings: settings(),
            skew: Cell::new(SignedDuration::ZERO),
            looked: RefCell::default(),
            invocations: Cell::new(0),
            uploads: RefCell::default(),
        }
    }

    /// The same in an account with room for many stacks.
    #[must_use]
    pub fn roomy() -> Self {
        let config = WorldConfig {
            vpc_quota: 20,
            internet_gateway_quota: 20,
            address_quota: 40,
            nat_gateway_quota: 20,
            vcpu_quota: 1000,
            spot_vcpu_quota: 1000,
            ..WorldConfig::default()
        };
        Self::new(config, 1)
    }

    /// The same account and pipeline as they are now, to try something with: what happens in one does not in the other.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        Self {
            sim: Sim::new(self.sim.world().clone(), self.sim.now(), seed),
            settings: self.settings.clone(),
            skew: self.skew.clone(),
            looked: self.looked.clone(),
            invocations: Cell::new(self.invocations.get()),
            uploads: self.uploads.clone(),
        }
    }

    /// How far the function's clock is ahead of AWS's from now on.
    pub fn set_skew(&self, skew: SignedDuration) {
        self.skew.set(skew);
    }

    /// The time by the function's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.sim.now() + self.skew.get()
    }

    /// Uploads the spec; its event goes to the queue.
    pub fn upload(&self, spec: &str) {
        self.upload_of(&stack(), spec);
    }

    /// Uploads a stack's spec; its event goes to the queue.
    pub fn upload_of(&self, stack: &StackId, spec: &str) {
        *self.uploads.borrow_mut().entry(stack.to_string()).or_default() += 1;
        self.sim
            .world_mut()
            .upload(SPEC_BUCKET, &spec_key(stack), spec.as_bytes());
        self.enqueue(&format!("{SPEC_CHANGED}{stack}"));
    }

    /// How many times the spec was uploaded.
    #[must_use]
    pub fn uploads(&self) -> u32 {
        self.uploads
            .borrow()
            .get(&stack().to_string())
            .copied()
            .unwrap_or_default()
    }

    /// Deletes the spec; its event goes to the queue.
    pub fn delete_spec(&self) {
        self.delete_spec_of(&stack());
    }

    /// Deletes a stack's spec; its event goes to the queue.
    pub fn delete_spec_of(&self, stack: &StackId) {
        self.sim.world_mut().delete_object(SPEC_BUCKET, &spec_key(stack));
        self.enqueue(&format!("{SPEC_CHANGED}{stack}"));
    }

    /// Puts a deleted spec back by taking its delete marker away: the same version is current again. Its event goes to
    /// the queue. `false` if it was not deleted.
    pub fn undelete_spec(&self) -> bool {
        let stack = stack();
        let there = self
            .sim
            .world_mut()
            .undelete_object(SPEC_BUCKET, &spec_key(&stack));
        if there {
            self.enqueue(&format!("{SPEC_CHANGED}{stack}"));
        }
        there
    }

    /// The spec as it is now, if there is one.
    #[must_use]
    pub fn spec_text(&self) -> Option<String> {
        let world = self.sim.world();
        let text = world.object(SPEC_BUCKET, &spec_key(&stack()))?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Asks for a look at the stack, as the schedule does.
    pub fn look(&self) {
        let wake = WakeBody {
            stack: stack(),
            token: None,
        };
        self.enqueue(&serde_json::to_string(&WakeMessage { wake }).unwrap_or_default());
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
        let (at, queue) = self.next_message()?;
        if at > self.sim.now() {
            self.sim.set_now(at);
        }
        let now = self.sim.now();
        let message = self.sim.world_mut().receive(now, queue)?;
        Some(match queue {
            LIFECYCLE => self.deliver_event(&message),
            SCALE => self.deliver_alarm(&message),
            _ => self.deliver(&message),
        })
    }

    /// Runs the next message if it is visible by then; `None` if there is none.
    pub fn step_until(&self, until: Timestamp) -> Option<Step> {
        self.next_message().filter(|(at, _)| *at <= until)?;
        self.step()
    }

    /// When the next message is visible, and in which queue.
    fn next_message(&self) -> Option<(Timestamp, &'static str)> {
        let in_sight = |world: &World| {
            let next = [QUEUE, LIFECYCLE, SCALE].map(|queue| world.next_visible(queue).map(|at| (at, queue)));
            next.into_iter().flatten().min_by_key(|(at, _)| *at)
        };
        let next = in_sight(&self.sim.world());
        if !self.sim.world().has_hooks() {
            return next;
        }
        // What groups do by themselves until then may send an earlier one.
        let horizon = next.map_or(self.sim.now() + AHEAD, |(at, _)| at);
        let mut ahead = self.sim.world().clone();
        ahead.settle(horizon);
        in_sight(&ahead)
    }

    fn deliver_event(&self, message: &Message) -> Step {
        let Ok(Some(occasion)) = Occasion::parse(&message.body) else {
            self.sim.world_mut().delete_message(LIFECYCLE, &message.id);
            return Step::Looked(LookReport::default());
        };
        match self.look_at_instances(&occasion) {
            Ran::Finished(Ok(report)) => {
                self.sim.world_mut().delete_message(LIFECYCLE, &message.id);
                Step::Looked(report)
            }
            Ran::Finished(Err(error)) => Step::Returned(error),
            Ran::Crashed | Ran::Stuck => Step::Crashed,
        }
    }

    /// Runs one look of the lifecycle function outside the queue.
    pub fn look_at_instances(&self, occasion: &Occasion) -> Ran<Result<LookReport, PassError>> {
        let settings = lifecycle_settings();
        let clock = || self.now();
        let writer = self.writer();
        let look = windlass_engine::look(&self.sim, &clock, &settings, occasion, &writer);
        let before = self.sim.trace().len();
        let ran = self.sim.run(look);
        let trace = self.sim.trace();
        self.looked
            .borrow_mut()
            .extend(trace[before..].iter().map(TraceEntry::action));
        ran
    }

    /// Two looks of the lifecycle function at once, outside the queue; the clock of the second is so far ahead of the
    /// first one's.
    pub fn look_twice_at_instances(
        &self,
        occasion: &Occasion,
        ahead: SignedDuration,
    ) -> Ran<[Result<LookReport, PassError>; 2]> {
        let settings = lifecycle_settings();
        let clock = || self.now();
        let other_clock = || self.now() + ahead;
        let writers = [self.writer(), self.writer()];
        let one = windlass_engine::look(&self.sim, &clock, &settings, occasion, &writers[0]);
        let other = windlass_engine::look(&self.sim, &other_clock, &settings, occasion, &writers[1]);
        self.sim
            .run(async { futures::future::join(one, other).await.into() })
    }

    fn deliver_alarm(&self, message: &Message) -> Step {
        let Ok(Some(occasion)) = ScaleOccasion::parse(&message.body) else {
            self.sim.world_mut().delete_message(SCALE, &message.id);
            return Step::Scaled(ScaleReport::default());
        };
        match self.scale(&occasion) {
            Ran::Finished(Ok(report)) => {
                self.sim.world_mut().delete_message(SCALE, &message.id);
                Step::Scaled(report)
            }
            Ran::Finished(Err(error)) => Step::Returned(error),
            Ran::Crashed | Ran::Stuck => Step::Crashed,
        }
    }

    /// Runs one look of the scale function outside the queue.
    pub fn scale(&self, occasion: &ScaleOccasion) -> Ran<Result<ScaleReport, PassError>> {
        let settings = scale_settings();
        let clock = || self.now();
        let writer = self.writer();
        self.sim.run(windlass_engine::scale(
            &self.sim, &clock, &settings, occasion, &writer,
        ))
    }

    /// Two looks of the scale function at once, outside the queue.
    pub fn scale_twice(&self, occasion: &ScaleOccasion) -> Ran<[Result<ScaleReport, PassError>; 2]> {
        let settings = scale_settings();
        let clock = || self.now();
        let writers = [self.writer(), self.writer()];
        let one = windlass_engine::scale(&self.sim, &clock, &settings, occasion, &writers[0]);
        let other = windlass_engine::scale(&self.sim, &clock, &settings, occasion, &writers[1]);
        self.sim
            .run(async { futures::future::join(one, other).await.into() })
    }

    /// What the scaler remembers.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn scaling(&self) -> Scaling {
        let world = self.sim.world();
        let body = world.object(STATE_BUCKET, &scaling_key(&stack()));
        #[expect(clippy::expect_used, reason = "a test must fail on a damaged memory")]
        let read = body.map(|body| serde_json::from_slice(body).expect("the scaler's memory can be read"));
        read.unwrap_or_default()
    }

    /// A group as it is now.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn group(&self, name: &str) -> Group {
        let names = vec![name.to_owned()];
        let now = self.sim.now();
        let groups = self
            .sim
            .world_mut()
            .call(now, DescribeAutoScalingGroups { names });
        #[expect(clippy::expect_used, reason = "a test must fail on a group that is not there")]
        let mut groups = groups.expect("groups can be described");
        groups.remove(0)
    }

    /// Every action that the lifecycle function sent so far.
    #[must_use]
    pub fn looked(&self) -> BTreeSet<&'static str> {
        self.looked.borrow().clone()
    }

    fn deliver(&self, message: &Message) -> Step {
        let (stack, trigger) = addressed(&message.body);
        match self.pass_of(&stack, trigger) {
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
        self.pass_of(&stack(), trigger)
    }

    /// Runs one pass over a stack outside the queue.
    pub fn pass_of(&self, stack: &StackId, trigger: Trigger) -> Ran<Result<PassReport, PassError>> {
        let job = self.job(stack, trigger);
        let clock = || self.now();
        self.sim.run(pass(&self.sim, &clock, &self.settings, &job))
    }

    /// The job of a new invocation.
    pub fn job(&self, stack: &StackId, trigger: Trigger) -> Job {
        Job {
            stack: stack.clone(),
            trigger,
            invocation: self.writer(),
        }
    }

    /// The id of a new invocation.
    fn writer(&self) -> String {
        self.invocations.set(self.invocations.get() + 1);
        format!("invocation-{}", self.invocations.get())
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

    /// Instances in service of the groups that the stack can have while one takes the other's place.
    ///
    /// # Panics
    /// Groups cannot be described.
    #[must_use]
    pub fn in_service(&self) -> BTreeSet<String> {
        let names = ["", ".b"]
            .map(|ending| format!("windlass-dev-web{ending}"))
            .to_vec();
        let now = self.sim.now();
        let groups = self
            .sim
            .world_mut()
            .call(now, DescribeAutoScalingGroups { names });
        #[expect(clippy::expect_used, reason = "the simulator always answers this")]
        let groups = groups.expect("groups can be described");
        let instances = groups.into_iter().flat_map(|group| group.instances);
        let serving = instances.filter(|instance| instance.lifecycle_state == "InService");
        serving.map(|instance| instance.id).collect()
    }

    /// Has a group want so many instances.
    ///
    /// # Panics
    /// The group cannot be changed.
    pub fn want(&self, group: &str, desired: u32) {
        let change = GroupChange {
            desired: Some(desired),
            ..GroupChange::default()
        };
        let update = UpdateAutoScalingGroup {
            group: group.into(),
            change: Box::new(change),
        };
        let now = self.sim.now();
        let updated = self.sim.world_mut().call(now, update);
        #[expect(clippy::expect_used, reason = "a test must fail on a group that is not there")]
        updated.expect("the group is there");
    }

    /// What the gate of the first group remembers.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness_of("windlass-dev-web")
    }

    /// What the gate of a group remembers.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn readiness_of(&self, group: &str) -> Readiness {
        let world = self.sim.world();
        let body = world.object(STATE_BUCKET, &readiness_key(&stack(), group));
        #[expect(clippy::expect_used, reason = "a test must fail on a damaged memory")]
        let read = body.map(|body| serde_json::from_slice(body).expect("the gate's memory can be read"));
        read.unwrap_or_default()
    }

    /// The public status, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.status_of(&stack())
    }

    /// A stack's public status, if there is one.
    #[must_use]
    pub fn status_of(&self, stack: &StackId) -> Option<Status> {
        self.document(&status_key(stack))
    }

    /// The head, if there is one.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
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

fn spec_key(stack: &StackId) -> String {
    format!("specs/{stack}.yaml")
}

/// Which stack a message is about, and what it says.
fn addressed(body: &str) -> (StackId, Trigger) {
    if let Ok(message) = serde_json::from_str::<WakeMessage>(body) {
        return (message.wake.stack.clone(), message.trigger());
    }
    let named = body.strip_prefix(SPEC_CHANGED).and_then(|name| {
        let key = format!("specs/{name}.yaml");
        windlass_spec::parse_key(&key).ok()
    });
    (named.unwrap_or_else(stack), Trigger::SpecChanged)
}

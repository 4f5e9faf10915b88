//! A state bucket and a provision queue on the simulator.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use windlass_archive::{
    ArchiveError, Outcome, Settings, StateKey, SweepReport, archive_state, sweep, unpack,
};
use windlass_calls::s3::{Condition, GetObject, ListObjectsV2, Object, PutObject, Request as S3Request};
use windlass_calls::{CallError, Request, Tags};
use windlass_engine::{
    GateMessage, Head, Readiness, ScaleMessage, Scaling, Wake, WakeMessage, head_key, readiness_key,
    scaling_key,
};
use windlass_sim::{Ran, Sent, Sim, Verdict, World, WorldConfig};
use windlass_spec::StackId;

pub(crate) const BUCKET: &str = "states";
const QUEUE: &str = "provision";
const GATES: &str = "lifecycle";
const SCALERS: &str = "scale";

pub(crate) struct Lab {
    pub(crate) sim: Sim,
    pub(crate) settings: Settings,
}

impl Lab {
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = World::new(WorldConfig::default());
        world.create_bucket(BUCKET);
        world.create_queue(QUEUE, 360);
        world.create_queue(GATES, 180);
        world.create_queue(SCALERS, 180);
        Self {
            sim: Sim::new(world, "2026-05-04T09:00:00Z".parse().unwrap(), seed),
            settings: Settings {
                state_bucket: BUCKET.into(),
                provision_queue: QUEUE.into(),
                lifecycle_queue: GATES.into(),
                scale_queue: SCALERS.into(),
                expires: false,
            },
        }
    }

    pub(crate) fn expiring(seed: u64) -> Self {
        let mut lab = Self::new(seed);
        lab.settings.expires = true;
        lab
    }

    /// Records states 1 to `last` of a stack.
    pub(crate) fn record(&self, stack: &str, last: u64) {
        for serial in 1..=last {
            self.put(&key(stack, serial).recorded(), &body(stack, serial));
        }
    }

    pub(crate) fn put(&self, key: &str, body: &[u8]) {
        self.sim.world_mut().upload(BUCKET, key, body);
    }

    pub(crate) fn put_with(&self, key: &str, body: &[u8], metadata: Tags) {
        let put = PutObject {
            bucket: BUCKET.into(),
            key: key.into(),
            body: body.to_vec(),
            content_type: String::new(),
            metadata,
            condition: Condition::Always,
        };
        let now = self.sim.now();
        self.sim.world_mut().call(now, put).unwrap();
    }

    pub(crate) fn delete(&self, key: &str) {
        self.sim.world_mut().delete_object(BUCKET, key);
    }

    pub(crate) fn object(&self, key: &str) -> Option<(Vec<u8>, Tags)> {
        let get = GetObject {
            bucket: BUCKET.into(),
            key: key.into(),
            limit: u64::MAX,
        };
        let now = self.sim.now();
        match self.sim.world_mut().call(now, get) {
            Ok(Object::Found { body, metadata, .. }) => Some((body, metadata)),
            _ => None,
        }
    }

    pub(crate) fn list(&self, prefix: &str) -> Vec<String> {
        let list = ListObjectsV2 {
            bucket: BUCKET.into(),
            prefix: prefix.into(),
        };
        let now = self.sim.now();
        self.sim.world_mut().call(now, list).unwrap()
    }

    /// Has a stack whose wake-up was due this many seconds ago.
    pub(crate) fn await_wake(&self, stack: &str, token: &str, seconds_ago: i64) {
        let head = Head {
            wake: Some(Wake {
                token: token.into(),
                due: self.sim.now() - SignedDuration::from_secs(seconds_ago),
                attempt: 0,
            }),
            ..Head::default()
        };
        let head = serde_json::to_vec(&head).unwrap();
        self.put(&head_key(&stack_id(stack)), &head);
    }

    /// Stack and token of every wake-up sent.
    pub(crate) fn wake_ups(&self) -> Vec<(String, String)> {
        let world = self.sim.world();
        let messages = world.messages(QUEUE).iter();
        let mut sent: Vec<_> = messages
            .map(|message| serde_json::from_str::<WakeMessage>(&message.body).unwrap())
            .map(|message| (message.wake.stack.to_string(), message.wake.token.unwrap()))
            .collect();
        sent.sort();
        sent
    }

    /// Has a gate whose next look was due this many seconds ago.
    pub(crate) fn await_look(&self, stack: &str, group: &str, seconds_ago: i64) {
        let memory = Readiness {
            group: group.into(),
            wake: Some(Wake {
                token: "t1".into(),
                due: self.sim.now() - SignedDuration::from_secs(seconds_ago),
                attempt: 0,
            }),
            ..Readiness::default()
        };
        let memory = serde_json::to_vec(&memory).unwrap();
        self.put(&readiness_key(&stack_id(stack), group), &memory);
    }

    /// Has a scaler whose next tick was due this many seconds ago.
    pub(crate) fn await_tick(&self, stack: &str, seconds_ago: i64) {
        let memory = Scaling {
            tick: Some(Wake {
                token: format!("tick of {stack}"),
                due: self.sim.now() - SignedDuration::from_secs(seconds_ago),
                attempt: 0,
            }),
            ..Scaling::default()
        };
        let memory = serde_json::to_vec(&memory).unwrap();
        self.put(&scaling_key(&stack_id(stack)), &memory);
    }

    /// Tokens of the ticks that the scale function was sent.
    pub(crate) fn ticks(&self) -> Vec<String> {
        let world = self.sim.world();
        let messages = world.messages(SCALERS).iter();
        messages
            .map(|message| serde_json::from_str::<ScaleMessage>(&message.body).unwrap())
            .map(|message| message.scale.token.unwrap())
            .collect()
    }

    /// Groups that the lifecycle function was asked to look at.
    pub(crate) fn looks(&self) -> Vec<String> {
        let world = self.sim.world();
        let messages = world.messages(GATES).iter();
        messages
            .map(|message| serde_json::from_str::<GateMessage>(&message.body).unwrap())
            .map(|message| message.gate.group)
            .collect()
    }

    pub(crate) fn archive(&self, key: &StateKey) -> Result<Outcome, ArchiveError> {
        self.sim
            .run(archive_state(&self.sim, &self.settings, key))
            .finished()
            .unwrap()
    }

    pub(crate) fn sweep_until(&self, until: Timestamp) -> Ran<Result<SweepReport, ArchiveError>> {
        let clock = || self.sim.now();
        self.sim.run(sweep(&self.sim, &clock, &self.settings, until))
    }

    pub(crate) fn sweep(&self) -> SweepReport {
        self.sweep_until(Timestamp::MAX).finished().unwrap().unwrap()
    }

    /// Asks this about every call that arrives from now on.
    pub(crate) fn faults(&self, faults: impl FnMut(&Sent) -> Verdict + 'static) {
        self.sim.set_faults(Some(Box::new(faults)));
    }

    pub(crate) fn no_faults(&self) {
        self.sim.set_faults(None);
    }

    /// How many calls that can change anything arrived so far.
    pub(crate) fn changes(&self) -> u64 {
        let calls = self.sim.calls();
        let of = |action: &str| calls.get(action).copied().unwrap_or_default();
        of("s3:PutObject") + of("sqs:SendMessage")
    }

    /// Every recorded state is in the archive, byte for byte, and nothing else is.
    pub(crate) fn assert_archived(&self) {
        let states: Vec<_> = self
            .list("states/")
            .iter()
            .filter_map(|key| StateKey::parse(key))
            .collect();
        let expected: Vec<_> = states.iter().map(StateKey::archived).collect();
        assert_eq!(self.list("archive/"), expected);
        for key in states {
            let (state, _) = self.object(&key.recorded()).unwrap();
            let (body, metadata) = self.object(&key.archived()).unwrap();
            assert!(metadata.contains_key("sha256"), "{key}: {metadata:?}");
            assert_eq!(unpack(&body, &metadata).unwrap(), state, "{key}");
        }
    }
}

pub(crate) fn stack_id(stack: &str) -> StackId {
    let (environment, name) = stack.split_once('/').unwrap();
    StackId {
        environment: environment.into(),
        name: name.into(),
    }
}

pub(crate) fn key(stack: &str, serial: u64) -> StateKey {
    StateKey {
        stack: stack_id(stack),
        serial,
    }
}

/// A state of its own for each serial, shaped as the engine's.
pub(crate) fn state(stack: &str, serial: u64) -> Value {
    let resources: Value = (1..=serial.min(20))
        .map(|number| {
            let since = format!("2026-05-04T09:00:{number:02}Z");
            let record = json!({"outputs": {"id": format!("vpc-{number}")}, "settled": true, "incarnation": 1, "since": since});
            (format!("vpc/{number}"), record)
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "stack": stack, "serial": serial, "lineage": "l1", "specVersion": format!("v{serial}"),
        "spec": {"scaling": {"max": serial}}, "resources": resources,
    })
}

pub(crate) fn body(stack: &str, serial: u64) -> Vec<u8> {
    serde_json::to_vec_pretty(&state(stack, serial)).unwrap()
}

/// Whether a call is a put below the archive.
pub(crate) fn is_put(request: &Request) -> bool {
    matches!(request, Request::S3(S3Request::PutObject(put)) if put.key.starts_with("archive/"))
}

pub(crate) fn refused(code: &str, status: u16) -> Verdict {
    Verdict::Fail(CallError::answered("s3:PutObject", code, "", status))
}

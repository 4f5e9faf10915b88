//! The archive's role allows what the archive sends, and nothing else: `template.yaml` against a run of everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use windlass_archive::{Settings, StateKey, archive_state, sweep};
use windlass_engine::{Head, Metered, Wake};
use windlass_sim::{Sim, World, WorldConfig};

#[path = "../../calls/tests/template/mod.rs"]
mod template;

/// Actions that AWS checks besides the calls themselves: the event source, and the function's log.
const IMPLIED: [&str; 5] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

/// Every action that the archive sends: one state by its event, and a sweep that has to do all it can.
fn sent() -> BTreeSet<&'static str> {
    let mut world = World::new(WorldConfig::default());
    world.create_bucket("states");
    world.create_queue("queue", 360);
    let start: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
    let head = Head {
        wake: Some(Wake {
            token: "t1".into(),
            due: start - SignedDuration::from_mins(10),
            attempt: 0,
        }),
        ..Head::default()
    };
    world.upload(
        "states",
        "stacks/dev/web/head.json",
        &serde_json::to_vec(&head).unwrap(),
    );
    let state = StateKey::parse("states/dev/web/00000001.json").unwrap();
    world.upload("states", &state.recorded(), b"{}");
    world.upload("states", "states/dev/web/00000002.json", b"{}");
    let sim = Sim::new(world, start, 1);
    let settings = Settings {
        state_bucket: "states".into(),
        provision_queue: "queue".into(),
        lifecycle_queue: "lifecycle".into(),
        scale_queue: "scale".into(),
        expires: true,
    };
    let port = Metered::new(&sim);
    let clock = || sim.now();
    sim.run(async {
        archive_state(&port, &settings, &state).await.unwrap();
        let report = sweep(&port, &clock, &settings, Timestamp::MAX).await.unwrap();
        assert_eq!((report.archived.len(), report.woken.len()), (1, 1));
    })
    .finished()
    .unwrap();
    port.counts().into_keys().map(template::iam_name).collect()
}

#[test]
fn the_archives_role_allows_exactly_what_the_archive_sends() {
    let needed: BTreeSet<String> = sent().into_iter().chain(IMPLIED).map(str::to_owned).collect();
    assert_eq!(template::allowed("ArchiveFunctionRole"), needed);
}

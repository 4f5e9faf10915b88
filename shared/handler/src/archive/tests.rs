//! Batches against a simulated bucket and queue.

use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};
use windlass_archive::Settings;
use windlass_engine::{Head, Wake};
use windlass_sim::{Sim, World, WorldConfig};

use crate::archive::Archiver;
use crate::batch::{Batch, Invocation, Record};
use crate::log::tests::Memory;
use crate::log::{Level, Log};

const BUCKET: &str = "windlass-states";
const QUEUE: &str = "provision";

/// A bucket with states 1 to `last` of dev/web.
fn bucket(last: u64) -> Sim {
    let mut world = World::new(WorldConfig::default());
    world.create_bucket(BUCKET);
    world.create_queue(QUEUE, 360);
    for serial in 1..=last {
        world.upload(
            BUCKET,
            &state(serial),
            format!("{{\"serial\": {serial}}}").as_bytes(),
        );
    }
    let sim = Sim::new(world, "2026-05-04T09:12:31Z".parse().unwrap(), 1);
    sim.set_latency(SignedDuration::from_millis(10));
    sim
}

fn state(serial: u64) -> String {
    format!("states/dev/web/{serial:08}.json")
}

fn archived(sim: &Sim, serial: u64) -> bool {
    let key = format!("archive/dev/web/{serial:08}.json.zst");
    sim.world().object(BUCKET, &key).is_some()
}

fn recorded(serial: u64) -> String {
    in_bucket(BUCKET, &state(serial))
}

fn in_bucket(bucket: &str, key: &str) -> String {
    json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": {"key": key}}})
        .to_string()
}

fn sweep() -> String {
    json!({"sweep": true}).to_string()
}

/// What came of a batch.
struct Answer {
    failures: Vec<String>,
    lines: Vec<Value>,
    text: String,
}

impl Answer {
    /// The first line of a level whose message contains a text.
    fn line(&self, level: &str, message: &str) -> &Value {
        let says = |line: &&Value| {
            line["level"] == level
                && line["message"]
                    .as_str()
                    .is_some_and(|said| said.contains(message))
        };
        self.lines
            .iter()
            .find(says)
            .unwrap_or_else(|| panic!("no `{message}` in {}", self.text))
    }
}

fn process(sim: &Sim, seconds: i64, bodies: &[String]) -> Answer {
    let records = (1..).zip(bodies).map(|(number, body)| Record {
        message_id: format!("m{number}"),
        body: body.clone(),
    });
    let batch = Batch {
        records: records.collect(),
    };
    process_batch(sim, seconds, &batch)
}

fn process_batch(sim: &Sim, seconds: i64, batch: &Batch) -> Answer {
    let out = Memory::default();
    let clock = || sim.now();
    let log = Log::new(out.clone(), Level::Debug, &clock);
    let settings = Settings {
        state_bucket: BUCKET.into(),
        provision_queue: QUEUE.into(),
        lifecycle_queue: "lifecycle".into(),
        scale_queue: "scale".into(),
        expires: false,
    };
    let archiver = Archiver {
        port: sim,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "archive",
    };
    let invocation = Invocation {
        request: "r-1".into(),
        deadline: sim.now() + SignedDuration::from_secs(seconds),
    };
    let response = sim.run(archiver.process(&invocation, batch)).finished().unwrap();
    let text = out.text();
    let mut failures: Vec<String> = response.failures().map(str::to_owned).collect();
    failures.sort();
    Answer {
        failures,
        lines: text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        text,
    }
}

#[test]
fn every_state_of_a_batch_is_archived_and_acknowledged() {
    let sim = bucket(10);
    let bodies: Vec<_> = (1..=10).map(recorded).collect();
    let answer = process(&sim, 30, &bodies);
    assert_eq!(answer.failures, [""; 0]);
    assert!((1..=10).all(|serial| archived(&sim, serial)));
    assert_eq!(answer.lines.last().unwrap()["Archived"], 10);
}

#[test]
fn the_lines_of_a_batch_are_one_for_each_state_one_for_the_sweep_and_a_metrics_line() {
    let sim = bucket(2);
    let answer = process(&sim, 30, &[recorded(1), sweep()]);
    insta::assert_snapshot!(answer.text);
}

#[test]
fn messages_about_one_state_are_answered_together() {
    let sim = bucket(1);
    let answer = process(&sim, 30, &[recorded(1), recorded(1)]);
    assert_eq!(answer.failures, [""; 0]);
    assert_eq!(sim.calls()["s3:PutObject"], 1);
}

#[test]
fn a_state_whose_archive_holds_something_else_fails_with_an_error_that_names_it_and_the_rest_goes_on() {
    let sim = bucket(3);
    let foreign = "archive/dev/web/00000002.json.zst";
    sim.world_mut().upload(BUCKET, foreign, b"something else");
    let answer = process(&sim, 30, &[recorded(1), recorded(2), recorded(2), recorded(3)]);
    assert_eq!(answer.failures, ["m2", "m3"]);
    let error = answer.line("ERROR", "state not archived");
    assert!(error["error"].as_str().unwrap().contains(foreign), "{error}");
    assert_eq!(sim.world().object(BUCKET, foreign), Some(&b"something else"[..]));
    assert!(archived(&sim, 1) && archived(&sim, 3));
}

#[test]
fn a_state_that_is_gone_is_acknowledged_with_a_warning() {
    let sim = bucket(0);
    let answer = process(&sim, 30, &[recorded(1)]);
    assert_eq!(answer.failures, [""; 0]);
    assert_eq!(answer.line("WARN", "gone")["state"], state(1));
}

#[test]
fn poison_fails_and_foreign_objects_are_acknowledged_with_a_warning() {
    let sim = bucket(1);
    let bodies = [
        "boo!".to_owned(),
        in_bucket("other", &state(1)),
        in_bucket(BUCKET, "states/readme.txt"),
        recorded(1),
    ];
    let answer = process(&sim, 30, &bodies);
    assert_eq!(answer.failures, ["m1"]);
    assert_eq!(answer.line("ERROR", "not understood")["messageId"], "m1");
    assert_eq!(answer.line("WARN", "ignored")["messageId"], "m2");
    assert!(archived(&sim, 1));
}

#[test]
fn a_sweep_archives_what_no_event_named_and_wakes_what_nobody_woke() {
    let sim = bucket(3);
    let head = Head {
        wake: Some(Wake {
            token: "t1".into(),
            due: sim.now() - SignedDuration::from_mins(10),
            attempt: 0,
        }),
        ..Head::default()
    };
    sim.world_mut().upload(
        BUCKET,
        "stacks/dev/web/head.json",
        &serde_json::to_vec(&head).unwrap(),
    );
    let answer = process(&sim, 30, &[sweep(), sweep()]);
    assert_eq!(answer.failures, [""; 0]);
    assert!((1..=3).all(|serial| archived(&sim, serial)));
    assert_eq!(sim.world().messages(QUEUE).len(), 1, "one sweep answers both");
    let line = answer.line("INFO", "sweep ended");
    assert_eq!(
        (&line["archived"], &line["woken"]),
        (&json!(3), &json!(["dev/web"]))
    );
}

#[test]
fn a_sweep_that_could_not_do_everything_comes_again_and_says_what_failed() {
    let sim = bucket(2);
    sim.world_mut().upload(BUCKET, "stacks/dev/web/head.json", b"{]");
    sim.world_mut().upload(BUCKET, "states/readme.txt", b"");
    let answer = process(&sim, 30, &[sweep()]);
    assert_eq!(answer.failures, ["m1"]);
    assert_eq!(
        answer.line("ERROR", "sweep failed")["key"],
        "stacks/dev/web/head.json"
    );
    assert_eq!(answer.line("WARN", "names no state")["key"], "states/readme.txt");
    assert!(archived(&sim, 1) && archived(&sim, 2));
}

#[test]
fn what_a_sweep_has_no_time_for_is_left_to_the_next() {
    let sim = bucket(100);
    sim.set_latency(SignedDuration::from_secs(1));
    let answer = process(&sim, 30, &[sweep()]);
    assert_eq!(answer.failures, [""; 0]);
    let line = answer.line("WARN", "sweep ended");
    let (archived, left) = (line["archived"].as_u64().unwrap(), line["left"].as_u64().unwrap());
    assert!(archived > 0 && left > 0 && archived + left == 100, "{line}");
}

#[rstest]
#[case(14)]
#[case(-1)]
fn nothing_begins_that_could_not_end_before_the_deadline(#[case] seconds: i64) {
    let sim = bucket(1);
    let answer = process(&sim, seconds, &[recorded(1), sweep()]);
    assert_eq!(answer.failures, ["m1", "m2"]);
    assert!(sim.calls().is_empty());
}

#[test]
fn what_no_time_is_left_for_comes_again_and_what_fits_is_done() {
    let sim = bucket(10);
    sim.set_latency(SignedDuration::from_secs(1));
    let bodies: Vec<_> = (1..=10).map(recorded).collect();
    let answer = process(&sim, 20, &bodies);
    let done = (1..=10).filter(|serial| archived(&sim, *serial)).count();
    assert_eq!(done + answer.failures.len(), 10);
    assert!(done > 0 && !answer.failures.is_empty());
    answer.line("WARN", "no time left");
}

#[rstest]
#[case("state-recorded")]
#[case("sweep")]
fn the_example_events_lead_to_an_archived_state(#[case] name: &str) {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let batch: Batch = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let sim = bucket(7);
    let answer = process_batch(&sim, 30, &batch);
    assert_eq!(answer.failures, [""; 0]);
    assert!(archived(&sim, 7));
}

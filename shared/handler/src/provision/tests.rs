//! Batches against a port that knows buckets and the queue only: no spec of these exists, so that a pass ends early.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};
use windlass_calls::ec2;
use windlass_calls::s3::{self, ETag, Object};
use windlass_calls::{CallError, Request, Response, Tags};
use windlass_engine::{Port, Settings};

use crate::batch::{Batch, Invocation, Record};
use crate::config;
use crate::log::tests::Memory;
use crate::log::{Level, Log};
use crate::provision::Processor;

/// Buckets and a clock. Each call takes time.
struct Fake {
    now: Cell<Timestamp>,
    call_takes: SignedDuration,
    /// Keys that S3 answers with an internal error.
    broken: BTreeSet<String>,
    /// Tags of the instances of the account; `None`: EC2 answers with an internal error.
    instances: Option<BTreeMap<String, Tags>>,
    objects: RefCell<BTreeMap<String, Vec<u8>>>,
    calls: RefCell<Vec<&'static str>>,
}

impl Fake {
    fn new() -> Self {
        Self {
            now: Cell::new("2026-05-04T09:12:31Z".parse().unwrap()),
            call_takes: SignedDuration::from_millis(10),
            broken: BTreeSet::new(),
            instances: Some(BTreeMap::new()),
            objects: RefCell::default(),
            calls: RefCell::default(),
        }
    }

    fn status(&self, key: &str) -> Option<Value> {
        let objects = self.objects.borrow();
        objects.get(key).map(|body| serde_json::from_slice(body).unwrap())
    }

    fn s3(&self, request: s3::Request) -> Result<s3::Response, (&'static str, u16)> {
        match request {
            s3::Request::GetObject(get) if self.broken.contains(&get.key) => Err(("InternalError", 500)),
            s3::Request::GetObject(get) => match self.objects.borrow().get(&get.key) {
                Some(body) => Ok(s3::Response::GetObject(Object::Found {
                    body: body.clone(),
                    etag: "e".into(),
                    version: "v1".into(),
                    metadata: Tags::new(),
                })),
                None => Err(("NoSuchKey", 404)),
            },
            s3::Request::ListObjectsV2(_) => Ok(s3::Response::ListObjectsV2(vec![])),
            s3::Request::PutObject(put) => {
                self.objects.borrow_mut().insert(put.key, put.body);
                let (etag, version) = ("e".into(), "v1".into());
                Ok(s3::Response::PutObject(ETag { etag, version }))
            }
        }
    }
}

impl Port for Fake {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let action = request.action();
        self.calls.borrow_mut().push(action);
        self.now.set(self.now.get() + self.call_takes);
        if let Some(done) = request.done() {
            return Ok(done);
        }
        if let Request::Ec2(ec2::Request::DescribeInstances(describe)) = request {
            let Some(instances) = &self.instances else {
                return Err(CallError::answered(action, "InternalError", "", 500));
            };
            let found = describe.filters["instance-id"]
                .iter()
                .filter_map(|id| Some((id, instances.get(id)?)));
            let found = found.map(|(id, tags)| ec2::Instance {
                id: id.clone(),
                instance_type: "t3.micro".into(),
                state: "terminated".into(),
                state_reason: None,
                launched: None,
                subnet: String::new(),
                security_groups: vec![],
                spot: false,
                tags: tags.clone(),
            });
            return Ok(Response::Ec2(ec2::Response::DescribeInstances(found.collect())));
        }
        let Request::S3(request) = request else {
            return Err(CallError::answered(
                action,
                "UnauthorizedOperation",
                "not in this test",
                403,
            ));
        };
        self.s3(request)
            .map(Response::S3)
            .map_err(|(code, status)| CallError::answered(action, code, "", status))
    }
}

fn settings() -> Settings {
    let env = [
        ("SPEC_BUCKET", "windlass-specs"),
        ("STATE_BUCKET", "states"),
        ("QUEUE_URL", "queue"),
        ("AWS_REGION", "us-east-1"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    config::settings(&BTreeMap::from(env)).unwrap()
}

fn put(key: &str) -> String {
    in_bucket("windlass-specs", key)
}

fn in_bucket(bucket: &str, key: &str) -> String {
    json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": {"key": key}}})
        .to_string()
}

fn wake(name: &str, token: Option<&str>) -> String {
    json!({"wake": {"stack": {"environment": "dev", "name": name}, "token": token}}).to_string()
}

/// What came of a batch.
struct Answer {
    failures: Vec<String>,
    lines: Vec<Value>,
    text: String,
}

impl Answer {
    fn passes(&self) -> Vec<&Value> {
        let ended = |line: &&Value| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("pass "))
        };
        self.lines.iter().filter(ended).collect()
    }

    fn says(&self, level: &str, message: &str) -> bool {
        let matching = |line: &&Value| {
            line["level"] == level
                && line["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(message))
        };
        self.lines.iter().any(|line| matching(&line))
    }
}

async fn process(fake: &Fake, seconds: i64, bodies: &[String]) -> Answer {
    let records = (1..).zip(bodies).map(|(number, body)| Record {
        message_id: format!("m{number}"),
        body: body.clone(),
    });
    let batch = Batch {
        records: records.collect(),
    };
    process_batch(fake, seconds, &batch).await
}

async fn process_batch(fake: &Fake, seconds: i64, batch: &Batch) -> Answer {
    let out = Memory::default();
    let clock = || fake.now.get();
    let log = Log::new(out.clone(), Level::Debug, &clock);
    let settings = settings();
    let processor = Processor {
        port: fake,
        clock: &clock,
        settings: &settings,
        log: &log,
        function: "provision",
    };
    let invocation = Invocation {
        request: "r-1".into(),
        deadline: fake.now.get() + SignedDuration::from_secs(seconds),
    };
    let response = processor.process(&invocation, batch).await;
    let text = out.text();
    Answer {
        failures: response.failures().map(str::to_owned).collect(),
        lines: text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        text,
    }
}

#[tokio::test]
async fn only_the_messages_of_the_stack_whose_pass_failed_come_again() {
    let mut fake = Fake::new();
    fake.broken.insert("stacks/dev/bad/head.json".into());
    let bodies = [
        put("specs/dev/good.yaml"),
        put("specs/dev/bad.yaml"),
        wake("bad", None),
        put("specs/dev/fine.yaml"),
    ];
    let answer = process(&fake, 60, &bodies).await;
    assert_eq!(answer.failures, ["m2", "m3"]);
    assert!(answer.says("ERROR", "pass failed"));
    assert_eq!(answer.passes().len(), 3);
    let failed = answer.passes()[1];
    assert!(
        failed["error"].as_str().unwrap().contains("s3:GetObject"),
        "{failed}"
    );
}

#[rstest]
#[case("specs/x.yaml", "stacks/x/status.json")]
#[case("specs/dev/my web+more.yaml", "stacks/dev/my web+more/status.json")]
#[case("specs/dev/a%20b.yaml", "stacks/dev/a%20b/status.json")]
#[tokio::test]
async fn a_key_that_names_no_stack_is_rejected_under_its_literal_name_and_acknowledged(
    #[case] key: &str,
    #[case] status: &str,
) {
    let fake = Fake::new();
    let answer = process(&fake, 60, &[put(key), put(key)]).await;
    assert_eq!(answer.failures, [""; 0]);
    let status = fake.status(status).unwrap();
    assert_eq!(status["phase"], "Rejected");
    assert!(!status["errors"][0]["hint"].as_str().unwrap().is_empty());
    assert_eq!(fake.calls.borrow().len(), 2, "one status and one journal entry");
}

#[tokio::test]
async fn poison_fails_with_the_beginning_of_its_body_in_the_log_and_the_rest_goes_on() {
    let fake = Fake::new();
    let answer = process(&fake, 60, &["boo!".repeat(1000), put("specs/dev/web.yaml")]).await;
    assert_eq!(answer.failures, ["m1"]);
    let error = answer.lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(error["messageId"], "m1");
    assert_eq!(error["body"].as_str().unwrap().len(), 1024);
    assert_eq!(answer.passes().len(), 1);
}

#[tokio::test]
async fn an_event_of_another_bucket_is_acknowledged_with_a_warning_and_no_call() {
    let fake = Fake::new();
    let answer = process(&fake, 60, &[in_bucket("other", "specs/dev/web.yaml")]).await;
    assert_eq!(answer.failures, [""; 0]);
    assert!(answer.says("WARN", "ignored"));
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test]
async fn messages_of_one_stack_share_one_pass() {
    let fake = Fake::new();
    let bodies = [
        wake("web", None),
        put("specs/dev/web.yaml"),
        put("specs/dev/web.yaml"),
    ];
    let answer = process(&fake, 60, &bodies).await;
    assert_eq!(answer.failures, [""; 0]);
    assert_eq!(answer.passes().len(), 1);
}

#[tokio::test]
async fn a_wake_up_survives_a_pass_for_another_reason_that_did_not_go_through() {
    let fake = Fake::new();
    let bodies = [wake("web", Some("t1")), put("specs/dev/web.yaml")];
    let answer = process(&fake, 60, &bodies).await;
    let verdicts: Vec<_> = answer
        .passes()
        .iter()
        .map(|pass| pass["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["NoSpec", "Stale"]);
}

#[tokio::test]
async fn what_no_time_is_left_for_comes_again_and_what_fits_is_done() {
    let mut fake = Fake::new();
    fake.call_takes = SignedDuration::from_secs(5);
    let bodies = ["a", "b", "c"].map(|name| put(&format!("specs/dev/{name}.yaml")));
    let answer = process(&fake, 35, &bodies).await;
    assert_eq!(answer.failures, ["m2", "m3"]);
    assert!(answer.says("WARN", "no time left"));
}

#[rstest]
#[case(19)]
#[case(-1)]
#[tokio::test]
async fn nothing_begins_that_could_not_end_before_the_deadline(#[case] seconds: i64) {
    let fake = Fake::new();
    let bodies = [put("specs/dev/web.yaml"), put("specs/x.yaml")];
    let mut answer = process(&fake, seconds, &bodies).await;
    answer.failures.sort();
    assert_eq!(answer.failures, ["m1", "m2"]);
    assert!(fake.calls.borrow().is_empty());
}

#[tokio::test]
async fn the_lines_of_a_pass_are_a_log_line_and_a_metrics_line() {
    let fake = Fake::new();
    let answer = process(&fake, 60, &[put("specs/dev/web.yaml")]).await;
    insta::assert_snapshot!(answer.text);
}

#[rstest]
#[case("s3-object-created")]
#[case("s3-object-deleted")]
#[case("wake-up")]
#[tokio::test]
async fn the_example_events_lead_to_a_pass_over_their_stack(#[case] name: &str) {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let batch: Batch = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let answer = process_batch(&Fake::new(), 60, &batch).await;
    assert_eq!(answer.failures, [""; 0]);
    assert_eq!(answer.passes()[0]["stack"], "dev/web");
}

const INSTANCE: &str = "i-0a1b2c3d4e5f60718";

fn died() -> String {
    json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"instance-id": INSTANCE, "state": "terminated"}})
        .to_string()
}

fn tagged(resource: &str) -> Fake {
    let tags = [("windlass:stack", "dev/web"), ("windlass:resource", resource)];
    let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Fake {
        instances: Some(BTreeMap::from([(INSTANCE.to_owned(), Tags::from(tags))])),
        ..Fake::new()
    }
}

#[tokio::test]
async fn a_fixed_instance_that_died_has_its_stack_looked_at_once() {
    let fake = tagged("instance/0");
    let answer = process(&fake, 60, &[died(), died()]).await;
    assert_eq!(answer.failures, [""; 0]);
    let passes = answer.passes();
    assert_eq!(passes.len(), 1, "{}", answer.text);
    assert_eq!(passes[0]["stack"], "dev/web");
}

/// Rule 58: these events come from the whole account, and a group replaces its instances itself.
#[rstest]
#[case::of_a_group(tagged("instance"))]
#[case::foreign(Fake { instances: Some(BTreeMap::from([(INSTANCE.to_owned(), Tags::new())])), ..Fake::new() })]
#[case::gone(Fake::new())]
#[tokio::test]
async fn any_other_instance_is_dropped_without_a_word(#[case] fake: Fake) {
    let answer = process(&fake, 60, &[died()]).await;
    assert_eq!(
        (answer.failures.len(), answer.lines.len()),
        (0, 0),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn an_instance_that_cannot_be_looked_up_comes_again() {
    let fake = Fake {
        instances: None,
        ..Fake::new()
    };
    let answer = process(&fake, 60, &[died()]).await;
    assert_eq!(answer.failures, ["m1"]);
    assert!(answer.says("WARN", "could not be looked up"), "{}", answer.text);
}

//! The sweep: what no event brought about.

use futures::future::join;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_archive::{ArchiveError, LARGEST, sweep};
use windlass_engine::{Head, Lease, Scaling, head_key};
use windlass_sim::Verdict;

use crate::lab::{Lab, is_put, key, refused, stack_id};

#[test]
fn with_every_event_dropped_sweeps_alone_archive_every_state() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1500);
    lab.record("dev/shop", 700);
    lab.record("prod/web", 1);
    let mut left = Vec::new();
    for _ in 0..3 {
        left.push(lab.sweep().left);
    }
    assert_eq!(left, [1201, 201, 0], "bounded, counted, and converging");
    lab.assert_archived();
    let before = lab.changes();
    let report = lab.sweep();
    assert!(report.archived.is_empty() && report.failed.is_empty());
    assert_eq!(
        lab.changes(),
        before,
        "a sweep that finds nothing changes nothing"
    );
}

#[test]
fn only_what_is_missing_is_archived() {
    let lab = Lab::new(1);
    lab.record("dev/web", 5);
    for serial in [1, 2, 4] {
        lab.archive(&key("dev/web", serial)).unwrap();
    }
    let mut archived = lab.sweep().archived;
    archived.sort();
    assert_eq!(archived, [key("dev/web", 3), key("dev/web", 5)]);
    lab.assert_archived();
}

#[test]
fn nothing_begins_once_time_is_up_and_the_next_sweep_goes_on() {
    let lab = Lab::new(1);
    lab.record("dev/web", 100);
    lab.await_wake("dev/web", "t1", 600);
    let report = lab.sweep_until(lab.sim.now()).finished().unwrap().unwrap();
    // The states, a head, and who waits.
    assert_eq!((report.left, lab.changes()), (102, 0));
    let soon = lab.sim.now() + SignedDuration::from_secs(4);
    let report = lab.sweep_until(soon).finished().unwrap().unwrap();
    assert!(report.left > 0 && !report.archived.is_empty(), "{report:?}");
    assert_eq!(report.left + report.archived.len(), 100);
    assert!(
        lab.sim.now() < soon + SignedDuration::from_secs(2),
        "what began, ended"
    );
    assert_eq!(lab.sweep().left, 0);
    lab.assert_archived();
}

#[test]
fn keys_that_are_no_states_are_reported_and_left_alone() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    for odd in [
        "states/readme.txt",
        "states/dev/web/1.json",
        "states/dev/We b/00000001.json",
    ] {
        lab.put(odd, b"{}");
    }
    let mut odd = lab.sweep().odd;
    odd.sort();
    assert_eq!(
        odd,
        [
            "states/dev/We b/00000001.json",
            "states/dev/web/1.json",
            "states/readme.txt"
        ]
    );
    lab.assert_archived();
}

#[test]
fn one_state_that_fails_is_reported_and_the_others_get_there() {
    let lab = Lab::new(1);
    lab.record("dev/web", 20);
    lab.put("states/dev/web/00000007.json", &vec![b'x'; LARGEST + 1]);
    let report = lab.sweep();
    assert_eq!(report.archived.len(), 19);
    let [(key, ArchiveError::TooLarge { .. })] = &report.failed[..] else {
        panic!("{report:?}");
    };
    assert_eq!(key, "states/dev/web/00000007.json");
}

#[test]
fn while_s3_refuses_every_put_nothing_is_lost() {
    let lab = Lab::new(1);
    lab.record("dev/web", 20);
    lab.faults(|sent| {
        if is_put(sent.request) {
            refused("SlowDown", 503)
        } else {
            Verdict::Deliver
        }
    });
    assert_eq!(lab.sweep().failed.len(), 20);
    lab.no_faults();
    assert_eq!(lab.sweep().archived.len(), 20);
    lab.assert_archived();
}

#[rstest]
fn two_sweeps_at_once_do_each_others_work(
    #[values(1, 2, 3, 4)] seed: u64,
    #[values(false, true)] expires: bool,
) {
    let mut lab = Lab::new(seed);
    lab.settings.expires = expires;
    lab.record("dev/web", 30);
    let clock = || lab.sim.now();
    let both = join(
        sweep(&lab.sim, &clock, &lab.settings, Timestamp::MAX),
        sweep(&lab.sim, &clock, &lab.settings, Timestamp::MAX),
    );
    let (one, other) = lab.sim.run(both).finished().unwrap();
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.failed.is_empty() && other.failed.is_empty());
    assert_eq!(one.archived.len() + other.archived.len(), 30);
    lab.assert_archived();
}

#[test]
fn an_archived_state_that_vanished_comes_back() {
    let lab = Lab::new(1);
    lab.record("dev/web", 3);
    let _ = lab.sweep();
    lab.delete("archive/dev/web/00000002.json.zst");
    assert_eq!(lab.sweep().archived, [key("dev/web", 2)]);
    lab.assert_archived();
}

#[test]
fn where_archived_states_expire_an_expired_one_stays_away_and_new_ones_are_archived() {
    let lab = Lab::expiring(1);
    lab.record("dev/web", 3);
    lab.record("dev/shop", 2);
    assert_eq!(lab.sweep().archived.len(), 5);
    for archived in lab.list("archive/") {
        lab.delete(&archived);
    }
    assert!(lab.sweep().archived.is_empty());
    lab.record("dev/web", 4);
    assert_eq!(lab.sweep().archived, [key("dev/web", 4)]);
    assert!(lab.sweep().archived.is_empty());
}

#[test]
fn where_archived_states_expire_a_state_that_was_never_archived_is_not_taken_for_an_expired_one() {
    let lab = Lab::expiring(1);
    lab.record("dev/web", 5);
    for serial in [1, 3, 5] {
        lab.archive(&key("dev/web", serial)).unwrap();
    }
    lab.faults(|sent| {
        if is_put(sent.request) {
            refused("SlowDown", 503)
        } else {
            Verdict::Deliver
        }
    });
    assert_eq!(lab.sweep().failed.len(), 2);
    lab.no_faults();
    assert_eq!(lab.sweep().archived.len(), 2);
    lab.assert_ledger(r#"{"dev/web":5}"#);
}

#[rstest]
#[case::lost(None)]
#[case::damaged(Some("{]"))]
fn without_its_note_a_sweep_begins_anew(#[case] note: Option<&str>) {
    let lab = Lab::expiring(1);
    lab.record("dev/web", 2);
    let _ = lab.sweep();
    for archived in lab.list("archive/") {
        lab.delete(&archived);
    }
    match note {
        Some(text) => lab.put("sweep/archived.json", text.as_bytes()),
        None => lab.delete("sweep/archived.json"),
    }
    assert_eq!(lab.sweep().archived.len(), 2);
    lab.assert_ledger(r#"{"dev/web":2}"#);
}

#[test]
fn without_expiry_no_note_is_kept() {
    let lab = Lab::new(1);
    lab.record("dev/web", 2);
    let _ = lab.sweep();
    assert!(lab.list("sweep/").is_empty());
}

#[test]
fn stacks_whose_wake_up_is_overdue_are_woken_with_their_own_token_and_no_others() {
    let lab = Lab::new(1);
    lab.await_wake("dev/asleep", "t7", 600);
    lab.await_wake("dev/lost", "t8", 121);
    lab.await_wake("dev/late", "t9", 60);
    lab.await_wake("dev/soon", "t10", -60);
    lab.put(
        &head_key(&stack_id("dev/ready")),
        &serde_json::to_vec(&Head::default()).unwrap(),
    );
    lab.put("stacks/dev/asleep/status.json", b"{}");
    lab.put("stacks/x/status.json", b"{}");
    lab.put("stacks/dev/we b/head.json", b"{}");
    let mut report = lab.sweep();
    report.woken.sort();
    assert_eq!(report.woken, [stack_id("dev/asleep"), stack_id("dev/lost")]);
    let expected = [("dev/asleep", "t7"), ("dev/lost", "t8")];
    assert_eq!(
        lab.wake_ups(),
        expected.map(|(stack, token)| (stack.to_owned(), token.to_owned()))
    );
    assert!(report.failed.is_empty() && report.odd.is_empty(), "{report:?}");
}

#[test]
fn a_stack_that_somebody_works_on_is_left_alone() {
    let lab = Lab::new(1);
    lab.await_wake("dev/web", "t1", 600);
    let (body, _) = lab.object("stacks/dev/web/head.json").unwrap();
    let head = Head {
        lease: Some(Lease {
            owner: "r-1".into(),
            until: lab.sim.now() + SignedDuration::from_secs(30),
        }),
        ..serde_json::from_slice(&body).unwrap()
    };
    lab.put("stacks/dev/web/head.json", &serde_json::to_vec(&head).unwrap());
    assert!(lab.sweep().woken.is_empty());
}

#[test]
fn a_head_that_cannot_be_read_is_reported_and_the_others_are_woken() {
    let lab = Lab::new(1);
    lab.put("stacks/dev/broken/head.json", b"{]");
    lab.await_wake("dev/web", "t1", 600);
    let report = lab.sweep();
    assert_eq!(report.woken, [stack_id("dev/web")]);
    let [(key, ArchiveError::Document { .. })] = &report.failed[..] else {
        panic!("{report:?}");
    };
    assert_eq!(key, "stacks/dev/broken/head.json");
}

#[test]
fn a_bucket_that_cannot_be_listed_is_an_error() {
    let lab = Lab::new(1);
    lab.faults(|_| refused("AccessDenied", 403));
    let error = lab.sweep_until(Timestamp::MAX).finished().unwrap().unwrap_err();
    assert!(matches!(error, ArchiveError::Call(_)), "{error}");
}

impl Lab {
    fn assert_ledger(&self, expected: &str) {
        let (body, _) = self.object("sweep/archived.json").unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}

#[test]
fn a_chain_of_looks_at_waiting_instances_that_broke_goes_on() {
    let lab = Lab::new(1);
    lab.await_look("dev/web", "windlass-dev-web", 121);
    lab.await_look("dev/shop", "windlass-dev-shop", 119);
    let report = lab.sweep();
    assert_eq!(report.gates, ["windlass-dev-web"], "the other's may only be late");
    assert_eq!(lab.looks(), ["windlass-dev-web"]);
}

#[test]
fn a_tick_that_was_lost_is_sent_anew_with_its_own_token() {
    let lab = Lab::new(1);
    lab.await_tick("dev/web", 121);
    lab.await_tick("dev/shop", 119);
    lab.put(
        "stacks/dev/quiet/scaling.json",
        &serde_json::to_vec(&Scaling::default()).unwrap(),
    );
    lab.put("stacks/dev/api/scaling.json", b"{");
    let report = lab.sweep();
    assert_eq!(
        report.ticks,
        [stack_id("dev/web")],
        "the other's may only be late"
    );
    assert_eq!(lab.ticks(), ["tick of dev/web"]);
    let failed: Vec<&str> = report.failed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(failed, ["stacks/dev/api/scaling.json"]);
}

#[test]
fn a_gate_whose_memory_is_damaged_keeps_no_other_from_its_look() {
    let lab = Lab::new(1);
    lab.put("stacks/dev/api/readiness/windlass-dev-api.json", b"{");
    lab.await_look("dev/web", "windlass-dev-web", 600);
    let report = lab.sweep();
    assert_eq!(lab.looks(), ["windlass-dev-web"]);
    assert_eq!(report.failed.len(), 1);
    assert_eq!(
        report.failed[0].0,
        "stacks/dev/api/readiness/windlass-dev-api.json"
    );
}

#[test]
fn not_being_told_who_waits_keeps_nothing_else_from_its_turn() {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.await_look("dev/web", "windlass-dev-web", 600);
    lab.faults(|sent| match sent.request.action() {
        action @ "autoscaling:DescribeAutoScalingInstances" => {
            Verdict::Fail(windlass_calls::CallError::answered(action, "Throttling", "", 400))
        }
        _ => Verdict::Deliver,
    });
    let report = lab.sweep();
    assert_eq!((report.archived.len(), report.failed.len()), (1, 1));
    assert_eq!(lab.looks(), ["windlass-dev-web"]);
}

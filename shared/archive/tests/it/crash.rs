//! Dying at any call, before it or after it, loses nothing: whoever comes next finishes.

use std::cell::Cell;
use std::rc::Rc;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use windlass_archive::archive_state;
use windlass_calls::CallError;
use windlass_sim::{Peers, Ran, Sent, Verdict};

use crate::lab::{Lab, key};

/// Dies at one call.
fn die_at(at: u64, verdict: fn(Peers) -> Verdict, peers: Peers) -> impl FnMut(&Sent) -> Verdict {
    move |sent| {
        if sent.index == at {
            verdict(peers)
        } else {
            Verdict::Deliver
        }
    }
}

#[rstest]
fn dying_at_any_call_of_one_state_loses_nothing(
    #[values(0, 1, 2)] at: u64,
    #[values(Verdict::CrashBefore, Verdict::CrashAfter)] verdict: fn(Peers) -> Verdict,
) {
    let lab = Lab::new(1);
    lab.record("dev/web", 1);
    lab.faults(die_at(at, verdict, Peers::None));
    let key = key("dev/web", 1);
    let ran = lab.sim.run(archive_state(&lab.sim, &lab.settings, &key));
    assert!(matches!(ran, Ran::Crashed));
    lab.no_faults();
    lab.archive(&key).unwrap();
    lab.assert_archived();
}

/// What a sweep finds in these tests: states, archived or not, and two stacks that nobody wakes.
fn ground(lab: &Lab) {
    lab.record("dev/web", 6);
    lab.record("prod/web", 3);
    lab.archive(&key("dev/web", 2)).unwrap();
    lab.await_wake("dev/web", "t1", 600);
    lab.await_wake("prod/web", "t2", 600);
}

#[rstest]
fn dying_at_any_call_of_a_sweep_loses_nothing(
    #[values(Verdict::CrashBefore, Verdict::CrashAfter)] verdict: fn(Peers) -> Verdict,
    #[values(Peers::None, Peers::All)] peers: Peers,
    #[values(false, true)] expires: bool,
) {
    let mut points = 0;
    loop {
        let mut lab = Lab::new(points);
        lab.settings.expires = expires;
        ground(&lab);
        let before = lab.sim.trace().len() as u64;
        lab.faults(die_at(before + points, verdict, peers));
        let ran = lab.sweep_until(Timestamp::MAX);
        lab.no_faults();
        let crashed = matches!(ran, Ran::Crashed);
        let report = lab.sweep();
        assert!(report.failed.is_empty(), "{report:?}");
        lab.assert_archived();
        for woken in ["dev/web", "prod/web"] {
            let sent = lab.wake_ups().into_iter().filter(|(stack, _)| stack == woken);
            assert!((1..=2).contains(&sent.count()), "{woken} at {points}");
        }
        if !crashed {
            break;
        }
        points += 1;
    }
    assert!(points > 25, "every call of a sweep was a point: {points}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lost answers, races, throttling, server errors and crashes at random; then they stop.
    #[test]
    fn whatever_fails_once_it_stops_sweeps_get_there_and_then_change_nothing(
        seed in any::<u64>(), trouble in 1u64..60, expires in any::<bool>()
    ) {
        let mut lab = Lab::new(seed);
        lab.settings.expires = expires;
        ground(&lab);
        let random = Rc::new(Cell::new(seed));
        lab.faults(move |sent| {
            random.set(random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            let draw = random.get() >> 33;
            let failed = |code, status| Verdict::Fail(CallError::answered(sent.request.action(), code, "", status));
            match (draw % 100 < trouble, (draw >> 8) % 6) {
                (false, _) => Verdict::Deliver,
                (true, 0) => Verdict::LoseAnswer,
                (true, 1) => failed("SlowDown", 503),
                (true, 2) => failed("InternalError", 500),
                (true, 3) => failed("ConditionalRequestConflict", 409),
                (true, 4) => Verdict::CrashAfter(Peers::All),
                (true, _) => Verdict::CrashBefore(Peers::None),
            }
        });
        for _ in 0..4 {
            let _ = lab.sweep_until(Timestamp::MAX);
        }
        lab.no_faults();
        let report = lab.sweep();
        prop_assert!(report.failed.is_empty(), "{:?}", report);
        lab.assert_archived();
        for stack in ["dev/web", "prod/web"] {
            lab.delete(&format!("stacks/{stack}/head.json"));
        }
        let before = lab.changes();
        let report = lab.sweep();
        prop_assert!(report.archived.is_empty() && report.woken.is_empty());
        prop_assert_eq!(lab.changes(), before);
    }
}

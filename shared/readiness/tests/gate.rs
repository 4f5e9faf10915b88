//! The gate, look by look: who is registered, let go on, given up, and who is left alone.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rstest::rstest;
use windlass_calls::elb::TargetHealth;
use windlass_readiness::gate::{Look, Memory, Settings, Steps, decide};

const SETTINGS: Settings = Settings {
    timeout: SignedDuration::from_secs(600),
    heartbeat: SignedDuration::from_secs(300),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn members(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(id, state): &(&str, &str)| ((*id).to_owned(), (*state).to_owned());
    states.iter().map(owned).collect()
}

fn target(id: &str, state: &str, reason: &str) -> TargetHealth {
    TargetHealth {
        target: id.into(),
        state: state.into(),
        reason: (!reason.is_empty()).then(|| reason.into()),
        description: None,
    }
}

fn look(memory: &mut Memory, seconds: i64, health: &[TargetHealth]) -> Steps {
    let look = Look {
        now: at(seconds),
        members: None,
        health: Some(health),
    };
    decide(&SETTINGS, memory, &look)
}

/// Two instances that wait, seen at 0.
fn waiting() -> Memory {
    let mut memory = Memory::default();
    let all = members(&[("a", "Pending:Wait"), ("b", "Pending:Wait"), ("c", "InService")]);
    let look = Look {
        now: at(0),
        members: Some(&all),
        health: Some(&[]),
    };
    let steps = decide(&SETTINGS, &mut memory, &look);
    assert_eq!(steps.register, ["a", "b"]);
    memory
}

#[test]
fn all_that_wait_are_registered_at_once_and_nobody_else() {
    assert_eq!(waiting().waiting.len(), 2);
}

#[test]
fn a_healthy_one_is_let_go_on_and_leaves_the_probe() {
    let mut memory = waiting();
    let health = [
        target("a", "healthy", ""),
        target("b", "initial", "Elb.InitialHealthChecking"),
    ];
    let steps = look(&mut memory, 10, &health);
    assert_eq!(
        (steps.admit, steps.deregister),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
    assert_eq!((steps.register, steps.reject), (vec![], vec![]));
}

#[rstest]
#[case(599, 0)]
#[case(600, 1)]
fn one_that_is_not_healthy_in_time_is_asked_about_itself_and_then_given_up(
    #[case] seconds: i64,
    #[case] late: usize,
) {
    let mut memory = waiting();
    memory.forget("b");
    let failing = [target("a", "unhealthy", "Target.FailedHealthChecks")];
    let steps = look(&mut memory, seconds, &failing);
    assert_eq!(steps.ask.len(), late);
    assert_eq!(
        (steps.reject.len(), steps.deregister.len()),
        (0, 0),
        "not unasked"
    );
    memory.asked("a", "c-1".into(), at(600));
    let steps = look(&mut memory, 605, &failing);
    let given_up = (steps.ask.len(), steps.reject.len(), steps.deregister.len());
    assert_eq!(given_up, (0, 1, 1));
}

#[test]
fn an_answer_is_waited_for_for_four_looks() {
    let mut memory = waiting();
    memory.asked("a", "c-1".into(), at(600));
    let question = memory.question("a").unwrap();
    assert!(question.is_open(at(615)));
    assert!(!question.is_open(at(620)));
    assert_eq!(memory.question("b"), None);
}

#[test]
fn one_that_was_asked_goes_on_if_it_gets_healthy_and_keeps_its_hook_until_then() {
    let mut memory = waiting();
    memory.forget("b");
    let failing = [target("a", "unhealthy", "Target.FailedHealthChecks")];
    let steps = look(&mut memory, 600, &failing);
    assert_eq!(
        (steps.ask, steps.beat),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
    memory.asked("a", "c-1".into(), at(600));
    let steps = look(&mut memory, 605, &[target("a", "healthy", "")]);
    assert_eq!((steps.admit, steps.reject), (vec!["a".to_owned()], vec![]));
}

/// Finding out why may fail, look after look.
#[test]
fn one_that_is_given_up_keeps_its_hook_until_it_is() {
    let mut memory = waiting();
    memory.forget("b");
    memory.asked("a", "c-1".into(), at(600));
    let failing = [target("a", "unhealthy", "Target.FailedHealthChecks")];
    let steps = look(&mut memory, 620, &failing);
    assert_eq!(
        (steps.reject, steps.beat),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
}

/// It gets its whole time once more, and what it said of itself is old by the end of that.
#[test]
fn one_whose_load_balancer_stops_checking_is_asked_anew() {
    let mut memory = waiting();
    memory.forget("b");
    let failing = [target("a", "unhealthy", "Target.FailedHealthChecks")];
    look(&mut memory, 600, &failing);
    memory.asked("a", "c-1".into(), at(600));
    look(&mut memory, 605, &[target("a", "unavailable", "")]);
    assert_eq!(memory.question("a"), None);
    assert_eq!(look(&mut memory, 1204, &failing).ask, Vec::<String>::new());
    assert_eq!(look(&mut memory, 1205, &failing).ask, ["a"]);
}

/// The load balancer takes minutes to be active: that is not the instance's fault (rule 41).
#[rstest]
#[case("initial", "Elb.RegistrationInProgress")]
#[case("unused", "Target.NotInUse")]
fn time_does_not_run_while_nobody_checks(#[case] state: &str, #[case] reason: &str) {
    let mut memory = waiting();
    memory.forget("b");
    for seconds in (5..900).step_by(5) {
        assert_eq!(
            look(&mut memory, seconds, &[target("a", state, reason)]).ask,
            Vec::<String>::new()
        );
    }
    let failing = [target("a", "unhealthy", "Target.FailedHealthChecks")];
    assert_eq!(look(&mut memory, 1490, &failing).ask.len(), 0);
    assert_eq!(look(&mut memory, 1500, &failing).ask.len(), 1);
    // But not for ever.
    let mut memory = waiting();
    assert_eq!(
        look(&mut memory, 1800, &[target("a", state, reason)]).ask,
        ["a", "b"]
    );
}

#[test]
fn without_the_load_balancers_word_nobody_is_given_up_or_let_go_on_and_hooks_are_kept() {
    let mut memory = waiting();
    let look = Look {
        now: at(10_000),
        members: None,
        health: None,
    };
    let steps = decide(&SETTINGS, &mut memory, &look);
    assert_eq!(steps.beat, ["a", "b"]);
    assert_eq!(
        steps,
        Steps {
            beat: steps.beat.clone(),
            ..Steps::default()
        }
    );
}

#[test]
fn the_hook_gets_a_heartbeat_when_half_its_time_is_over() {
    let mut memory = waiting();
    let health = [target("a", "unhealthy", ""), target("b", "unhealthy", "")];
    assert_eq!(look(&mut memory, 149, &health).beat, Vec::<String>::new());
    assert_eq!(look(&mut memory, 150, &health).beat, ["a", "b"]);
    memory.beaten("a", at(150));
    assert_eq!(look(&mut memory, 151, &health).beat, ["b"]);
}

#[test]
fn leftovers_are_taken_out_and_what_stopped_waiting_is_forgotten() {
    let mut memory = waiting();
    let now = members(&[("a", "Terminating"), ("c", "InService")]);
    let health = [
        target("a", "unhealthy", ""),
        target("c", "healthy", ""),
        target("d", "draining", ""),
    ];
    let look = Look {
        now: at(20),
        members: Some(&now),
        health: Some(&health),
    };
    let steps = decide(&SETTINGS, &mut memory, &look);
    assert_eq!(steps.deregister, ["a", "c"]);
    assert!(memory.waiting.is_empty());
}

#[test]
fn three_failed_rounds_are_too_many_and_several_instances_of_one_count_once() {
    let mut memory = waiting();
    assert!(memory.rejected("a", at(600)));
    assert!(!memory.rejected("b", at(605)));
    assert!(!memory.is_too_many());
    for (round, enough) in [(1, false), (2, true)] {
        let id = format!("i{round}");
        let all = members(&[(&id, "Pending:Wait")]);
        let look = Look {
            now: at(700 * (round + 1)),
            members: Some(&all),
            health: Some(&[]),
        };
        assert_eq!(
            decide(&SETTINGS, &mut memory, &look).register,
            std::slice::from_ref(&id)
        );
        assert!(memory.rejected(&id, at(700 * (round + 1) + 600)));
        assert_eq!(memory.is_too_many(), enough);
    }
    memory.recover();
    assert_eq!(memory.failed, None);
}

/// Whoever wrote it down died before the wait ended, or the call failed.
#[test]
fn who_was_given_up_and_waits_still_is_given_up_by_the_next_look_unless_it_is_healthy() {
    let mut memory = waiting();
    assert!(memory.rejected("a", at(100)));
    assert!(memory.rejected("b", at(100)) || memory.given_up("b") == Some(at(100)));
    let health = [
        target("a", "initial", "Elb.InitialHealthChecking"),
        target("b", "healthy", ""),
    ];
    let look = Look {
        now: at(105),
        members: None,
        health: Some(&health),
    };
    let steps = decide(&SETTINGS, &mut memory, &look);
    assert_eq!(
        (steps.reject, steps.admit),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
    assert_eq!(memory.given_up("a"), Some(at(100)));
    memory.forget("a");
    assert_eq!(memory.given_up("a"), None);
}

proptest! {
    /// Whatever the load balancer says, in whatever order: only who is healthy in that very look goes on, only who is not
    /// and is late is given up, and nobody is both.
    #[test]
    fn verdicts_follow_from_what_was_seen(
        looks in prop::collection::vec((1_i64..400, prop::collection::vec((0_usize..4, 0_usize..6), 0..5)), 1..30)
    ) {
        let states = ["healthy", "unhealthy", "initial", "unused", "draining", "unavailable"];
        let mut memory = waiting();
        let mut now = 0;
        for (pause, health) in looks {
            now += pause;
            let health: BTreeMap<usize, usize> = health.into_iter().collect();
            let health: Vec<TargetHealth> = health
                .into_iter()
                .map(|(id, state)| target(["a", "b", "c", "d"][id], states[state], ""))
                .collect();
            let before = memory.clone();
            let steps = look(&mut memory, now, &health);
            for id in &steps.admit {
                prop_assert!(before.waiting.contains_key(id));
                prop_assert!(health.iter().any(|target| target.target == *id && target.state == "healthy"));
                prop_assert!(!steps.ask.contains(id) && !steps.reject.contains(id));
            }
            for id in &steps.ask {
                prop_assert!(before.question(id).is_none());
                prop_assert!(!steps.deregister.contains(id));
            }
            for id in steps.ask.iter().chain(&steps.reject) {
                let waiting = &before.waiting[id];
                let checked = at(now).duration_since(waiting.since);
                let in_all = at(now).duration_since(waiting.seen);
                prop_assert!(checked >= SETTINGS.timeout || in_all >= SETTINGS.timeout * 3);
                prop_assert!(!health.iter().any(|target| target.target == *id && target.state == "healthy"));
                prop_assert!(!steps.register.contains(id));
            }
            for id in &steps.ask {
                memory.asked(id, "c-1".into(), at(now));
            }
            for id in &steps.reject {
                prop_assert!(before.question(id).is_some());
            }
            for id in steps.admit.iter().chain(&steps.reject) {
                memory.forget(id);
            }
        }
    }
}

//! Leaving, look by look: who is waited for, who runs its command, who may go.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::elb::TargetHealth;
use windlass_readiness::leave::{Done, Look, Memory, Running, Settings, Steps, decide};

const SETTINGS: Settings = Settings {
    drain: SignedDuration::from_secs(60),
    command: None,
    heartbeat: SignedDuration::from_secs(300),
};
const WITH_COMMAND: Settings = Settings {
    command: Some(SignedDuration::from_secs(40)),
    ..SETTINGS
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(id, word): &(&str, &str)| ((*id).to_owned(), (*word).to_owned());
    pairs.iter().map(owned).collect()
}

fn target(id: &str, state: &str) -> TargetHealth {
    TargetHealth {
        target: id.into(),
        state: state.into(),
        reason: None,
        description: None,
    }
}

/// A look that asks the group as well only at the beginning.
fn look(settings: &Settings, memory: &mut Memory, seconds: i64, targets: Option<&[TargetHealth]>) -> Steps {
    look_after(settings, memory, seconds, targets, &[])
}

fn look_after(
    settings: &Settings,
    memory: &mut Memory,
    seconds: i64,
    targets: Option<&[TargetHealth]>,
    ended: &[(&str, &str)],
) -> Steps {
    let leaving = named(&[("a", "Healthy")]);
    let look = Look {
        now: at(seconds),
        leaving: (seconds == 0).then_some(&leaving),
        targets,
        ended: &named(ended),
    };
    decide(settings, memory, &look)
}

fn done(steps: &Steps) -> Option<&Done> {
    steps.done.first().map(|(_, done)| done)
}

#[rstest]
#[case::no_target_any_more(&[])]
#[case::in_a_group_that_nothing_uses(&[target("a", "unused")])]
#[case::somebody_else_drains(&[target("b", "draining")])]
fn who_has_drained_may_go_at_once(#[case] targets: &[TargetHealth]) {
    let mut memory = Memory::default();
    let steps = look(&SETTINGS, &mut memory, 0, Some(targets));
    assert_eq!(steps.done, [("a".to_owned(), Done::Drained)]);
    assert_eq!(memory.0["a"].health, "Healthy");
}

#[rstest]
#[case::it_drains(Some(&[target("a", "draining")][..]), false)]
#[case::nobody_took_it_out(Some(&[target("a", "healthy")][..]), true)]
#[case::nobody_knows(None, false)]
fn who_has_not_is_waited_for_as_long_as_draining_may_take(
    #[case] targets: Option<&[TargetHealth]>,
    #[case] taken_out: bool,
) {
    let mut memory = Memory::default();
    for seconds in [0, 45, 89] {
        let steps = look(&SETTINGS, &mut memory, seconds, targets);
        assert_eq!(done(&steps), None, "{seconds}");
        assert_eq!(!steps.deregister.is_empty(), taken_out, "{seconds}");
    }
    let steps = look(&SETTINGS, &mut memory, 90, targets);
    assert_eq!(done(&steps), Some(&Done::DrainedForTooLong));
    assert!(steps.deregister.is_empty());
}

#[test]
fn a_command_is_run_once_it_has_drained_and_waited_for() {
    let mut memory = Memory::default();
    let steps = look(&WITH_COMMAND, &mut memory, 0, Some(&[target("a", "draining")]));
    assert!(steps.run.is_empty());
    let steps = look(&WITH_COMMAND, &mut memory, 20, Some(&[]));
    assert_eq!((&steps.run[..], done(&steps)), (&["a".to_owned()][..], None));
    memory.0.get_mut("a").unwrap().command = Some(Running {
        id: "c".into(),
        since: at(20),
    });
    let steps = look(&WITH_COMMAND, &mut memory, 40, Some(&[]));
    assert_eq!(steps, Steps::default(), "it runs, and is asked for once");
    let steps = look_after(&WITH_COMMAND, &mut memory, 45, None, &[("a", "Failed")]);
    assert_eq!(done(&steps), Some(&Done::Command("Failed".into())));
}

#[test]
fn a_command_that_never_ends_holds_nobody_for_longer_than_its_time() {
    let mut memory = Memory::default();
    let steps = look(&WITH_COMMAND, &mut memory, 0, Some(&[]));
    assert_eq!(steps.run, ["a"]);
    memory.0.get_mut("a").unwrap().command = Some(Running {
        id: "c".into(),
        since: at(0),
    });
    assert_eq!(done(&look(&WITH_COMMAND, &mut memory, 69, None)), None);
    let steps = look(&WITH_COMMAND, &mut memory, 70, None);
    assert_eq!(done(&steps), Some(&Done::CommandTookTooLong));
}

/// Half the hook's time is over.
#[test]
fn who_waits_for_long_gets_a_heartbeat() {
    let settings = Settings {
        drain: SignedDuration::from_secs(3600),
        ..SETTINGS
    };
    let mut memory = Memory::default();
    let draining = [target("a", "draining")];
    assert!(look(&settings, &mut memory, 0, Some(&draining)).beat.is_empty());
    assert!(look(&settings, &mut memory, 149, Some(&draining)).beat.is_empty());
    assert_eq!(look(&settings, &mut memory, 150, Some(&draining)).beat, ["a"]);
    memory.0.get_mut("a").unwrap().beat = at(150);
    assert!(look(&settings, &mut memory, 200, Some(&draining)).beat.is_empty());
}

#[test]
fn who_waits_no_longer_is_forgotten() {
    let mut memory = Memory::default();
    drop(look(&SETTINGS, &mut memory, 0, Some(&[target("a", "draining")])));
    let nobody = BTreeMap::new();
    let look = Look {
        now: at(5),
        leaving: Some(&nobody),
        targets: Some(&[]),
        ended: &nobody,
    };
    assert_eq!(decide(&SETTINGS, &mut memory, &look), Steps::default());
    assert!(memory.0.is_empty());
}

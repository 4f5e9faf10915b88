//! Looks that overlap, die, fail or come too late, and stacks that change under them.

use super::*;

#[rstest]
fn of_two_looks_at_the_same_moment_one_decides(#[values(0, 1, 2, 3)] part: u64) {
    let before = running();
    for _ in 0..2 {
        before.minute(3.2, true);
    }
    for seed in part * 15..(part + 1) * 15 {
        let lab = before.fork(seed);
        let Ran::Finished(both) = lab.scale_twice(&alarm("cpu-out")) else {
            panic!("seed {seed}: they end");
        };
        for report in both {
            report.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        assert_eq!(capacities(&lab).len(), 1, "seed {seed}");
        assert!(lab.scaling().tick.is_some(), "seed {seed}");
    }
}

/// For ten minutes more two instances report what they did.
fn goes_on(lab: &Lab) {
    let metric = alarm_metric(&Measure::Cpu, Source::of_group(GROUP));
    for minute in 0..10 {
        let at = lab.sim.now() + SignedDuration::from_mins(minute);
        for _ in 0..2 {
            lab.sim.world_mut().put_metric_data(&metric, at, 100.0);
        }
    }
}

/// Each call of the decision in turn is the last of its function; then the queue brings the message again.
#[rstest]
fn whoever_dies_on_the_way_the_group_gets_what_it_needs_and_once(
    #[values(
        Verdict::CrashBefore(Peers::None),
        Verdict::CrashAfter(Peers::None),
        Verdict::CrashAfter(Peers::All)
    )]
    crash: Verdict,
) {
    let before = running();
    let alone = autoscaling::SuspendProcesses {
        group: GROUP.into(),
        processes: vec!["AlarmNotification".into()],
    };
    let now = before.sim.now();
    before
        .sim
        .world_mut()
        .call(now, alone)
        .expect("the backstop is left out");
    for _ in 0..2 {
        before.minute(3.2, true);
    }
    let check = |lab: &Lab| {
        let (desired, memory) = (lab.group(GROUP).desired, lab.scaling());
        let changes = journal(lab).into_iter().filter(|entry| entry.decision.changes());
        let told: BTreeSet<u32> = changes.map(|entry| entry.decision.to).collect();
        let right = desired >= 5
            && told == [desired].into()
            && memory.asked.is_none()
            && memory.memory.desired == Some(desired)
            && memory.memory.foreign.is_none()
            && memory.tick.is_none();
        right
            .then_some(())
            .ok_or_else(|| format!("{desired}, {told:?}, {memory:#?}"))
    };
    let scenario = Scenario {
        before: &before,
        act: &goes_on,
        check: &check,
    };
    let calls = sweep(&scenario, &crash).unwrap_or_else(|wrong| panic!("{crash:?} {wrong}"));
    assert!(calls >= 5, "{calls}");
}

#[rstest]
#[case::in_the_middle_of_something("ScalingActivityInProgress", "a scaling activity is in progress", 400)]
#[case::two_at_once("ResourceContention", "You already have a pending update", 500)]
#[case::other_bounds("ValidationError", "New SetDesiredCapacity value 5 is above max value 4", 400)]
fn who_is_in_the_way_is_waited_for_and_that_is_told(
    #[case] code: &str,
    #[case] words: &str,
    #[case] status: u16,
) {
    let lab = running();
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    let mut left = 2;
    let error = CallError::answered("autoscaling:SetDesiredCapacity", code, words, status);
    lab.sim.set_faults(Some(Box::new(move |sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(_)) if left > 0 => {
            left -= 1;
            Verdict::Fail(error.clone())
        }
        _ => Verdict::Deliver,
    })));
    let began = lab.now();
    while capacities(&lab).is_empty() {
        lab.step().expect("it is scaled");
    }
    let seconds = asked(&lab)[0].0.duration_since(began).as_secs();
    assert!((20..30).contains(&seconds), "{seconds}");
    let failed: Vec<Option<String>> = journal(&lab).into_iter().map(|entry| entry.failed).collect();
    let said = format!("{code}: {words}");
    assert_eq!(failed, [Some(said.clone()), Some(said), None]);
}

#[test]
fn what_the_function_may_not_do_brings_its_message_back() {
    let lab = running();
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    deny_capacity(&lab);
    let Ran::Finished(ended) = lab.scale(&alarm("cpu-out")) else {
        panic!("it ends");
    };
    assert!(ended.unwrap_err().to_string().contains("AccessDenied"));
    assert!(
        journal(&lab)[0]
            .failed
            .as_ref()
            .unwrap()
            .contains("not authorized")
    );
}

/// A call to AWS fails, or the whole of it is slow: the load is not left alone for the minutes that a queue takes.
#[rstest]
#[case::metrics("cloudwatch:GetMetricData")]
#[case::group("autoscaling:DescribeAutoScalingGroups")]
#[case::health("elasticloadbalancing:DescribeTargetHealth")]
#[case::memory("s3:GetObject")]
fn a_call_that_fails_for_now_is_made_again_shortly(#[case] action: &'static str) {
    let lab = running();
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    let mut left = 1;
    lab.sim.set_faults(Some(Box::new(move |sent| {
        if sent.request.action() == action && left > 0 {
            left -= 1;
            return Verdict::Fail(CallError::answered(action, "Throttling", "Rate exceeded", 400));
        }
        Verdict::Deliver
    })));
    let began = lab.now();
    while capacities(&lab).is_empty() {
        lab.step().expect("it is scaled");
    }
    let seconds = asked(&lab)[0].0.duration_since(began).as_secs();
    assert!((10..15).contains(&seconds), "{seconds}");
}

/// `make soak` runs ten thousand of them.
#[rstest]
fn whatever_happens_to_metrics_alarms_and_calls_capacity_stays_within_bounds_and_nothing_goes_blindly(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] part: u64,
) {
    let serving = loads::serving().unwrap();
    for seed in part * 125..(part + 1) * 125 {
        loads::unrest(&serving, seed).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
}

#[test]
fn a_group_that_may_not_launch_is_left_as_it_is_and_that_is_told() {
    let lab = running();
    lab.sim.world_mut().suspend_process(GROUP, "Launch", true);
    for _ in 0..6 {
        lab.minute(3.2, true);
    }
    assert_eq!((lab.group(GROUP).desired, capacities(&lab)), (2, vec![]));
    let held = journal(&lab)[0].held.clone();
    assert_eq!(held.as_deref(), Some("launching is suspended"));
    lab.sim.world_mut().suspend_process(GROUP, "Launch", false);
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    assert!(lab.group(GROUP).desired >= 5);
}

#[test]
fn an_old_tick_is_none() {
    let lab = running();
    for _ in 0..3 {
        lab.minute(3.2, true);
    }
    let token = lab.scaling().tick.unwrap().token;
    let tick = |token: &str| {
        let scale = ScaleWake {
            stack: stack(),
            token: Some(token.into()),
            attempt: 0,
        };
        let Ran::Finished(Ok(report)) = lab.scale(&ScaleOccasion::Woken(scale)) else {
            panic!("it ends");
        };
        report.left_alone
    };
    assert_eq!(tick("another"), Some("an old tick"));
    assert_eq!(tick(&token), None);
    assert_eq!(tick(&token), Some("an old tick"));
}

#[test]
fn a_stack_that_goes_is_no_longer_looked_at() {
    let lab = running();
    for _ in 0..3 {
        lab.minute(3.2, true);
    }
    assert_eq!(ticks(&lab), 1);
    lab.delete_spec();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify_gone(&lab).unwrap();
    assert_eq!(lab.scaling().tick, None);
}

/// It is a cache: what is lost with it is some patience.
#[test]
fn a_memory_that_is_lost_is_made_anew() {
    let lab = running();
    for _ in 0..4 {
        lab.minute(3.2, true);
    }
    lab.sim
        .world_mut()
        .delete_object(STATE_BUCKET, &scaling_key(&stack()));
    for _ in 0..60 {
        lab.minute(0.3, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
}

#[test]
fn a_tick_says_which_stack_and_which_memory() {
    let lab = running();
    for _ in 0..3 {
        lab.minute(3.2, true);
    }
    let body = lab.sim.world().messages(SCALE)[0].body.clone();
    let message: ScaleMessage = serde_json::from_str(&body).unwrap();
    let token = Some(lab.scaling().tick.unwrap().token);
    assert_eq!((message.scale.stack, message.scale.token), (stack(), token));
}

/// Its event is on the queue before the head points to it, and nobody says it again.
#[test]
fn a_state_whose_head_is_not_written_yet_is_looked_at_later() {
    let lab = running();
    let early = ScaleOccasion::Recorded {
        stack: stack(),
        serial: 1000,
    };
    let Ran::Finished(Ok(report)) = lab.scale(&early) else {
        panic!("it ends");
    };
    assert_eq!(
        report.left_alone,
        Some("its head does not point to the state yet")
    );
    assert_eq!(ticks(&lab), 1);
}

/// A tick that may not do what it decided comes again, and counts again: in the end somebody sees it.
#[test]
fn a_tick_that_is_refused_for_good_is_not_swallowed() {
    let lab = running();
    for _ in 0..3 {
        lab.minute(3.2, true);
    }
    let wake = ScaleOccasion::Woken(ScaleWake {
        stack: stack(),
        token: Some(lab.scaling().tick.unwrap().token),
        attempt: 0,
    });
    deny_capacity(&lab);
    // What is needed by now is more than was asked for.
    let metric = alarm_metric(&Measure::Cpu, Source::of_group(GROUP));
    for ago in 1..4 {
        let at = lab.sim.now() - SignedDuration::from_mins(ago);
        for _ in 0..8 {
            lab.sim.world_mut().put_metric_data(&metric, at, 99.0);
        }
    }
    let before = ticks(&lab);
    for _ in 0..3 {
        let Ran::Finished(ended) = lab.scale(&wake) else {
            panic!("it ends");
        };
        assert!(ended.unwrap_err().to_string().contains("AccessDenied"));
    }
    assert_eq!(ticks(&lab), before, "and it sends no other");
}

/// After some minutes of failing it is the queue's, and then somebody's.
#[test]
fn what_fails_on_and_on_ends_in_the_dead_letter_queue() {
    let lab = running();
    lab.sim.set_faults(Some(Box::new(|sent| {
        let action = sent.request.action();
        if action == "cloudwatch:GetMetricData" {
            return Verdict::Fail(CallError::answered(action, "Throttling", "Rate exceeded", 400));
        }
        Verdict::Deliver
    })));
    lab.minute(3.2, true);
    let Ran::Finished(Ok(report)) = lab.scale(&alarm("cpu-out")) else {
        panic!("it ends");
    };
    assert!(report.failed.unwrap().contains("Rate exceeded"));
    let returned = (0..20).find_map(|_| match lab.step() {
        Some(Step::Returned(error)) => Some(error.to_string()),
        _ => None,
    });
    assert!(returned.unwrap().contains("Rate exceeded"));
}

//! A running stack under a load: what the scaler asks for, when, and what becomes of it when things go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use windlass_calls::autoscaling;
use windlass_calls::s3::ListObjectsV2;
use windlass_calls::{CallError, Request};
use windlass_crash::{
    GROUP, Lab, SCALE, STATE_BUCKET, Scenario, Step, Stopped, loads, stack, sweep, verify_gone,
};
use windlass_engine::{ScaleMessage, ScaleOccasion, ScaleWake, ScalingEntry, scaling_key};
use windlass_scaling::{Rule, decide};
use windlass_sim::{Peers, Ran, TraceEntry, Verdict, WorldConfig};
use windlass_spec::Measure;

#[path = "../../../shared/calls/tests/template/mod.rs"]
mod template;

const SPEC: &str = "
network: {zones: 2, nat: single}
compute: {app: {packages: [nginx]}}
scaling: {min: 2, max: 8}
";
const LIMIT: usize = 3000;

fn running() -> Lab {
    let config = WorldConfig {
        vcpu_quota: 100,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(SPEC);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    // To the beginning of a minute.
    let seconds = lab.now().as_second().rem_euclid(60);
    lab.sim.advance(SignedDuration::from_secs(60 - seconds));
    lab.fork(1)
}

/// Capacities that were asked for, and when.
fn asked(lab: &Lab) -> Vec<(Timestamp, u32)> {
    let trace = lab.sim.trace();
    let asked = trace.iter().filter_map(|entry| match &entry.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(set)) if entry.outcome.applied() => {
            Some((entry.at, set.desired))
        }
        _ => None,
    });
    asked.collect()
}

fn capacities(lab: &Lab) -> Vec<u32> {
    asked(lab).into_iter().map(|(_, desired)| desired).collect()
}

/// Decisions in the journal, the oldest first.
fn journal(lab: &Lab) -> Vec<ScalingEntry> {
    let list = ListObjectsV2 {
        bucket: STATE_BUCKET.into(),
        prefix: "journal/dev/web/".into(),
    };
    let now = lab.sim.now();
    let keys = lab.sim.world_mut().call(now, list).unwrap();
    let keys = keys.iter().filter(|key| key.ends_with("-scaling.json"));
    let world = lab.sim.world();
    keys.map(|key| serde_json::from_slice(world.object(STATE_BUCKET, key).unwrap()).unwrap())
        .collect()
}

fn alarm(name: &str) -> ScaleOccasion {
    ScaleOccasion::Alarm {
        stack: stack(),
        alarm: name.into(),
    }
}

fn recorded() -> ScaleOccasion {
    ScaleOccasion::Recorded {
        stack: stack(),
        serial: 0,
    }
}

fn ticks(lab: &Lab) -> usize {
    lab.sim.world().messages(SCALE).len()
}

/// What others than the pipeline's own bucket and queues are asked in between two lengths of a trace.
fn calls(trace: &[TraceEntry]) -> Vec<&'static str> {
    let own = |action: &&str| action.starts_with("s3:") || action.starts_with("sqs:");
    trace
        .iter()
        .map(TraceEntry::action)
        .filter(|action| !own(action))
        .collect()
}

/// Two instances carry a load of 1.2; of 3.2 they cannot, and five are 64 % used by it.
#[test]
fn a_load_that_is_too_much_is_answered_in_the_moment_in_which_it_is_known() {
    let lab = running();
    for _ in 0..5 {
        lab.minute(1.2, true);
    }
    assert!(capacities(&lab).is_empty());
    let began = lab.now();
    for _ in 0..8 {
        lab.minute(3.2, true);
    }
    let (at, desired) = asked(&lab)[0];
    // Two periods, and the points of the second are there with its end.
    let seconds = at.duration_since(began).as_secs();
    assert_eq!(seconds, 120, "less than a second after that");
    assert!(desired >= 5, "{desired}");
    assert_eq!(lab.group(GROUP).desired, *capacities(&lab).last().unwrap());
    let entry = &journal(&lab)[0];
    assert_eq!(entry.because, "alarm cpu-out went off");
    assert_eq!(entry.decision.rule, Rule::Out("cpu".into()));
    assert!(
        entry.decision.reason.starts_with("2 → "),
        "{}",
        entry.decision.reason
    );
}

#[test]
fn when_the_load_is_gone_so_are_the_instances_and_then_nothing_happens_any_more() {
    let lab = running();
    for _ in 0..10 {
        lab.minute(3.2, true);
    }
    let most = lab.group(GROUP).desired;
    assert!(most >= 5);
    for _ in 0..40 {
        lab.minute(0.3, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
    assert_eq!((lab.in_service().len(), ticks(&lab)), (2, 0));
    let before = lab.sim.trace().len();
    for _ in 0..60 {
        lab.minute(0.3, true);
    }
    assert_eq!(lab.sim.trace().len(), before, "an idle stack costs nothing");
    for entry in journal(&lab) {
        let decision = &entry.decision;
        let again = decide(&decision.policy, &decision.observation, &decision.memory);
        assert_eq!(again, *decision, "its record says the same");
    }
}

/// The alarm goes off once, and stays: it says nothing of what comes after (rule 1).
#[test]
fn a_load_that_goes_on_rising_is_followed_though_the_alarm_says_nothing_new() {
    let lab = running();
    for minute in 0..14 {
        lab.minute(1.5 + 0.4 * f64::from(minute), true);
    }
    let capacities = capacities(&lab);
    assert!(capacities.len() > 1 && capacities.is_sorted(), "{capacities:?}");
    assert_eq!(lab.group(GROUP).desired, 8);
    for _ in 0..5 {
        lab.minute(9.0, true);
    }
    assert_eq!(ticks(&lab), 0, "it has as many as it may");
}

#[test]
fn a_decision_takes_four_calls_and_one_that_changes_nothing_three() {
    let lab = running();
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    let before = lab.sim.trace().len();
    while capacities(&lab).is_empty() {
        lab.step().expect("it is scaled");
    }
    let sent = calls(&lab.sim.trace()[before..]);
    let all: BTreeSet<&str> = sent.iter().copied().collect();
    let four = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:SetDesiredCapacity",
        "cloudwatch:GetMetricData",
        "elasticloadbalancing:DescribeTargetHealth",
    ];
    assert_eq!((all, sent.len()), (BTreeSet::from(four), 4));
    let before = lab.sim.trace().len();
    assert!(matches!(lab.scale(&alarm("cpu-out")), Ran::Finished(Ok(_))));
    let sent = calls(&lab.sim.trace()[before..]);
    assert_eq!(sent.len(), 3, "{sent:?}");
}

/// What Lambda itself needs, for the queue and the log.
const IMPLIED: [&str; 6] = [
    "s3:ListBucket",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

#[test]
fn the_functions_role_allows_exactly_what_it_sends() {
    let lab = running();
    for _ in 0..2 {
        lab.minute(3.2, true);
    }
    let before = lab.sim.trace().len();
    assert!(matches!(lab.scale(&alarm("cpu-out")), Ran::Finished(Ok(_))));
    let trace = lab.sim.trace();
    let sent = trace[before..]
        .iter()
        .map(|entry| template::iam_name(entry.action()));
    let needed: BTreeSet<String> = sent.chain(IMPLIED).map(str::to_owned).collect();
    assert_eq!(template::allowed("ScaleFunctionRole"), needed);
}

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
    let metric = windlass_planner::kinds::alarm::metric(Measure::Cpu, GROUP, "");
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
    lab.sim.set_faults(Some(Box::new(|sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(_)) => {
            Verdict::Fail(CallError::answered(
                "autoscaling:SetDesiredCapacity",
                "AccessDenied",
                "not authorized",
                403,
            ))
        }
        _ => Verdict::Deliver,
    })));
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

/// Metrics that are missing, late or no numbers.
#[rstest]
#[case::missing(|_| None)]
#[case::no_number(|_| Some(f64::NAN))]
fn nothing_is_removed_while_nobody_knows_the_load(#[case] report: fn(f64) -> Option<f64>) {
    let lab = running();
    for _ in 0..10 {
        lab.minute(3.2, true);
    }
    let most = lab.group(GROUP).desired;
    for _ in 0..20 {
        lab.minute_reported(0.3, report);
        assert_eq!(lab.group(GROUP).desired, most);
    }
    for _ in 0..40 {
        lab.minute(0.3, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
}

/// An alarm with points that are only late stays, and says nothing when they come.
#[test]
fn a_load_whose_metrics_were_late_for_minutes_is_followed_when_they_come() {
    let lab = running();
    for _ in 0..3 {
        lab.minute(3.2, true);
    }
    let first = lab.group(GROUP).desired;
    assert!(first < 8);
    for _ in 0..4 {
        lab.minute(6.0, false);
    }
    for _ in 0..4 {
        lab.minute(6.0, true);
    }
    assert!(lab.group(GROUP).desired > first);
}

/// They are in service, healthy and warm before the two minutes are over that somebody else's word counts.
#[test]
fn a_capacity_that_somebody_else_asked_for_is_not_taken_back_at_once() {
    let quick = SignedDuration::ZERO;
    let config = WorldConfig {
        vcpu_quota: 100,
        running_delay: quick,
        boot_delay: quick,
        in_service_delay: quick,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    lab.upload(&format!("{SPEC}lifecycle: {{launch: {{verify: none}}}}\n"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    for _ in 0..6 {
        lab.minute(0.4, true);
    }
    lab.want(GROUP, 6);
    let last = |lab: &Lab| journal(lab).pop().unwrap().decision;
    let mut rules = Vec::new();
    for _ in 0..15 {
        drop(lab.scale(&alarm("cpu-in")));
        rules.push(last(&lab).rule);
        lab.sim.advance(SignedDuration::from_secs(10));
        let metric = windlass_planner::kinds::alarm::metric(Measure::Cpu, GROUP, "");
        let now = lab.sim.now();
        for _ in 0..6 {
            lab.sim.world_mut().put_metric_data(&metric, now, 7.0);
        }
    }
    rules.dedup();
    assert_eq!(rules[..3], [Rule::Coming, Rule::Foreign, Rule::In]);
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

/// Nobody can say that an alarm was changed: it keeps its state, and no event comes (rule 2).
#[test]
fn a_threshold_that_changed_counts_though_no_alarm_says_so() {
    let lab = running();
    drop(lab.scale(&recorded()));
    for _ in 0..10 {
        lab.minute(1.0, true);
    }
    let before = lab.sim.trace().len();
    drop(lab.scale(&recorded()));
    assert_eq!(
        calls(&lab.sim.trace()[before..]),
        Vec::<&str>::new(),
        "nothing is new"
    );
    assert!(capacities(&lab).is_empty());
    let metrics =
        "metrics: [{type: cpu, scaleOut: {above: 40, periods: 2}, scaleIn: {below: 20, periods: 5}}]";
    lab.upload(&SPEC.replace("max: 8", &format!("max: 8, {metrics}")));
    let soon = lab.now() + SignedDuration::from_secs(30);
    while lab.step_until(soon).is_some() {}
    assert_eq!(ticks(&lab), 0, "no alarm says anything");
    drop(lab.scale(&recorded()));
    assert_eq!(lab.group(GROUP).desired, 3);
    assert_eq!(journal(&lab)[0].because, "a state was recorded");
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

/// Requests per instance: 5,000 a minute at two instances are 3,000 at four, and the processors have little to do.
#[test]
fn each_measure_has_its_own_metric_and_any_of_them_is_enough_for_more_and_all_are_needed_for_fewer() {
    let lab = Lab::new(
        WorldConfig {
            vcpu_quota: 100,
            ..WorldConfig::default()
        },
        1,
    );
    let metrics = "metrics: [{type: cpu, scaleOut: {above: 70}, scaleIn: {below: 30}}, {type: requestsPerTarget, \
                   scaleOut: {above: 3000}, scaleIn: {below: 1000}}]";
    lab.upload(&SPEC.replace(
        "max: 8",
        &format!("max: 8, {metrics}, behavior: {{cooldown: 0s, maxStep: 1, stabilization: 0s}}"),
    ));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let targets = lab.status().unwrap().outputs.target_group_arn;
    let requests = windlass_planner::kinds::alarm::metric(Measure::RequestsPerTarget, GROUP, &targets);
    let minute = |of_all: Option<f64>| {
        let begin = lab.sim.now();
        let instances = u32::try_from(lab.in_service().len()).unwrap();
        lab.minute(0.3, true);
        if let Some(of_all) = of_all {
            let each = of_all / f64::from(instances);
            lab.sim.world_mut().put_metric_data(&requests, begin, each);
            let now = lab.sim.now();
            lab.sim.world_mut().settle(now);
        }
    };
    for _ in 0..10 {
        minute(Some(10_000.0));
    }
    assert_eq!(
        (lab.group(GROUP).desired, capacities(&lab)),
        (4, vec![3, 4]),
        "one at a time"
    );
    let first = journal(&lab).into_iter().find(|entry| entry.decision.changes());
    assert_eq!(
        first.unwrap().decision.rule,
        Rule::Out("requestsPerTarget".into())
    );
    // The processors agree to fewer all the while, and the requests do not.
    for _ in 0..10 {
        minute(Some(8_000.0));
    }
    assert_eq!(lab.group(GROUP).desired, 4);
    // Without any request a load balancer tells nothing of them.
    for _ in 0..12 {
        minute(None);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
}

/// The alarm says nothing of a maximum that is another one, and the group may have it later than the spec.
#[test]
fn a_maximum_that_is_raised_under_load_is_used_when_the_group_has_it() {
    let lab = running();
    drop(lab.scale(&recorded()));
    for _ in 0..20 {
        lab.minute(9.0, true);
    }
    assert_eq!((lab.group(GROUP).desired, ticks(&lab)), (8, 0));
    lab.sim.set_faults(Some(Box::new(|sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::UpdateAutoScalingGroup(_)) => Verdict::Fail(
            CallError::answered("autoscaling:UpdateAutoScalingGroup", "Throttling", "no", 400),
        ),
        _ => Verdict::Deliver,
    })));
    lab.upload(&SPEC.replace("max: 8", "max: 12"));
    lab.minute(9.0, true);
    drop(lab.scale(&recorded()));
    lab.sim.set_faults(None);
    assert_eq!(lab.group(GROUP).settings.max, 8);
    for _ in 0..8 {
        lab.minute(9.0, true);
    }
    let group = lab.group(GROUP);
    assert_eq!((group.settings.max, group.desired), (12, 12));
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
    lab.sim.set_faults(Some(Box::new(|sent| match &sent.request {
        Request::Autoscaling(autoscaling::Request::SetDesiredCapacity(_)) => {
            Verdict::Fail(CallError::answered(
                "autoscaling:SetDesiredCapacity",
                "AccessDenied",
                "not authorized",
                403,
            ))
        }
        _ => Verdict::Deliver,
    })));
    // What is needed by now is more than was asked for.
    let metric = windlass_planner::kinds::alarm::metric(Measure::Cpu, GROUP, "");
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

//! A load that comes, goes and is not known: what follows it, and when.

use super::*;

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
    for _ in 0..7 {
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

/// The alarm has no data, and says so once. The load was not too much yet.
#[test]
fn a_load_that_rises_is_followed_for_a_while_when_nothing_is_heard_of_it_any_more() {
    let lab = running();
    for minute in 0..6 {
        lab.minute(0.7 + 0.1 * f64::from(minute), true);
    }
    assert!(capacities(&lab).is_empty());
    for _ in 0..20 {
        lab.minute(1.6, false);
    }
    assert_eq!(capacities(&lab), [4], "half as much again, which is 45 % of four");
    assert_eq!(ticks(&lab), 0, "it is not followed for ever");
    let entry = journal(&lab)
        .into_iter()
        .find(|entry| entry.decision.changes())
        .unwrap();
    let reason = &entry.decision.reason;
    assert!(
        reason.contains("rising, and nothing is heard of it since"),
        "{reason}"
    );
    assert_eq!(journal(&lab)[0].because, "alarm cpu-out has no data any more");
}

/// Nothing calls for more or fewer: it is looked at once, and left alone.
#[test]
fn a_load_that_did_not_rise_is_not_followed_when_nothing_is_heard_of_it() {
    let lab = running();
    for _ in 0..6 {
        lab.minute(1.2, true);
    }
    for _ in 0..20 {
        lab.minute(1.2, false);
    }
    assert_eq!(
        (capacities(&lab), ticks(&lab), journal(&lab).len()),
        (vec![], 0, 1)
    );
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
        let metric = alarm_metric(&Measure::Cpu, Source::of_group(GROUP));
        let now = lab.sim.now();
        for _ in 0..6 {
            lab.sim.world_mut().put_metric_data(&metric, now, 7.0);
        }
    }
    rules.dedup();
    assert_eq!(rules[..3], [Rule::Coming, Rule::Foreign, Rule::In]);
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
    assert_eq!(lab.group(GROUP).desired, 4);
    assert_eq!(journal(&lab)[0].because, "a state was recorded");
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
    let requests = alarm_metric(
        &Measure::RequestsPerTarget,
        Source {
            target_group: &targets,
            ..Source::of_group(GROUP)
        },
    );
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

/// Nothing of ours can change the capacity, and the processors are at their end: AWS adds half of what serves, and that again
/// when it is warm.
#[test]
fn a_group_that_is_overrun_grows_though_nothing_of_ours_works() {
    let lab = running();
    deny_capacity(&lab);
    for _ in 0..4 {
        lab.minute(8.0, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2, "it is no matter of minutes");
    let mut sizes = vec![2];
    for _ in 0..20 {
        lab.minute(8.0, true);
        sizes.push(lab.group(GROUP).desired);
    }
    sizes.dedup();
    assert_eq!(
        sizes,
        [2, 3, 4, 6, 8],
        "half as many more, and never beyond the group's own bound"
    );
    assert!(capacities(&lab).is_empty());
    for _ in 0..20 {
        lab.minute(0.2, true);
    }
    assert_eq!(lab.group(GROUP).desired, 8, "it takes nothing away");
}

/// It is told why, and what AWS asked for is not taken back at once.
#[test]
fn the_scaler_knows_of_what_the_backstop_did() {
    let lab = running();
    deny_capacity(&lab);
    for _ in 0..5 {
        lab.minute(8.0, true);
    }
    lab.sim.set_faults(None);
    assert_eq!(lab.group(GROUP).desired, 3);
    lab.minute(0.1, true);
    let entries = journal(&lab);
    let told = entries
        .iter()
        .find(|entry| entry.because == "alarm backstop went off: the group's own policy adds instances");
    let decision = &told.expect("it is looked at").decision;
    let foreign = decision.after.foreign.map(|(_, desired)| desired);
    assert_eq!((decision.from, foreign), (3, Some(3)));
}

/// The newest points are above one threshold and below the other. The group has as many as it may, and most of them are new: the
/// alarm says no more, and the chain of ticks must not end there.
#[test]
fn a_load_that_is_gone_as_soon_as_the_group_is_largest_is_followed() {
    let config = WorldConfig {
        vcpu_quota: 100,
        boot_delay: SignedDuration::from_mins(4),
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    let metrics = "metrics: [{type: cpu, scaleOut: {above: 70}, scaleIn: {below: 30, periods: 2}}], behavior: {stabilization: 0s}";
    lab.upload(&SPEC.replace("max: 8", &format!("max: 5, {metrics}")));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let minute = lab.sim.now().as_second().div_euclid(60) + 1;
    lab.sim.set_now(Timestamp::from_second(minute * 60).unwrap());
    for _ in 0..3 {
        lab.minute(0.9, true);
    }
    while lab.group(GROUP).desired < 5 {
        lab.minute(9.0, true);
    }
    for _ in 0..20 {
        lab.minute(0.1, true);
    }
    assert_eq!(lab.group(GROUP).desired, 2);
}

//! Alarms, the dashboard and who is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::SignedDuration;
use windlass_calls::autoscaling::{DescribePolicies, PutScalingPolicy};
use windlass_calls::cloudwatch::{Alarm, DescribeAlarms, Watch};
use windlass_crash::{Lab, Stopped, verify};
use windlass_engine::{Phase, Trigger};
use windlass_sim::{TraceEntry, WorldConfig};

const WEB: &str = include_str!("../../../events/specs/web.yaml");
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:windlass-dev-web";
const OPS: &str = "ops@example.com";
const LIMIT: usize = 400;

fn ready() -> Lab {
    let lab = Lab::new(WorldConfig::default(), 1);
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    verify(&lab).unwrap();
    lab
}

fn alarms(lab: &Lab) -> Vec<Alarm> {
    let now = lab.sim.now();
    let prefix = "windlass/dev/web/".to_owned();
    let mut alarms = lab.sim.world_mut().call(now, DescribeAlarms { prefix }).unwrap();
    alarms.sort_by(|a, b| a.name.cmp(&b.name));
    alarms
}

#[test]
fn scaling_alarms_tell_nobody_the_backstop_runs_its_policy_and_the_others_tell_the_topic() {
    let lab = ready();
    let told: Vec<(String, usize, usize)> = alarms(&lab)
        .into_iter()
        .map(|alarm| {
            (
                alarm.name.rsplit('/').next().unwrap().to_owned(),
                alarm.notify.len(),
                alarm.policies.len(),
            )
        })
        .collect();
    let expected = [
        ("5xx-rate", 1, 0),
        ("backstop", 0, 1),
        ("cpu-in", 0, 0),
        ("cpu-out", 0, 0),
        ("latency", 1, 0),
        ("no-healthy-host", 1, 0),
    ];
    assert_eq!(
        told,
        expected.map(|(name, count, run)| (name.to_owned(), count, run))
    );
}

#[test]
fn scaling_alarms_are_as_the_spec_says() {
    let lab = ready();
    let alarm = alarms(&lab)
        .into_iter()
        .find(|alarm| alarm.name.ends_with("cpu-out"))
        .unwrap();
    let Watch::Metric(metric) = &alarm.watch else {
        panic!("{alarm:?}");
    };
    assert_eq!(
        (metric.namespace.as_str(), metric.name.as_str(), metric.period),
        ("AWS/EC2", "CPUUtilization", 60)
    );
    assert_eq!(metric.dimensions["AutoScalingGroupName"], "windlass-dev-web");
    assert_eq!((alarm.threshold.0, alarm.periods, alarm.datapoints), (70.0, 2, 2));
    assert_eq!(alarm.comparison, "GreaterThanThreshold");
}

/// What somebody changed of the policy is put back, and a spec without metrics has none.
#[test]
fn the_backstop_is_put_back_and_goes_with_the_last_metric() {
    let lab = ready();
    let policies = |lab: &Lab| {
        let group = "windlass-dev-web".to_owned();
        let now = lab.sim.now();
        lab.sim.world_mut().call(now, DescribePolicies { group }).unwrap()
    };
    let first = policies(&lab);
    let mut mine = first[0].settings.clone();
    mine.steps[0].percent = 5;
    let mut theirs = mine.clone();
    theirs.name = "somebody-elses".into();
    for policy in [mine, theirs] {
        let group = "windlass-dev-web".to_owned();
        let now = lab.sim.now();
        let put = PutScalingPolicy { group, policy };
        lab.sim.world_mut().call(now, put).unwrap();
    }
    lab.look();
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let now = policies(&lab);
    assert_eq!(now.len(), 2, "another one is somebody else's");
    assert!(now.contains(&first[0]), "{now:?}");
    let (begin, end) = (WEB.find("  metrics:").unwrap(), WEB.find("lifecycle:").unwrap());
    lab.upload(&format!("{}  metrics: []\n{}", &WEB[..begin], &WEB[end..]));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let left: Vec<String> = policies(&lab)
        .into_iter()
        .map(|policy| policy.settings.name)
        .collect();
    assert_eq!(left, ["somebody-elses"]);
    assert!(alarms(&lab).iter().all(|alarm| alarm.policies.is_empty()));
}

/// Rule 2: an alarm is changed by writing it again, and nothing else is.
#[test]
fn another_threshold_is_one_call() {
    let lab = ready();
    let before = lab.sim.trace().len();
    lab.upload(&WEB.replace("above: 70", "above: 75"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    let changes: Vec<&str> = lab.sim.trace()[before..]
        .iter()
        .filter(|entry| {
            entry.request.effect().is_mutating() && !matches!(entry.request.service(), "s3" | "sqs")
        })
        .map(TraceEntry::action)
        .collect();
    assert_eq!(changes, ["cloudwatch:PutMetricAlarm"]);
    assert!(
        alarms(&lab)
            .iter()
            .any(|alarm| alarm.threshold.to_string() == "75")
    );
    verify(&lab).unwrap();
}

/// While a stack is created nothing is healthy: nobody is called for that.
#[test]
fn no_alarm_exists_before_the_stack_serves() {
    let config = WorldConfig {
        broken_app: true,
        ..WorldConfig::default()
    };
    let lab = Lab::new(config, 1);
    // With a gate it is tried again for ever.
    lab.upload(&WEB.replace("verify: load-balancer", "verify: none"));
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(lab.status().unwrap().phase, Phase::Failed, "it gave up waiting");
    assert_eq!(alarms(&lab), []);
}

/// Rule 66: each upload asks once, however many passes there are, whether or not anybody confirms.
#[test]
fn an_address_is_asked_to_confirm_once_for_each_upload() {
    let lab = ready();
    let asked = |lab: &Lab| lab.sim.world().confirmations_sent(TOPIC, OPS);
    assert_eq!(asked(&lab), 1);
    for _ in 0..3 {
        lab.sim.advance(SignedDuration::from_hours(48));
        lab.pass(Trigger::Look).finished().unwrap().unwrap();
    }
    assert_eq!(
        asked(&lab),
        1,
        "the unconfirmed subscription is gone, and was not asked for again"
    );
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(asked(&lab), 2, "another upload asks again");
    assert!(lab.sim.world_mut().confirm_subscription(TOPIC, OPS));
    lab.upload(WEB);
    assert_eq!(lab.run(LIMIT), Stopped::Quiet);
    assert_eq!(asked(&lab), 2, "a confirmed one is not asked");
    verify(&lab).unwrap();
}

#[test]
fn a_dashboard_that_somebody_changed_is_written_again() {
    let lab = ready();
    let now = lab.sim.now();
    let name = "windlass-dev-web-us-east-1".to_owned();
    let body = r#"{"widgets":[]}"#.to_owned();
    lab.sim
        .world_mut()
        .call(
            now,
            windlass_calls::cloudwatch::PutDashboard {
                name: name.clone(),
                body,
            },
        )
        .unwrap();
    lab.pass(Trigger::Look).finished().unwrap().unwrap();
    let body = lab
        .sim
        .world_mut()
        .call(now, windlass_calls::cloudwatch::GetDashboard { name })
        .unwrap();
    for shown in [
        "RequestCount",
        "TargetResponseTime",
        "HTTPCode_Target_5XX_Count",
        "HealthyHostCount",
        "CPUUtilization",
        "GroupInServiceInstances",
    ] {
        assert!(body.contains(shown), "{shown}");
    }
}

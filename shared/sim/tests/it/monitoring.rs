use std::collections::BTreeMap;

use jiff::Timestamp;
use rstest::rstest;
use windlass_calls::cloudwatch::{
    Alarm, DeleteAlarms, DeleteDashboards, DescribeAlarms, GetDashboard, GetMetricData, Metric, PutDashboard,
    PutMetricAlarm, Watch,
};
use windlass_calls::logs::{
    CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListTagsForResource, PutRetentionPolicy,
};
use windlass_calls::{Class, Tags};
use windlass_sim::{Lag, WorldConfig};

use crate::account::{Account, tags};

const BODY: &str = r#"{"widgets": []}"#;
const LOGS: &str = "/windlass/dev/web";

fn metric(name: &str) -> Metric {
    Metric {
        namespace: "AWS/ApplicationELB".into(),
        name: name.into(),
        dimensions: BTreeMap::from([("LoadBalancer".into(), "app/web/1".into())]),
        statistic: "Sum".into(),
        period: 60,
    }
}

fn alarm(name: &str) -> Alarm {
    Alarm {
        name: name.into(),
        description: "CPU above 70 %".into(),
        watch: Watch::Metric(metric("RequestCount")),
        comparison: "GreaterThanThreshold".into(),
        threshold: 70.0.into(),
        periods: 3,
        datapoints: 2,
        missing_data: "missing".into(),
        notify: vec!["arn:aws:sns:us-east-1:123456789012:web".into()],
        policies: vec![],
    }
}

fn expression() -> Watch {
    Watch::Expression {
        expression: "100 * (FILL(bad, 0) + m2) / all_of_them".into(),
        metrics: BTreeMap::from([
            ("bad".into(), metric("HTTPCode_Target_5XX_Count")),
            ("m2".into(), metric("HTTPCode_ELB_5XX_Count")),
            ("all_of_them".into(), metric("RequestCount")),
        ]),
    }
}

fn put(alarm: Alarm, resource: &str) -> PutMetricAlarm {
    PutMetricAlarm {
        alarm: Box::new(alarm),
        tags: tags(resource),
    }
}

fn alarms(account: &mut Account, prefix: &str) -> Vec<Alarm> {
    account.call(DescribeAlarms {
        prefix: prefix.into(),
    })
}

fn dashboard(name: &str, body: &str) -> PutDashboard {
    PutDashboard {
        name: name.into(),
        body: body.into(),
    }
}

/// Alarm on the average processor use of a group: above 70 for two minutes.
fn cpu_alarm() -> Alarm {
    Alarm {
        watch: Watch::Metric(cpu("Average")),
        periods: 2,
        notify: vec![],
        policies: vec![],
        ..alarm("windlass/dev/web/cpu-out")
    }
}

fn cpu(statistic: &str) -> Metric {
    Metric {
        namespace: "AWS/EC2".into(),
        name: "CPUUtilization".into(),
        dimensions: BTreeMap::from([("AutoScalingGroupName".into(), "web".into())]),
        statistic: statistic.into(),
        period: 60,
    }
}

fn data(account: &mut Account, statistic: &str, from: i64, to: i64) -> Vec<(i64, f64)> {
    let metrics = BTreeMap::from([("m".to_owned(), cpu(statistic))]);
    let points = account.call(GetMetricData { metrics, from, to });
    points["m"]
        .iter()
        .map(|point| (point.at, point.value.into_inner()))
        .collect()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[rstest]
#[case("Average", [40.0, 90.0])]
#[case("SampleCount", [3.0, 1.0])]
#[case("Sum", [120.0, 90.0])]
#[case("Minimum", [10.0, 90.0])]
#[case("Maximum", [80.0, 90.0])]
#[case("p50", [30.0, 90.0])]
#[case("p99.9", [80.0, 90.0])]
fn a_period_of_a_metric_comes_to_what_the_statistic_says(#[case] statistic: &str, #[case] values: [f64; 2]) {
    let mut account = Account::new();
    for (at, value) in [(0, 10.0), (10, 30.0), (59, 80.0), (120, 90.0), (180, 1.0)] {
        account.world.put_metric_data(&cpu("any"), second(at), value);
    }
    let expected = [(0, values[0]), (120, values[1])];
    assert_eq!(
        data(&mut account, statistic, 0, 180),
        expected,
        "whole periods, the end left out"
    );
    let other = Metric {
        dimensions: BTreeMap::new(),
        ..cpu(statistic)
    };
    let metrics = BTreeMap::from([("m".to_owned(), other)]);
    let none = account.call(GetMetricData {
        metrics,
        from: 0,
        to: 180,
    });
    assert_eq!(none["m"], []);
}

#[rstest]
#[case::the_wrong_way_round(|call: &mut GetMetricData| (call.from, call.to) = (60, 60))]
#[case::nothing(|call: &mut GetMetricData| call.metrics.clear())]
#[case::a_name_that_is_none(|call: &mut GetMetricData| drop(call.metrics.insert("Cpu".into(), cpu("Sum"))))]
#[case::half_a_period(|call: &mut GetMetricData| call.metrics.values_mut().for_each(|metric| metric.period = 90))]
#[case::no_statistic(|call: &mut GetMetricData| call.metrics.values_mut().for_each(|metric| metric.statistic = "Mean".into()))]
fn a_question_about_metrics_that_makes_no_sense_is_refused(#[case] change: fn(&mut GetMetricData)) {
    let mut call = GetMetricData {
        metrics: BTreeMap::from([("m".to_owned(), cpu("Average"))]),
        from: 0,
        to: 60,
    };
    change(&mut call);
    let refused = Account::new().code(call);
    assert_eq!(refused, ("ValidationError".to_owned(), Class::Terminal));
}

/// What an alarm says while these values are put, one a minute; `NaN` is a minute without any.
#[rstest]
#[case::above("missing", &[80.0, 80.0], &["ALARM"])]
#[case::not_for_long("missing", &[80.0, 60.0, 80.0], &["OK"])]
#[case::it_says_so_once("missing", &[80.0, 80.0, 90.0, 80.0, 50.0, 50.0], &["ALARM", "OK"])]
#[case::late("missing", &[80.0, f64::NAN, 80.0], &["ALARM"])]
#[case::gone("missing", &[80.0, 80.0, f64::NAN, f64::NAN, f64::NAN], &["ALARM", "INSUFFICIENT_DATA"])]
#[case::gone_is_fine("notBreaching", &[80.0, 80.0, f64::NAN, f64::NAN, f64::NAN], &["ALARM", "OK"])]
#[case::gone_is_bad("breaching", &[50.0, 50.0, f64::NAN, f64::NAN, f64::NAN], &["OK", "ALARM"])]
#[case::gone_says_nothing("ignore", &[80.0, 80.0, f64::NAN, f64::NAN, f64::NAN], &["ALARM"])]
fn an_alarm_says_when_it_goes_off_and_when_it_is_over_and_nothing_else(
    #[case] missing_data: &str,
    #[case] values: &[f64],
    #[case] states: &[&str],
) {
    let mut account = Account::new();
    account.world.create_queue("alarms", 30);
    account.world.route_alarm_events("alarms");
    let alarm = Alarm {
        missing_data: missing_data.into(),
        datapoints: 2,
        ..cpu_alarm()
    };
    account.call(put(alarm, "alarm"));
    let began = account.now.as_second().div_euclid(60) * 60 + 60;
    for (minute, value) in (0..).zip(values) {
        let at = began + minute * 60;
        account.world.settle(second(at + 60));
        if !value.is_nan() {
            account.world.put_metric_data(&cpu("any"), second(at), *value);
        }
        account.world.settle(second(at + 60));
    }
    let said = account.world.messages("alarms").iter().map(|message| {
        let event: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(event["source"], "aws.cloudwatch");
        assert_eq!(event["detail-type"], "CloudWatch Alarm State Change");
        assert_eq!(event["detail"]["alarmName"], "windlass/dev/web/cpu-out");
        event["detail"]["state"]["value"].as_str().unwrap().to_owned()
    });
    assert_eq!(said.collect::<Vec<_>>(), states);
}

fn log_group(name: &str) -> CreateLogGroup {
    CreateLogGroup {
        name: name.into(),
        tags: tags("log-group"),
    }
}

fn keep(days: u32) -> PutRetentionPolicy {
    PutRetentionPolicy {
        name: LOGS.into(),
        days,
    }
}

#[test]
fn alarms_are_found_by_the_beginning_of_their_names() {
    let mut account = Account::new();
    account.call(put(alarm("windlass/dev/web/cpu-out"), "alarm/cpu-out"));
    account.call(put(alarm("windlass/dev/web/cpu-in"), "alarm/cpu-in"));
    account.call(put(alarm("windlass/dev/other/cpu-in"), "alarm/cpu-in"));
    let names: Vec<_> = alarms(&mut account, "windlass/dev/web/")
        .into_iter()
        .map(|alarm| alarm.name)
        .collect();
    assert_eq!(names, ["windlass/dev/web/cpu-in", "windlass/dev/web/cpu-out"]);
    assert_eq!(alarms(&mut account, "none"), []);
}

#[test]
fn an_alarm_reads_back_as_it_was_put_last_and_keeps_its_first_tags() {
    let mut account = Account::new();
    account.call(put(alarm("web"), "first"));
    let changed = Alarm {
        watch: expression(),
        ..alarm("web")
    };
    account.call(put(changed.clone(), "second"));
    assert_eq!(alarms(&mut account, "web"), [changed]);
    let live = account.world.inventory();
    assert_eq!(
        (live.len(), live[0].kind, &live[0].tags),
        (1, "alarm", &tags("first"))
    );
}

#[rstest]
#[case::no_name(|alarm: &mut Alarm| alarm.name.clear())]
#[case::a_long_name(|alarm: &mut Alarm| alarm.name = "a".repeat(256))]
#[case::a_long_description(|alarm: &mut Alarm| alarm.description = "a".repeat(1025))]
#[case::no_periods(|alarm: &mut Alarm| (alarm.periods, alarm.datapoints) = (0, 0))]
#[case::no_datapoints(|alarm: &mut Alarm| alarm.datapoints = 0)]
#[case::more_datapoints_than_periods(|alarm: &mut Alarm| alarm.datapoints = 4)]
#[case::another_comparison(|alarm: &mut Alarm| alarm.comparison = "MoreThan".into())]
#[case::no_threshold(|alarm: &mut Alarm| alarm.threshold = f64::NAN.into())]
#[case::other_missing_data(|alarm: &mut Alarm| alarm.missing_data = "fine".into())]
#[case::six_to_tell(|alarm: &mut Alarm| alarm.notify = vec![alarm.notify[0].clone(); 6])]
#[case::nobody_to_tell(|alarm: &mut Alarm| alarm.notify = vec!["ops@example.com".into()])]
#[case::somebody_elsewhere(|alarm: &mut Alarm| alarm.notify = vec!["arn:aws:sns:eu-west-1:123456789012:web".into()])]
fn an_alarm_that_makes_no_sense_is_refused(#[case] change: fn(&mut Alarm)) {
    let mut wrong = alarm("web");
    change(&mut wrong);
    assert_eq!(
        Account::new().code(put(wrong, "alarm")),
        ("ValidationError".to_owned(), Class::Terminal)
    );
}

#[rstest]
#[case::none(|metric: &mut Metric| metric.period = 0)]
#[case::shorter_than_ten_seconds(|metric: &mut Metric| metric.period = 5)]
#[case::between_the_steps(|metric: &mut Metric| metric.period = 45)]
#[case::no_multiple_of_a_minute(|metric: &mut Metric| metric.period = 90)]
#[case::three_of_them_longer_than_a_week(|metric: &mut Metric| metric.period = 201_660)]
#[case::no_namespace(|metric: &mut Metric| metric.namespace.clear())]
#[case::no_metric_name(|metric: &mut Metric| metric.name.clear())]
#[case::no_statistic(|metric: &mut Metric| metric.statistic.clear())]
#[case::a_percentile_over_100(|metric: &mut Metric| metric.statistic = "p101".into())]
#[case::too_many_dimensions(|metric: &mut Metric| metric.dimensions = (0..31).map(|i| (i.to_string(), String::new())).collect())]
fn a_metric_that_cannot_be_watched_is_refused_alone_and_in_an_expression(#[case] change: fn(&mut Metric)) {
    let mut wrong = metric("RequestCount");
    change(&mut wrong);
    let alone = Alarm {
        watch: Watch::Metric(wrong.clone()),
        ..alarm("web")
    };
    assert_eq!(Account::new().code(put(alone, "alarm")).0, "ValidationError");
    let Watch::Expression {
        expression,
        mut metrics,
    } = expression()
    else {
        unreachable!()
    };
    metrics.insert("m2".into(), wrong);
    let together = Alarm {
        watch: Watch::Expression { expression, metrics },
        ..alarm("web")
    };
    assert_eq!(Account::new().code(put(together, "alarm")).0, "ValidationError");
}

#[rstest]
#[case::ten_seconds(10, 1)]
#[case::twenty_seconds(20, 5)]
#[case::thirty_seconds(30, 2880)]
#[case::a_day_of_minutes(60, 1440)]
#[case::a_week_of_hours(3600, 168)]
fn periods_that_aws_takes(#[case] period: u32, #[case] periods: u32) {
    let mut account = Account::new();
    let watched = Metric {
        period,
        statistic: "p99.9".into(),
        ..metric("TargetResponseTime")
    };
    let fits = Alarm {
        watch: Watch::Metric(watched),
        periods,
        datapoints: 1,
        ..alarm("web")
    };
    account.call(put(fits.clone(), "alarm"));
    let reaches_too_far = Alarm {
        periods: if period == 3600 { 169 } else { 86_400 / period + 1 },
        ..fits
    };
    assert_eq!(account.code(put(reaches_too_far, "alarm")).0, "ValidationError");
}

#[rstest]
#[case::no_metrics("1", &[])]
#[case::an_upper_case_id("M1", &["M1"])]
#[case::an_id_with_a_hyphen("a", &["a", "b-c"])]
#[case::an_unknown_id("100 * bad / good", &["bad"])]
#[case::no_expression(" ", &["bad"])]
fn an_expression_that_makes_no_sense_is_refused(#[case] expression: &str, #[case] ids: &[&str]) {
    let metrics = ids.iter().map(|id| ((*id).to_owned(), metric("RequestCount")));
    let wrong = Alarm {
        watch: Watch::Expression {
            expression: expression.into(),
            metrics: metrics.collect(),
        },
        ..alarm("web")
    };
    assert_eq!(
        Account::new().code(put(wrong, "alarm")),
        ("ValidationError".to_owned(), Class::Terminal)
    );
}

#[test]
fn a_dashboard_reads_back_as_it_was_put_last() {
    let mut account = Account::new();
    account.call(dashboard("web", BODY));
    let changed = r#"{"widgets": [{"type": "text"}], "start": "-PT3H"}"#;
    account.call(dashboard("web", changed));
    assert_eq!(account.call(GetDashboard { name: "web".into() }), changed);
    assert!(account.world.delete_one("dashboard", "web"));
    assert_eq!(
        account.code(GetDashboard { name: "web".into() }),
        ("ResourceNotFound".to_owned(), Class::Gone)
    );
}

#[rstest]
#[case::no_json("web", "{")]
#[case::no_widgets("web", "{}")]
#[case::no_list("web", r#"{"widgets": {}}"#)]
#[case::a_list("web", "[]")]
#[case::a_name_with_a_slash("dev/web", BODY)]
#[case::no_name("", BODY)]
fn a_dashboard_that_makes_no_sense_is_refused(#[case] name: &str, #[case] body: &str) {
    assert_eq!(
        Account::new().code(dashboard(name, body)),
        ("InvalidParameterInput".to_owned(), Class::Terminal)
    );
}

#[test]
fn a_log_group_keeps_everything_until_it_is_told_otherwise() {
    let mut account = Account::new();
    account.call(log_group(LOGS));
    let describe = DescribeLogGroups { prefix: LOGS.into() };
    let made = account.call(describe.clone()).remove(0);
    assert_eq!(
        made.arn,
        format!("arn:aws:logs:us-east-1:123456789012:log-group:{LOGS}")
    );
    assert_eq!(made.retention, None);
    for days in [30, 30, 14] {
        account.call(keep(days));
        assert_eq!(account.call(describe.clone())[0].retention, Some(days));
    }
}

#[test]
fn log_groups_are_found_by_the_beginning_of_their_names() {
    let mut account = Account::new();
    account.call(log_group(LOGS));
    account.call(log_group("/windlass/dev/web2"));
    account.call(log_group("/windlass/prod/web"));
    let mut found = |prefix: &str| {
        account
            .call(DescribeLogGroups {
                prefix: prefix.into(),
            })
            .len()
    };
    assert_eq!((found(LOGS), found("/windlass/"), found("/none")), (2, 3, 0));
}

#[test]
fn the_tags_of_a_log_group_are_those_it_was_made_with_and_a_missing_one_is_gone() {
    let mut account = Account::new();
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{LOGS}");
    let tags = ListTagsForResource { resource: arn };
    assert_eq!(
        account.code(tags.clone()),
        ("ResourceNotFoundException".to_owned(), Class::Gone)
    );
    account.call(log_group(LOGS));
    assert_eq!(account.call(tags), log_group(LOGS).tags);
}

#[test]
fn a_log_group_exists_once() {
    let mut account = Account::new();
    account.call(log_group(LOGS));
    let other = CreateLogGroup {
        tags: Tags::new(),
        ..log_group(LOGS)
    };
    assert_eq!(
        account.code(other),
        ("ResourceAlreadyExistsException".to_owned(), Class::Exists)
    );
    assert!(account.world.delete(LOGS));
    account.call(log_group(LOGS));
}

#[test]
fn a_log_group_with_a_bad_name_is_refused() {
    for name in ["", "a b", "a:b"] {
        assert_eq!(
            Account::new().code(log_group(name)).0,
            "InvalidParameterException"
        );
    }
}

#[test]
fn only_some_retentions_exist_and_a_missing_log_group_has_none() {
    let mut account = Account::new();
    assert_eq!(
        account.code(keep(30)),
        ("ResourceNotFoundException".to_owned(), Class::Gone)
    );
    account.call(log_group(LOGS));
    for days in [0, 2, 15, 3654] {
        assert_eq!(
            account.code(keep(days)),
            ("InvalidParameterException".to_owned(), Class::Terminal)
        );
    }
}

#[test]
fn what_is_new_stays_out_of_sight_for_the_lag_and_what_is_written_over_does_not() {
    let mut account = Account::with(WorldConfig {
        monitoring_lag: Lag::Fixed(30),
        ..WorldConfig::default()
    });
    account.call(put(alarm("web"), "alarm"));
    account.call(dashboard("web", BODY));
    account.call(log_group(LOGS));
    assert_eq!(alarms(&mut account, "web"), []);
    assert_eq!(
        account.code(GetDashboard { name: "web".into() }).0,
        "ResourceNotFound"
    );
    assert_eq!(account.code(keep(30)).0, "ResourceNotFoundException");
    assert_eq!(
        account.code(log_group(LOGS)).0,
        "ResourceAlreadyExistsException",
        "judged on what is out of sight too"
    );
    account.wait(30);
    account.call(keep(30));
    account.call(put(alarm("web"), "alarm"));
    account.call(dashboard("web", BODY));
    assert_eq!(alarms(&mut account, "web").len(), 1);
    assert_eq!(account.call(GetDashboard { name: "web".into() }), BODY);
}

#[test]
fn alarms_that_do_not_exist_can_be_deleted_and_more_than_100_cannot() {
    let mut account = Account::new();
    account.call(put(alarm("web-cpu"), "alarm"));
    account.call(DeleteAlarms {
        names: vec!["web-cpu".into(), "none".into()],
    });
    assert_eq!(alarms(&mut account, "web"), []);
    let names = (0..101).map(|number| format!("alarm-{number}")).collect();
    assert_eq!(account.code(DeleteAlarms { names }).0, "ValidationError");
}

#[test]
fn dashboards_are_deleted_all_or_none() {
    let mut account = Account::new();
    account.call(PutDashboard {
        name: "web".into(),
        body: BODY.into(),
    });
    let delete = |names: &[&str]| DeleteDashboards {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let gone = ("ResourceNotFound".to_owned(), Class::Gone);
    assert_eq!(account.code(delete(&["web", "none"])), gone);
    account.call(GetDashboard { name: "web".into() });
    account.call(delete(&["web"]));
    assert_eq!(account.code(delete(&["web"])), gone);
}

#[test]
fn a_log_group_can_be_deleted_once() {
    let mut account = Account::new();
    account.call(CreateLogGroup {
        name: LOGS.into(),
        tags: tags("log-group"),
    });
    let delete = DeleteLogGroup { name: LOGS.into() };
    account.call(delete.clone());
    let gone = ("ResourceNotFoundException".to_owned(), Class::Gone);
    assert_eq!(account.code(delete), gone);
}

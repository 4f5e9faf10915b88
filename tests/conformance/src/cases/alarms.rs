//! Alarms (rules 2 and 3). Their states cannot be read through the port.

use std::collections::BTreeMap;

use windlass_calls::Class;
use windlass_calls::cloudwatch::{Alarm, DeleteAlarms, DescribeAlarms, Metric, PutMetricAlarm, Watch};
use windlass_engine::Port;

use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

pub(super) async fn an_alarm_on_a_metric_reads_back_as_it_was_written<P: Port>(place: &Place<P>) -> Check {
    reads_back(place, alarm(place, "alarm")).await?;
    let slow = Alarm {
        watch: Watch::Metric(Metric {
            statistic: "p95".into(),
            ..metric("TargetResponseTime")
        }),
        comparison: "LessThanThreshold".into(),
        threshold: 0.25.into(),
        missing_data: "breaching".into(),
        notify: Vec::new(),
        policies: vec![],
        ..alarm(place, "alarm-slow")
    };
    reads_back(place, slow).await
}

pub(super) async fn an_alarm_on_an_expression_reads_back_as_it_was_written<P: Port>(
    place: &Place<P>,
) -> Check {
    let rate = Alarm {
        watch: rate("100 * (FILL(bad, 0) + m2) / requests"),
        ..alarm(place, "alarm-rate")
    };
    reads_back(place, rate).await
}

pub(super) async fn an_alarm_written_over_is_as_it_was_written_last<P: Port>(place: &Place<P>) -> Check {
    reads_back(place, alarm(place, "alarm-over")).await?;
    reads_back(place, alarm(place, "alarm-over")).await?;
    let changed = Alarm {
        watch: rate("bad + m2 + requests"),
        description: "Changed".into(),
        threshold: 7.0.into(),
        ..alarm(place, "alarm-over")
    };
    reads_back(place, changed).await?;
    reads_back(place, alarm(place, "alarm-over")).await
}

pub(super) async fn an_alarm_with_a_period_that_aws_does_not_take_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    for period in [5, 45, 90] {
        let watch = Watch::Metric(Metric {
            period,
            ..metric("RequestCount")
        });
        let wrong = Alarm {
            watch,
            ..alarm(place, "alarm-period")
        };
        refused(place, wrong).await?;
    }
    Ok(())
}

pub(super) async fn an_alarm_that_looks_too_far_back_is_refused<P: Port>(place: &Place<P>) -> Check {
    let far = Alarm {
        periods: 1441,
        ..alarm(place, "alarm-far")
    };
    refused(place, far).await
}

pub(super) async fn an_alarm_that_needs_more_datapoints_than_it_looks_at_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let wrong = Alarm {
        datapoints: 4,
        ..alarm(place, "alarm-points")
    };
    refused(place, wrong).await
}

pub(super) async fn an_expression_over_an_unknown_metric_is_refused<P: Port>(place: &Place<P>) -> Check {
    let wrong = Alarm {
        watch: rate("100 * bad / good"),
        ..alarm(place, "alarm-unknown")
    };
    refused(place, wrong).await
}

pub(super) async fn alarms_are_found_by_the_beginning_of_their_names<P: Port>(place: &Place<P>) -> Check {
    for case in ["alarms/one", "alarms/two", "alarm-s"] {
        place.call(put(place, alarm(place, case))).await?;
    }
    let prefix = place.name("alarms/");
    let mut found = place.call(DescribeAlarms { prefix }).await?;
    found.sort();
    let names: Vec<_> = found.into_iter().map(|alarm| alarm.name).collect();
    same(
        "names",
        names,
        vec![place.name("alarms/one"), place.name("alarms/two")],
    )
}

pub(super) async fn deleted_alarms_are_gone_and_the_others_stay<P: Port>(place: &Place<P>) -> Check {
    deleted(place, "alarms-gone", 1).await
}

/// Alarms that do not exist are no error.
pub(super) async fn alarms_deleted_twice_are_gone<P: Port>(place: &Place<P>) -> Check {
    deleted(place, "alarms-gone-2", 2).await
}

async fn deleted<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    let names = ["one", "two", "three"].map(|one| format!("{case}/{one}"));
    for name in &names {
        place.call(put(place, alarm(place, name))).await?;
    }
    let [one, two, three] = names.map(|name| place.name(&name));
    for _ in 0..times {
        let names = vec![one.clone(), two.clone()];
        place.call(DeleteAlarms { names }).await?;
    }
    let prefix = place.name(case);
    let left = only("alarms", place.call(DescribeAlarms { prefix }).await?)?;
    same("name", left.name, three)
}

/// Rule 51.
pub(super) async fn more_than_a_hundred_alarms_at_once_stay<P: Port>(place: &Place<P>) -> Check {
    place.call(put(place, alarm(place, "alarms-many/0"))).await?;
    let names = (0..101).map(|number| place.name(&format!("alarms-many/{number}")));
    let names = names.collect();
    place
        .refuses(DeleteAlarms { names }, Class::Terminal, None)
        .await?;
    let prefix = place.name("alarms-many/");
    only("alarms", place.call(DescribeAlarms { prefix }).await?).map(drop)
}

async fn reads_back<P: Port>(place: &Place<P>, alarm: Alarm) -> Check {
    place.call(put(place, alarm.clone())).await?;
    let prefix = alarm.name.clone();
    let found: Result<Vec<Alarm>, Mismatch> = place.call(DescribeAlarms { prefix }).await;
    let named = found?.into_iter().filter(|one| one.name == alarm.name);
    same("alarm", only("alarms of its name", named.collect())?, alarm)
}

async fn refused<P: Port>(place: &Place<P>, alarm: Alarm) -> Check {
    let call = put(place, alarm);
    place.refuses(call, Class::Terminal, "ValidationError").await
}

fn put<P: Port>(place: &Place<P>, alarm: Alarm) -> PutMetricAlarm {
    PutMetricAlarm {
        tags: place.tags("alarm"),
        alarm: Box::new(alarm),
    }
}

fn alarm<P: Port>(place: &Place<P>, case: &str) -> Alarm {
    Alarm {
        name: place.name(case),
        description: "Many requests".into(),
        watch: Watch::Metric(metric("RequestCount")),
        comparison: "GreaterThanThreshold".into(),
        threshold: 1000.5.into(),
        periods: 3,
        datapoints: 2,
        missing_data: "notBreaching".into(),
        notify: vec!["arn:aws:sns:us-east-1:123456789012:conformance".into()],
        policies: vec![],
    }
}

fn rate(expression: &str) -> Watch {
    Watch::Expression {
        expression: expression.into(),
        metrics: BTreeMap::from([
            ("bad".into(), metric("HTTPCode_Target_5XX_Count")),
            ("m2".into(), metric("HTTPCode_ELB_5XX_Count")),
            ("requests".into(), metric("RequestCount")),
        ]),
    }
}

fn metric(name: &str) -> Metric {
    Metric {
        namespace: "AWS/ApplicationELB".into(),
        name: name.into(),
        dimensions: BTreeMap::from([
            ("LoadBalancer".into(), "app/web/0123456789abcdef".into()),
            ("TargetGroup".into(), "targetgroup/web/0123456789abcdef".into()),
        ]),
        statistic: "Sum".into(),
        period: 60,
    }
}

//! The dashboard: what people look at when something seems wrong. Requests and their failures, latency, healthy
//! instances, CPU, and the group's size.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use windlass_calls::cloudwatch::{
    self, DeleteDashboards, GetDashboard, PutDashboard, Response as Cloudwatch,
};
use windlass_calls::{Request, Response};
use windlass_spec::Mode;

use super::alarm::{load_balancer_dimension, target_group_dimension};
use super::instance;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The dashboard.
pub struct Dashboard;

/// Columns of CloudWatch's grid.
const COLUMNS: u32 = 24;
/// Size of a widget: three of them fill a row.
const SIZE: (u32, u32) = (8, 6);

impl Kind for Dashboard {
    /// The body of the dashboard with our name.
    type Seen = Option<String>;
    const NAME: &'static str = "dashboard";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = cx.spec.monitoring.dashboard;
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let wanted = cx.spec.monitoring.dashboard;
        if !wanted && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        if wanted && !cx.destroying && cx.spec.compute.mode == Mode::Asg {
            known.exists(&Id::only("auto-scaling-group"))?;
        }
        let name = names::dashboard(&cx.spec.stack, cx.region);
        Ok(vec![GetDashboard { name }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Cloudwatch(Cloudwatch::GetDashboard(body))) => *seen = Some(body.clone()),
            (Request::Cloudwatch(cloudwatch::Request::PutDashboard(put)), _) => {
                *seen = Some(put.body.clone());
            }
            (Request::Cloudwatch(cloudwatch::Request::DeleteDashboards(_)), _) => *seen = None,
            _ => {}
        }
    }

    fn next(cx: &Context, _: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let name = names::dashboard(&cx.spec.stack, cx.region);
        let body = body(cx, known)?;
        let outputs = Outputs::id(&name);
        let same = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|seen| seen == body);
        let put = PutDashboard {
            name,
            body: body.to_string(),
        };
        Ok(match seen {
            Some(text) if same(text) => Next::InSync(outputs),
            Some(text) => {
                let now = json!({ "name": put.name, "body": text });
                Next::update(put, "the dashboard does not show the stack as it is", outputs).over(now)
            }
            None => Next::create(put, "requests, failures, latency and capacity at a glance"),
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let name = names::dashboard(&cx.spec.stack, cx.region);
        let there = seen.iter();
        there.map(|_| Present::new(Id::only(Self::NAME), &name)).collect()
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let names = vec![it.physical.clone()];
        Removal::send(DeleteDashboards { names }, "the dashboard is no longer wanted")
    }
}

/// One line of a widget: namespace, metric, dimensions, statistic, label.
type Line<'a> = (&'a str, &'a str, BTreeMap<String, String>, &'a str, &'a str);

fn body(cx: &Context, known: &Known) -> Result<Value, Blocked> {
    const ELB: &str = "AWS/ApplicationELB";
    let balancer = load_balancer_dimension(known)?;
    let mut targets = balancer.clone();
    targets.extend(target_group_dimension(known)?);
    let mut widgets: Vec<(&str, Vec<Line>)> = vec![
        (
            "Requests",
            vec![(
                ELB,
                "RequestCount",
                balancer.clone(),
                "Sum",
                "requests per minute",
            )],
        ),
        (
            "Time to answer (s)",
            vec![
                (ELB, "TargetResponseTime", balancer.clone(), "p50", "half of all"),
                (
                    ELB,
                    "TargetResponseTime",
                    balancer.clone(),
                    "p95",
                    "one in twenty",
                ),
                (
                    ELB,
                    "TargetResponseTime",
                    balancer.clone(),
                    "p99",
                    "one in a hundred",
                ),
            ],
        ),
        (
            "Failed requests (5xx)",
            vec![
                (
                    ELB,
                    "HTTPCode_Target_5XX_Count",
                    balancer.clone(),
                    "Sum",
                    "application",
                ),
                (ELB, "HTTPCode_ELB_5XX_Count", balancer, "Sum", "load balancer"),
            ],
        ),
        (
            "Instances in the load balancer's eyes",
            vec![
                (ELB, "HealthyHostCount", targets.clone(), "Minimum", "healthy"),
                (ELB, "UnHealthyHostCount", targets, "Maximum", "unhealthy"),
            ],
        ),
    ];
    widgets.push(("CPU (%)", cpu(cx, known)?));
    if cx.spec.compute.mode == Mode::Asg {
        let group = group(known)?;
        let size = |metric, label| ("AWS/AutoScaling", metric, group.clone(), "Maximum", label);
        widgets.push((
            "Group size",
            vec![
                size("GroupInServiceInstances", "in service"),
                size("GroupDesiredCapacity", "desired"),
                size("GroupMinSize", "least"),
                size("GroupMaxSize", "most"),
            ],
        ));
    }
    let places = (0..).map(|index: u32| {
        let per_row = COLUMNS / SIZE.0;
        (index % per_row * SIZE.0, index / per_row * SIZE.1)
    });
    let widgets: Vec<Value> = widgets
        .into_iter()
        .zip(places)
        .map(|((title, lines), place)| widget(cx, title, lines, place))
        .collect();
    Ok(json!({ "widgets": widgets }))
}

fn group(known: &Known) -> Result<BTreeMap<String, String>, Blocked> {
    let name = known.exists(&Id::only("auto-scaling-group"))?.get("name");
    Ok(BTreeMap::from([("AutoScalingGroupName".into(), name)]))
}

/// One line for the group, or one for each fixed instance.
fn cpu<'a>(cx: &Context, known: &Known) -> Result<Vec<Line<'a>>, Blocked> {
    const EC2: &str = "AWS/EC2";
    if cx.spec.compute.mode == Mode::Asg {
        let group = group(known)?;
        return Ok(vec![
            (EC2, "CPUUtilization", group.clone(), "Average", "average"),
            (EC2, "CPUUtilization", group, "Maximum", "busiest instance"),
        ]);
    }
    let lines = instance::wanted(cx).into_iter().map(|id| {
        let instance = known.exists(&id)?.get("id");
        let dimensions = BTreeMap::from([("InstanceId".into(), instance)]);
        Ok((EC2, "CPUUtilization", dimensions, "Average", ""))
    });
    lines.collect()
}

fn widget(cx: &Context, title: &str, lines: Vec<Line>, (x, y): (u32, u32)) -> Value {
    let metrics: Vec<Value> = lines
        .into_iter()
        .map(|(namespace, metric, dimensions, statistic, label)| {
            let mut line = vec![json!(namespace), json!(metric)];
            line.extend(
                dimensions
                    .into_iter()
                    .flat_map(|(name, value)| [json!(name), json!(value)]),
            );
            let mut options = json!({ "stat": statistic });
            if !label.is_empty() {
                options["label"] = json!(label);
            }
            line.push(options);
            Value::Array(line)
        })
        .collect();
    json!({
        "type": "metric", "x": x, "y": y, "width": SIZE.0, "height": SIZE.1,
        "properties": {
            "title": title, "region": cx.region, "view": "timeSeries", "stacked": false, "period": 60,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0}},
        },
    })
}

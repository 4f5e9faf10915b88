//! The Auto Scaling group. It is made only when its instances could boot and serve: routes in place, NAT available
//! (rule 39), rules open, target group in use.
//!
//! It replaces what the load balancer finds unhealthy, launching the new one first (rule 61). The desired capacity is
//! the scaler's and never set here (rule 47).

use windlass_calls::autoscaling::{
    self, Activity, CreateAutoScalingGroup, DescribeAutoScalingGroups, DescribeScalingActivities, Group,
    GroupSettings, Response as Autoscaling,
};
use windlass_calls::{Request, Response};
use windlass_spec::Mode;

use super::in_zone;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The Auto Scaling group.
pub struct AutoScalingGroup;

/// Seconds a new instance may take to boot before the load balancer's verdict counts.
const GRACE: u32 = 300;
/// Least warm-up in seconds: one period of one-minute metrics.
const LEAST_WARMUP: u32 = 60;
/// Never below the desired capacity while instances are replaced, and a tenth above it (rule 61).
const MAINTENANCE: (u32, u32) = (100, 110);

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    group: Option<Group>,
    activities: Vec<Activity>,
}

impl Kind for AutoScalingGroup {
    type Seen = Seen;
    const NAME: &'static str = "auto-scaling-group";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(match cx.spec.compute.mode {
            Mode::Asg => vec![Id::only(Self::NAME)],
            Mode::Ec2 => vec![],
        })
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.compute.mode == Mode::Ec2 {
            return Ok(vec![]);
        }
        let name = names::stack(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeAutoScalingGroups { name: name.clone() }.into()];
        if seen
            .group
            .as_ref()
            .is_some_and(|group| group.instances.len() < group.desired as usize)
        {
            queries.push(DescribeScalingActivities { group: name }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Autoscaling(Autoscaling::DescribeAutoScalingGroups(groups))) => {
                seen.group = groups.first().cloned();
            }
            (_, Response::Autoscaling(Autoscaling::DescribeScalingActivities(activities))) => {
                seen.activities.clone_from(activities);
            }
            (Request::Autoscaling(autoscaling::Request::CreateAutoScalingGroup(create)), _) => {
                seen.group = Some(Group {
                    arn: String::new(),
                    settings: create.settings.as_ref().clone(),
                    health_check: "ELB".into(),
                    desired: create.settings.min,
                    instances: vec![],
                    metrics: vec![],
                    suspended: vec![],
                    status: None,
                    tags: create.tags.clone(),
                });
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let wanted = settings(cx, known);
        let Some(group) = &seen.group else {
            super::runnable(cx, known)?;
            let create = CreateAutoScalingGroup {
                settings: Box::new(wanted?),
                tags: group_tags(cx, id),
            };
            let scaling = &cx.spec.scaling;
            return Ok(Next::create(
                create,
                format!("keeps {} to {} instances running", scaling.min, scaling.max),
            ));
        };
        if !names::owned(&group.tags, &cx.spec.stack) {
            return Ok(Next::refuse(super::foreign(
                "Auto Scaling group",
                &group.settings.name,
            )));
        }
        let outputs = Outputs::id(&group.settings.name)
            .with("name", &group.settings.name)
            .with("arn", &group.arn);
        Ok(match difference(&group.settings, &wanted?) {
            Some(reason) => Next::refuse(reason),
            None => capacity(cx, group, &seen.activities, outputs),
        })
    }
}

fn settings(cx: &Context, known: &Known) -> Result<GroupSettings, Blocked> {
    let template = known.ready(&Id::only("launch-template"))?;
    let zones = cx.zones(known)?;
    let subnets = zones.iter().map(|zone| {
        known
            .exists(&in_zone("subnet", "private", zone))
            .map(|subnet| subnet.get("id"))
    });
    let check = &cx.spec.load_balancer.health_check;
    Ok(GroupSettings {
        name: names::stack(&cx.spec.stack),
        min: cx.spec.scaling.min,
        max: cx.spec.scaling.max,
        subnets: subnets.collect::<Result<_, _>>()?,
        target_groups: vec![known.exists(&Id::only("target-group"))?.get("arn")],
        launch_template: template.get("id"),
        version: template.get("version").parse().unwrap_or(1),
        instance_types: cx.spec.compute.instance_types.clone(),
        grace: GRACE,
        warmup: LEAST_WARMUP.max(check.interval * check.healthy),
        maintenance: MAINTENANCE,
    })
}

/// Tags of the group, which its instances inherit: in people's lists they carry the stack's name.
fn group_tags(cx: &Context, id: &Id) -> windlass_calls::Tags {
    let mut tags = names::tags(cx.spec, id);
    tags.insert("Name".into(), names::stack(&cx.spec.stack));
    tags
}

/// The first setting of the running group that is not as wanted.
fn difference(seen: &GroupSettings, wanted: &GroupSettings) -> Option<String> {
    let sorted = |subnets: &[String]| {
        let mut subnets = subnets.to_vec();
        subnets.sort();
        subnets
    };
    let pairs = [
        ("scaling.min", seen.min.to_string(), wanted.min.to_string()),
        ("scaling.max", seen.max.to_string(), wanted.max.to_string()),
        (
            "the launch template",
            seen.launch_template.clone(),
            wanted.launch_template.clone(),
        ),
        (
            "compute.instanceTypes",
            choice(&seen.instance_types),
            choice(&wanted.instance_types),
        ),
        (
            "the group's subnets",
            sorted(&seen.subnets).join(","),
            sorted(&wanted.subnets).join(","),
        ),
        (
            "the group's target groups",
            seen.target_groups.join(","),
            wanted.target_groups.join(","),
        ),
        (
            "the group's warm-up",
            seen.warmup.to_string(),
            wanted.warmup.to_string(),
        ),
    ];
    let differs = pairs.into_iter().find(|(_, seen, wanted)| seen != wanted);
    differs.map(|(what, seen, wanted)| super::unsupported_change(what, seen, wanted))
}

/// The types to choose from. One alone is no choice: the launch template says it, and the group nothing.
fn choice(instance_types: &[String]) -> String {
    match instance_types {
        [] | [_] => "the launch template's".into(),
        several => several.join(", "),
    }
}

/// Ready with the least number of instances in service; else what keeps them.
fn capacity(cx: &Context, group: &Group, activities: &[Activity], outputs: Outputs) -> Next {
    let serving = group
        .instances
        .iter()
        .filter(|instance| instance.lifecycle_state == "InService")
        .count();
    let min = cx.spec.scaling.min as usize;
    if serving >= min {
        return Next::InSync(outputs);
    }
    let failed = activities.first().filter(|activity| activity.status == "Failed");
    let why = failed.and_then(|activity| activity.message.as_deref());
    Next::wait(
        match why {
            Some(why) => format!("{serving} of {min} instances in service; the last launch failed: {why}"),
            None => format!("{serving} of {min} instances in service"),
        },
        outputs,
    )
}

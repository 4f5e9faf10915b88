//! The instances as the load balancer sees them: the stack serves when the least number of them is healthy.

use std::collections::BTreeMap;

use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Response as Autoscaling};
use windlass_calls::elb::{self, DescribeTargetHealth, Response as Elb, TargetHealth};
use windlass_calls::{Request, Response};
use windlass_spec::Mode;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::outputs::UnhealthyInstance;

/// The instances in the main target group. Nothing is created: being healthy is the resource.
pub struct Targets;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// Instances in service, by their group's name.
    serving: BTreeMap<String, Vec<String>>,
    /// By their target group.
    targets: BTreeMap<String, Vec<TargetHealth>>,
}

impl Kind for Targets {
    type Seen = Seen;
    const NAME: &'static str = "targets";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, known: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        let target_group = serving(cx, known)?;
        let mut queries: Vec<Request> = vec![DescribeTargetHealth { target_group }.into()];
        if cx.spec.compute.mode == Mode::Asg {
            let name = known.exists(&Id::only("auto-scaling-group"))?.get("name");
            queries.push(DescribeAutoScalingGroups { names: vec![name] }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Autoscaling(Autoscaling::DescribeAutoScalingGroups(groups))) => {
                for group in groups {
                    let instances = group.instances.iter();
                    let serving = instances.filter(|instance| instance.lifecycle_state == "InService");
                    let mut serving: Vec<String> = serving.map(|instance| instance.id.clone()).collect();
                    serving.sort();
                    seen.serving.insert(group.settings.name.clone(), serving);
                }
            }
            (
                Request::Elb(elb::Request::DescribeTargetHealth(asked)),
                Response::Elb(Elb::DescribeTargetHealth(targets)),
            ) => {
                seen.targets.insert(asked.target_group.clone(), targets.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, _: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let targets = seen
            .targets
            .get(&serving(cx, known)?)
            .map_or(&[][..], Vec::as_slice);
        let serving = match cx.spec.compute.mode {
            Mode::Asg => {
                let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
                seen.serving.get(&group).cloned().unwrap_or_default()
            }
            Mode::Ec2 => fixed(cx, known)?,
        };
        let is_healthy = |id: &&String| {
            targets
                .iter()
                .any(|target| target.target == **id && target.state == "healthy")
        };
        let healthy = serving.iter().filter(is_healthy).count();
        let min = cx.spec.scaling.least() as usize;
        let unhealthy: Vec<UnhealthyInstance> = targets.iter().filter_map(unhealthy).collect();
        let outputs = Outputs::default()
            .with("instances", serving.join(","))
            .with("unhealthy", serde_json::to_string(&unhealthy).unwrap_or_default());
        Ok(if healthy >= min {
            Next::InSync(outputs)
        } else {
            Next::wait(
                format!("{healthy} of {min} instances healthy in the load balancer's eyes"),
                outputs,
            )
        })
    }
}

/// The target group, once health means anything: the load balancer is active and has the instances.
fn serving(cx: &Context, known: &Known) -> Result<String, Blocked> {
    known.ready(&Id::only("load-balancer"))?;
    match cx.spec.compute.mode {
        Mode::Asg => drop(known.ready(&Id::only("auto-scaling-group"))?),
        Mode::Ec2 => drop(fixed(cx, known)?),
    }
    Ok(known.exists(&Id::only("target-group"))?.get("arn"))
}

/// The fixed instances, all of them registered.
fn fixed(cx: &Context, known: &Known) -> Result<Vec<String>, Blocked> {
    let registered = super::instance::wanted(cx).into_iter().map(|id| {
        let registration = known.ready(&Id::of("target-registration", id.part()))?;
        Ok(registration.get("id"))
    });
    registered.collect()
}

/// What keeps a target from being healthy, and what to do about it.
fn unhealthy(target: &TargetHealth) -> Option<UnhealthyInstance> {
    if target.state != "unhealthy" {
        return None;
    }
    let reason = target.reason.as_deref().unwrap_or_default();
    let remedy = match reason {
        "Target.Timeout" => {
            "nothing answers on the application's port: check that it listens on all addresses, and what user data printed"
        }
        "Target.ResponseCodeMismatch" => {
            "the application answers with another code: check loadBalancer.healthCheck.path and codes"
        }
        _ => "open a Session Manager shell on the instance and read /var/log/cloud-init-output.log",
    };
    Some(UnhealthyInstance {
        instance: target.target.clone(),
        cause: target.description.clone().unwrap_or_else(|| reason.to_owned()),
        remedy: remedy.to_owned(),
    })
}

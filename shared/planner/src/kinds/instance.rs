//! Fixed instances (`mode: ec2`), spread over the zones. One that is terminated is replaced; one that somebody stopped
//! is left alone, for it may have been stopped to be looked at. One of an older launch template version, or of another
//! network, is replaced by a new one beside it, unless the spec says `rollout: manual`; it goes, drained,
//! when the new one serves.
//!
//! Instances are told from those of an Auto Scaling group by their logical id: the group's carry no number.

use windlass_calls::ec2::{self, DescribeInstances, Response as Ec2, RunInstances, TerminateInstances};
use windlass_calls::elb::{self, DeregisterTargets, DescribeTargetHealth, Response as Elb, TargetHealth};
use windlass_calls::{Request, Response, Tags};
use windlass_spec::{Mode, Rollout};

use super::{Found, find, in_zone, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A fixed instance. Ids number them from 0: `instance/0`.
pub struct Instance;

/// The wanted instances' ids.
pub(super) fn wanted(cx: &Context) -> Vec<Id> {
    match cx.spec.compute.mode {
        Mode::Ec2 => (0..cx.spec.scaling.min)
            .map(|number| Id::of(Instance::NAME, number))
            .collect(),
        Mode::Asg => vec![],
    }
}

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    instances: Vec<ec2::Instance>,
    /// Targets of the target group that they are in, by that group.
    targets: Vec<(String, TargetHealth)>,
}

impl Kind for Instance {
    type Seen = Seen;
    const NAME: &'static str = "instance";
    const AFTER: &'static [&'static str] = &["alarm"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx))
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.compute.mode == Mode::Asg && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeInstances { filters }.into()];
        // Those that leave are drained first, in whichever target group they are.
        let leaving = |id: &Id| cx.record(id).is_some_and(|record| !record.leaving.is_empty());
        let any_leaving = present(cx, Self::NAME, &seen.instances).iter().any(|it| {
            leaving(&it.id)
                || known
                    .get(&it.id)
                    .is_some_and(|one| one.outputs.get("id") != it.physical)
        });
        let unwanted = cx
            .records
            .keys()
            .any(|id| id.kind() == Self::NAME && !wanted(cx).contains(id));
        if (any_leaving || unwanted) && !cx.destroying {
            let groups = known.get(&Id::only("target-group")).into_iter();
            let groups = groups.flat_map(|group| ["arn", "previous"].map(|name| group.outputs.get(name)));
            queries.extend(
                groups
                    .filter(|arn| !arn.is_empty() && !arn.starts_with("${"))
                    .map(|target_group| DescribeTargetHealth { target_group }.into()),
            );
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeInstances(instances))) => seen.instances.clone_from(instances),
            // A repeated token answers the same instance again.
            (_, Response::Ec2(Ec2::RunInstances(instance)))
                if !seen.instances.iter().any(|one| one.id == instance.id) =>
            {
                seen.instances.push(instance.clone());
            }
            (Request::Ec2(ec2::Request::TerminateInstances(end)), _) => {
                let ended = seen.instances.iter_mut().filter(|one| one.id == end.instance);
                ended.for_each(|one| one.state = "shutting-down".into());
            }
            (
                Request::Elb(elb::Request::DescribeTargetHealth(asked)),
                Response::Elb(Elb::DescribeTargetHealth(targets)),
            ) => {
                seen.targets.retain(|(group, _)| *group != asked.target_group);
                let targets = targets
                    .iter()
                    .map(|target| (asked.target_group.clone(), target.clone()));
                seen.targets.extend(targets);
            }
            (Request::Elb(elb::Request::DeregisterTargets(out)), _) => {
                let is = |(group, target): &&mut (String, TargetHealth)| {
                    *group == out.target_group && out.targets.contains(&target.target)
                };
                let leaving = seen.targets.iter_mut().filter(is);
                leaving.for_each(|(_, target)| target.state = DRAINING.into());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let template = known.exists(&Id::only("launch-template"))?;
        let subnet = subnet(cx, id, known)?;
        let made = |instance: &ec2::Instance| {
            let then = instance.tags.get(names::VERSION_TAG).map_or("1", String::as_str);
            let current = template.is("version", then) || cx.spec.rollout == Rollout::Manual;
            // A terminated one says no more where it was.
            current && (instance.subnet.is_empty() || subnet.is("id", &instance.subnet))
        };
        // One that died before it was recorded counts until it is: AWS refuses its client token from then on, so that
        // only the next incarnation gets another instance.
        let next = cx.incarnation(id).to_string();
        let counts = |instance: &&ec2::Instance| {
            !matches!(instance.state.as_str(), "shutting-down" | "terminated")
                || instance.tags.get(names::INCARNATION_TAG) == Some(&next)
        };
        let candidates: Vec<ec2::Instance> = seen.instances.iter().filter(counts).cloned().collect();
        let Found { this, .. } = find(cx, id, &candidates, made);
        let Some(instance) = this else {
            let recorded = cx.record(id).map(|record| record.outputs.get("id"));
            let known_to_aws = seen
                .instances
                .iter()
                .find(|instance| recorded.as_deref() == Some(instance.id.as_str()));
            return launch(cx, id, known, known_to_aws);
        };
        let outputs = Outputs::id(&instance.id);
        Ok(match instance.state.as_str() {
            "running" => Next::InSync(outputs),
            "stopped" | "stopping" => Next::wait(
                format!(
                    "instance {} is {}: start it, or terminate it and it is replaced",
                    instance.id, instance.state
                ),
                outputs,
            ),
            state => {
                let why = instance
                    .state_reason
                    .as_deref()
                    .map_or_else(String::new, |why| format!(" ({why})"));
                Next::wait(format!("instance {} is {state}{why}", instance.id), outputs)
            }
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let there = seen
            .instances
            .iter()
            .filter(|instance| instance.state != "terminated");
        let there: Vec<ec2::Instance> = there.cloned().collect();
        present(cx, Self::NAME, &there)
    }

    /// It finishes its requests first; of a stack that is being destroyed there are none.
    fn remove(cx: &Context, it: &Present, seen: &Seen) -> Removal {
        let instance = it.physical.clone();
        let state = seen
            .instances
            .iter()
            .find(|one| one.id == instance)
            .map(|one| one.state.as_str());
        if state == Some("shutting-down") {
            return Removal::wait(format!("{instance} is shutting down"));
        }
        let registered = seen.targets.iter().find(|(_, target)| target.target == instance);
        match registered {
            Some((_, target)) if target.state == DRAINING && !cx.destroying => {
                Removal::wait(format!("{instance} finishes its requests"))
            }
            Some((target_group, target)) if target.state != DRAINING && !cx.destroying => {
                let out = DeregisterTargets {
                    target_group: target_group.clone(),
                    targets: vec![instance],
                };
                Removal::send(out, format!("{} gets no more requests", it.physical))
            }
            _ => Removal::send(
                TerminateInstances { instance },
                format!("{} is no longer wanted", it.physical),
            ),
        }
    }
}

/// The state of a target that finishes its requests.
const DRAINING: &str = "draining";

/// The subnet that an instance lives in, by its number.
fn subnet<'a>(cx: &Context, id: &Id, known: &'a Known) -> Result<&'a Outputs, Blocked> {
    let zones = cx.zones(known)?;
    let number: usize = id.part().parse().unwrap_or_default();
    let zone = &zones[number % zones.len()];
    known.exists(&in_zone("subnet", "private", zone))
}

/// Launches an instance. The recorded one may be dead, or be there and to be replaced: nothing is waited for then.
fn launch(cx: &Context, id: &Id, known: &Known, before: Option<&ec2::Instance>) -> Result<Next, Blocked> {
    super::runnable(cx, known)?;
    let template = known.ready(&Id::only("launch-template"))?;
    let subnet = subnet(cx, id, known)?.get("id");
    let run = RunInstances {
        launch_template: template.get("id"),
        version: template.get("version").parse().unwrap_or(1),
        tags: tags(cx, id, &template.get("version")),
        subnet,
        token: cx.token(id),
    };
    let reason = match (cx.record(id).map(|record| record.outputs.get("id")), before) {
        (Some(then), Some(instance)) if instance.state == "running" || instance.state == "pending" => {
            format!("takes the place of {then}, which is made from an older version")
        }
        (Some(then), _) if !then.is_empty() => format!("takes the place of {then}, which is gone"),
        _ => format!("one of {} fixed instances", cx.spec.scaling.min),
    };
    Ok(if before.is_some() {
        Next::recreate(run, reason)
    } else {
        Next::create(run, reason)
    })
}

/// Tags of an instance: in people's lists it carries the stack's name and its number.
fn tags(cx: &Context, id: &Id, version: &str) -> Tags {
    let mut tags = names::tags(cx.spec, id);
    tags.insert(names::VERSION_TAG.into(), version.to_owned());
    tags.insert(names::INCARNATION_TAG.into(), cx.incarnation(id).to_string());
    tags.insert(
        "Name".into(),
        format!("{}-{}", names::stack(&cx.spec.stack), id.part()),
    );
    tags
}

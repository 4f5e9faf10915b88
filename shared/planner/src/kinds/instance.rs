//! Fixed instances (`mode: ec2`), spread over the zones. One that is terminated is replaced; one that somebody stopped
//! is left alone, for it may have been stopped to be looked at.
//!
//! Instances are told from those of an Auto Scaling group by their logical id: the group's all carry `instance`.

use windlass_calls::ec2::{self, DescribeInstances, Response as Ec2, RunInstances};
use windlass_calls::{Request, Response, Tags};
use windlass_spec::Mode;

use super::{find, in_zone};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
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

impl Kind for Instance {
    type Seen = Vec<ec2::Instance>;
    const NAME: &'static str = "instance";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx))
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.compute.mode == Mode::Asg {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeInstances { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeInstances(instances)) => seen.clone_from(instances),
            // A repeated token answers the same instance again.
            Response::Ec2(Ec2::RunInstances(instance)) if !seen.iter().any(|one| one.id == instance.id) => {
                seen.push(instance.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        // One that died before it was recorded counts until it is: AWS refuses its client token from then on, so that
        // only the next incarnation gets another instance.
        let next = cx.incarnation(id).to_string();
        let counts = |instance: &&ec2::Instance| {
            !matches!(instance.state.as_str(), "shutting-down" | "terminated")
                || instance.tags.get(names::INCARNATION_TAG) == Some(&next)
        };
        let candidates: Vec<ec2::Instance> = seen.iter().filter(counts).cloned().collect();
        let Some(instance) = find(
            cx,
            id,
            &candidates,
            |instance| &instance.id,
            |instance| &instance.tags,
        ) else {
            let recorded = cx.record(id).map(|record| record.outputs.get("id"));
            let dead = seen
                .iter()
                .any(|instance| recorded.as_deref() == Some(instance.id.as_str()));
            return launch(cx, id, known, dead);
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
}

/// Launches an instance; `dead`: its predecessor is seen to be.
fn launch(cx: &Context, id: &Id, known: &Known, dead: bool) -> Result<Next, Blocked> {
    super::runnable(cx, known)?;
    let template = known.ready(&Id::only("launch-template"))?;
    let zones = cx.zones(known)?;
    let number: usize = id.part().parse().unwrap_or_default();
    let zone = &zones[number % zones.len()];
    let run = RunInstances {
        launch_template: template.get("id"),
        version: template.get("version").parse().unwrap_or(1),
        subnet: known.exists(&in_zone("subnet", "private", zone))?.get("id"),
        token: cx.token(id),
        tags: tags(cx, id),
    };
    let reason = match cx.record(id) {
        Some(record) if !record.outputs.get("id").is_empty() => {
            format!("takes the place of {}, which is gone", record.outputs.get("id"))
        }
        _ => format!(
            "one of {} fixed instances, in zone {}",
            cx.spec.scaling.min, zone.letter
        ),
    };
    Ok(if dead {
        Next::recreate(run, reason)
    } else {
        Next::create(run, reason)
    })
}

/// Tags of an instance: in people's lists it carries the stack's name and its number.
fn tags(cx: &Context, id: &Id) -> Tags {
    let mut tags = names::tags(cx.spec, id);
    tags.insert(names::INCARNATION_TAG.into(), cx.incarnation(id).to_string());
    tags.insert(
        "Name".into(),
        format!("{}-{}", names::stack(&cx.spec.stack), id.part()),
    );
    tags
}

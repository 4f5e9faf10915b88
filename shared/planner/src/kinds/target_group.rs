//! The main target group: where the load balancer sends requests, and by what check it judges an instance.

use windlass_calls::elb::{
    self, CreateTargetGroup, DescribeTags, DescribeTargetGroups, HealthCheck, Response as Elb,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The main target group.
pub struct TargetGroup;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    group: Option<elb::TargetGroup>,
    tags: Option<Tags>,
}

/// Longest wait for an answer to a check, in seconds; always less than the interval.
const TIMEOUT: u32 = 5;

/// Name of the target group: its port cannot change, so another port is another group.
fn name(cx: &Context) -> String {
    names::elb(&cx.spec.stack, &format!("targets {}", cx.spec.compute.app.port))
}

impl Kind for TargetGroup {
    type Seen = Seen;
    const NAME: &'static str = "target-group";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let mut queries: Vec<Request> = vec![DescribeTargetGroups { name: name(cx) }.into()];
        let recorded = cx.record(&Id::only(Self::NAME)).is_some();
        if let (Some(group), None, false) = (&seen.group, &seen.tags, recorded) {
            let resources = vec![group.arn.clone()];
            queries.push(DescribeTags { resources }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::DescribeTargetGroups(groups))) => seen.group = groups.first().cloned(),
            (_, Response::Elb(Elb::DescribeTags(descriptions))) => {
                let arn = seen.group.as_ref().map(|group| &group.arn);
                if let Some(description) = descriptions
                    .iter()
                    .find(|description| Some(&description.resource) == arn)
                {
                    seen.tags = Some(description.tags.clone());
                }
            }
            (
                Request::Elb(elb::Request::CreateTargetGroup(create)),
                Response::Elb(Elb::CreateTargetGroup(group)),
            ) => {
                seen.group = Some(group.clone());
                seen.tags = Some(create.tags.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        if let Some(record) = cx.record(id)
            && record.outputs.get("name") != name(cx)
        {
            return Ok(Next::refuse(super::unsupported_change(
                "compute.app.port",
                "the running one",
                cx.spec.compute.app.port,
            )));
        }
        let wanted = health_check(cx);
        let Some(group) = &seen.group else {
            let create = CreateTargetGroup {
                name: name(cx),
                vpc: known.exists(&Id::only("vpc"))?.get("id"),
                port: cx.spec.compute.app.port,
                health_check: wanted,
                tags: names::tags(cx.spec, id),
            };
            let check = &cx.spec.load_balancer.health_check;
            let reason = format!(
                "an instance gets requests while {} answers {}",
                check.path, check.codes
            );
            return Ok(Next::create(create, reason));
        };
        if seen
            .tags
            .as_ref()
            .is_some_and(|tags| !names::owned(tags, &cx.spec.stack))
        {
            return Ok(Next::refuse(super::foreign("target group", &group.name)));
        }
        let outputs = Outputs::id(&group.arn)
            .with("arn", &group.arn)
            .with("name", &group.name);
        Ok(if group.health_check == wanted {
            Next::InSync(outputs)
        } else {
            Next::refuse(super::unsupported_change(
                "loadBalancer.healthCheck",
                "the running one",
                "another",
            ))
        })
    }
}

fn health_check(cx: &Context) -> HealthCheck {
    let check = &cx.spec.load_balancer.health_check;
    HealthCheck {
        path: check.path.clone(),
        interval: check.interval,
        timeout: TIMEOUT.min(check.interval - 1),
        healthy: check.healthy,
        unhealthy: check.unhealthy,
        codes: check.codes.clone(),
    }
}

//! The main target group: where the load balancer sends requests, and by what check it judges an instance.

use windlass_calls::elb::{self, CreateTargetGroup, DescribeTargetGroups, HealthCheck, Response as Elb};
use windlass_calls::{Request, Response};

use super::named::Named;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The main target group.
pub struct TargetGroup;

/// Longest wait for an answer to a check, in seconds; always less than the interval.
const TIMEOUT: u32 = 5;

/// Name of the target group: its port cannot change, so another port is another group.
fn name(cx: &Context) -> String {
    names::elb(&cx.spec.stack, &format!("targets {}", cx.spec.compute.app.port))
}

impl Kind for TargetGroup {
    type Seen = Named<elb::TargetGroup>;
    const NAME: &'static str = "target-group";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        Ok(seen.queries(cx, &Id::only(Self::NAME), DescribeTargetGroups { name: name(cx) }))
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::DescribeTargetGroups(found))) => seen.read_found(found),
            (
                Request::Elb(elb::Request::CreateTargetGroup(create)),
                Response::Elb(Elb::CreateTargetGroup(created)),
            ) => {
                seen.read_created(created, &create.tags);
            }
            _ => seen.read_tags(response),
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
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
        let Some(group) = &seen.found else {
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
        if seen.is_foreign(&cx.spec.stack) {
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

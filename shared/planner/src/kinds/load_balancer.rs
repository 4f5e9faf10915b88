//! The load balancer: the stack's only entry. It takes minutes to become active; listeners, target group and group
//! need only that it exists (rule 41).

use windlass_calls::elb::{self, CreateLoadBalancer, DescribeLoadBalancers, Response as Elb};
use windlass_calls::{Request, Response};
use windlass_spec::Scheme;

use super::in_zone;
use super::named::Named;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The load balancer.
pub struct LoadBalancer;

/// Name of the load balancer: its scheme cannot change, so another scheme is another load balancer.
pub(super) fn name(cx: &Context) -> String {
    names::elb(&cx.spec.stack, scheme(cx))
}

fn scheme(cx: &Context) -> &'static str {
    match cx.spec.load_balancer.scheme {
        Scheme::InternetFacing => "internet-facing",
        Scheme::Internal => "internal",
    }
}

impl Kind for LoadBalancer {
    type Seen = Named<elb::LoadBalancer>;
    const NAME: &'static str = "load-balancer";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        Ok(seen.queries(
            cx,
            &Id::only(Self::NAME),
            DescribeLoadBalancers { name: Some(name(cx)) },
        ))
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::DescribeLoadBalancers(found))) => seen.read_found(found),
            (
                Request::Elb(elb::Request::CreateLoadBalancer(create)),
                Response::Elb(Elb::CreateLoadBalancer(created)),
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
                "loadBalancer.scheme",
                "the running one",
                scheme(cx),
            )));
        }
        let Some(balancer) = &seen.found else {
            return create(cx, id, known);
        };
        if seen.is_foreign(&cx.spec.stack) {
            return Ok(Next::refuse(super::foreign("load balancer", &balancer.name)));
        }
        let outputs = Outputs::id(&balancer.arn)
            .with("arn", &balancer.arn)
            .with("name", &balancer.name)
            .with("dnsName", &balancer.dns_name);
        Ok(match balancer.state.as_str() {
            "active" | "active_impaired" => Next::InSync(outputs),
            "failed" => Next::refuse(format!(
                "load balancer {} failed ({}): delete it, settle the cause, and upload the spec again",
                balancer.name,
                balancer.state_reason.as_deref().unwrap_or("AWS gives no reason"),
            )),
            state => Next::wait(format!("the load balancer is {state}"), outputs),
        })
    }
}

fn create(cx: &Context, id: &Id, known: &Known) -> Result<Next, Blocked> {
    let tier = match cx.spec.load_balancer.scheme {
        Scheme::InternetFacing => "public",
        Scheme::Internal => "private",
    };
    known.ready(&Id::only("internet-gateway"))?;
    let zones = cx.zones(known)?;
    let subnets = zones.iter().map(|zone| {
        known
            .exists(&in_zone("subnet", tier, zone))
            .map(|subnet| subnet.get("id"))
    });
    let create = CreateLoadBalancer {
        name: name(cx),
        scheme: scheme(cx).into(),
        subnets: subnets.collect::<Result<_, _>>()?,
        security_groups: vec![
            known
                .exists(&Id::of("security-group", "load-balancer"))?
                .get("id"),
        ],
        tags: names::tags(cx.spec, id),
    };
    Ok(Next::create(
        create,
        format!("the only entry to the application, {}", scheme(cx)),
    ))
}

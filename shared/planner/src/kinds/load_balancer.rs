//! The load balancer: the stack's only entry. It takes minutes to become active; listeners, target group and group
//! need only that it exists (rule 41).

use serde_json::json;
use windlass_calls::elb::{
    self, CreateLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancers, Response as Elb, SetSubnets,
};
use windlass_calls::{Request, Response};
use windlass_spec::Scheme;

use super::named::{Ask, Named, ask};
use super::{in_zone, make};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal, is_account_wide};
use crate::names;

/// The load balancer.
pub struct LoadBalancer;

/// Names that it can have: its scheme cannot change, so another scheme is another load balancer; and so is another
/// network, where the first name may be taken by the one that is being replaced.
pub(super) fn names(cx: &Context) -> [String; 2] {
    let network = format!("{} {}", scheme(cx), cx.spec.network.cidr);
    [scheme(cx), &network].map(|immutable| names::elb(&cx.spec.stack, immutable))
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
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, known: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let id = Id::only(Self::NAME);
        let name = match ask(cx, &id, is_another(cx, known)) {
            Ask::Name(name) => Some(name),
            Ask::All => None,
        };
        Ok(seen.queries(cx, DescribeLoadBalancers { name }))
    }

    fn hears(question: &Request) -> bool {
        !is_account_wide(question) || matches!(question, Request::Elb(elb::Request::DescribeLoadBalancers(_)))
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
            (Request::Elb(elb::Request::SetSubnets(set)), _) => {
                if let Some(balancer) = seen.get_mut(&set.load_balancer) {
                    balancer.subnets.clone_from(&set.subnets);
                }
            }
            (Request::Elb(elb::Request::DeleteLoadBalancer(delete)), _) => {
                seen.read_deleted(&delete.load_balancer);
            }
            _ => seen.read_tags(response),
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let vpc = known.exists(&Id::only("vpc"))?;
        let fits = |one: &&elb::LoadBalancer| vpc.is("id", &one.vpc) && one.scheme == scheme(cx);
        let (fitting, old): (Vec<_>, Vec<_>) = seen.ours(cx, id).into_iter().partition(fits);
        let recorded = cx.record(id).map(|record| record.outputs.get("arn"));
        let this = fitting
            .into_iter()
            .min_by_key(|balancer| (recorded.as_ref() != Some(&balancer.arn), balancer.arn.clone()));
        let Some(balancer) = this else {
            return create(cx, id, seen, &old, known);
        };
        let outputs = Outputs::id(&balancer.arn)
            .with("arn", &balancer.arn)
            .with("name", &balancer.name)
            .with("dnsName", &balancer.dns_name)
            .with("made", made(cx));
        let wanted = sorted(subnets(cx, known)?);
        if sorted(balancer.subnets.clone()) != wanted {
            let now = json!({ "loadBalancer": balancer.arn, "subnets": balancer.subnets });
            let change = SetSubnets {
                load_balancer: balancer.arn.clone(),
                subnets: wanted,
            };
            return Ok(Next::update(change, "it serves from every zone of the stack", outputs).over(now));
        }
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

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        seen.present(cx, &Id::only(Self::NAME))
    }

    /// Its listeners go with it; its network interfaces minutes later.
    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let load_balancer = it.physical.clone();
        Removal::send(
            DeleteLoadBalancer { load_balancer },
            "nothing is to be reached through it any more",
        )
    }
}

/// What the load balancer was made for, and cannot change.
pub(super) fn made(cx: &Context) -> String {
    format!("{} {}", scheme(cx), cx.spec.network.cidr)
}

/// Whether another one is wanted than the recorded one. One of an earlier version says nothing about it but its name.
fn is_another(cx: &Context, _: &Known) -> bool {
    cx.record(&Id::only(LoadBalancer::NAME)).is_some_and(|record| {
        let then = record.outputs.get("made");
        let [first, _] = names(cx);
        if then.is_empty() {
            record.outputs.get("name") != first
        } else {
            then != made(cx)
        }
    })
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// The subnets that it stands in: public ones, or, if it is internal, private ones.
fn subnets(cx: &Context, known: &Known) -> Result<Vec<String>, Blocked> {
    let tier = match cx.spec.load_balancer.scheme {
        Scheme::InternetFacing => "public",
        Scheme::Internal => "private",
    };
    let zones = cx.zones(known)?;
    let subnets = zones.iter().map(|zone| {
        let subnet = known.exists(&in_zone("subnet", tier, zone))?;
        Ok(subnet.get("id"))
    });
    subnets.collect()
}

fn create(
    cx: &Context,
    id: &Id,
    seen: &Named<elb::LoadBalancer>,
    old: &[&elb::LoadBalancer],
    known: &Known,
) -> Result<Next, Blocked> {
    let names = names(cx);
    if let Some(foreign) = seen.foreign(cx, &names[0]) {
        return Ok(Next::refuse(super::foreign("load balancer", &foreign.name)));
    }
    let Some(name) = names.iter().find(|name| !seen.has(name)) else {
        return Ok(Next::wait(
            "an earlier load balancer of the stack is still going",
            Outputs::default(),
        ));
    };
    known.ready(&Id::only("internet-gateway"))?;
    let create = CreateLoadBalancer {
        name: name.clone(),
        scheme: scheme(cx).into(),
        subnets: subnets(cx, known)?,
        security_groups: vec![
            known
                .exists(&Id::of("security-group", "load-balancer"))?
                .get("id"),
        ],
        tags: names::tags(cx.spec, id),
    };
    let old: Vec<&str> = old.iter().map(|one| one.arn.as_str()).collect();
    let reason = if old.is_empty() {
        format!("the only entry to the application, {}", scheme(cx))
    } else {
        format!(
            "loadBalancer.scheme is {} now, or its network is another; disruptive: alb_dns_name changes",
            scheme(cx)
        )
    };
    Ok(make(cx, id, &old, create, reason))
}

//! The main target group: where the load balancer sends requests, and by what check it judges an instance.

use serde_json::json;
use windlass_calls::elb::{
    self, CreateTargetGroup, DeleteTargetGroup, DescribeTargetGroups, HealthCheck, ModifyTargetGroup,
    Response as Elb,
};
use windlass_calls::{Request, Response};

use super::make;
use super::named::{Ask, Named, ask};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal, is_account_wide};
use crate::names;

/// The main target group.
pub struct TargetGroup;

/// Longest wait for an answer to a check, in seconds; always less than the interval.
const TIMEOUT: u32 = 5;

/// Names that it can have: its port and its network cannot change, and it serves one load balancer. The second is for
/// where the first is taken by the one that is being replaced.
fn names(cx: &Context) -> [String; 2] {
    let port = format!("targets {}", cx.spec.compute.app.port);
    let network = format!("{port} {}", super::load_balancer::made(cx));
    [port, network].map(|immutable| names::elb(&cx.spec.stack, &immutable))
}

/// What the target group was made for, and cannot change.
fn made(cx: &Context) -> String {
    format!("{} {}", cx.spec.compute.app.port, super::load_balancer::made(cx))
}

/// Whether another one is wanted than the recorded one. One of an earlier version says nothing about it but its name.
fn is_another(cx: &Context) -> bool {
    cx.record(&Id::only(TargetGroup::NAME)).is_some_and(|record| {
        let then = record.outputs.get("made");
        let [first, _] = names(cx);
        if then.is_empty() {
            record.outputs.get("name") != first
        } else {
            then != made(cx)
        }
    })
}

impl Kind for TargetGroup {
    type Seen = Named<elb::TargetGroup>;
    const NAME: &'static str = "target-group";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance", "listener", "load-balancer"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let id = Id::only(Self::NAME);
        let name = match ask(cx, &id, is_another(cx)) {
            Ask::Name(name) => Some(name),
            Ask::All => None,
        };
        Ok(seen.queries(cx, &id, DescribeTargetGroups { name }))
    }

    fn hears(question: &Request) -> bool {
        !is_account_wide(question) || matches!(question, Request::Elb(elb::Request::DescribeTargetGroups(_)))
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
            (Request::Elb(elb::Request::ModifyTargetGroup(change)), _) => {
                if let Some(group) = seen.get_mut(&change.target_group) {
                    group.health_check = change.health_check.clone();
                }
            }
            (Request::Elb(elb::Request::DeleteTargetGroup(delete)), _) => {
                seen.read_deleted(&delete.target_group);
            }
            _ => seen.read_tags(response),
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let vpc = known.exists(&Id::only("vpc"))?;
        let port = cx.spec.compute.app.port;
        let balancer = known.exists(&Id::only("load-balancer"));
        if seen.ours(cx, id).iter().any(|one| !one.load_balancers.is_empty()) {
            balancer.clone()?;
        }
        let free = |one: &elb::TargetGroup| {
            let users = &one.load_balancers;
            let ours = |balancer: &Outputs| users.iter().any(|user| balancer.is("arn", user));
            users.is_empty() || balancer.as_ref().is_ok_and(|balancer| ours(balancer))
        };
        let fits = |one: &&elb::TargetGroup| vpc.is("id", &one.vpc) && one.port == port && free(one);
        let (fitting, old): (Vec<_>, Vec<_>) = seen.ours(cx, id).into_iter().partition(fits);
        let wanted = health_check(cx);
        // Of two, the one that was recorded stays, else the one that is in use.
        let recorded = cx.record(id).map(|record| record.outputs.get("arn"));
        let this = fitting.into_iter().min_by_key(|group| {
            let rank = (
                recorded.as_ref() != Some(&group.arn),
                group.load_balancers.is_empty(),
            );
            (rank, group.arn.clone())
        });
        let Some(group) = this else {
            return Ok(create(cx, id, seen, &old, vpc.get("id")));
        };
        let previous = old.first().map_or("", |group| &group.arn);
        let outputs = Outputs::id(&group.arn)
            .with("arn", &group.arn)
            .with("name", &group.name)
            .with("made", made(cx))
            .with("previous", previous);
        Ok(if group.health_check == wanted {
            Next::InSync(outputs)
        } else {
            let now = json!({ "targetGroup": group.arn, "healthCheck": group.health_check });
            let change = ModifyTargetGroup {
                target_group: group.arn.clone(),
                health_check: wanted,
            };
            Next::update(change, reason(cx), outputs).over(now)
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        seen.present(cx, &Id::only(Self::NAME))
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let target_group = it.physical.clone();
        Removal::send(
            DeleteTargetGroup { target_group },
            "nothing sends requests to it any more",
        )
    }
}

fn create(
    cx: &Context,
    id: &Id,
    seen: &Named<elb::TargetGroup>,
    old: &[&elb::TargetGroup],
    vpc: String,
) -> Next {
    let names = names(cx);
    if let Some(foreign) = seen.foreign(cx, &names[0]) {
        return Next::refuse(super::foreign("target group", &foreign.name));
    }
    let Some(name) = names.iter().find(|name| !seen.has(name)) else {
        return Next::wait(
            "an earlier target group of the stack is still going",
            Outputs::default(),
        );
    };
    let create = CreateTargetGroup {
        name: name.clone(),
        vpc,
        port: cx.spec.compute.app.port,
        health_check: health_check(cx),
        tags: names::tags(cx.spec, id),
    };
    let reason = match old.first() {
        Some(group) if group.port != create.port => format!("compute.app.port is {} now", create.port),
        Some(_) => "its load balancer is replaced".to_owned(),
        None => reason(cx),
    };
    let old: Vec<&str> = old.iter().map(|group| group.arn.as_str()).collect();
    make(cx, id, &old, create, reason)
}

fn reason(cx: &Context) -> String {
    let check = &cx.spec.load_balancer.health_check;
    format!(
        "an instance gets requests while {} answers {}",
        check.path, check.codes
    )
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

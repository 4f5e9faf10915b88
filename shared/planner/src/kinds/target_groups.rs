//! What the target groups have in common: how they are named and found, and what becomes of one that does not fit.

use windlass_calls::elb::{self, CreateTargetGroup, DescribeTargetGroups, Response as Elb, TargetGroup};
use windlass_calls::{Request, Response};

use super::make;
use super::named::{Ask, Named, ask};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Next, is_account_wide};
use crate::names;

/// One sort of target group: a kind of its own.
pub(super) struct Sort {
    /// Name of its kind.
    pub(super) kind: &'static str,
    /// What tells its names from those of the others.
    pub(super) word: &'static str,
}

/// What there is of it.
pub(super) enum Found<'a> {
    /// The one that is, or can become, what is wanted.
    This(&'a TargetGroup, Outputs),
    /// None that fits.
    None(Missing<'a>),
    /// Something is in the way.
    Blocked(Next),
}

/// One that has to be made.
pub(super) struct Missing<'a> {
    /// A name that is free.
    pub(super) name: String,
    /// The VPC.
    pub(super) vpc: String,
    /// Those that cannot become it.
    old: Vec<&'a TargetGroup>,
}

impl Missing<'_> {
    /// The create, for this reason unless one is replaced.
    pub(super) fn make(&self, cx: &Context, id: &Id, create: CreateTargetGroup, reason: String) -> Next {
        let reason = match self.old.first() {
            Some(group) if group.port != create.port => format!("compute.app.port is {} now", create.port),
            Some(_) => "its load balancer is replaced".to_owned(),
            None => reason,
        };
        let old: Vec<&str> = self.old.iter().map(|group| group.arn.as_str()).collect();
        make(cx, id, &old, create, reason)
    }
}

impl Sort {
    /// Names that it can have: its port and its network cannot change, and it serves one load balancer. The second is for
    /// where the first is taken by the one that is being replaced.
    fn names(&self, cx: &Context) -> [String; 2] {
        let port = format!("{} {}", self.word, cx.spec.compute.app.port);
        let network = format!("{port} {}", super::load_balancer::made(cx));
        [port, network].map(|immutable| names::elb(&cx.spec.stack, &immutable))
    }

    /// Whether another one is wanted than the recorded one. One of an earlier version says nothing about it but its name.
    fn is_another(&self, cx: &Context) -> bool {
        cx.record(&Id::only(self.kind)).is_some_and(|record| {
            let then = record.outputs.get("made");
            let [first, _] = self.names(cx);
            if then.is_empty() {
                record.outputs.get("name") != first
            } else {
                then != made(cx)
            }
        })
    }

    /// The questions about it.
    pub(super) fn queries(&self, cx: &Context, seen: &Named<TargetGroup>) -> Vec<Request> {
        let name = match ask(cx, &Id::only(self.kind), self.is_another(cx)) {
            Ask::Name(name) => Some(name),
            Ask::All => None,
        };
        seen.queries(cx, DescribeTargetGroups { name })
    }

    /// What there is of it.
    pub(super) fn find<'a>(
        &self,
        cx: &Context,
        seen: &'a Named<TargetGroup>,
        known: &Known,
    ) -> Result<Found<'a>, Blocked> {
        let id = Id::only(self.kind);
        let vpc = known.exists(&Id::only("vpc"))?;
        let port = cx.spec.compute.app.port;
        let balancer = known.exists(&Id::only("load-balancer"));
        let ours = seen.ours(cx, &id);
        if ours.iter().any(|one| !one.load_balancers.is_empty()) {
            balancer.clone()?;
        }
        let free = |one: &TargetGroup| {
            let users = &one.load_balancers;
            let ours = |balancer: &Outputs| users.iter().any(|user| balancer.is("arn", user));
            users.is_empty() || balancer.as_ref().is_ok_and(|balancer| ours(balancer))
        };
        let fits = |one: &&TargetGroup| vpc.is("id", &one.vpc) && one.port == port && free(one);
        let (fitting, old): (Vec<_>, Vec<_>) = ours.into_iter().partition(fits);
        // Of two, the one that was recorded stays, else the one that is in use.
        let recorded = cx.record(&id).map(|record| record.outputs.get("arn"));
        let this = fitting.into_iter().min_by_key(|group| {
            let rank = (
                recorded.as_ref() != Some(&group.arn),
                group.load_balancers.is_empty(),
            );
            (rank, group.arn.clone())
        });
        let Some(group) = this else {
            return Ok(self.missing(cx, seen, vpc.get("id"), old));
        };
        let previous = old.first().map_or("", |group| &group.arn);
        let outputs = Outputs::id(&group.arn)
            .with("arn", &group.arn)
            .with("name", &group.name)
            .with("made", made(cx))
            .with("previous", previous);
        Ok(Found::This(group, outputs))
    }

    fn missing<'a>(
        &self,
        cx: &Context,
        seen: &Named<TargetGroup>,
        vpc: String,
        old: Vec<&'a TargetGroup>,
    ) -> Found<'a> {
        let names = self.names(cx);
        if let Some(foreign) = seen.foreign(cx, &names[0]) {
            return Found::Blocked(Next::refuse(super::foreign("target group", &foreign.name)));
        }
        match names.into_iter().find(|name| !seen.has(name)) {
            Some(name) => Found::None(Missing { name, vpc, old }),
            None => Found::Blocked(Next::wait(
                "an earlier target group of the stack is still going",
                Outputs::default(),
            )),
        }
    }
}

/// What a target group was made for, and cannot change.
fn made(cx: &Context) -> String {
    format!("{} {}", cx.spec.compute.app.port, super::load_balancer::made(cx))
}

/// Whether a kind of target groups is told an answer.
pub(super) fn hears(question: &Request) -> bool {
    !is_account_wide(question) || matches!(question, Request::Elb(elb::Request::DescribeTargetGroups(_)))
}

/// Folds an answer in, whatever the sort that it is about.
pub(super) fn read(seen: &mut Named<TargetGroup>, request: &Request, response: &Response) {
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

//! Security groups: the load balancer's, the instances' and, where there are interface endpoints, theirs. Their rules
//! name each other, so the groups come first and the rules are resources of their own (rule 43).

use windlass_calls::ec2::{
    self, CreateSecurityGroup, DeleteSecurityGroup, DescribeSecurityGroups, Request as Ec2Request,
    Response as Ec2, RevokeSecurityGroupEgress, Rule,
};
use windlass_calls::{Request, Response};

use super::{Found, find, make, present, vpc_endpoint};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A security group.
pub struct SecurityGroup;

/// The security groups of the stack with their rules: what two kinds look at.
#[derive(Default, Clone)]
pub struct Seen(Vec<ec2::SecurityGroup>);

impl Seen {
    /// The query that fills it.
    pub(super) fn query(cx: &Context) -> Request {
        let filters = names::filters(&cx.spec.stack);
        DescribeSecurityGroups { filters }.into()
    }

    /// Folds in an answer of either kind.
    pub(super) fn read(&mut self, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeSecurityGroups(groups))) => self.0.clone_from(groups),
            (_, Response::Ec2(Ec2::CreateSecurityGroup(group))) => self.0.push(group.clone()),
            (Request::Ec2(Ec2Request::AuthorizeSecurityGroupIngress(add)), _) => {
                self.edit(&add.group, |group| group.ingress.push(add.rule.clone()));
            }
            (Request::Ec2(Ec2Request::AuthorizeSecurityGroupEgress(add)), _) => {
                self.edit(&add.group, |group| group.egress.push(add.rule.clone()));
            }
            (Request::Ec2(Ec2Request::RevokeSecurityGroupIngress(remove)), _) => {
                self.edit(&remove.group, |group| {
                    group.ingress.retain(|rule| *rule != remove.rule);
                });
            }
            (Request::Ec2(Ec2Request::DeleteSecurityGroup(delete)), _) => {
                self.0.retain(|group| group.id != delete.group);
            }
            (Request::Ec2(Ec2Request::RevokeSecurityGroupEgress(remove)), _) => {
                self.edit(&remove.group, |group| {
                    group.egress.retain(|rule| *rule != remove.rule);
                });
            }
            _ => {}
        }
    }

    /// The stack's own groups, each under its part: `instances`.
    pub(super) fn own(&self, cx: &Context) -> Vec<(String, &ec2::SecurityGroup)> {
        let own = present(cx, SecurityGroup::NAME, &self.0).into_iter();
        own.filter_map(|it| Some((it.id.part().to_owned(), self.group(&it.physical)?)))
            .collect()
    }

    /// The group with this id.
    pub(super) fn group(&self, id: &str) -> Option<&ec2::SecurityGroup> {
        self.0.iter().find(|group| group.id == id)
    }

    fn edit(&mut self, id: &str, change: impl FnOnce(&mut ec2::SecurityGroup)) {
        if let Some(group) = self.0.iter_mut().find(|group| group.id == id) {
            change(group);
        }
    }
}

impl Kind for SecurityGroup {
    type Seen = Seen;
    const NAME: &'static str = "security-group";
    const AFTER: &'static [&'static str] = &[
        "auto-scaling-group",
        "instance",
        "load-balancer",
        "network-interface",
        "security-group-rule",
        "vpc-endpoint",
    ];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let endpoints = vpc_endpoint::any_interface(cx).then_some("endpoints");
        let parts = ["load-balancer", "instances"].into_iter().chain(endpoints);
        Ok(parts.map(|part| Id::of(Self::NAME, part)).collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![Seen::query(cx)])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        seen.read(request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let vpc = known.exists(&Id::only("vpc"))?;
        let Found { this, old } = find(cx, id, &seen.0, |group| vpc.is("id", &group.vpc));
        let Some(group) = this else {
            let create = CreateSecurityGroup {
                name: format!("{}-{}", names::stack(&cx.spec.stack), id.part()),
                description: format!("{} of {}", id.part(), cx.spec.stack),
                vpc: vpc.get("id"),
                tags: names::tags(cx.spec, id),
            };
            let reason = format!("what may reach the {}", id.part().replace('-', " "));
            return Ok(make(cx, id, &old, create, reason));
        };
        let outputs = Outputs::id(&group.id);
        let closed = match id.part() {
            "load-balancer" => Some("a load balancer talks to its instances and to nobody else"),
            "endpoints" => Some("an endpoint answers and never asks"),
            _ => None,
        };
        Ok(match closed {
            Some(reason) if group.egress.contains(&Rule::everything()) => {
                let revoke = RevokeSecurityGroupEgress {
                    group: group.id.clone(),
                    rule: Rule::everything(),
                };
                Next::update(revoke, reason, outputs)
            }
            _ => Next::InSync(outputs),
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        present(cx, Self::NAME, &seen.0)
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let group = it.physical.clone();
        Removal::send(
            DeleteSecurityGroup { group },
            format!("{} is no longer wanted", it.id),
        )
    }
}

//! Security-group rules: clients to the load balancer, the load balancer to the instances, the instances to anywhere, and
//! to the endpoints.
//!
//! The stack's groups hold these rules and no others: what somebody added is taken away again.

use windlass_calls::ec2::{
    AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress, Peer, RevokeSecurityGroupEgress,
    RevokeSecurityGroupIngress, Rule,
};
use windlass_calls::{Request, Response};
use windlass_spec::Scheme;

use super::security_group::Seen;
use super::vpc_endpoint;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};

/// A security-group rule. Ids: `load-balancer-in-<port>`, `load-balancer-out`, `instances-in`, `instances-out`,
/// `endpoints-in`.
pub struct SecurityGroupRule;

impl Kind for SecurityGroupRule {
    type Seen = Seen;
    const NAME: &'static str = "security-group-rule";
    const AFTER: &'static [&'static str] =
        &["auto-scaling-group", "instance", "load-balancer", "vpc-endpoint"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let listeners = cx
            .spec
            .load_balancer
            .listeners
            .iter()
            .map(|listener| format!("load-balancer-in-{}", listener.port));
        let others = ["load-balancer-out", "instances-in", "instances-out"].map(str::to_owned);
        let endpoints = vpc_endpoint::any_interface(cx).then(|| "endpoints-in".to_owned());
        Ok(listeners
            .chain(others)
            .chain(endpoints)
            .map(|part| Id::of(Self::NAME, part))
            .collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![Seen::query(cx)])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        seen.read(request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let group = |name: &str| {
            known
                .exists(&Id::of("security-group", name))
                .map(|outputs| outputs.get("id"))
        };
        let (balancer, instances) = (group("load-balancer")?, group("instances")?);
        let app = cx.spec.compute.app.port;
        let (inbound, group, rule, reason) = match id.part() {
            "load-balancer-out" => (
                false,
                balancer,
                Rule::tcp(app, Peer::Group(instances)),
                format!("the load balancer reaches the instances on port {app}"),
            ),
            "instances-in" => (
                true,
                instances,
                Rule::tcp(app, Peer::Group(balancer)),
                format!("only the load balancer reaches the instances, on port {app}"),
            ),
            "instances-out" => (
                false,
                instances,
                Rule::everything(),
                "instances fetch packages and answer".into(),
            ),
            "endpoints-in" => (
                true,
                group("endpoints")?,
                Rule::tcp(443, Peer::Group(instances)),
                "only the instances reach the endpoints, on port 443".into(),
            ),
            clients => {
                let port = clients
                    .rsplit('-')
                    .next()
                    .and_then(|port| port.parse().ok())
                    .unwrap_or_default();
                (
                    true,
                    balancer,
                    Rule::tcp(port, clients_of(cx)),
                    format!("clients reach the load balancer on port {port}"),
                )
            }
        };
        let rules = seen
            .group(&group)
            .map_or(&[][..], |seen| if inbound { &seen.ingress } else { &seen.egress });
        let physical = physical(&group, inbound, &rule);
        if rules.contains(&rule) {
            return Ok(Next::InSync(Outputs::id(&physical)));
        }
        // Another rule than the recorded one was never sent: nothing is to be waited for.
        let another = cx
            .record(id)
            .is_some_and(|record| record.outputs.get("id") != physical);
        let request: Request = if inbound {
            AuthorizeSecurityGroupIngress { group, rule }.into()
        } else {
            AuthorizeSecurityGroupEgress { group, rule }.into()
        };
        Ok(if another {
            Next::recreate(request, reason)
        } else {
            Next::create(request, reason)
        })
    }

    /// Of groups that go, only rules that name other groups have to go first (rule 43).
    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let own = seen.own(cx);
        let rules = own.iter().flat_map(|(part, group)| {
            let inbound = group
                .ingress
                .iter()
                .map(move |rule| (part, &group.id, true, rule));
            inbound.chain(
                group
                    .egress
                    .iter()
                    .map(move |rule| (part, &group.id, false, rule)),
            )
        });
        let holds = |rule: &Rule| matches!(rule.peer, Peer::Group(_));
        // The group's own kind takes away what AWS gave it.
        let given = |part: &str, inbound: bool, rule: &Rule| {
            part != "instances" && !inbound && *rule == Rule::everything()
        };
        rules
            .filter(|(part, _, inbound, rule)| !given(part, *inbound, rule))
            .filter(|(.., rule)| !cx.destroying || holds(rule))
            .map(|(part, group, inbound, rule)| {
                Present::new(place(part, inbound, rule), &physical(group, inbound, rule))
            })
            .collect()
    }

    fn remove(cx: &Context, it: &Present, seen: &Seen) -> Removal {
        let reason = "the group holds the stack's own rules and no others";
        for (_, group) in seen.own(cx) {
            let is = |inbound: bool| move |rule: &&Rule| physical(&group.id, inbound, rule) == it.physical;
            if let Some(rule) = group.ingress.iter().find(is(true)) {
                let (group, rule) = (group.id.clone(), rule.clone());
                return Removal::send(RevokeSecurityGroupIngress { group, rule }, reason);
            }
            if let Some(rule) = group.egress.iter().find(is(false)) {
                let (group, rule) = (group.id.clone(), rule.clone());
                return Removal::send(RevokeSecurityGroupEgress { group, rule }, reason);
            }
        }
        Removal::wait(format!("{} is gone", it.physical))
    }
}

/// The logical id of a rule by where it stands.
fn place(group: &str, inbound: bool, rule: &Rule) -> Id {
    let direction = if inbound { "in" } else { "out" };
    let part = match rule.ports {
        Some((port, _)) if group == "load-balancer" && inbound => format!("{group}-in-{port}"),
        _ => format!("{group}-{direction}"),
    };
    Id::of(SecurityGroupRule::NAME, part)
}

/// What tells a rule from all others: rules have no id that the calls used here show.
fn physical(group: &str, inbound: bool, rule: &Rule) -> String {
    let direction = if inbound { "in" } else { "out" };
    let peer = match &rule.peer {
        Peer::Cidr(range) => range,
        Peer::Group(group) => group,
    };
    let (from, to) = rule.ports.unwrap_or_default();
    format!("{group} {direction} {} {from}-{to} {peer}", rule.protocol)
}

/// Who may connect to the load balancer: everybody, or the VPC's own range.
fn clients_of(cx: &Context) -> Peer {
    Peer::Cidr(match cx.spec.load_balancer.scheme {
        Scheme::InternetFacing => "0.0.0.0/0".into(),
        Scheme::Internal => cx.spec.network.cidr.to_string(),
    })
}

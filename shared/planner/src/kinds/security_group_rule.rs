//! Security-group rules: clients to the load balancer, the load balancer to the instances, the instances to anywhere, and
//! to the endpoints.

use windlass_calls::ec2::{AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress, Peer, Rule};
use windlass_calls::{Request, Response};
use windlass_spec::Scheme;

use super::security_group::Seen;
use super::vpc_endpoint;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// A security-group rule. Ids: `load-balancer-in-<port>`, `load-balancer-out`, `instances-in`, `instances-out`,
/// `endpoints-in`.
pub struct SecurityGroupRule;

impl Kind for SecurityGroupRule {
    type Seen = Seen;
    const NAME: &'static str = "security-group-rule";

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
        Ok(if rules.contains(&rule) {
            Next::InSync(Outputs::id(&group))
        } else if inbound {
            Next::create(AuthorizeSecurityGroupIngress { group, rule }, reason)
        } else {
            Next::create(AuthorizeSecurityGroupEgress { group, rule }, reason)
        })
    }
}

/// Who may connect to the load balancer: everybody, or the VPC's own range.
fn clients_of(cx: &Context) -> Peer {
    Peer::Cidr(match cx.spec.load_balancer.scheme {
        Scheme::InternetFacing => "0.0.0.0/0".into(),
        Scheme::Internal => cx.spec.network.cidr.to_string(),
    })
}

//! VPC endpoints: how the private subnets reach AWS services without the internet.
//!
//! Interface endpoints answer to the service's own DNS name, which needs the VPC's DNS names (rule 42), and take a
//! while to become available. Gateway endpoints are routes in the private route tables.

use std::collections::BTreeSet;

use serde_json::json;
use windlass_calls::ec2::{
    self, CreateVpcEndpoint, DeleteVpcEndpoints, DescribeVpcEndpoints, EndpointAccess, ModifyVpcEndpoint,
    Response as Ec2,
};
use windlass_calls::{Request, Response};
use windlass_spec::Endpoint;

use super::{Found, find, in_zone, make, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A VPC endpoint. Ids carry the service's name: `vpc-endpoint/ssmmessages`.
pub struct VpcEndpoint;

/// The services behind one word of the spec, as AWS names them after `com.amazonaws.<region>.`.
fn services(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::S3 => &["s3"],
        Endpoint::DynamoDb => &["dynamodb"],
        // Agents older than 2023 need the third (rule 42).
        Endpoint::Ssm => &["ssm", "ssmmessages", "ec2messages"],
        Endpoint::Ecr => &["ecr.api", "ecr.dkr"],
        Endpoint::Logs => &["logs"],
        Endpoint::Monitoring => &["monitoring"],
        Endpoint::SecretsManager => &["secretsmanager"],
        Endpoint::Kms => &["kms"],
        Endpoint::Sts => &["sts"],
        Endpoint::Sqs => &["sqs"],
        Endpoint::Sns => &["sns"],
    }
}

/// Whether AWS reaches the service by a route instead of a network interface.
fn is_gateway(service: &str) -> bool {
    matches!(service, "s3" | "dynamodb")
}

/// The wanted endpoints' services.
fn wanted<'a>(cx: &'a Context) -> impl Iterator<Item = &'static str> + 'a {
    cx.spec
        .network
        .endpoints
        .iter()
        .flat_map(|endpoint| services(*endpoint))
        .copied()
}

/// Whether any wanted endpoint has network interfaces, which need a security group.
pub(super) fn any_interface(cx: &Context) -> bool {
    wanted(cx).any(|service| !is_gateway(service))
}

/// All wanted endpoints are ready for use.
pub(super) fn all_ready(cx: &Context, known: &Known) -> Result<(), Blocked> {
    wanted(cx).try_for_each(|service| known.ready(&Id::of(VpcEndpoint::NAME, service)).map(|_| ()))
}

impl Kind for VpcEndpoint {
    type Seen = Vec<ec2::VpcEndpoint>;
    const NAME: &'static str = "vpc-endpoint";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx).map(|service| Id::of(Self::NAME, service)).collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.network.endpoints.is_empty() && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeVpcEndpoints { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeVpcEndpoints(endpoints))) => {
                let live = endpoints.iter().filter(|endpoint| endpoint.state != "deleted");
                *seen = live.cloned().collect();
            }
            // A repeated token answers the same endpoint again.
            (_, Response::Ec2(Ec2::CreateVpcEndpoint(endpoint)))
                if !seen.iter().any(|one| one.id == endpoint.id) =>
            {
                seen.push(endpoint.clone());
            }
            (Request::Ec2(ec2::Request::ModifyVpcEndpoint(change)), _) => {
                for endpoint in seen.iter_mut().filter(|endpoint| endpoint.id == change.endpoint) {
                    endpoint.access = changed(&endpoint.access, &change.add, &change.remove);
                }
            }
            (Request::Ec2(ec2::Request::DeleteVpcEndpoints(delete)), _) => {
                let deleted = seen.iter_mut().filter(|one| delete.endpoints.contains(&one.id));
                deleted.for_each(|endpoint| endpoint.state = DELETING.into());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let service = id.part();
        let access = access(cx, service, known)?;
        let vpc = known.exists(&Id::only("vpc"))?;
        let live: Vec<ec2::VpcEndpoint> = seen.iter().filter(|one| one.state != DELETING).cloned().collect();
        let Found { this, old } = find(cx, id, &live, |endpoint| vpc.is("id", &endpoint.vpc));
        let Some(endpoint) = this else {
            let create = CreateVpcEndpoint {
                vpc: known.ready(&Id::only("vpc"))?.get("id"),
                service: format!("com.amazonaws.{}.{service}", cx.region),
                access,
                token: cx.token(id),
                tags: names::tags(cx.spec, id),
            };
            let reason = format!("instances reach {service} without the internet");
            return Ok(make(cx, id, &old, create, reason));
        };
        let outputs = Outputs::id(&endpoint.id);
        let private = is_gateway(service) || endpoint.private_dns;
        Ok(match endpoint.state.as_str() {
            "available" if endpoint.access == access && private => Next::InSync(outputs),
            "available" if private => {
                let (add, remove) = difference(&endpoint.access, &access);
                let now = json!({ "endpoint": endpoint.id, "access": endpoint.access });
                let change = ModifyVpcEndpoint {
                    endpoint: endpoint.id.clone(),
                    add,
                    remove,
                };
                Next::update(
                    change,
                    format!("{service} is reached from every private subnet"),
                    outputs,
                )
                .over(now)
            }
            "available" => Next::Refuse {
                reason: format!(
                    "VPC endpoint {} does not answer to {service}'s own name: delete it, and it is made again",
                    endpoint.id
                ),
                outputs: Some(outputs),
            },
            // It is recorded: AWS answers its client token with it, so the next one needs another.
            "failed" | "rejected" | "expired" => Next::Refuse {
                reason: format!(
                    "VPC endpoint {} is {}: delete it, settle the cause, and upload the spec again",
                    endpoint.id, endpoint.state
                ),
                outputs: Some(outputs),
            },
            state => Next::wait(format!("the endpoint of {service} is {state}"), outputs),
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        present(cx, Self::NAME, seen)
    }

    fn remove(_: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let is = |one: &&ec2::VpcEndpoint| one.id == it.physical && one.state == DELETING;
        if seen.iter().any(|one| is(&one)) {
            return Removal::wait(format!("AWS is deleting {}", it.physical));
        }
        let endpoints = vec![it.physical.clone()];
        Removal::send(
            DeleteVpcEndpoints { endpoints },
            format!("{} is no longer wanted", it.id),
        )
    }
}

/// The state of one on its way out, which takes minutes.
const DELETING: &str = "deleting";

/// What has to be added to, and taken from, one access to make it another of the same form.
fn difference(from: &EndpointAccess, to: &EndpointAccess) -> (EndpointAccess, EndpointAccess) {
    let less = |left: &[String], right: &[String]| -> Vec<String> {
        left.iter().filter(|id| !right.contains(id)).cloned().collect()
    };
    match (from, to) {
        (
            EndpointAccess::Interface {
                subnets,
                security_groups,
            },
            EndpointAccess::Interface {
                subnets: wanted,
                security_groups: groups,
            },
        ) => {
            let part = |subnets, security_groups| EndpointAccess::Interface {
                subnets,
                security_groups,
            };
            (
                part(less(wanted, subnets), less(groups, security_groups)),
                part(less(subnets, wanted), less(security_groups, groups)),
            )
        }
        (EndpointAccess::Gateway { route_tables }, EndpointAccess::Gateway { route_tables: wanted }) => {
            let part = |route_tables| EndpointAccess::Gateway { route_tables };
            (part(less(wanted, route_tables)), part(less(route_tables, wanted)))
        }
        (_, to) => (to.clone(), from.clone()),
    }
}

/// An access after a change.
fn changed(from: &EndpointAccess, add: &EndpointAccess, remove: &EndpointAccess) -> EndpointAccess {
    let change = |now: &[String], add: &[String], remove: &[String]| -> Vec<String> {
        let all: BTreeSet<&String> = now.iter().chain(add).filter(|id| !remove.contains(id)).collect();
        all.into_iter().cloned().collect()
    };
    match (from, add, remove) {
        (
            EndpointAccess::Interface {
                subnets: s,
                security_groups: g,
            },
            EndpointAccess::Interface {
                subnets: more_s,
                security_groups: more_g,
            },
            EndpointAccess::Interface {
                subnets: less_s,
                security_groups: less_g,
            },
        ) => EndpointAccess::Interface {
            subnets: change(s, more_s, less_s),
            security_groups: change(g, more_g, less_g),
        },
        (
            EndpointAccess::Gateway { route_tables: t },
            EndpointAccess::Gateway { route_tables: more },
            EndpointAccess::Gateway { route_tables: less },
        ) => EndpointAccess::Gateway {
            route_tables: change(t, more, less),
        },
        (other, ..) => other.clone(),
    }
}

/// How traffic gets to a service: by the private route tables, or by an interface in each private subnet.
fn access(cx: &Context, service: &str, known: &Known) -> Result<EndpointAccess, Blocked> {
    let of_each_zone = |kind: &str| -> Result<Vec<String>, Blocked> {
        let zones = cx.zones(known)?;
        let ids = zones
            .iter()
            .map(|zone| known.exists(&in_zone(kind, "private", zone)));
        let mut ids: Vec<String> = ids
            .map(|outputs| Ok(outputs?.get("id")))
            .collect::<Result<_, _>>()?;
        ids.sort();
        Ok(ids)
    };
    Ok(if is_gateway(service) {
        EndpointAccess::Gateway {
            route_tables: of_each_zone("route-table")?,
        }
    } else {
        EndpointAccess::Interface {
            subnets: of_each_zone("subnet")?,
            security_groups: vec![known.exists(&Id::of("security-group", "endpoints"))?.get("id")],
        }
    })
}

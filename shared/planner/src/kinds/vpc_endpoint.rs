//! VPC endpoints: how the private subnets reach AWS services without the internet.
//!
//! Interface endpoints answer to the service's own DNS name, which needs the VPC's DNS names (rule 42), and take a
//! while to become available. Gateway endpoints are routes in the private route tables.

use windlass_calls::ec2::{self, CreateVpcEndpoint, DescribeVpcEndpoints, EndpointAccess, Response as Ec2};
use windlass_calls::{Request, Response};
use windlass_spec::Endpoint;

use super::{find, in_zone};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
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

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx).map(|service| Id::of(Self::NAME, service)).collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.network.endpoints.is_empty() {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeVpcEndpoints { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeVpcEndpoints(endpoints)) => {
                let live = endpoints
                    .iter()
                    .filter(|endpoint| !endpoint.state.starts_with("delet"));
                *seen = live.cloned().collect();
            }
            // A repeated token answers the same endpoint again.
            Response::Ec2(Ec2::CreateVpcEndpoint(endpoint))
                if !seen.iter().any(|one| one.id == endpoint.id) =>
            {
                seen.push(endpoint.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let service = id.part();
        let access = access(cx, service, known)?;
        let Some(endpoint) = find(cx, id, seen, |endpoint| &endpoint.id, |endpoint| &endpoint.tags) else {
            let create = CreateVpcEndpoint {
                vpc: known.ready(&Id::only("vpc"))?.get("id"),
                service: format!("com.amazonaws.{}.{service}", cx.region),
                access,
                token: cx.token(id),
                tags: names::tags(cx.spec, id),
            };
            return Ok(Next::create(
                create,
                format!("instances reach {service} without the internet"),
            ));
        };
        let outputs = Outputs::id(&endpoint.id);
        let private = is_gateway(service) || endpoint.private_dns;
        Ok(match endpoint.state.as_str() {
            "available" if endpoint.access == access && private => Next::InSync(outputs),
            "available" => Next::Refuse {
                reason: format!(
                    "VPC endpoint {} is not as it was made, and changing it is not supported yet: delete it, and upload the spec again",
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

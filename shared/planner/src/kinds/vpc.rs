//! The VPC, with DNS names handed out: load balancers and private endpoints need them (rule 42).

use serde_json::json;
use windlass_calls::ec2::{
    self, CreateVpc, DescribeVpcAttribute, DescribeVpcs, ModifyVpcAttribute, Request as Ec2Request,
    Response as Ec2,
};
use windlass_calls::{Request, Response};

use super::find;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The VPC.
pub struct Vpc;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    vpcs: Vec<ec2::Vpc>,
    dns_hostnames: Option<bool>,
}

impl Kind for Vpc {
    type Seen = Seen;
    const NAME: &'static str = "vpc";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeVpcs { filters }.into()];
        if let (Some(vpc), None) = (this(cx, seen), seen.dns_hostnames) {
            queries.push(DescribeVpcAttribute { vpc: vpc.id.clone() }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeVpcs(vpcs))) => seen.vpcs.clone_from(vpcs),
            (_, Response::Ec2(Ec2::DescribeVpcAttribute(dns))) => seen.dns_hostnames = Some(dns.enabled),
            (_, Response::Ec2(Ec2::CreateVpc(vpc))) => {
                seen.vpcs.push(vpc.clone());
                seen.dns_hostnames = Some(false);
            }
            (Request::Ec2(Ec2Request::ModifyVpcAttribute(change)), _) => {
                seen.dns_hostnames = Some(change.dns_hostnames);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let cidr = cx.spec.network.cidr.to_string();
        let Some(vpc) = this(cx, seen) else {
            let zones = known.exists(&Id::only("zones"))?.get("names").replace(',', " ");
            let mut tags = names::tags(cx.spec, id);
            tags.insert(names::ZONES_TAG.into(), zones);
            let reason = format!("the stack's own network, {cidr}");
            return Ok(Next::create(CreateVpc { cidr, tags }, reason));
        };
        let outputs = Outputs::id(&vpc.id).with("cidr", &vpc.cidr);
        Ok(if vpc.cidr != cidr {
            Next::refuse(super::unsupported_change("network.cidr", &vpc.cidr, &cidr))
        } else if vpc.state == "pending" {
            Next::wait("the VPC is pending", outputs)
        } else if seen.dns_hostnames == Some(false) {
            let change = ModifyVpcAttribute {
                vpc: vpc.id.clone(),
                dns_hostnames: true,
            };
            Next::update(
                change,
                "load balancers and private endpoints need DNS names",
                outputs,
            )
            .over(json!({ "vpc": vpc.id, "dnsHostnames": false }))
        } else {
            Next::InSync(outputs)
        })
    }
}

fn this<'a>(cx: &Context, seen: &'a Seen) -> Option<&'a ec2::Vpc> {
    find(
        cx,
        &Id::only(Vpc::NAME),
        &seen.vpcs,
        |vpc| &vpc.id,
        |vpc| &vpc.tags,
    )
}

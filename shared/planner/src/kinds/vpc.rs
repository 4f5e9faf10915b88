//! The VPC, with DNS names handed out: load balancers and private endpoints need them (rule 42).

use serde_json::json;
use windlass_calls::ec2::{
    self, CreateTags, CreateVpc, DeleteVpc, DescribeSecurityGroups, DescribeSubnets, DescribeVpcAttribute,
    DescribeVpcs, ModifyVpcAttribute, Request as Ec2Request, Response as Ec2,
};
use windlass_calls::{Filters, Request, Response, Tags};

use super::{Found, find, make, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The VPC.
pub struct Vpc;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    vpcs: Vec<ec2::Vpc>,
    dns_hostnames: Option<bool>,
    /// What is in a VPC that is to be deleted: the VPC's id, what it is in words, and its tags.
    inside: Vec<(String, String, Tags)>,
}

impl Kind for Vpc {
    type Seen = Seen;
    const NAME: &'static str = "vpc";
    const AFTER: &'static [&'static str] = &[
        "subnet",
        "route-table",
        "internet-gateway",
        "security-group",
        "vpc-endpoint",
        "network-interface",
        "target-group",
        "probe-target-group",
    ];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeVpcs { filters }.into()];
        if cx.destroying {
            queries.extend(leftovers(cx, seen));
        } else if let (Some(vpc), None) = (this(cx, seen).this, seen.dns_hostnames) {
            queries.push(DescribeVpcAttribute { vpc: vpc.id.clone() }.into());
        }
        Ok(queries)
    }

    fn hears(question: &Request) -> bool {
        !crate::kind::is_account_wide(question) || asks_inside(question)
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
            (Request::Ec2(Ec2Request::CreateTags(change)), _) => {
                for vpc in seen
                    .vpcs
                    .iter_mut()
                    .filter(|vpc| change.resources.contains(&vpc.id))
                {
                    vpc.tags.extend(change.tags.clone());
                }
            }
            (Request::Ec2(Ec2Request::DeleteVpc(delete)), _) => seen.vpcs.retain(|vpc| vpc.id != delete.vpc),
            (question, Response::Ec2(Ec2::DescribeSubnets(subnets))) if asks_inside(question) => {
                let found = subnets
                    .iter()
                    .map(|it| (it.vpc.clone(), format!("subnet {}", it.id), it.tags.clone()));
                seen.inside.extend(found);
            }
            (question, Response::Ec2(Ec2::DescribeSecurityGroups(groups))) if asks_inside(question) => {
                let own = groups.iter().filter(|group| group.name != "default");
                let found = own.map(|it| {
                    let words = format!("security group {} ({})", it.id, it.name);
                    (it.vpc.clone(), words, it.tags.clone())
                });
                seen.inside.extend(found);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let cidr = cx.spec.network.cidr.to_string();
        let zones = known.exists(&Id::only("zones"))?.get("names").replace(',', " ");
        let Found { this, old } = this(cx, seen);
        let Some(vpc) = this else {
            let mut tags = names::tags(cx.spec, id);
            tags.insert(names::ZONES_TAG.into(), zones);
            let reason = if old.is_empty() {
                format!("the stack's own network, {cidr}")
            } else {
                format!(
                    "network.cidr is {cidr} now; disruptive: everything in the network is made anew, and alb_dns_name changes"
                )
            };
            return Ok(make(cx, id, &old, CreateVpc { cidr, tags }, reason));
        };
        let outputs = Outputs::id(&vpc.id).with("cidr", &vpc.cidr);
        Ok(if vpc.state == "pending" {
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
        } else if vpc.tags.get(names::ZONES_TAG) != Some(&zones) {
            // With the state lost, the tag is all that tells which zones were chosen, and in which order.
            let change = CreateTags {
                resources: vec![vpc.id.clone()],
                tags: Tags::from([(names::ZONES_TAG.into(), zones)]),
            };
            Next::update(change, "the chosen zones are kept in a tag", outputs)
        } else {
            Next::InSync(outputs)
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        present(cx, Self::NAME, &seen.vpcs)
    }

    fn remove(cx: &Context, it: &Present, seen: &Seen) -> Removal {
        let vpc = it.physical.clone();
        let foreign =
            |(there, _, tags): &&(String, String, Tags)| *there == vpc && !names::owned(tags, &cx.spec.stack);
        let inside: Vec<&str> = seen
            .inside
            .iter()
            .filter(foreign)
            .map(|(_, what, _)| what.as_str())
            .collect();
        if inside.is_empty() {
            Removal::send(DeleteVpc { vpc }, "the stack's network is no longer wanted")
        } else {
            Removal::wait(format!(
                "{vpc} holds what is not Windlass's, and is not touched: {}: delete or move it",
                inside.join(", ")
            ))
        }
    }
}

fn this<'a>(cx: &Context, seen: &'a Seen) -> Found<'a, ec2::Vpc> {
    let cidr = cx.spec.network.cidr.to_string();
    find(cx, &Id::only(Vpc::NAME), &seen.vpcs, |vpc| vpc.cidr == cidr)
}

/// Once nothing else of the stack is left: what others have in its VPCs, so that it can be named.
fn leftovers(cx: &Context, seen: &Seen) -> Vec<Request> {
    let vpcs: Vec<String> = present(cx, Vpc::NAME, &seen.vpcs)
        .into_iter()
        .map(|vpc| vpc.physical)
        .collect();
    let only_vpcs = cx.records.keys().all(|id| id.kind() == Vpc::NAME);
    if vpcs.is_empty() || !only_vpcs || cx.records.is_empty() {
        return vec![];
    }
    let filters = Filters::from([(INSIDE.to_owned(), vpcs)]);
    vec![
        DescribeSubnets {
            filters: filters.clone(),
        }
        .into(),
        DescribeSecurityGroups { filters }.into(),
    ]
}

/// The filter that asks for everything in a VPC, whoever's it is.
const INSIDE: &str = "vpc-id";

/// Whether a question is about everything in a VPC.
fn asks_inside(question: &Request) -> bool {
    match question {
        Request::Ec2(
            Ec2Request::DescribeSubnets(DescribeSubnets { filters })
            | Ec2Request::DescribeSecurityGroups(DescribeSecurityGroups { filters }),
        ) => filters.contains_key(INSIDE),
        _ => false,
    }
}

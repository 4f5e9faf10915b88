//! The internet gateway. Ready only when attached: NAT gateways and public load balancers fail without it (rule 37).

use windlass_calls::ec2::{
    self, AttachInternetGateway, CreateInternetGateway, DeleteInternetGateway, DescribeInternetGateways,
    DetachInternetGateway, Request as Ec2Request, Response as Ec2,
};
use windlass_calls::{Request, Response};

use super::{Found, find, make, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The internet gateway.
pub struct InternetGateway;

impl Kind for InternetGateway {
    type Seen = Vec<ec2::InternetGateway>;
    const NAME: &'static str = "internet-gateway";
    const AFTER: &'static [&'static str] = &["address", "load-balancer", "nat-gateway", "network-interface"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        Ok(vec![DescribeInternetGateways { filters }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeInternetGateways(gateways))) => seen.clone_from(gateways),
            (_, Response::Ec2(Ec2::CreateInternetGateway(gateway))) => seen.push(gateway.clone()),
            (Request::Ec2(Ec2Request::AttachInternetGateway(attach)), _) => {
                for gateway in seen
                    .iter_mut()
                    .filter(|gateway| gateway.id == attach.internet_gateway)
                {
                    gateway.attachments = vec![attach.vpc.clone()];
                }
            }
            (Request::Ec2(Ec2Request::DetachInternetGateway(detach)), _) => {
                let detached = seen
                    .iter_mut()
                    .filter(|gateway| gateway.id == detach.internet_gateway);
                detached.for_each(|gateway| gateway.attachments.clear());
            }
            (Request::Ec2(Ec2Request::DeleteInternetGateway(delete)), _) => {
                seen.retain(|gateway| gateway.id != delete.internet_gateway);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let vpc = known.exists(&Id::only("vpc"));
        let serves = |gateway: &ec2::InternetGateway| {
            let attached = gateway.attachments.first();
            attached.is_some_and(|attached| vpc.as_ref().is_ok_and(|vpc| vpc.is("id", attached)))
        };
        // One that is attached to no network can serve any that has none; one of another network serves that one.
        let ours_already = seen
            .iter()
            .any(|gateway| serves(gateway) && names::owned(&gateway.tags, &cx.spec.stack));
        let fits = |gateway: &ec2::InternetGateway| {
            serves(gateway) || (!ours_already && gateway.attachments.is_empty())
        };
        let Found { this, old } = find(cx, id, seen, fits);
        let Some(gateway) = this else {
            if !old.is_empty() {
                vpc?;
            }
            let create = CreateInternetGateway {
                tags: names::tags(cx.spec, id),
            };
            return Ok(make(cx, id, &old, create, "the network's way to the internet"));
        };
        let vpc = vpc?.get("id");
        let outputs = Outputs::id(&gateway.id);
        if !gateway.attachments.is_empty() {
            return Ok(Next::InSync(outputs));
        }
        let attach = AttachInternetGateway {
            internet_gateway: gateway.id.clone(),
            vpc,
        };
        Ok(Next::update(attach, "the gateway serves no network yet", outputs))
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        present(cx, Self::NAME, seen)
    }

    fn remove(_: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let gateway = seen.iter().find(|gateway| gateway.id == it.physical);
        let internet_gateway = it.physical.clone();
        match gateway.and_then(|gateway| gateway.attachments.first().cloned()) {
            Some(vpc) => Removal::send(
                DetachInternetGateway {
                    internet_gateway,
                    vpc,
                },
                "the network's way to the internet is no longer wanted",
            ),
            None => Removal::send(
                DeleteInternetGateway { internet_gateway },
                "the gateway serves no network",
            ),
        }
    }
}

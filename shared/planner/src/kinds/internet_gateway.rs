//! The internet gateway. Ready only when attached: NAT gateways and public load balancers fail without it (rule 37).

use windlass_calls::ec2::{
    self, AttachInternetGateway, CreateInternetGateway, DescribeInternetGateways, Request as Ec2Request,
    Response as Ec2,
};
use windlass_calls::{Request, Response};

use super::find;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The internet gateway.
pub struct InternetGateway;

impl Kind for InternetGateway {
    type Seen = Vec<ec2::InternetGateway>;
    const NAME: &'static str = "internet-gateway";

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
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let Some(gateway) = find(cx, id, seen, |gateway| &gateway.id, |gateway| &gateway.tags) else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateInternetGateway { tags },
                "the network's way to the internet",
            ));
        };
        let vpc = known.exists(&Id::only("vpc"))?.get("id");
        let outputs = Outputs::id(&gateway.id);
        Ok(match gateway.attachments.first() {
            Some(attached) if *attached == vpc => Next::InSync(outputs),
            Some(attached) => Next::refuse(format!(
                "internet gateway {} is attached to {attached} and not to {vpc}: detach it there",
                gateway.id
            )),
            None => {
                let attach = AttachInternetGateway {
                    internet_gateway: gateway.id.clone(),
                    vpc,
                };
                Next::update(attach, "the gateway serves no network yet", outputs)
            }
        })
    }
}

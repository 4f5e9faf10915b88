//! Attributes of the load balancer: requests with malformed headers are dropped before they reach the application.

use serde_json::json;
use windlass_calls::elb::{
    self, DescribeLoadBalancerAttributes, ModifyLoadBalancerAttributes, Response as Elb,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// Attributes of the load balancer.
pub struct LoadBalancerAttributes;

const DROP_INVALID_HEADERS: &str = "routing.http.drop_invalid_header_fields.enabled";

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// The load balancer was made in this pass: nobody has set anything yet.
    new: bool,
    attributes: Tags,
}

impl Kind for LoadBalancerAttributes {
    type Seen = Seen;
    const NAME: &'static str = "load-balancer-attributes";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(_: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let load_balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
        Ok(if seen.new {
            vec![]
        } else {
            vec![DescribeLoadBalancerAttributes { load_balancer }.into()]
        })
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::CreateLoadBalancer(_))) => seen.new = true,
            (_, Response::Elb(Elb::DescribeLoadBalancerAttributes(attributes))) => {
                seen.attributes.clone_from(attributes);
            }
            (Request::Elb(elb::Request::ModifyLoadBalancerAttributes(change)), _) => {
                seen.attributes.extend(change.attributes.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let load_balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
        let outputs = Outputs::id(&load_balancer);
        Ok(
            if seen
                .attributes
                .get(DROP_INVALID_HEADERS)
                .is_some_and(|value| value == "true")
            {
                Next::InSync(outputs)
            } else {
                let attributes = Tags::from([(DROP_INVALID_HEADERS.into(), "true".into())]);
                let now = json!({ "loadBalancer": load_balancer, "attributes": seen.attributes });
                let change = ModifyLoadBalancerAttributes {
                    load_balancer,
                    attributes,
                };
                super::set(
                    cx,
                    id,
                    change,
                    "malformed headers never reach the application",
                    outputs,
                )
                .over(now)
            },
        )
    }
}

//! Listeners: the ports of the load balancer. A target group without one counts as unused and is never checked
//! (rule 49).

use windlass_calls::elb::{self, CreateListener, DescribeListeners, Response as Elb};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// A listener.
pub struct Listener;

impl Kind for Listener {
    type Seen = Vec<elb::Listener>;
    const NAME: &'static str = "listener";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let listeners = &cx.spec.load_balancer.listeners;
        Ok(listeners
            .iter()
            .map(|listener| Id::of(Self::NAME, listener.port))
            .collect())
    }

    fn queries(_: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let load_balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
        Ok(vec![DescribeListeners { load_balancer }.into()])
    }

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Elb(Elb::DescribeListeners(listeners)) => seen.clone_from(listeners),
            Response::Elb(Elb::CreateListener(listener)) => seen.push(listener.clone()),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let load_balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
        let target_group = known.exists(&Id::only("target-group"))?.get("arn");
        let port: u16 = id.part().parse().unwrap_or_default();
        Ok(match seen.iter().find(|listener| listener.port == port) {
            Some(listener) if listener.forwards_to.iter().eq([&target_group]) => {
                Next::InSync(Outputs::id(&listener.arn).with("arn", &listener.arn))
            }
            Some(_) => Next::refuse(format!(
                "the listener on port {port} forwards elsewhere, and changing it is not supported yet: delete it, and upload the spec again"
            )),
            None => Next::create(
                CreateListener {
                    load_balancer,
                    port,
                    target_group,
                    tags: names::tags(cx.spec, id),
                },
                format!("requests on port {port} go to the instances"),
            ),
        })
    }
}

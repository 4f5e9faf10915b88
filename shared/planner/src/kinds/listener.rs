//! Listeners: the ports of the load balancer. A target group without one counts as unused and is never checked
//! (rule 49).

use windlass_calls::elb::{self, Action, CreateListener, DescribeListeners, Protocol, Response as Elb};
use windlass_calls::{Request, Response};
use windlass_spec::Protocol as Wanted;

use crate::context::{ANY_REGION, Context, Id, Known, Outputs};
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
        let Some(wanted) = cx
            .spec
            .load_balancer
            .listeners
            .iter()
            .find(|wanted| wanted.port.to_string() == id.part())
        else {
            return Ok(Next::refuse(format!("the spec has no {id}")));
        };
        let port = wanted.port;
        if let Some(region) = other_region(cx, wanted) {
            return Ok(Next::refuse(format!(
                "the certificate of the listener on port {port} is in {region}, and the load balancer in {}: request one there",
                cx.region
            )));
        }
        let protocol = protocol(wanted);
        let action = match wanted.redirect_to {
            Some(to) => Action::RedirectToHttps(to),
            None => Action::Forward(known.exists(&Id::only("target-group"))?.get("arn")),
        };
        let reason = match &action {
            Action::Forward(_) => format!("requests on port {port} go to the instances"),
            Action::RedirectToHttps(to) => format!("clients on port {port} are sent to HTTPS on port {to}"),
        };
        let does = if wanted.redirect_to.is_some() {
            "redirect"
        } else {
            "forward"
        };
        Ok(match seen.iter().find(|listener| listener.port == port) {
            Some(listener)
                if listener.action.as_ref() == Some(&action)
                    && listener.protocol.as_ref() == Some(&protocol) =>
            {
                Next::InSync(
                    Outputs::id(&listener.arn)
                        .with("arn", &listener.arn)
                        .with("action", does),
                )
            }
            Some(_) => Next::refuse(format!(
                "the listener on port {port} is not as the spec says, and changing it is not supported yet: delete it, and upload the spec again"
            )),
            None => Next::create(
                CreateListener {
                    load_balancer,
                    port,
                    protocol,
                    action,
                    tags: names::tags(cx.spec, id),
                },
                reason,
            ),
        })
    }
}

/// TLS 1.2 and 1.3 with forward secrecy: what AWS recommends for all but the oldest clients.
const TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

fn protocol(listener: &windlass_spec::Listener) -> Protocol {
    match &listener.protocol {
        Wanted::Http => Protocol::Http,
        Wanted::Https { certificate_arn } => Protocol::Https {
            certificate: certificate_arn.clone(),
            policy: TLS_POLICY.into(),
        },
    }
}

/// The Region of a listener's certificate, if it is not the stack's. Certificates of IAM have none; without a Region,
/// in a plan from the spec alone, nothing can be said.
fn other_region<'a>(cx: &Context, listener: &'a windlass_spec::Listener) -> Option<&'a str> {
    let Wanted::Https { certificate_arn } = &listener.protocol else {
        return None;
    };
    let region = certificate_arn.split(':').nth(3)?;
    (!region.is_empty() && cx.region != ANY_REGION && region != cx.region).then_some(region)
}

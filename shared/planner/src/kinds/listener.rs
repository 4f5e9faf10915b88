//! Listeners: the ports of the load balancer. A target group without one counts as unused and is never checked
//! (rule 49).
//!
//! Where another target group takes the place of the one that serves, it is added with weight 0 first: its instances are
//! checked and get no requests. Only when enough of them are healthy do the requests move.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_calls::elb::{
    self, Action, CreateListener, DeleteListener, DescribeListeners, DescribeTargetHealth, ModifyListener,
    Protocol, Response as Elb, TargetHealth,
};
use windlass_calls::{Request, Response};
use windlass_spec::Protocol as Wanted;

use crate::context::{ANY_REGION, Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A listener.
pub struct Listener;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    listeners: Vec<elb::Listener>,
    /// The targets of each target group that was asked about.
    targets: BTreeMap<String, Vec<TargetHealth>>,
}

impl Kind for Listener {
    type Seen = Seen;
    const NAME: &'static str = "listener";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let listeners = &cx.spec.load_balancer.listeners;
        Ok(listeners
            .iter()
            .map(|listener| Id::of(Self::NAME, listener.port))
            .collect())
    }

    fn queries(_: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let load_balancer = known.exists(&Id::only("load-balancer"))?.get("arn");
        let mut queries: Vec<Request> = vec![DescribeListeners { load_balancer }.into()];
        if let Some(main) = known.get(&Id::only("target-group")) {
            let target_group = main.outputs.get("arn");
            let previous = main.outputs.get("previous");
            let elsewhere = |listener: &elb::Listener| match &listener.action {
                Some(Action::Forward(to)) => *to == previous,
                Some(Action::Split(_)) => true,
                _ => false,
            };
            if !previous.is_empty() && seen.listeners.iter().any(elsewhere) {
                queries.push(DescribeTargetHealth { target_group }.into());
            }
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            // Of an older load balancer, listeners are not asked for.
            (_, Response::Elb(Elb::DescribeListeners(listeners))) => seen.listeners.clone_from(listeners),
            (_, Response::Elb(Elb::CreateListener(listener))) => seen.listeners.push(listener.clone()),
            // Of the previous target group others ask.
            (
                Request::Elb(elb::Request::DescribeTargetHealth(asked)),
                Response::Elb(Elb::DescribeTargetHealth(targets)),
            ) => {
                seen.targets.insert(asked.target_group.clone(), targets.clone());
            }
            (Request::Elb(elb::Request::ModifyListener(change)), _) => {
                let changed = seen
                    .listeners
                    .iter_mut()
                    .filter(|listener| listener.arn == change.listener);
                changed.for_each(|listener| {
                    listener.protocol = Some(change.protocol.clone());
                    listener.action = Some(change.action.clone());
                });
            }
            (Request::Elb(elb::Request::DeleteListener(delete)), _) => {
                seen.listeners.retain(|listener| listener.arn != delete.listener);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
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
            Action::Forward(_) | Action::Split(_) => format!("requests on port {port} go to the instances"),
            Action::RedirectToHttps(to) => format!("clients on port {port} are sent to HTTPS on port {to}"),
        };
        let does = if wanted.redirect_to.is_some() {
            "redirect"
        } else {
            "forward"
        };
        let Some(listener) = seen.listeners.iter().find(|listener| listener.port == port) else {
            let create = CreateListener {
                load_balancer,
                port,
                protocol,
                action,
                tags: names::tags(cx.spec, id),
            };
            // The recorded one may be another load balancer's: nothing is to be waited for then.
            let recorded = cx.record(id).map(|record| record.outputs.get("arn"));
            let another = recorded.is_some_and(|arn| balancer_of(&arn) != create.load_balancer);
            return Ok(if another {
                Next::recreate(create, reason)
            } else {
                Next::create(create, reason)
            });
        };
        let outputs = Outputs::id(&listener.arn)
            .with("arn", &listener.arn)
            .with("action", does);
        if listener.action.as_ref() == Some(&action) && listener.protocol.as_ref() == Some(&protocol) {
            return Ok(Next::InSync(outputs));
        }
        let change = |action: Action, reason: String, outputs: Outputs| {
            let now =
                json!({ "listener": listener.arn, "protocol": listener.protocol, "action": listener.action });
            let change = ModifyListener {
                listener: listener.arn.clone(),
                protocol: protocol.clone(),
                action,
            };
            Next::update(change, reason, outputs).over(now)
        };
        let Some((from, to)) = moving(cx, listener, &action, seen, known)? else {
            return Ok(change(action, reason, outputs));
        };
        let both = Action::Split(BTreeMap::from([(from, 1), (to, 0)]));
        let least = cx.spec.scaling.least();
        Ok(
            if listener.action.as_ref() == Some(&both) && listener.protocol.as_ref() == Some(&protocol) {
                let reason =
                    format!("requests move when {least} instances of the new target group are healthy");
                Next::wait(reason, outputs)
            } else {
                let reason = "the new target group's instances are checked before they get requests";
                change(both, reason.into(), outputs)
            },
        )
    }

    fn present(_: &Context, seen: &Seen) -> Vec<Present> {
        let listeners = seen.listeners.iter();
        listeners
            .map(|listener| Present::new(Id::of(Self::NAME, listener.port), &listener.arn))
            .collect()
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let listener = it.physical.clone();
        Removal::send(
            DeleteListener { listener },
            format!("port {} is no longer wanted", it.id.part()),
        )
    }
}

/// The load balancer that a listener's ARN names.
fn balancer_of(listener: &str) -> String {
    let balancer = listener
        .rsplit_once('/')
        .map_or(listener, |(balancer, _)| balancer);
    balancer.replacen(":listener/", ":loadbalancer/", 1)
}

/// While requests have to go on to the previous target group, because too few instances of the new one are healthy: the
/// two groups.
fn moving(
    cx: &Context,
    listener: &elb::Listener,
    action: &Action,
    seen: &Seen,
    known: &Known,
) -> Result<Option<(String, String)>, Blocked> {
    let previous = known.exists(&Id::only("target-group"))?.get("previous");
    let Action::Forward(to) = action else {
        return Ok(None);
    };
    let serves = match &listener.action {
        Some(Action::Forward(now)) => *now == previous,
        Some(Action::Split(now)) => now.contains_key(&previous),
        _ => false,
    };
    let targets = seen.targets.get(to).into_iter().flatten();
    let healthy = targets.filter(|target| target.state == "healthy").count();
    let enough = healthy >= cx.spec.scaling.least() as usize;
    Ok((!previous.is_empty() && serves && !enough).then(|| (previous, to.clone())))
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

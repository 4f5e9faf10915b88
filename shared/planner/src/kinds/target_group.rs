//! The main target group: where the load balancer sends requests, and by what check it judges an instance.

use serde_json::json;
use windlass_calls::elb::{self, CreateTargetGroup, DeleteTargetGroup, HealthCheck, ModifyTargetGroup};
use windlass_calls::{Request, Response};

use super::named::Named;
use super::target_groups::{self, Found, Sort};
use crate::context::{Context, Id, Known};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The main target group.
pub struct TargetGroup;

/// Longest wait for an answer to a check, in seconds; always less than the interval.
const TIMEOUT: u32 = 5;

const MAIN: Sort = Sort {
    kind: TargetGroup::NAME,
    word: "targets",
};

impl Kind for TargetGroup {
    type Seen = Named<elb::TargetGroup>;
    const NAME: &'static str = "target-group";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance", "listener", "load-balancer"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        Ok(MAIN.queries(cx, seen))
    }

    fn hears(question: &Request) -> bool {
        target_groups::hears(question)
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        target_groups::read(seen, request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let health_check = health_check(cx);
        Ok(match MAIN.find(cx, seen, known)? {
            Found::This(group, outputs) if group.health_check == health_check => Next::InSync(outputs),
            Found::This(group, outputs) => {
                let now = json!({ "targetGroup": group.arn, "healthCheck": group.health_check });
                let target_group = group.arn.clone();
                let change = ModifyTargetGroup {
                    target_group,
                    health_check,
                };
                Next::update(change, reason(cx), outputs).over(now)
            }
            Found::None(missing) => {
                let create = CreateTargetGroup {
                    name: missing.name.clone(),
                    vpc: missing.vpc.clone(),
                    port: cx.spec.compute.app.port,
                    health_check,
                    tags: names::tags(cx.spec, id),
                };
                missing.make(cx, id, create, reason(cx))
            }
            Found::Blocked(next) => next,
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        seen.present(cx, &Id::only(Self::NAME))
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let target_group = it.physical.clone();
        Removal::send(
            DeleteTargetGroup { target_group },
            "nothing sends requests to it any more",
        )
    }
}

fn reason(cx: &Context) -> String {
    let check = &cx.spec.load_balancer.health_check;
    format!(
        "an instance gets requests while {} answers {}",
        check.path, check.codes
    )
}

/// The check of the main target group.
pub(super) fn health_check(cx: &Context) -> HealthCheck {
    let check = &cx.spec.load_balancer.health_check;
    HealthCheck {
        path: check.path.clone(),
        interval: check.interval,
        timeout: TIMEOUT.min(check.interval - 1),
        healthy: check.healthy,
        unhealthy: check.unhealthy,
        codes: check.codes.clone(),
    }
}

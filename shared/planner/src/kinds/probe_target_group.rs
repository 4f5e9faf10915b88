//! The probe target group: the load balancer checks new instances in it before they are in service. An instance that a
//! lifecycle hook holds is not in the group's own target group yet (rule 13).
//!
//! Checks come quickly one after the other, and an instance leaves it at once: it never had requests from it.

use serde_json::json;
use windlass_calls::elb::{self, CreateTargetGroup, DeleteTargetGroup, HealthCheck, ModifyTargetGroup};
use windlass_calls::{Request, Response};

use super::named::Named;
use super::target_group;
use super::target_groups::{self, Found, Sort};
use crate::context::{Context, Id, Known};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The probe target group.
pub struct ProbeTargetGroup;

/// Seconds between two checks: the least that AWS takes.
const INTERVAL: u32 = 5;
/// Longest wait for an answer to a check, in seconds; less than the interval.
const TIMEOUT: u32 = 4;
/// Checks in a row that decide: the least that AWS takes.
const THRESHOLD: u32 = 2;

const PROBE: Sort = Sort {
    kind: ProbeTargetGroup::NAME,
    word: "probe",
};
const REASON: &str = "the load balancer checks new instances before they are in service";

impl Kind for ProbeTargetGroup {
    type Seen = Named<elb::TargetGroup>;
    const NAME: &'static str = "probe-target-group";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "listener", "load-balancer", "probe-rule"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = super::is_gated(cx);
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if !super::is_gated(cx) && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        Ok(PROBE.queries(cx, seen))
    }

    fn hears(question: &Request) -> bool {
        target_groups::hears(question)
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        target_groups::read(seen, request, response);
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let health_check = health_check(cx);
        Ok(match PROBE.find(cx, seen, known)? {
            Found::This(group, outputs) if group.health_check == health_check => Next::InSync(outputs),
            Found::This(group, outputs) => {
                let now = json!({ "targetGroup": group.arn, "healthCheck": group.health_check });
                let target_group = group.arn.clone();
                let change = ModifyTargetGroup {
                    target_group,
                    health_check,
                };
                Next::update(change, REASON, outputs).over(now)
            }
            Found::None(missing) => {
                let create = CreateTargetGroup {
                    name: missing.name.clone(),
                    vpc: missing.vpc.clone(),
                    port: cx.spec.compute.app.port,
                    health_check,
                    tags: names::tags(cx.spec, id),
                };
                missing.make(cx, id, create, REASON.into())
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
            "no new instance is checked in it any more",
        )
    }
}

/// The same question as the main target group's, asked more often.
fn health_check(cx: &Context) -> HealthCheck {
    HealthCheck {
        interval: INTERVAL,
        timeout: TIMEOUT,
        healthy: THRESHOLD,
        unhealthy: THRESHOLD,
        ..target_group::health_check(cx)
    }
}

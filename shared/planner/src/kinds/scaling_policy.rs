//! The backstop: a step policy that AWS itself runs when the instances are about to be overrun, whatever becomes of the scale
//! function. Its alarm is `alarm/backstop`. It adds half as many instances as serve, and takes none away; while they warm up
//! it adds no more.
//!
//! The scale function takes back nothing that somebody else asked for within a warm-up, so the two do not fight.

use ordered_float::OrderedFloat;
use serde_json::json;
use windlass_calls::autoscaling::{
    self, DeletePolicy, DescribePolicies, Policy, PutScalingPolicy, Response as Autoscaling, Step, StepPolicy,
};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A scaling policy of the group: `scaling-policy/backstop`.
pub struct ScalingPolicy;

/// Instances more, in percent of those that serve: the load is at least as much as they can take, and hidden beyond.
const MORE: i32 = 50;

/// The policy that a spec needs. A group that nothing moves is left alone.
fn wanted() -> StepPolicy {
    StepPolicy {
        name: names::BACKSTOP.into(),
        steps: vec![Step {
            from: Some(OrderedFloat(0.0)),
            to: None,
            percent: MORE,
        }],
        least: 1,
    }
}

/// Whether a spec has it.
pub(super) fn is_wanted(cx: &Context) -> bool {
    !cx.spec.scaling.metrics.is_empty()
}

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    group: String,
    policies: Vec<Policy>,
}

impl Kind for ScalingPolicy {
    type Seen = Seen;
    const NAME: &'static str = "scaling-policy";
    const GOES: bool = false;
    const AFTER: &'static [&'static str] = &["alarm"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = is_wanted(cx).then(|| Id::of(Self::NAME, "backstop"));
        Ok(wanted.into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.destroying || (!is_wanted(cx) && !cx.looks_for(Self::NAME, known)) {
            return Ok(vec![]);
        }
        // Without a group there are no policies.
        let Some(group) = known.get(&Id::only("auto-scaling-group")) else {
            return Ok(vec![]);
        };
        let group = group.outputs.get("name");
        Ok(vec![DescribePolicies { group }.into()])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Autoscaling(autoscaling::Request::DescribePolicies(asked)),
                Response::Autoscaling(Autoscaling::DescribePolicies(policies)),
            ) => {
                seen.group.clone_from(&asked.group);
                seen.policies.clone_from(policies);
            }
            (
                Request::Autoscaling(autoscaling::Request::PutScalingPolicy(put)),
                Response::Autoscaling(Autoscaling::PutScalingPolicy(arn)),
            ) => {
                seen.group.clone_from(&put.group);
                seen.policies
                    .retain(|policy| policy.settings.name != put.policy.name);
                seen.policies.push(Policy {
                    arn: arn.0.clone(),
                    settings: put.policy.clone(),
                });
            }
            (Request::Autoscaling(autoscaling::Request::DeletePolicy(delete)), _) => {
                seen.policies
                    .retain(|policy| policy.settings.name != delete.policy);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        let wanted = wanted();
        let there = seen
            .policies
            .iter()
            .find(|policy| policy.settings.name == wanted.name && seen.group == group);
        let outputs = match there {
            Some(policy) => Outputs::id(&policy.settings.name).with("arn", &policy.arn),
            None => Outputs::default(),
        };
        if there.is_some_and(|policy| policy.settings == wanted) {
            return Ok(Next::InSync(outputs));
        }
        let now = there.map(|policy| json!({ "group": group, "policy": policy.settings }));
        let put = PutScalingPolicy {
            group,
            policy: wanted,
        };
        let reason =
            "AWS adds instances by itself if the group is about to be overrun, whatever becomes of us";
        let next = super::set(cx, id, put, reason, outputs);
        Ok(match now {
            Some(now) => next.over(now),
            None => next,
        })
    }

    /// Ours by its name; other policies of the group are somebody else's.
    fn present(_: &Context, seen: &Seen) -> Vec<Present> {
        let ours = seen
            .policies
            .iter()
            .filter(|policy| policy.settings.name == names::BACKSTOP);
        ours.map(|policy| Present::new(Id::of(Self::NAME, "backstop"), &policy.settings.name))
            .collect()
    }

    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let delete = DeletePolicy {
            group: seen.group.clone(),
            policy: it.physical.clone(),
        };
        Removal::send(delete, "nothing moves the group any more")
    }
}

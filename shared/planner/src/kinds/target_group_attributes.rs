//! Attributes of target groups: how long a leaving instance may finish its requests. In the probe target group it has none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use windlass_calls::elb::{
    self, DescribeTargetGroupAttributes, ModifyTargetGroupAttributes, Response as Elb,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// Attributes of the main target group, and under `probe` of the probe target group.
pub struct TargetGroupAttributes;

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";
/// The part of the probe target group's logical id.
const PROBE: &str = "probe";

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// Target groups made in this pass: nobody has set anything yet.
    new: BTreeSet<String>,
    /// By target group.
    attributes: BTreeMap<String, Tags>,
}

/// Logical id of the attributes of the probe target group.
pub(super) fn of_probe() -> Id {
    Id::of(TargetGroupAttributes::NAME, PROBE)
}

impl Kind for TargetGroupAttributes {
    type Seen = Seen;
    const NAME: &'static str = "target-group-attributes";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let main = Id::only(Self::NAME);
        Ok([main]
            .into_iter()
            .chain(super::is_gated(cx).then(of_probe))
            .collect())
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let main = known.exists(&Id::only("target-group"))?;
        let probe = known
            .get(&Id::only("probe-target-group"))
            .filter(|_| super::is_gated(cx));
        let groups = [main].into_iter().chain(probe.map(|probe| &probe.outputs));
        let groups = groups.map(|group| group.get("arn"));
        Ok(groups
            .filter(|arn| !seen.new.contains(arn))
            .map(|target_group| DescribeTargetGroupAttributes { target_group }.into())
            .collect())
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::CreateTargetGroup(created))) => {
                seen.new.insert(created.arn.clone());
            }
            (
                Request::Elb(elb::Request::DescribeTargetGroupAttributes(asked)),
                Response::Elb(Elb::DescribeTargetGroupAttributes(attributes)),
            ) => {
                seen.attributes
                    .insert(asked.target_group.clone(), attributes.clone());
            }
            (Request::Elb(elb::Request::ModifyTargetGroupAttributes(change)), _) => {
                let attributes = seen.attributes.entry(change.target_group.clone()).or_default();
                attributes.extend(change.attributes.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let (group, drain) = if id.part() == PROBE {
            ("probe-target-group", 0)
        } else {
            ("target-group", cx.spec.lifecycle.drain)
        };
        let target_group = known.exists(&Id::only(group))?.get("arn");
        let outputs = Outputs::id(&target_group);
        let attributes = seen.attributes.get(&target_group).cloned().unwrap_or_default();
        let drain = drain.to_string();
        Ok(if attributes.get(DEREGISTRATION_DELAY) == Some(&drain) {
            Next::InSync(outputs)
        } else {
            let reason = if id.part() == PROBE {
                "an instance that was checked leaves at once".to_owned()
            } else {
                format!("a leaving instance gets {drain} s to finish its requests")
            };
            let now = json!({ "targetGroup": target_group, "attributes": attributes });
            let attributes = Tags::from([(DEREGISTRATION_DELAY.into(), drain)]);
            let change = ModifyTargetGroupAttributes {
                target_group,
                attributes,
            };
            super::set(cx, id, change, reason, outputs).over(now)
        })
    }
}

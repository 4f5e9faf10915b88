//! Attributes of the main target group: how long a leaving instance may finish its requests.

use serde_json::json;
use windlass_calls::elb::{
    self, DescribeTargetGroupAttributes, ModifyTargetGroupAttributes, Response as Elb,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// Attributes of the main target group.
pub struct TargetGroupAttributes;

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// The target group was made in this pass: nobody has set anything yet.
    new: bool,
    attributes: Tags,
}

impl Kind for TargetGroupAttributes {
    type Seen = Seen;
    const NAME: &'static str = "target-group-attributes";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(_: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let target_group = known.exists(&Id::only("target-group"))?.get("arn");
        Ok(if seen.new {
            vec![]
        } else {
            vec![DescribeTargetGroupAttributes { target_group }.into()]
        })
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Elb(Elb::CreateTargetGroup(_))) => seen.new = true,
            (_, Response::Elb(Elb::DescribeTargetGroupAttributes(attributes))) => {
                seen.attributes.clone_from(attributes);
            }
            (Request::Elb(elb::Request::ModifyTargetGroupAttributes(change)), _) => {
                seen.attributes.extend(change.attributes.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let target_group = known.exists(&Id::only("target-group"))?.get("arn");
        let outputs = Outputs::id(&target_group);
        let drain = cx.spec.lifecycle.drain.to_string();
        Ok(if seen.attributes.get(DEREGISTRATION_DELAY) == Some(&drain) {
            Next::InSync(outputs)
        } else {
            let reason = format!("a leaving instance gets {drain} s to finish its requests");
            let attributes = Tags::from([(DEREGISTRATION_DELAY.into(), drain)]);
            let now = json!({ "targetGroup": target_group, "attributes": seen.attributes });
            let change = ModifyTargetGroupAttributes {
                target_group,
                attributes,
            };
            super::set(cx, id, change, reason, outputs).over(now)
        })
    }
}

//! Registrations: fixed instances in the main target group. An Auto Scaling group registers its own.

use std::collections::BTreeSet;

use windlass_calls::elb::{self, DescribeTargetHealth, RegisterTargets, Response as Elb};
use windlass_calls::{Request, Response};

use super::instance;
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// The registration of one fixed instance, under its number.
pub struct TargetRegistration;

impl Kind for TargetRegistration {
    /// Target groups with their targets.
    type Seen = BTreeSet<(String, String)>;
    const NAME: &'static str = "target-registration";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(instance::wanted(cx)
            .iter()
            .map(|id| Id::of(Self::NAME, id.part()))
            .collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if instance::wanted(cx).is_empty() {
            return Ok(vec![]);
        }
        let target_group = known.exists(&Id::only("target-group"))?.get("arn");
        Ok(vec![DescribeTargetHealth { target_group }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            // Of the previous target group others ask.
            (
                Request::Elb(elb::Request::DescribeTargetHealth(asked)),
                Response::Elb(Elb::DescribeTargetHealth(targets)),
            ) => {
                seen.retain(|(group, _)| *group != asked.target_group);
                let registered = targets.iter().filter(|target| target.state != "draining");
                seen.extend(registered.map(|target| (asked.target_group.clone(), target.target.clone())));
            }
            (Request::Elb(elb::Request::RegisterTargets(register)), _) => {
                let targets = register.targets.iter();
                seen.extend(targets.map(|target| (register.target_group.clone(), target.clone())));
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let target_group = known.exists(&Id::only("target-group"))?.get("arn");
        // A target must be running (rule 60).
        let target = known.ready(&Id::of("instance", id.part()))?.get("id");
        if seen.contains(&(target_group.clone(), target.clone())) {
            return Ok(Next::InSync(Outputs::id(&target)));
        }
        let another = cx
            .record(id)
            .is_some_and(|record| record.outputs.get("id") != target);
        let register = RegisterTargets {
            target_group,
            targets: vec![target],
        };
        let reason = "the load balancer sends requests to it once it is healthy";
        Ok(if another {
            Next::recreate(register, reason)
        } else {
            Next::create(register, reason)
        })
    }
}

//! The plan that people read: one step per resource, each with its reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_spec::{Image, Spec};

use crate::board::{Board, Outcome};
use crate::context::{Context, Id, Outputs, Record, Records};
use crate::kind::{Change, Next};

/// Everything that would be done, in order of logical id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What would be created or changed.
    pub steps: Vec<Step>,
    /// What cannot be done. With any of these nothing at all is done.
    pub refusals: Vec<Refusal>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The resource.
    pub resource: Id,
    /// `create` or `update`.
    pub change: &'static str,
    /// The first call it takes, `ec2:CreateVpc`.
    pub action: &'static str,
    /// Why.
    pub reason: String,
}

/// Something that a person must settle first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The resource.
    pub resource: Id,
    /// Why, and what to do.
    pub reason: String,
}

/// How much a plan would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Resources to create.
    pub create: usize,
    /// Resources to change in place.
    pub update: usize,
    /// Resources to replace.
    pub replace: usize,
    /// Resources to delete.
    pub delete: usize,
}

impl Plan {
    /// Reads the plan off the outcomes. Only if every kind could say what it wants does a record without an outcome
    /// show that something is no longer wanted.
    pub(crate) fn of(cx: &Context, outcomes: &BTreeMap<Id, Outcome>, all_wants_known: bool) -> Self {
        let mut plan = Self::default();
        for (id, outcome) in outcomes {
            match outcome {
                Outcome::Next(Next::Ensure {
                    request,
                    change,
                    reason,
                    ..
                }) => plan.steps.push(Step {
                    resource: id.clone(),
                    change: if *change == Change::Create {
                        "create"
                    } else {
                        "update"
                    },
                    action: request.action(),
                    reason: reason.clone(),
                }),
                Outcome::Next(Next::Refuse { reason, .. }) => plan.refusals.push(Refusal {
                    resource: id.clone(),
                    reason: reason.clone(),
                }),
                _ => {}
            }
        }
        if all_wants_known {
            plan.refusals.extend(unwanted(cx, outcomes));
        }
        plan
    }

    /// How much it would do.
    #[must_use]
    pub fn counts(&self) -> PlanCounts {
        let count = |change| self.steps.iter().filter(|step| step.change == change).count();
        PlanCounts {
            create: count("create"),
            update: count("update"),
            ..PlanCounts::default()
        }
    }
}

/// Resources that were recorded and that the spec no longer wants.
fn unwanted<'a>(cx: &'a Context, outcomes: &'a BTreeMap<Id, Outcome>) -> impl Iterator<Item = Refusal> + 'a {
    cx.records.keys().filter(|id| !outcomes.contains_key(*id)).map(|id| Refusal {
        resource: id.clone(),
        reason: format!("the spec no longer wants {id}, and removing parts of a running stack is not supported yet: put the earlier spec back"),
    })
}

/// The plan of a new stack from its spec alone, without looking at AWS: zones and image are stand-ins.
#[must_use]
pub fn plan_from_spec(spec: &Spec) -> Plan {
    let zones: Vec<String> = ('a'..='f')
        .take(spec.network.zones.into())
        .map(String::from)
        .collect();
    let image = match &spec.compute.image {
        Image::Ami(id) => id.clone(),
        _ => "ami-(resolved when applied)".to_owned(),
    };
    let record = |outputs: Outputs| Record {
        outputs,
        settled: true,
        incarnation: 1,
        since: Timestamp::UNIX_EPOCH,
    };
    let records = Records::from([
        (
            Id::only("zones"),
            record(Outputs::default().with("names", zones.join(","))),
        ),
        (
            Id::only("image"),
            record(
                Outputs::id(&image)
                    .with("alias", crate::kinds::image::alias(&spec.compute))
                    .with("rootDevice", "/dev/xvda"),
            ),
        ),
    ]);
    let cx = Context {
        spec,
        region: "",
        boundary: None,
        lineage: "",
        records: &records,
    };
    Board::new(false).plan(&cx)
}

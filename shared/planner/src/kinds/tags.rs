//! The user's own tags, `metadata.tags`, on what was made before they changed. What is made later carries them from its
//! create call.
//!
//! Reaches everything in EC2 and Elastic Load Balancing that carries tags, and the Auto Scaling group, which hands them on
//! to the instances that it launches. What was applied is recorded, and not looked at again: a tag that somebody edits by
//! hand stays so until the spec's change.

use std::collections::BTreeSet;

use windlass_calls::autoscaling::{CreateOrUpdateTags, DeleteTags as DeleteGroupTags};
use windlass_calls::ec2::{CreateTags, DeleteTags};
use windlass_calls::elb::{AddTags, RemoveTags};
use windlass_calls::{Request, Response, Tags as Map};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// The user's own tags.
pub struct Tags;

/// Kinds of EC2 that carry tags.
const EC2: [&str; 10] = [
    "address",
    "instance",
    "internet-gateway",
    "launch-template",
    "nat-gateway",
    "route-table",
    "security-group",
    "subnet",
    "vpc",
    "vpc-endpoint",
];
/// Kinds of Elastic Load Balancing that carry tags.
const ELB: [&str; 5] = [
    "listener",
    "load-balancer",
    "probe-rule",
    "probe-target-group",
    "target-group",
];

impl Kind for Tags {
    /// What was sent in this pass.
    type Seen = BTreeSet<Request>;
    const NAME: &'static str = "tags";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(_: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        Ok(vec![])
    }

    fn read(seen: &mut Self::Seen, request: &Request, _: &Response) {
        if request.effect().is_mutating() && request.action().contains("Tags") {
            seen.insert(request.clone());
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let wanted = serde_json::to_string(&cx.spec.tags).unwrap_or_default();
        let outputs = Outputs::default().with("tags", &wanted);
        let then = cx.record(id).map(|record| record.outputs.get("tags"));
        let Some(then) = then.filter(|then| *then != wanted) else {
            return Ok(Next::InSync(outputs));
        };
        known.exists(&Id::only("vpc"))?;
        let then: Map = serde_json::from_str(&then).unwrap_or_default();
        let changes = changes(cx, &then, known);
        let now = cx
            .record(id)
            .map(|record| record.outputs.clone())
            .unwrap_or_default();
        Ok(match changes.into_iter().find(|change| !seen.contains(change)) {
            Some(change) => Next::update(change, "metadata.tags changed", now),
            None => Next::InSync(outputs),
        })
    }
}

/// The calls that bring tags up to date: only with what changed.
fn changes(cx: &Context, then: &Map, known: &Known) -> Vec<Request> {
    let tags: Map = cx
        .spec
        .tags
        .iter()
        .filter(|(key, value)| then.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let keys: Vec<String> = then
        .keys()
        .filter(|key| !cx.spec.tags.contains_key(*key))
        .cloned()
        .collect();
    let of = |kinds: &[&str]| -> Vec<String> {
        let ours = known.iter().filter(|(id, _)| kinds.contains(&id.kind()));
        ours.map(|(_, resource)| resource.outputs.get("id")).collect()
    };
    let (ec2, elb, groups) = (of(&EC2), of(&ELB), of(&["auto-scaling-group"]));
    let mut changes: Vec<Request> = Vec::new();
    if !tags.is_empty() {
        changes.push(
            CreateTags {
                resources: ec2.clone(),
                tags: tags.clone(),
            }
            .into(),
        );
        changes.push(
            AddTags {
                resources: elb.clone(),
                tags: tags.clone(),
            }
            .into(),
        );
        let set = |group: &String| {
            CreateOrUpdateTags {
                group: group.clone(),
                tags: tags.clone(),
            }
            .into()
        };
        changes.extend(groups.iter().map(set));
    }
    if !keys.is_empty() {
        changes.push(
            DeleteTags {
                resources: ec2,
                keys: keys.clone(),
            }
            .into(),
        );
        changes.push(
            RemoveTags {
                resources: elb,
                keys: keys.clone(),
            }
            .into(),
        );
        let unset = |group: &String| {
            DeleteGroupTags {
                group: group.clone(),
                keys: keys.clone(),
            }
            .into()
        };
        changes.extend(groups.iter().map(unset));
    }
    changes
}

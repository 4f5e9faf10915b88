//! The plan that people read: one step per resource, each with its reason.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_calls::Request;
use windlass_spec::{Image, Spec, StackId};

use crate::board::{Board, Departure, Evaluation, Lenient, Outcome};
use crate::context::{ANY_REGION, Context, Id, Outputs, Record, Records};
use crate::kind::{Change, Next};

/// Everything that would be done, in order of logical id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What would be created or changed.
    pub steps: Vec<Step>,
    /// What cannot be done. With any of these nothing at all is done.
    pub refusals: Vec<Refusal>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The resource.
    pub resource: Id,
    /// `create`, `update`, `replace` or `delete`.
    pub change: Cow<'static, str>,
    /// The first call it takes, `ec2:CreateVpc`.
    pub action: Cow<'static, str>,
    /// Why.
    pub reason: String,
    /// What it sets; empty in a plan that was made without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// One field that a step sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its path within the call, `healthCheck.interval`.
    pub name: String,
    /// Its value now, if that is known and another.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// Its value afterwards. What is not known yet reads `${resource.value}`.
    pub after: String,
}

/// Something that a person must settle first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Reads the plan off what a board says. What cannot be changed in place is replaced only if the spec allows it.
    pub(crate) fn of(
        cx: &Context,
        found: &Evaluation,
        fields: impl Fn(&Request, &Value) -> Vec<Field>,
    ) -> Self {
        let mut plan = Self::default();
        for (id, outcome) in &found.outcomes {
            match outcome {
                Outcome::Next(Next::Ensure {
                    change: Change::Replace,
                    reason,
                    ..
                }) if !cx.spec.allow_replace => plan.refusals.push(Refusal {
                    resource: id.clone(),
                    reason: format!("AWS cannot change it in place ({reason}): allow it to be replaced with `allowReplace: true`, or put the earlier value back"),
                }),
                Outcome::Next(Next::Ensure {
                    request,
                    change,
                    reason,
                    now,
                    ..
                }) => plan.steps.push(Step {
                    resource: id.clone(),
                    change: Cow::Borrowed(match change {
                        Change::Create | Change::Recreate | Change::CreateBeside => "create",
                        Change::Update => "update",
                        Change::Replace => "replace",
                    }),
                    action: Cow::Borrowed(request.action()),
                    reason: reason.clone(),
                    fields: fields(request, now),
                }),
                Outcome::Next(Next::Refuse { reason, .. }) => plan.refusals.push(Refusal {
                    resource: id.clone(),
                    reason: reason.clone(),
                }),
                _ => {}
            }
        }
        for (present, departure) in &found.leaving {
            let (action, reason) = match departure {
                Departure::Send { request, reason } => (request.action(), reason),
                Departure::Wait { reason } | Departure::Refuse { reason } => ("", reason),
                Departure::Later => continue,
            };
            // What is replaced goes with that step.
            let replaced = |step: &Step| step.resource == present.id && step.change == "replace";
            if !plan.steps.iter().any(replaced) {
                plan.steps.push(Step {
                    resource: present.id.clone(),
                    change: Cow::Borrowed("delete"),
                    action: Cow::Borrowed(action),
                    reason: reason.clone(),
                    fields: vec![Field {
                        name: "id".into(),
                        before: None,
                        after: present.physical.clone(),
                    }],
                });
            }
        }
        plan.steps.sort_by(|a, b| a.resource.cmp(&b.resource));
        plan
    }

    /// The plan for people: a line per resource with its reason, and below it what it sets.
    #[must_use]
    pub fn text(&self, stack: &StackId) -> String {
        let counts = self.counts();
        let mut lines = vec![format!(
            "{stack}: {} to create, {} to change, {} to replace, {} to destroy",
            counts.create, counts.update, counts.replace, counts.delete
        )];
        let width = self.steps.iter().map(|step| step.resource.as_str().len()).max();
        for step in &self.steps {
            let sign = step.sign();
            lines.push(format!(
                "  {sign} {:width$}  {}",
                step.resource.as_str(),
                step.reason,
                width = width.unwrap_or_default()
            ));
            lines.extend(step.fields.iter().map(|field| format!("      {}", field.text())));
        }
        let refused = |refusal: &Refusal| format!("  ! {}  {}", refusal.resource, refusal.reason);
        lines.extend(self.refusals.iter().map(refused));
        lines.push(String::new());
        lines.join("\n")
    }

    /// How much it would do.
    #[must_use]
    pub fn counts(&self) -> PlanCounts {
        let count = |change| self.steps.iter().filter(|step| step.change == change).count();
        PlanCounts {
            create: count("create"),
            update: count("update"),
            replace: count("replace"),
            delete: count("delete"),
        }
    }
}

impl Step {
    /// What it does, in one character: `+`, `~`, `±` or `-`.
    #[must_use]
    pub fn sign(&self) -> char {
        match self.change.as_ref() {
            "create" => '+',
            "delete" => '-',
            "replace" => '±',
            _ => '~',
        }
    }
}

impl Field {
    /// For people: `healthCheck.interval: 15 -> 30`. Of long values only what is around the first difference.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.before {
            Some(before) => {
                let (before, after) = differing(before, &self.after);
                format!("{}: {before} -> {after}", self.name)
            }
            None => format!("{}: {}", self.name, shorten(&self.after)),
        }
    }
}

/// Fields that say nothing to a reader: how a call is made repeatable, and the tags that everything carries.
const UNSAID: [&str; 2] = ["token", "tags"];
/// Longest value shown, in characters: enough for an ARN.
const SHOWN: usize = 160;

/// What a call sets, beside what is there. Of a change whose present values are known, only what differs.
pub(crate) fn fields(request: &Request, now: &Value) -> Vec<Field> {
    let mut after = BTreeMap::new();
    flatten("", &serde_json::to_value(request).unwrap_or_default(), &mut after);
    let mut before = BTreeMap::new();
    flatten("", now, &mut before);
    let fields = after.into_iter().filter_map(|(name, after)| {
        let before = before.get(&name);
        (before != Some(&after) && !after.is_empty()).then(|| Field {
            before: before.cloned(),
            after,
            name,
        })
    });
    fields.collect()
}

/// The leaves of a value by their paths. A list of plain values is one leaf.
fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !UNSAID.contains(&name.as_str())) {
                flatten(&below(name), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, leaves);
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            leaves.insert(path.to_owned(), items.join(", "));
        }
        leaf => {
            leaves.insert(path.to_owned(), plain(leaf));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shorten(value: &str) -> String {
    let length = value.chars().count();
    if length <= SHOWN {
        return value.to_owned();
    }
    format!("{} ({length} characters)", excerpt(value, 0))
}

/// Two values, or if one is long, what is around their first difference.
fn differing(before: &str, after: &str) -> (String, String) {
    let longest = before.chars().count().max(after.chars().count());
    if longest <= SHOWN {
        return (before.to_owned(), after.to_owned());
    }
    let same = before
        .chars()
        .zip(after.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(SHOWN / 8);
    (excerpt(before, from), excerpt(after, from))
}

/// A part of a value from one of its characters on.
fn excerpt(value: &str, from: usize) -> String {
    let part: String = value.chars().skip(from).take(SHOWN / 2).collect();
    let more = value.chars().count() > from + SHOWN / 2;
    format!(
        "{}{part}{}",
        if from > 0 { "…" } else { "" },
        if more { "…" } else { "" }
    )
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
        leaving: vec![],
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
        records: &records,
        ..Context::of_new(spec, ANY_REGION)
    };
    Board::new(false).plan_in_full(&cx, &Lenient)
}

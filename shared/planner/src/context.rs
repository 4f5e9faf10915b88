//! What a kind is told: the spec, what earlier passes recorded, and what is known of the other resources.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_spec::Spec;

use crate::kind::{Blocked, Need};

/// A resource's logical id within its stack: its kind, and its own part where there are several (`nat-gateway/a`).
///
/// It is the value of the `windlass:resource` tag and never changes while the resource lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// The only resource of its kind: `vpc`.
    #[must_use]
    pub fn only(kind: &str) -> Self {
        Self(kind.to_owned())
    }

    /// One of several: `nat-gateway/a`.
    #[must_use]
    pub fn of(kind: &str, part: impl fmt::Display) -> Self {
        Self(format!("{kind}/{part}"))
    }

    /// A whole id, as a tag or a record has it.
    #[must_use]
    pub fn parse(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its kind: `nat-gateway`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(kind, _)| kind)
    }

    /// Its own part, empty for the only one of its kind: `a`.
    #[must_use]
    pub fn part(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, part)| part)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What other resources may want to know of a resource: its id, its ARN, its DNS name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outputs {
    values: BTreeMap<String, String>,
    #[serde(skip)]
    planned: Option<Planned>,
}

/// A resource that a plan would make.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Planned {
    id: Id,
    /// It takes the place of one that is there.
    replaces: bool,
}

impl Outputs {
    /// Outputs with an `id` and nothing else.
    #[must_use]
    pub fn id(id: &str) -> Self {
        Self::default().with("id", id)
    }

    /// The outputs with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Stand-in for a resource that a plan would create: every value reads `${id.name}`.
    #[must_use]
    pub fn planned(id: &Id, replaces: bool) -> Self {
        let id = id.clone();
        Self {
            values: BTreeMap::new(),
            planned: Some(Planned { id, replaces }),
        }
    }

    /// Whether a value is, or in a plan may become, this one. Of one that takes another's place it is not.
    #[must_use]
    pub fn is(&self, name: &str, value: &str) -> bool {
        match &self.planned {
            Some(planned) => !planned.replaces,
            None => self.values.get(name).is_some_and(|known| known == value),
        }
    }

    /// A value; empty if there is none, `${id.name}` in a plan.
    #[must_use]
    pub fn get(&self, name: &str) -> String {
        match (self.values.get(name), &self.planned) {
            (Some(value), _) => value.clone(),
            (None, Some(planned)) => format!("${{{}.{name}}}", planned.id),
            (None, None) => String::new(),
        }
    }

    /// Whether these are a plan's stand-ins.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.planned.is_some()
    }
}

/// What an earlier pass recorded of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its outputs.
    pub outputs: Outputs,
    /// It was in sync and ready: a waiting pass need not look at it again.
    pub settled: bool,
    /// How many times it was created, from 1: part of its client token.
    pub incarnation: u32,
    /// When it was first recorded.
    pub since: Timestamp,
    /// What AWS knows the ones by that are still there under this logical id and have to go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<String>,
}

/// Everything recorded of a stack.
pub type Records = BTreeMap<Id, Record>;

/// What is known of a resource in this pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its outputs.
    pub outputs: Outputs,
    /// It is in sync and ready for use, not only there.
    pub ready: bool,
}

/// What is known of all resources in this pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<Id, Resource>);

impl Known {
    /// Sets what is known of a resource.
    pub fn insert(&mut self, id: Id, outputs: Outputs, ready: bool) {
        self.0.insert(id, Resource { outputs, ready });
    }

    /// What is known of a resource, if it exists.
    #[must_use]
    pub fn get(&self, id: &Id) -> Option<&Resource> {
        self.0.get(id)
    }

    /// How many resources are known.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Everything that is known.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &Resource)> {
        self.0.iter()
    }

    /// The outputs of a resource that must exist.
    ///
    /// # Errors
    /// It does not exist yet.
    pub fn exists(&self, id: &Id) -> Result<&Outputs, Blocked> {
        match self.0.get(id) {
            Some(resource) => Ok(&resource.outputs),
            None => Err(Blocked {
                on: id.clone(),
                need: Need::Exists,
            }),
        }
    }

    /// The outputs of a resource that must be ready for use.
    ///
    /// # Errors
    /// It does not exist yet, or is not ready.
    pub fn ready(&self, id: &Id) -> Result<&Outputs, Blocked> {
        match self.0.get(id) {
            Some(resource) if resource.ready => Ok(&resource.outputs),
            _ => Err(Blocked {
                on: id.clone(),
                need: Need::Ready,
            }),
        }
    }
}

/// An availability zone that was chosen for the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `us-east-1a`.
    pub name: String,
    /// `a`, as in logical ids.
    pub letter: String,
    /// Its place in the order of choice, from 0: decides its address ranges.
    pub index: u8,
}

/// Stands for the Region in a plan from the spec alone.
pub(crate) const ANY_REGION: &str = "${region}";

/// What every kind is told.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The stack that is wanted.
    pub spec: &'a Spec,
    /// The Region, `us-east-1`.
    pub region: &'a str,
    /// ARN of the permissions boundary that instance roles must carry, where there is one.
    pub boundary: Option<&'a str>,
    /// Version of the spec's object: another upload, another version.
    pub version: &'a str,
    /// The stack's lineage: unique to one life of its state.
    pub lineage: &'a str,
    /// What earlier passes recorded.
    pub records: &'a Records,
    /// How many times each resource was created that is gone and no longer recorded.
    pub spent: &'a BTreeMap<Id, u32>,
    /// ARN of the instance role as an earlier pass saw it, or empty.
    pub role: &'a str,
    /// Groups whose launches were suspended by us, each with the version of the spec whose launches failed so often.
    pub given_up: &'a BTreeMap<String, String>,
    /// Groups that launch one instance for a try, each with the version of the spec that it is of: they may be smaller than
    /// the spec says meanwhile.
    pub tried: &'a BTreeMap<String, String>,
    /// Nothing is wanted any more: everything that is there has to go. The spec is the last one that was carried out.
    pub destroying: bool,
    /// This pass looks at everything: also for what nobody recorded, because its writer died, or the state was lost.
    pub thorough: bool,
}

/// Nothing was recorded.
static NO_RECORDS: Records = Records::new();
/// Nothing was made before.
static NOTHING_SPENT: BTreeMap<Id, u32> = BTreeMap::new();

/// No group's launches were suspended, and none is tried.
static NO_GROUP: BTreeMap<String, String> = BTreeMap::new();

impl<'a> Context<'a> {
    /// The context of a stack that nobody has begun.
    #[must_use]
    pub fn of_new(spec: &'a Spec, region: &'a str) -> Self {
        Self {
            spec,
            region,
            boundary: None,
            version: "",
            lineage: "",
            records: &NO_RECORDS,
            spent: &NOTHING_SPENT,
            role: "",
            given_up: &NO_GROUP,
            tried: &NO_GROUP,
            destroying: false,
            thorough: false,
        }
    }
}

impl Context<'_> {
    /// Whether to look for resources of a kind that the spec may not want: some may be left.
    #[must_use]
    pub fn looks_for(&self, kind: &str, known: &Known) -> bool {
        let begun = !self.records.is_empty() || known.get(&Id::only("vpc")).is_some();
        self.destroying || (self.thorough && begun) || self.records.keys().any(|id| id.kind() == kind)
    }

    /// What an earlier pass recorded of a resource.
    #[must_use]
    pub fn record(&self, id: &Id) -> Option<&Record> {
        self.records.get(id)
    }

    /// The zones of the stack, in the order of choice.
    ///
    /// # Errors
    /// They are not chosen yet.
    pub fn zones(&self, known: &Known) -> Result<Vec<Zone>, Blocked> {
        let names = known.exists(&Id::only("zones"))?.get("names");
        Ok((0..)
            .zip(names.split(','))
            .map(|(index, name)| Zone {
                name: name.to_owned(),
                letter: name.strip_prefix(self.region).unwrap_or(name).to_owned(),
                index,
            })
            .collect())
    }

    /// Beginning of the ARNs of a service's resources in this account and Region: `arn:aws:sns:us-east-1:123456789012`.
    /// The account is read off the instance role's ARN.
    ///
    /// # Errors
    /// The instance role does not exist yet.
    pub fn arn(&self, known: &Known, service: &str) -> Result<String, Blocked> {
        let role = known.exists(&Id::only("instance-role"))?;
        Ok(self.beside(&role.get("arn"), service))
    }

    /// The same, in the account that a role's ARN names.
    pub(crate) fn beside(&self, role: &str, service: &str) -> String {
        let mut parts = role.split(':').skip(1);
        let partition = parts.next().unwrap_or("aws");
        let account = parts.nth(2).unwrap_or("${account}");
        format!("arn:{partition}:{service}:{}:{account}", self.region)
    }

    /// The client token of the next create of a resource. The same until an earlier incarnation is known to be gone.
    #[must_use]
    pub fn token(&self, id: &Id) -> String {
        crate::names::token(self.lineage, id, self.incarnation(id))
    }

    /// How many times a resource will have been created after its next create.
    #[must_use]
    pub fn incarnation(&self, id: &Id) -> u32 {
        let spent = self.spent.get(id).copied().unwrap_or_default();
        self.record(id).map_or(spent, |record| record.incarnation) + 1
    }
}

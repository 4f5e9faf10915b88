//! Load-balancing resources are found by name; only their tags, a second question, prove that they are ours.
//!
//! Their names carry a hash of what they cannot change, so that an old and a new one can live side by side. Usually the
//! recorded name is asked for alone. Where another may be there, all of the account are, and those whose name begins as
//! the stack's do are asked for their tags.

use std::collections::BTreeMap;

use windlass_calls::elb::{DescribeTags, LoadBalancer, Response as Elb, TargetGroup};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id};
use crate::kind::Present;
use crate::names;

/// Most ARNs that one question about tags may name.
const AT_ONCE: usize = 20;

/// Something with a name and an ARN.
pub trait HasArn {
    /// The ARN.
    fn arn(&self) -> &str;
    /// The name.
    fn name(&self) -> &str;
}

impl HasArn for LoadBalancer {
    fn arn(&self) -> &str {
        &self.arn
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl HasArn for TargetGroup {
    fn arn(&self) -> &str {
        &self.arn
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// What AWS shows of one kind, and whose tags each carries.
#[derive(Clone)]
pub struct Named<T> {
    found: Vec<T>,
    tags: BTreeMap<String, Tags>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            found: vec![],
            tags: BTreeMap::new(),
        }
    }
}

/// What to ask for.
pub(super) enum Ask {
    /// The one of this name.
    Name(String),
    /// All of the account.
    All,
}

impl<T: HasArn + Clone> Named<T> {
    /// The questions: who is there, and, unless an earlier pass recorded it as ours, whose it is.
    pub(super) fn queries(&self, cx: &Context, ask: impl Into<Request>) -> Vec<Request> {
        let recorded = |arn: &str| {
            let mut records = cx.records.values();
            records.any(|record| record.outputs.get("arn") == arn)
        };
        let unknown = self
            .ours_by_name(cx)
            .filter(|one| !recorded(one.arn()) && !self.tags.contains_key(one.arn()));
        let resources: Vec<String> = unknown.take(AT_ONCE).map(|one| one.arn().to_owned()).collect();
        let tags = (!resources.is_empty()).then(|| DescribeTags { resources }.into());
        [ask.into()].into_iter().chain(tags).collect()
    }

    /// Folds in what is there.
    pub(super) fn read_found(&mut self, found: &[T]) {
        for one in found {
            self.put(one.clone());
        }
    }

    /// Folds in what was just created.
    pub(super) fn read_created(&mut self, created: &T, tags: &Tags) {
        self.tags.insert(created.arn().to_owned(), tags.clone());
        self.put(created.clone());
    }

    /// Folds in that one was deleted.
    pub(super) fn read_deleted(&mut self, arn: &str) {
        self.found.retain(|one| one.arn() != arn);
    }

    /// One to change.
    pub(super) fn get_mut(&mut self, arn: &str) -> Option<&mut T> {
        self.found.iter_mut().find(|one| one.arn() == arn)
    }

    fn put(&mut self, one: T) {
        self.found.retain(|other| other.arn() != one.arn());
        self.found.push(one);
    }

    /// Folds in tags, if the answer is about ours.
    pub(super) fn read_tags(&mut self, response: &Response) {
        if let Response::Elb(Elb::DescribeTags(descriptions)) = response {
            let known = descriptions
                .iter()
                .map(|one| (one.resource.clone(), one.tags.clone()));
            self.tags.extend(known);
        }
    }

    fn ours_by_name<'a>(&'a self, cx: &Context) -> impl Iterator<Item = &'a T> {
        let prefix = names::elb_prefix(&cx.spec.stack);
        self.found.iter().filter(move |one| {
            let hash = one.name().strip_prefix(&prefix);
            hash.is_some_and(|hash| {
                hash.len() == names::ELB_HASH && hash.bytes().all(|b| b.is_ascii_hexdigit())
            })
        })
    }

    /// Those that are ours: recorded so, or by their tags.
    pub(super) fn ours<'a>(&'a self, cx: &Context, id: &Id) -> Vec<&'a T> {
        let record = cx.record(id);
        let recorded = record.map(|record| record.outputs.get("arn"));
        let is_ours = |one: &&T| match self.tags.get(one.arn()) {
            Some(tags) => names::owned(tags, &cx.spec.stack) && names::is(tags, id),
            None => recorded.as_deref() == Some(one.arn()),
        };
        self.ours_by_name(cx).filter(is_ours).collect()
    }

    /// The one of a name, if it is somebody else's.
    pub(super) fn foreign(&self, cx: &Context, name: &str) -> Option<&T> {
        let one = self.found.iter().find(|one| one.name() == name)?;
        let tags = self.tags.get(one.arn())?;
        (!names::owned(tags, &cx.spec.stack)).then_some(one)
    }

    /// Whether a name is taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.found.iter().any(|one| one.name() == name)
    }

    /// Ours, as what is present of a kind.
    pub(super) fn present(&self, cx: &Context, id: &Id) -> Vec<Present> {
        let ours = self.ours(cx, id).into_iter();
        ours.map(|one| Present::new(id.clone(), one.arn())).collect()
    }
}

/// What to ask for: the recorded name, unless another may be there, because nothing is recorded, one is leaving, or
/// `changed` says that another is wanted.
pub(super) fn ask(cx: &Context, id: &Id, changed: bool) -> Ask {
    match cx.record(id) {
        Some(record) if !cx.destroying && !cx.thorough && !changed && record.leaving.is_empty() => {
            Ask::Name(record.outputs.get("name"))
        }
        _ => Ask::All,
    }
}

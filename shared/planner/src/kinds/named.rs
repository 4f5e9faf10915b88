//! Load-balancing resources are found by name; only their tags, a second question, prove that they are ours.

use windlass_calls::elb::{DescribeTags, LoadBalancer, Response as Elb, TargetGroup};
use windlass_calls::{Request, Response, Tags};
use windlass_spec::StackId;

use crate::context::{Context, Id};
use crate::names;

/// Something with an ARN.
pub trait HasArn {
    /// The ARN.
    fn arn(&self) -> &str;
}

impl HasArn for LoadBalancer {
    fn arn(&self) -> &str {
        &self.arn
    }
}

impl HasArn for TargetGroup {
    fn arn(&self) -> &str {
        &self.arn
    }
}

/// What has our name, and whose tags it carries.
#[derive(Clone)]
pub struct Named<T> {
    /// What was found.
    pub(super) found: Option<T>,
    tags: Option<Tags>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            found: None,
            tags: None,
        }
    }
}

impl<T: HasArn + Clone> Named<T> {
    /// The questions: who has the name, and, unless an earlier pass recorded it as ours, whose it is.
    pub(super) fn queries(&self, cx: &Context, id: &Id, by_name: impl Into<Request>) -> Vec<Request> {
        let mut queries = vec![by_name.into()];
        if let (Some(found), None, None) = (&self.found, &self.tags, cx.record(id)) {
            let resources = vec![found.arn().to_owned()];
            queries.push(DescribeTags { resources }.into());
        }
        queries
    }

    /// Folds in what has the name.
    pub(super) fn read_found(&mut self, found: &[T]) {
        self.found = found.first().cloned();
    }

    /// Folds in what was just created.
    pub(super) fn read_created(&mut self, created: &T, tags: &Tags) {
        self.found = Some(created.clone());
        self.tags = Some(tags.clone());
    }

    /// Folds in its tags, if the answer is about them.
    pub(super) fn read_tags(&mut self, response: &Response) {
        let Response::Elb(Elb::DescribeTags(descriptions)) = response else {
            return;
        };
        let arn = self.found.as_ref().map(HasArn::arn);
        let ours = descriptions
            .iter()
            .find(|description| Some(description.resource.as_str()) == arn);
        if let Some(description) = ours {
            self.tags = Some(description.tags.clone());
        }
    }

    /// Whether its tags say that it belongs to somebody else.
    pub(super) fn is_foreign(&self, stack: &StackId) -> bool {
        self.tags.as_ref().is_some_and(|tags| !names::owned(tags, stack))
    }
}

//! The topic by which people hear of trouble.
//!
//! Its ARN follows from its name, so that it is found by asking for its tags. It is not encrypted: alarms cannot
//! publish to a topic under AWS's own key, and what they say names metrics, not data.

use windlass_calls::sns::{self, CreateTopic, ListTagsForResource, Response as Sns};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The topic.
pub struct Topic;

fn arn(cx: &Context, known: &Known) -> Result<String, Blocked> {
    Ok(format!(
        "{}:{}",
        cx.arn(known, "sns")?,
        names::stack(&cx.spec.stack)
    ))
}

impl Kind for Topic {
    /// The tags of the topic with our name.
    type Seen = Option<Tags>;
    const NAME: &'static str = "topic";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = !cx.spec.monitoring.notify.is_empty();
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.monitoring.notify.is_empty() {
            return Ok(vec![]);
        }
        let topic = arn(cx, known)?;
        Ok(vec![ListTagsForResource { topic }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Sns(Sns::ListTagsForResource(tags))) => *seen = Some(tags.clone()),
            (Request::Sns(sns::Request::CreateTopic(create)), _) => *seen = Some(create.tags.clone()),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let arn = arn(cx, known)?;
        let name = names::stack(&cx.spec.stack);
        let Some(tags) = seen else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateTopic { name, tags },
                "how people hear of trouble",
            ));
        };
        Ok(if names::owned(tags, &cx.spec.stack) {
            Next::InSync(Outputs::id(&arn).with("arn", &arn))
        } else {
            Next::refuse(super::foreign("topic", &name))
        })
    }
}

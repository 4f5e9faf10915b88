//! The topic by which people hear of trouble.
//!
//! Its ARN follows from its name, so that it is found by asking for its tags. It is not encrypted: alarms cannot
//! publish to a topic under AWS's own key, and what they say names metrics, not data.

use windlass_calls::iam::{GetRole, Response as Iam};
use windlass_calls::sns::{self, CreateTopic, DeleteTopic, ListTagsForResource, Response as Sns};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The topic.
pub struct Topic;

fn arn(cx: &Context, known: &Known) -> Result<String, Blocked> {
    Ok(named(cx, &cx.arn(known, "sns")?))
}

/// The ARN of the stack's topic below the beginning of those of an account.
fn named(cx: &Context, account: &str) -> String {
    format!("{account}:{}", names::stack(&cx.spec.stack))
}

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// The topic with our name, by its ARN, and its tags.
    topic: Option<(String, Tags)>,
    /// ARN of the instance role.
    role: Option<String>,
}

impl Kind for Topic {
    type Seen = Seen;
    const NAME: &'static str = "topic";
    const AFTER: &'static [&'static str] = &["alarm"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = !cx.spec.monitoring.notify.is_empty();
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.monitoring.notify.is_empty() && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        let recorded = known.get(&Id::only("instance-role"));
        let recorded = recorded.filter(|role| role.outputs.get("arn").starts_with("arn:"));
        if cx.destroying && recorded.is_none() {
            // With the state lost, or the role recorded before AWS showed it, the account is the one of the role as AWS shows
            // it, or as it last did.
            let role = seen.role.as_deref().unwrap_or(cx.role);
            if role.is_empty() {
                let name = names::instance_role(&cx.spec.stack, cx.region);
                return Ok(vec![GetRole { name }.into()]);
            }
            let topic = named(cx, &cx.beside(role, "sns"));
            return Ok(vec![ListTagsForResource { topic }.into()]);
        }
        let topic = arn(cx, known)?;
        Ok(vec![ListTagsForResource { topic }.into()])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Sns(sns::Request::ListTagsForResource(asked)),
                Response::Sns(Sns::ListTagsForResource(tags)),
            ) => seen.topic = Some((asked.topic.clone(), tags.clone())),
            (Request::Sns(sns::Request::CreateTopic(create)), Response::Sns(Sns::CreateTopic(topic))) => {
                seen.topic = Some((topic.0.clone(), create.tags.clone()));
            }
            (Request::Sns(sns::Request::DeleteTopic(_)), _) => seen.topic = None,
            (_, Response::Iam(Iam::GetRole(role))) => seen.role = Some(role.arn.clone()),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let arn = arn(cx, known)?;
        let name = names::stack(&cx.spec.stack);
        let Some((_, tags)) = &seen.topic else {
            if cx.record(id).is_some_and(|record| record.settled) {
                // A pass that dies right after it made another leaves no other sign that nobody was asked yet.
                return Ok(Next::Wait {
                    reason: "it is gone, which is recorded before another is made".into(),
                    outputs: None,
                });
            }
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

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let own = seen
            .topic
            .iter()
            .filter(|(_, tags)| names::owned(tags, &cx.spec.stack));
        own.map(|(arn, _)| Present::new(Id::only(Self::NAME), arn))
            .collect()
    }

    /// Its subscriptions go with it.
    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let topic = it.physical.clone();
        Removal::send(DeleteTopic { topic }, "nobody is to hear of the stack any more")
    }
}

//! The log group of the stack's containers, which keeps what they print for a month.

use serde_json::json;
use windlass_calls::logs::{
    self, CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListTagsForResource, PutRetentionPolicy,
    Response as Logs,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The log group.
pub struct LogGroup;

/// Days that a line is kept.
const RETENTION: u32 = 30;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// What has our name.
    group: Option<logs::LogGroup>,
    /// Its tags, which say whose it is.
    tags: Option<Tags>,
}

impl Kind for LogGroup {
    type Seen = Seen;
    const NAME: &'static str = "log-group";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = super::is_container(cx);
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if !super::is_container(cx) && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        let prefix = names::log_group(&cx.spec.stack);
        let mut queries = vec![DescribeLogGroups { prefix }.into()];
        // Unless an earlier pass recorded it as ours.
        if let (Some(group), None, None) = (&seen.group, &seen.tags, cx.record(&Id::only(Self::NAME))) {
            let resource = group.arn.clone();
            queries.push(ListTagsForResource { resource }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Logs(logs::Request::DescribeLogGroups(asked)),
                Response::Logs(Logs::DescribeLogGroups(groups)),
            ) => {
                seen.group = groups.iter().find(|group| group.name == asked.prefix).cloned();
            }
            (_, Response::Logs(Logs::ListTagsForResource(tags))) => seen.tags = Some(tags.clone()),
            (Request::Logs(logs::Request::CreateLogGroup(create)), _) => {
                seen.group = Some(logs::LogGroup {
                    name: create.name.clone(),
                    arn: String::new(),
                    retention: None,
                });
                seen.tags = Some(create.tags.clone());
            }
            (Request::Logs(logs::Request::DeleteLogGroup(_)), _) => *seen = Seen::default(),
            (Request::Logs(logs::Request::PutRetentionPolicy(put)), _) => {
                if let Some(group) = &mut seen.group {
                    group.retention = Some(put.days);
                }
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, _: &Known) -> Result<Next, Blocked> {
        let name = names::log_group(&cx.spec.stack);
        let Some(group) = &seen.group else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateLogGroup { name, tags },
                "what the containers print",
            ));
        };
        if seen
            .tags
            .as_ref()
            .is_some_and(|tags| !names::owned(tags, &cx.spec.stack))
        {
            return Ok(Next::refuse(super::foreign("log group", &name)));
        }
        let outputs = Outputs::id(&group.name);
        Ok(if group.retention == Some(RETENTION) {
            Next::InSync(outputs)
        } else {
            let put = PutRetentionPolicy {
                name,
                days: RETENTION,
            };
            let now = json!({ "name": group.name, "days": group.retention.map_or("for ever".into(), |days| days.to_string()) });
            Next::update(put, format!("a line is kept for {RETENTION} days"), outputs).over(now)
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let owned = seen
            .tags
            .as_ref()
            .map_or(cx.record(&Id::only(Self::NAME)).is_some(), |tags| {
                names::owned(tags, &cx.spec.stack)
            });
        let there = seen.group.iter().filter(|_| owned);
        there
            .map(|group| Present::new(Id::only(Self::NAME), &group.name))
            .collect()
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let name = it.physical.clone();
        Removal::send(DeleteLogGroup { name }, "no container prints into it any more")
    }
}

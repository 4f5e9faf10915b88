//! The log group of the stack's containers, which keeps what they print for a month.

use serde_json::json;
use windlass_calls::logs::{self, CreateLogGroup, DescribeLogGroups, PutRetentionPolicy, Response as Logs};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The log group.
pub struct LogGroup;

/// Days that a line is kept.
const RETENTION: u32 = 30;

impl Kind for LogGroup {
    type Seen = Option<logs::LogGroup>;
    const NAME: &'static str = "log-group";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = super::is_container(cx);
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if !super::is_container(cx) {
            return Ok(vec![]);
        }
        let prefix = names::log_group(&cx.spec.stack);
        Ok(vec![DescribeLogGroups { prefix }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Logs(logs::Request::DescribeLogGroups(asked)),
                Response::Logs(Logs::DescribeLogGroups(groups)),
            ) => {
                *seen = groups.iter().find(|group| group.name == asked.prefix).cloned();
            }
            (Request::Logs(logs::Request::CreateLogGroup(create)), _) => {
                *seen = Some(logs::LogGroup {
                    name: create.name.clone(),
                    arn: String::new(),
                    retention: None,
                });
            }
            (Request::Logs(logs::Request::PutRetentionPolicy(put)), _) => {
                if let Some(group) = seen {
                    group.retention = Some(put.days);
                }
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, _: &Known) -> Result<Next, Blocked> {
        let name = names::log_group(&cx.spec.stack);
        let Some(group) = seen else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateLogGroup { name, tags },
                "what the containers print",
            ));
        };
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
}

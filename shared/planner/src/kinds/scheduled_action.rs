//! Scheduled actions: what gives the group other bounds by the clock (rule 63). They are AWS's own, and need nothing of ours at
//! their times.

use serde_json::json;
use windlass_calls::autoscaling::{
    self, DeleteScheduledAction, DescribeScheduledActions, PutScheduledUpdateGroupAction,
    Response as Autoscaling, ScheduledAction as Action,
};
use windlass_calls::{Request, Response};
use windlass_spec::Schedule;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// A scheduled action of the group: `scheduled-action/<number>`, in the order of the spec.
pub struct ScheduledAction;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    group: String,
    actions: Vec<Action>,
}

/// The actions that a spec needs, each with its logical id.
fn wanted<'a>(cx: &'a Context) -> impl Iterator<Item = (Id, Action)> + 'a {
    let entries = cx.spec.scaling.schedule.iter().enumerate();
    entries.map(|(number, entry)| {
        let Schedule {
            cron,
            time_zone,
            min,
            max,
        } = entry;
        let action = Action {
            name: format!("{}{number}", names::SCHEDULE),
            recurrence: cron.clone(),
            time_zone: time_zone.clone(),
            min: Some(*min),
            max: Some(*max),
            desired: None,
        };
        (Id::of(ScheduledAction::NAME, number.to_string()), action)
    })
}

/// The logical id of an action of ours.
fn id_of(name: &str) -> Option<Id> {
    let number = name.strip_prefix(names::SCHEDULE)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Id::of(ScheduledAction::NAME, number))
}

impl Kind for ScheduledAction {
    type Seen = Seen;
    const NAME: &'static str = "scheduled-action";
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(wanted(cx).map(|(id, _)| id).collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.destroying || (cx.spec.scaling.schedule.is_empty() && !recorded(cx)) {
            return Ok(vec![]);
        }
        // Without a group there are no actions.
        let Some(group) = known.get(&Id::only("auto-scaling-group")) else {
            return Ok(vec![]);
        };
        let group = group.outputs.get("name");
        Ok(vec![DescribeScheduledActions { group }.into()])
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (
                Request::Autoscaling(autoscaling::Request::DescribeScheduledActions(asked)),
                Response::Autoscaling(Autoscaling::DescribeScheduledActions(actions)),
            ) => {
                seen.group.clone_from(&asked.group);
                seen.actions.clone_from(actions);
            }
            (Request::Autoscaling(autoscaling::Request::PutScheduledUpdateGroupAction(put)), _) => {
                seen.group.clone_from(&put.group);
                seen.actions.retain(|action| action.name != put.action.name);
                seen.actions.push(put.action.clone());
            }
            (Request::Autoscaling(autoscaling::Request::DeleteScheduledAction(delete)), _) => {
                seen.actions.retain(|action| action.name != delete.action);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let group = known.exists(&Id::only("auto-scaling-group"))?.get("name");
        let Some((_, action)) = wanted(cx).find(|(wanted, _)| wanted == id) else {
            return Ok(Next::refuse(format!("the spec has no {id}")));
        };
        let outputs = Outputs::id(&action.name);
        let there = seen.actions.iter().find(|there| there.name == action.name);
        if there == Some(&action) && seen.group == group {
            return Ok(Next::InSync(outputs));
        }
        let now = there.map(|there| json!({ "group": group, "action": there }));
        let reason = format!(
            "{} to {} instances from `{}` on, {}",
            action.min.unwrap_or_default(),
            action.max.unwrap_or_default(),
            action.recurrence,
            action.time_zone
        );
        let put = PutScheduledUpdateGroupAction { group, action };
        let next = super::set(cx, id, put, reason, outputs);
        Ok(match now {
            Some(now) => next.over(now),
            None => next,
        })
    }

    /// Ours by their names; other actions of the group are somebody else's.
    fn present(_: &Context, seen: &Seen) -> Vec<Present> {
        let ours = seen.actions.iter();
        ours.filter_map(|action| Some(Present::new(id_of(&action.name)?, &action.name)))
            .collect()
    }

    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let delete = DeleteScheduledAction {
            group: seen.group.clone(),
            action: it.physical.clone(),
        };
        Removal::send(delete, "the spec has no such time any more")
    }
}

/// Whether an earlier pass left any: a group without a schedule is not asked for one each time.
fn recorded(cx: &Context) -> bool {
    cx.records.keys().any(|id| id.kind() == ScheduledAction::NAME)
}

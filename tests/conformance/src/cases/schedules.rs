//! Scheduled actions of groups.

use windlass_calls::Class;
use windlass_calls::autoscaling::{
    DeleteScheduledAction, DescribeScheduledActions, PutScheduledUpdateGroupAction, ScheduledAction,
};
use windlass_engine::Port;

use super::autoscaling::made;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

fn put<P: Port>(place: &Place<P>, case: &str, most: u32) -> PutScheduledUpdateGroupAction {
    PutScheduledUpdateGroupAction {
        group: place.name(case),
        action: ScheduledAction {
            name: "morning".into(),
            recurrence: "0 7 1 1 MON-FRI".into(),
            time_zone: "Europe/Berlin".into(),
            min: Some(1),
            max: Some(most),
            desired: None,
        },
    }
}

async fn actions<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<ScheduledAction>, Mismatch> {
    let group = place.name(case);
    place.call(DescribeScheduledActions { group }).await
}

fn delete<P: Port>(place: &Place<P>, case: &str) -> DeleteScheduledAction {
    DeleteScheduledAction {
        group: place.name(case),
        action: "morning".into(),
    }
}

pub(super) async fn a_new_scheduled_action_shows_its_times_and_bounds<P: Port>(place: &Place<P>) -> Check {
    made(place, "schedule").await?;
    same("actions", actions(place, "schedule").await?, Vec::new())?;
    let call = put(place, "schedule", 9);
    place.call(call.clone()).await?;
    let shown = only("actions", actions(place, "schedule").await?)?;
    same("action", shown, call.action)
}

/// And two groups may each have one of a name.
pub(super) async fn a_scheduled_action_put_over_another_takes_its_place<P: Port>(place: &Place<P>) -> Check {
    made(place, "schedule-over").await?;
    made(place, "schedule-beside").await?;
    place.call(put(place, "schedule-over", 9)).await?;
    place.call(put(place, "schedule-beside", 8)).await?;
    let again = put(place, "schedule-over", 7);
    place.call(again.clone()).await?;
    let shown = only("actions", actions(place, "schedule-over").await?)?;
    same("action", shown, again.action)?;
    let beside = only("actions", actions(place, "schedule-beside").await?)?;
    same("the other group's", beside.max, Some(8))
}

pub(super) async fn a_scheduled_action_that_makes_no_sense_is_refused<P: Port>(place: &Place<P>) -> Check {
    made(place, "schedule-wrong").await?;
    let mut bounds = put(place, "schedule-wrong", 9);
    bounds.action.min = Some(10);
    let mut nothing = put(place, "schedule-wrong", 9);
    (nothing.action.min, nothing.action.max) = (None, None);
    let mut times = put(place, "schedule-wrong", 9);
    times.action.recurrence = "61 7 * * *".into();
    for call in [bounds, nothing, times] {
        place.refuses(call, Class::Terminal, "ValidationError").await?;
    }
    same("actions", actions(place, "schedule-wrong").await?, Vec::new())
}

pub(super) async fn a_missing_group_takes_no_scheduled_action<P: Port>(place: &Place<P>) -> Check {
    let call = put(place, "schedule-no-group", 9);
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_deleted_scheduled_action_is_gone<P: Port>(place: &Place<P>) -> Check {
    made(place, "schedule-gone").await?;
    place.call(put(place, "schedule-gone", 9)).await?;
    place.call(delete(place, "schedule-gone")).await?;
    same("actions", actions(place, "schedule-gone").await?, Vec::new())
}

pub(super) async fn a_scheduled_action_deleted_twice_is_not_found<P: Port>(place: &Place<P>) -> Check {
    made(place, "schedule-gone-2").await?;
    place.call(put(place, "schedule-gone-2", 9)).await?;
    place.call(delete(place, "schedule-gone-2")).await?;
    let again = delete(place, "schedule-gone-2");
    place.refuses(again, Class::Gone, "ValidationError").await
}

pub(super) async fn a_scheduled_action_of_a_missing_group_cannot_be_deleted<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = delete(place, "schedule-no-group");
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn scheduled_actions_of_a_missing_group_are_refused<P: Port>(place: &Place<P>) -> Check {
    let group = place.name("schedule-no-group");
    place
        .refuses(
            DescribeScheduledActions { group },
            Class::NotYet,
            "ValidationError",
        )
        .await
}

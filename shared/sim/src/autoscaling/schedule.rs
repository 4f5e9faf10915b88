//! Scheduled actions: at their times the group gets other bounds, and a capacity within them (rule 63).

use cronexpr::Crontab;
use jiff::Timestamp;
use windlass_calls::autoscaling::{
    DeleteScheduledAction, DescribeScheduledActions, PutScheduledUpdateGroupAction, ScheduledAction,
};

use super::{Fleet, invalid};
use crate::refusal::Answer;
use crate::world::World;

/// The process that heeds them (rule 62).
const HEEDS: &str = "ScheduledActions";
/// Most of them of one group.
const MOST: usize = 50;

/// A scheduled action, and when it comes next.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    action: ScheduledAction,
    next: Timestamp,
}

impl Fleet {
    /// The scheduled action that comes next, and when.
    pub(super) fn next_action(&self) -> Option<(Timestamp, String)> {
        let planned = self.schedule.iter();
        planned.map(|(name, planned)| (planned.next, name.clone())).min()
    }
}

impl World {
    pub(super) fn describe_schedule(
        &mut self,
        call: &DescribeScheduledActions,
    ) -> Answer<Vec<ScheduledAction>> {
        let planned = self.named_fleet(&call.group)?.schedule.values();
        Ok(planned.map(|planned| planned.action.clone()).collect())
    }

    pub(super) fn put_action(&mut self, call: &PutScheduledUpdateGroupAction) -> Answer<()> {
        let (action, now) = (&call.action, self.clock);
        let fleet = self.named_fleet_mut(&call.group)?;
        if (action.min, action.max, action.desired) == (None, None, None) {
            return Err(invalid(
                "At least one of MinSize, MaxSize and DesiredCapacity must be given".into(),
            ));
        }
        if let (Some(min), Some(max)) = (action.min, action.max)
            && min > max
        {
            return Err(invalid(
                "Min value must be less than or equal to Max value".into(),
            ));
        }
        if fleet.schedule.len() >= MOST && !fleet.schedule.contains_key(&action.name) {
            return Err(invalid(format!("A group has at most {MOST} scheduled actions")));
        }
        let next = crontab(action).and_then(|crontab| next(&crontab, now));
        let Some(next) = next else {
            return Err(invalid("Given recurrence string is invalid".into()));
        };
        let planned = Planned {
            action: action.clone(),
            next,
        };
        fleet.schedule.insert(action.name.clone(), planned);
        Ok(())
    }

    pub(super) fn delete_action(&mut self, call: &DeleteScheduledAction) -> Answer<()> {
        let fleet = self.named_fleet_mut(&call.group)?;
        match fleet.schedule.remove(&call.action) {
            Some(_) => Ok(()),
            None => Err(invalid("Scheduled action name not found".into())),
        }
    }

    /// The time of an action has come.
    pub(super) fn take_action(&mut self, group: &str, name: &str, at: Timestamp) {
        let Some(fleet) = self.autoscaling.groups.get_mut(group) else {
            return;
        };
        let heeded = !fleet.suspended.contains(HEEDS);
        let Some(planned) = fleet.schedule.get_mut(name) else {
            return;
        };
        let action = planned.action.clone();
        planned.next = crontab(&action)
            .and_then(|crontab| next(&crontab, at))
            .unwrap_or(Timestamp::MAX);
        if !heeded {
            return;
        }
        let settings = &mut fleet.settings;
        settings.min = action.min.unwrap_or(settings.min);
        settings.max = action.max.unwrap_or(settings.max).max(settings.min);
        let desired = action.desired.unwrap_or(fleet.desired);
        fleet.desired = desired.clamp(settings.min, settings.max);
    }
}

fn crontab(action: &ScheduledAction) -> Option<Crontab> {
    let ScheduledAction {
        recurrence,
        time_zone,
        ..
    } = action;
    cronexpr::parse_crontab(&format!("{recurrence} {time_zone}")).ok()
}

fn next(crontab: &Crontab, after: Timestamp) -> Option<Timestamp> {
    crontab.find_next(after).ok().map(|at| at.timestamp())
}

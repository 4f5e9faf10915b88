//! An instance's place in a group.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::autoscaling::Instance;

use super::hook::Hold;
use crate::config::WorldConfig;
use crate::ec2::Machine;
use crate::time::after;

/// Until the group notices that an instance was stopped or terminated behind its back.
const NOTICED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What a group keeps of one of its instances.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(super) group: String,
    /// When the group gave up on it.
    pub(super) marked: Option<Timestamp>,
    /// It was given up while it was well: at risk, or spot where it should be on demand, or the other way round.
    pub(super) well: bool,
    /// When the group started to terminate it.
    pub(super) leaving: Option<Timestamp>,
    /// What holds it on its way in.
    pub(super) launching: Option<Hold>,
    /// The event bus was told of that.
    pub(super) announced: bool,
    /// What holds it on its way out.
    pub(super) terminating: Option<Hold>,
}

/// A member and its instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat<'a> {
    pub(super) member: &'a Member,
    pub(crate) machine: &'a Machine,
}

impl Member {
    /// A new member of a group.
    pub(super) fn new(group: &str, launching: Option<Hold>) -> Self {
        Self {
            group: group.to_owned(),
            marked: None,
            well: false,
            leaving: None,
            launching,
            announced: false,
            terminating: None,
        }
    }

    /// Whether a hook gave it up on its way in: it goes at once.
    pub(super) fn is_abandoned(&self) -> bool {
        let given_up = self.launching.as_ref().and_then(Hold::abandoned_at);
        given_up.is_some_and(|at| self.leaving.is_some_and(|leaving| at <= leaving))
    }
}

impl Seat<'_> {
    /// Whether it is being deregistered from its target groups.
    pub(crate) fn is_leaving(&self) -> bool {
        self.member.leaving.is_some() || !self.machine.is_live()
    }

    /// When its group began to let it go.
    pub(crate) fn left(&self) -> Option<Timestamp> {
        self.member.leaving
    }

    /// Whether the group counts on it.
    pub(super) fn counts(&self) -> bool {
        self.member.marked.is_none() && self.member.leaving.is_none()
    }

    /// When it is, or will be, in service and registered: the group registers, then marks it (rule 60).
    pub(crate) fn in_service_from(&self, config: &WorldConfig) -> Timestamp {
        let ready = after(self.machine.launched(), config.in_service_delay);
        let ready = ready.max(self.machine.running_from(config));
        match &self.member.launching {
            Some(hold) if hold.abandoned_at().is_some() => Timestamp::MAX,
            Some(hold) => ready.max(hold.released_at()),
            None => ready,
        }
    }

    /// When the group notices that it is stopped or gone.
    pub(super) fn noticed_down(&self) -> Option<Timestamp> {
        self.machine.down_since().map(|down| after(down, NOTICED_AFTER))
    }

    /// As the group shows it.
    pub(super) fn shown(&self, config: &WorldConfig, now: Timestamp) -> Instance {
        let lifecycle_state = if self.member.leaving.is_some() {
            self.leave_wait(now).unwrap_or("Terminating")
        } else if now < self.in_service_from(config) {
            self.launch_wait(now).unwrap_or("Pending")
        } else {
            "InService"
        };
        let health = if self.member.marked.is_some() && !self.member.well {
            "Unhealthy"
        } else {
            "Healthy"
        };
        Instance {
            id: self.machine.id().to_owned(),
            zone: self.machine.zone().to_owned(),
            lifecycle_state: lifecycle_state.into(),
            health: health.into(),
        }
    }
}

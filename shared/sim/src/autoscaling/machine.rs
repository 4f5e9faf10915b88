//! An instance of a group. Its times decide its states.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::autoscaling::Instance;

use crate::config::WorldConfig;
use crate::time::after;

/// Until the group notices that an instance was terminated behind its back.
const NOTICED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// An instance.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) subnet: String,
    pub(super) zone: String,
    pub(super) tags: Tags,
    pub(super) launched: Timestamp,
    /// Its application will answer: it was not broken, and the instance reached the internet at its launch.
    pub(super) works: bool,
    /// When its application stopped answering.
    pub(super) sick: Option<Timestamp>,
    /// When it was terminated behind the group's back.
    pub(super) dead: Option<Timestamp>,
    /// When the group gave up on it.
    pub(super) marked: Option<Timestamp>,
    /// When the group started to terminate it.
    pub(super) leaving: Option<Timestamp>,
}

impl Machine {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The group it belongs to.
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// Terminates it behind its group's back; `false` if that has happened already.
    pub(crate) fn die(&mut self, now: Timestamp) -> bool {
        let lives = self.dead.is_none();
        self.dead.get_or_insert(now);
        lives
    }

    /// Makes its application stop answering.
    pub(crate) fn fail(&mut self, now: Timestamp) {
        self.sick.get_or_insert(now);
    }

    /// Whether it is being deregistered from its target groups.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some() || self.dead.is_some()
    }

    /// Whether it exists in EC2.
    pub(crate) fn is_live(&self) -> bool {
        self.dead.is_none()
    }

    /// Whether the group counts on it.
    pub(super) fn counts(&self) -> bool {
        self.marked.is_none() && self.leaving.is_none()
    }

    /// When it is, or will be, in service and registered: the group registers, then marks it (rule 60).
    pub(crate) fn in_service_from(&self, config: &WorldConfig) -> Timestamp {
        after(self.launched, config.in_service_delay)
    }

    /// When its application answers; `None` if it never will.
    pub(crate) fn answers_from(&self, config: &WorldConfig) -> Option<Timestamp> {
        self.works.then(|| after(self.launched, config.boot_delay))
    }

    /// When its application stopped answering.
    pub(crate) fn fails_from(&self) -> Option<Timestamp> {
        self.sick
    }

    /// When the group notices that it is gone.
    pub(super) fn noticed_dead(&self) -> Option<Timestamp> {
        self.dead.map(|dead| after(dead, NOTICED_AFTER))
    }

    /// As the group shows it.
    pub(super) fn shown(&self, config: &WorldConfig, now: Timestamp) -> Instance {
        let lifecycle_state = if self.leaving.is_some() {
            "Terminating"
        } else if now < self.in_service_from(config) {
            "Pending"
        } else {
            "InService"
        };
        Instance {
            id: self.id.clone(),
            zone: self.zone.clone(),
            lifecycle_state: lifecycle_state.into(),
            health: if self.marked.is_some() {
                "Unhealthy"
            } else {
                "Healthy"
            }
            .into(),
        }
    }
}

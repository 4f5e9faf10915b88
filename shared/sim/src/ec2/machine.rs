//! An instance, whoever launched it. Its times decide its states.

use jiff::{SignedDuration, Timestamp};
use windlass_calls::Tags;
use windlass_calls::ec2::Instance;

use super::SHOWN_FOR;
use crate::config::WorldConfig;
use crate::time::after;

/// From the order to stop or terminate until it has happened.
const GOES_DOWN_IN: SignedDuration = SignedDuration::from_secs(30);
/// Why instances that somebody stopped or terminated are in that state.
const BY_USER: &str = "Client.UserInitiatedShutdown: User initiated shutdown";

/// Why those are that EC2 took back.
const BY_EC2: &str = "Server.SpotInstanceTermination: Spot instance termination";

/// An instance.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub(crate) struct Machine {
    pub(super) id: String,
    pub(super) instance_type: String,
    /// It is a spot instance.
    pub(super) spot: bool,
    /// When EC2 takes it back, once that is said.
    pub(super) reclaimed: Option<Timestamp>,
    pub(super) vpc: String,
    pub(super) subnet: String,
    pub(super) zone: String,
    /// Launch template id and version that it was made from.
    pub(super) template: (String, u64),
    pub(super) security_groups: Vec<String>,
    /// It has a public address.
    pub(super) public: bool,
    pub(super) tags: Tags,
    pub(super) launched: Timestamp,
    /// Its application will answer: it was not broken, and the instance reached the internet at its launch.
    pub(super) works: bool,
    /// It reached Systems Manager at its launch: over the internet, or by an endpoint in its VPC (rule 42).
    pub(super) managed: bool,
    /// When its application stopped answering.
    pub(super) sick: Option<Timestamp>,
    /// When somebody stopped it.
    pub(super) stopped: Option<Timestamp>,
    /// When somebody, or its group, terminated it.
    pub(super) terminated: Option<Timestamp>,
}

impl Machine {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn subnet(&self) -> &str {
        &self.subnet
    }

    pub(crate) fn zone(&self) -> &str {
        &self.zone
    }

    pub(crate) fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Its tags, to change.
    pub(super) fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }

    /// Its type, `t3.micro`.
    pub(crate) fn instance_type(&self) -> &str {
        &self.instance_type
    }

    /// Whether it is a spot instance.
    pub(crate) fn is_spot(&self) -> bool {
        self.spot
    }

    /// When EC2 takes it back, once that is said.
    pub(crate) fn reclaimed_from(&self) -> Option<Timestamp> {
        self.reclaimed
    }

    /// Gives a spot instance its notice, and answers its zone; `None` if it has it already, or lives no more.
    pub(crate) fn warn(&mut self, reclaimed: Timestamp) -> Option<&str> {
        let first = self.spot && self.is_live() && self.reclaimed.is_none();
        if first {
            self.reclaimed = Some(reclaimed);
        }
        first.then_some(&self.zone)
    }

    /// Id of the launch template that it was made from.
    pub(crate) fn launch_template(&self) -> &str {
        &self.template.0
    }

    /// The launch template's version that it was made from.
    pub(crate) fn version(&self) -> u64 {
        self.template.1
    }

    /// When it was launched.
    pub(crate) fn launched(&self) -> Timestamp {
        self.launched
    }

    /// Terminates it; `false` if that has happened already.
    pub(crate) fn terminate(&mut self, now: Timestamp) -> bool {
        let lives = self.terminated.is_none();
        self.terminated.get_or_insert(now);
        lives
    }

    /// Stops it; `false` if it is stopped or terminated already.
    pub(crate) fn stop(&mut self, now: Timestamp) -> bool {
        let runs = self.is_up();
        if runs {
            self.stopped = Some(now);
        }
        runs
    }

    /// Makes its application stop answering.
    pub(crate) fn fail(&mut self, now: Timestamp) {
        self.sick.get_or_insert(now);
    }

    /// Whether it exists: it was not terminated.
    pub(crate) fn is_live(&self) -> bool {
        self.terminated.is_none()
    }

    /// Whether nobody stopped or terminated it.
    pub(crate) fn is_up(&self) -> bool {
        self.down_since().is_none()
    }

    /// When it was terminated.
    pub(crate) fn terminated(&self) -> Option<Timestamp> {
        self.terminated
    }

    /// When it was stopped or terminated.
    pub(crate) fn down_since(&self) -> Option<Timestamp> {
        self.stopped.or(self.terminated)
    }

    /// When it is, or will be, running.
    pub(crate) fn running_from(&self, config: &WorldConfig) -> Timestamp {
        after(self.launched, config.running_delay)
    }

    /// Whether it runs.
    pub(crate) fn runs(&self, config: &WorldConfig, now: Timestamp) -> bool {
        self.state(config, now) == "running"
    }

    /// When its application answers; `None` if it never will.
    pub(crate) fn answers_from(&self, config: &WorldConfig) -> Option<Timestamp> {
        self.works.then(|| after(self.launched, config.boot_delay))
    }

    /// Whether its SSM agent can register.
    pub(crate) fn reaches_ssm(&self) -> bool {
        self.managed
    }

    /// When its application stopped answering.
    pub(crate) fn fails_from(&self) -> Option<Timestamp> {
        self.sick
    }

    /// Whether it still has its network interface.
    pub(super) fn is_connected(&self, now: Timestamp) -> bool {
        self.terminated
            .is_none_or(|since| now < after(since, GOES_DOWN_IN))
    }

    fn state(&self, config: &WorldConfig, now: Timestamp) -> &'static str {
        let gone = |since| after(since, GOES_DOWN_IN) <= now;
        match (self.terminated, self.stopped) {
            (Some(since), _) if gone(since) => "terminated",
            (Some(_), _) => "shutting-down",
            (None, Some(since)) if gone(since) => "stopped",
            (None, Some(_)) => "stopping",
            (None, None) if now < self.running_from(config) => "pending",
            (None, None) => "running",
        }
    }

    fn ended_by(&self) -> &'static str {
        let by_ec2 = self.reclaimed.is_some() && self.terminated == self.reclaimed;
        if by_ec2 { BY_EC2 } else { BY_USER }
    }

    /// Whether a describe still shows it.
    pub(super) fn listed(&self, now: Timestamp) -> bool {
        self.terminated.is_none_or(|ended| now < after(ended, SHOWN_FOR))
    }

    /// As EC2 shows it.
    pub(super) fn at(&self, config: &WorldConfig, now: Timestamp) -> Instance {
        let state = self.state(config, now);
        let there = state != "terminated";
        let subnet = if there { self.subnet.as_str() } else { "" };
        let security_groups = self.security_groups.iter().filter(|_| there);
        Instance {
            id: self.id.clone(),
            instance_type: self.instance_type.clone(),
            state: state.into(),
            state_reason: (!self.is_up()).then(|| self.ended_by().into()),
            launched: Some(self.launched().as_second()),
            subnet: subnet.into(),
            security_groups: security_groups.cloned().collect(),
            spot: self.spot,
            tags: self.tags.clone(),
        }
    }
}

//! The evidence as the rules ask for it.
//!
//! Guarantees: the console is read once. Each question answers `None` where the evidence for it is missing.

use super::console::Signs;
use super::evidence::{Agent, Evidence, Runtime, Socket};
use super::text::name;

/// Evidence, with the signs of its console.
pub(super) struct Seen<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) signs: Signs,
}

impl<'a> Seen<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let console = evidence.console.as_deref().unwrap_or_default();
        Self {
            evidence,
            signs: Signs::read(console.as_bytes()),
        }
    }

    /// The load balancer's reason code.
    pub(super) fn reason(&self) -> Option<&'a str> {
        self.evidence.target.as_ref()?.reason.as_deref()
    }

    /// State of the instance.
    pub(super) fn instance_state(&self) -> Option<&'a str> {
        self.evidence.instance.as_ref()?.state.as_deref()
    }

    /// Code of the reason why it ended or is about to, `Client.InternalError`.
    pub(super) fn state_code(&self) -> Option<&'a str> {
        if matches!(self.instance_state(), Some("pending" | "running")) {
            return None;
        }
        name(self.evidence.instance.as_ref()?.state_reason.as_deref()?)
    }

    /// Id of the instance, to be put into a command.
    pub(super) fn instance(&self) -> Option<&'a str> {
        name(self.evidence.instance.as_ref()?.id.as_deref()?)
    }

    /// What the spec runs.
    pub(super) fn runtime(&self) -> Option<&'a Runtime> {
        self.evidence.asked.as_ref()?.runtime.as_ref()
    }

    /// Port that is checked: of the target group, and else the one that the spec asks for.
    pub(super) fn port(&self) -> Option<u16> {
        let checked = self.evidence.check.as_ref().and_then(|check| check.port);
        checked.or_else(|| self.evidence.asked.as_ref()?.port)
    }

    pub(super) fn agent(&self) -> Option<&'a Agent> {
        self.evidence.agent.as_ref()
    }

    /// Sockets that listen.
    pub(super) fn listening(&self) -> Option<&'a [Socket]> {
        self.agent()?.listening.as_deref()
    }

    /// Whether something listens on the port that is checked, for others than the instance itself.
    pub(super) fn port_is_open(&self) -> Option<bool> {
        let port = self.port()?;
        Some(
            self.listening()?
                .iter()
                .any(|socket| socket.port == port && !socket.is_loopback()),
        )
    }

    /// `nothing listens on port 80: `, where that was seen.
    pub(super) fn consequence(&self) -> String {
        match (self.port_is_open(), self.port()) {
            (Some(false), Some(port)) => format!("nothing listens on port {port}: "),
            _ => String::new(),
        }
    }
}

impl Socket {
    /// Reached from the instance itself only.
    pub(super) fn is_loopback(&self) -> bool {
        self.address.starts_with("127.") || matches!(self.address.as_str(), "[::1]" | "::1" | "localhost")
    }
}

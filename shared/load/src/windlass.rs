//! Windlass's own decision as a scaler.

use windlass_scaling::{Memory, Policy, decide};

use crate::simulation::{Scaler, View};

/// What the scale function does, under simulated load.
#[derive(Debug, Clone)]
pub struct Windlass {
    policy: Policy,
    memory: Memory,
}

impl Windlass {
    /// One with this policy, that remembers nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            memory: Memory::default(),
        }
    }
}

impl Scaler for Windlass {
    fn name(&self) -> String {
        "Windlass".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let decision = decide(&self.policy, &view.observation, &self.memory);
        self.memory = decision.after;
        (decision.to, decision.reason)
    }
}

//! Windlass's own decision as a scaler.

use windlass_scaling::{Decision, Memory, Policy, decide};

use crate::simulation::{Scaler, View};

/// What the scale function does, under simulated load.
#[derive(Debug, Clone)]
pub struct Windlass {
    policy: Policy,
    memory: Memory,
    /// Every decision, in order.
    pub decisions: Vec<Decision>,
}

impl Windlass {
    /// One with this policy, that remembers nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            memory: Memory::default(),
            decisions: Vec::new(),
        }
    }
}

impl Scaler for Windlass {
    fn name(&self) -> String {
        "Windlass".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let decision = decide(&self.policy, &view.observation, &self.memory);
        self.memory = decision.after.clone();
        let answer = (decision.to, decision.reason.clone());
        self.decisions.push(decision);
        answer
    }
}

//! The calls that move instances: into the probe target group and out of it, and out of their wait.

use windlass_calls::autoscaling::{
    CompleteLifecycleAction, DescribeAutoScalingGroups, HookResult, RecordLifecycleActionHeartbeat,
};
use windlass_calls::elb::{DeregisterTargets, RegisterTargets};
use windlass_calls::{CallError, Class};

use super::look::Session;
use crate::port::Port;

impl<P: Port> Session<'_, P> {
    /// Registers all at once. Those that do not run yet would keep all others out, and are named: they come later (rule 60).
    pub(super) async fn register(&self, probe: &str, mut targets: Vec<String>) {
        while !targets.is_empty() {
            let register = RegisterTargets {
                target_group: probe.to_owned(),
                targets: targets.clone(),
            };
            let Err(error) = self.port.call(register).await else {
                return;
            };
            let before = targets.len();
            targets.retain(|id| !error.message.contains(id.as_str()));
            if error.code != "InvalidTarget" || targets.len() == before {
                return;
            }
        }
    }

    /// Takes targets out. What stays in is found as a leftover.
    pub(super) async fn deregister(&self, probe: &str, targets: Vec<String>) {
        if targets.is_empty() {
            return;
        }
        let target_group = probe.to_owned();
        let leave = DeregisterTargets {
            target_group,
            targets,
        };
        drop(self.port.call(leave).await);
    }

    /// Ends a wait. One that has ended already is done (rule 16), and so is one in a group that is gone.
    pub(super) async fn complete(
        &self,
        group: &str,
        hook: &str,
        id: &str,
        result: HookResult,
    ) -> Result<(), CallError> {
        let complete = CompleteLifecycleAction {
            group: group.to_owned(),
            hook: hook.to_owned(),
            instance: id.to_owned(),
            result,
        };
        match self.port.call(complete).await {
            Err(error) if error.class == Class::NotYet => {
                let names = vec![group.to_owned()];
                let groups = self.port.call(DescribeAutoScalingGroups { names }).await?;
                if groups.is_empty() { Ok(()) } else { Err(error) }
            }
            Err(error) if error.class != Class::Gone => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) async fn heartbeat(&self, group: &str, hook: &str, id: &str) -> Result<(), CallError> {
        let beat = RecordLifecycleActionHeartbeat {
            group: group.to_owned(),
            hook: hook.to_owned(),
            instance: id.to_owned(),
        };
        self.port.call(beat).await
    }
}

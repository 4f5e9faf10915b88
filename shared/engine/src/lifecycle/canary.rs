//! One instance of a suspended group, launched for a try: what was wrong may have been elsewhere (rule 62).
//!
//! A group that may launch again launches all that are missing. So its memory is told how many it wanted, then it is made to
//! want one more than it has, and only then may it launch. Once it is known what becomes of that one, it wants again what it
//! wanted, or more if somebody asked for more meanwhile. It never wants fewer than it has, so nobody is taken away.
//!
//! Dying in between: before it launches, the next look begins again, and how many it wanted is known. After that the memory
//! has it that it is on trial. A memory that is lost leaves `min` too low, which the provision function puts right.

use windlass_calls::CallError;
use windlass_calls::autoscaling::{Group, GroupChange, ResumeProcesses, UpdateAutoScalingGroup};
use windlass_spec::{Scaling, StackId};

use super::document::Readiness;
use super::look::{LAUNCH, Session};
use crate::pass::PassError;
use crate::port::Port;
use crate::recorded::Recorded;

impl<P: Port> Session<'_, P> {
    /// Has a suspended group launch one instance when the time for that has come; if none gets healthy, it is suspended
    /// again, for longer. Another version of the spec has rounds of its own. Answers whether it may launch now.
    pub(super) async fn try_again(
        &self,
        stack: &StackId,
        document: &mut Readiness,
    ) -> Result<bool, PassError> {
        let now = self.clock.now();
        let due = document
            .suspended
            .clone()
            .filter(|suspended| now >= suspended.until);
        let Some(suspended) = due else {
            return Ok(false);
        };
        let Some(recorded) = self.store.recorded(stack).await?.filter(Recorded::stays) else {
            document.suspended = None;
            document.canary = None;
            return Ok(false);
        };
        let Some((_, group)) = self.group(&document.group).await? else {
            // The version that failed was given up, and its group with it.
            document.leave_alone();
            return Ok(false);
        };
        let name = group.settings.name.clone();
        if recorded.state.spec_version == suspended.spec_version {
            let (version, wanted) = (&suspended.spec_version, group.desired);
            let begin = |document: &mut Readiness| document.begin_canary(version, wanted, now);
            if one_more(&group) < wanted {
                if !self.claim(stack, document, begin).await? {
                    return Ok(false);
                }
                self.resize(&name, one_more_at_most(&group)).await?;
            }
            self.let_launch(name).await?;
            document.try_again(now);
        } else {
            self.let_launch(name).await?;
            document.suspended = None;
        }
        Ok(true)
    }

    /// Has the group want again what it wanted, once it is known what becomes of the one that was tried. What fails is left
    /// to the next look.
    pub(super) async fn end_canary(&self, stack: &StackId, document: &mut Readiness) {
        if document.canary_is_over(self.clock.now()) && self.give_back(stack, document).await.is_ok() {
            document.canary = None;
        } else if let Some(canary) = &mut document.canary {
            canary.over |= document.memory.waiting.is_empty() && self.clock.now() >= canary.until;
        }
    }

    async fn give_back(&self, stack: &StackId, document: &Readiness) -> Result<(), PassError> {
        let wanted = document.canary.as_ref().map_or(0, |canary| canary.desired);
        let recorded = self.store.recorded(stack).await?.filter(Recorded::stays);
        let group = self.group(&document.group).await?;
        let (Some(recorded), Some((_, group))) = (recorded, group) else {
            return Ok(());
        };
        let Scaling { min, max, .. } = recorded.state.spec.scaling;
        let change = GroupChange {
            min: Some(min),
            desired: Some(wanted.max(group.desired).clamp(min, max.max(min))),
            ..GroupChange::default()
        };
        Ok(self.resize(&group.settings.name, change).await?)
    }

    async fn resize(&self, group: &str, change: GroupChange) -> Result<(), CallError> {
        let update = UpdateAutoScalingGroup {
            group: group.to_owned(),
            change: Box::new(change),
        };
        self.port.call(update).await
    }

    async fn let_launch(&self, group: String) -> Result<(), CallError> {
        let processes = vec![LAUNCH.into()];
        self.port.call(ResumeProcesses { group, processes }).await
    }
}

/// One more than the group has; who leaves does not count (rule 7).
fn one_more(group: &Group) -> u32 {
    let stays = group
        .instances
        .iter()
        .filter(|instance| !instance.lifecycle_state.starts_with("Terminat"));
    u32::try_from(stays.count() + 1).unwrap_or(u32::MAX)
}

/// The change after which the group launches one instance, and no more.
fn one_more_at_most(group: &Group) -> GroupChange {
    let wanted = one_more(group);
    GroupChange {
        min: (group.settings.min > wanted).then_some(wanted),
        desired: Some(wanted),
        ..GroupChange::default()
    }
}

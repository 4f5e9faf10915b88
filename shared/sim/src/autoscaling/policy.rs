//! Step scaling policies: what an alarm that names one does to a group's capacity, each minute while it stays in `ALARM`
//! (rule 1). One that adds leaves out what warms up, so that its steps do not pile up; one that removes waits for it (rule 6).

use jiff::Timestamp;
use windlass_calls::autoscaling::{
    DeletePolicy, DescribePolicies, Policy, PolicyArn, PutScalingPolicy, Step,
};

use super::{LAUNCH, invalid};
use crate::refusal::Answer;
use crate::time::seconds_after;
use crate::world::World;

/// The process that lets alarms change the capacity (rule 62).
const ALARMS: &str = "AlarmNotification";
/// The process that terminates instances: suspended, alarms take none away, as they add none while launches are.
const TERMINATE: &str = "Terminate";

impl World {
    pub(super) fn describe_policies(&mut self, call: &DescribePolicies) -> Answer<Vec<Policy>> {
        Ok(self
            .named_fleet(&call.group)?
            .policies
            .values()
            .cloned()
            .collect())
    }

    pub(super) fn put_policy(&mut self, call: &PutScalingPolicy) -> Answer<PolicyArn> {
        let (group, settings) = (&call.group, &call.policy);
        check(&settings.steps)?;
        let earlier = self.named_fleet(group)?.policies.get(&settings.name);
        let arn = if let Some(policy) = earlier {
            policy.arn.clone()
        } else {
            let number = self.next_number("scaling-policy");
            let name = &settings.name;
            let resource =
                format!("scalingPolicy:{number:08x}:autoScalingGroupName/{group}:policyName/{name}");
            self.arn("autoscaling", &resource)
        };
        let policy = Policy {
            arn: arn.clone(),
            settings: settings.clone(),
        };
        let fleet = self.named_fleet_mut(group)?;
        fleet.policies.insert(settings.name.clone(), policy);
        Ok(PolicyArn(arn))
    }

    pub(super) fn delete_policy(&mut self, call: &DeletePolicy) -> Answer<()> {
        let fleet = self.named_fleet_mut(&call.group)?;
        match fleet.policies.remove(&call.policy) {
            Some(_) => Ok(()),
            None => Err(invalid(format!("Policy name not found: {}", call.policy))),
        }
    }

    /// Runs the policy with this ARN, if there is one, at this distance of the metric from the threshold.
    pub(crate) fn run_policy(&mut self, arn: &str, distance: f64, now: Timestamp) {
        let named = |policy: &&Policy| policy.arn == arn;
        let found = self.autoscaling.groups.all().find_map(|fleet| {
            let policy = fleet.policies.values().find(named)?;
            Some((fleet.name().to_owned(), policy.settings.clone()))
        });
        let Some((group, policy)) = found else {
            return;
        };
        let Some(fleet) = self.autoscaling.groups.get(&group) else {
            return;
        };
        let suspended = |process: &str| fleet.suspended.contains(process);
        let (can_grow, can_shrink) = (!suspended(LAUNCH), !suspended(TERMINATE));
        if suspended(ALARMS) {
            return;
        }
        let (settings, desired) = (&fleet.settings, fleet.desired);
        let (mut warm, mut warming) = (0, 0);
        for seat in self.seats_of(&group).filter(|seat| seat.member.leaving.is_none()) {
            let serves = seat.in_service_from(&self.config);
            let is_warm = serves != Timestamp::MAX && seconds_after(serves, settings.warmup) <= now;
            *(if is_warm { &mut warm } else { &mut warming }) += 1;
        }
        let change = policy.change(warm, distance);
        let wanted = u32::try_from((i64::from(warm) + change).max(0)).unwrap_or(u32::MAX);
        let wanted = if change > 0 && can_grow {
            wanted.max(desired)
        } else if change < 0 && warming == 0 && can_shrink {
            wanted.min(desired)
        } else {
            desired
        };
        let wanted = wanted.clamp(settings.min, settings.max.max(settings.min));
        if wanted != desired
            && let Some(fleet) = self.autoscaling.groups.get_mut(&group)
        {
            fleet.desired = wanted;
            self.run_groups(now);
        }
    }
}

/// Steps cover a span without a gap and without an overlap, each a part of it.
fn check(steps: &[Step]) -> Answer<()> {
    if steps.is_empty() {
        return Err(invalid(
            "At least one StepAdjustment must be specified for policy type: StepScaling".into(),
        ));
    }
    let is_span = |step: &Step| match (step.from, step.to) {
        (None, None) => steps.len() == 1,
        (Some(from), Some(to)) => from < to,
        _ => true,
    };
    let follows = |pair: &[Step]| pair[0].to.is_some() && pair[0].to == pair[1].from;
    if steps.iter().all(is_span) && steps.windows(2).all(follows) {
        return Ok(());
    }
    Err(invalid(
        "StepAdjustment intervals must not overlap, and must have no gap between them".into(),
    ))
}

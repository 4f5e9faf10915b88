//! The decision.

use std::fmt::Write;

use crate::decision::{Decision, Rule};
use crate::wish::{Want, Wish, is_silent, wish};
use crate::{Fleet, Memory, Observation, Policy};

/// Decides how many instances a group should have.
#[must_use]
pub fn decide(policy: &Policy, observation: &Observation, memory: &Memory) -> Decision {
    let behavior = &policy.behavior;
    let alone = policy.metrics.iter().all(|metric| is_silent(metric, observation));
    let wishes: Vec<Wish> = policy
        .metrics
        .iter()
        .map(|metric| wish(metric, observation, behavior, alone))
        .collect();
    let mut after = memory.clone();
    after.follow(observation, behavior.stabilization);
    let heard = wishes.iter().filter(|wish| wish.want != Want::Abstain);
    if let Some(needed) = heard.filter_map(|wish| wish.needed).max() {
        after.needed.push((observation.at, needed));
    }
    let fleet = observation.fleet;
    let (to, rule) = judge(policy, observation, &wishes, &after);
    if to < fleet.desired && rule == Rule::In {
        after.removed = Some(observation.at);
    }
    after.desired = Some(to);
    Decision {
        at: observation.at,
        from: fleet.desired,
        to,
        reason: in_words(fleet, to, &rule, &wishes),
        rule,
        wishes,
        policy: policy.clone(),
        observation: observation.clone(),
        memory: memory.clone(),
        after,
    }
}

fn judge(policy: &Policy, observation: &Observation, wishes: &[Wish], memory: &Memory) -> (u32, Rule) {
    let fleet = observation.fleet;
    let Fleet { min, desired, .. } = fleet;
    let max = fleet.max.max(min);
    let within = desired.clamp(min, max);
    if within != desired {
        return (within, Rule::Bounds);
    }
    let step = policy.behavior.max_step.unwrap_or(u32::MAX);
    let most = wishes.iter().filter_map(|wish| match wish.want {
        Want::Out(more) => Some((more, wish)),
        _ => None,
    });
    if let Some((more, wish)) = most.max_by_key(|(more, _)| *more) {
        let to = more.min(desired.saturating_add(step)).min(max);
        if to == desired {
            return (desired, Rule::AtMax);
        }
        return (to, Rule::Out(wish.metric.clone()));
    }
    match fewer(policy, observation, wishes, memory) {
        Ok(Some(_)) if desired == min => (desired, Rule::AtMin),
        Ok(Some(fewer)) => (fewer.max(desired.saturating_sub(step)).max(min), Rule::In),
        Ok(None) => (desired, Rule::Enough),
        Err(rule) => (desired, rule),
    }
}

/// Fewer instances that are enough, or what stands in the way of them.
fn fewer(
    policy: &Policy,
    observation: &Observation,
    wishes: &[Wish],
    memory: &Memory,
) -> Result<Option<u32>, Rule> {
    let (at, fleet, behavior) = (observation.at, observation.fleet, &policy.behavior);
    let asked = wishes.iter().filter_map(|wish| match wish.want {
        Want::In(fewer) => Some(fewer),
        _ => None,
    });
    let Some(fewer) = asked.max() else {
        return Ok(None);
    };
    let named = |want: Want| wishes.iter().find(|wish| wish.want == want);
    if let Some(unknown) = named(Want::Unknown) {
        return Err(Rule::Unknown(unknown.metric.clone()));
    }
    if let Some(other) = named(Want::Hold) {
        return Err(Rule::Disagreement(other.metric.clone()));
    }
    if fleet.coming > 0 {
        return Err(Rule::Coming);
    }
    if memory
        .removed
        .is_some_and(|removed| at.duration_since(removed) < behavior.cooldown)
    {
        return Err(Rule::Cooldown);
    }
    // Also by what nobody looked at when it was.
    let heard = wishes.iter().filter(|wish| wish.want != Want::Abstain);
    let lately = heard.map(|wish| wish.lately).max().unwrap_or_default();
    let least = fewer.max(memory.most_needed()).max(lately);
    if least >= fleet.desired {
        return Err(Rule::Stabilizing);
    }
    let least = least.max(memory.asked_for_by_others(at, behavior.warm_up));
    if least >= fleet.desired {
        return Err(Rule::Foreign);
    }
    Ok(Some(least))
}

/// From how many to how many, and why.
fn in_words(fleet: Fleet, to: u32, rule: &Rule, wishes: &[Wish]) -> String {
    let Fleet {
        desired,
        ready,
        coming,
        ..
    } = fleet;
    let mut words = if to == desired {
        format!("stays at {desired}")
    } else {
        format!("{desired} → {to}")
    };
    // Writing to a string does not fail.
    let _ = write!(words, ": {rule} ({ready} ready, {coming} on their way");
    for wish in wishes {
        let Wish {
            metric, want, value, ..
        } = wish;
        let value = value.map_or_else(|| "missing".to_owned(), |value| format!("{value:.1}"));
        let _ = match want {
            Want::Out(more) if wish.needed.is_none() => {
                write!(
                    words,
                    "; {metric} {value}, rising, and nothing is heard of it since: {more}"
                )
            }
            Want::Out(more) => write!(words, "; {metric} {value}: {more}"),
            Want::In(fewer) => write!(words, "; {metric} {value}: {fewer} would do"),
            Want::Unknown => write!(words, "; {metric} {value}: cannot be told"),
            Want::Hold | Want::Abstain => write!(words, "; {metric} {value}"),
        };
    }
    words.push(')');
    words
}

//! A load that the stack cannot take, and its end: the group grows and shrinks, with the reasons.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use windlass_archive::spec_text;
use windlass_calls::autoscaling::{DescribeAutoScalingGroups, Group};
use windlass_engine::{Phase, Port, ScalingEntry};
use windlass_spec::{Breach, Goal, Measure, Metric, Spec, decode};

use super::{Demo, key};
use crate::cloud::{self, Look};
use crate::specfile::{self, SpecFile};
use crate::traffic::Traffic;
use crate::{End, Failure, explain, report};

/// How much of the instances the load uses: too much for them, and not so much that nobody could say how much.
const USED: f64 = 0.9;
/// Requests that are sent at least.
const LEAST: usize = 1000;
/// Instances that the group may have more than it begins with.
const ROOM: u32 = 3;
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Looks until somebody is told how far it is.
const LOOKS_TOLD: u32 = 10;

impl Demo<'_> {
    /// Sends requests until the group has grown and what is new serves, and waits until it has shrunk again. Each instance has
    /// to have got as many as the others, within a tenth.
    pub(super) async fn load(&mut self) -> Result<End, Failure> {
        let Some(capacity) = self.args.requests_per_second else {
            writeln!(
                self.out,
                "What an instance can take is not known: scaling is left out. --requests-per-second says it.\n"
            )?;
            return Ok(End::Well);
        };
        let file = specfile::read(&self.args.spec, Some(&self.args.stack))?;
        let key = key(&file.stack);
        let spec = decode(&file.stack, &file.text).map_err(|errors| errors.to_string())?;
        writeln!(
            self.out,
            "Now with more requests than the instances can take, and a policy that waits for one minute instead of several:"
        )?;
        let hasty = SpecFile {
            text: spec_text(&hasty(&spec)).into_bytes(),
            ..file.clone()
        };
        let Some(status) = self.upload_and_follow(&hasty, &key).await? else {
            return Ok(End::NoAnswer);
        };
        if status.phase != Phase::Ready {
            write!(self.out, "{}", report::problems(&status))?;
            return Ok(End::Wrong);
        }
        let Look::Found(ready) = cloud::look(&self.port, &self.args.state_bucket, &key).await? else {
            return Err(format!("{key} has no status any more").into());
        };
        let group = ready.outputs.asg_name;
        let now = self.group(&group).await?;
        if now.desired > now.settings.min {
            writeln!(
                self.out,
                "There are more instances than have to be: first nobody asks."
            )?;
            if !self.until_shrunk(&group).await? {
                return Ok(End::NoAnswer);
            }
        }
        let first = f64::from(self.group(&group).await?.desired);
        let every = Duration::from_secs_f64(1.0 / (capacity * USED * first));
        let port = spec.load_balancer.listeners.first();
        let port = port.map_or(80, |listener| listener.port);
        let resolver = self.args.load_balancers_url.as_deref();
        let traffic = Traffic::begin(&ready.outputs.alb_dns_name, port, resolver, every).await?;
        let grown = self.until_grown(&group, &traffic).await?;
        let (answered, failed, why) = traffic.end();
        writeln!(self.out, "{answered} requests answered, {failed} failed.")?;
        if let Some(why) = why {
            writeln!(self.out, "The first that failed: {why}")?;
        }
        let Some(even) = grown else {
            return Ok(End::NoAnswer);
        };
        writeln!(self.out, "\nNobody asks any more:")?;
        if !self.until_shrunk(&group).await? {
            return Ok(End::NoAnswer);
        }
        writeln!(self.out)?;
        Ok(if failed == 0 && even {
            End::Well
        } else {
            End::Wrong
        })
    }

    /// Waits until the group has grown and all of it serves, and enough was asked. Whether those that were there from the
    /// beginning got as much each; `None` if it takes too long.
    async fn until_grown(&mut self, name: &str, traffic: &Traffic) -> Result<Option<bool>, Failure> {
        let (began, before) = (cloud::now(), self.group(name).await?.desired);
        let mut told = Vec::new();
        let mut even = None;
        for look in 0.. {
            if cloud::now().duration_since(began) > self.args.timeout {
                writeln!(self.out, "It has not grown after {:#}.", self.args.timeout)?;
                return Ok(None);
            }
            let group = self.group(name).await?;
            let answered = traffic.answered();
            self.tell(began, &mut told).await?;
            if group.desired > before && answered >= LEAST && even.is_none() {
                even = Some(self.spread(&traffic.served(), before)?);
            }
            let serving = in_service(&group);
            if look % LOOKS_TOLD == 0 {
                let desired = group.desired;
                writeln!(
                    self.out,
                    "  {answered} requests answered, {serving} of {desired} instances serve"
                )?;
            }
            if let Some(even) = even
                && serving == group.desired as usize
            {
                writeln!(self.out, "  {serving} instances serve")?;
                return Ok(Some(even));
            }
            cloud::pause(LOOK).await;
        }
        Ok(None)
    }

    /// Waits until the group is as small as it may be; `false` if it takes too long.
    async fn until_shrunk(&mut self, name: &str) -> Result<bool, Failure> {
        let began = cloud::now();
        let mut told = Vec::new();
        for look in 0.. {
            if cloud::now().duration_since(began) > self.args.timeout {
                writeln!(self.out, "It has not shrunk after {:#}.", self.args.timeout)?;
                return Ok(false);
            }
            let group = self.group(name).await?;
            self.tell(began, &mut told).await?;
            let serving = in_service(&group);
            if group.desired <= group.settings.min {
                writeln!(self.out, "  {} instances are enough", group.desired)?;
                return Ok(true);
            }
            if look % LOOKS_TOLD == 0 {
                writeln!(self.out, "  {serving} of {} instances serve", group.desired)?;
            }
            cloud::pause(LOOK).await;
        }
        Ok(false)
    }

    /// How evenly requests were spread over those that got the most: so many were there from the beginning.
    fn spread(&mut self, served: &BTreeMap<String, usize>, first: u32) -> Result<bool, Failure> {
        let mut counts: Vec<(&String, usize)> = served.iter().map(|(who, count)| (who, *count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.truncate(first as usize);
        for (who, count) in &counts {
            writeln!(self.out, "  {who} got {count}")?;
        }
        Ok(is_even(counts.iter().map(|(_, count)| *count)))
    }

    /// Prints the decisions that changed something, and that were not told of.
    async fn tell(&mut self, since: Timestamp, told: &mut Vec<Timestamp>) -> Result<(), Failure> {
        let (bucket, stack) = (&self.args.state_bucket, &self.args.stack);
        let newest = explain::newest(&self.port, bucket, stack, LATEST, cloud::now()).await?;
        let is_new = |entry: &ScalingEntry, told: &[Timestamp]| {
            let at = entry.decision.at;
            entry.decision.changes() && at >= since && !told.contains(&at)
        };
        for entry in newest {
            if is_new(&entry, told) {
                told.push(entry.decision.at);
                write!(self.out, "  {}", explain::render(&entry))?;
            }
        }
        Ok(())
    }

    async fn group(&self, name: &str) -> Result<Group, Failure> {
        let names = vec![name.to_owned()];
        let groups = self.port.call(DescribeAutoScalingGroups { names }).await?;
        let group = groups.into_iter().next();
        group.ok_or_else(|| format!("there is no group {name}").into())
    }
}

/// Decisions that are read at once.
const LATEST: usize = 5;

fn in_service(group: &Group) -> usize {
    let instances = group.instances.iter();
    instances
        .filter(|instance| instance.lifecycle_state == "InService")
        .count()
}

/// Whether each is within a tenth of the average.
fn is_even(counts: impl Iterator<Item = usize> + Clone) -> bool {
    let (sum, number) = (counts.clone().sum::<usize>(), counts.clone().count());
    // Ten times what one differs by, and the average, both times their number.
    number > 0
        && counts
            .into_iter()
            .all(|count| (count * number).abs_diff(sum) * 10 <= sum)
}

/// The spec with thresholds of one minute, and no patience.
fn hasty(spec: &Spec) -> Spec {
    let breach = |threshold: f64| Breach {
        threshold: threshold.into(),
        periods: 1,
    };
    let mut hasty = spec.clone();
    let scaling = &mut hasty.scaling;
    scaling.metrics = vec![Metric {
        measure: Measure::Cpu,
        goal: Goal::Between {
            scale_out: breach(70.0),
            scale_in: Some(breach(30.0)),
        },
    }];
    scaling.max = scaling.max.max(scaling.min + ROOM);
    (scaling.behavior.cooldown, scaling.behavior.stabilization) = (0, 0);
    hasty
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use windlass_spec::StackId;

    use super::*;

    #[rstest]
    #[case(&[540, 540], true)]
    #[case(&[500, 520, 540], true)]
    #[case(&[440, 540], false)]
    #[case(&[0, 540, 540], false)]
    #[case(&[], false)]
    fn a_spread_is_even_within_a_tenth(#[case] counts: &[usize], #[case] even: bool) {
        assert_eq!(is_even(counts.iter().copied()), even);
    }

    #[test]
    fn the_hasty_spec_is_the_spec_but_for_its_patience() {
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let spec = decode(&stack, include_bytes!("../../../../events/specs/gate.yaml")).unwrap();
        let text = spec_text(&hasty(&spec));
        let mut read = decode(&stack, text.as_bytes()).unwrap();
        assert_eq!((read.scaling.min, read.scaling.max), (2, 5));
        assert_eq!(read.scaling.metrics[0].goal.scale_out().periods, 1);
        read.scaling = spec.scaling.clone();
        assert_eq!(read, spec);
    }
}

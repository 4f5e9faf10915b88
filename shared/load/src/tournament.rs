//! Windlass beside target tracking on many loads of a shape.

use windlass_scaling::Policy;

use crate::compare::{Comparison, TARGETS, compare};
use crate::simulation::Options;
use crate::{Measures, Shape, Trace};

/// How Windlass did on many loads, against the target of target tracking that does best on them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tournament {
    /// Those targets, in percent: one for each shape.
    pub targets: Vec<f64>,
    /// Elastic speedups, one for each load.
    pub speedups: Vec<f64>,
    /// The same against one that waits until the metric shows what it removed, at its own best target.
    pub patient: Vec<f64>,
    /// The same against Kubernetes' autoscaler, at its own best target.
    pub hpa: Vec<f64>,
    /// What Windlass did.
    pub ours: Vec<Measures>,
    /// What target tracking did.
    pub theirs: Vec<Measures>,
}

impl Tournament {
    /// Runs a shape with so many seeds. `low` is the share of its target below which target tracking removes instances.
    #[must_use]
    pub fn of(shape: Shape, seeds: u64, options: &Options, policy: &Policy, low: f64) -> Self {
        let compared: Vec<Comparison> = (0..seeds)
            .map(|seed| {
                compare(
                    &Trace::synthetic(shape, seed, options.capacity),
                    options,
                    policy,
                    low,
                )
            })
            .collect();
        let against = |at: usize, pick: fn(&Comparison) -> &[Measures; 3]| -> Vec<f64> {
            let each = compared
                .iter()
                .map(|one| one.windlass.elastic_speedup(&pick(one)[at]));
            each.collect()
        };
        let best = |pick: fn(&Comparison) -> &[Measures; 3]| {
            let targets = 0..TARGETS.len();
            let least = targets
                .min_by(|one, other| mean(&against(*one, pick)).total_cmp(&mean(&against(*other, pick))));
            least.unwrap_or_default()
        };
        let at = best(|one| &one.tracking);
        Self {
            targets: vec![TARGETS[at]],
            speedups: against(at, |one| &one.tracking),
            patient: against(best(|one| &one.patient), |one| &one.patient),
            hpa: against(best(|one| &one.hpa), |one| &one.hpa),
            ours: compared.iter().map(|one| one.windlass).collect(),
            theirs: compared.iter().map(|one| one.tracking[at]).collect(),
        }
    }

    /// Takes the loads of another one in.
    pub fn add(&mut self, other: Self) {
        self.targets.extend(other.targets);
        self.speedups.extend(other.speedups);
        self.patient.extend(other.patient);
        self.hpa.extend(other.hpa);
        self.ours.extend(other.ours);
        self.theirs.extend(other.theirs);
    }

    /// Elastic speedup over target tracking, the geometric mean of all loads.
    #[must_use]
    pub fn speedup(&self) -> f64 {
        mean(&self.speedups)
    }

    /// The same over a patient one.
    #[must_use]
    pub fn patient_speedup(&self) -> f64 {
        mean(&self.patient)
    }

    /// The same over Kubernetes' autoscaler.
    #[must_use]
    pub fn hpa_speedup(&self) -> f64 {
        mean(&self.hpa)
    }

    /// What all but a twentieth of the loads have at least.
    #[must_use]
    pub fn fifth_percentile(&self) -> f64 {
        let mut sorted = self.speedups.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 20).copied().unwrap_or(f64::NAN)
    }

    /// Windlass's instance-hours as a share of theirs.
    #[must_use]
    pub fn hours(&self) -> f64 {
        let hours = |all: &[Measures]| all.iter().map(|one| one.hours).sum::<f64>();
        hours(&self.ours) / hours(&self.theirs)
    }

    /// A measure on the average over all loads: ours, and theirs.
    #[must_use]
    pub fn average(&self, of: fn(&Measures) -> f64) -> (f64, f64) {
        let count = f64::from(u32::try_from(self.ours.len()).unwrap_or(u32::MAX).max(1));
        let average = |all: &[Measures]| all.iter().map(of).sum::<f64>() / count;
        (average(&self.ours), average(&self.theirs))
    }
}

/// Geometric.
fn mean(all: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX).max(1));
    (all.iter().map(|one| one.ln()).sum::<f64>() / count).exp()
}

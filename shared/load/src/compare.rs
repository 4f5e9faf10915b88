//! Windlass beside its rivals, on one trace.

use windlass_scaling::Policy;

use crate::rivals::{Hpa, Oracle, StaticPeak, StepScaling, TargetTracking};
use crate::simulation::{Options, Scaler, simulate};
use crate::{Measures, Trace, Windlass};

/// Targets of target tracking, in percent: the best of them is the one to beat.
pub const TARGETS: [f64; 3] = [50.0, 60.0, 70.0];

/// Who did how well on a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How Windlass did.
    pub windlass: Measures,
    /// How target tracking did, as AWS describes it, for each of [`TARGETS`].
    pub tracking: [Measures; 3],
    /// The same, if it waited until the late metric shows what it removed.
    pub patient: [Measures; 3],
    /// How Kubernetes' autoscaler did, for each of [`TARGETS`].
    pub hpa: [Measures; 3],
    /// The others, by name.
    pub others: Vec<(String, Measures)>,
}

/// How much better Windlass is than the best of several targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speedup {
    /// The target that is best, in percent.
    pub target: f64,
    /// The elastic speedup over it: above 1 if Windlass is better.
    pub speedup: f64,
    /// Windlass's instance-hours as a share of its.
    pub hours: f64,
}

/// Runs them all. `low` is the share of its target below which target tracking removes instances.
#[must_use]
pub fn compare(trace: &Trace, options: &Options, policy: &Policy, low: f64) -> Comparison {
    let measured = |scaler: &mut dyn Scaler| Measures::of(&simulate(trace, options, scaler));
    let named = |scaler: &mut dyn Scaler| (scaler.name(), measured(scaler));
    Comparison {
        windlass: measured(&mut Windlass::new(policy.clone())),
        tracking: TARGETS.map(|target| measured(&mut TargetTracking::new(target, low))),
        patient: TARGETS.map(|target| measured(&mut TargetTracking::patient(target, low))),
        hpa: TARGETS.map(|target| measured(&mut Hpa::new(target))),
        others: vec![
            named(&mut StepScaling::default()),
            named(&mut StaticPeak::default()),
            named(&mut Oracle),
        ],
    }
}

impl Comparison {
    /// Over target tracking as AWS describes it.
    #[must_use]
    pub fn speedup(&self) -> Speedup {
        over(&self.windlass, &self.tracking)
    }

    /// Over one that waits until the metric shows what it removed.
    #[must_use]
    pub fn patient_speedup(&self) -> Speedup {
        over(&self.windlass, &self.patient)
    }

    /// Over Kubernetes' autoscaler.
    #[must_use]
    pub fn hpa_speedup(&self) -> Speedup {
        over(&self.windlass, &self.hpa)
    }
}

fn over(windlass: &Measures, tracking: &[Measures; 3]) -> Speedup {
    let each = TARGETS.iter().zip(tracking).map(|(target, theirs)| Speedup {
        target: *target,
        speedup: windlass.elastic_speedup(theirs),
        hours: windlass.hours / theirs.hours,
    });
    let first = Speedup {
        target: TARGETS[0],
        speedup: f64::INFINITY,
        hours: 1.0,
    };
    each.fold(
        first,
        |best, one| if one.speedup < best.speedup { one } else { best },
    )
}

//! AWS step scaling.

use crate::rivals::newest;
use crate::simulation::{Scaler, View};

/// How a step changes capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Adjustment {
    /// By so many instances.
    ChangeInCapacity(i32),
    /// To so many instances.
    ExactCapacity(u32),
    /// By so many percent, and by at least so many instances.
    PercentChangeInCapacity(f64, u32),
}

/// What is done while the metric is so far from the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From so much above the threshold of a policy that adds, or below that of one that removes.
    pub from: f64,
    /// What is done.
    pub adjustment: Adjustment,
}

/// Two step policies on processor use, one for each way.
#[derive(Debug, Clone, PartialEq)]
pub struct StepScaling {
    /// Percent above which instances are added, and minutes in a row.
    pub high: (f64, usize),
    /// What is added, by rising distance.
    pub out: Vec<Step>,
    /// Percent below which instances are removed, and minutes in a row.
    pub low: (f64, usize),
    /// What is removed, by rising distance.
    pub in_: Vec<Step>,
}

impl Default for StepScaling {
    /// One in ten more, three in ten from 85 percent on; one less.
    fn default() -> Self {
        let step = |from, adjustment| Step { from, adjustment };
        Self {
            high: (70.0, 2),
            out: vec![
                step(0.0, Adjustment::PercentChangeInCapacity(10.0, 1)),
                step(15.0, Adjustment::PercentChangeInCapacity(30.0, 1)),
            ],
            low: (30.0, 5),
            in_: vec![step(0.0, Adjustment::ChangeInCapacity(-1))],
        }
    }
}

impl Adjustment {
    /// Capacity after it. A percentage beyond one instance is cut towards none, and one below is one instance.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "instances of a group")]
    pub fn apply(self, capacity: u32) -> u32 {
        let by = |change: i64| u32::try_from((i64::from(capacity) + change).max(0)).unwrap_or(u32::MAX);
        match self {
            Self::ExactCapacity(exact) => exact,
            Self::ChangeInCapacity(change) => by(change.into()),
            Self::PercentChangeInCapacity(percent, least) => {
                let exact = f64::from(capacity) * percent / 100.0;
                let whole = if exact.abs() > 1.0 {
                    exact.trunc()
                } else {
                    exact.signum() * exact.abs().ceil()
                };
                let change = whole as i64;
                let least = i64::from(least);
                by(if change.abs() < least {
                    least * (percent.signum() as i64)
                } else {
                    change
                })
            }
        }
    }
}

/// The step for so much distance.
fn step(steps: &[Step], distance: f64) -> Option<Adjustment> {
    let reached = steps.iter().rev().find(|step| distance >= step.from);
    reached.map(|step| step.adjustment)
}

impl Scaler for StepScaling {
    fn name(&self) -> String {
        "step scaling".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let fleet = view.observation.fleet;
        let (high, minutes) = self.high;
        let above = newest(view, minutes).filter(|points| points.iter().all(|p| p.value > high));
        if let Some(points) = above
            && let Some(adjustment) = step(&self.out, points[minutes - 1].value - high)
        {
            // What warms up is left out of what grows, so that steps do not pile up.
            return (adjustment.apply(fleet.ready).max(fleet.desired), "high".into());
        }
        let (low, minutes) = self.low;
        let below = newest(view, minutes).filter(|points| points.iter().all(|p| p.value < low));
        if let Some(points) = below
            && let Some(adjustment) = step(&self.in_, low - points[minutes - 1].value)
            && fleet.coming == 0
        {
            return (
                adjustment.apply(fleet.ready).min(fleet.desired).max(1),
                "low".into(),
            );
        }
        (fleet.desired, String::new())
    }
}

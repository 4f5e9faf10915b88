//! AWS target tracking, as far as its alarms and its rounding are known; where they are not, it is given the benefit.

use crate::rivals::{instances, newest};
use crate::simulation::{Scaler, View};

/// Minutes above the target until it adds instances.
const HIGH: usize = 3;
/// Minutes below until it removes some.
const LOW: usize = 15;

/// Seconds until the metric shows what was removed.
const SHOWN: u32 = 180;

/// A target tracking policy on processor use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetTracking {
    /// Percent.
    target: f64,
    /// Share of the target below which instances are removed.
    low: f64,
    /// It waits until the metric shows what it removed.
    patient: bool,
    /// When it last removed some.
    removed: Option<u32>,
}

impl TargetTracking {
    /// One with a target in percent, and the share of it below which instances are removed: 0.9 as documented, and 0.7 as
    /// seen on EC2 groups.
    #[must_use]
    pub fn new(target: f64, low: f64) -> Self {
        Self {
            target,
            low,
            patient: false,
            removed: None,
        }
    }

    /// The same, that does not remove more before the metric shows what it removed already. AWS does not say that it waits;
    /// where it does not, removals add up, because the metric is late.
    #[must_use]
    pub fn patient(target: f64, low: f64) -> Self {
        Self {
            patient: true,
            ..Self::new(target, low)
        }
    }
}

impl Scaler for TargetTracking {
    fn name(&self) -> String {
        let patient = if self.patient { ", patient" } else { "" };
        format!("target tracking {:.0} % (ρ {}{patient})", self.target, self.low)
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let fleet = view.observation.fleet;
        let ratio = |capacity: u32, value: f64| f64::from(capacity) * value / self.target;
        let high = newest(view, HIGH).filter(|points| points.iter().all(|p| p.value > self.target));
        if let Some(points) = high {
            let want = instances(ratio(fleet.ready, points[HIGH - 1].value).ceil());
            return (want.max(fleet.desired), "AlarmHigh".into());
        }
        let floor = self.low * self.target;
        let low = newest(view, LOW).filter(|points| points.iter().all(|p| p.value < floor));
        let is_shown = !self.patient || self.removed.is_none_or(|removed| view.second - removed >= SHOWN);
        if let Some(points) = low
            && fleet.coming == 0
            && is_shown
        {
            let now = view.in_service + view.leaving;
            let fewer = (f64::from(now) - ratio(now, points[LOW - 1].value)).floor();
            let want = instances(f64::from(now) - fewer).max(1);
            if want < fleet.desired {
                self.removed = Some(view.second);
                return (want, "AlarmLow".into());
            }
        }
        (fleet.desired, String::new())
    }
}

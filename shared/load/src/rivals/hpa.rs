//! Kubernetes' Horizontal Pod Autoscaler, version 2, with its defaults.
//!
//! Every fifteen seconds it wants the replicas that bring the metric to its target, unless that is within a tenth of it.
//! Replicas that do not serve yet count as idle where it would add more, and not at all where it would remove some. It adds
//! at most as many as there are, or four, in fifteen seconds, and removes only down to the most that it wanted at any time
//! of the last five minutes. Without a metric it does nothing.
//!
//! Here it is given this world's boot times and metrics, which are later and coarser than its own.

use std::collections::VecDeque;

use super::{instances, newest};
use crate::simulation::{Scaler, View};

/// Seconds between two looks.
const SYNC: u32 = 15;
/// Looks between two questions of the simulation.
const SYNCS: u32 = 4;
/// How far the metric may be from its target, as a share of it.
const TOLERANCE: f64 = 0.1;
/// Seconds that a fall must last.
const STABILIZATION: u32 = 300;
/// Replicas that it may always add at once.
const PODS: u32 = 4;

/// The autoscaler, with what it wanted lately.
#[derive(Debug, Clone)]
pub struct Hpa {
    target: f64,
    /// When, and how many; oldest first.
    wanted: VecDeque<(u32, u32)>,
}

impl Hpa {
    /// One that keeps processors at this use, in percent.
    #[must_use]
    pub fn new(target: f64) -> Self {
        Self {
            target,
            wanted: VecDeque::new(),
        }
    }

    /// One look: how many replicas there should be, of which so many are asked for.
    fn look(&mut self, view: &View, second: u32, replicas: u32) -> u32 {
        let Some([point]) = newest(view, 1) else {
            return replicas;
        };
        if self.wanted.is_empty() {
            self.wanted.push_back((second, replicas));
        }
        let wanted = self.proportional(point.value, view.in_service, replicas);
        self.wanted.push_back((second, wanted));
        self.wanted.retain(|(then, _)| then + STABILIZATION >= second);
        let lately = self
            .wanted
            .iter()
            .map(|(_, wanted)| *wanted)
            .max()
            .unwrap_or(wanted);
        let fleet = view.observation.fleet;
        let most = (2 * replicas).max(replicas + PODS);
        wanted
            .max(lately.min(replicas))
            .min(most)
            .clamp(fleet.min, fleet.max.max(fleet.min))
    }

    /// What brings the metric of so many in service to its target.
    fn proportional(&self, value: f64, in_service: u32, replicas: u32) -> u32 {
        let serving = f64::from(in_service.min(replicas));
        let starting = f64::from(replicas.saturating_sub(in_service));
        let ratio = value / self.target;
        let is_near = |ratio: f64| (ratio - 1.0).abs() <= TOLERANCE;
        if is_near(ratio) {
            return replicas;
        }
        let enough = instances((ratio * serving - 1e-9).ceil());
        if ratio < 1.0 || starting == 0.0 {
            return enough;
        }
        // Those that start are idle: if that is enough, nothing more is needed.
        let with_them = ratio * serving / (serving + starting);
        if with_them < 1.0 || is_near(with_them) {
            replicas
        } else {
            enough.max(replicas)
        }
    }
}

impl Scaler for Hpa {
    fn name(&self) -> String {
        format!("Kubernetes HPA, {:.0} %", self.target)
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let before = view.observation.fleet.desired;
        let mut replicas = before;
        for sync in 0..SYNCS {
            replicas = self.look(view, view.second + sync * SYNC, replicas);
        }
        (replicas, format!("{before} → {replicas}: by its metric"))
    }
}

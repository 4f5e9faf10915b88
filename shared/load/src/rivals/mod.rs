//! Others who move a group's capacity.

mod bounds;
mod hpa;
mod step_scaling;
mod target_tracking;

pub use bounds::{Oracle, StaticPeak};
pub use hpa::Hpa;
pub use step_scaling::{Adjustment, Step, StepScaling};
pub use target_tracking::TargetTracking;

use windlass_scaling::Point;

use crate::simulation::{CPU, View};

/// The newest so many points, if they are in a row and end with the newest minute that could have arrived.
fn newest<'a>(view: &'a View, count: usize) -> Option<&'a [Point]> {
    let observation = &view.observation;
    let points = observation.metrics.get(CPU)?;
    let newest = points.get(points.len().checked_sub(count)?..)?;
    let minute = |pair: &[Point]| pair[1].at.duration_since(pair[0].at).as_secs() == 60;
    let age = observation.at.duration_since(newest.last()?.at).as_secs();
    // A minute, its delay, and less than another minute until somebody asks.
    let due = i64::from(view.options.metric_delay) + 2 * 60;
    (newest.windows(2).all(minute) && age < due).then_some(newest)
}

/// A share of a number of instances, as a number of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "instances of a group"
)]
fn instances(count: f64) -> u32 {
    count.max(0.0) as u32
}

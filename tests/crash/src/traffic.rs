//! A load on the stack's group: each minute the instances in service share it, and report what that takes of their
//! processors.

use jiff::SignedDuration;
use windlass_calls::cloudwatch::Metric;
use windlass_planner::kinds::alarm::{self, Source};
use windlass_spec::Measure;

use crate::lab::Lab;

/// The group of a lab's stack.
pub const GROUP: &str = "windlass-dev-web";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

impl Lab {
    /// Lets a minute go by, under a load in instances: so many would use all of their processors for it. Messages are
    /// delivered as they come. Nobody reports if `reported` is not so.
    ///
    /// Answers what each instance reported.
    pub fn minute(&self, load: f64, reported: bool) -> f64 {
        self.minute_reported(load, |cpu| reported.then_some(cpu))
    }

    /// The same; what instances report of the processor time that they use, in percent, may be something else, or nothing.
    pub fn minute_reported(&self, load: f64, report: impl Fn(f64) -> Option<f64>) -> f64 {
        let begin = self.sim.now();
        let serving = self.in_service().len();
        let share = 100.0 * load / f64::from(u32::try_from(serving).unwrap_or(u32::MAX)).max(1.0);
        let cpu = share.min(100.0);
        let end = begin + MINUTE;
        while self.step_until(end).is_some() {}
        self.sim.set_now(end);
        if let Some(value) = report(cpu) {
            let metric: Metric = alarm::metric(&Measure::Cpu, Source::of_group(GROUP));
            for _ in 0..serving {
                self.sim.world_mut().put_metric_data(&metric, begin, value);
            }
        }
        self.sim.world_mut().settle(end);
        cpu
    }
}

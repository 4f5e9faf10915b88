//! What nobody can do better than, and what nobody should do worse than.

use crate::simulation::{Scaler, View};

/// Knows the load for as long as an instance takes to boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oracle;

impl Scaler for Oracle {
    fn name(&self) -> String {
        "oracle".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        // What is asked for now serves after the boot, and is asked about again a minute later.
        let until = view.second + view.options.boot + 60;
        (
            view.options.demand(view.trace.peak(view.second..until)),
            "what will be".into(),
        )
    }
}

/// As many as the peak needs, all the time: the peak of the first trace that it sees.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StaticPeak(Option<f64>);

impl Scaler for StaticPeak {
    fn name(&self) -> String {
        "static peak".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let all = 0..view.trace.seconds();
        let peak = *self.0.get_or_insert_with(|| view.trace.peak(all));
        (view.options.demand(peak), "the peak".into())
    }
}

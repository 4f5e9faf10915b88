//! The model's metrics, computed by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use windlass_load::{METRICS, Options, Scaler, Trace, View, simulate};

/// Asks for two, and keeps what it saw last.
#[derive(Default)]
struct Watcher(Vec<(String, f64, f64)>);

impl Scaler for Watcher {
    fn name(&self) -> String {
        "watcher".into()
    }

    fn scale(&mut self, view: &View) -> (u32, String) {
        let metrics = view.observation.metrics.iter();
        self.0 = metrics
            .filter_map(|(name, points)| {
                let last = points.last()?;
                Some((name.clone(), last.value, last.instances))
            })
            .collect();
        (2, String::new())
    }
}

/// 150 requests a second are three quarters of what two instances can, and 4,500 a minute for each.
#[test]
fn each_is_the_average_of_an_instance_in_a_minute() {
    let trace = Trace::parse("flat", "second,requests_per_second\n0,150\n600,150").unwrap();
    let options = Options {
        max: 2,
        ..Options::default()
    };
    let mut watcher = Watcher::default();
    simulate(&trace, &options, &mut watcher);
    let [cpu, requests] = METRICS.map(str::to_owned);
    assert_eq!(watcher.0, [(cpu, 75.0, 2.0), (requests, 4500.0, 2.0)]);
}

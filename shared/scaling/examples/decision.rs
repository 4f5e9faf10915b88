//! A decision about seven metrics with an hour of minutes each, made again and again: prints how often. `make bench` takes the
//! processor time of it.

use std::collections::BTreeMap;
use std::hint::black_box;

use jiff::{SignedDuration, Timestamp};
use windlass_scaling::{Behavior, Breach, Fleet, Goal, Memory, Metric, Observation, Point, Policy, decide};

const METRICS: u32 = 7;
const MINUTES: u32 = 60;
const DECISIONS: u32 = 20_000;

fn main() {
    let names: Vec<String> = (0..METRICS).map(|number| format!("metric{number}")).collect();
    let breach = |threshold, periods| Breach { threshold, periods };
    let metric = |name: &String| Metric {
        name: name.clone(),
        ceiling: Some(100.0),
        stride: None,
        goal: Goal::Between {
            out: breach(70.0, 2),
            in_: Some(breach(30.0, 5)),
        },
    };
    let policy = Policy {
        metrics: names.iter().map(metric).collect(),
        behavior: Behavior::default(),
    };
    let minute = |number: u32| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(i64::from(number));
    let point = |number: u32| Point {
        at: minute(number),
        value: 40.0 + f64::from(number % 45),
        instances: 4.0,
    };
    let points: Vec<Point> = (0..MINUTES).map(point).collect();
    let metrics: BTreeMap<String, Vec<Point>> =
        names.into_iter().map(|name| (name, points.clone())).collect();
    let observation = Observation {
        at: minute(MINUTES + 1),
        fleet: Fleet {
            min: 2,
            max: 100,
            desired: 4,
            ready: 4,
            coming: 0,
        },
        metrics,
    };
    for _ in 0..DECISIONS {
        black_box(decide(&policy, black_box(&observation), &Memory::default()));
    }
    println!("{DECISIONS}");
}

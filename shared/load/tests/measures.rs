//! The measures, by hand; and what a trace is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_load::{Change, Measures, Options, Run, Sample, Shape, Trace};

/// Demand and supply, an hour each.
fn run(hours: &[(u32, u32)]) -> Run {
    let samples = hours.iter().zip(0_u32..).flat_map(|((demand, supply), hour)| {
        (0..720).map(move |step| Sample {
            second: hour * 3600 + step * 5,
            rate: f64::from(*demand) * 80.0,
            demand: *demand,
            supply: *supply,
            paid: *supply,
        })
    });
    Run {
        scaler: "by hand".into(),
        step: 5,
        samples: samples.collect(),
        changes: vec![],
        capacity: 100.0,
    }
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

#[test]
fn too_little_and_too_much_are_shares_of_demand_and_of_time() {
    // Half of what is needed for an hour, a half too much for another, and right for two.
    let measures = Measures::of(&run(&[(10, 5), (10, 15), (10, 10), (4, 4)]));
    assert!(
        near(measures.under, 12.5) && near(measures.over, 12.5),
        "{measures:?}"
    );
    assert!(near(measures.time_under, 25.0) && near(measures.time_over, 25.0));
    assert!(near(measures.hours, 34.0));
    // 800 requests per second against 500: 300 of 800 + 800 + 800 + 320.
    assert!(near(measures.unserved, 100.0 * 300.0 / 2720.0));
}

#[test]
fn elastic_speedup_is_the_geometric_mean_of_four_ratios() {
    let (good, bad) = (
        Measures::of(&run(&[(10, 10), (10, 15), (10, 10), (10, 10)])),
        Measures::of(&run(&[(10, 5), (10, 20), (10, 10), (10, 10)])),
    );
    // Under: 12.5 against none, which counts as 0.1; over: 25 against 12.5; time under: 25 against 0.1; time over: the same.
    let expected = (125.0_f64 * 2.0 * 250.0 * 1.0).powf(0.25);
    assert!(near(good.elastic_speedup(&bad), expected));
    assert!(near(good.elastic_speedup(&good), 1.0));
    assert!(near(bad.elastic_speedup(&good), 1.0 / expected));
}

#[test]
fn what_is_taken_back_within_ten_minutes_is_a_reversal() {
    let mut run = run(&[(1, 1), (1, 1)]);
    let change = |second, from, to| Change {
        second,
        from,
        to,
        reason: String::new(),
    };
    run.changes = vec![
        change(0, 2, 4),
        change(600, 4, 3),
        change(1300, 3, 5),
        change(1400, 5, 6),
        change(1500, 6, 5),
    ];
    let measures = Measures::of(&run);
    assert_eq!(measures.reversals, 2, "at 600 and at 1500");
    assert!(near(measures.actions, 2.5));
}

#[test]
fn supply_that_falls_while_demand_rises_is_unstable() {
    let measures = Measures::of(&run(&[(2, 4), (4, 2)]));
    // For the minute around the hour, of 1440 steps less the window.
    assert!(near(measures.instability, 100.0 * 12.0 / 1428.0), "{measures:?}");
    assert!(near(Measures::of(&run(&[(2, 2), (4, 4)])).instability, 0.0));
}

#[rstest]
#[case::header("a,b\n0,1\n1,1", "header")]
#[case::column("second,requests_per_second,more\n0,1,1\n1,1,1", "header")]
#[case::text("second,requests_per_second\n0,many\n1,1", "two numbers")]
#[case::order("second,requests_per_second\n0,1\n5,1\n5,1", "line 4: seconds rise")]
#[case::start("second,requests_per_second\n3,1\n5,1", "line 2: the first second is 0")]
#[case::negative(
    "second,requests_per_second\n0,1\n5,-1",
    "line 3: a rate is a number from 0 on"
)]
#[case::infinite(
    "second,requests_per_second\n0,inf\n5,1",
    "line 2: a rate is a number from 0 on"
)]
#[case::milliseconds(
    "second,requests_per_second\n0,1\n86400000,1",
    "line 3: a trace is a year at most"
)]
#[case::short("second,requests_per_second\n0,1", "two lines")]
#[case::empty("", "two lines")]
fn a_text_that_is_no_trace_is_refused_with_its_line(#[case] text: &str, #[case] said: &str) {
    let error = Trace::parse("x", text).unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_rate_holds_until_the_next_line() {
    let trace = Trace::parse("x", "second,requests_per_second\n0,10\n60, 20\n120,5\n").unwrap();
    for (second, rate) in [
        (0, 10.0),
        (59, 10.0),
        (60, 20.0),
        (119, 20.0),
        (120, 5.0),
        (500, 5.0),
    ] {
        assert!(near(trace.at(second), rate), "{second}");
    }
    assert_eq!(trace.seconds(), 120);
    assert!(near(trace.peak(0..60), 10.0) && near(trace.peak(30..61), 20.0));
}

#[test]
fn synthetic_load_follows_from_its_seed_and_fits_a_group() {
    let capacity = Options::default().capacity;
    for shape in Shape::ALL {
        for seed in 0..50 {
            let trace = Trace::synthetic(shape, seed, capacity);
            assert_eq!(trace, Trace::synthetic(shape, seed, capacity));
            assert_ne!(trace, Trace::synthetic(shape, seed + 1, capacity));
            let peak = trace.peak(0..trace.seconds()) / capacity;
            assert!((3.0..30.0).contains(&peak), "{} {seed}: {peak}", shape.name());
            assert_eq!(trace.silent.is_empty(), shape != Shape::Dropout);
        }
    }
}

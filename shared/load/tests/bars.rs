//! Windlass's defaults follow load better than AWS target tracking at its best target, and pay for no more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rstest::rstest;
use windlass_load::{Options, Shape, Tournament};
use windlass_scaling::Policy;
use windlass_spec::Scaling;

/// Of each shape; `cargo run --release -p windlass-load --example compare` takes a hundred.
const SEEDS: u64 = 6;

#[rstest]
#[case::as_documented(0.9)]
#[case::as_seen_on_groups(0.7)]
fn the_defaults_follow_load_better_than_target_tracking_for_no_more(#[case] low: f64) {
    let (options, policy) = (Options::default(), Policy::of(&Scaling::default()));
    let mut all = Tournament::default();
    for shape in Shape::ALL {
        all.add(Tournament::of(shape, SEEDS, &options, &policy, low));
    }
    println!("{:.2}, {:.2} × the hours", all.speedup(), all.hours());
    assert!(all.speedup() >= 1.3, "{:.2}", all.speedup());
    assert!(all.hours() <= 1.05, "{:.2}", all.hours());
    let (unstable, theirs) = all.average(|one| one.instability);
    assert!(unstable <= theirs, "{unstable:.2} against {theirs:.2}");
    let (reversals, theirs) = all.average(|one| f64::from(one.reversals));
    assert!(reversals <= theirs, "{reversals:.1} against {theirs:.1}");
}

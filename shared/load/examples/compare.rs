//! Windlass's defaults beside AWS target tracking, over all shapes of synthetic load: `compare [SEEDS]`, 100 if nothing is
//! said. Of the targets 50, 60 and 70 % the one that does best on a shape is taken.

use std::env;

use windlass_load::{Options, Shape, Tournament};
use windlass_scaling::Policy;
use windlass_spec::Scaling;

/// Shares of its target below which target tracking removes instances.
const LOW: [f64; 2] = [0.9, 0.7];

fn main() {
    let seeds = env::args()
        .nth(1)
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(100);
    let (options, policy) = (Options::default(), Policy::of(&Scaling::default()));
    println!(
        "| load, ρ | against | ε | 5th percentile | hours | unstable %, theirs | reversals, theirs | ε over a patient one | ε over HPA |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for low in LOW {
        let mut all = Tournament::default();
        for shape in Shape::ALL {
            let shaped = Tournament::of(shape, seeds, &options, &policy, low);
            row(shape.name(), low, &shaped);
            all.add(shaped);
        }
        row("**all**", low, &all);
    }
}

fn row(name: &str, low: f64, on: &Tournament) {
    let against = match on.targets[..] {
        [target] => format!("{target:.0} %"),
        _ => "each best".to_owned(),
    };
    let (unstable, theirs) = on.average(|one| one.instability);
    let (reversals, their_reversals) = on.average(|one| f64::from(one.reversals));
    println!(
        "| {name}, {low} | {against} | {:.2} | {:.2} | {:.2} | {unstable:.2}, {theirs:.2} | {reversals:.1}, {their_reversals:.1} | {:.2} | {:.2} |",
        on.speedup(),
        on.fifth_percentile(),
        on.hours(),
        on.patient_speedup(),
        on.hpa_speedup(),
    );
}

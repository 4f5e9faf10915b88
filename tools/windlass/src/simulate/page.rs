//! A page with the plot of each trace: load, capacity, and each decision with its reason. It needs nothing beside itself.

use std::fmt::Write;

use askama::Template;
use windlass_load::rivals::TargetTracking;
use windlass_load::{Comparison, Options, Run, Sample, Trace, Windlass, simulate};
use windlass_scaling::Policy;

use super::{LOW, TITLES, cells, in_words, rows};
use crate::Failure;

/// Size of a plot, in its own units.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 300.0;
/// Most points of a line: beyond, several steps are shown as one.
const POINTS: usize = 1500;
/// Lines across a plot.
const LINES: u32 = 4;

#[derive(Template)]
#[template(path = "simulation.html")]
struct Page<'a> {
    stack: &'a str,
    options: &'a Options,
    plots: Vec<Plot>,
}

/// One trace.
struct Plot {
    name: String,
    width: f64,
    height: f64,
    /// Paths of the lines.
    demand: String,
    supply: String,
    rival: String,
    rival_name: String,
    /// Lines across: height, and instances.
    across: Vec<(f64, u32)>,
    /// Lines down: place, and time.
    down: Vec<(f64, String)>,
    decisions: Vec<Mark>,
    titles: [&'static str; 9],
    rows: Vec<(String, [String; 9])>,
    speedup: String,
    patient_speedup: String,
    hpa_speedup: String,
}

/// A decision on the plot.
struct Mark {
    x: f64,
    y: f64,
    is_out: bool,
    reason: String,
}

/// The page.
pub(super) fn render(
    stack: &str,
    options: &Options,
    policy: &Policy,
    compared: &[(Trace, Comparison)],
) -> Result<String, Failure> {
    let plots = compared
        .iter()
        .map(|(trace, comparison)| plot(trace, comparison, options, policy));
    let page = Page {
        stack,
        options,
        plots: plots.collect(),
    };
    Ok(page.render()?)
}

fn plot(trace: &Trace, comparison: &Comparison, options: &Options, policy: &Policy) -> Plot {
    let best = comparison.speedup();
    // Run once more: a comparison keeps what was measured, for the steps of a long trace fill the memory.
    let ours = simulate(trace, options, &mut Windlass::new(policy.clone()));
    let theirs = simulate(trace, options, &mut TargetTracking::new(best.target, LOW));
    let runs = [&ours, &theirs];
    let all = runs.iter().flat_map(|run| &run.samples);
    let highest = all
        .map(|sample| sample.demand.max(sample.supply))
        .max()
        .unwrap_or(1)
        .max(1);
    let scale = Scale {
        seconds: trace.seconds().max(1),
        highest,
    };
    let rows = rows(comparison)
        .into_iter()
        .map(|(name, measures)| (name, cells(measures)));
    Plot {
        name: trace.name.clone(),
        width: WIDTH,
        height: HEIGHT,
        demand: scale.line(&ours, |sample| sample.demand),
        supply: scale.line(&ours, |sample| sample.supply),
        rival: scale.line(&theirs, |sample| sample.supply),
        rival_name: theirs.scaler.clone(),
        across: scale.across(),
        down: scale.down(),
        decisions: scale.marks(&ours),
        titles: TITLES,
        rows: rows.collect(),
        speedup: in_words(best),
        patient_speedup: in_words(comparison.patient_speedup()),
        hpa_speedup: in_words(comparison.hpa_speedup()),
    }
}

/// From seconds and instances to places on a plot.
struct Scale {
    seconds: u32,
    highest: u32,
}

impl Scale {
    fn x(&self, second: u32) -> f64 {
        WIDTH * f64::from(second) / f64::from(self.seconds)
    }

    fn y(&self, instances: u32) -> f64 {
        HEIGHT * (1.0 - f64::from(instances) / f64::from(self.highest))
    }

    /// A line with steps. Of steps that are shown as one it is the highest.
    fn line(&self, run: &Run, of: impl Fn(&Sample) -> u32) -> String {
        let together = run.samples.len().div_ceil(POINTS).max(1);
        let mut path = String::new();
        let mut before = None;
        for samples in run.samples.chunks(together) {
            let highest = samples.iter().map(&of).max().unwrap_or_default();
            let (x, y) = (self.x(samples[0].second), self.y(highest));
            // Writing to a string does not fail.
            let _ = match before {
                None => write!(path, "M{x:.1} {y:.1}"),
                Some(same) if same == highest => Ok(()),
                Some(_) => write!(path, "H{x:.1}V{y:.1}"),
            };
            before = Some(highest);
        }
        let _ = write!(path, "H{WIDTH:.1}");
        path
    }

    fn across(&self) -> Vec<(f64, u32)> {
        let step = self.highest.div_ceil(LINES).max(1);
        (0..=LINES)
            .map(|line| line * step)
            .filter(|instances| *instances <= self.highest)
            .map(|instances| (self.y(instances), instances))
            .collect()
    }

    fn down(&self) -> Vec<(f64, String)> {
        let lines = 1..LINES * 2;
        lines
            .map(|line| {
                let second = u32::try_from(u64::from(self.seconds) * u64::from(line) / u64::from(LINES * 2));
                let second = second.unwrap_or_default();
                (self.x(second), time(second))
            })
            .collect()
    }

    fn marks(&self, run: &Run) -> Vec<Mark> {
        let marks = run.changes.iter().map(|change| Mark {
            x: self.x(change.second),
            y: self.y(change.to),
            is_out: change.to > change.from,
            reason: format!("{}  {}", time(change.second), change.reason),
        });
        marks.collect()
    }
}

/// A time of a trace: days if there are any, hours and minutes.
fn time(second: u32) -> String {
    let (days, hours, minutes) = (second / 86_400, second / 3600 % 24, second / 60 % 60);
    match days {
        0 => format!("{hours}:{minutes:02}"),
        _ => format!("{days} d {hours}:{minutes:02}"),
    }
}

//! `windlass simulate`: how a spec's scaling would follow a load, in virtual time, beside what AWS's own scaling would do.
//!
//! It decides with the very function that decides for a running stack. What it shows is as good as its model: requests
//! spread evenly, and processor use follows them.

mod page;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use jiff::SignedDuration;
use windlass_load::{Comparison, METRICS, Measures, Options, Speedup, TARGETS, Trace, compare};
use windlass_scaling::{Metric, Policy};
use windlass_spec::{Mode, Spec};

use crate::{End, Failure, SimulateArgs, specfile, validate};

/// Share of its target below which target tracking removes instances, as AWS documents it.
const LOW: f64 = 0.9;
/// Seconds that an instance may take to boot.
const LONGEST_BOOT: u32 = 3600;
/// Seconds that a metric may be late: nobody follows one that is older.
const LATEST_METRIC: u32 = 120;
/// What is measured, as the table names it.
const TITLES: [&str; 9] = [
    "under %",
    "over %",
    "t under %",
    "t over %",
    "unserved %",
    "hours",
    "changes/h",
    "reversals",
    "unstable %",
];

/// Runs the command.
pub(crate) fn run(out: &mut impl Write, color: bool, args: &SimulateArgs) -> Result<End, Failure> {
    let file = specfile::read(&args.spec, None)?;
    let Some(spec) = validate::spec(out, color, &file)? else {
        return Ok(End::Wrong);
    };
    let mut policy = Policy::of(&spec.scaling);
    leave_out(out, &mut policy)?;
    if policy.metrics.is_empty() {
        let remedy = match spec.compute.mode {
            Mode::Ec2 => "with `mode: ec2` the number of instances is fixed; `mode: asg` scales",
            Mode::Asg => "give it one, as in {type: cpu, scaleOut: {above: 70}, scaleIn: {below: 30}}",
        };
        writeln!(
            out,
            "{} has no scaling.metrics that follow a load, so that its capacity follows nothing: {remedy}",
            args.spec.display()
        )?;
        return Ok(End::Wrong);
    }
    let options = options(&spec, args)?;
    let traces = traces(args)?;
    let mut compared = Vec::new();
    for trace in traces {
        let comparison = compare(&trace, &options, &policy, LOW);
        show(out, &trace, &options, &comparison)?;
        compared.push((trace, comparison));
    }
    if let Some(path) = &args.html {
        let page = page::render(&file.stack.to_string(), &options, &policy, &compared)?;
        fs::write(path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        writeln!(out, "plots: {}", path.display())?;
    }
    Ok(End::Well)
}

/// Takes out what the model does not have, and says so: a metric that is always missing would keep the group from shrinking.
fn leave_out(out: &mut impl Write, policy: &mut Policy) -> Result<(), Failure> {
    let metrics = std::mem::take(&mut policy.metrics).into_iter();
    let (kept, others): (Vec<Metric>, Vec<Metric>) =
        metrics.partition(|metric| METRICS.contains(&metric.name.as_str()));
    policy.metrics = kept;
    let names: Vec<&str> = others.iter().map(|metric| metric.name.as_str()).collect();
    if !names.is_empty() {
        writeln!(
            out,
            "left out, because the model of a load has no such thing: {}",
            names.join(", ")
        )?;
    }
    Ok(())
}

fn options(spec: &Spec, args: &SimulateArgs) -> Result<Options, Failure> {
    let seconds = |duration: SignedDuration, most: u32| {
        let seconds = u32::try_from(duration.as_secs())
            .ok()
            .filter(|seconds| *seconds <= most);
        seconds.ok_or_else(|| format!("{duration:#} is too long: {most} s is the most"))
    };
    Ok(Options {
        min: spec.scaling.min,
        max: spec.scaling.max,
        capacity: args.capacity,
        boot: seconds(args.boot, LONGEST_BOOT)?,
        warm_up: windlass_planner::kinds::auto_scaling_group::warm_up(&spec.load_balancer.health_check),
        metric_delay: seconds(args.metric_delay, LATEST_METRIC)?,
        drain: spec.lifecycle.drain,
        ..Options::default()
    })
}

fn traces(args: &SimulateArgs) -> Result<Vec<Trace>, Failure> {
    let read = |path: &PathBuf| -> Result<Trace, Failure> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Trace::parse(&name, &text).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    let mut traces = args
        .traces
        .iter()
        .map(read)
        .collect::<Result<Vec<Trace>, Failure>>()?;
    let shapes = args.synthetic.iter();
    traces.extend(shapes.map(|shape| Trace::synthetic(*shape, args.seed, args.capacity)));
    if traces.is_empty() {
        return Err("there is no load: name a trace, or a shape as in --synthetic step,diurnal".into());
    }
    Ok(traces)
}

/// A scaler's row: its name and what it did.
fn rows(comparison: &Comparison) -> Vec<(String, &Measures)> {
    let targets = |named: &'static str| TARGETS.map(|target| format!("target tracking {target:.0} %{named}"));
    let tracking = targets("").into_iter().zip(&comparison.tracking);
    let patient = targets(", patient").into_iter().zip(&comparison.patient);
    let hpa = TARGETS
        .map(|target| format!("Kubernetes HPA {target:.0} %"))
        .into_iter()
        .zip(&comparison.hpa);
    let others = comparison
        .others
        .iter()
        .map(|(name, measures)| (name.clone(), measures));
    std::iter::once(("Windlass".to_owned(), &comparison.windlass))
        .chain(tracking)
        .chain(patient)
        .chain(hpa)
        .chain(others)
        .collect()
}

/// What is shown of a scaler, in the order of [`TITLES`].
fn cells(measures: &Measures) -> [String; 9] {
    let Measures {
        under,
        over,
        time_under,
        time_over,
        unserved,
        hours,
        actions,
        reversals,
        instability,
    } = measures;
    [
        format!("{under:.2}"),
        format!("{over:.1}"),
        format!("{time_under:.1}"),
        format!("{time_over:.1}"),
        format!("{unserved:.2}"),
        format!("{hours:.1}"),
        format!("{actions:.1}"),
        reversals.to_string(),
        format!("{instability:.2}"),
    ]
}

fn show(
    out: &mut impl Write,
    trace: &Trace,
    options: &Options,
    comparison: &Comparison,
) -> Result<(), Failure> {
    let Options {
        min,
        max,
        capacity,
        boot,
        ..
    } = options;
    let length = SignedDuration::from_secs(trace.seconds().into());
    let peak = trace.peak(0..trace.seconds());
    writeln!(
        out,
        "{}: {length:#}, at most {peak:.0} requests/s; {min} to {max} instances of {capacity} requests/s, which boot in {boot} s",
        trace.name,
    )?;
    if options.demand(peak) > *max {
        writeln!(
            out,
            "  its peak needs {} instances: scaling.max is {max}, for everybody",
            options.demand(peak)
        )?;
    }
    let rows = rows(comparison);
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    write!(out, "  {:width$}", "")?;
    for title in TITLES {
        write!(out, "  {title:>10}")?;
    }
    writeln!(out)?;
    for (name, measures) in rows {
        write!(out, "  {name:width$}")?;
        for cell in cells(measures) {
            write!(out, "  {cell:>10}")?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "elastic speedup over target tracking: {}",
        in_words(comparison.speedup())
    )?;
    writeln!(
        out,
        "  over one that waits until the metric shows what it removed: {}",
        in_words(comparison.patient_speedup())
    )?;
    writeln!(
        out,
        "  over Kubernetes' autoscaler: {}\n",
        in_words(comparison.hpa_speedup())
    )?;
    Ok(())
}

fn in_words(speedup: Speedup) -> String {
    let Speedup {
        target,
        speedup,
        hours,
    } = speedup;
    format!("{speedup:.2} (at {target:.0} %, its best here, with {hours:.2} × its instance-hours)")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;
    use crate::{Cli, Command};

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/");

    fn simulate(line: &str) -> Result<(End, String), String> {
        let line = line.replace("specs/", &format!("{FOLDER}specs/"));
        let line = line.replace("traces/", &format!("{FOLDER}traces/"));
        let words = ["windlass", "simulate"].into_iter().chain(line.split(' '));
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Simulate(args) = cli.command else {
            return Err("not simulate".into());
        };
        let mut out = Vec::new();
        let end = run(&mut out, false, &args).map_err(|failure| failure.to_string())?;
        let text = String::from_utf8(out).unwrap();
        Ok((end, text.replace(FOLDER, "")))
    }

    #[test]
    fn it_shows_how_a_spec_follows_a_load_and_how_others_do() {
        let (end, text) = simulate("specs/web.yaml --synthetic step --seed 3").unwrap();
        assert_eq!(end, End::Well);
        insta::assert_snapshot!(text);
    }

    /// Requests are of the model, and lead to the same as the processors that they use.
    #[test]
    fn what_the_model_does_not_have_is_left_out_and_that_is_said() {
        let (end, text) = simulate("specs/django.yaml --synthetic step --seed 3").unwrap();
        assert_eq!(end, End::Well);
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("left out, "), "{text}");
        assert!(first.ends_with(": networkIn, networkOut"), "{text}");
        assert!(text.contains("elastic speedup"), "{text}");
    }

    #[rstest]
    #[case("specs/web.yaml", "there is no load")]
    #[case(
        "specs/web.yaml --synthetic waves",
        "`waves` is no shape of load: there are step, ramp"
    )]
    #[case("specs/web.yaml --synthetic step --capacity 0", "`0` is no rate")]
    #[case("specs/web.yaml --synthetic step --boot 2h", "3600 s is the most")]
    #[case("specs/web.yaml --synthetic step --metric-delay 3m", "120 s is the most")]
    #[case("specs/none.yaml --synthetic step", "cannot read")]
    #[case("specs/web.yaml traces/none.csv", "cannot read")]
    #[case("specs/web.yaml specs/web.yaml", "a trace has the header")]
    #[case(
        "specs/web.yaml --synthetic step --html /nowhere/page.html",
        "cannot write /nowhere/page.html"
    )]
    fn what_cannot_be_run_is_said_with_the_remedy(#[case] line: &str, #[case] said: &str) {
        let error = simulate(line).unwrap_err();
        assert!(error.contains(said), "{error}");
    }

    #[rstest]
    #[case("specs/fixed.yaml --synthetic step", "`mode: asg` scales")]
    #[case("specs/invalid/several-at-once.yaml --synthetic step", "is not valid")]
    fn a_spec_that_follows_nothing_is_refused(#[case] line: &str, #[case] said: &str) {
        let (end, text) = simulate(line).unwrap();
        assert_eq!(end, End::Wrong);
        assert!(text.contains(said), "{text}");
    }

    #[test]
    fn a_peak_beyond_the_largest_group_is_said() {
        let (_, text) = simulate("specs/web.yaml --synthetic step --seed 3 --capacity 100").unwrap();
        assert!(text.contains("scaling.max is 9"), "{text}");
    }

    #[rstest]
    #[case("aws-elb-requests-2014")]
    #[case("azure-llm-conversation-2023")]
    #[case("nyc-taxi-2014")]
    fn each_trace_that_comes_with_the_project_runs(#[case] name: &str) {
        let (end, text) = simulate(&format!("specs/web.yaml traces/{name}.csv")).unwrap();
        assert_eq!(end, End::Well);
        assert!(
            text.starts_with(name) && text.contains("elastic speedup over target tracking: "),
            "{text}"
        );
    }

    #[test]
    fn the_page_stands_alone_and_says_why_each_decision_was_made() {
        let folder = std::env::temp_dir().join(format!("windlass-simulate-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("page.html");
        let line = format!("specs/web.yaml --synthetic step,spike --html {}", path.display());
        let (_, text) = simulate(&line).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(text.contains("plots: "));
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(
            page.contains("cpu asks for the most"),
            "a decision tells its reason"
        );
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(
                !page.replace("http://www.w3.org/2000/svg", "").contains(outside),
                "{outside}"
            );
        }
    }
}

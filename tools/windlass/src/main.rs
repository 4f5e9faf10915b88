//! `windlass`: what people need beside the pipeline. It checks and explains specs before an upload, and follows stacks
//! afterwards.
//!
//! Exit codes: 0 it is well; 1 it is not, and the output says why; 2 no answer in time, or wrong usage.

mod cloud;
mod demo;
mod display;
mod explain;
mod history;
mod inventory;
mod plan;
mod progress;
mod promises;
mod report;
mod restore;
mod simulate;
mod specfile;
mod traffic;
mod validate;
mod watch;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use jiff::SignedDuration;
use windlass_aws::Aws;
use windlass_load::Shape;
use windlass_spec::{StackId, parse_key};

/// Upload a short spec, get a running web stack.
///
/// Checks and explains specs before an upload, and follows stacks afterwards.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// Plain text even on a terminal
    #[arg(long, global = true, env = "NO_COLOR", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new(), hide_env_values = true)]
    no_color: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check specs: every error with its place and what to do about it
    Validate(ValidateArgs),
    /// Show what a spec would create or change, and why: from the spec alone, or over the stack as it is
    Plan(PlanArgs),
    /// Print the JSON Schema of a spec, for editors
    Schema,
    /// Show how a spec's scaling would follow a load over time, beside what AWS's own scaling would do
    Simulate(SimulateArgs),
    /// Follow a stack until it is ready, rejected or failed
    Watch(WatchArgs),
    /// Show the last decisions about a stack's capacity, and what each was made from
    Explain(ExplainArgs),
    /// List the recorded states of a stack, with what changed from each to the next
    History(HistoryArgs),
    /// Write the spec of a recorded state back, after showing what changes
    Restore(RestoreArgs),
    /// Upload a spec, follow it to Ready, check AWS against it, then show a rejection
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
struct ValidateArgs {
    /// Specs, YAML or JSON
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The stack they are for, as in dev/web [default: from a path like specs/dev/web.yaml, else dev/<file name>]
    #[arg(long, value_parser = stack)]
    stack: Option<StackId>,
}

#[derive(Debug, Args)]
struct PlanArgs {
    /// A spec, YAML or JSON
    file: PathBuf,
    /// The stack it is for, as in dev/web [default: from a path like specs/dev/web.yaml, else dev/<file name>]
    #[arg(long, value_parser = stack)]
    stack: Option<StackId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show everything that a create sets, not only what a change changes
    #[arg(long)]
    full: bool,
    /// Look at the stack as it is in AWS, and change nothing
    #[arg(long, requires_all = ["spec_bucket", "state_bucket"])]
    live: bool,
    /// The bucket that specs are put in
    #[arg(long, env = "SPEC_BUCKET")]
    spec_bucket: Option<String>,
    /// The bucket that states are in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: Option<String>,
    /// The Region of the stack
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
}

impl PlanArgs {
    fn form(&self) -> plan::Form {
        plan::Form {
            json: self.json,
            full: self.full,
        }
    }
}

#[derive(Debug, Args)]
struct SimulateArgs {
    /// A spec, YAML or JSON
    spec: PathBuf,
    /// Loads over time: CSV files with the header `second,requests_per_second`
    traces: Vec<PathBuf>,
    /// A load of this shape: step, ramp, spike, diurnal, sawtooth, noise, dropout (of metrics); several with commas
    #[arg(long, value_delimiter = ',', value_parser = shape)]
    synthetic: Vec<Shape>,
    /// What the heights and times of synthetic loads follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Requests per second that one instance serves with all of its processor time
    #[arg(long, default_value_t = 100.0, value_parser = rate)]
    capacity: f64,
    /// From the launch of an instance until it serves
    #[arg(long, default_value = "90s", value_parser = duration)]
    boot: SignedDuration,
    /// From the end of a minute until its metric can be read
    #[arg(long, default_value = "60s", value_parser = duration)]
    metric_delay: SignedDuration,
    /// Write a page with the plots there
    #[arg(long)]
    html: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct WatchArgs {
    /// The stack, as in dev/web
    #[arg(value_parser = stack)]
    stack: StackId,
    /// The bucket that statuses are in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: String,
    /// How long to wait: 90s, 15m, 1h
    #[arg(long, default_value = "15m", value_parser = duration)]
    timeout: SignedDuration,
    /// Print how it is now, and end
    #[arg(long)]
    once: bool,
    /// Wait for the answer to this version of the spec; what an older one got does not count
    #[arg(long)]
    version_id: Option<String>,
}

#[derive(Debug, Args)]
struct HistoryArgs {
    /// The stack, as in dev/web
    #[arg(value_parser = stack)]
    stack: StackId,
    /// The bucket that states are in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: String,
    /// How many states, the newest
    #[arg(long, default_value = "20", value_parser = count)]
    last: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The stack, as in dev/web
    #[arg(value_parser = stack)]
    stack: Option<StackId>,
    /// The bucket that the journal is in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: Option<String>,
    /// How many decisions, the newest
    #[arg(long, default_value = "5", value_parser = count)]
    last: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Make the decision of a file again, an entry of the journal, and say whether it is the same
    #[arg(long, conflicts_with = "stack")]
    replay: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    /// The stack, as in dev/web
    #[arg(value_parser = stack)]
    stack: StackId,
    /// Number of the state, as `windlass history` lists it
    serial: u64,
    /// The bucket that specs are put in
    #[arg(long, env = "SPEC_BUCKET")]
    spec_bucket: String,
    /// The bucket that states are in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: String,
    /// Write it back without asking
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// The bucket that specs are put in
    #[arg(long, env = "SPEC_BUCKET")]
    spec_bucket: String,
    /// The bucket that statuses are in
    #[arg(long, env = "STATE_BUCKET")]
    state_bucket: String,
    /// The spec to upload
    #[arg(long, default_value = "events/specs/gate.yaml")]
    spec: PathBuf,
    /// The stack to make of it
    #[arg(long, default_value = "dev/web", value_parser = stack)]
    stack: StackId,
    /// An invalid spec, to show its rejection
    #[arg(long, default_value = "events/specs/invalid/several-at-once.yaml")]
    invalid: PathBuf,
    /// A package of the spec, which is misspelt to show what becomes of instances that install nothing
    #[arg(long, default_value = "nginx")]
    package: String,
    /// URL that tells where load balancers answer; only for a local cloud
    #[arg(long, env = "LOAD_BALANCERS_URL")]
    load_balancers_url: Option<String>,
    /// Requests in a second that use all of one instance: the stack is then put under more than it can take. Only where
    /// instances tell of the use of their processors
    #[arg(long, env = "REQUESTS_PER_SECOND")]
    requests_per_second: Option<f64>,
    /// How long each of them may take: 90s, 15m, 1h
    #[arg(long, default_value = "10m", value_parser = duration)]
    timeout: SignedDuration,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All is well.
    Well,
    /// Something is wrong, and the output said what.
    Wrong,
    /// There was no answer in time.
    NoAnswer,
}

/// What may stop a command early; the text is all that people need.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A stack's name as people write it: `dev/web`.
fn stack(text: &str) -> Result<StackId, String> {
    parse_key(&format!("specs/{text}.yaml")).map_err(|error| error.to_string())
}

/// A length of time as people write it: `90s`, `15m`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    parsed
        .ok()
        .filter(SignedDuration::is_positive)
        .ok_or_else(|| format!("`{text}` is no length of time: write it as 90s, 15m or 1h"))
}

/// A shape of load, by its name.
fn shape(text: &str) -> Result<Shape, String> {
    let found = Shape::ALL.into_iter().find(|shape| shape.name() == text);
    found.ok_or_else(|| {
        let names = Shape::ALL.map(Shape::name).join(", ");
        format!("`{text}` is no shape of load: there are {names}")
    })
}

/// A rate above none.
fn rate(text: &str) -> Result<f64, String> {
    let parsed = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    parsed.ok_or_else(|| format!("`{text}` is no rate: write a number above 0"))
}

/// A number of things, at least one.
fn count(text: &str) -> Result<usize, String> {
    let parsed = text.parse().ok().filter(|count| *count > 0);
    parsed.ok_or_else(|| format!("`{text}` is no number of them: write one from 1"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(End::Well) => ExitCode::SUCCESS,
        Ok(End::Wrong) => ExitCode::from(1),
        Ok(End::NoAnswer) => ExitCode::from(2),
        Err(failure) => {
            // Tolerated: where stderr is gone, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(1)
        }
    }
}

async fn run(cli: Cli) -> Result<End, Failure> {
    let mut out = std::io::stdout();
    let live = out.is_terminal() && !cli.no_color;
    match cli.command {
        Command::Validate(args) => validate::run(&mut out, live, &args.files, args.stack.as_ref()),
        Command::Plan(args) => match (&args.spec_bucket, &args.state_bucket) {
            (Some(specs), Some(states)) if args.live => {
                let aws = Aws::from_environment().await;
                plan::live(&aws, &mut out, live, &args, (specs, states)).await
            }
            _ => plan::run(&mut out, live, &args.file, args.stack.as_ref(), args.form()),
        },
        Command::Schema => {
            writeln!(out, "{:#}", windlass_spec::schema())?;
            Ok(End::Well)
        }
        Command::Simulate(args) => simulate::run(&mut out, live, &args),
        Command::Watch(args) => watch::run(&mut out, live, args).await,
        Command::Explain(args) => explain::run(&mut out, &args).await,
        Command::History(args) => history::run(&mut out, &args).await,
        Command::Restore(args) => restore::run(&mut out, &args).await,
        Command::Demo(args) => demo::run(&mut out, live, &args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case("dev/web", true)]
    #[case("prod/shop-2", true)]
    #[case("web", false)]
    #[case("dev/Web", false)]
    #[case("dev/a/b", false)]
    #[case("dev/", false)]
    fn a_stack_is_an_environment_and_a_name(#[case] text: &str, #[case] fit: bool) {
        assert_eq!(stack(text).is_ok(), fit);
    }

    #[rstest]
    #[case("90s", Some(90))]
    #[case("15m", Some(900))]
    #[case("1h", Some(3600))]
    #[case("0s", None)]
    #[case("-5m", None)]
    #[case("soon", None)]
    fn a_timeout_is_a_positive_length_of_time(#[case] text: &str, #[case] seconds: Option<i64>) {
        assert_eq!(duration(text).ok().map(|timeout| timeout.as_secs()), seconds);
    }

    #[rstest]
    #[case("history dev/web --state-bucket b --last 5 --json", true)]
    #[case("history dev/web --state-bucket b --last 0", false)]
    #[case("restore dev/web 7 --spec-bucket a --state-bucket b --yes", true)]
    #[case("restore dev/web latest --spec-bucket a --state-bucket b", false)]
    fn states_are_named_by_their_numbers(#[case] line: &str, #[case] fit: bool) {
        let parsed = Cli::try_parse_from(std::iter::once("windlass").chain(line.split(' ')));
        assert_eq!(parsed.is_ok(), fit, "{parsed:?}");
    }

    #[test]
    fn watching_takes_its_bucket_and_limits_from_the_command_line() {
        let line = "windlass watch dev/web --state-bucket b --timeout 20s --version-id v2 --once";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Watch(args) = cli.command else {
            panic!("not watch: {cli:?}");
        };
        assert_eq!(args.state_bucket, "b");
        assert_eq!(args.timeout, SignedDuration::from_secs(20));
        assert_eq!(args.version_id.as_deref(), Some("v2"));
        assert!(args.once);
    }
}

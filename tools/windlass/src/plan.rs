//! `windlass plan`: what a spec would create or change, and why. The same function decides that the pipeline runs, asked
//! without sending: from the spec alone, or with `--live` over the stack as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use jiff::SignedDuration;
use serde::Serialize;
use windlass_engine::{Port, Settings};
use windlass_planner::{Plan, PlanCounts, Step, plan_from_spec};
use windlass_spec::StackId;

use crate::{End, Failure, PlanArgs, cloud, specfile, validate};

/// How a plan is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Form {
    /// As JSON, for programs.
    pub(crate) json: bool,
    /// With everything that a create sets, not only what a change changes.
    pub(crate) full: bool,
}

/// Shows the plan of one spec, without looking at AWS.
pub(crate) fn run(
    out: &mut impl Write,
    color: bool,
    path: &Path,
    stack: Option<&StackId>,
    form: Form,
) -> Result<End, Failure> {
    let file = specfile::read(path, stack)?;
    let Some(spec) = validate::spec(out, color, &file)? else {
        return Ok(End::Wrong);
    };
    let plan = plan_from_spec(&spec);
    let whence = "from its spec alone: zones and image are chosen when it is applied";
    show(out, &file.stack, &plan, whence, form)
}

/// Shows the plan of one spec over its stack as it is. Reads AWS and the state bucket, and changes nothing.
pub(crate) async fn live<P: Port>(
    port: &P,
    out: &mut impl Write,
    color: bool,
    args: &PlanArgs,
    buckets: (&str, &str),
) -> Result<End, Failure> {
    let file = specfile::read(&args.file, args.stack.as_ref())?;
    let Some(spec) = validate::spec(out, color, &file)? else {
        return Ok(End::Wrong);
    };
    let settings = settings(buckets, &args.region);
    let document = windlass_engine::plan(port, &cloud::now, &settings, &file.stack, spec).await?;
    let whence = match document.serial {
        1 => "which does not exist yet".to_owned(),
        next => format!("over its state {}", next - 1),
    };
    show(out, &file.stack, &document.plan, &whence, args.form())
}

/// What the engine needs to read: nothing is leased, sent or woken.
fn settings((spec_bucket, state_bucket): (&str, &str), region: &str) -> Settings {
    Settings {
        spec_bucket: spec_bucket.to_owned(),
        state_bucket: state_bucket.to_owned(),
        queue: String::new(),
        region: region.to_owned(),
        boundary: None,
        lease: SignedDuration::from_mins(2),
        call: SignedDuration::from_secs(10),
        budget: SignedDuration::from_mins(2),
        consistency: SignedDuration::ZERO,
        wake_seconds: 0,
        deadline: SignedDuration::from_hours(1),
        grace: SignedDuration::ZERO,
    }
}

fn show(
    out: &mut impl Write,
    stack: &StackId,
    plan: &Plan,
    whence: &str,
    form: Form,
) -> Result<End, Failure> {
    if form.json {
        let document = Document {
            stack: stack.to_string(),
            counts: plan.counts(),
            plan,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    } else {
        write!(out, "{}", render(stack, plan, whence, form.full))?;
    }
    Ok(if plan.refusals.is_empty() {
        End::Well
    } else {
        End::Wrong
    })
}

#[derive(Serialize)]
struct Document<'a> {
    stack: String,
    counts: PlanCounts,
    #[serde(flatten)]
    plan: &'a Plan,
}

/// Services in the order in which people would build a stack.
const SERVICES: [(&str, &str); 7] = [
    ("ec2", "EC2"),
    ("iam", "IAM"),
    ("elasticloadbalancing", "Elastic Load Balancing"),
    ("autoscaling", "Auto Scaling"),
    ("cloudwatch", "CloudWatch"),
    ("sns", "SNS"),
    ("logs", "CloudWatch Logs"),
];

fn render(stack: &StackId, plan: &Plan, whence: &str, full: bool) -> String {
    let mut text = format!("Plan of {stack}, {whence}.\n");
    let width = plan.steps.iter().map(|step| step.resource.as_str().len()).max();
    for (service, steps) in by_service(plan) {
        let name = SERVICES.iter().find(|(prefix, _)| *prefix == service);
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}", name.map_or(service, |(_, name)| name));
        for step in steps {
            let _ = writeln!(text, "{}", line(step, width.unwrap_or_default()));
            for field in step.fields.iter().filter(|field| full || field.before.is_some()) {
                let _ = writeln!(text, "      {}", field.text());
            }
        }
    }
    for refusal in &plan.refusals {
        let _ = writeln!(text, "\nNot possible: {}: {}", refusal.resource, refusal.reason);
    }
    let counts = plan.counts();
    let _ = writeln!(
        text,
        "\nPlan: {} to create, {} to change, {} to replace, {} to destroy.",
        counts.create, counts.update, counts.replace, counts.delete
    );
    text
}

/// Steps by the service of their first call: known services first, in their order.
fn by_service(plan: &Plan) -> Vec<(&str, Vec<&Step>)> {
    let mut groups: BTreeMap<(usize, &str), Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        let service = step
            .action
            .split_once(':')
            .map_or(step.action.as_ref(), |(service, _)| service);
        let place = SERVICES.iter().position(|(prefix, _)| *prefix == service);
        groups
            .entry((place.unwrap_or(SERVICES.len()), service))
            .or_default()
            .push(step);
    }
    groups
        .into_iter()
        .map(|((_, service), steps)| (service, steps))
        .collect()
}

fn line(step: &Step, width: usize) -> String {
    format!(
        "  {} {:width$}  {}",
        step.sign(),
        step.resource.as_str(),
        step.reason
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn plan(file: &str, form: Form) -> String {
        let path = format!("{}/../../events/specs/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
        let mut out = Vec::new();
        let end = run(&mut out, false, Path::new(&path), None, form).unwrap();
        assert_eq!(end, End::Well);
        String::from_utf8(out).unwrap()
    }

    const JSON: Form = Form {
        json: true,
        full: false,
    };

    #[rstest]
    #[case("web")]
    #[case("minimal")]
    fn a_plan_lists_each_resource_with_its_reason(#[case] file: &str) {
        insta::assert_snapshot!(format!("plan_of_{file}"), plan(file, Form::default()));
    }

    #[test]
    fn the_json_counts_what_it_lists() {
        let plan: serde_json::Value = serde_json::from_str(&plan("web", JSON)).unwrap();
        let steps = plan["steps"].as_array().unwrap().len();
        let count = |change: &str| plan["counts"][change].as_u64().unwrap();
        assert_eq!(count("create") + count("update"), steps as u64);
        assert_eq!(plan["stack"], "dev/web");
    }

    #[test]
    fn what_a_create_sets_is_shown_on_demand() {
        let full = Form {
            json: false,
            full: true,
        };
        assert!(!plan("web", Form::default()).contains("cidr: 10.0.0.0/16"));
        assert!(plan("web", full).contains("      cidr: 10.0.0.0/16\n"));
    }
}

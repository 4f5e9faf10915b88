//! `windlass plan`: what a spec would create, and why. The same function decides that the pipeline runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use windlass_planner::{Plan, PlanCounts, Step, plan_from_spec};
use windlass_spec::StackId;

use crate::{End, Failure, specfile, validate};

/// Shows the plan of one spec.
pub(crate) fn run(
    out: &mut impl Write,
    color: bool,
    path: &Path,
    stack: Option<&StackId>,
    json: bool,
) -> Result<End, Failure> {
    let file = specfile::read(path, stack)?;
    let Some(spec) = validate::spec(out, color, &file)? else {
        return Ok(End::Wrong);
    };
    let plan = plan_from_spec(&spec);
    if json {
        let document = Document {
            stack: file.stack.to_string(),
            counts: plan.counts(),
            plan: &plan,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    } else {
        write!(out, "{}", render(&file.stack, &plan))?;
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
const SERVICES: [(&str, &str); 4] = [
    ("ec2", "EC2"),
    ("iam", "IAM"),
    ("elasticloadbalancing", "Elastic Load Balancing"),
    ("autoscaling", "Auto Scaling"),
];

fn render(stack: &StackId, plan: &Plan) -> String {
    let mut text =
        format!("Plan of {stack}, from its spec alone: zones and image are chosen when it is applied.\n");
    let width = plan.steps.iter().map(|step| step.resource.as_str().len()).max();
    for (service, steps) in by_service(plan) {
        let name = SERVICES.iter().find(|(prefix, _)| *prefix == service);
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}", name.map_or(service, |(_, name)| name));
        for step in steps {
            let _ = writeln!(text, "{}", line(step, width.unwrap_or_default()));
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
fn by_service(plan: &Plan) -> Vec<(&'static str, Vec<&Step>)> {
    let mut groups: BTreeMap<(usize, &'static str), Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        let service = step
            .action
            .split_once(':')
            .map_or(step.action, |(service, _)| service);
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
    let sign = if step.change == "create" { '+' } else { '~' };
    format!("  {sign} {:width$}  {}", step.resource.as_str(), step.reason)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn plan(file: &str, json: bool) -> String {
        let path = format!("{}/../../events/specs/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
        let mut out = Vec::new();
        let end = run(&mut out, false, Path::new(&path), None, json).unwrap();
        assert_eq!(end, End::Well);
        String::from_utf8(out).unwrap()
    }

    #[rstest]
    #[case("web")]
    #[case("minimal")]
    fn a_plan_lists_each_resource_with_its_reason(#[case] file: &str) {
        insta::assert_snapshot!(format!("plan_of_{file}"), plan(file, false));
    }

    #[test]
    fn the_json_counts_what_it_lists() {
        let plan: serde_json::Value = serde_json::from_str(&plan("web", true)).unwrap();
        let steps = plan["steps"].as_array().unwrap().len();
        let count = |change: &str| plan["counts"][change].as_u64().unwrap();
        assert_eq!(count("create") + count("update"), steps as u64);
        assert_eq!(plan["stack"], "dev/web");
    }
}

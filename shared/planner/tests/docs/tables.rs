//! Tables of parameters, phases and keys are those of the template and the engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::reading::{between, codes, read, table};

#[test]
fn parameters_are_those_of_the_template() {
    let template = read("template.yaml");
    let section = between(&template, "\nParameters:\n", "\nConditions:");
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in section.lines() {
        match line.strip_prefix("  ") {
            Some(key) if !key.starts_with(' ') => name = key.trim_end_matches(':').to_owned(),
            Some(field) => {
                if let Some(default) = field.trim().strip_prefix("Default: ") {
                    parameters.insert(name.clone(), default.trim_matches('\'').to_owned());
                }
            }
            None => {}
        }
    }
    let rows = table("docs/operations.md", "Deploy").into_iter();
    let described: BTreeMap<String, String> = rows
        .map(|row| (codes(&row["Parameter"]).remove(0), row["Default"].clone()))
        .collect();
    assert_eq!(described, parameters);
}

#[test]
fn phases_are_those_of_the_engine() {
    let source = read("shared/engine/src/status.rs");
    let variants = between(&source, "pub enum Phase {", "\n}");
    let variants = variants
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let phases: BTreeSet<String> = variants
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect();
    let rows = table("docs/operations.md", "Follow a stack");
    let described: BTreeSet<String> = rows.iter().flat_map(|row| codes(&row["Phase"])).collect();
    assert_eq!(described, phases);
}

#[test]
fn keys_are_those_that_the_roles_may_write() {
    let template = read("template.yaml");
    let written = template
        .split("${StateBucket.Arn}/")
        .skip(1)
        .filter_map(|rest| rest.split(['\'', '/']).next());
    let written: BTreeSet<&str> = written.filter(|prefix| *prefix != "*").collect();
    let rows = table("docs/architecture.md", "Buckets");
    let described: Vec<String> = rows.iter().flat_map(|row| codes(&row["Key"])).collect();
    let described: BTreeSet<&str> = described
        .iter()
        .map(|key| key.split('/').next().unwrap())
        .collect();
    let described: BTreeSet<&str> = described
        .into_iter()
        .filter(|prefix| *prefix != "specs")
        .collect();
    assert_eq!(described, written);
}

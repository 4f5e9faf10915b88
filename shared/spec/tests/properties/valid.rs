//! The specs that other tests are given at random: they are valid, and say everything.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use windlass_spec::arbitrary::{specs, transitions};
use windlass_spec::{Spec, schema};

use crate::common::coverage::{belongs, known, said};
use crate::promises::promises;
use crate::{SCHEMA, decode_bytes};

/// What depends on the key, and what may be done with a stack.
const LEFT_OUT: [&str; 4] = ["apply", "protect", "metadata.name", "metadata.environment"];

/// `count` values, the same in every run.
fn draw<T>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let mut one = || strategy.new_tree(&mut runner).unwrap().current();
    (0..count).map(|_| one()).collect()
}

fn decoded(text: &str) -> Spec {
    decode_bytes(text.as_bytes()).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// Every value of `recorded`, by its path; a list is one value.
fn values(path: &str, recorded: &Value, found: &mut BTreeSet<(String, String)>) {
    match recorded {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                values(&format!("{path}.{name}"), value, found);
            }
        }
        value => {
            found.insert((path.trim_start_matches('.').to_owned(), value.to_string()));
        }
    }
}

/// Which fields two specs differ in.
fn changed(before: &Spec, after: &Spec) -> BTreeSet<String> {
    let [before, after] = [before, after].map(|spec| {
        let mut found = BTreeSet::new();
        values("", &serde_json::to_value(spec).unwrap(), &mut found);
        found
    });
    before
        .symmetric_difference(&after)
        .map(|(path, _)| path.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spec_decodes_keeps_its_promises_and_passes_the_schema(text in specs()) {
        promises(&decoded(&text))?;
        prop_assert!(SCHEMA.is_valid(&serde_json::from_str(&text).unwrap()), "{}", text);
    }

    #[test]
    fn both_specs_of_a_transition_decode((before, after) in transitions()) {
        promises(&decoded(&before))?;
        promises(&decoded(&after))?;
    }
}

#[test]
fn together_they_say_every_supported_field_and_word() {
    let mut shown = BTreeSet::new();
    for text in draw(&specs(), 500) {
        said("", &serde_json::from_str(&text).unwrap(), &mut shown);
    }
    let mut all = BTreeSet::new();
    known("", &schema(), &mut all);
    let excepted = |path: &str| LEFT_OUT.iter().any(|field| belongs(path, field));
    let missing: Vec<&String> = all.difference(&shown).filter(|path| !excepted(path)).collect();
    assert!(missing.is_empty(), "in no spec: {missing:?}");
}

#[test]
fn every_field_changes_in_some_transition_and_most_change_few() {
    let changes: Vec<BTreeSet<String>> = draw(&transitions(), 2000)
        .iter()
        .map(|(before, after)| changed(&decoded(before), &decoded(after)))
        .collect();
    let count = |fields: RangeInclusive<usize>| {
        changes
            .iter()
            .filter(|found| fields.contains(&found.len()))
            .count()
    };
    let (none, few) = (count(0..=0), count(1..=4));
    assert!(
        none < 300 && few > 1000,
        "{none} without a change, {few} with few"
    );
    let all: BTreeSet<&str> = changes.iter().flatten().map(String::as_str).collect();
    let expected = [
        "allowReplace",
        "compute.app.port",
        "compute.app.runtime.container.env.MODE",
        "compute.app.runtime.container.image",
        "compute.app.runtime.packages",
        "compute.app.runtime.userData",
        "compute.architecture",
        "compute.image",
        "compute.image.ami",
        "compute.image.parameter",
        "compute.instanceTypes",
        "compute.mode",
        "compute.spot.onDemandBase",
        "compute.spot.onDemandPercent",
        "drift.interval",
        "drift.repair",
        "lifecycle.drain",
        "lifecycle.launch.timeout",
        "lifecycle.launch.verify",
        "loadBalancer.healthCheck.codes",
        "loadBalancer.healthCheck.healthy",
        "loadBalancer.healthCheck.interval",
        "loadBalancer.healthCheck.path",
        "loadBalancer.healthCheck.unhealthy",
        "loadBalancer.listeners",
        "loadBalancer.scheme",
        "monitoring.dashboard",
        "monitoring.notify",
        "network.cidr",
        "network.endpoints",
        "network.nat",
        "network.zones",
        "rollout",
        "scaling.max",
        "scaling.metrics",
        "scaling.min",
        "tags.team",
    ];
    let missing: Vec<&str> = expected
        .into_iter()
        .filter(|field| !all.contains(field))
        .collect();
    assert!(missing.is_empty(), "never changes: {missing:?}");
}

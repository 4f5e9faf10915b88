//! Every rule explains a piece of evidence, and no words claim what the evidence does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use windlass_readiness::cause::{Cause, Evidence, cause, causes, console::Signs, rules};

/// Evidence with what is to be said of it, and where its wording is from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    source: String,
    evidence: Value,
    expected: Cause,
    /// Rules further down that fit as well: what follows from the cause.
    consequences: BTreeSet<String>,
}

fn fixtures() -> BTreeMap<String, Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let fixture = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, fixture)
        })
        .collect()
}

fn evidence(value: &Value) -> Evidence {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

#[test]
fn every_fixture_is_explained_by_its_rule_in_these_words() {
    for (name, fixture) in fixtures() {
        assert_eq!(cause(&evidence(&fixture.evidence)), fixture.expected, "{name}");
        assert!(!fixture.source.is_empty(), "{name}");
    }
}

#[test]
fn no_other_rule_fits_but_those_that_follow_from_the_cause() {
    for (name, fixture) in fixtures() {
        let fitting: Vec<String> = causes(&evidence(&fixture.evidence))
            .into_iter()
            .map(|cause| cause.rule)
            .collect();
        let others: BTreeSet<String> = fitting.into_iter().skip(1).collect();
        assert_eq!(others, fixture.consequences, "{name}");
    }
}

#[test]
fn every_rule_has_a_fixture() {
    let explained: BTreeSet<String> = fixtures()
        .into_values()
        .map(|fixture| fixture.expected.rule)
        .collect();
    let named: BTreeSet<String> = rules().map(str::to_owned).collect();
    assert_eq!(explained, named);
}

#[test]
fn evidence_is_read_back_as_it_was_written() {
    for (name, fixture) in fixtures() {
        let evidence = evidence(&fixture.evidence);
        let written = serde_json::to_value(&evidence).unwrap();
        assert_eq!(bare(&written), bare(&fixture.evidence), "{name}");
        assert_eq!(
            serde_json::from_value::<Evidence>(written).unwrap(),
            evidence,
            "{name}"
        );
    }
}

/// Without what is null or empty: all that a fixture leaves out.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty()))
            .map(|(key, value)| (key.clone(), bare(value)))
            .collect(),
        Value::Array(all) => all.iter().map(bare).collect(),
        plain => plain.clone(),
    }
}

/// Every way to take one part of the evidence away.
fn reduced(evidence: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (part, inner) in evidence.as_object().unwrap() {
        all.push((part.clone(), without(evidence, part, None)));
        for field in inner.as_object().into_iter().flat_map(|inner| inner.keys()) {
            all.push((format!("{part}.{field}"), without(evidence, part, Some(field))));
        }
    }
    all
}

fn without(evidence: &Value, part: &str, field: Option<&str>) -> Value {
    let mut reduced = evidence.clone();
    let map = reduced.as_object_mut().unwrap();
    match field {
        None => map.remove(part),
        Some(field) => map.get_mut(part).unwrap().as_object_mut().unwrap().remove(field),
    };
    reduced
}

/// What may be said only if a part of the evidence is there.
const CLAIMS: &[(&str, &[&str])] = &[
    (
        "target",
        &[
            "Target.",
            "Elb.",
            "with 4",
            "with 5",
            "with 3",
            "refuses the load balancer",
            "most likely plain HTTP",
        ],
    ),
    ("target.reason", &["Target.", "Elb.", "the application answers"]),
    ("target.description", &["the application answers `"]),
    ("check.path", &["`/"]),
    ("check.codes", &[", not 2"]),
    ("check.timeout", &["within 5 s"]),
    ("check.protocol", &["HTTPS on port"]),
    ("loadBalancer", &["provisioned"]),
    (
        "instance",
        &[
            "t3.",
            "impaired",
            "Client.",
            "EC2 ended",
            "took the spot",
            "shut itself",
            "the instance is terminated",
        ],
    ),
    ("instance.instanceType", &["t3."]),
    (
        "instance.stateReason",
        &["Client.", "EC2 ended", "took the spot", "somebody", "shut itself"],
    ),
    ("instance.systemStatus", &["system status check"]),
    ("instance.instanceStatus", &["instance status check"]),
    (
        "console",
        &[
            "not found (",
            "cannot reach the",
            "killed",
            "the disk",
            "scripts-user",
            "registry",
            "processor",
            "at boot",
        ],
    ),
    ("agent", &["listens", "exit code"]),
    ("agent.listening", &["nothing listens", "listens on port"]),
    ("agent.containers", &["ends again"]),
    (
        "network",
        &[
            "security group",
            "oute table",
            "NAT gateway",
            "network lets",
            "internet is open",
        ],
    ),
    ("network.instanceGroups", &["inbound rule", "network lets"]),
    ("network.balancerGroups", &["outbound rule", "network lets"]),
    (
        "network.routeTable",
        &["oute table", "NAT gateway", "network lets", "internet is open"],
    ),
    ("network.natGateways", &["NAT gateway", "internet is open"]),
    ("asked", &["ghcr.io", "compute.app.userData"]),
];

#[test]
fn without_a_part_of_the_evidence_there_is_an_answer_that_does_not_claim_it() {
    let claims: BTreeMap<&str, &[&str]> = CLAIMS.iter().copied().collect();
    let mut met = BTreeSet::new();
    for (name, fixture) in fixtures() {
        let whole = cause(&evidence(&fixture.evidence)).cause;
        for (part, reduced) in reduced(&fixture.evidence) {
            let said = cause(&evidence(&reduced)).cause;
            for claim in claims.get(part.as_str()).copied().unwrap_or_default() {
                assert!(!said.contains(claim), "{name} without {part} says: {said}");
                if whole.contains(claim) {
                    met.insert(part.clone());
                }
            }
        }
    }
    let named: BTreeSet<String> = claims.keys().map(|part| (*part).to_owned()).collect();
    assert_eq!(met, named, "a line of the table that nothing tests");
}

#[test]
fn no_words_repeat_what_a_script_printed() {
    let script = &fixtures()["script-failed"];
    assert!(
        script.evidence["console"]
            .as_str()
            .unwrap()
            .contains("s3cr3t-value")
    );
    for cause in causes(&evidence(&script.evidence)) {
        assert!(!format!("{cause:?}").contains("s3cr3t"), "{cause:?}");
    }
}

#[test]
fn nothing_known_is_said_to_be_so() {
    let said = cause(&Evidence::default());
    assert_eq!(said.rule, "no-cause-found");
    assert_eq!(said.cause, "no cause was found; seen was: nothing");
}

#[test]
fn the_reason_of_an_earlier_stop_is_not_why_a_running_instance_is_unhealthy() {
    let mut fixture = fixtures()["shut-down-by-api"].evidence.clone();
    fixture["instance"]["state"] = "running".into();
    assert_eq!(cause(&evidence(&fixture)).rule, "no-cause-found");
}

/// Pieces of consoles, whole and broken.
fn console() -> impl Strategy<Value = Vec<u8>> {
    let consoles: Vec<Vec<u8>> = fixtures()
        .into_values()
        .filter_map(|fixture| Some(fixture.evidence["console"].as_str()?.as_bytes().to_vec()))
        .collect();
    let piece = (
        prop::sample::select(consoles),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(console, from, to)| {
            let (from, to) = (from.index(console.len()), to.index(console.len()));
            console[from.min(to)..from.max(to)].to_vec()
        });
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec(prop_oneof![piece, noise], 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read(console in console()) {
        let signs = Signs::read(&console);
        prop_assert!(signs.failed_units.iter().chain(&signs.missing_packages).all(|name| name.len() <= 200));
    }

    #[test]
    fn words_about_any_console_are_printable_and_short(
        console in console(),
        fixture in prop::sample::select(fixtures().into_values().map(|fixture| fixture.evidence).collect::<Vec<_>>()),
    ) {
        let mut evidence = evidence(&fixture);
        evidence.console = Some(String::from_utf8_lossy(&console).into_owned());
        let said = cause(&evidence);
        prop_assert!(said.cause.len() + said.remedy.len() < 3000, "{:?}", said);
        prop_assert!(!said.cause.chars().any(char::is_control), "{:?}", said);
    }
}

//! Whatever the bytes, decoding ends in a spec or in errors that can be shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod mixed;
mod promises;
mod valid;

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use serde_json::json;
use windlass_spec::{Diagnostics, Mode, Nat, Rollout, Spec, decode, schema};

use mixed::spec;
use promises::promises;

fn decode_bytes(text: &[u8]) -> Result<Spec, Diagnostics> {
    decode(&common::stack("web"), text)
}

/// Errors are there, sorted, within the text, on the boundaries of its characters, and printable.
fn check(text: &[u8]) -> Result<(), TestCaseError> {
    let Err(errors) = decode_bytes(text) else {
        return Ok(());
    };
    prop_assert!(!errors.0.is_empty());
    prop_assert!(!errors.to_string().is_empty());
    let lines: Vec<_> = errors
        .0
        .iter()
        .map(|error| error.line.unwrap_or(u32::MAX))
        .collect();
    prop_assert!(lines.is_sorted());
    for error in &errors.0 {
        prop_assert!(error.line != Some(0) && error.column != Some(0));
        let Some(span) = &error.span else { continue };
        prop_assert!(span.start <= span.end && span.end <= text.len());
        if let Ok(text) = std::str::from_utf8(text) {
            prop_assert!(text.get(span.clone()).is_some_and(|part| !part.contains('\n')));
        }
    }
    Ok(())
}

/// All examples.
static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files = common::files("events/specs", &["yaml"]);
    files
        .into_iter()
        .map(|(_, text)| String::from_utf8(text).unwrap())
        .collect()
});

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&schema()).unwrap());

fn example() -> impl Strategy<Value = String> {
    any::<Index>().prop_map(|index| index.get(&EXAMPLES).clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_never_panics_on_any_bytes(text in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&text)?;
    }

    #[test]
    fn decoding_never_panics_on_any_text(text in "\\PC{0,200}") {
        check(text.as_bytes())?;
    }

    #[test]
    fn decoding_never_panics_on_what_looks_like_yaml(text in "[-a-c0-9:,\\[\\]{}&*!|>'\"%@`#?~ \\t\\r\\n\u{85}\u{feff}é🚀]{0,120}") {
        check(text.as_bytes())?;
    }

    #[test]
    fn decoding_never_panics_on_a_mutated_example(
        mut text in example(),
        edits in prop::collection::vec((any::<Index>(), 0usize..6, "[-a-z0-9:,\\[\\]{}&*!|>'\"# \\t\\n]{0,4}|\\PC"), 1..6)
    ) {
        for (at, cut, insert) in edits {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
            let from = at.index(places.len());
            let to = (from + cut).min(places.len() - 1);
            text.replace_range(places[from]..places[to], &insert);
        }
        check(text.as_bytes())?;
    }

    #[test]
    fn decoding_never_panics_on_an_example_with_flipped_bytes(
        text in example(),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8)
    ) {
        let mut text = text.into_bytes();
        for (at, byte) in flips {
            let place = at.index(text.len());
            text[place] = byte;
        }
        check(&text)?;
    }

    #[test]
    fn what_decodes_keeps_the_promises_of_its_types(
        zones in 0i64..9, min in 0i64..12, max in 0i64..12, length in 12u8..28, block in any::<u32>()
    ) {
        let address = std::net::Ipv4Addr::from(block);
        let text = format!(
            "network: {{cidr: {address}/{length}, zones: {zones}}}\nscaling: {{min: {min}, max: {max}}}\ncompute: {{app: {{packages: [nginx]}}}}"
        );
        if let Ok(spec) = decode_bytes(text.as_bytes()) {
            let cidr = spec.network.cidr;
            prop_assert!(cidr.network().is_private() && cidr.broadcast().is_private());
            prop_assert!((16..=23).contains(&cidr.prefix_len()) && cidr.trunc() == cidr);
            prop_assert!((2..=6).contains(&spec.network.zones));
            prop_assert!(1 <= spec.scaling.min && spec.scaling.min <= spec.scaling.max);
        }
    }

    #[test]
    fn a_spec_within_the_rules_decodes_to_what_it_says(
        zones in 2u8..=6, min in 1u32..500, more in 0u32..500, length in 16u8..=23, block in any::<u32>(), port in 1u16..
    ) {
        let cidr = ipnet::Ipv4Net::new((0x0a00_0000 | block >> 8).into(), length).unwrap().trunc();
        let max = min + more;
        let text = format!(
            "network: {{cidr: {cidr}, zones: {zones}}}\nscaling: {{min: {min}, max: {max}}}\ncompute: {{app: {{packages: [nginx], port: {port}}}}}"
        );
        let spec = decode_bytes(text.as_bytes()).unwrap();
        prop_assert_eq!((spec.network.cidr, spec.network.zones), (cidr, zones));
        prop_assert_eq!((spec.scaling.min, spec.scaling.max, spec.compute.app.port), (min, max, port));
    }

    #[test]
    fn what_decodes_keeps_its_promises_passes_the_schema_and_survives_a_trip_through_json(spec in spec()) {
        let text = spec.to_string();
        check(text.as_bytes())?;
        if let Ok(decoded) = decode_bytes(text.as_bytes()) {
            promises(&decoded)?;
            prop_assert!(SCHEMA.is_valid(&spec), "the schema refuses what the decoder takes");
            let json = serde_json::to_string(&decoded).unwrap();
            prop_assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), decoded);
        }
    }

    #[test]
    fn a_contact_that_is_taken_is_one_word_without_credentials(contact in "[a-z@.:/?# -]{0,12}|https://[a-z@.:/?# -]{0,12}|\\PC{0,12}") {
        let text = json!({"compute": {"app": {"packages": ["nginx"]}}, "monitoring": {"notify": [contact]}});
        if decode_bytes(text.to_string().as_bytes()).is_ok() {
            prop_assert!(contact.bytes().all(|b| b.is_ascii_graphic()) && contact.contains('.'));
            let authority = contact.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap());
            prop_assert!(authority.is_none_or(|authority| !authority.contains('@')));
            prop_assert!(authority.is_some() || contact.matches('@').count() == 1);
            prop_assert!(SCHEMA.is_valid(&text));
        }
    }
}

#[test]
fn many_generated_specs_are_valid_and_those_are_of_many_kinds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let decoded: Vec<Spec> = (0..3000)
        .filter_map(|_| {
            decode_bytes(
                spec()
                    .new_tree(&mut runner)
                    .unwrap()
                    .current()
                    .to_string()
                    .as_bytes(),
            )
            .ok()
        })
        .collect();
    let count = |kind: fn(&Spec) -> bool| decoded.iter().filter(|spec| kind(spec)).count();
    let counts = [
        count(|_| true),
        count(|spec| spec.network.nat == Nat::None),
        count(|spec| spec.compute.mode == Mode::Ec2),
        count(|spec| {
            spec.load_balancer
                .listeners
                .iter()
                .any(|listener| listener.redirect_to.is_some())
        }),
        count(|spec| {
            spec.scaling
                .metrics
                .iter()
                .any(|metric| metric.goal.scale_in().is_none())
        }),
        count(|spec| !spec.monitoring.notify.is_empty()),
        count(|spec| spec.allow_replace),
        count(|spec| spec.rollout == Rollout::Manual),
        count(|spec| !spec.drift.repair),
        count(|spec| spec.compute.spot.is_some()),
    ];
    assert!(counts.iter().all(|count| (5..900).contains(count)), "{counts:?}");
}

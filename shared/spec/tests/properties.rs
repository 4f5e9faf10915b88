//! Whatever the bytes, decoding ends in a spec or in errors that can be shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use proptest::prelude::*;
use windlass_spec::{Diagnostics, Spec, decode};

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

fn web() -> String {
    std::fs::read_to_string(common::root().join("events/specs/web.yaml")).unwrap()
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
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, "[-a-z0-9:,\\[\\]{}&*!|>'\"# \\t\\n]{0,4}|\\PC"), 1..6)
    ) {
        let mut text = web();
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
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut text = web().into_bytes();
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
}

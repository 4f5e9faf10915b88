//! Whatever the bytes, decoding ends in a spec or in errors that can be shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::strategy::ValueTree;
use serde_json::{Value, json};
use windlass_spec::{Diagnostics, Endpoint, Mode, Nat, Protocol, Runtime, Spec, decode, schema};

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

const CERTIFICATE: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/abc";

/// A record of the fields that have a value.
fn record<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

fn maybe(values: &[&str]) -> impl Strategy<Value = Option<Value>> + use<> {
    let values: Vec<Value> = values.iter().map(|text| json!(text)).collect();
    prop::option::of(select(values))
}

fn network() -> impl Strategy<Value = Value> {
    let words = ["s3", "ssm", "ecr", "ecr", "sqs", "s33"];
    let endpoints = prop::option::of(subsequence(words.to_vec(), 0..=3).prop_shuffle());
    (maybe(&["per-zone", "single", "none"]), endpoints)
        .prop_map(|(nat, endpoints)| record([("nat", nat), ("endpoints", endpoints.map(|list| json!(list)))]))
}

fn compute() -> impl Strategy<Value = Value> {
    let types = prop::option::of(subsequence(
        vec!["t3.small", "t3.small", "t3.large", "t4g.small"],
        0..=2,
    ));
    let text = select(vec![
        "x",
        "ssm:/a/b",
        "ssm:/",
        "ssm:x",
        "secret:a/b",
        "secret:",
        "x\ny",
    ]);
    let app = prop_oneof![
        1 => Just(json!({"packages": ["nginx"]})),
        3 => Just(json!({"userData": "x", "port": 80})),
        1 => text.prop_map(|text| json!({"container": {"image": "a", "port": 80, "env": {"A": text}}})),
    ];
    (maybe(&["asg", "ec2"]), types, app).prop_map(|(mode, types, app)| {
        record([
            ("mode", mode),
            ("instanceTypes", types.map(|list| json!(list))),
            ("app", Some(app)),
        ])
    })
}

fn load_balancer() -> impl Strategy<Value = Value> {
    let redirect = prop::option::of(select(vec![443, 443, 8443, 81]));
    let listener = move |port| {
        // Mostly as it should be.
        (Just(port), 0..20, redirect.clone()).prop_map(|(port, twist, redirect)| {
            let https = (port > 400) != (twist == 0);
            let certificate =
                (https != (twist == 1)).then(|| json!(if twist == 2 { "abc" } else { CERTIFICATE }));
            let redirect = redirect.filter(|_| https == (twist == 3));
            record([
                ("port", Some(json!(port))),
                ("protocol", https.then(|| json!("HTTPS"))),
                ("certificateArn", certificate),
                ("redirectTo", redirect.map(|port| json!(port))),
            ])
        })
    };
    subsequence(vec![80, 81, 81, 443, 443, 8443], 1..=4)
        .prop_flat_map(move |ports| ports.into_iter().map(&listener).collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(|listeners| json!({"listeners": listeners}))
}

fn scaling() -> impl Strategy<Value = Value> {
    let periods = || prop::option::of((0..64).prop_map(|n| json!(n)));
    let threshold = || (-5i32..1100).prop_map(|tenths| json!(f64::from(tenths) / 10.0));
    let out = (threshold(), periods())
        .prop_map(|(above, periods)| record([("above", Some(above)), ("periods", periods)]));
    let back = (threshold(), periods())
        .prop_map(|(below, periods)| record([("below", Some(below)), ("periods", periods)]));
    let metric = (
        select(vec!["cpu", "cpu", "cpu", "memory"]),
        out,
        prop::option::of(back),
    )
        .prop_map(|(kind, out, back)| {
            record([
                ("type", Some(json!(kind))),
                ("scaleOut", Some(out)),
                ("scaleIn", back),
            ])
        });
    let bound = || prop::option::of(0..6i32);
    (
        bound(),
        bound(),
        prop::option::of(prop::collection::vec(metric, 0..3)),
    )
        .prop_map(|(min, max, metrics)| {
            record([
                ("min", min.map(|n| json!(n))),
                ("max", max.map(|n| json!(n))),
                ("metrics", metrics.map(|list| json!(list))),
            ])
        })
}

fn monitoring() -> impl Strategy<Value = Value> {
    let contacts = [
        "a@b.cd",
        "a@b.cd",
        "https://b.cd",
        "https://b.cd:80/?a=b@c",
        "https://a@b.cd",
        "https://b",
        "a b@c.de",
        "x",
    ];
    (any::<bool>(), subsequence(contacts.to_vec(), 0..=2))
        .prop_map(|(dashboard, notify)| json!({"dashboard": dashboard, "notify": notify}))
}

/// A spec of which much is right, and some is wrong.
fn spec() -> impl Strategy<Value = Value> {
    let part = |strategy: BoxedStrategy<Value>| prop::option::of(strategy);
    (
        maybe(&["auto", "plan"]),
        part(network().boxed()),
        compute(),
        part(load_balancer().boxed()),
        part(scaling().boxed()),
        part(monitoring().boxed()),
    )
        .prop_map(|(apply, network, compute, load_balancer, scaling, monitoring)| {
            record([
                ("apply", apply),
                ("network", network),
                ("compute", Some(compute)),
                ("loadBalancer", load_balancer),
                ("scaling", scaling),
                ("monitoring", monitoring),
            ])
        })
}

/// What the types say of themselves.
fn promises(spec: &Spec) -> Result<(), TestCaseError> {
    let Spec {
        network,
        compute,
        load_balancer,
        scaling,
        monitoring,
        ..
    } = spec;
    let closed = network.nat == Nat::None;
    let has = |endpoint| network.endpoints.contains(&endpoint);
    prop_assert!(!closed || !has(Endpoint::Ecr) || has(Endpoint::S3));
    prop_assert!(!closed || matches!(compute.app.runtime, Runtime::UserData(_)));

    prop_assert!(1 <= scaling.min && scaling.min <= scaling.max);
    if compute.mode == Mode::Ec2 {
        prop_assert_eq!((scaling.min, scaling.metrics.len()), (scaling.max, 0));
        prop_assert_eq!(compute.instance_types.len(), 1);
    }
    let measures: BTreeSet<_> = scaling.metrics.iter().map(|metric| metric.measure).collect();
    prop_assert_eq!(measures.len(), scaling.metrics.len());
    for metric in &scaling.metrics {
        for breach in [Some(metric.scale_out), metric.scale_in].into_iter().flatten() {
            prop_assert!((0.0..=100.0).contains(&breach.threshold.0) && (1..=60).contains(&breach.periods));
        }
        prop_assert!(
            metric
                .scale_in
                .is_none_or(|scale_in| scale_in.threshold < metric.scale_out.threshold)
        );
    }

    let listeners = &load_balancer.listeners;
    let ports: BTreeSet<u16> = listeners.iter().map(|listener| listener.port).collect();
    prop_assert_eq!(ports.len(), listeners.len());
    prop_assert!(listeners.iter().any(|listener| listener.redirect_to.is_none()));
    for listener in listeners {
        let Some(wanted) = listener.redirect_to else {
            continue;
        };
        prop_assert_eq!(&listener.protocol, &Protocol::Http);
        let target = listeners.iter().find(|other| other.port == wanted).unwrap();
        let is_https = matches!(target.protocol, Protocol::Https { .. });
        prop_assert!(is_https && target.redirect_to.is_none());
    }

    let contacts: BTreeSet<_> = monitoring.notify.iter().collect();
    prop_assert_eq!(contacts.len(), monitoring.notify.len());
    Ok(())
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
    let decoded: Vec<Spec> = (0..1000)
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
                .any(|metric| metric.scale_in.is_none())
        }),
        count(|spec| !spec.monitoring.notify.is_empty()),
    ];
    assert!(counts.iter().all(|count| (5..900).contains(count)), "{counts:?}");
}

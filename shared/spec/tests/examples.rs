//! The examples decode to what they say, the schema agrees with the decoder, and its committed copy is current.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use rstest::rstest;
use windlass_spec::{Architecture, Image, Nat, Runtime, Scheme, decode, schema};

fn examples() -> Vec<(String, String)> {
    let files = common::files("events/specs", &["yaml"]);
    files
        .into_iter()
        .map(|(name, text)| (name, String::from_utf8(text).unwrap()))
        .collect()
}

fn example(name: &str) -> windlass_spec::Spec {
    let (_, text) = examples().into_iter().find(|(other, _)| other == name).unwrap();
    decode(&common::stack(name), text.as_bytes()).unwrap_or_else(|errors| panic!("{name}:\n{errors}"))
}

#[test]
fn every_example_decodes_and_passes_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(examples().len() >= 4);
    for (name, text) in examples() {
        assert_eq!(example(&name).stack.to_string(), format!("dev/{name}"));
        let errors: Vec<_> = validator
            .iter_errors(&common::json(&text))
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn every_example_decodes_the_same_as_json() {
    for (name, text) in examples() {
        let value = common::json(&text);
        for json in [
            serde_json::to_string(&value).unwrap(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let decoded = decode(&common::stack(&name), json.as_bytes()).unwrap();
            assert_eq!(decoded, example(&name), "{json}");
        }
    }
}

#[test]
fn every_example_decodes_the_same_with_windows_line_ends_and_a_byte_order_mark() {
    for (name, text) in examples() {
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(
            decode(&common::stack(&name), windows.as_bytes()).unwrap(),
            example(&name)
        );
    }
}

#[test]
fn json_with_tabs_and_escapes_is_read() {
    let text = "{\n\t\"metadata\": {\"tags\": {\"team\": \"a\\/\\u0062\"}},\n\t\"compute\": {\n\t\t\"app\": {\"packages\": [\"nginx\"]}\n\t}\n}\n";
    assert_eq!(common::decode_text(text).unwrap().tags["team"], "a/b");
}

#[test]
fn the_web_example_writes_out_the_defaults() {
    let (web, minimal) = (example("web"), example("minimal"));
    assert_eq!(web.tags["team"], "storefront");
    let bare = windlass_spec::Spec {
        tags: minimal.tags.clone(),
        stack: minimal.stack.clone(),
        ..web
    };
    assert_eq!(bare, minimal);
}

#[test]
fn the_defaults_are_those_of_the_design() {
    insta::assert_snapshot!(
        "defaults",
        serde_json::to_string_pretty(&example("minimal")).unwrap()
    );
}

#[test]
fn a_spec_survives_a_trip_through_json() {
    for (name, _) in examples() {
        let spec = example(&name);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<windlass_spec::Spec>(&json).unwrap(), spec);
    }
}

#[test]
fn the_django_example_runs_a_container_on_graviton() {
    let spec = example("django");
    assert_eq!(spec.compute.image, Image::Ubuntu2404);
    assert_eq!(spec.compute.architecture, Architecture::Arm64);
    assert_eq!(spec.compute.app.port, 8000);
    assert_eq!(spec.load_balancer.health_check.path, "/health");
    assert_eq!(spec.lifecycle.drain, 120);
    assert!(
        matches!(&spec.compute.app.runtime, Runtime::Container { env, .. } if env["ALLOWED_HOSTS"] == "*"),
        "{:?}",
        spec.compute.app
    );
}

#[test]
fn the_internal_example_passes_its_script_through_as_it_is() {
    let spec = example("internal");
    assert_eq!((spec.network.zones, spec.network.nat), (2, Nat::Single));
    assert_eq!(spec.load_balancer.scheme, Scheme::Internal);
    let Runtime::UserData(script) = spec.compute.app.runtime else {
        panic!("not a script")
    };
    assert!(script.starts_with("#!/bin/bash\nset -euo"), "{script}");
    assert!(script.ends_with("http.server 8080\n"), "{script}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how a person asks this test to update the file"
)]
fn the_committed_schema_is_current() {
    let path = common::root().join("docs/spec.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, format!("{:#}\n", schema())).unwrap();
    }
    let committed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_default();
    assert!(
        committed == schema(),
        "docs/spec.schema.json is stale: `cargo run -p windlass -- schema > docs/spec.schema.json`, \
         or run this test with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_field_of_the_schema_is_described() {
    fn check(path: &str, schema: &serde_json::Value) {
        assert!(schema["description"].is_string(), "{path} has no description");
        let fields = schema["properties"].as_object().into_iter().flatten();
        fields.for_each(|(name, field)| check(&format!("{path}.{name}"), field));
        if schema["items"]["properties"].is_object() {
            check(&format!("{path}[]"), &schema["items"]);
        }
    }
    check("", &schema());
}

#[rstest]
#[case::unknown_field("ziones: 3\ncompute: {app: {packages: [nginx]}}")]
#[case::unknown_nested_field("network: {ziones: 3}\ncompute: {app: {packages: [nginx]}}")]
#[case::snake_case("load_balancer: {}\ncompute: {app: {packages: [nginx]}}")]
#[case::wrong_version("apiVersion: v1\ncompute: {app: {packages: [nginx]}}")]
#[case::wrong_word("network: {nat: perzone}\ncompute: {app: {packages: [nginx]}}")]
#[case::text_for_number("network: {zones: '3'}\ncompute: {app: {packages: [nginx]}}")]
#[case::number_for_text("metadata: {tags: {a: 1}}\ncompute: {app: {packages: [nginx]}}")]
#[case::text_for_flag("protect: 'yes'\ncompute: {app: {packages: [nginx]}}")]
#[case::fraction("scaling: {min: 1.5}\ncompute: {app: {packages: [nginx]}}")]
#[case::duration_without_unit(
    "loadBalancer: {healthCheck: {interval: 15}}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::duration_with_a_space(
    "loadBalancer: {healthCheck: {interval: 15 s}}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::text_for_list("compute: {app: {packages: nginx}}")]
#[case::text_for_fields("compute: {app: nginx}")]
#[case::no_value("scaling:\ncompute: {app: {packages: [nginx]}}")]
#[case::no_compute("network: {zones: 3}")]
#[case::no_app("compute: {mode: asg}")]
#[case::no_way_to_run("compute: {app: {port: 80}}")]
#[case::two_ways_to_run("compute: {app: {packages: [nginx], container: {image: a, port: 1}}}")]
#[case::script_without_port("compute: {app: {userData: x}}")]
#[case::container_without_port("compute: {app: {container: {image: a}}}")]
#[case::container_without_image("compute: {app: {container: {port: 80}}}")]
#[case::listener_without_port("loadBalancer: {listeners: [{}]}\ncompute: {app: {packages: [nginx]}}")]
#[case::no_listener("loadBalancer: {listeners: []}\ncompute: {app: {packages: [nginx]}}")]
#[case::no_package("compute: {app: {packages: []}}")]
#[case::no_instance_type("compute: {instanceTypes: [], app: {packages: [nginx]}}")]
#[case::port_out_of_range("compute: {app: {packages: [nginx], port: 65536}}")]
#[case::too_many_zones("network: {zones: 7}\ncompute: {app: {packages: [nginx]}}")]
#[case::small_range("network: {cidr: 10.0.0.0/24}\ncompute: {app: {packages: [nginx]}}")]
#[case::unknown_image("compute: {image: windows, app: {packages: [nginx]}}")]
#[case::relative_path("loadBalancer: {healthCheck: {path: health}}\ncompute: {app: {packages: [nginx]}}")]
#[case::server_error_passes(
    "loadBalancer: {healthCheck: {codes: '500'}}\ncompute: {app: {packages: [nginx]}}"
)]
fn what_the_schema_refuses_the_decoder_refuses_too(#[case] text: &str) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(!validator.is_valid(&common::json(text)), "the schema takes it");
    assert!(common::decode_text(text).is_err(), "the decoder takes it");
}

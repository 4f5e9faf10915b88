//! The examples decode to what they say, the schema agrees with the decoder, and its committed copy is current.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::coverage::{known, said};
use ordered_float::OrderedFloat;
use rstest::rstest;
use serde_json::{Value, json};
use windlass_spec::{
    Apply, Architecture, Breach, Contact, Drift, Endpoint, Goal, Image, Launch, Listener, Measure, Metric,
    Mode, Monitoring, Nat, Protocol, Rollout, Runtime, Scheme, Spec, Spot, Variable, Verify, decode,
    parse_key, reference, schema,
};

fn examples() -> Vec<(String, String)> {
    let files = common::files("events/specs", &["yaml"]);
    files
        .into_iter()
        .map(|(name, text)| (name, String::from_utf8(text).unwrap()))
        .collect()
}

fn example(name: &str) -> Spec {
    let (_, text) = examples().into_iter().find(|(other, _)| other == name).unwrap();
    decode(&common::stack(name), text.as_bytes()).unwrap_or_else(|errors| panic!("{name}:\n{errors}"))
}

#[test]
fn every_example_decodes_and_passes_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(examples().len() >= 10);
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
    let (mut web, minimal) = (example("web"), example("minimal"));
    assert_eq!(web.tags["team"], "storefront");
    assert_eq!(
        web.network.endpoints,
        BTreeSet::from([Endpoint::Ssm, Endpoint::S3])
    );
    assert!(web.monitoring.dashboard);
    assert_eq!(
        web.monitoring.notify,
        [Contact::Email("ops@example.com".to_owned())]
    );
    // All that its first lines say is no default.
    web.stack.clone_from(&minimal.stack);
    web.tags.clear();
    web.network.endpoints.clear();
    web.monitoring = Monitoring::default();
    assert_eq!(web, minimal);
}

#[test]
fn the_minimal_spec_is_what_the_shortest_text_decodes_to() {
    for key in ["specs/dev/web.yaml", "specs/prod/shop.yaml"] {
        let stack = parse_key(key).unwrap();
        let decoded = decode(&stack, b"compute: {app: {packages: [nginx]}}").unwrap();
        assert_eq!(Spec::minimal(&stack), decoded);
    }
}

/// Every default of the schema, as a spec writes it.
fn defaults(schema: &Value) -> Option<Value> {
    if !schema["default"].is_null() {
        return Some(schema["default"].clone());
    }
    let fields = schema["properties"].as_object()?.iter();
    let said: serde_json::Map<String, Value> = fields
        .filter_map(|(name, field)| Some((name.clone(), defaults(field)?)))
        .collect();
    (!said.is_empty()).then_some(Value::Object(said))
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_decoder() {
    let mut written = defaults(&schema()).unwrap();
    assert_eq!(written["drift"]["interval"], "1h");
    written["compute"]["app"] = json!({"packages": ["nginx"]});
    // What its fields default to where it is there; it is not.
    assert_eq!(
        written["compute"].as_object_mut().unwrap().remove("spot"),
        Some(json!({"onDemandBase": 1, "onDemandPercent": 50}))
    );
    let stack = common::stack("web");
    let decoded = decode(&stack, written.to_string().as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(decoded, Spec::minimal(&stack));
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
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
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
        matches!(&spec.compute.app.runtime, Runtime::Container { env, .. }
            if env["ALLOWED_HOSTS"] == Variable::Plain("*".to_owned())),
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
fn the_https_example_redirects_to_the_listener_with_the_certificate() {
    let spec = example("https");
    let [plain, secure] = spec.load_balancer.listeners.as_slice() else {
        panic!("{:?}", spec.load_balancer)
    };
    let expected = Listener {
        port: 80,
        protocol: Protocol::Http,
        redirect_to: Some(443),
    };
    assert_eq!(plain, &expected);
    assert_eq!((secure.port, secure.redirect_to), (443, None));
    assert!(
        matches!(&secure.protocol, Protocol::Https { certificate_arn }
            if certificate_arn.starts_with("arn:aws:acm:us-east-1:123456789012:certificate/")),
        "{secure:?}"
    );
    let hook = "https://hooks.example.com/windlass/https".to_owned();
    assert_eq!(spec.monitoring.notify, [Contact::Https(hook)]);
}

#[test]
fn the_fixed_example_has_a_number_and_nothing_that_moves_it() {
    let spec = example("fixed");
    assert_eq!(spec.compute.mode, Mode::Ec2);
    assert_eq!((spec.scaling.min, spec.scaling.max), (2, 2));
    assert_eq!(spec.scaling.metrics, []);
}

#[test]
fn the_container_example_names_its_secrets_and_scales_its_own_way() {
    let spec = example("container");
    let expected = BTreeMap::from([
        ("LOG_LEVEL", Variable::Plain("info".to_owned())),
        (
            "DATABASE_HOST",
            Variable::Parameter("/shop/database-host".to_owned()),
        ),
        ("DATABASE_PASSWORD", Variable::Secret("shop/database".to_owned())),
    ]);
    let Runtime::Container { env, image } = spec.compute.app.runtime else {
        panic!("not a container")
    };
    assert_eq!(image, "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1.4");
    assert!(
        env.iter()
            .map(|(name, value)| (name.as_str(), value))
            .eq(expected.iter().map(|(name, value)| (*name, value)))
    );
    let metric = Metric {
        measure: Measure::Cpu,
        goal: Goal::Between {
            scale_out: Breach {
                threshold: OrderedFloat(55.5),
                periods: 3,
            },
            scale_in: None,
        },
    };
    assert_eq!(spec.scaling.metrics, [metric]);
}

#[test]
fn the_gate_example_asks_the_load_balancer_before_an_instance_is_in_service() {
    let launch = Launch {
        verify: Verify::LoadBalancer,
        timeout: 300,
    };
    assert_eq!(example("gate").lifecycle.launch, launch);
}

#[test]
fn the_spot_example_keeps_two_instances_on_demand_and_a_quarter_of_the_others() {
    let spot = Spot {
        on_demand_base: 2,
        on_demand_percent: 25,
    };
    let spec = example("spot");
    assert_eq!(spec.compute.spot, Some(spot));
    assert!(spec.compute.instance_types.len() > 1);
}

#[test]
fn the_isolated_example_reaches_every_service_and_the_internet_not_at_all() {
    let spec = example("isolated");
    assert_eq!((spec.network.nat, spec.network.endpoints.len()), (Nat::None, 11));
    assert_eq!(spec.scaling.metrics, []);
}

/// Image ids and parameters have no list in the schema: their forms are asked for here.
#[test]
fn every_form_of_an_image_occurs_in_an_example() {
    let forms: BTreeSet<&str> = examples()
        .iter()
        .map(|(name, _)| match example(name).compute.image {
            Image::Al2023 => "al2023",
            Image::Ubuntu2404 => "ubuntu-24.04",
            Image::Ami(_) => "ami-…",
            Image::Parameter(_) => "ssm:/path",
        })
        .collect();
    assert_eq!(forms.len(), 4, "only {forms:?}");
    let described = schema()["properties"]["compute"]["properties"]["image"]["description"].to_string();
    for form in forms {
        assert!(described.contains(form), "{form}: {described}");
    }
}

#[test]
fn some_examples_say_how_they_are_changed() {
    assert!(example("https").allow_replace);
    assert_eq!(example("container").rollout, Rollout::Manual);
    let drift = Drift {
        interval: 1800,
        repair: false,
    };
    assert_eq!(example("isolated").drift, drift);
}

#[test]
fn the_plan_only_example_changes_nothing() {
    let spec = example("plan-only");
    assert_eq!((spec.apply, spec.protect), (Apply::Plan, true));
}

#[test]
fn every_field_and_word_occurs_in_an_example() {
    let mut shown = BTreeSet::new();
    for (_, text) in examples() {
        said("", &common::json(&text), &mut shown);
    }
    let mut all = BTreeSet::new();
    known("", &schema(), &mut all);
    assert!(all.len() > 80, "the schema is walked: {all:?}");
    let missing: Vec<&String> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "in no example: {missing:?}");
}

/// The file at `path`, which the person who runs this may ask to be written anew as `current`.
#[expect(
    clippy::disallowed_methods,
    reason = "how a person asks this test to update the file"
)]
fn committed(path: &str, current: &str) -> String {
    let file = common::root().join(path);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&file, current).unwrap();
    }
    std::fs::read_to_string(&file).unwrap_or_default()
}

#[test]
fn the_committed_schema_is_current() {
    let text = committed("docs/spec.schema.json", &format!("{:#}\n", schema()));
    assert!(
        serde_json::from_str::<Value>(&text).unwrap_or_default() == schema(),
        "docs/spec.schema.json is stale: `cargo run -p windlass -- schema > docs/spec.schema.json`, \
         or run this test with UPDATE_SCHEMA=1"
    );
}

#[test]
fn the_committed_reference_is_current() {
    assert!(
        committed("docs/spec.md", &reference()) == reference(),
        "docs/spec.md is stale: run this test with UPDATE_SCHEMA=1"
    );
}

#[test]
fn the_reference_has_every_field_with_its_meaning_and_every_link_has_its_section() {
    let page = reference();
    for path in [
        "compute.app.container",
        "loadBalancer.listeners[]",
        "scaling.metrics[].scaleOut",
    ] {
        assert!(page.contains(&format!("\n### `{path}`\n")), "{path}");
    }
    for row in [
        "| `zones` | whole number, 2 to 6 | `3` | Number of availability zones. |",
        "| `listeners` | [list of fields, 1 to 50](#loadbalancerlisteners) | `[{port: 80, protocol: HTTP}]` |",
        "| `app` | [fields](#computeapp) | **required** |",
        "| `allowReplace` | `true`, `false` | `false` |",
        "| `rollout` | `auto`, `manual` | `auto` |",
        "| `spot` | [fields](#computespot) |  | Spot instances in the group; left out, all are on demand.",
        "| `behavior` | [fields](#scalingbehavior) |  | How fast it does. |",
        "| `interval` | duration, such as `15s`, `10m` or `1h` | `1h` | Time between two looks, 5m to 24h. |",
    ] {
        assert!(page.contains(row), "{row}");
    }
    let headings: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(|title| title.to_lowercase().replace(['`', '.', '[', ']'], ""))
        .collect();
    let links: BTreeSet<String> = page
        .split("](#")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect();
    assert_eq!(links, headings);
}

#[test]
fn every_field_of_the_schema_is_described() {
    fn check(path: &str, schema: &Value) {
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
#[case::unknown_endpoint("network: {endpoints: [ssn]}\ncompute: {app: {packages: [nginx]}}")]
#[case::endpoint_twice("network: {endpoints: [ssm, ssm]}\ncompute: {app: {packages: [nginx]}}")]
#[case::registry_without_its_storage(
    "network: {nat: none, endpoints: [ecr]}\ncompute: {app: {userData: x, port: 80}}"
)]
#[case::packages_without_internet("network: {nat: none}\ncompute: {app: {packages: [nginx]}}")]
#[case::container_without_internet("network: {nat: none}\ncompute: {app: {container: {image: a, port: 80}}}")]
#[case::two_types_of_a_fixed_number(
    "compute: {mode: ec2, instanceTypes: [t3.micro, t3.small], app: {packages: [nginx]}}"
)]
#[case::metrics_of_a_fixed_number(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 70}}]}\ncompute: {mode: ec2, app: {packages: [nginx]}}"
)]
#[case::verified_launches_of_a_fixed_number(
    "lifecycle: {launch: {verify: load-balancer}}\ncompute: {mode: ec2, app: {packages: [nginx]}}"
)]
#[case::spot_instances_of_a_fixed_number("compute: {mode: ec2, spot: {}, app: {packages: [nginx]}}")]
#[case::more_than_all_on_demand("compute: {spot: {onDemandPercent: 101}, app: {packages: [nginx]}}")]
#[case::less_than_none_on_demand("compute: {spot: {onDemandBase: -1}, app: {packages: [nginx]}}")]
#[case::instance_type_twice("compute: {instanceTypes: [t3.micro, t3.micro], app: {packages: [nginx]}}")]
#[case::https_without_certificate(
    "loadBalancer: {listeners: [{port: 443, protocol: HTTPS}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::http_with_certificate(
    "loadBalancer: {listeners: [{port: 80, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a'}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::https_redirects(
    "loadBalancer: {listeners: [{port: 443, protocol: HTTPS, certificateArn: 'arn:aws:iam::123456789012:server-certificate/a', redirectTo: 444}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::no_certificate(
    "loadBalancer: {listeners: [{port: 443, protocol: HTTPS, certificateArn: a}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::metric_without_threshold("scaling: {metrics: [{type: cpu}]}\ncompute: {app: {packages: [nginx]}}")]
#[case::more_than_all_of_a_processor(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 101}}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::less_than_nothing(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 7}, scaleIn: {below: -1}}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::more_periods_than_an_hour(
    "scaling: {metrics: [{type: cpu, scaleOut: {above: 7, periods: 61}}]}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::nobody_to_notify("monitoring: {notify: [ops]}\ncompute: {app: {packages: [nginx]}}")]
#[case::password_in_a_url(
    "monitoring: {notify: ['https://a:b@example.com/']}\ncompute: {app: {packages: [nginx]}}"
)]
#[case::notified_twice("monitoring: {notify: [a@b.cd, a@b.cd]}\ncompute: {app: {packages: [nginx]}}")]
#[case::variable_name("compute: {app: {container: {image: a, port: 80, env: {1A: x}}}}")]
#[case::variable_of_two_lines("compute: {app: {container: {image: a, port: 80, env: {A: \"x\\ny\"}}}}")]
#[case::no_parameter("compute: {app: {container: {image: a, port: 80, env: {A: 'ssm:/'}}}}")]
#[case::no_secret("compute: {app: {container: {image: a, port: 80, env: {A: 'secret:'}}}}")]
#[case::server_error_passes(
    "loadBalancer: {healthCheck: {codes: '500'}}\ncompute: {app: {packages: [nginx]}}"
)]
fn what_the_schema_refuses_the_decoder_refuses_too(#[case] text: &str) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(!validator.is_valid(&common::json(text)), "the schema takes it");
    assert!(common::decode_text(text).is_err(), "the decoder takes it");
}

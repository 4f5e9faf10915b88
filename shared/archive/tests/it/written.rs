//! A recorded spec written down again decodes to the same spec.

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_archive::spec_text;
use windlass_spec::{Spec, decode};

use crate::lab::stack_id;

fn read(text: &str) -> Spec {
    decode(&stack_id("dev/web"), text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn round(spec: &Spec) -> String {
    let text = spec_text(spec);
    assert_eq!(read(&text), *spec, "{text}");
    text
}

#[test]
fn every_example_comes_back_as_it_was_decoded() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/specs");
    let mut examples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let spec = decode(&stack_id(&format!("dev/{name}")), &std::fs::read(&path).unwrap()).unwrap();
        let text = spec_text(&spec);
        assert_eq!(decode(&spec.stack, text.as_bytes()).unwrap(), spec, "{text}");
        examples += 1;
    }
    assert!(examples >= 4);
}

#[test]
fn it_reads_as_people_write_it() {
    let script = "#!/bin/bash\nset -eu\n\nif true; then\n  echo 'a: b'\nfi\n";
    let spec = read(
        &json!({
            "metadata": {"tags": {"team": "storefront", "cost:center": "0815"}},
            "compute": {"app": {"userData": script, "port": 8080}},
        })
        .to_string(),
    );
    let text = round(&spec);
    for expected in [
        "apiVersion: windlass/v1\nkind: Stack\nmetadata:\n  name: web\n",
        "  tags:\n    \"cost:center\": \"0815\"\n    team: storefront\n",
        "  cidr: 10.0.0.0/16\n",
        "    userData: |\n      #!/bin/bash\n      set -eu\n\n      if true; then\n        echo 'a: b'\n      fi\n",
        "  listeners:\n    - port: 80\n      protocol: HTTP\n",
        "    codes: \"200-399\"\n",
    ] {
        assert!(text.contains(expected), "no\n{expected}in\n{text}");
    }
}

/// Texts that a scalar of YAML might be taken for, and those that need care.
fn awkward() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 _.:/=+@-]{1,20}",
        prop::sample::select(vec![
            "true",
            "No",
            "~",
            "null",
            "0x1f",
            "1e3",
            "012",
            "1_000",
            "2026-05-04",
            "12:30",
            ".inf",
            "-",
            "- a",
            "?",
            ": ",
            "a: b",
            "# c",
            "a #b",
            "&a",
            "*a",
            "!t",
            "%y",
            "@",
            "`",
            "'",
            "\"",
            "[",
            "{",
            "}",
            ",",
            "|",
            ">",
            " lead",
            "trail ",
            "=",
            "<<",
            "é",
            "日本",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A script of whatever bytes a script may have.
fn script() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\n\t]{1,120}",
        "(  |\t)?[a-z#:|>'\"%&*!-]{1,9}\n{1,3}( {0,4}[a-z: ]{0,9}\n){0,6}\n{0,3}",
        "[ -~é🚀\n\t\r\u{85}\u{a0}\u{2028}\u{2029}\u{feff}\u{7f}\u{1b}]{1,60}",
    ]
}

fn app() -> impl Strategy<Value = Value> {
    let port = 1u16..;
    prop_oneof![
        (prop::collection::vec("[a-z][a-z0-9.+-]{1,9}", 1..4), port.clone())
            .prop_map(|(packages, port)| json!({"packages": packages, "port": port})),
        (script(), port.clone()).prop_map(|(script, port)| json!({"userData": script, "port": port})),
        (
            "[a-z]{1,9}(/[a-z]{1,9})?(:[a-z0-9.]{1,9})?",
            port,
            prop::collection::btree_map("[A-Z_][A-Z0-9_]{0,9}", variable(), 0..5),
        )
            .prop_map(|(image, port, env)| json!({"container": {"image": image, "port": port, "env": env}})),
    ]
}

fn variable() -> impl Strategy<Value = String> {
    prop_oneof![
        awkward(),
        Just(String::new()),
        "ssm:(/[A-Za-z0-9._-]{1,9}){1,3}",
        "secret:[A-Za-z0-9/_+=.@-]{1,20}",
    ]
}

fn metadata() -> impl Strategy<Value = Value> {
    let key = "[a-z0-9][a-zA-Z0-9 _.:/=+@-]{0,12}";
    let tags = prop::collection::btree_map(key, "[a-zA-Z0-9 _.:/=+@-]{0,12}", 0..5);
    tags.prop_map(|tags| json!({"tags": tags}))
}

fn network() -> impl Strategy<Value = Value> {
    let endpoints = prop::sample::subsequence(
        vec![
            "s3",
            "dynamodb",
            "ssm",
            "ecr",
            "logs",
            "monitoring",
            "secretsmanager",
            "kms",
            "sts",
            "sqs",
            "sns",
        ],
        0..11,
    );
    (2u8..=6, prop::sample::select(vec!["per-zone", "single"]), endpoints, 0u8..=255)
        .prop_map(|(zones, nat, endpoints, second)| {
            json!({"cidr": format!("10.{second}.0.0/16"), "zones": zones, "nat": nat, "endpoints": endpoints})
        })
}

fn load_balancer() -> impl Strategy<Value = Value> {
    let certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0aa3ddd6-1d5c-4b7f-9b6c-1f2e3d4c5b6a";
    let listeners = prop_oneof![
        Just(json!([{"port": 80}])),
        Just(
            json!([{"port": 8080, "protocol": "HTTP"}, {"port": 443, "protocol": "HTTPS", "certificateArn": certificate}])
        ),
        Just(
            json!([{"port": 80, "redirectTo": 443}, {"port": 443, "protocol": "HTTPS", "certificateArn": certificate}])
        ),
    ];
    let codes = prop::sample::select(vec!["200", "200-399", "200,302", "204,301-302"]);
    let scheme = prop::sample::select(vec!["internet-facing", "internal"]);
    let path = "/[a-z0-9/_.?=&%-]{0,20}";
    (scheme, listeners, path, 5u32..=300, 2u32..=10, 2u32..=10, codes).prop_map(
        |(scheme, listeners, path, interval, healthy, unhealthy, codes)| {
            json!({"scheme": scheme, "listeners": listeners, "healthCheck": {
                "path": path, "interval": format!("{interval}s"), "healthy": healthy, "unhealthy": unhealthy, "codes": codes,
            }})
        },
    )
}

fn scaling() -> impl Strategy<Value = Value> {
    let metrics = prop_oneof![
        Just(json!([])),
        (500u32..1000, 1u32..=60).prop_map(|(above, periods)| {
            json!([{"type": "cpu", "scaleOut": {"above": f64::from(above) / 10.0, "periods": periods}}])
        }),
        (500u32..1000, 1u32..500).prop_map(|(above, below)| {
            json!([{
                "type": "cpu", "scaleOut": {"above": f64::from(above) / 10.0},
                "scaleIn": {"below": f64::from(below) / 10.0, "periods": 7},
            }])
        }),
    ];
    (1u32..20, 0u32..20, metrics)
        .prop_map(|(min, more, metrics)| json!({"min": min, "max": min + more, "metrics": metrics}))
}

fn monitoring() -> impl Strategy<Value = Value> {
    let contact = prop_oneof![
        "[a-z.!#$%&'*+/=?^_`{|}~-]{1,12}@[a-z]{1,9}\\.(org|com)",
        "https://[a-z]{1,9}\\.example\\.com(/[a-z0-9._~:/?#@!$&'()*+,;=%-]{0,12})?",
    ];
    (any::<bool>(), prop::collection::btree_set(contact, 0..4))
        .prop_map(|(dashboard, notify)| json!({"dashboard": dashboard, "notify": notify}))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024, failure_persistence: None, max_global_rejects: 4096, ..ProptestConfig::default()
    })]

    #[test]
    fn every_spec_comes_back_as_it_was(
        metadata in metadata(),
        network in network(),
        app in app(),
        load_balancer in load_balancer(),
        scaling in scaling(),
        monitoring in monitoring(),
        image in prop::sample::select(vec!["al2023", "ubuntu-24.04", "ami-0123456789abcdef0", "ssm:/images/web"]),
        switches in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 30u32..=3600),
    ) {
        let (protect, plan, fixed, gated, seconds) = switches;
        let mut scaling = scaling;
        if fixed {
            scaling = json!({"min": scaling["min"]});
        }
        let document = json!({
            "metadata": metadata, "network": network, "loadBalancer": load_balancer, "scaling": scaling,
            "monitoring": monitoring, "protect": protect, "apply": if plan { "plan" } else { "auto" },
            "lifecycle": {
                "launch": {
                    "verify": if gated && !fixed { "load-balancer" } else { "none" }, "timeout": format!("{seconds}s"),
                },
                "terminate": {"drain": format!("{}s", seconds - 30)},
            },
            "compute": {
                "mode": if fixed { "ec2" } else { "asg" }, "image": image, "app": app,
                "instanceTypes": if fixed { json!(["m7g.large"]) } else { json!(["t4g.micro", "m7g.large"]) },
            },
        });
        let decoded = decode(&stack_id("dev/web"), document.to_string().as_bytes());
        let said = format!("{decoded:?}\n{document}");
        prop_assume!(decoded.is_ok(), "{}", said);
        round(&decoded.unwrap());
    }
}

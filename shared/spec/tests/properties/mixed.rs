//! Specs of which much is right, and some is wrong.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

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
    let number = |most: i32| prop::option::of((-1..=most).prop_map(|number| json!(number)));
    let spot = (number(10), number(101))
        .prop_map(|(base, percent)| record([("onDemandBase", base), ("onDemandPercent", percent)]));
    let spot = prop::option::weighted(0.15, spot);
    (maybe(&["asg", "ec2"]), types, spot, app).prop_map(|(mode, types, spot, app)| {
        record([
            ("mode", mode),
            ("instanceTypes", types.map(|list| json!(list))),
            ("spot", spot),
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

fn lifecycle() -> impl Strategy<Value = Value> {
    let launch = (
        maybe(&["none", "load-balancer", "loadbalancer"]),
        maybe(&["30s", "10m", "2h", "29s", "121m"]),
    );
    launch.prop_map(|(verify, timeout)| json!({"launch": record([("verify", verify), ("timeout", timeout)])}))
}

fn drift() -> impl Strategy<Value = Value> {
    let interval = maybe(&["5m", "1h", "24h", "1440m", "299s", "1441m"]);
    (interval, prop::option::of(any::<bool>()))
        .prop_map(|(interval, repair)| record([("interval", interval), ("repair", repair.map(Value::from))]))
}

/// One spec.
pub(crate) fn spec() -> impl Strategy<Value = Value> {
    let part = |strategy: BoxedStrategy<Value>| prop::option::of(strategy);
    (
        maybe(&["auto", "plan"]),
        maybe(&["auto", "manual"]),
        prop::option::of(any::<bool>()),
        part(network().boxed()),
        compute(),
        part(load_balancer().boxed()),
        part(scaling().boxed()),
        part(lifecycle().boxed()),
        part(monitoring().boxed()),
        part(drift().boxed()),
    )
        .prop_map(
            |(
                apply,
                rollout,
                replace,
                network,
                compute,
                load_balancer,
                scaling,
                lifecycle,
                monitoring,
                drift,
            )| {
                record([
                    ("apply", apply),
                    ("allowReplace", replace.map(Value::from)),
                    ("rollout", rollout),
                    ("network", network),
                    ("compute", Some(compute)),
                    ("loadBalancer", load_balancer),
                    ("scaling", scaling),
                    ("lifecycle", lifecycle),
                    ("monitoring", monitoring),
                    ("drift", drift),
                ])
            },
        )
}

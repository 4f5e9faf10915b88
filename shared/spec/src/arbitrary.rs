//! Valid specs at random, for property tests. Behind the feature `arbitrary`.
//!
//! Guarantees: every text decodes, under any key. Together they say every field and word that is supported, except
//! those of `metadata` that depend on the key, and `apply` and `protect`, which say what may be done with a stack and
//! not what it is.
//!
//! Assumes of the account that runs them what the simulator's has: its own images, the Region us-east-1, and room for
//! a small stack.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// What a spec says: fields by their paths, each with its value.
type Said = BTreeMap<&'static str, Value>;

/// The value of a field; `None` leaves it out.
type Choice = BoxedStrategy<Option<Value>>;

/// Images of `x86_64`, and the same of `arm64`.
const IMAGES: [[&str; 2]; 4] = [
    ["al2023", "al2023"],
    ["ubuntu-24.04", "ubuntu-24.04"],
    ["ami-00000000000000a1", "ami-00000000000000a2"],
    [
        "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    ],
];

const ENDPOINTS: [&str; 11] = [
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
];

const CERTIFICATES: [&str; 3] = [
    "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-1111-4222-8333-444455556666",
    "arn:aws:acm:us-east-1:123456789012:certificate/5e6f7a8b-1111-4222-8333-444455556666",
    "arn:aws:iam::123456789012:server-certificate/web",
];

const CONTACTS: [&str; 3] = [
    "ops@example.com",
    "dev@example.com",
    "https://hooks.example.com/windlass",
];

/// A spec.
pub fn specs() -> impl Strategy<Value = String> {
    said().prop_map(|said| written(&said))
}

/// A spec, and the one that takes its place. Mostly a few fields differ, sometimes all may.
pub fn transitions() -> impl Strategy<Value = (String, String)> {
    let paths: Vec<&str> = choices().into_iter().map(|(path, _)| path).collect();
    let most = prop_oneof![3 => 1..=4usize, 1 => Just(paths.len())];
    let order = Just(paths).prop_shuffle();
    (said(), said(), order, most).prop_map(|(before, other, order, most)| {
        let differ = |path: &&str| before.get(path) != other.get(path);
        let mut after = before.clone();
        for path in order.into_iter().filter(differ).take(most) {
            match other.get(path) {
                Some(value) => after.insert(path, value.clone()),
                None => after.remove(path),
            };
        }
        settle(&mut after);
        (written(&before), written(&after))
    })
}

/// What the specs say, each field chosen by itself before those that must agree are made to.
fn said() -> impl Strategy<Value = Said> {
    let (paths, choices): (Vec<_>, Vec<_>) = choices().into_iter().unzip();
    choices.prop_map(move |values| {
        let fields = paths.iter().zip(values);
        let mut said: Said = fields.filter_map(|(path, value)| Some((*path, value?))).collect();
        settle(&mut said);
        said
    })
}

/// Every field with its values. No path goes through another.
fn choices() -> Vec<(&'static str, Choice)> {
    vec![
        ("apiVersion", one_of(["windlass/v1"])),
        ("kind", one_of(["Stack"])),
        ("metadata.tags", tags()),
        ("allowReplace", one_of([false, true])),
        ("rollout", one_of(["auto", "manual"])),
        ("network.cidr", one_of(["10.0.0.0/16", "10.1.0.0/20"])),
        ("network.zones", one_of(2..=4)),
        ("network.nat", one_of(["per-zone", "single", "none"])),
        ("network.endpoints", some_of(&ENDPOINTS)),
        ("compute.mode", one_of(["asg", "ec2"])),
        ("compute.image", one_of(IMAGES.map(|[intel, _]| intel))),
        ("compute.instanceTypes", instance_types()),
        ("compute.spot", spot()),
        ("compute.app", app().prop_map(Some).boxed()),
        ("loadBalancer.scheme", one_of(["internet-facing", "internal"])),
        ("loadBalancer.listeners", listeners()),
        ("loadBalancer.healthCheck.path", one_of(["/", "/health"])),
        ("loadBalancer.healthCheck.interval", one_of(["15s", "5s", "1m"])),
        ("loadBalancer.healthCheck.healthy", one_of(2..=4)),
        ("loadBalancer.healthCheck.unhealthy", one_of(2..=4)),
        (
            "loadBalancer.healthCheck.codes",
            one_of(["200-399", "200", "200,302"]),
        ),
        ("scaling.min", one_of(1..=4)),
        ("scaling.max", one_of(3..=6)),
        ("scaling.metrics", metrics()),
        ("scaling.schedule", schedule()),
        ("scaling.behavior.cooldown", one_of(["150s", "0s", "1h"])),
        ("scaling.behavior.maxStep", one_of(1..=4)),
        ("scaling.behavior.stabilization", one_of(["5m", "0s", "1h"])),
        ("lifecycle.launch.verify", one_of(["load-balancer", "none"])),
        ("lifecycle.launch.timeout", one_of(["10m", "5m", "2h"])),
        ("lifecycle.terminate.drain", one_of(["60s", "0s", "2m", "1h"])),
        ("lifecycle.terminate.command", one_of(["/opt/leave", "sync"])),
        ("lifecycle.terminate.timeout", one_of(["60s", "30s", "1h"])),
        ("monitoring.dashboard", one_of([false, true])),
        ("monitoring.notify", some_of(&CONTACTS)),
        ("drift.interval", one_of(["1h", "5m", "24h"])),
        ("drift.repair", one_of([true, false])),
    ]
}

/// One of `values`, or nothing.
fn one_of<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Choice {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    prop::option::of(select(values)).boxed()
}

/// A list of up to three of `words`, or nothing.
fn some_of(words: &'static [&'static str]) -> Choice {
    prop::option::of(subsequence(words, 0..=3).prop_map(|words| json!(words))).boxed()
}

fn tags() -> Choice {
    one_of([
        json!({}),
        json!({"team": "shop"}),
        json!({"team": "web"}),
        json!({"team": "web", "cost-center": "4711"}),
    ])
}

/// Of one architecture each.
fn instance_types() -> Choice {
    one_of([
        json!(["t3.micro"]),
        json!(["t3.small", "m7i.large"]),
        json!(["t4g.small"]),
        json!(["m7g.medium", "t4g.small"]),
    ])
}

/// From none that must be spot to none that must be on demand.
fn spot() -> Choice {
    one_of([
        json!({}),
        json!({"onDemandBase": 0, "onDemandPercent": 0}),
        json!({"onDemandBase": 2}),
        json!({"onDemandPercent": 100}),
    ])
}

/// In each of the three ways.
fn app() -> BoxedStrategy<Value> {
    let variables = [
        json!({}),
        json!({"MODE": "live"}),
        json!({"MODE": "test", "HOST": "ssm:/shop/host", "KEY": "secret:shop/key"}),
    ];
    let container = (
        select(vec!["shop:1", "shop:2"]),
        port(),
        select(variables.to_vec()),
    )
        .prop_map(|(image, port, env)| json!({"container": {"image": image, "port": port, "env": env}}));
    let packages = select(vec![json!(["nginx"]), json!(["httpd"]), json!(["nginx", "git"])]);
    let packages = (packages, prop::option::of(port())).prop_map(|(packages, port)| match port {
        Some(port) => json!({"packages": packages, "port": port}),
        None => json!({"packages": packages}),
    });
    prop_oneof![
        packages,
        (1..3, port()).prop_map(|(version, port)| script(version, port)),
        container
    ]
    .boxed()
}

/// An application that downloads nothing.
fn script(version: i32, port: u16) -> Value {
    json!({"userData": format!("#!/bin/bash\n# Version {version}.\nexec python3 -m http.server {port}\n"), "port": port})
}

fn port() -> impl Strategy<Value = u16> {
    select(vec![80, 8000, 8080])
}

/// HTTPS and HTTP, which forwards, or redirects where there is HTTPS.
fn listeners() -> Choice {
    let secure = subsequence(vec![443, 8443], 0..=2);
    let plain = subsequence(vec![80, 81, 8080], 1..=3);
    (
        secure,
        plain,
        select(CERTIFICATES.to_vec()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(secure, plain, certificate, redirects, only)| {
            let mut listeners: Vec<Value> = secure
                .iter()
                .map(|port| json!({"port": port, "protocol": "HTTPS", "certificateArn": certificate}))
                .collect();
            listeners.extend(plain.iter().map(|port| match secure.first() {
                Some(target) if redirects => json!({"port": port, "redirectTo": target}),
                _ => json!({"port": port, "protocol": "HTTP"}),
            }));
            if only {
                listeners.truncate(1);
            }
            Some(json!(listeners))
        })
        .boxed()
}

/// Any of them, each with thresholds that do not cross.
fn metrics() -> Choice {
    let plain = [
        "cpu",
        "requestsPerTarget",
        "networkIn",
        "networkOut",
        "memory",
        "targetResponseTime",
        "custom",
    ];
    let metrics = plain.map(metric).to_vec();
    let some = metrics.prop_map(|metrics| json!(metrics.into_iter().flatten().collect::<Vec<Value>>()));
    prop::option::of(prop_oneof![1 => Just(json!([])), 3 => some]).boxed()
}

/// One of this type, or none.
fn metric(word: &'static str) -> BoxedStrategy<Option<Value>> {
    let scale_out = (50..=90, 1..=4).prop_map(|(above, periods)| json!({"above": above, "periods": periods}));
    let scale_in = (10..=40, 1..=4)
        .prop_map(|(below, periods)| json!({"below": f64::from(below) + 0.5, "periods": periods}));
    let between =
        (scale_out, prop::option::of(scale_in)).prop_map(move |(scale_out, scale_in)| match scale_in {
            Some(scale_in) => json!({"type": word, "scaleOut": scale_out, "scaleIn": scale_in}),
            None => json!({"type": word, "scaleOut": scale_out}),
        });
    let target = (1..=90).prop_map(move |target| json!({"type": word, "target": target}));
    let goal = prop_oneof![2 => between, 1 => target];
    let statistics = vec!["Average", "Sum", "p99.9"];
    let metric = (goal, prop::sample::select(statistics)).prop_map(move |(mut goal, statistic)| {
        if word == "custom" {
            let dimensions = json!({"Queue": "orders"});
            goal["metric"] =
                json!({"namespace": "Shop", "name": "Jobs", "dimensions": dimensions, "statistic": statistic});
        }
        goal
    });
    prop::option::weighted(0.3, metric).boxed()
}

/// Up to two times of the day, in one zone or another.
fn schedule() -> Choice {
    let cron = prop::sample::select(vec!["0 7 * * MON-FRI", "30 22 * * *", "*/10 * 1,15 * 0"]);
    let zone = prop::sample::select(vec!["Etc/UTC", "Europe/Berlin"]);
    let entry = (cron, zone, 1..=3, 3..=5)
        .prop_map(|(cron, zone, min, max)| json!({"cron": cron, "timeZone": zone, "min": min, "max": max}));
    let some = prop::collection::vec(entry, 0..=2).prop_map(|entries| json!(entries));
    prop::option::weighted(0.2, some).boxed()
}

/// Makes those fields agree that must.
fn settle(said: &mut Said) {
    fixed(said);
    ordered(said);
    closed(said);
    one_architecture(said);
    limited(said);
}

/// A limit only for a command.
fn limited(said: &mut Said) {
    if !said.contains_key("lifecycle.terminate.command") {
        said.remove("lifecycle.terminate.timeout");
    }
}

/// A fixed number of instances, of one type, which no hook holds.
fn fixed(said: &mut Said) {
    if said.get("compute.mode") == Some(&json!("ec2")) {
        said.remove("scaling.max");
        said.retain(|field, _| !field.starts_with("scaling.behavior."));
        said.remove("scaling.metrics");
        said.remove("scaling.schedule");
        said.remove("compute.spot");
        said.remove("lifecycle.launch.verify");
        said.remove("lifecycle.terminate.command");
        if let Some(Value::Array(types)) = said.get_mut("compute.instanceTypes") {
            types.truncate(1);
        }
    }
}

/// Bounds in order. Only `min` can be the greater one: what is drawn of both is on the right side of their defaults.
fn ordered(said: &mut Said) {
    let (min, max) = (said.get("scaling.min"), said.get("scaling.max"));
    if let (Some(min), Some(max)) = (min, max)
        && min.as_i64() > max.as_i64()
    {
        let min = min.clone();
        said.insert("scaling.max", min);
    }
}

/// Without NAT, an application that downloads nothing, and a registry with the layers of its images.
fn closed(said: &mut Said) {
    if said.get("network.nat") != Some(&json!("none")) {
        return;
    }
    if said
        .get("compute.app")
        .is_none_or(|app| app.get("userData").is_none())
    {
        said.insert("compute.app", script(1, 80));
    }
    if let Some(Value::Array(endpoints)) = said.get_mut("network.endpoints")
        && endpoints.contains(&json!("ecr"))
        && !endpoints.contains(&json!("s3"))
    {
        endpoints.push(json!("s3"));
    }
}

/// The image for the instance types.
fn one_architecture(said: &mut Said) {
    let first = said
        .get("compute.instanceTypes")
        .and_then(|types| types[0].as_str());
    let arm = first.is_some_and(|name| name.contains("g."));
    if let Some(image) = said.get_mut("compute.image") {
        let same = IMAGES
            .iter()
            .find(|images| images.iter().any(|name| *image == *name));
        if let Some([intel, graviton]) = same {
            *image = json!(if arm { graviton } else { intel });
        }
    }
}

/// The text: JSON, which is YAML.
fn written(said: &Said) -> String {
    let mut spec = json!({});
    for (path, value) in said {
        let mut place = &mut spec;
        for field in path.split('.') {
            place = &mut place[field];
        }
        *place = value.clone();
    }
    spec.to_string()
}

//! A decoded spec as people write it: the way back from a recorded state to the spec bucket.
//!
//! Guarantees: decoding the text yields the same spec, whatever today's defaults are, as every field that has one is written.
//! Comments, and what stood where in the original, are not recorded and do not come back.
//!
//! Every structure is taken apart by name: a field that is added to the spec does not compile here until it is written.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use windlass_spec::{
    App, Behavior, Breach, Command, Compute, Contact, CustomMetric, Drift, Goal, HealthCheck, Image, Launch,
    Lifecycle, Listener, LoadBalancer, Measure, Metric, Monitoring, Network, Protocol, Runtime, Scaling,
    Schedule, Spec, Spot, Variable,
};

/// The YAML text of a spec.
#[must_use]
pub fn spec_text(spec: &Spec) -> String {
    let mut text = String::new();
    let Node::Fields(fields) = whole(spec) else {
        return text;
    };
    write_fields(&mut text, &fields, 0);
    text
}

/// One value of the text.
enum Node {
    /// Written as it is.
    Plain(String),
    /// A text, quoted where it must be.
    Text(String),
    List(Vec<Node>),
    Fields(Vec<(String, Node)>),
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn plain(value: &impl ToString) -> Node {
    Node::Plain(value.to_string())
}

/// A word of the format; its types write themselves as people do.
fn word(word: impl Serialize) -> Node {
    let value = serde_json::to_value(word).unwrap_or_default();
    text(value.as_str().unwrap_or_default())
}

fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    let named = fields.into_iter().map(|(name, node)| (name.to_owned(), node));
    Node::Fields(named.collect())
}

fn seconds(seconds: u32) -> Node {
    plain(&format!("{seconds}s"))
}

fn whole(spec: &Spec) -> Node {
    let Spec {
        stack,
        tags,
        apply,
        allow_replace,
        rollout,
        protect,
        network,
        compute,
        load_balancer,
        scaling,
        lifecycle,
        monitoring,
        drift,
    } = spec;
    let tags = tags.iter().map(|(name, value)| (name.clone(), text(value)));
    fields([
        ("apiVersion", text("windlass/v1")),
        ("kind", text("Stack")),
        (
            "metadata",
            fields([
                ("name", text(&stack.name)),
                ("environment", text(&stack.environment)),
                ("tags", Node::Fields(tags.collect())),
            ]),
        ),
        ("apply", word(apply)),
        ("allowReplace", plain(allow_replace)),
        ("rollout", word(rollout)),
        ("protect", plain(protect)),
        ("network", self::network(network)),
        ("compute", self::compute(compute)),
        ("loadBalancer", self::load_balancer(load_balancer)),
        ("scaling", self::scaling(scaling)),
        ("lifecycle", self::lifecycle(lifecycle)),
        ("monitoring", self::monitoring(monitoring)),
        ("drift", self::drift(*drift)),
    ])
}

fn drift(drift: Drift) -> Node {
    let Drift { interval, repair } = drift;
    fields([("interval", seconds(interval)), ("repair", plain(&repair))])
}

fn network(network: &Network) -> Node {
    let Network {
        cidr,
        zones,
        nat,
        endpoints,
    } = network;
    fields([
        ("cidr", plain(cidr)),
        ("zones", plain(zones)),
        ("nat", word(nat)),
        ("endpoints", Node::List(endpoints.iter().map(word).collect())),
    ])
}

fn compute(compute: &Compute) -> Node {
    let Compute {
        mode,
        image,
        instance_types,
        architecture: _, // that of the instance types
        spot,
        app,
    } = compute;
    let image = match image {
        Image::Al2023 => text("al2023"),
        Image::Ubuntu2404 => text("ubuntu-24.04"),
        Image::Ami(id) => text(id),
        Image::Parameter(path) => text(&format!("ssm:{path}")),
    };
    let types = instance_types.iter().map(|name| text(name)).collect();
    let mut fields = vec![
        ("mode".to_owned(), word(mode)),
        ("image".to_owned(), image),
        ("instanceTypes".to_owned(), Node::List(types)),
    ];
    // Left out it is all on demand, and there is no other way to say so.
    if let Some(spot) = spot {
        fields.push(("spot".to_owned(), self::spot(*spot)));
    }
    fields.push(("app".to_owned(), self::app(app)));
    Node::Fields(fields)
}

fn spot(spot: Spot) -> Node {
    let Spot {
        on_demand_base,
        on_demand_percent,
    } = spot;
    fields([
        ("onDemandBase", plain(&on_demand_base)),
        ("onDemandPercent", plain(&on_demand_percent)),
    ])
}

fn app(app: &App) -> Node {
    let App { port, runtime } = app;
    match runtime {
        Runtime::Packages(packages) => fields([
            ("port", plain(port)),
            (
                "packages",
                Node::List(packages.iter().map(|name| text(name)).collect()),
            ),
        ]),
        Runtime::Container { image, env } => {
            let container = fields([
                ("image", text(image)),
                ("port", plain(port)),
                ("env", environment(env)),
            ]);
            fields([("container", container)])
        }
        Runtime::UserData(script) => fields([("port", plain(port)), ("userData", text(script))]),
    }
}

fn environment(env: &BTreeMap<String, Variable>) -> Node {
    let each = env.iter().map(|(name, variable)| {
        let value = match variable {
            Variable::Plain(value) => text(value),
            Variable::Parameter(path) => text(&format!("ssm:{path}")),
            Variable::Secret(secret) => text(&format!("secret:{secret}")),
        };
        (name.clone(), value)
    });
    Node::Fields(each.collect())
}

fn load_balancer(load_balancer: &LoadBalancer) -> Node {
    let LoadBalancer {
        scheme,
        listeners,
        health_check,
    } = load_balancer;
    let HealthCheck {
        path,
        interval,
        healthy,
        unhealthy,
        codes,
    } = health_check;
    fields([
        ("scheme", word(scheme)),
        ("listeners", Node::List(listeners.iter().map(listener).collect())),
        (
            "healthCheck",
            fields([
                ("path", text(path)),
                ("interval", seconds(*interval)),
                ("healthy", plain(healthy)),
                ("unhealthy", plain(unhealthy)),
                ("codes", text(codes)),
            ]),
        ),
    ])
}

fn listener(listener: &Listener) -> Node {
    let Listener {
        port,
        protocol,
        redirect_to,
    } = listener;
    let mut fields = vec![("port".to_owned(), plain(port))];
    match protocol {
        Protocol::Http => fields.push(("protocol".to_owned(), text("HTTP"))),
        Protocol::Https { certificate_arn } => {
            fields.push(("protocol".to_owned(), text("HTTPS")));
            fields.push(("certificateArn".to_owned(), text(certificate_arn)));
        }
    }
    if let Some(port) = redirect_to {
        fields.push(("redirectTo".to_owned(), plain(port)));
    }
    Node::Fields(fields)
}

fn scaling(scaling: &Scaling) -> Node {
    let Scaling {
        min,
        max,
        metrics,
        behavior,
        schedule,
    } = scaling;
    let mut said = vec![
        ("min", plain(min)),
        ("max", plain(max)),
        ("metrics", Node::List(metrics.iter().map(metric).collect())),
    ];
    // Fixed instances have no pace, and must not be given one.
    if *behavior != Behavior::default() {
        said.push(("behavior", self::behavior(behavior)));
    }
    if !schedule.is_empty() {
        let entries = schedule.iter().map(self::schedule);
        said.push(("schedule", Node::List(entries.collect())));
    }
    Node::Fields(
        said.into_iter()
            .map(|(name, node)| (name.to_owned(), node))
            .collect(),
    )
}

fn behavior(behavior: &Behavior) -> Node {
    let Behavior {
        cooldown,
        max_step,
        stabilization,
    } = behavior;
    let mut said = vec![("cooldown".to_owned(), seconds(*cooldown))];
    if let Some(step) = max_step {
        said.push(("maxStep".to_owned(), plain(step)));
    }
    said.push(("stabilization".to_owned(), seconds(*stabilization)));
    Node::Fields(said)
}

fn metric(metric: &Metric) -> Node {
    let Metric { measure, goal } = metric;
    let breach = |name, breach: &Breach| {
        let Breach { threshold, periods } = breach;
        fields([(name, plain(threshold)), ("periods", plain(periods))])
    };
    let mut said = match measure {
        Measure::Custom(metric) => vec![("type", text("custom")), ("metric", custom(metric))],
        measure => vec![("type", word(measure))],
    };
    match goal {
        Goal::Between { scale_out, scale_in } => {
            said.push(("scaleOut", breach("above", scale_out)));
            said.extend(
                scale_in
                    .as_ref()
                    .map(|scale_in| ("scaleIn", breach("below", scale_in))),
            );
        }
        Goal::Target { target } => said.push(("target", plain(target))),
    }
    fields(said)
}

fn custom(metric: &CustomMetric) -> Node {
    let CustomMetric {
        namespace,
        name,
        dimensions,
        statistic,
    } = metric;
    let dimensions = dimensions.iter().map(|(name, value)| (name.clone(), text(value)));
    fields([
        ("namespace", text(namespace)),
        ("name", text(name)),
        ("dimensions", Node::Fields(dimensions.collect())),
        ("statistic", text(statistic)),
    ])
}

fn schedule(entry: &Schedule) -> Node {
    let Schedule {
        cron,
        time_zone,
        min,
        max,
    } = entry;
    fields([
        ("cron", text(cron)),
        ("timeZone", text(time_zone)),
        ("min", plain(min)),
        ("max", plain(max)),
    ])
}

fn lifecycle(lifecycle: &Lifecycle) -> Node {
    let Lifecycle {
        drain,
        launch,
        command,
    } = lifecycle;
    let Launch { verify, timeout } = launch;
    let mut terminate = vec![("drain", seconds(*drain))];
    if let Some(Command { text: words, timeout }) = command {
        terminate.extend([("command", text(words)), ("timeout", seconds(*timeout))]);
    }
    fields([
        (
            "launch",
            fields([("verify", word(verify)), ("timeout", seconds(*timeout))]),
        ),
        ("terminate", fields(terminate)),
    ])
}

fn monitoring(monitoring: &Monitoring) -> Node {
    let Monitoring { dashboard, notify } = monitoring;
    let contacts = notify.iter().map(|contact| match contact {
        Contact::Email(address) => text(address),
        Contact::Https(url) => text(url),
    });
    fields([
        ("dashboard", plain(dashboard)),
        ("notify", Node::List(contacts.collect())),
    ])
}

fn write_fields(out: &mut String, fields: &[(String, Node)], depth: usize) {
    for (name, node) in fields {
        indent(out, depth);
        write_field(out, name, node, depth);
    }
}

fn write_field(out: &mut String, name: &str, node: &Node, depth: usize) {
    out.push_str(&quoted(name));
    out.push(':');
    write_node(out, node, depth);
}

/// What follows a colon or a dash, to the end of its lines.
fn write_node(out: &mut String, node: &Node, depth: usize) {
    // Writing to a string does not fail.
    match node {
        Node::Plain(value) => drop(writeln!(out, " {value}")),
        Node::Text(value) => match block(value) {
            Some(style) => write_block(out, style, value, depth),
            None => drop(writeln!(out, " {}", quoted(value))),
        },
        Node::List(items) if items.is_empty() => out.push_str(" []\n"),
        Node::Fields(fields) if fields.is_empty() => out.push_str(" {}\n"),
        Node::List(items) => {
            out.push('\n');
            for item in items {
                indent(out, depth + 1);
                out.push('-');
                write_item(out, item, depth + 1);
            }
        }
        Node::Fields(fields) => {
            out.push('\n');
            write_fields(out, fields, depth + 1);
        }
    }
}

/// An item of a list: its first field stands beside the dash.
fn write_item(out: &mut String, item: &Node, depth: usize) {
    match item {
        Node::Fields(fields) if !fields.is_empty() => {
            for (index, (name, node)) in fields.iter().enumerate() {
                if index == 0 {
                    out.push(' ');
                } else {
                    indent(out, depth + 1);
                }
                write_field(out, name, node, depth + 1);
            }
        }
        other => write_node(out, other, depth),
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// The style in which a text of several lines can stand line by line; `None` if it must be quoted.
fn block(value: &str) -> Option<&'static str> {
    let printable =
        |c: char| c == '\n' || c == '\t' || (!c.is_control() && !"\u{2028}\u{2029}\u{feff}".contains(c));
    let (body, style) = match value.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (value, "|-"),
    };
    let fit = value.contains('\n')
        && value.chars().all(printable)
        && !body.starts_with(char::is_whitespace)
        && !body.ends_with('\n')
        && !body.is_empty();
    fit.then_some(style)
}

fn write_block(out: &mut String, style: &str, value: &str, depth: usize) {
    let _ = writeln!(out, " {style}");
    for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
        if !line.is_empty() {
            indent(out, depth + 1);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A text on one line: as it is if that can be nothing else, in YAML 1.1 or 1.2, than this text.
fn quoted(value: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let bare = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/-@".contains(c))
        && !WORDS.contains(&value.to_ascii_lowercase().as_str());
    if bare {
        return value.to_owned();
    }
    // JSON's quoting is YAML's, but for what YAML takes for the end of a line.
    let json = serde_json::Value::from(value).to_string();
    json.replace('\u{7f}', "\\u007f")
        .replace('\u{85}', "\\u0085")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{feff}', "\\ufeff")
}

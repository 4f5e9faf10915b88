//! The documentation, held to the code: what it quotes stands there, what it names exists, and what its tables say of
//! each kind is what the kind itself answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use windlass_calls::{Effect, operations};
use windlass_planner::{
    Blocked, Change, Context, Id, Kind, Known, Need, Next, Outputs, Present, Records, Removal, kinds,
};
use windlass_spec::{Spec, StackId, decode};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// The document with the tables of kinds.
const OWNERSHIP: &str = "docs/ownership.md";
/// The tables, each with a row for every kind.
const TABLES: [&str; 5] = [
    "Found and proven",
    "Created",
    "Changed, replaced and refused",
    "Taken away",
    "Drift",
];
/// The document that quotes.
const WALK: &str = "docs/adding-a-kind.md";

// ---------------------------------------------------------------- what the kinds answer

/// What a kind does in an empty account, over all examples.
#[derive(Debug, Default)]
struct Facts {
    /// Its logical ids.
    ids: BTreeSet<String>,
    /// The kinds that must be there, or ready, before its first call.
    needs: BTreeMap<String, Need>,
    /// Actions that create one.
    creates: BTreeSet<&'static str>,
    /// The kinds that have to be gone before it.
    after: BTreeSet<&'static str>,
    /// It is taken away by itself when a stack is destroyed.
    goes: bool,
    /// The first action that takes one away, where that does not depend on what was seen of it.
    removes: BTreeSet<&'static str>,
}

impl Facts {
    /// Asks until nothing is missing, and notes what was.
    fn given<T>(&mut self, cx: &Context, known: &mut Known, ask: impl Fn(&Known) -> Result<T, Blocked>) -> T {
        for _ in 0..1000 {
            let Blocked { on, need } = match ask(known) {
                Ok(answer) => return answer,
                Err(blocked) => blocked,
            };
            let noted = self.needs.entry(on.kind().to_owned()).or_insert(need);
            *noted = need.max(*noted);
            let outputs = stand_in(cx, &on);
            known.insert(on, outputs, need == Need::Ready);
        }
        panic!("a kind asks for the same thing again and again");
    }

    fn look<K: Kind>(&mut self, cx: &Context) {
        let (mut known, seen) = (Known::default(), K::Seen::default());
        let ids = self.given(cx, &mut known, |known| K::wants(cx, known));
        if !ids.is_empty() {
            self.given(cx, &mut known, |known| K::queries(cx, known, &seen));
        }
        for id in ids {
            let next = self.given(cx, &mut known, |known| K::next(cx, &id, &seen, known));
            if let Next::Ensure {
                request,
                change: Change::Create,
                ..
            } = next
            {
                self.creates.insert(request.action());
            }
            self.ids.insert(id.to_string());
        }
        let present = Present::new(Id::only(K::NAME), "physical");
        if let Removal::Send { request, .. } = K::remove(cx, &present, &seen) {
            self.removes.insert(request.action());
        }
    }
}

/// Outputs of what a kind asked for: real ones where others read them apart.
fn stand_in(cx: &Context, id: &Id) -> Outputs {
    let zones = [
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
        "us-east-1d",
        "us-east-1e",
        "us-east-1f",
    ];
    match id.as_str() {
        "zones" => Outputs::default().with("names", zones[..cx.spec.network.zones.into()].join(",")),
        "instance-role" => Outputs::id("role").with("arn", "arn:aws:iam::123456789012:role/role"),
        _ => Outputs::planned(id, false),
    }
}

fn facts<K: Kind>() -> (&'static str, Facts) {
    let mut facts = Facts {
        after: K::AFTER.iter().copied().collect(),
        goes: K::GOES,
        ..Facts::default()
    };
    for spec in examples() {
        let cx = Context {
            spec: &spec,
            region: "us-east-1",
            boundary: None,
            version: "v1",
            lineage: "l",
            records: &Records::new(),
            spent: &BTreeMap::new(),
            destroying: false,
            recovering: false,
        };
        facts.look::<K>(&cx);
    }
    (K::NAME, facts)
}

/// All examples, and what none of them has together: fixed instances with a log group, endpoints and a dashboard.
fn examples() -> Vec<Spec> {
    const OTHERS: &str = "
compute: {mode: ec2, app: {container: {image: app, port: 8000}}}
network: {endpoints: [s3, ssm]}
monitoring: {dashboard: true}
";
    let examples = files("events/specs", "yaml");
    let examples = examples
        .iter()
        .filter(|path| !path.to_string_lossy().contains("/invalid/"));
    let examples = examples.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    let all = examples.chain([("others".to_owned(), OTHERS.to_owned())]);
    let specs = all.map(|(name, text)| {
        let environment = "dev".to_owned();
        decode(&StackId { environment, name }, text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong}"))
    });
    specs.collect()
}

macro_rules! kinds {
    ($($module:ident::$kind:ident),* $(,)?) => {
        fn all_facts() -> BTreeMap<&'static str, Facts> {
            BTreeMap::from([$(facts::<kinds::$module::$kind>()),*])
        }
    };
}

kinds! {
    zones::Zones, image::Image, quotas::Quotas, vpc::Vpc, internet_gateway::InternetGateway, subnet::Subnet,
    address::Address, nat_gateway::NatGateway, route_table::RouteTable, route::Route,
    route_table_association::RouteTableAssociation, security_group::SecurityGroup,
    security_group_rule::SecurityGroupRule, vpc_endpoint::VpcEndpoint, instance_role::InstanceRole,
    instance_role_policy::InstanceRolePolicy, instance_profile::InstanceProfile, log_group::LogGroup,
    launch_template::LaunchTemplate, load_balancer::LoadBalancer, load_balancer_attributes::LoadBalancerAttributes,
    target_group::TargetGroup, target_group_attributes::TargetGroupAttributes, listener::Listener,
    auto_scaling_group::AutoScalingGroup, group_metrics::GroupMetrics, instance::Instance,
    target_registration::TargetRegistration, targets::Targets, network_interface::NetworkInterface, topic::Topic, subscription::Subscription, alarm::Alarm,
    dashboard::Dashboard, tags::Tags,
}

// ---------------------------------------------------------------- the ownership tables

#[test]
fn every_kind_has_a_row_in_each_table() {
    let implemented: BTreeSet<String> = files("shared/planner/src/kinds", "rs")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter(|source| source.contains("impl Kind for "))
        .map(|source| between(&source, "const NAME: &'static str = \"", "\"").to_owned())
        .collect();
    let asked: BTreeSet<String> = all_facts().keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(asked, implemented, "name every kind in `kinds!` of this file");
    for section in TABLES {
        let rows = table(OWNERSHIP, section);
        let named: BTreeSet<String> = rows.iter().map(kind_of).collect();
        assert_eq!(named, implemented, "rows of {section:?} in {OWNERSHIP}");
        assert_eq!(named.len(), rows.len(), "a kind has two rows in {section:?}");
    }
}

#[test]
fn every_kind_is_on_the_board() {
    let board = read("shared/planner/src/board.rs");
    for path in files("shared/planner/src/kinds", "rs") {
        let source = std::fs::read_to_string(&path).unwrap();
        if source.contains("impl Kind for ") {
            let (module, kind) = (
                path.file_stem().unwrap().to_str().unwrap(),
                between(&source, "impl Kind for ", " {"),
            );
            assert!(board.contains(&format!("kinds::{module}::{kind},")), "{module}");
        }
    }
}

#[test]
fn logical_ids_are_those_that_the_kinds_want() {
    let facts = all_facts();
    for row in table(OWNERSHIP, TABLES[0]) {
        let (kind, patterns) = (kind_of(&row), codes(&row["Logical ids"]));
        let ids = &facts[kind.as_str()].ids;
        for id in ids {
            assert!(
                patterns.iter().any(|pattern| fits(pattern, id)),
                "{kind}: no pattern for {id}"
            );
        }
        for pattern in &patterns {
            assert!(
                ids.iter().any(|id| fits(pattern, id)),
                "{kind}: nothing is called {pattern}"
            );
        }
    }
}

#[test]
fn edges_are_those_that_the_kinds_ask_for() {
    let facts = all_facts();
    for row in table(OWNERSHIP, TABLES[1]) {
        let kind = kind_of(&row);
        let mut needs = BTreeMap::new();
        for part in row["Needs"]
            .split(';')
            .map(str::trim)
            .filter(|part| *part != "nothing")
        {
            let need = match part.split(' ').next() {
                Some("exists") => Need::Exists,
                Some("ready") => Need::Ready,
                _ => panic!("{kind}: `exists` or `ready` must come first in {part:?}"),
            };
            needs.extend(codes(part).into_iter().map(|on| (on, need)));
        }
        assert_eq!(needs, facts[kind.as_str()].needs, "needs of {kind}");
    }
}

#[test]
fn creating_calls_and_their_effects_are_those_of_the_code() {
    let (facts, effects) = (all_facts(), effects());
    for row in table(OWNERSHIP, TABLES[1]) {
        let (kind, calls) = (kind_of(&row), codes(&row["Call"]));
        let calls: BTreeSet<&str> = calls.iter().map(String::as_str).collect();
        assert_eq!(calls, facts[kind.as_str()].creates, "calls that create {kind}");
        let words: BTreeSet<&str> = calls.iter().map(|action| word(effects[*action])).collect();
        let expected = if calls.is_empty() {
            BTreeSet::from(["–"])
        } else {
            words
        };
        assert_eq!(
            BTreeSet::from([row["Effect"].as_str()]),
            expected,
            "effect of {kind}"
        );
    }
}

/// What has to be gone first, and what goes with something else.
#[test]
fn what_goes_after_what_is_as_the_kinds_say() {
    let facts = all_facts();
    for row in table(OWNERSHIP, TABLES[3]) {
        let (kind, after) = (kind_of(&row), codes(&row["After"]));
        let facts = &facts[kind.as_str()];
        let after: BTreeSet<&str> = after.iter().map(String::as_str).collect();
        assert_eq!(after, facts.after, "what is gone before {kind}");
        let destroyed = &row["When the stack is destroyed"];
        let with_another = destroyed.starts_with("goes with `") || destroyed == "nothing to take away";
        assert_eq!(with_another, !facts.goes, "{kind} {destroyed}");
        let named = codes(destroyed);
        assert!(
            named.iter().all(|other| all_facts().contains_key(other.as_str())),
            "{kind} {destroyed}"
        );
    }
}

#[test]
fn nothing_waits_in_a_circle_to_be_gone() {
    let facts = all_facts();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    while gone.len() < facts.len() {
        let free = facts.iter().filter(|(_, facts)| facts.after.is_subset(&gone));
        let free: BTreeSet<&str> = free.map(|(kind, _)| *kind).collect();
        let stuck = facts.keys().filter(|kind| !free.contains(*kind));
        assert!(
            free.len() > gone.len(),
            "these wait for each other: {:?}",
            stuck.collect::<Vec<_>>()
        );
        gone = free;
    }
}

/// The calls of a kind are those that its file makes; and a call that no kind makes has no owner.
#[test]
fn every_call_that_changes_something_is_one_of_a_kind() {
    let (facts, effects) = (all_facts(), effects());
    let columns = [(TABLES[1], "Call"), (TABLES[2], "In place"), (TABLES[3], "By")];
    let named = columns.map(|(section, column)| {
        let rows = table(OWNERSHIP, section).into_iter();
        let rows = rows.map(|row| (kind_of(&row), actions(&row[column])));
        rows.collect::<BTreeMap<_, _>>()
    });
    let mut calls: BTreeSet<String> = BTreeSet::new();
    for (kind, facts) in &facts {
        let source = read(&format!("shared/planner/src/kinds/{}.rs", kind.replace('-', "_")));
        let [created, changed, removed] = named.each_ref().map(|rows| rows[*kind].clone());
        let leaving = source
            .split_once("fn remove(")
            .map_or("", |(_, rest)| rest.split("\n    }\n").next().unwrap());
        assert_eq!(removed, made(leaving, &effects), "calls that take {kind} away");
        assert!(
            facts.removes.iter().all(|action| removed.contains(*action)),
            "{kind}: {:?}",
            facts.removes
        );
        let all: BTreeSet<String> = [created, changed, removed].into_iter().flatten().collect();
        assert_eq!(all, made(&source, &effects), "calls of {kind}");
        calls.extend(all);
    }
    let own = |action: &str| action.starts_with("s3:") || action.starts_with("sqs:");
    let mutating = effects
        .iter()
        .filter(|(action, effect)| effect.is_mutating() && !own(action));
    let mutating: BTreeSet<String> = mutating.map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(calls, mutating);
}

/// The actions that a cell names.
fn actions(cell: &str) -> BTreeSet<String> {
    codes(cell)
        .into_iter()
        .filter(|code| code.contains(':') && !code.contains(' '))
        .collect()
}

/// The calls that change something and that a source makes: those that it fills with their fields.
fn made(source: &str, effects: &BTreeMap<&'static str, Effect>) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let is_made = |action: &str| {
        let filled = format!("{} {{", action.split_once(':').map_or(action, |(_, name)| name));
        let mut places = source.match_indices(&filled).map(|(at, _)| &source[..at]);
        places.any(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let mutating = effects.iter().filter(|(_, effect)| effect.is_mutating());
    mutating
        .filter(|(action, _)| is_made(action))
        .map(|(action, _)| (*action).to_owned())
        .collect()
}

fn effects() -> BTreeMap<&'static str, Effect> {
    operations().into_iter().collect()
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Idempotent => "idempotent",
        Effect::Token => "token",
        Effect::Once => "once",
        Effect::Delete => "delete",
    }
}

fn kind_of(row: &BTreeMap<String, String>) -> String {
    codes(&row["Kind"]).remove(0)
}

/// Whether an id is of a pattern like `subnet/public-<zone>`.
fn fits(pattern: &str, id: &str) -> bool {
    match pattern.split_once('<') {
        Some((start, _)) => id.len() > start.len() && id.starts_with(start),
        None => pattern == id,
    }
}

// ---------------------------------------------------------------- quotations and names

/// A fenced block whose first line is a comment with a path quotes that file: word for word, whatever the layout, and
/// `…` leaves something out.
#[test]
fn what_is_quoted_stands_in_the_file_that_it_names() {
    let mut quotations = 0;
    for document in files("docs", "md") {
        let text = std::fs::read_to_string(&document).unwrap();
        for block in fenced(&text) {
            let Some((path, quoted)) = quotation(block) else {
                continue;
            };
            quotations += 1;
            let mut rest = squeezed(&read(path));
            for part in quoted.split('…').map(squeezed) {
                let at = rest
                    .find(&part)
                    .unwrap_or_else(|| panic!("{}: no longer in {path}:\n{quoted}", document.display()));
                rest = rest.split_off(at + part.len());
            }
        }
    }
    assert!(quotations >= 20, "only {quotations} quotations: is {WALK} there?");
}

fn quotation(block: &str) -> Option<(&str, &str)> {
    let (first, quoted) = block.split_once('\n')?;
    let path = first.strip_prefix("// ").or_else(|| first.strip_prefix("# "))?;
    let is_path = !path.contains(' ') && path.contains('.');
    is_path.then_some((path, quoted))
}

/// Without white space, and without the commas that only rustfmt cares for.
fn squeezed(text: &str) -> String {
    let tight: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    tight.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

#[test]
fn tests_that_are_named_exist() {
    let sources: String = ["shared", "tests", "tools", "functions"]
        .iter()
        .flat_map(|folder| [files(folder, "rs"), files(folder, "py")].concat())
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let is_sentence = |code: &String| {
        code.matches('_').count() >= 3
            && code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    for (document, text) in documents() {
        for name in codes(&prose(&text)).into_iter().filter(is_sentence) {
            let defined =
                sources.contains(&format!("fn {name}(")) || sources.contains(&format!("def {name}("));
            assert!(defined, "{document} names {name}, which is no test");
        }
    }
}

#[test]
fn paths_and_links_lead_somewhere() {
    let folders = ["shared/", "tests/", "functions/", "tools/", "events/", "docs/"];
    for (document, text) in documents() {
        let prose = prose(&text);
        let is_path = |code: &String| {
            folders.iter().any(|folder| code.starts_with(folder)) && !code.contains(['<', '*', ' '])
        };
        for path in codes(&prose).into_iter().filter(is_path) {
            assert!(Path::new(ROOT).join(&path).exists(), "{document} names {path}");
        }
        for link in prose
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
        {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let here = Path::new(ROOT).join(&document);
            let target = if path.is_empty() {
                here
            } else {
                here.parent().unwrap().join(path)
            };
            assert!(target.exists(), "{document} links to {link}");
            if !anchor.is_empty() {
                let headings = std::fs::read_to_string(&target).unwrap();
                let found = headings
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| slug(line) == anchor);
                assert!(found, "{document} links to {link}, which is no heading there");
            }
        }
    }
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn commands_of_the_tool_that_are_named_exist() {
    let source = read("tools/windlass/src/main.rs");
    let commands = between(&source, "enum Command {", "\n}");
    let known: BTreeSet<String> = commands
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.split(['(', ',', ' ']).next().unwrap().to_lowercase())
        .collect();
    for (document, text) in documents() {
        let (lines, spans) = (text.lines().map(str::to_owned), codes(&prose(&text)).into_iter());
        for command in lines
            .chain(spans)
            .filter_map(|line| line.strip_prefix("windlass ").map(str::to_owned))
        {
            let name = command.split(' ').next().unwrap();
            assert!(
                known.contains(name),
                "{document} names `windlass {name}`, and there is {known:?}"
            );
        }
    }
}

// ---------------------------------------------------------------- tables of other documents

#[test]
fn parameters_are_those_of_the_template() {
    let template = read("template.yaml");
    let section = between(&template, "\nParameters:\n", "\nConditions:");
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in section.lines() {
        match line.strip_prefix("  ") {
            Some(key) if !key.starts_with(' ') => name = key.trim_end_matches(':').to_owned(),
            Some(field) => {
                if let Some(default) = field.trim().strip_prefix("Default: ") {
                    parameters.insert(name.clone(), default.trim_matches('\'').to_owned());
                }
            }
            None => {}
        }
    }
    let rows = table("docs/operations.md", "Deploy").into_iter();
    let described: BTreeMap<String, String> = rows
        .map(|row| (codes(&row["Parameter"]).remove(0), row["Default"].clone()))
        .collect();
    assert_eq!(described, parameters);
}

#[test]
fn phases_are_those_of_the_engine() {
    let source = read("shared/engine/src/status.rs");
    let variants = between(&source, "pub enum Phase {", "\n}");
    let variants = variants
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let phases: BTreeSet<String> = variants
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect();
    let rows = table("docs/operations.md", "Follow a stack");
    let described: BTreeSet<String> = rows.iter().flat_map(|row| codes(&row["Phase"])).collect();
    assert_eq!(described, phases);
}

#[test]
fn keys_are_those_that_the_roles_may_write() {
    let template = read("template.yaml");
    let written = template
        .split("${StateBucket.Arn}/")
        .skip(1)
        .filter_map(|rest| rest.split(['\'', '/']).next());
    let written: BTreeSet<&str> = written.filter(|prefix| *prefix != "*").collect();
    let rows = table("docs/architecture.md", "Buckets");
    let described: Vec<String> = rows.iter().flat_map(|row| codes(&row["Key"])).collect();
    let described: BTreeSet<&str> = described
        .iter()
        .map(|key| key.split('/').next().unwrap())
        .collect();
    let described: BTreeSet<&str> = described
        .into_iter()
        .filter(|prefix| *prefix != "specs")
        .collect();
    assert_eq!(described, written);
}

// ---------------------------------------------------------------- reading

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What people read, with its path.
fn documents() -> Vec<(String, String)> {
    let docs = files("docs", "md");
    let docs = docs
        .iter()
        .map(|path| format!("docs/{}", path.file_name().unwrap().to_str().unwrap()));
    let all = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "events/README.md"]
        .map(str::to_owned)
        .into_iter()
        .chain(docs);
    all.map(|path| (path.clone(), read(&path))).collect()
}

/// Files of a kind below a folder.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start:?} is gone"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("{end:?} is gone"))
        .0
}

/// The fenced blocks of a document, without their fences.
fn fenced(text: &str) -> Vec<&str> {
    let blocks = text.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, block)| block)
        .collect()
}

/// A document without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// What stands between backticks.
fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first table below a heading of the second order: rows as cells by their column.
fn table(document: &str, section: &str) -> Vec<BTreeMap<String, String>> {
    let text = read(document);
    let (_, section) = text
        .split_once(&format!("\n## {section}\n"))
        .unwrap_or_else(|| panic!("{document}: {section}"));
    let end = format!("{section}\n## ").find("\n## ").unwrap();
    let lines = section[..end.min(section.len())].lines();
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let tables: Vec<&str> = lines.filter(|line| line.starts_with('|')).collect();
    // Where a section has several tables, the last one is meant: the others explain it.
    let header = tables
        .iter()
        .rposition(|line| line.starts_with("|---"))
        .expect("a table")
        - 1;
    let columns = cells(tables[header]);
    let rows = tables[header + 2..]
        .iter()
        .map(|line| columns.iter().cloned().zip(cells(line)).collect());
    rows.collect()
}

//! The tables of kinds are what the kinds answer.

use std::collections::{BTreeMap, BTreeSet};

use windlass_calls::{Effect, operations};
use windlass_planner::Need;

use crate::facts::all_facts;
use crate::reading::{between, codes, files, read, table};

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

/// A kind's file, and the parts that it has in a folder of its name.
fn source_of(kind: &str) -> String {
    let name = kind.replace('-', "_");
    let folder = format!("/kinds/{name}/");
    let parts = files("shared/planner/src/kinds", "rs").into_iter();
    let parts = parts.filter(|path| path.to_string_lossy().contains(&folder));
    let parts: String = parts.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    read(&format!("shared/planner/src/kinds/{name}.rs")) + &parts
}

/// The calls of a kind are those that its file makes, with the parts that it has in a folder of its name; and a call that no kind makes has no owner.
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
        let source = source_of(kind);
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
    // What the lifecycle function does to and asks of instances that wait, or are taken back, and whom it tells, and what
    // the scale function asks for, is no kind's.
    let gate = |action: &str| {
        matches!(
            action,
            "autoscaling:CompleteLifecycleAction"
                | "autoscaling:RecordLifecycleActionHeartbeat"
                | "autoscaling:SetInstanceHealth"
                | "autoscaling:SetDesiredCapacity"
                | "autoscaling:SuspendProcesses"
                | "sns:Publish"
                | "ssm:SendCommand"
        )
    };
    let mutating = effects
        .iter()
        .filter(|(action, effect)| effect.is_mutating() && !own(action) && !gate(action));
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

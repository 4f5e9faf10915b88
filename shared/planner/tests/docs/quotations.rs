//! What is quoted stands in its file, and what is named exists.

use std::collections::BTreeSet;
use std::path::Path;

use crate::reading::{ROOT, between, codes, documents, fenced, files, prose, read};

/// The document that quotes.
const WALK: &str = "docs/adding-a-kind.md";

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

//! Reading documents: their tables, their fenced blocks, what stands between backticks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What people read, with its path.
pub(crate) fn documents() -> Vec<(String, String)> {
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
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
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

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start:?} is gone"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("{end:?} is gone"))
        .0
}

/// The fenced blocks of a document, without their fences.
pub(crate) fn fenced(text: &str) -> Vec<&str> {
    let blocks = text.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, block)| block)
        .collect()
}

/// A document without its fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// What stands between backticks.
pub(crate) fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first table below a heading of the second order: rows as cells by their column.
pub(crate) fn table(document: &str, section: &str) -> Vec<BTreeMap<String, String>> {
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

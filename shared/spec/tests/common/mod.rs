//! What the tests of this crate share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod coverage;

use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use windlass_spec::{Diagnostics, Spec, StackId, decode, parse_key};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The stack that a spec would describe under `specs/dev/<name>.yaml`.
pub(crate) fn stack(name: &str) -> StackId {
    parse_key(&format!("specs/dev/{name}.yaml")).unwrap()
}

pub(crate) fn decode_text(text: &str) -> Result<Spec, Diagnostics> {
    decode(&stack("web"), text.as_bytes())
}

/// The files of `folder` with one of the `extensions`, by name, with their contents.
pub(crate) fn files(folder: &str, extensions: &[&str]) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| extensions.iter().any(|wanted| e == *wanted))
        })
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// A YAML text as the JSON that a schema validator reads.
pub(crate) fn json(text: &str) -> serde_json::Value {
    convert(&YamlOwned::load_from_str(text).unwrap()[0])
}

fn convert(yaml: &YamlOwned) -> serde_json::Value {
    match yaml {
        YamlOwned::Value(ScalarOwned::Null) => serde_json::Value::Null,
        YamlOwned::Value(ScalarOwned::Boolean(flag)) => (*flag).into(),
        YamlOwned::Value(ScalarOwned::Integer(whole)) => (*whole).into(),
        YamlOwned::Value(ScalarOwned::FloatingPoint(number)) => number.into_inner().into(),
        YamlOwned::Value(ScalarOwned::String(text)) => text.as_str().into(),
        YamlOwned::Sequence(items) => items.iter().map(convert).collect(),
        YamlOwned::Mapping(fields) => fields
            .iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), convert(value)))
            .collect(),
        other => panic!("not in a spec: {other:?}"),
    }
}

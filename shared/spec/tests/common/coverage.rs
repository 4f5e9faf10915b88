//! Which fields and words there are, and which of them a text says.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every field of the schema and every word that a field may have, as `compute.mode` and `compute.mode=ec2`.
pub(crate) fn known(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    for word in schema["enum"].as_array().into_iter().flatten() {
        found.insert(format!("{path}={}", word.as_str().unwrap()));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}").trim_start_matches('.').to_owned();
        found.insert(path.clone());
        known(&path, field, found);
    }
    if schema["items"].is_object() {
        known(&format!("{path}[]"), &schema["items"], found);
    }
}

/// The same of what `value` says.
pub(crate) fn said(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(format!("{path}={text}"));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| said(&format!("{path}[]"), item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}").trim_start_matches('.').to_owned();
                found.insert(path.clone());
                said(&path, value, found);
            }
        }
        _ => {}
    }
}

/// Whether `path` is `field`, a field of it or a word of it.
pub(crate) fn belongs(path: &str, field: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[', '=']);
    path.strip_prefix(field).is_some_and(below)
}

//! Which fields and words there are, and which of them a text says.

use std::collections::BTreeSet;

use serde_json::Value;

/// What the format knows and Windlass does not have yet: the field, or a word of it, and how to ask for that.
pub(crate) const UNSUPPORTED: [(&str, &str); 2] = [
    (
        "scaling.schedule",
        "scaling: {schedule: [{cron: '0 7 * * *', min: 4}]}",
    ),
    (
        "scaling.metrics[].type=memory",
        "scaling: {metrics: [{type: memory, scaleOut: {above: 70}}]}",
    ),
];

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

/// Whether `path` is one of [`UNSUPPORTED`], or belongs to one.
pub(crate) fn is_unsupported(path: &str) -> bool {
    UNSUPPORTED.iter().any(|(field, _)| belongs(path, field))
}

/// Whether `path` is `field`, a field of it or a word of it.
pub(crate) fn belongs(path: &str, field: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[', '=']);
    path.strip_prefix(field).is_some_and(below)
}

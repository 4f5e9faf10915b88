//! The JSON Schema as a page for people.
//!
//! Guarantees: says nothing of a field that the schema does not say, so that decoder, schema and page cannot differ.

use serde_json::Value;

use crate::MAX_BYTES;
use crate::key;
use crate::schema::ordered;
use crate::shape::ORDER;

/// Every field of a spec in Markdown: type, default and meaning. `docs/spec.md` is a copy.
#[must_use]
pub fn reference() -> String {
    let schema = ordered().to_value();
    let mut page = vec![
        "<!-- Written from the types by windlass_spec::reference; a test of that crate keeps it current. -->\n# The spec"
            .to_owned(),
        format!(
            "{} It is YAML or JSON, of at most {} KiB, under the key `{}`. This is all that must be said:",
            text(&schema, "description"),
            MAX_BYTES / 1024,
            key::SHAPE
        ),
        yaml(include_str!("../../../events/specs/minimal.yaml")),
        "And this is one that leaves little to its defaults:".to_owned(),
        yaml(include_str!("../../../events/specs/web.yaml")),
        "What follows is every field. Another one is refused, never ignored. \
         A wrong spec is refused as a whole, with the place of every mistake and a remedy."
            .to_owned(),
    ];
    sections("", &schema, &mut page);
    page.join("\n\n") + "\n"
}

fn yaml(example: &str) -> String {
    format!("```yaml\n{}\n```", example.trim_end())
}

/// The section of `record`, and after it those of the records within.
fn sections(path: &str, record: &Value, page: &mut Vec<String>) {
    if path.is_empty() {
        page.push("## Fields".to_owned());
    } else {
        page.push(format!("### `{path}`\n\n{}", text(record, "description")));
    }
    let rows = fields(record).map(|(name, field)| row(path, record, name, field));
    page.push(
        ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
            .map(str::to_owned)
            .into_iter()
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n"),
    );
    for (name, field) in fields(record) {
        if let Some((path, inner)) = inner(path, name, field) {
            sections(&path, inner, page);
        }
    }
}

/// The fields in the order in which they are declared.
fn fields(record: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let names = record[ORDER].as_array().into_iter().flatten();
    names
        .filter_map(Value::as_str)
        .map(|name| (name, &record["properties"][name]))
}

/// The record that `field` holds, or holds a list of, if it is built.
fn inner<'a>(path: &str, name: &str, field: &'a Value) -> Option<(String, &'a Value)> {
    let dot = if path.is_empty() { "" } else { "." };
    let (list, record) = match &field["items"] {
        Value::Null => ("", field),
        items => ("[]", items),
    };
    record[ORDER]
        .is_array()
        .then(|| (format!("{path}{dot}{name}{list}"), record))
}

fn row(path: &str, record: &Value, name: &str, field: &Value) -> String {
    let kind = match inner(path, name, field) {
        Some((path, _)) => format!("[{}](#{})", kind(field), anchor(&path)),
        None => kind(field),
    };
    let required = record["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|n| n == name));
    let default = match &field["default"] {
        _ if required => "**required**".to_owned(),
        Value::Null => String::new(),
        default => format!("`{}`", flow(default, field)),
    };
    let cells = [&format!("`{name}`"), &kind, &default, text(field, "description")];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |", cells.join(" | "))
}

/// What a value looks like.
fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", flow(word, schema)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match text(schema, "type") {
        "boolean" => "`true`, `false`".to_owned(),
        "integer" => format!("whole number{}", bounds(schema, "minimum", "maximum")),
        "number" => format!("number{}", bounds(schema, "minimum", "maximum")),
        "array" => format!(
            "list of {}{}",
            kind(&schema["items"]),
            bounds(schema, "minItems", "maxItems")
        ),
        "object" if schema[ORDER].is_array() => "fields".to_owned(),
        "object" => "names, each with a text".to_owned(),
        _ => schema["title"].as_str().unwrap_or("text").to_owned(),
    }
}

/// `, 2 to 6`, as far as there are bounds.
fn bounds(schema: &Value, low: &str, high: &str) -> String {
    match (schema[low].as_f64(), schema[high].as_f64()) {
        (Some(low), Some(high)) => format!(", {low} to {high}"),
        (Some(low), None) => format!(", {low} or more"),
        (None, Some(high)) => format!(", {high} at most"),
        (None, None) => String::new(),
    }
}

/// A value that `schema` describes, as YAML on one line.
fn flow(value: &Value, schema: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| flow(item, &schema["items"])).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(given) => {
            let given: Vec<_> = fields(schema)
                .filter_map(|(name, field)| Some(format!("{name}: {}", flow(given.get(name)?, field))))
                .collect();
            format!("{{{}}}", given.join(", "))
        }
        other => other.to_string(),
    }
}

/// How Markdown calls the heading of `path`.
fn anchor(path: &str) -> String {
    path.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase()
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

//! Name, environment and tags.

use std::collections::BTreeMap;

use crate::diagnostics::{Place, Refused, Report};
use crate::raw::RawMetadata;
use crate::shape::{At, Field};
use crate::types::StackId;
use crate::values::{Row, Table};

/// AWS takes 50 tags per resource; ten are left for Windlass and AWS itself.
const MOST_TAGS: usize = 40;
/// Characters of a tag's key and of its value, by AWS.
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// The tags; name and environment only have to agree with the key.
pub(super) fn check(
    stack: &StackId,
    field: Field<RawMetadata>,
    report: &mut Report,
) -> Result<BTreeMap<String, String>, Refused> {
    let metadata = field.open()?.value;
    agrees("name", metadata.name, &stack.name, report);
    agrees("environment", metadata.environment, &stack.environment, report);
    match metadata.tags.given()? {
        None => Ok(BTreeMap::new()),
        Some(table) => tags(table, report),
    }
}

/// What the spec says of itself must be what its key says.
fn agrees(part: &str, field: Field<String>, key: &str, report: &mut Report) {
    if let Ok(Some(At { value, place })) = field.given()
        && value != key
    {
        report.refuse(
            &place,
            format!("the {part} is `{value}` here and `{key}` in the spec's key"),
            format!("write `{key}`, leave the field out, or move the file"),
        );
    }
}

fn tags(table: At<Table>, report: &mut Report) -> Result<BTreeMap<String, String>, Refused> {
    let At {
        value: Table(rows),
        place,
    } = table;
    let count = rows.len();
    let number = if count > MOST_TAGS {
        let message = format!("{count} tags are too many");
        Err(report.refuse(
            &place,
            message,
            format!("keep at most {MOST_TAGS}; AWS allows 50 with our own"),
        ))
    } else {
        Ok(())
    };
    let rows: Vec<_> = rows.into_iter().map(|row| tag(row, report)).collect();
    number?;
    rows.into_iter().collect()
}

fn tag(row: Row, report: &mut Report) -> Result<(String, String), Refused> {
    let Row { name: key, value } = row;
    let named = tag_key(&key, report);
    let value = value?;
    fits("value", &value.value, LONGEST_VALUE, &value.place, report)?;
    named.map(|()| (key.value, value.value))
}

fn tag_key(key: &At<String>, report: &mut Report) -> Result<(), Refused> {
    let At { value: name, place } = key;
    if name.is_empty() {
        return Err(report.refuse(
            place,
            "the tag's key is empty",
            "give it a name, as in `team: storefront`",
        ));
    }
    let lower = name.to_lowercase();
    if let Some(prefix) = ["aws:", "windlass:"]
        .into_iter()
        .find(|prefix| lower.starts_with(prefix))
    {
        let message = format!("the tag key `{name}` begins with `{prefix}`, which is reserved");
        return Err(report.refuse(place, message, "choose another prefix, such as your team's"));
    }
    if name == "Name" {
        let hint = "leave it out: every resource is named after the stack";
        return Err(report.refuse(place, "the tag key `Name` is set by Windlass", hint));
    }
    fits("key", name, LONGEST_KEY, place, report)
}

/// Length and characters that every AWS service takes in tags.
fn fits(part: &str, text: &str, longest: usize, place: &Place, report: &mut Report) -> Result<(), Refused> {
    let count = text.chars().count();
    if count > longest {
        let message = format!("the tag's {part} has {count} characters");
        return Err(report.refuse(place, message, format!("AWS takes at most {longest}")));
    }
    if let Some(c) = text
        .chars()
        .find(|c| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c))
    {
        let message = format!("the tag's {part} contains {c:?}");
        return Err(report.refuse(
            place,
            message,
            "AWS takes letters, digits, spaces and _ . : / = + - @",
        ));
    }
    Ok(())
}

//! The values of fields: texts, numbers, lists, tables, durations.
//!
//! Guarantees: what [`Decode`] takes here, the JSON Schema of the same type allows, and the other way round.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::diagnostics::{Place, Refused, Report};
use crate::document::{Data, Entry, Node};
use crate::shape::{At, Decode, located, shorten, wrong_kind};

/// How the kinds are called in messages.
pub(crate) const TEXT: &str = "text";
pub(crate) const WHOLE: &str = "a whole number";
pub(crate) const NUMBER: &str = "a number";
pub(crate) const FLAG: &str = "true or false";
pub(crate) const LIST: &str = "a list";
pub(crate) const FIELDS: &str = "named fields";

impl Decode for String {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        match &node.data {
            Data::Text(text) => Ok(text.clone()),
            _ => Err(wrong_kind(node, TEXT, place, report)),
        }
    }
}

impl Decode for i64 {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        match &node.data {
            Data::Whole(whole) => Ok(*whole),
            // What is beyond 64 bits arrives as a floating point number.
            Data::Number(number) if number.abs() >= 9.2e18 => Err(report.refuse(
                place,
                format!("{number} is out of range"),
                "choose a smaller number",
            )),
            _ => Err(wrong_kind(node, WHOLE, place, report)),
        }
    }
}

impl Decode for f64 {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        match &node.data {
            #[allow(clippy::cast_precision_loss)] // thresholds are small
            Data::Whole(whole) => Ok(*whole as Self),
            Data::Number(number) if number.is_finite() => Ok(*number),
            _ => Err(wrong_kind(node, NUMBER, place, report)),
        }
    }
}

impl Decode for bool {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        match &node.data {
            Data::Flag(flag) => Ok(*flag),
            _ => Err(wrong_kind(node, FLAG, place, report)),
        }
    }
}

/// A list; items of the wrong shape are reported and marked.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<Result<At<T>, Refused>>);

impl<T: Decode> Decode for List<T> {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        let Data::List(items) = &node.data else {
            return Err(wrong_kind(node, LIST, place, report));
        };
        let items = items
            .iter()
            .enumerate()
            .map(|(i, item)| located(item, place.item(i), report))
            .collect();
        Ok(Self(items))
    }
}

/// Names of the user's own choice, each with a text.
#[derive(Debug)]
pub(crate) struct Table(pub(crate) Vec<Row>);

/// One of them. The name stands at its key.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: At<String>,
    pub(crate) value: Result<At<String>, Refused>,
}

impl Decode for Table {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        let Data::Fields(entries) = &node.data else {
            return Err(wrong_kind(node, FIELDS, place, report));
        };
        let mut row = |entry: &Entry| {
            let place = place.field(&entry.key);
            let name = At {
                value: entry.key.clone(),
                place: place.clone().at(&entry.mark),
            };
            Row {
                name,
                value: located(&entry.value, place, report),
            }
        };
        Ok(Self(entries.iter().map(&mut row).collect()))
    }
}

/// A duration in seconds, written `15s`, `10m` or `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u32);

impl Decode for Seconds {
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused> {
        let text = match &node.data {
            Data::Text(text) => text,
            Data::Whole(whole) => {
                let message = format!("the duration {whole} has no unit");
                return Err(report.refuse(place, message, format!("write `{whole}s` for seconds")));
            }
            _ => return Err(wrong_kind(node, "a duration such as 15s", place, report)),
        };
        seconds(text).map(Self).ok_or_else(|| {
            let message = format!("`{}` is not a duration", shorten(text));
            report.refuse(
                place,
                message,
                "write a whole number and one unit, s, m or h: 15s, 10m, 1h",
            )
        })
    }
}

fn seconds(text: &str) -> Option<u32> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let digits = text
        .strip_suffix(unit)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        Vec::<T>::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<T>::json_schema(generator)
    }
}

impl JsonSchema for Table {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Table".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, String>::json_schema(generator)
    }
}

impl JsonSchema for Seconds {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "title": "duration, such as `15s`, `10m` or `1h`",
            "pattern": "^[0-9]+[smh]$"
        })
    }
}

//! From the tree to typed fields: kinds of values, known names, known words.
//!
//! Guarantees: one wrong field spoils only itself. A record always comes out, with the wrong fields marked
//! [`Field::Refused`], so that the rules can still judge all the others. This is why it is not left to serde or
//! deserr, which give up a record at its first unknown or wrong field.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::diagnostics::{Place, Refused, Report};
use crate::document::{Data, Entry, Node};
use crate::suggest;
use crate::values::{FIELDS, FLAG, LIST, NUMBER, TEXT, WHOLE};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// One field of a record.
#[derive(Debug)]
pub(crate) enum Field<T> {
    /// Not there. The place is where it would be, at the mark of the record.
    Absent(Place),
    /// There, and of the right shape.
    Given(At<T>),
    /// There, and reported.
    Refused(Refused),
}

impl<T> Field<T> {
    /// What the spec says, if it says anything.
    pub(crate) fn given(self) -> Result<Option<At<T>>, Refused> {
        match self {
            Self::Absent(_) => Ok(None),
            Self::Given(at) => Ok(Some(at)),
            Self::Refused(refused) => Err(refused),
        }
    }

    /// What the spec says, or the default.
    pub(crate) fn or(self, default: T) -> Result<At<T>, Refused> {
        match self {
            Self::Absent(place) => Ok(At {
                value: default,
                place,
            }),
            Self::Given(at) => Ok(at),
            Self::Refused(refused) => Err(refused),
        }
    }

    /// What the spec says; saying nothing is an error.
    pub(crate) fn required(self, hint: &str, report: &mut Report) -> Result<At<T>, Refused> {
        match self {
            Self::Absent(place) => Err(report.refuse(&place, "this is required, and missing", hint)),
            Self::Given(at) => Ok(at),
            Self::Refused(refused) => Err(refused),
        }
    }

    /// Whether the spec names this field, rightly or wrongly.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self, Self::Absent(_))
    }
}

/// That a field may be absent is what tells the JSON Schema that it is optional.
impl<T> Default for Field<T> {
    fn default() -> Self {
        Self::Absent(Place::default())
    }
}

impl<T: Record> Field<T> {
    /// The record; one that is absent has all its fields absent.
    pub(crate) fn open(self) -> Result<At<T>, Refused> {
        match self {
            Self::Absent(place) => Ok(At {
                value: T::absent(&place),
                place,
            }),
            Self::Given(at) => Ok(at),
            Self::Refused(refused) => Err(refused),
        }
    }
}

/// A field has the schema of what it holds.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What a node can be turned into.
pub(crate) trait Decode: Sized {
    /// Reads `node`, which stands at `place`.
    fn decode(node: &Node, place: &Place, report: &mut Report) -> Result<Self, Refused>;
}

/// A set of named fields; made by [`record!`].
pub(crate) trait Record: Decode {
    /// The record when nothing is said.
    fn absent(place: &Place) -> Self;
}

/// Where the schema of a record lists its fields in order: a JSON object has none.
pub(crate) const ORDER: &str = "x-order";

/// Defines a record: its fields, their documentation, its [`Decode`], its [`Record`] and its JSON Schema, which says under
/// [`ORDER`] in which order they are declared.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Debug, schemars::JsonSchema)]
        $(#[$meta])*
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[schemars(extend("x-order" = [$($crate::shape::camel(stringify!($field))),*]))]
        pub(crate) struct $name {
            $($(#[$field_meta])* #[serde(default)] pub(crate) $field: $crate::shape::Field<$type>,)*
        }

        impl $crate::shape::Decode for $name {
            fn decode(
                node: &$crate::document::Node,
                place: &$crate::diagnostics::Place,
                report: &mut $crate::diagnostics::Report,
            ) -> Result<Self, $crate::diagnostics::Refused> {
                let fields = $crate::shape::Fields::of(node, place, &[$(stringify!($field)),*], report)?;
                Ok(Self { $($field: fields.decode(stringify!($field), report),)* })
            }
        }

        impl $crate::shape::Record for $name {
            fn absent(place: &$crate::diagnostics::Place) -> Self {
                Self { $($field: $crate::shape::Field::Absent(place.field(&$crate::shape::camel(stringify!($field)))),)* }
            }
        }
    };
}
pub(crate) use record;

/// Gives an enum the words that stand for it in a spec: its [`Decode`] and its JSON Schema.
macro_rules! words {
    ($name:ty { $($word:literal => $value:expr,)* }) => {
        impl $crate::shape::Decode for $name {
            fn decode(
                node: &$crate::document::Node,
                place: &$crate::diagnostics::Place,
                report: &mut $crate::diagnostics::Report,
            ) -> Result<Self, $crate::diagnostics::Refused> {
                match $crate::shape::word(node, place, &[$($word),*], report)? {
                    $($word => Ok($value),)*
                    other => Err($crate::shape::unknown_word(other, place, &[$($word),*], report)),
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": [$($word),*]})
            }
        }
    };
}
pub(crate) use words;

/// The fields that a mapping really has.
pub(crate) struct Fields<'a> {
    entries: &'a [Entry],
    place: &'a Place,
}

impl<'a> Fields<'a> {
    /// Opens `node` as a record, and reports the fields whose names are not among `known` (in snake case).
    pub(crate) fn of(
        node: &'a Node,
        place: &'a Place,
        known: &[&str],
        report: &mut Report,
    ) -> Result<Self, Refused> {
        let Data::Fields(entries) = &node.data else {
            return Err(wrong_kind(node, FIELDS, place, report));
        };
        let known: Vec<String> = known.iter().map(|name| camel(name)).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for entry in entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let place = place.field(&shorten(&entry.key)).at(&entry.mark);
            report.refuse(
                &place,
                format!("unknown field `{}`", shorten(&entry.key)),
                suggest::hint(&entry.key, &known),
            );
        }
        Ok(Self { entries, place })
    }

    /// The field `name` (in snake case).
    pub(crate) fn decode<T: Decode>(&self, name: &str, report: &mut Report) -> Field<T> {
        let name = camel(name);
        let place = self.place.field(&name);
        match self.entries.iter().find(|entry| entry.key == name) {
            None => Field::Absent(place),
            Some(entry) => match located(&entry.value, place, report) {
                Ok(at) => Field::Given(at),
                Err(refused) => Field::Refused(refused),
            },
        }
    }
}

pub(crate) fn located<T: Decode>(node: &Node, place: Place, report: &mut Report) -> Result<At<T>, Refused> {
    let place = place.at(&node.mark);
    if matches!(node.data, Data::Null) {
        let hint = "write a value, or leave the field out and get its default";
        return Err(report.refuse(&place, "this has no value", hint));
    }
    Ok(At {
        value: T::decode(node, &place, report)?,
        place,
    })
}

/// `load_balancer` as specs write it: `loadBalancer`.
pub(crate) fn camel(snake: &str) -> String {
    let mut words = snake.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name + &initial.to_uppercase() + rest
    })
}

/// The text of `node`, for [`words!`].
pub(crate) fn word<'a>(
    node: &'a Node,
    place: &Place,
    known: &[&str],
    report: &mut Report,
) -> Result<&'a str, Refused> {
    match &node.data {
        Data::Text(text) => Ok(text),
        _ => Err(wrong_kind(
            node,
            &format!("one of {}", known.join(", ")),
            place,
            report,
        )),
    }
}

/// A word that is none of `known`.
pub(crate) fn unknown_word(word: &str, place: &Place, known: &[&str], report: &mut Report) -> Refused {
    report.refuse(
        place,
        format!("unknown value `{}`", shorten(word)),
        suggest::hint(word, known),
    )
}

/// A value of the wrong kind: what was expected, what is there, and how to write it.
pub(crate) fn wrong_kind(node: &Node, expected: &str, place: &Place, report: &mut Report) -> Refused {
    let quoted = matches!(&node.data, Data::Text(text) if text.parse::<f64>().is_ok());
    let scalar = matches!(&node.data, Data::Whole(_) | Data::Number(_) | Data::Flag(_));
    let hint = match expected {
        TEXT if scalar => "put it in quotes".to_owned(),
        WHOLE | NUMBER if quoted => "remove the quotes".to_owned(),
        FLAG => "write true or false, without quotes".to_owned(),
        LIST => "write it as a list: `[a, b]`".to_owned(),
        FIELDS => "write its fields below it, indented, each as `name: value`".to_owned(),
        _ => format!("write {expected}"),
    };
    report.refuse(
        place,
        format!("expected {expected}, found {}", describe(node)),
        hint,
    )
}

fn describe(node: &Node) -> String {
    match &node.data {
        Data::Null => "nothing".to_owned(),
        Data::Flag(flag) => flag.to_string(),
        Data::Whole(whole) => format!("the number {whole}"),
        Data::Number(number) => format!("the number {number}"),
        Data::Text(text) => format!("the text `{}`", shorten(text)),
        Data::List(_) => LIST.to_owned(),
        Data::Fields(_) => FIELDS.to_owned(),
    }
}

/// A quotable beginning of `text`.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(60).collect();
    if short.len() < text.trim_end().len() {
        short.push('…');
    }
    short
}

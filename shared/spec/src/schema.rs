//! The JSON Schema of a spec, for editors and other tools.
//!
//! Guarantees: made from the very types that decode. What it refuses, [`crate::decode`] refuses; that two fields agree
//! only `decode` knows in every case.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use crate::raw::RawSpec;
use crate::shape::ORDER;

/// The JSON Schema (draft 2020-12) of a spec. `docs/spec.schema.json` is a copy.
#[must_use]
pub fn schema() -> Value {
    let mut schema = ordered();
    RecursiveTransform(|schema: &mut Schema| {
        schema.remove(ORDER);
    })
    .transform(&mut schema);
    schema.to_value()
}

/// The same, with the fields of each record in [`ORDER`]. A description is one line, however its source is wrapped.
pub(crate) fn ordered() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<RawSpec>();
    RecursiveTransform(|schema: &mut Schema| {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace('\n', " ");
        }
    })
    .transform(&mut schema);
    schema
}

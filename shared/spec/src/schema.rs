//! The JSON Schema of a spec, for editors and other tools.
//!
//! Guarantees: made from the very types that decode. What it refuses, [`crate::decode`] refuses; rules over several
//! fields only `decode` knows.

use schemars::generate::SchemaSettings;

use crate::raw::RawSpec;

/// The JSON Schema (draft 2020-12) of a spec. `docs/spec.schema.json` is a copy.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<RawSpec>()
        .to_value()
}

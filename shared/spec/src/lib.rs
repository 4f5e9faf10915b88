//! From the text of a spec to a [`Spec`], or to everything that is wrong with it.
//!
//! Guarantees: pure (no I/O, no clock); never panics and takes bounded time and memory on any bytes; every
//! [`Diagnostic`] says where, what and what to do; all of them come at once, so that one upload shows every mistake.
//!
//! ```text
//! bytes ──document──▶ tree with places ──raw──▶ fields, shape checked ──rules──▶ Spec
//! ```
//!
//! Assumes nothing about the input: size, encoding, nesting, aliases and duplicate keys are all checked.

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod defaults;
mod diagnostics;
mod document;
mod key;
mod raw;
mod reference;
mod rules;
mod scaling;
mod schema;
mod shape;
mod source;
mod suggest;
mod types;
mod values;

pub use diagnostics::{Diagnostic, Diagnostics};
pub use key::{KeyError, parse_key};
pub use reference::reference;
pub use scaling::*;
pub use schema::schema;
pub use types::*;

use diagnostics::Report;

/// Largest spec that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Decodes the YAML or JSON `text` found under the key of `stack`, and fills in every default.
///
/// # Errors
/// Every problem of shape and of meaning, sorted by place. A text that is not a readable document at all (too
/// large, not UTF-8, not YAML) yields that one problem.
pub fn decode(stack: &StackId, text: &[u8]) -> Result<Spec, Diagnostics> {
    let mut report = Report::default();
    let spec = document::parse(text, &mut report)
        .and_then(|root| shape::Decode::decode(&root, &root.root_place(), &mut report))
        .and_then(|raw| rules::check(stack, raw, &mut report));
    report.finish(spec)
}

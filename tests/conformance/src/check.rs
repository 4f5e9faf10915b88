//! What a case expects, and how it says what it found instead.

use std::fmt::{Debug, Display, Formatter};

use windlass_calls::CallError;

/// What a case found instead of what it expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch(String);

/// The result of a case.
pub type Check = Result<(), Mismatch>;

impl Mismatch {
    /// A mismatch in words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl Display for Mismatch {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<CallError> for Mismatch {
    fn from(error: CallError) -> Self {
        Self(format!(
            "expected success, but {error} ({:?}, applied: {:?})",
            error.class, error.applied
        ))
    }
}

/// Both are equal.
#[expect(
    clippy::needless_pass_by_value,
    reason = "cases compare what they own and what they borrow alike"
)]
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Check {
    if found == wanted {
        return Ok(());
    }
    Err(Mismatch(format!("{what}: found {found:?}, expected {wanted:?}")))
}

/// They differ.
#[expect(
    clippy::needless_pass_by_value,
    reason = "cases compare what they own and what they borrow alike"
)]
pub(crate) fn different<T: PartialEq + Debug>(what: &str, one: T, other: T) -> Check {
    if one != other {
        return Ok(());
    }
    Err(Mismatch(format!("{what}: {one:?} twice, expected two")))
}

/// The condition holds.
pub(crate) fn holds(what: &str, condition: bool, found: impl Debug) -> Check {
    if condition {
        return Ok(());
    }
    Err(Mismatch(format!("{what}: found {found:?}")))
}

/// The only one there is.
pub(crate) fn only<T: Debug>(what: &str, found: Vec<T>) -> Result<T, Mismatch> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(it), None) => Ok(it),
        (first, second) => Err(Mismatch(format!(
            "{what}: expected one, found {first:?} and {second:?}"
        ))),
    }
}

//! Why an instance did not become healthy in time: one cause, and one remedy.
//!
//! [`cause`] walks an ordered table of rules, each a pure function of the [`Evidence`]; the first that fits wins. What
//! makes everything after it pointless comes first: an instance that is gone, then a boot that failed, then a network
//! path that is closed, then what the application answers.
//!
//! Guarantees: there is always an answer, and it never panics, whatever the evidence holds. Evidence that is missing is
//! neither a good sign nor a bad one: no words claim what was not seen. The words quote names, codes and addresses only,
//! of at most 200 characters, never a line of the console: a script may have printed a secret there.
//!
//! Assumes: the evidence is of one instance, and of about one time.

pub mod agent;
pub mod console;
pub mod evidence;
pub mod network;
mod packages;
pub mod path;
mod rules;
mod seen;
mod text;

use serde::{Deserialize, Serialize};

pub use evidence::Evidence;
use seen::Seen;

/// The one likely cause, and the one remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Name of the rule that fits, `package-not-found`. It stays what it is when words change.
    pub rule: String,
    /// What happened, in words: ``package `ngnix` was not found (dnf)``.
    pub cause: String,
    /// What to do about it: ``write `nginx` in compute.app.packages``.
    pub remedy: String,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    cause: String,
    remedy: String,
}

impl Words {
    fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }
}

/// A line of the table.
struct Rule {
    name: &'static str,
    fits: fn(&Seen) -> Option<Words>,
}

/// The one likely cause. Where no rule fits it says so, what was seen, and where to look.
#[must_use]
pub fn cause(evidence: &Evidence) -> Cause {
    let seen = Seen::of(evidence);
    fitting(&seen).next().unwrap_or_else(|| {
        let Words { cause, remedy } = rules::unknown::words(&seen);
        Cause {
            rule: rules::unknown::NAME.into(),
            cause,
            remedy,
        }
    })
}

/// Every cause that fits, the likely one first; the others are mostly what follows from it. None if no rule fits.
#[must_use]
pub fn causes(evidence: &Evidence) -> Vec<Cause> {
    fitting(&Seen::of(evidence)).collect()
}

/// Names of the rules, in order; the last one is for evidence that none of the others fits.
pub fn rules() -> impl Iterator<Item = &'static str> {
    let last = std::iter::once(rules::unknown::NAME);
    rules::TABLE.iter().map(|rule| rule.name).chain(last)
}

fn fitting(seen: &Seen) -> impl Iterator<Item = Cause> {
    rules::TABLE.iter().filter_map(move |rule| {
        let Words { cause, remedy } = (rule.fits)(seen)?;
        Some(Cause {
            rule: rule.name.into(),
            cause,
            remedy,
        })
    })
}

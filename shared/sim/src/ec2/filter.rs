//! Filters of describes: `tag:KEY` everywhere, and per kind the few names AWS has for it. Of AWS's wildcards there is the
//! `*` at the end of a value.

use jiff::Timestamp;
use windlass_calls::{Filters, Tags};

use crate::refusal::{Answer, refused};
use crate::shelf::Shelf;

/// A kind whose describe takes filters.
pub(super) trait Filtered: Clone {
    /// Names of its filters, apart from `tag:KEY`.
    const FILTERS: &'static [&'static str];
    /// Its tags.
    fn tags(&self) -> &Tags;
    /// What one of its filters compares; `None` matches nothing.
    fn value(&self, filter: &str) -> Option<&str>;
    /// Whether one of its filters accepts it with this value.
    fn accepted(&self, filter: &str, wanted: &str) -> bool {
        self.value(filter).is_some_and(|value| matches(value, wanted))
    }
}

/// What a describe shows: visible, and matching all filters, each with any of its values.
pub(super) fn select<'a, T: Filtered>(
    shelf: &'a Shelf<T>,
    now: Timestamp,
    filters: &'a Filters,
) -> Answer<impl Iterator<Item = &'a T>> {
    check::<T>(filters)?;
    Ok(shelf.visible(now).filter(|item| passes_all(*item, filters)))
}

/// The same for a kind whose filters compare what only its shown form has, a state say.
pub(super) fn select_shown<T: Filtered>(shown: impl Iterator<Item = T>, filters: &Filters) -> Answer<Vec<T>> {
    check::<T>(filters)?;
    Ok(shown.filter(|item| passes_all(item, filters)).collect())
}

fn check<T: Filtered>(filters: &Filters) -> Answer<()> {
    let known = |name: &&String| name.starts_with("tag:") || T::FILTERS.contains(&name.as_str());
    match filters.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => Err(refused(
            "InvalidParameterValue",
            format!("The filter '{name}' is invalid"),
        )),
    }
}

fn passes_all<T: Filtered>(item: &T, filters: &Filters) -> bool {
    filters.iter().all(|(name, values)| passes(item, name, values))
}

fn passes<T: Filtered>(item: &T, name: &str, values: &[String]) -> bool {
    let accepted = |wanted: &String| match name.strip_prefix("tag:") {
        Some(key) => item.tags().get(key).is_some_and(|value| matches(value, wanted)),
        None => item.accepted(name, wanted),
    };
    values.iter().any(accepted)
}

pub(super) fn matches(value: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == wanted,
    }
}

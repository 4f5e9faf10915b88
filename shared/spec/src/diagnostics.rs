//! What is wrong with a spec, where, and what to do about it.
//!
//! Guarantees: a [`Refused`] can only be made by writing a problem into the [`Report`]. So a decoder or rule that
//! returns one has explained itself, and [`Report::finish`] never yields an empty list.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Most problems shown of one spec; a hostile one could have tens of thousands.
const SHOWN: usize = 50;

/// One problem, as `status.json` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The field, as in `loadBalancer.listeners[0].port`; empty for the document as a whole.
    pub path: String,
    /// Line of the value (of the key, if the field is unknown; of the parent, if it is missing), from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The same place as bytes of the source, never beyond the end of the line it starts on.
    #[serde(skip)]
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    /// `line 7, column 9: network.cidr: message`, then the hint on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with one spec: at least one problem, sorted by place, those without a place last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    /// One paragraph per problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Where something stands in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// In bytes, within that line.
    pub(crate) span: Range<usize>,
}

/// A field: its path and, if it stands in the source, where. A missing field has the mark of its parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) mark: Option<Mark>,
}

impl Place {
    /// The place of `field` below this one, while no mark of its own is known.
    pub(crate) fn field(&self, field: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            path: format!("{}{dot}{field}", self.path),
            mark: self.mark.clone(),
        }
    }

    /// The place of the item at `index` of the list here.
    pub(crate) fn item(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            mark: self.mark.clone(),
        }
    }

    /// The same path at `mark`.
    pub(crate) fn at(self, mark: &Mark) -> Self {
        Self {
            mark: Some(mark.clone()),
            ..self
        }
    }
}

/// Proof that a problem has been reported. Only [`Report::refuse`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(());

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Diagnostic>,
}

impl Report {
    /// Records that what stands at `place` is refused, why, and what to do instead.
    pub(crate) fn refuse(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Refused {
        self.problems.push(Diagnostic {
            path: place.path.clone(),
            line: place.mark.as_ref().map(|mark| mark.line),
            column: place.mark.as_ref().map(|mark| mark.column),
            span: place.mark.as_ref().map(|mark| mark.span.clone()),
            message: message.into(),
            hint: Some(hint.into()),
        });
        Refused(())
    }

    /// `value`, if nothing was reported; else the problems.
    pub(crate) fn finish<T>(mut self, value: Result<T, Refused>) -> Result<T, Diagnostics> {
        match value {
            Ok(value) if self.problems.is_empty() => Ok(value),
            _ => {
                self.problems
                    .sort_by_key(|problem| (problem.line.unwrap_or(u32::MAX), problem.column));
                self.cut();
                Err(Diagnostics(self.problems))
            }
        }
    }

    /// Leaves the first [`SHOWN`] and says how many more there are.
    fn cut(&mut self) {
        let more = self.problems.len().saturating_sub(SHOWN);
        if more > 0 {
            self.problems.truncate(SHOWN);
            self.refuse(
                &Place::default(),
                format!("{more} more problems are not shown"),
                "correct the ones above first",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(path: &str, line: u32) -> Place {
        Place::default().field(path).at(&Mark {
            line,
            column: 3,
            span: 10..12,
        })
    }

    #[test]
    fn a_report_without_problems_yields_the_value() {
        assert_eq!(Report::default().finish(Ok(7)), Ok(7));
    }

    #[test]
    fn a_value_is_withheld_when_anything_was_reported() {
        let mut report = Report::default();
        report.refuse(&place("a", 1), "is wrong", "change it");
        assert_eq!(report.finish(Ok(7)).unwrap_err().0.len(), 1);
    }

    #[test]
    fn problems_are_sorted_by_line_and_those_without_a_line_come_last() {
        let mut report = Report::default();
        report.refuse(&Place::default(), "no place", "h");
        report.refuse(&place("b", 9), "late", "h");
        let refused = report.refuse(&place("a", 2), "early", "h");
        let messages: Vec<_> = report
            .finish::<()>(Err(refused))
            .unwrap_err()
            .0
            .into_iter()
            .map(|d| d.message)
            .collect();
        assert_eq!(messages, ["early", "late", "no place"]);
    }

    #[test]
    fn a_flood_of_problems_is_cut_and_counted() {
        let mut report = Report::default();
        for line in 1..=60 {
            report.refuse(&place("a", line), "is wrong", "change it");
        }
        let all = report.finish(Ok(())).unwrap_err().0;
        assert_eq!(all.len(), SHOWN + 1);
        assert_eq!(all.last().unwrap().message, "10 more problems are not shown");
    }

    #[test]
    fn a_problem_reads_as_place_message_and_hint() {
        let mut report = Report::default();
        report.refuse(&place("network.cidr", 7), "is too small", "use /16");
        report.refuse(&Place::default(), "the spec is empty", "write one");
        let shown = report.finish(Ok(())).unwrap_err().to_string();
        assert_eq!(
            shown,
            "line 7, column 3: network.cidr: is too small\n  hint: use /16\n\nthe spec is empty\n  hint: write one"
        );
    }

    #[test]
    fn a_problem_serializes_as_status_json_shows_it() {
        let mut report = Report::default();
        report.refuse(&place("network.cidr", 7), "m", "h");
        let json = serde_json::to_value(report.finish(Ok(())).unwrap_err()).unwrap();
        let expected = serde_json::json!([
            {"path": "network.cidr", "line": 7, "column": 3, "message": "m", "hint": "h"}
        ]);
        assert_eq!(json, expected);
    }
}

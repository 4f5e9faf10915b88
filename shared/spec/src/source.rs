//! The text of a spec, and places in it.
//!
//! Guarantees: UTF-8 without control characters, so that everything quoted from it can be shown as it is.
//! The YAML parser counts characters; a [`Mark`] counts bytes within one line, as renderers of diagnostics want it.

use std::ops::Range;

use saphyr_parser::Span;

use crate::diagnostics::{Mark, Place, Refused, Report};

/// The checked text.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// Byte offset of every character, and of the end.
    offsets: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Takes the text if it is text at all.
    pub(crate) fn new(bytes: &'a [u8], report: &mut Report) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let place = Place::default().at(&at_byte(bytes, error.valid_up_to()));
            report.refuse(
                &place,
                "the spec is not UTF-8 text",
                "save it as UTF-8, and not compressed",
            )
        })?;
        if let Some((offset, c)) = text.char_indices().find(|(_, c)| is_control(*c)) {
            let place = Place::default().at(&at_byte(bytes, offset));
            let message = format!("the control character U+{:04X} stands in the text", u32::from(c));
            return Err(report.refuse(
                &place,
                message,
                "a spec is plain text: remove it, or check the file",
            ));
        }
        let offsets = text
            .char_indices()
            .map(|(offset, _)| offset)
            .chain([text.len()])
            .collect();
        Ok(Self { text, offsets })
    }

    /// All of it.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// What the parser calls `span`.
    pub(crate) fn mark(&self, span: Span) -> Mark {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        Mark {
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX),
            column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX),
            span: self.first_line(start..end),
        }
    }

    /// From `start` to the end of `end`, as far as that stands on one line.
    pub(crate) fn join(&self, start: &Mark, end: &Mark) -> Mark {
        let span = self.first_line(start.span.start..end.span.end);
        Mark { span, ..*start }
    }

    /// The text from `mark` on.
    pub(crate) fn at(&self, mark: &Mark) -> &'a str {
        self.text.get(mark.span.start..).unwrap_or_default()
    }

    /// The whole line that `mark` stands on.
    pub(crate) fn line(&self, mark: &Mark) -> &'a str {
        let before = self.text.get(..mark.span.start).unwrap_or_default();
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.text
            .get(begin..)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
    }

    fn byte(&self, index: usize) -> usize {
        self.offsets.get(index).copied().unwrap_or(self.text.len())
    }

    /// As much of `range` as stands on its first line.
    fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        range.start..range.start + line.trim_end().len()
    }
}

/// Everything that is not printable, except tabs and line ends.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// The place of a byte, before the text is known to be text.
fn at_byte(bytes: &[u8], offset: usize) -> Mark {
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    let line = count(before.matches('\n').count());
    let column = count(before.rsplit('\n').next().unwrap_or_default().chars().count());
    Mark {
        line,
        column,
        span: offset..offset,
    }
}

//! Logs: one JSON object per line, with its time, level, message and request, and whatever the event adds.

use std::cell::RefCell;
use std::error::Error;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use windlass_engine::Clock;

/// How severe a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Something failed and will be tried again, or needs a person.
    Error,
    /// Something is odd and was tolerated.
    Warn,
    /// What was done.
    Info,
    /// What was looked at.
    Debug,
}

impl Level {
    /// The level that a word names, in either case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "error" => Some(Self::Error),
            "warn" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" => Some(Self::Debug),
            _ => None,
        }
    }
}

/// Writes lines, of logs and of metrics. A line that cannot be written is lost: the work matters more.
pub struct Log<'a> {
    out: RefCell<Box<dyn Write>>,
    least: Level,
    clock: &'a dyn Clock,
    request: RefCell<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a, F> {
    time: Timestamp,
    level: Level,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(flatten)]
    fields: F,
}

/// The fields of a line that has none of its own.
#[derive(Serialize)]
pub(crate) struct Nothing {}

impl<'a> Log<'a> {
    /// Writes to `out` what is at least as severe as `least`.
    pub fn new(out: impl Write + 'static, least: Level, clock: &'a dyn Clock) -> Self {
        Self {
            out: RefCell::new(Box::new(out)),
            least,
            clock,
            request: RefCell::default(),
        }
    }

    /// Puts this request's id into every line from now on.
    pub fn set_request(&self, id: &str) {
        id.clone_into(&mut self.request.borrow_mut());
    }

    /// Writes a line with these fields; they must serialize as an object.
    pub(crate) fn write(&self, level: Level, message: &str, fields: impl Serialize) {
        if level > self.least {
            return;
        }
        self.line(&Line {
            time: self.clock.now(),
            level,
            message,
            request_id: &self.request.borrow(),
            fields,
        });
    }

    /// Writes a document as a line of its own, whatever the level.
    pub(crate) fn line(&self, document: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(document) {
            // Tolerated: where stdout is gone, there is nobody left to tell.
            let _ = writeln!(self.out.borrow_mut(), "{line}");
        }
    }
}

/// An error and what caused it, in one line; a cause that was quoted already is not said again.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use std::rc::Rc;

    use rstest::rstest;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub(crate) struct Memory(Rc<RefCell<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Memory {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    fn epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    #[test]
    fn a_line_is_one_json_object_with_its_request_and_fields() {
        #[derive(Serialize)]
        struct Fields {
            stack: &'static str,
        }
        let out = Memory::default();
        let log = Log::new(out.clone(), Level::Info, &epoch);
        log.set_request("r-1");
        log.write(Level::Warn, "two\nlines", Fields { stack: "dev/web" });
        assert_eq!(
            out.text(),
            "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"WARN\",\"message\":\"two\\nlines\",\"requestId\":\"r-1\",\"stack\":\"dev/web\"}\n"
        );
    }

    #[rstest]
    #[case(Level::Error, 1)]
    #[case(Level::Info, 3)]
    #[case(Level::Debug, 4)]
    fn lines_below_the_configured_level_are_left_out(#[case] least: Level, #[case] lines: usize) {
        let out = Memory::default();
        let log = Log::new(out.clone(), least, &epoch);
        for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
            log.write(level, "m", Nothing {});
        }
        assert_eq!(out.text().lines().count(), lines);
    }
}

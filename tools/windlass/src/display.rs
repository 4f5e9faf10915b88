//! Showing a stack's progress: moving lines on a terminal, new lines elsewhere.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use windlass_engine::Status;

use crate::Failure;
use crate::progress;

/// How often the spinners move.
const TICK: Duration = Duration::from_millis(120);

/// Shows statuses as they come.
pub(crate) trait Display {
    /// Shows what is known now; the same status may come again.
    fn show(&mut self, now: Timestamp, status: &Status) -> Result<(), Failure>;
    /// Shows that there is no answer yet, and what is waited for.
    fn waiting(&mut self, now: Timestamp, what: &str) -> Result<(), Failure>;
    /// Removes what moves.
    fn end(&mut self);
}

/// The display that suits where the output goes.
pub(crate) fn of<'a>(out: &'a mut dyn Write, live: bool) -> Box<dyn Display + 'a> {
    if live {
        Box::new(Live::new())
    } else {
        Box::new(Plain {
            out,
            last: None,
            said: String::new(),
        })
    }
}

/// Lines with their time, one for each change.
struct Plain<'a> {
    out: &'a mut dyn Write,
    last: Option<Status>,
    said: String,
}

impl Plain<'_> {
    fn line(&mut self, now: Timestamp, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{}  {line}", now.strftime("%H:%M:%S"))?;
        self.out.flush()?;
        Ok(())
    }
}

impl Display for Plain<'_> {
    fn show(&mut self, now: Timestamp, status: &Status) -> Result<(), Failure> {
        for line in progress::changes(self.last.as_ref(), status) {
            self.line(now, &line)?;
        }
        self.last = Some(status.clone());
        Ok(())
    }

    fn waiting(&mut self, now: Timestamp, what: &str) -> Result<(), Failure> {
        if self.said != what {
            what.clone_into(&mut self.said);
            self.line(now, what)?;
        }
        Ok(())
    }

    fn end(&mut self) {}
}

/// What is done scrolls up; below it one moving line for each thing under way, and a bar over all.
struct Live {
    lines: MultiProgress,
    bar: ProgressBar,
    spinners: Vec<ProgressBar>,
    done: BTreeSet<String>,
}

impl Live {
    fn new() -> Self {
        let lines = MultiProgress::new();
        let bar = lines.add(ProgressBar::new(0));
        bar.set_style(style("{msg} [{bar:30}] {pos}/{len} resources, {elapsed}"));
        Self {
            lines,
            bar,
            spinners: Vec::new(),
            done: BTreeSet::new(),
        }
    }

    /// Has exactly these moving lines.
    fn set(&mut self, texts: Vec<String>) {
        while self.spinners.len() > texts.len() {
            if let Some(spinner) = self.spinners.pop() {
                spinner.finish_and_clear();
            }
        }
        while self.spinners.len() < texts.len() {
            let spinner = self.lines.insert_before(&self.bar, ProgressBar::new_spinner());
            spinner.set_style(style("{spinner} {wide_msg}"));
            spinner.enable_steady_tick(TICK);
            self.spinners.push(spinner);
        }
        for (spinner, text) in self.spinners.iter().zip(texts) {
            spinner.set_message(text);
        }
    }
}

/// A style from a template of ours; one with a mistake would show the plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Display for Live {
    fn show(&mut self, now: Timestamp, status: &Status) -> Result<(), Failure> {
        for kind in progress::done(status) {
            if self.done.insert(kind.clone()) {
                self.lines.println(format!("✔ {kind}"))?;
            }
        }
        let errors = status.errors.iter().flat_map(progress::error);
        self.set(
            progress::under_way(status, now)
                .into_iter()
                .chain(errors)
                .collect(),
        );
        let (ready, total) = progress::counts(status);
        if self.bar.length() == Some(0) {
            self.bar.enable_steady_tick(TICK);
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(ready as u64);
        self.bar
            .set_message(format!("{} {:?}", status.stack, status.phase));
        Ok(())
    }

    fn waiting(&mut self, _: Timestamp, what: &str) -> Result<(), Failure> {
        self.set(vec![what.to_owned()]);
        Ok(())
    }

    fn end(&mut self) {
        self.set(vec![]);
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::tests::{at, failing, provisioning};

    #[test]
    fn where_there_is_no_terminal_each_change_is_a_line_with_its_time() {
        let mut out = Vec::new();
        let mut display = of(&mut out, false);
        display.waiting(at(1), "no answer yet").unwrap();
        display.waiting(at(2), "no answer yet").unwrap();
        display.show(at(3), &provisioning()).unwrap();
        display.show(at(4), &provisioning()).unwrap();
        display.show(at(5), &failing()).unwrap();
        display.end();
        drop(display);
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}

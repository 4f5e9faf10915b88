//! Lines of a console, without what is for a screen only.

/// Most bytes that are looked at, from the end.
const MOST: usize = 64 * 1024;
const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Lines of the last 64 KiB, plain. A carriage return ends a line too: progress is written over itself.
pub(super) fn of(console: &[u8]) -> Vec<String> {
    let tail = console
        .get(console.len().saturating_sub(MOST)..)
        .unwrap_or(console);
    plain(&String::from_utf8_lossy(tail))
        .split(['\n', '\r'])
        .map(|line| without_timestamp(line.trim()).to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Without control sequences (ECMA-48: `ESC [ … letter`, `ESC ] … BEL`) and other control characters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == ESCAPE {
            skip_sequence(&mut rest);
        } else if c == '\t' {
            plain.push(' ');
        } else if !c.is_control() || c == '\n' || c == '\r' {
            plain.push(c);
        }
    }
    plain
}

fn skip_sequence(rest: &mut std::str::Chars) {
    // A sequence that the end of a line cuts off must not swallow the next one.
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('[') => skip_until(rest, |c| ('@'..='~').contains(&c)),
        Some(']') => skip_until(rest, |c| c == BELL),
        Some(c) if !c.is_control() => *rest = ahead,
        _ => {}
    }
}

/// Passes over the introducer and all up to the end of the sequence, or up to the end of the line.
fn skip_until(rest: &mut std::str::Chars, is_end: impl Fn(char) -> bool) {
    rest.next();
    loop {
        let mut ahead = rest.clone();
        match ahead.next() {
            None | Some('\n' | '\r') => return,
            Some(c) => {
                *rest = ahead;
                if is_end(c) {
                    return;
                }
            }
        }
    }
}

/// Without the kernel's `[   12.345678] `.
fn without_timestamp(line: &str) -> &str {
    let stamp = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match stamp {
        Some((time, rest)) if is_seconds(time.trim()) => rest.trim_start(),
        _ => line,
    }
}

fn is_seconds(text: &str) -> bool {
    text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("[   12.345678] cloud-init[777]: hello", "cloud-init[777]: hello")]
    #[case(
        "[\u{1b}[0;1;31mFAILED\u{1b}[0m] Failed to start x.",
        "[FAILED] Failed to start x."
    )]
    #[case("\u{1b}]0;title\u{7}text", "text")]
    #[case("a\tb\u{0}c", "a bc")]
    #[case("\u{1b}(Btext", "Btext")]
    fn what_is_for_a_screen_is_passed_over(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(of(line.as_bytes()), [expected]);
    }

    #[test]
    fn a_sequence_that_is_cut_off_leaves_the_next_line_alone() {
        assert_eq!(
            of(b"one \x1b[0;1\ntwo \x1b\nthree \x1b]x\nfour"),
            ["one", "two", "three", "four"]
        );
    }

    #[test]
    fn only_the_last_64_kibibytes_are_looked_at() {
        let mut console = b"first\n".to_vec();
        console.extend(std::iter::repeat_n(b'x', MOST));
        assert!(!of(&console).contains(&"first".to_owned()));
    }
}

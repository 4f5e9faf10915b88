//! Golden tests: every file of `events/specs/invalid`, with the errors as a person sees them.
//!
//! To accept a change: `INSTA_UPDATE=always cargo test -p windlass-spec --test invalid`, then read what changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use rstest::rstest;
use windlass_spec::{Diagnostics, MAX_BYTES, decode};

/// Generous for a loaded machine; each of these takes milliseconds.
const SOON: Duration = Duration::from_secs(2);

fn refused(text: &[u8]) -> Diagnostics {
    decode(&common::stack("web"), text).expect_err("this must be refused")
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long decoding takes is what is tested"
)]
fn refused_soon(text: &[u8]) -> Diagnostics {
    let start = Instant::now();
    let errors = refused(text);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    errors
}

#[test]
fn every_invalid_example_explains_itself() {
    let files = common::files("events/specs/invalid", &["yaml", "bin"]);
    assert!(files.len() > 35, "the examples are found");
    for (name, text) in files {
        insta::assert_snapshot!(name, refused(&text).to_string());
    }
}

#[test]
fn every_error_has_a_place_within_the_text_and_a_remedy() {
    for (name, text) in common::files("events/specs/invalid", &["yaml", "bin"]) {
        let lines = text.split(|byte| *byte == b'\n').count();
        for error in refused(&text).0 {
            assert!(error.hint.is_some_and(|hint| !hint.is_empty()), "{name}");
            let is_whole = matches!(name.as_str(), "empty" | "only-comments");
            assert!(
                is_whole || error.line.is_some_and(|line| line as usize <= lines),
                "{name}"
            );
            assert!(
                error
                    .span
                    .is_none_or(|span| span.start <= span.end && span.end <= text.len()),
                "{name}"
            );
        }
    }
}

#[test]
fn errors_come_sorted_by_line() {
    for (name, text) in common::files("events/specs/invalid", &["yaml"]) {
        let lines: Vec<_> = refused(&text)
            .0
            .into_iter()
            .filter_map(|error| error.line)
            .collect();
        assert!(lines.is_sorted(), "{name}: {lines:?}");
    }
}

#[test]
fn the_span_covers_the_value_in_bytes_even_after_wide_characters() {
    let text = "metadata: {tags: {a: \"größe\"}} # größe 🚀\nnetwork: {nat: \"nöne\"}\ncompute: {app: {packages: [nginx]}}\n";
    let error = refused(text.as_bytes()).0.remove(0);
    assert_eq!((error.line, error.column), (Some(2), Some(16)));
    assert_eq!(&text[error.span.unwrap()], "\"nöne\"");
}

#[test]
fn the_span_is_right_behind_a_byte_order_mark() {
    let text = format!(
        "\u{feff}network: {{zones: 9}}\n{}",
        "compute: {app: {packages: [nginx]}}"
    );
    let error = refused(text.as_bytes()).0.remove(0);
    assert_eq!(&text[error.span.unwrap()], "9");
}

#[test]
fn the_span_of_a_block_ends_with_its_first_line() {
    let text = "compute:\n  app:\n    packages: []\n    container: {}\n";
    let error = refused(text.as_bytes()).0.remove(0);
    assert_eq!(&text[error.span.unwrap()], "packages: []");
}

#[test]
fn a_megabyte_is_refused_before_it_is_parsed() {
    let text = "metadata: {tags: {a: b}}\n".repeat(42_000);
    let errors = refused(text.as_bytes());
    assert_eq!(errors.0.len(), 1);
    assert!(
        errors.0[0]
            .message
            .contains("too large: 1050000 bytes, at most 65536"),
        "{errors}"
    );
}

#[test]
fn the_size_limit_is_exact() {
    let minimal = "compute: {app: {packages: [nginx]}}\n#";
    let full = format!("{minimal}{}", "x".repeat(MAX_BYTES - minimal.len()));
    assert!(decode(&common::stack("web"), full.as_bytes()).is_ok());
    assert!(
        refused(format!("{full}x").as_bytes()).0[0]
            .message
            .contains("too large")
    );
}

#[rstest]
#[case::lists("[".to_owned(), "")]
#[case::mappings("{a: ".to_owned(), "")]
#[case::block_lists("- ".to_owned(), "")]
#[case::explicit_keys("? ".to_owned(), "")]
#[case::mapping_of_lists("a: [".to_owned(), "")]
#[case::colons(": ".to_owned(), "")]
#[case::anchors("&a ".to_owned(), "x")]
#[case::tags("!a ".to_owned(), "x")]
#[case::quotes("\"".to_owned(), "")]
#[case::stars("*".to_owned(), "")]
#[case::commas("[a,".to_owned(), "")]
#[case::documents("---\n".to_owned(), "")]
#[case::lines("\n".to_owned(), "a")]
#[case::distinct_keys("\u{1}".to_owned(), "")]
fn a_hostile_text_is_refused_soon_and_without_overflow(#[case] unit: String, #[case] end: &str) {
    let text = unit.repeat(60_000 / unit.len()) + end;
    refused_soon(text.as_bytes());
}

#[test]
fn a_long_name_over_many_values_is_refused_soon() {
    let text = format!("? {}\n: [{}]\n", "k".repeat(30_000), "a,".repeat(15_000));
    refused_soon(text.as_bytes());
    let twice = format!("? {}\n: {{{}}}\n", "k".repeat(30_000), "a: 1, ".repeat(5_000));
    refused_soon(twice.as_bytes());
}

#[test]
fn thousands_of_unknown_fields_are_refused_soon_and_cut() {
    use std::fmt::Write;
    let text = (0..7_000).fold(String::new(), |mut text, n| {
        writeln!(text, "f{n}: 1").unwrap();
        text
    });
    assert_eq!(refused_soon(text.as_bytes()).0.len(), 51);
}

#[rstest]
#[case(31, "expected named fields")]
#[case(32, "nested more than 32 levels")]
fn the_depth_limit_is_exact(#[case] lists: usize, #[case] message: &str) {
    let text = format!("network: {}{}", "[".repeat(lists), "]".repeat(lists));
    assert!(refused(text.as_bytes()).to_string().contains(message));
}

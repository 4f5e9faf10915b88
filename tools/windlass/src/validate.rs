//! `windlass validate`: every error of a spec, shown at its place as compilers do.

use std::io::Write;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use windlass_spec::{Diagnostic, Diagnostics, Spec, StackId, decode};

use crate::specfile::{self, SpecFile};
use crate::{End, Failure};

/// Checks each file.
pub(crate) fn run(
    out: &mut impl Write,
    color: bool,
    files: &[PathBuf],
    stack: Option<&StackId>,
) -> Result<End, Failure> {
    let mut end = End::Well;
    for path in files {
        let file = specfile::read(path, stack)?;
        match decode(&file.stack, &file.text) {
            Ok(_) => writeln!(out, "{} is valid, as {}", path.display(), file.stack)?,
            Err(diagnostics) => {
                writeln!(out, "{}", render(&file, &diagnostics, color))?;
                end = End::Wrong;
            }
        }
    }
    Ok(end)
}

/// Decodes a spec, or shows what is wrong with it.
pub(crate) fn spec(out: &mut impl Write, color: bool, file: &SpecFile) -> Result<Option<Spec>, Failure> {
    match decode(&file.stack, &file.text) {
        Ok(spec) => Ok(Some(spec)),
        Err(diagnostics) => {
            writeln!(out, "{}", render(file, &diagnostics, color))?;
            Ok(None)
        }
    }
}

/// All diagnostics of a file and a closing line.
fn render(file: &SpecFile, diagnostics: &Diagnostics, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let source = std::str::from_utf8(&file.text).unwrap_or_default();
    let path = file.path.display().to_string();
    let each = diagnostics.0.iter();
    let mut blocks: Vec<String> = each
        .map(|diagnostic| renderer.render(&[group(source, &path, diagnostic)]))
        .collect();
    let count = diagnostics.0.len();
    let errors = if count == 1 { "error" } else { "errors" };
    blocks.push(format!(
        "{path} is not valid, as {}: {count} {errors}",
        file.stack
    ));
    blocks.join("\n\n")
}

fn group<'a>(source: &'a str, path: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let title = Level::ERROR.primary_title(&diagnostic.message);
    let span = diagnostic
        .span
        .clone()
        .filter(|span| source.get(span.clone()).is_some());
    let group = match span {
        Some(span) => title.element(
            Snippet::source(source)
                .path(path)
                .annotation(AnnotationKind::Primary.span(span).label(&diagnostic.path)),
        ),
        None => title.element(Origin::path(path)),
    };
    match &diagnostic.hint {
        Some(hint) => group.element(Level::HELP.message(hint)),
        None => group,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn validate(files: &[&str]) -> (End, String) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/specs/");
        let paths: Vec<PathBuf> = files
            .iter()
            .map(|file| format!("{folder}{file}").into())
            .collect();
        let mut out = Vec::new();
        let stack = StackId {
            environment: "dev".into(),
            name: "web".into(),
        };
        let end = run(&mut out, false, &paths, Some(&stack)).unwrap();
        (end, String::from_utf8(out).unwrap().replace(folder, ""))
    }

    #[test]
    fn every_error_is_shown_at_its_place_with_what_to_do() {
        let (end, text) = validate(&["invalid/several-at-once.yaml"]);
        assert_eq!(end, End::Wrong);
        insta::assert_snapshot!(text);
    }

    #[rstest]
    #[case("invalid/nul.bin")]
    #[case("invalid/gzip.bin")]
    #[case("invalid/utf-16.bin")]
    #[case("invalid/empty.yaml")]
    #[case("invalid/unclosed.yaml")]
    #[case("invalid/alias-bomb.yaml")]
    #[case("invalid/deep-nesting.yaml")]
    fn a_file_that_is_hardly_a_spec_is_an_error_as_any_other(#[case] file: &str) {
        let (end, text) = validate(&[file]);
        assert_eq!(end, End::Wrong);
        assert!(text.starts_with("error: ") && text.contains(file), "{text}");
    }

    #[test]
    fn a_valid_file_gets_one_line_and_an_invalid_one_beside_it_decides() {
        let (end, text) = validate(&["web.yaml"]);
        assert_eq!(
            (end, text.as_str()),
            (End::Well, "web.yaml is valid, as dev/web\n")
        );
        let (end, _) = validate(&["invalid/empty.yaml", "web.yaml"]);
        assert_eq!(end, End::Wrong);
    }
}

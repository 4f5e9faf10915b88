//! Words taken from evidence, made fit to be shown.
//!
//! Guarantees: at most 200 characters, printable ASCII without spaces; anything else is not quoted at all.

/// Longest quotation, in characters.
pub(super) const LONGEST: usize = 200;

/// The name at the start of `text`: of a package, an image, a unit, a process. `None` if there is none, or if it goes on
/// longer than a name does.
pub(super) fn name(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['\'', '"', '`']);
    let fit = |c: char| c.is_ascii_alphanumeric() || "._+-/:@".contains(c);
    let end = text.find(|c| !fit(c)).unwrap_or(text.len());
    let name = text.get(..end)?.trim_end_matches(['.', ':']);
    (!name.is_empty() && name.len() <= LONGEST).then_some(name)
}

/// What stands behind `mark` in a line.
pub(super) fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark).map(|(_, rest)| rest)
}

/// The number at the start of `text`.
pub(super) fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// What may be shown of a setting: a path, a list of codes. Others are cut off at what does not fit.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take_while(char::is_ascii_graphic)
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nginx", Some("nginx"))]
    #[case("'nginx' rest", Some("nginx"))]
    #[case("ghcr.io/example/shop:1.4, repository", Some("ghcr.io/example/shop:1.4"))]
    #[case("nginx.service.", Some("nginx.service"))]
    #[case("", None)]
    #[case("$(reboot)", None)]
    #[case(&"x".repeat(201), None)]
    fn a_name_ends_where_no_name_goes_on(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(name(text), expected);
    }

    #[test]
    fn what_is_shown_is_cut_at_200_characters_and_at_the_first_space() {
        assert_eq!(shown("/health secret"), "/health");
        assert_eq!(shown(&"/".repeat(300)).len(), LONGEST);
    }
}

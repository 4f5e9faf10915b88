//! "Did you mean": the known word nearest to a mistyped one.
//!
//! Guarantees: bounded work on hostile words; never proposes something unlike what was written.

/// Longer words are not mistyped names but noise.
const LONGEST: usize = 64;

/// The word of `known` nearest to `word`, if one is near: the same but for case, `_` and `-`, or a third of its
/// letters away at most.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let plain = plain(word);
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&plain, &self::plain(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?`` if something is near, and what there is to choose from.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    if let [only] = known {
        return format!("write `{only}`");
    }
    let all = format!("known here: {}", known.join(", "));
    match closest(word, known) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    }
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("ziones", Some("zones"))]
    #[case("load_balancer", Some("loadBalancer"))]
    #[case("perzone", Some("per-zone"))]
    #[case("LoadBalancer", Some("loadBalancer"))]
    #[case("entirely", None)]
    #[case("", None)]
    fn the_nearest_known_word_is_proposed(#[case] word: &str, #[case] expected: Option<&str>) {
        assert_eq!(closest(word, &["zones", "loadBalancer", "per-zone"]), expected);
    }

    #[test]
    fn a_very_long_word_is_not_compared() {
        assert_eq!(closest(&"z".repeat(60_000), &["zones"]), None);
    }

    #[test]
    fn a_single_choice_is_simply_named() {
        assert_eq!(hint("windlass/v2", &["windlass/v1"]), "write `windlass/v1`");
    }

    #[test]
    fn the_hint_names_the_choices_even_when_nothing_is_near() {
        assert_eq!(hint("xyz", &["asg", "ec2"]), "known here: asg, ec2");
    }
}

//! The key of a spec in its bucket: `specs/<environment>/<name>.yaml`. JSON is YAML, and may stand in
//! such a file; a second extension would give one stack two specs.
//!
//! Guarantees: every [`StackId`] that comes from here is fit for resource names: lower case letters, digits and
//! hyphens, at most [`LONGEST`] characters. The key is taken literally, as EventBridge delivers it; nothing is decoded.

use crate::types::StackId;

/// Most characters of an environment and of a name.
const LONGEST: usize = 32;

/// Where every spec lives.
pub(crate) const SHAPE: &str = "specs/<environment>/<name>.yaml";

/// A key that names no stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct KeyError {
    /// What is wrong with the key.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The stack that the spec at `key` describes.
///
/// # Errors
/// The key is not `specs/<environment>/<name>.yaml`, or one of the two parts is not a fit name.
pub fn parse_key(key: &str) -> Result<StackId, KeyError> {
    let (environment, file) = split(key)?;
    let name = file.strip_suffix(".yaml").ok_or_else(|| {
        error(
            format!("`{key}` does not end in .yaml"),
            format!("name it {SHAPE}"),
        )
    })?;
    check("environment", environment)?;
    check("name", name)?;
    Ok(StackId {
        environment: environment.to_owned(),
        name: name.to_owned(),
    })
}

/// The folder and the file below `specs/`, with nothing between.
fn split(key: &str) -> Result<(&str, &str), KeyError> {
    let rest = key.strip_prefix("specs/").ok_or_else(|| {
        error(
            format!("`{key}` is not below specs/"),
            format!("put the spec at {SHAPE}"),
        )
    })?;
    let mut parts = rest.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(environment), Some(file), None) => Ok((environment, file)),
        (_, None, _) => Err(error(
            format!("`{key}` has no environment folder"),
            format!("put the spec at {SHAPE}, for example specs/dev/web.yaml"),
        )),
        _ => Err(error(
            format!("`{key}` is nested too deep"),
            format!("put the spec at {SHAPE}, one folder below specs/"),
        )),
    }
}

/// `[a-z][a-z0-9-]*`, no trailing hyphen, at most [`LONGEST`] characters.
fn check(part: &str, value: &str) -> Result<(), KeyError> {
    let wrong = |message: String, hint: &str| Err(error(message, hint.to_owned()));
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if value.is_empty() {
        return wrong(
            format!("the {part} is empty"),
            "the key is specs/<environment>/<name>.yaml",
        );
    }
    if let Some(c) = value.chars().find(|c| !fit(*c)) {
        return wrong(
            format!("the {part} `{value}` contains {c:?}"),
            "use lower case letters, digits and hyphens, as in shop-web",
        );
    }
    if !value.starts_with(|c: char| c.is_ascii_lowercase()) {
        return wrong(
            format!("the {part} `{value}` does not begin with a letter"),
            "begin it with a to z",
        );
    }
    if value.ends_with('-') {
        return wrong(
            format!("the {part} `{value}` ends with a hyphen"),
            "end it with a letter or a digit",
        );
    }
    if value.len() > LONGEST {
        return wrong(
            format!("the {part} `{value}` has {} characters", value.len()),
            "at most 32 fit into the names of the resources",
        );
    }
    Ok(())
}

fn error(message: String, hint: String) -> KeyError {
    KeyError { message, hint }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("specs/dev/web.yaml", "dev/web")]
    #[case("specs/prod/shop-2.yaml", "prod/shop-2")]
    #[case("specs/d/w.yaml", "d/w")]
    #[case(
        "specs/abcdefghijklmnopqrstuvwxyz012345/w.yaml",
        "abcdefghijklmnopqrstuvwxyz012345/w"
    )]
    fn a_fit_key_names_its_stack(#[case] key: &str, #[case] stack: &str) {
        assert_eq!(parse_key(key).unwrap().to_string(), stack);
    }

    #[rstest]
    #[case("", "not below specs/")]
    #[case("dev/web.yaml", "not below specs/")]
    #[case("Specs/dev/web.yaml", "not below specs/")]
    #[case("/specs/dev/web.yaml", "not below specs/")]
    #[case("specs/", "no environment folder")]
    #[case("specs/x.yaml", "no environment folder")]
    #[case("specs/dev/", "not end in .yaml")]
    #[case("specs/dev/web", "not end in .yaml")]
    #[case("specs/dev/web.yml", "not end in .yaml")]
    #[case("specs/dev/web.YAML", "not end in .yaml")]
    #[case("specs/dev/.yaml", "name is empty")]
    #[case("specs//web.yaml", "environment is empty")]
    #[case("specs/dev/team/web.yaml", "nested too deep")]
    #[case("specs/dev/web.yaml/", "nested too deep")]
    #[case("specs/dev/my web.yaml", "contains ' '")]
    #[case("specs/dev/a+b.yaml", "contains '+'")]
    #[case("specs/dev/a%20b.yaml", "contains '%'")]
    #[case("specs/dev/a.b.yaml", "contains '.'")]
    #[case("specs/Dev/web.yaml", "contains 'D'")]
    #[case("specs/dev/wéb.yaml", "contains 'é'")]
    #[case("specs/dev/web\n.yaml", "contains '\\n'")]
    #[case("specs/dev/2web.yaml", "does not begin with a letter")]
    #[case("specs/dev/-web.yaml", "does not begin with a letter")]
    #[case("specs/dev/web-.yaml", "ends with a hyphen")]
    #[case("specs/abcdefghijklmnopqrstuvwxyz0123456/w.yaml", "has 33 characters")]
    fn any_other_key_is_refused_with_a_remedy(#[case] key: &str, #[case] message: &str) {
        let error = parse_key(key).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert!(!error.hint.is_empty());
    }

    proptest! {
        #[test]
        fn no_key_panics_and_every_accepted_one_is_rebuilt_from_its_stack(key in "(specs/)?\\PC{0,20}(/\\PC{0,9})?(.yaml)?") {
            if let Ok(stack) = parse_key(&key) {
                let rest = format!("specs/{}/{}", stack.environment, stack.name);
                let rebuilt = ["yaml"].map(|extension| format!("{rest}.{extension}"));
                prop_assert!(rebuilt.contains(&key));
            }
        }
    }
}

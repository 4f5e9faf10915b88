//! A spec in a file: which stack it is for, and what it says.

use std::fs;
use std::path::{Path, PathBuf};

use windlass_spec::{StackId, parse_key};

use crate::Failure;

/// A spec's text with the stack it is for.
#[derive(Debug, Clone)]
pub(crate) struct SpecFile {
    pub(crate) path: PathBuf,
    pub(crate) stack: StackId,
    pub(crate) text: Vec<u8>,
}

/// Reads a spec. The stack comes from the argument, a path that ends like a key, or the file's name.
pub(crate) fn read(path: &Path, stack: Option<&StackId>) -> Result<SpecFile, Failure> {
    let text = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let stack = match stack {
        Some(stack) => stack.clone(),
        None => stack_of(path)?,
    };
    Ok(SpecFile {
        path: path.to_owned(),
        stack,
        text,
    })
}

/// The stack that a path stands for: `…/specs/dev/web.yaml` is dev/web, and any other `web.yaml` is too.
fn stack_of(path: &Path) -> Result<StackId, Failure> {
    let mut folders = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .rev()
        .map(|part| part.as_os_str().to_string_lossy());
    let environment = folders.next();
    let key_like = folders.next().is_some_and(|folder| folder == "specs");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let environment = environment.filter(|_| key_like);
    let parsed = environment
        .and_then(|environment| parse_key(&format!("specs/{environment}/{stem}.yaml")).ok())
        .map_or_else(|| parse_key(&format!("specs/dev/{stem}.yaml")), Ok);
    parsed.map_err(|error| {
        format!(
            "{} names no stack: {}; rename the file, or say --stack dev/web",
            path.display(),
            error.message
        )
        .into()
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("specs/prod/shop.yaml", "prod/shop")]
    #[case("/home/me/specs/dev/web.json", "dev/web")]
    #[case("events/specs/web.yaml", "dev/web")]
    #[case("web.yaml", "dev/web")]
    #[case("/tmp/web.yaml", "dev/web")]
    #[case("specs/Prod/web.yaml", "dev/web")]
    fn a_path_like_a_key_names_its_stack_and_any_other_is_of_dev(#[case] path: &str, #[case] stack: &str) {
        assert_eq!(stack_of(Path::new(path)).unwrap().to_string(), stack);
    }

    #[test]
    fn a_file_name_that_no_stack_can_have_asks_for_the_stack() {
        let error = stack_of(Path::new("My Web.yaml")).unwrap_err().to_string();
        assert!(error.contains("--stack"), "{error}");
    }
}

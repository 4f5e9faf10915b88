//! Keys of recorded states, and where each one's archived copy is.

use std::fmt;

use windlass_engine::{readiness_key, state_key};
use windlass_spec::{StackId, parse_key};

/// Prefix of recorded states.
pub(crate) const STATES: &str = "states/";
/// Prefix of archived states.
pub(crate) const ARCHIVE: &str = "archive/";
/// Prefix of what there is of each stack: heads, and what gates remember.
pub(crate) const STACKS: &str = "stacks/";
/// What follows a state's own name in the archive.
const PACKED: &str = ".zst";

/// Which state: `states/<environment>/<name>/<serial>.json`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKey {
    /// Its stack.
    pub stack: StackId,
    /// Its number.
    pub serial: u64,
}

impl StateKey {
    /// Reads the key of a recorded state. `None` for any other key, one that only looks like it included: a serial
    /// written differently would be a second state of the same number.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (stack, file) = key.strip_prefix(STATES)?.rsplit_once('/')?;
        let serial = file.strip_suffix(".json")?.parse().ok()?;
        let stack = stack_named(stack)?;
        (state_key(&stack, serial) == key).then_some(Self { stack, serial })
    }

    /// Reads the key of an archived state; `None` for any other key.
    #[must_use]
    pub fn parse_archived(key: &str) -> Option<Self> {
        let name = key.strip_prefix(ARCHIVE)?.strip_suffix(PACKED)?;
        Self::parse(&format!("{STATES}{name}"))
    }

    /// Where it was recorded.
    #[must_use]
    pub fn recorded(&self) -> String {
        state_key(&self.stack, self.serial)
    }

    /// Where its archived copy is: `archive/<environment>/<name>/<serial>.json.zst`.
    #[must_use]
    pub fn archived(&self) -> String {
        let recorded = self.recorded();
        let name = recorded.strip_prefix(STATES).unwrap_or(&recorded);
        format!("{ARCHIVE}{name}{PACKED}")
    }
}

impl fmt::Display for StateKey {
    /// The key it was recorded under.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.recorded())
    }
}

/// The stack of this name, `dev/web`; `None` if no stack can have it.
pub(crate) fn stack_named(name: &str) -> Option<StackId> {
    parse_key(&format!("specs/{name}.yaml")).ok()
}

/// The stack whose document of one kind has this key: its head, say. Other keys have none.
pub(crate) fn stack_of(key: &str, key_of: fn(&StackId) -> String) -> Option<StackId> {
    let (name, _) = key.strip_prefix(STACKS)?.rsplit_once('/')?;
    stack_named(name).filter(|stack| key_of(stack) == key)
}

/// The stack of whose groups one has its gate's memory under this key; `None` for any other key.
pub(crate) fn gate_of(key: &str) -> Option<StackId> {
    let (name, file) = key.strip_prefix(STACKS)?.split_once("/readiness/")?;
    let (stack, group) = (stack_named(name)?, file.strip_suffix(".json")?);
    (readiness_key(&stack, group) == key).then_some(stack)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_state_and_its_archived_copy_name_each_other() {
        let key = StateKey::parse("states/dev/web/00000007.json").unwrap();
        assert_eq!((key.stack.to_string().as_str(), key.serial), ("dev/web", 7));
        assert_eq!(key.archived(), "archive/dev/web/00000007.json.zst");
        assert_eq!(StateKey::parse_archived(&key.archived()), Some(key));
    }

    #[test]
    fn a_gate_has_a_stack() {
        let stack = gate_of("stacks/dev/web/readiness/windlass-dev-web.b.json").unwrap();
        assert_eq!(stack.to_string(), "dev/web");
        for other in [
            "stacks/dev/web/head.json",
            "stacks/dev/web/readiness.json",
            "stacks/dev/We b/readiness/x.json",
        ] {
            assert_eq!(gate_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_serial_longer_than_its_padding_is_a_serial() {
        let key = StateKey::parse("states/dev/web/123456789.json").unwrap();
        assert_eq!(key.serial, 123_456_789);
    }

    #[rstest]
    #[case("states/dev/web/7.json")]
    #[case("states/dev/web/000000007.json")]
    #[case("states/dev/web/+0000007.json")]
    #[case("states/dev/web/00000007.yaml")]
    #[case("states/dev/web/00000007.json.zst")]
    #[case("states/dev/web/latest.json")]
    #[case("states/dev/00000007.json")]
    #[case("states/dev/a/b/00000007.json")]
    #[case("states/dev/We b/00000007.json")]
    #[case("states/../web/00000007.json")]
    #[case("states/")]
    #[case("stacks/dev/web/head.json")]
    #[case("")]
    fn any_other_key_is_none(#[case] key: &str) {
        assert_eq!(StateKey::parse(key), None);
    }

    #[rstest]
    #[case("archive/dev/web/00000007.json")]
    #[case("archive/dev/web/7.json.zst")]
    #[case("states/dev/web/00000007.json.zst")]
    fn any_other_archived_key_is_none(#[case] key: &str) {
        assert_eq!(StateKey::parse_archived(key), None);
    }
}

//! `template.yaml`, as a tree.

use saphyr::{LoadableYamlNode, Yaml};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The whole template.
pub(crate) fn template() -> Yaml<'static> {
    Yaml::load_from_str(TEMPLATE).unwrap().remove(0)
}

/// The node behind a `!Ref` or another tag.
pub(crate) fn plain<'a, 'input>(node: &'a Yaml<'input>) -> &'a Yaml<'input> {
    match node {
        Yaml::Tagged(_, node) => plain(node),
        node => node,
    }
}

/// The value of a key.
pub(crate) fn get<'a, 'input>(node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
    plain(node)
        .as_mapping()?
        .iter()
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, value)| value)
}

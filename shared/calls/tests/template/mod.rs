//! What `template.yaml` allows a role to do. Read by the permission tests of several crates.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Yaml};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// IAM's name for an operation, where it is another.
pub(crate) fn iam_name(action: &str) -> &str {
    match action {
        "s3:ListObjectsV2" => "s3:ListBucket",
        other => other,
    }
}

/// Actions that a role is allowed: by its own policies and by the managed ones it names.
pub(crate) fn allowed(role: &str) -> BTreeSet<String> {
    let documents = Yaml::load_from_str(TEMPLATE).unwrap();
    let resources = get(&documents[0], "Resources").expect("a template has resources");
    let properties = |name: &str| {
        get(
            get(resources, name).unwrap_or_else(|| panic!("{name}")),
            "Properties",
        )
        .unwrap()
    };
    let role = properties(role);
    let mut actions = BTreeSet::new();
    collect(get(role, "Policies").unwrap(), &mut actions);
    let managed = get(role, "ManagedPolicyArns").and_then(Yaml::as_sequence);
    for reference in managed.into_iter().flatten() {
        let name = plain(reference).as_str().unwrap();
        collect(get(properties(name), "PolicyDocument").unwrap(), &mut actions);
    }
    actions
}

/// The node behind a `!Ref` or another tag.
fn plain<'a, 'input>(node: &'a Yaml<'input>) -> &'a Yaml<'input> {
    match node {
        Yaml::Tagged(_, node) => plain(node),
        node => node,
    }
}

fn get<'a, 'input>(node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
    plain(node)
        .as_mapping()?
        .iter()
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, value)| value)
}

/// Actions of all `Allow` statements below a node.
fn collect(node: &Yaml, actions: &mut BTreeSet<String>) {
    if get(node, "Effect").and_then(Yaml::as_str) == Some("Allow") {
        let action = plain(get(node, "Action").expect("a statement has actions"));
        let list = action
            .as_sequence()
            .map_or_else(|| vec![action], |list| list.iter().collect());
        actions.extend(
            list.iter()
                .map(|action| plain(action).as_str().unwrap().to_owned()),
        );
    }
    match plain(node) {
        Yaml::Mapping(mapping) => mapping.iter().for_each(|(_, value)| collect(value, actions)),
        Yaml::Sequence(sequence) => sequence.iter().for_each(|value| collect(value, actions)),
        _ => {}
    }
}

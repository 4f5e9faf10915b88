//! What `template.yaml` allows a role to do. Read by the permission tests of several crates.

use std::collections::BTreeSet;

use saphyr::Yaml;

use yaml::{get, plain, template};

mod yaml;

/// IAM's name for an operation, where it is another.
pub(crate) fn iam_name(action: &str) -> &str {
    match action {
        "s3:ListObjectsV2" => "s3:ListBucket",
        other => other,
    }
}

/// Actions that a role is allowed, by its own policies and by the managed ones it names; or that a managed policy allows.
pub(crate) fn allowed(name: &str) -> BTreeSet<String> {
    let template = template();
    let resource = get(&template, "Resources").and_then(|resources| get(resources, name));
    let resource = get(resource.unwrap_or_else(|| panic!("{name}")), "Properties").unwrap();
    let mut actions = BTreeSet::new();
    let own = get(resource, "Policies").or_else(|| get(resource, "PolicyDocument"));
    collect(
        own.unwrap_or_else(|| panic!("{name} allows nothing")),
        &mut actions,
    );
    let managed = get(resource, "ManagedPolicyArns").and_then(Yaml::as_sequence);
    for reference in managed.into_iter().flatten() {
        actions.extend(allowed(plain(reference).as_str().unwrap()));
    }
    actions
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

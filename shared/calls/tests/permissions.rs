//! Every action a function can send stands in its role, and no other: `template.yaml` against the list of operations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Yaml};
use windlass_calls::operations;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Actions that AWS checks besides the call itself, and why.
const IMPLIED: &[(&str, &str)] = &[
    ("ec2:CreateTags", "creates carry their tags (rule 54)"),
    (
        "ec2:RunInstances",
        "checked on the caller of CreateAutoScalingGroup (rule 53)",
    ),
    (
        "elasticloadbalancing:AddTags",
        "creates carry their tags (rule 54)",
    ),
    (
        "autoscaling:CreateOrUpdateTags",
        "creates carry their tags (rule 54)",
    ),
    ("iam:TagRole", "creates carry their tags (rule 54)"),
    ("iam:TagInstanceProfile", "creates carry their tags (rule 54)"),
    (
        "iam:PassRole",
        "the launch template hands the role to the instances",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "the first load balancer and group of an account (rule 52)",
    ),
    ("sqs:ReceiveMessage", "the event source"),
    ("sqs:DeleteMessage", "the event source"),
    ("sqs:GetQueueAttributes", "the event source"),
    ("logs:CreateLogStream", "the function's log"),
    ("logs:PutLogEvents", "the function's log"),
];

/// IAM's name for an operation, where it is another.
fn iam_name(action: &str) -> &str {
    match action {
        "s3:ListObjectsV2" => "s3:ListBucket",
        other => other,
    }
}

#[test]
fn the_functions_role_allows_exactly_what_the_function_can_send() {
    let allowed = allowed();
    let sent: BTreeSet<String> = operations()
        .iter()
        .map(|(action, _)| iam_name(action).to_owned())
        .collect();
    let implied: BTreeSet<String> = IMPLIED.iter().map(|(action, _)| (*action).to_owned()).collect();
    let needed: BTreeSet<String> = sent.union(&implied).cloned().collect();
    let missing: Vec<_> = needed.difference(&allowed).collect();
    let surplus: Vec<_> = allowed.difference(&needed).collect();
    assert!(missing.is_empty(), "template.yaml does not allow {missing:?}");
    assert!(
        surplus.is_empty(),
        "template.yaml allows {surplus:?}, which no call needs"
    );
    assert!(
        allowed.iter().all(|action| !action.contains('*')),
        "an action with a wildcard: {allowed:?}"
    );
}

/// Actions that the function's role is allowed: its own policy and the managed policies it names.
fn allowed() -> BTreeSet<String> {
    let documents = Yaml::load_from_str(TEMPLATE).unwrap();
    let resources = get(&documents[0], "Resources").expect("a template has resources");
    let properties = |name: &str| {
        get(
            get(resources, name).unwrap_or_else(|| panic!("{name}")),
            "Properties",
        )
        .unwrap()
    };
    let role = properties("ProvisionFunctionRole");
    let mut actions = BTreeSet::new();
    collect(get(role, "Policies").unwrap(), &mut actions);
    let managed = get(role, "ManagedPolicyArns").unwrap();
    let names = managed
        .as_sequence()
        .unwrap()
        .iter()
        .map(|reference| plain(reference).as_str().unwrap());
    for name in names {
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

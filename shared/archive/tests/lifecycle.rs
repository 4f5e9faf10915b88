//! How long `template.yaml` keeps what is archived, and where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use saphyr::{Scalar, Yaml};
use serde_json::{Value, json};
use yaml::{get, plain, template};

#[path = "../../calls/tests/template/yaml.rs"]
mod yaml;

/// A node as JSON; `!Ref X` becomes `{"Ref": "X"}`.
fn value(node: &Yaml) -> Value {
    match node {
        Yaml::Tagged(tag, inner) => json!({ tag.suffix.as_str(): value(inner) }),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| (name.as_str().unwrap().to_owned(), value(field)));
            Value::Object(fields.collect())
        }
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::Boolean(yes)) => json!(yes),
        other => json!(other.as_str().unwrap()),
    }
}

/// What stands in the template at the end of these names.
fn at(path: &[&str]) -> Value {
    let template = template();
    let step = |node, name: &&str| get(node, name).unwrap_or_else(|| panic!("{name} of {path:?}"));
    value(path.iter().fold(plain(&template), step))
}

fn rules() -> Vec<Value> {
    let path = [
        "Resources",
        "StateBucket",
        "Properties",
        "LifecycleConfiguration",
        "Rules",
    ];
    at(&path).as_array().unwrap().clone()
}

/// The archive is read: to compare it, and for people. So its objects go to the class that answers at once.
#[test]
fn archived_states_move_to_glacier_and_expire_as_the_parameters_say() {
    let nothing = json!({"Ref": "AWS::NoValue"});
    let moves = json!({
        "Id": "archive-to-glacier",
        "Status": "Enabled",
        "Prefix": "archive/",
        "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": {"Ref": "ArchiveGlacierDays"}}],
    });
    let expires = json!({
        "Id": "archive-expiry",
        "Status": "Enabled",
        "Prefix": "archive/",
        "ExpirationInDays": {"Ref": "ArchiveExpireDays"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    });
    let conditional: Vec<Value> = rules()
        .into_iter()
        .filter(|rule| rule.get("If").is_some())
        .collect();
    assert_eq!(
        conditional,
        [
            json!({"If": ["ArchiveToGlacier", moves, nothing]}),
            json!({"If": ["ArchiveExpires", expires, nothing]}),
        ]
    );
}

#[test]
fn zero_days_are_never() {
    let unless_zero = |parameter: &str| json!({"Not": [{"Equals": [{"Ref": parameter}, 0]}]});
    for (condition, parameter, default) in [
        ("ArchiveToGlacier", "ArchiveGlacierDays", 90),
        ("ArchiveExpires", "ArchiveExpireDays", 0),
    ] {
        assert_eq!(at(&["Conditions", condition]), unless_zero(parameter));
        assert_eq!(at(&["Parameters", parameter, "Default"]), default);
    }
}

/// Whoever finds a state missing from the archive must know whether it may have expired.
#[test]
fn the_function_is_told_when_archived_states_expire() {
    let path = [
        "Resources",
        "ArchiveFunction",
        "Properties",
        "Environment",
        "Variables",
        "ARCHIVE_EXPIRE_DAYS",
    ];
    assert_eq!(at(&path), json!({"Ref": "ArchiveExpireDays"}));
}

/// States are the record: only superseded versions of what is rewritten ever go.
#[test]
fn no_other_rule_takes_anything_but_superseded_versions_away() {
    let others: Vec<Value> = rules()
        .into_iter()
        .filter(|rule| rule.get("If").is_none())
        .collect();
    let prefixes: Vec<&str> = others
        .iter()
        .map(|rule| rule["Prefix"].as_str().unwrap())
        .collect();
    assert_eq!(prefixes, ["stacks/", "sweep/"]);
    for rule in &others {
        let names = rule.as_object().unwrap().keys();
        let takes: Vec<&String> = names
            .filter(|name| name.contains("Expir") || name.contains("Transition"))
            .collect();
        assert_eq!(takes, ["NoncurrentVersionExpiration"], "{rule}");
    }
}

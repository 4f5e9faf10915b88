//! What changed from one recorded state to the next.
//!
//! States are compared as documents, field by field: one that an earlier version of Windlass wrote, with other fields
//! than today's, can be read and compared as well. A state is read where it was recorded, and from the archive where it
//! is gone from there.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use windlass_engine::Port;
use windlass_spec::StackId;

use crate::LARGEST;
use crate::error::ArchiveError;
use crate::key::{ARCHIVE, STATES, StateKey};
use crate::pack::{largest_packed, unpack};
use crate::store::{list, read};

/// States that are read at a time.
const AT_ONCE: usize = 8;

/// The recorded states of a stack, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// `dev/web`.
    pub stack: String,
    /// Number of states before the first one listed.
    pub earlier: usize,
    /// The states.
    pub states: Vec<Entry>,
}

/// One recorded state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number.
    pub serial: u64,
    /// When it was recorded, where it tells: only a resource that is new in it carries the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Version of the spec it was made from.
    pub spec_version: String,
    /// Where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What changed since the state before it.
    #[serde(flatten)]
    pub changes: Changes,
    /// Why it could not be read. The next state is then compared with the one before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Where a state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// As it was recorded.
    States,
    /// In the archive only.
    Archive,
}

/// What differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    /// There is no state before it, or it begins another lineage: an earlier life of the state was lost.
    pub anew: bool,
    /// Fields of the spec.
    pub spec: Vec<FieldChange>,
    /// Resources that are recorded for the first time.
    pub added: Vec<String>,
    /// Resources that are recorded no more.
    pub removed: Vec<String>,
    /// Resources of which something else is recorded.
    pub changed: Vec<ResourceChange>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Where it is: a JSON pointer, `/scaling/max`.
    pub path: String,
    /// What was there; `None` for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What is there; `None` for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// A resource that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceChange {
    /// Its logical id.
    pub id: String,
    /// What of it.
    pub fields: Vec<FieldChange>,
}

/// Reads the newest `last` states of a stack and says what changed from each to the next.
///
/// # Errors
/// The bucket cannot be listed or reached. A state that cannot be read is an entry that says why.
pub async fn history<P: Port>(
    port: &P,
    bucket: &str,
    stack: &StackId,
    last: usize,
) -> Result<History, ArchiveError> {
    let serials = serials(port, bucket, stack).await?;
    let earlier = serials.len().saturating_sub(last);
    // One more than is listed: what the first one is compared with.
    let unlisted = earlier.min(1);
    let keys = serials
        .into_iter()
        .skip(earlier - unlisted)
        .map(|serial| StateKey {
            stack: stack.clone(),
            serial,
        });
    let reads = stream::iter(keys).map(async |key| {
        let state = recorded(port, bucket, &key).await;
        (key, state)
    });
    let reads: Vec<_> = reads.buffered(AT_ONCE).collect().await;
    let mut states = Vec::with_capacity(reads.len());
    let mut before: Option<Value> = None;
    for (key, state) in reads {
        let problem = match state {
            Ok(Some((state, place))) => {
                states.push(entry(key.serial, before.as_ref(), &state, place));
                before = Some(state);
                continue;
            }
            Ok(None) => "it was deleted while the history was read".to_owned(),
            // Whoever may not read one, or has lost the way to the bucket, is told at once and not state by state.
            Err(ArchiveError::Call(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        states.push(Entry {
            serial: key.serial,
            at: None,
            spec_version: String::new(),
            place: None,
            changes: Changes::default(),
            problem: Some(problem),
        });
    }
    states.drain(..unlisted);
    Ok(History {
        stack: stack.to_string(),
        earlier,
        states,
    })
}

fn entry(serial: u64, before: Option<&Value>, state: &Value, place: Place) -> Entry {
    Entry {
        serial,
        at: recorded_at(before, state),
        spec_version: state["specVersion"].as_str().unwrap_or_default().to_owned(),
        place: Some(place),
        changes: compare(before, state),
        problem: None,
    }
}

/// Serials of all states of a stack, recorded or archived, in order.
async fn serials<P: Port>(port: &P, bucket: &str, stack: &StackId) -> Result<BTreeSet<u64>, ArchiveError> {
    let recorded = list(port, bucket, &format!("{STATES}{stack}/")).await?;
    let archived = list(port, bucket, &format!("{ARCHIVE}{stack}/")).await?;
    let recorded = recorded.iter().filter_map(|key| StateKey::parse(key));
    let archived = archived.iter().filter_map(|key| StateKey::parse_archived(key));
    Ok(recorded.chain(archived).map(|key| key.serial).collect())
}

/// Reads one state, from where it was recorded or else from the archive. `None` if it is in neither.
///
/// # Errors
/// It cannot be read, or is no JSON.
pub async fn recorded<P: Port>(
    port: &P,
    bucket: &str,
    key: &StateKey,
) -> Result<Option<(Value, Place)>, ArchiveError> {
    let (recorded, archived) = (key.recorded(), key.archived());
    let (body, place, key) = match read(port, bucket, &recorded, LARGEST as u64).await? {
        Some(found) => (found.body, Place::States, recorded),
        None => match read(port, bucket, &archived, largest_packed()).await {
            Ok(Some(found)) => match unpack(&found.body, &found.metadata) {
                Ok(body) => (body, Place::Archive, archived),
                Err(why) => return Err(ArchiveError::Damaged { archived, why }),
            },
            Ok(None) => return Ok(None),
            Err(ArchiveError::Call(error)) if error.code == "InvalidObjectState" => {
                return Err(ArchiveError::Frozen { archived });
            }
            Err(error) => return Err(error),
        },
    };
    match serde_json::from_slice(&body) {
        Ok(state) => Ok(Some((state, place))),
        Err(source) => Err(ArchiveError::Document { key, source }),
    }
}

/// The newest time at which a resource was recorded that the state before did not have, or had from another time.
fn recorded_at(before: Option<&Value>, state: &Value) -> Option<Timestamp> {
    let since = |state: &Value, id: &str| -> Option<Timestamp> {
        state["resources"].get(id)?.get("since")?.as_str()?.parse().ok()
    };
    let ids = state["resources"].as_object()?.keys();
    ids.filter_map(|id| {
        let since_now = since(state, id)?;
        let same = before.and_then(|before| since(before, id)) == Some(since_now);
        (!same).then_some(since_now)
    })
    .max()
}

/// What differs between a state and the one before it.
#[must_use]
pub fn compare(before: Option<&Value>, state: &Value) -> Changes {
    let resources = resources(state);
    let Some(before) = before else {
        return Changes {
            anew: true,
            added: resources.into_keys().collect(),
            ..Changes::default()
        };
    };
    let mut changes = Changes {
        anew: before["lineage"] != state["lineage"],
        ..Changes::default()
    };
    changes.spec = differences(&before["spec"], &state["spec"]);
    let mut old = self::resources(before);
    for (id, new) in resources {
        let Some(old) = old.remove(&id) else {
            changes.added.push(id);
            continue;
        };
        let fields = differences(old, new);
        if !fields.is_empty() {
            changes.changed.push(ResourceChange { id, fields });
        }
    }
    changes.removed = old.into_keys().collect();
    changes
}

fn resources(state: &Value) -> BTreeMap<String, &Value> {
    let resources = state["resources"].as_object().into_iter().flatten();
    resources.map(|(id, record)| (id.clone(), record)).collect()
}

/// The fields in which two documents differ, in order. Lists of different lengths differ as a whole.
#[must_use]
pub fn differences(from: &Value, to: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    differ("", from, to, &mut changes);
    changes
}

fn differ(path: &str, from: &Value, to: &Value, changes: &mut Vec<FieldChange>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => differ(&path, old, new, changes),
                    (from, to) => changes.push(FieldChange {
                        path,
                        from: from.cloned(),
                        to: to.cloned(),
                    }),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differ(&format!("{path}/{index}"), old, new, changes);
            }
        }
        (from, to) if from == to => {}
        (from, to) => changes.push(FieldChange {
            path: path.to_owned(),
            from: Some(from.clone()),
            to: Some(to.clone()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn shown(from: &Value, to: &Value) -> Vec<String> {
        let shown = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        differences(from, to)
            .into_iter()
            .map(|change| format!("{} {} {}", change.path, shown(change.from), shown(change.to)))
            .collect()
    }

    #[rstest]
    #[case(json!({"a": 1}), json!({"a": 1}), &[])]
    #[case(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 3, "c": 2}}), &["/a/b 1 3"])]
    #[case(json!({"a": 1}), json!({"b": 1}), &["/a 1 -", "/b - 1"])]
    #[case(json!({"a": null}), json!({}), &["/a null -"])]
    #[case(json!(["x", "y"]), json!(["x", "z"]), &["/1 \"y\" \"z\""])]
    #[case(json!(["x"]), json!(["x", "z"]), &[" [\"x\"] [\"x\",\"z\"]"])]
    #[case(json!({"a": 1}), json!({"a": [1]}), &["/a 1 [1]"])]
    #[case(json!({"m/n": {"~": 1}}), json!({"m/n": {"~": 2}}), &["/m~1n/~0 1 2"])]
    fn fields_that_differ_are_named_by_json_pointers(
        #[case] from: Value,
        #[case] to: Value,
        #[case] expected: &[&str],
    ) {
        assert_eq!(self::shown(&from, &to), expected);
    }

    fn state(lineage: &str, max: u32, resources: &Value) -> Value {
        json!({
            "stack": "dev/web", "lineage": lineage, "specVersion": "v1",
            "spec": {"scaling": {"max": max}}, "resources": resources,
        })
    }

    #[test]
    fn the_first_state_lists_its_resources_and_not_its_whole_spec() {
        let changes = compare(None, &state("l1", 3, &json!({"vpc": {}, "subnet/a": {}})));
        assert!(changes.anew);
        assert_eq!(changes.added, ["subnet/a", "vpc"]);
        assert!(changes.spec.is_empty());
    }

    #[test]
    fn resources_come_go_and_change() {
        let before = state(
            "l1",
            3,
            &json!({"vpc": {"settled": false}, "old": {}, "same": {"a": 1}}),
        );
        let after = state(
            "l1",
            9,
            &json!({"vpc": {"settled": true}, "new": {}, "same": {"a": 1}}),
        );
        let changes = compare(Some(&before), &after);
        assert!(!changes.anew);
        assert_eq!(
            (changes.added, changes.removed),
            (vec!["new".into()], vec!["old".into()])
        );
        let [vpc] = &changes.changed[..] else {
            panic!("{:?}", changes.changed);
        };
        assert_eq!(
            (vpc.id.as_str(), vpc.fields[0].path.as_str()),
            ("vpc", "/settled")
        );
        assert_eq!(changes.spec[0].path, "/scaling/max");
    }

    #[test]
    fn another_lineage_is_a_new_beginning() {
        let nothing = json!({});
        let changes = compare(Some(&state("l1", 3, &nothing)), &state("l2", 3, &nothing));
        assert!(changes.anew);
    }

    #[test]
    fn a_state_is_as_old_as_what_is_new_in_it() {
        let at = |time: &str| json!({"since": time});
        let (first, second) = ("2026-05-04T09:00:00Z", "2026-05-04T09:01:00Z");
        let before = state("l", 3, &json!({"vpc": at(first)}));
        let after = state("l", 3, &json!({"vpc": at(first), "nat": at(second)}));
        assert_eq!(recorded_at(None, &before), first.parse().ok());
        assert_eq!(recorded_at(Some(&before), &after), second.parse().ok());
        assert_eq!(recorded_at(Some(&after), &after), None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c~/]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,3}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_difference_means_equal_and_each_pointer_leads_to_what_it_says(from in value(), to in value()) {
            let changes = differences(&from, &to);
            prop_assert_eq!(changes.is_empty(), from == to);
            for change in changes {
                prop_assert_eq!(from.pointer(&change.path), change.from.as_ref());
                prop_assert_eq!(to.pointer(&change.path), change.to.as_ref());
                prop_assert_ne!(change.from, change.to);
            }
        }
    }
}

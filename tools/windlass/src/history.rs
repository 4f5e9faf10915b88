//! `windlass history`: the recorded states of a stack, and what changed from each to the next.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::Value;
use windlass_archive::{Entry, FieldChange, History, Place, history};
use windlass_aws::Aws;
use windlass_engine::Port;

use crate::{End, Failure, HistoryArgs};

/// Most characters of a value that are shown.
const SHOWN: usize = 60;

/// Runs the command.
pub(crate) async fn run(out: &mut dyn Write, args: &HistoryArgs) -> Result<End, Failure> {
    show(out, &Aws::from_environment().await, args).await
}

async fn show<P: Port>(out: &mut dyn Write, port: &P, args: &HistoryArgs) -> Result<End, Failure> {
    let history = history(port, &args.state_bucket, &args.stack, args.last).await?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&history)?)?;
    } else {
        write!(out, "{}", render(&history))?;
    }
    Ok(if history.states.is_empty() {
        End::Wrong
    } else {
        End::Well
    })
}

/// The states, the newest last, where people look first.
fn render(history: &History) -> String {
    let stack = &history.stack;
    if history.states.is_empty() {
        return format!("{stack} has no recorded states.\n");
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    if history.earlier > 0 {
        let all = history.earlier + history.states.len();
        let _ = writeln!(text, "… {} earlier: --last {all} shows them all", history.earlier);
    }
    for entry in &history.states {
        state(&mut text, entry);
    }
    text
}

fn state(text: &mut String, entry: &Entry) {
    let mut title = format!("{:>4}", entry.serial);
    if let Some(at) = entry.at {
        let _ = write!(title, "  {}", at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    if !entry.spec_version.is_empty() {
        let _ = write!(title, "  spec version {}", entry.spec_version);
    }
    if entry.place == Some(Place::Archive) {
        title.push_str("  (in the archive only)");
    }
    let _ = writeln!(text, "{title}");
    for line in lines(entry) {
        let _ = writeln!(text, "      {line}");
    }
}

fn lines(entry: &Entry) -> Vec<String> {
    if let Some(problem) = &entry.problem {
        return vec![format!("cannot be read: {problem}")];
    }
    let changes = &entry.changes;
    let mut lines = Vec::new();
    if changes.anew && entry.serial > 1 {
        lines.push("begun anew: nothing is known of the states before it".to_owned());
    }
    lines.extend(
        changes
            .spec
            .iter()
            .map(|change| format!("spec {}", field(change))),
    );
    lines.extend(changes.added.iter().map(|id| format!("+ {id}")));
    lines.extend(changes.removed.iter().map(|id| format!("- {id}")));
    for resource in &changes.changed {
        let fields: Vec<String> = resource.fields.iter().map(field).collect();
        lines.push(format!("~ {}  {}", resource.id, fields.join(", ")));
    }
    if lines.is_empty() {
        lines.push("nothing but the version of the spec".to_owned());
    }
    lines
}

/// `/scaling/max: 9 → 12`.
pub(crate) fn field(change: &FieldChange) -> String {
    let path = &change.path;
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{path}: {} → {}", value(from), value(to)),
        (Some(from), None) => format!("{path}: {} → nothing", value(from)),
        (None, Some(to)) => format!("{path}: nothing → {}", value(to)),
        (None, None) => path.clone(),
    }
}

/// A value on one line, and its beginning only if it is long.
fn value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use windlass_engine::StateDocument;
    use windlass_planner::{Id, Outputs, Record};
    use windlass_sim::{Sim, World, WorldConfig};
    use windlass_spec::{Spec, StackId, decode};

    use super::*;

    pub(crate) fn stack() -> StackId {
        StackId {
            environment: "dev".into(),
            name: "web".into(),
        }
    }

    /// A spec of at most this many instances.
    pub(crate) fn spec(max: u32) -> Spec {
        let text = format!("scaling: {{max: {max}}}\ncompute: {{app: {{packages: [nginx]}}}}\n");
        decode(&stack(), text.as_bytes()).unwrap()
    }

    fn record(id: &str, second: i64, settled: bool) -> (Id, Record) {
        let start: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
        let record = Record {
            outputs: Outputs::id(&format!("{id}-1")),
            settled,
            incarnation: 1,
            since: start + jiff::SignedDuration::from_secs(second),
            leaving: vec![],
        };
        (Id::only(id), record)
    }

    /// Buckets with three states of dev/web.
    pub(crate) fn buckets() -> Sim {
        let mut world = World::new(WorldConfig::default());
        world.create_bucket("specs");
        world.create_bucket("states");
        let vpc = || record("vpc", 0, true);
        let states = [
            (spec(9), vec![vpc()]),
            (
                spec(9),
                vec![vpc(), record("zones", 0, true), record("listener", 60, false)],
            ),
            (spec(12), vec![vpc(), record("listener", 60, true)]),
        ];
        for (serial, (spec, records)) in (1..).zip(states) {
            let state = StateDocument {
                stack: "dev/web".into(),
                serial,
                lineage: "l1".into(),
                spec_version: format!("v{serial}"),
                spec,
                resources: records.into_iter().collect(),
            };
            let key = windlass_engine::state_key(&stack(), serial);
            world.upload("states", &key, &serde_json::to_vec(&state).unwrap());
        }
        Sim::new(world, "2026-05-04T10:00:00Z".parse().unwrap(), 1)
    }

    fn shown(sim: &Sim, last: usize, json: bool) -> (End, String) {
        let args = HistoryArgs {
            stack: stack(),
            state_bucket: "states".into(),
            last,
            json,
        };
        let mut out = Vec::new();
        let end = sim.run(show(&mut out, sim, &args)).finished().unwrap().unwrap();
        (end, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_history_says_what_changed_from_state_to_state() {
        let sim = buckets();
        sim.world_mut()
            .upload("states", "states/dev/web/00000004.json", b"{]");
        let (end, text) = shown(&sim, 20, false);
        assert_eq!(end, End::Well);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn of_a_long_one_the_newest_are_shown_and_the_others_counted() {
        let (_, text) = shown(&buckets(), 1, false);
        assert!(
            text.starts_with("… 2 earlier: --last 3 shows them all\n   3 "),
            "{text}"
        );
    }

    #[test]
    fn the_json_has_a_pointer_for_each_change() {
        let (_, text) = shown(&buckets(), 20, true);
        let history: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(history["stack"], "dev/web");
        let third = &history["states"][2];
        assert_eq!(
            (&third["serial"], &third["specVersion"]),
            (&json!(3), &json!("v3"))
        );
        assert_eq!(
            third["spec"],
            json!([{"path": "/scaling/max", "from": 9, "to": 12}])
        );
        assert_eq!(third["removed"], json!(["zones"]));
    }

    #[test]
    fn a_stack_without_states_is_told_so() {
        let sim = buckets();
        for key in ["1", "2", "3"] {
            sim.world_mut()
                .delete_object("states", &format!("states/dev/web/0000000{key}.json"));
        }
        assert_eq!(
            shown(&sim, 20, false),
            (End::Wrong, "dev/web has no recorded states.\n".into())
        );
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = value(&json!("ü".repeat(100)));
        assert_eq!(text.chars().count(), SHOWN + 1);
    }
}

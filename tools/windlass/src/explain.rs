//! `windlass explain`: the last decisions about a stack's capacity, each with what it was made from; and one of them made
//! again from its own record.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use windlass_aws::Aws;
use windlass_calls::s3::{GetObject, ListObjectsV2, Object};
use windlass_engine::{Port, ScalingEntry};
use windlass_scaling::{Decision, Fleet, Want, Wish, decide};
use windlass_spec::StackId;

use crate::{End, ExplainArgs, Failure, cloud};

/// Largest entry that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// Days that are looked through for as many decisions as are asked for.
const DAYS: i64 = 30;
/// End of the keys of decisions, among those of the journal.
const DECISION: &str = "-scaling.json";

/// Runs the command.
pub(crate) async fn run(out: &mut dyn Write, args: &ExplainArgs) -> Result<End, Failure> {
    match (&args.replay, &args.stack, &args.state_bucket) {
        (Some(file), ..) => replay(out, file),
        (None, Some(stack), Some(bucket)) => {
            let aws = Aws::from_environment().await;
            show(out, &aws, bucket, stack, args, cloud::now()).await
        }
        _ => Err("name a stack, as in dev/web, and --state-bucket; or --replay a decision's file".into()),
    }
}

async fn show<P: Port>(
    out: &mut dyn Write,
    port: &P,
    bucket: &str,
    stack: &StackId,
    args: &ExplainArgs,
    now: Timestamp,
) -> Result<End, Failure> {
    let entries = newest(port, bucket, stack, args.last, now).await?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&entries)?)?;
    } else if entries.is_empty() {
        writeln!(
            out,
            "{stack}: nothing was decided in the last {DAYS} days. It is when an alarm of the group's metrics goes off."
        )?;
    } else {
        let entries = entries.iter().map(render);
        write!(out, "{}", entries.collect::<String>())?;
    }
    Ok(End::Well)
}

/// The newest decisions, the newest last.
pub(crate) async fn newest<P: Port>(
    port: &P,
    bucket: &str,
    stack: &StackId,
    last: usize,
    now: Timestamp,
) -> Result<Vec<ScalingEntry>, Failure> {
    let mut entries = Vec::new();
    for key in keys(port, bucket, stack, last, now).await? {
        entries.push(read(port, bucket, key).await?);
    }
    Ok(entries)
}

/// Keys of the newest decisions, the newest last. The journal is read by days, from today back.
async fn keys<P: Port>(
    port: &P,
    bucket: &str,
    stack: &StackId,
    last: usize,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for day in 0..DAYS {
        let day = (now - SignedDuration::from_hours(24 * day)).strftime("%Y-%m-%d");
        let asked = ListObjectsV2 {
            bucket: bucket.to_owned(),
            prefix: format!("journal/{stack}/{day}/"),
        };
        let mut keys = port.call(asked).await?;
        keys.retain(|key| key.ends_with(DECISION));
        keys.extend(found);
        found = keys;
        if found.len() >= last {
            break;
        }
    }
    Ok(found.split_off(found.len().saturating_sub(last)))
}

async fn read<P: Port>(port: &P, bucket: &str, key: String) -> Result<ScalingEntry, Failure> {
    let get = GetObject {
        bucket: bucket.to_owned(),
        key: key.clone(),
        limit: LARGEST,
    };
    let Object::Found { body, .. } = port.call(get).await? else {
        return Err(format!("{key} in bucket {bucket} is not a decision").into());
    };
    serde_json::from_slice(&body)
        .map_err(|error| format!("{key} in bucket {bucket} is not a decision: {error}").into())
}

/// A decision in words, in lines.
pub(crate) fn render(entry: &ScalingEntry) -> String {
    let decision = &entry.decision;
    let change = if decision.changes() {
        format!("{} → {}", decision.from, decision.to)
    } else {
        format!("stays at {}", decision.to)
    };
    let at = decision.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let mut text = format!("{at}  {change}: {}\n", decision.rule);
    let Fleet {
        min,
        max,
        ready,
        coming,
        ..
    } = decision.observation.fleet;
    // Writing to a string does not fail.
    let _ = writeln!(text, "      decided because {}", entry.because);
    for wish in &decision.wishes {
        let _ = writeln!(text, "      {}", in_words(wish));
    }
    let _ = writeln!(
        text,
        "      {ready} ready, {coming} on their way; between {min} and {max}"
    );
    if let Some(held) = &entry.held {
        let _ = writeln!(text, "      not carried out: {held}");
    }
    if let Some(failed) = &entry.failed {
        let _ = writeln!(text, "      refused by AWS: {failed}");
    }
    text
}

/// `cpu 92.0 at 09:11: asks for 5`.
fn in_words(wish: &Wish) -> String {
    let value = wish
        .value
        .map_or_else(|| "missing".to_owned(), |value| format!("{value:.1}"));
    let at = wish
        .at
        .map(|at| format!(" at {}", at.strftime("%H:%M")))
        .unwrap_or_default();
    let wants = match wish.want {
        Want::Out(more) => format!("asks for {more}"),
        Want::In(fewer) => format!("{fewer} would do"),
        Want::Hold => "asks for nothing".to_owned(),
        Want::Unknown => "says nothing of now, so that nothing is removed".to_owned(),
        Want::Abstain => "asks for nothing, and leaves fewer to the others".to_owned(),
    };
    format!("{} {value}{at}: {wants}", wish.metric)
}

/// Makes a decision again from its own record: an entry of the journal, or a decision alone.
fn replay(out: &mut dyn Write, file: &Path) -> Result<End, Failure> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let whole = serde_json::from_slice::<ScalingEntry>(&text).map(|entry| entry.decision);
    let decision: Decision = whole
        .or_else(|_| serde_json::from_slice(&text))
        .map_err(|error| format!("{name} is not a decision: {error}"))?;
    let again = decide(&decision.policy, &decision.observation, &decision.memory);
    // What is not a number equals nothing, not even itself: the records are compared.
    if serde_json::to_value(&again)? == serde_json::to_value(&decision)? {
        writeln!(out, "{name}: the same decision again: {}", decision.reason)?;
        return Ok(End::Well);
    }
    writeln!(out, "{name}: another decision now")?;
    writeln!(out, "  then: {}", decision.reason)?;
    writeln!(out, "  now:  {}", again.reason)?;
    Ok(End::Wrong)
}

#[cfg(test)]
mod tests {
    use windlass_crash::{GROUP, Lab, STATE_BUCKET, Stopped, stack};
    use windlass_sim::{Sim, WorldConfig};

    use super::*;

    /// A stack that grew, could not shrink, and was told to stay as it is.
    fn lab() -> Lab {
        let lab = Lab::new(
            WorldConfig {
                vcpu_quota: 100,
                ..WorldConfig::default()
            },
            1,
        );
        lab.upload("compute: {app: {packages: [nginx]}}\nscaling: {min: 2, max: 9}\nnetwork: {zones: 2, nat: single}\n");
        assert_eq!(lab.run(3000), Stopped::Quiet);
        for _ in 0..3 {
            lab.minute(1.9, true);
        }
        lab.sim.world_mut().suspend_process(GROUP, "Launch", true);
        for _ in 0..2 {
            lab.minute(5.9, true);
        }
        lab
    }

    fn args(last: usize, json: bool) -> ExplainArgs {
        ExplainArgs {
            stack: Some(stack()),
            state_bucket: Some(STATE_BUCKET.into()),
            last,
            json,
            replay: None,
        }
    }

    fn shown(sim: &Sim, now: Timestamp, args: &ExplainArgs) -> (End, String) {
        let mut out = Vec::new();
        let stack = stack();
        let shown = show(&mut out, sim, STATE_BUCKET, &stack, args, now);
        let end = sim.run(shown).finished().unwrap().unwrap();
        (end, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_decision_is_shown_with_what_it_was_made_from() {
        let lab = lab();
        let (end, text) = shown(&lab.sim, lab.now(), &args(20, false));
        assert_eq!(end, End::Well);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_newest_are_shown_also_of_days_ago() {
        let lab = lab();
        let (_, all) = shown(&lab.sim, lab.now(), &args(20, false));
        let later = lab.now() + SignedDuration::from_hours(24 * 5);
        let (_, one) = shown(&lab.sim, later, &args(1, false));
        assert!(all.ends_with(&one) && !one.is_empty(), "{one}");
    }

    #[test]
    fn where_nothing_was_decided_it_says_when_it_is() {
        let lab = Lab::new(WorldConfig::default(), 1);
        let (end, text) = shown(&lab.sim, lab.now(), &args(20, false));
        assert_eq!(end, End::Well);
        assert!(text.contains("nothing was decided"), "{text}");
    }

    #[test]
    fn a_decisions_file_leads_to_the_same_decision_and_a_changed_one_does_not() {
        let lab = lab();
        let (_, text) = shown(&lab.sim, lab.now(), &args(20, true));
        let entries: Vec<ScalingEntry> = serde_json::from_str(&text).unwrap();
        let folder = std::env::temp_dir().join(format!("windlass-explain-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("decision.json");
        let again = |text: String| {
            std::fs::write(&file, text).unwrap();
            let mut out = Vec::new();
            let end = replay(&mut out, &file).unwrap();
            (end, String::from_utf8(out).unwrap())
        };
        for entry in &entries {
            assert_eq!(again(serde_json::to_string(entry).unwrap()).0, End::Well);
            let alone = serde_json::to_string(&entry.decision).unwrap();
            assert_eq!(again(alone).0, End::Well);
        }
        let mut other = entries[0].clone();
        other.decision.observation.fleet.max = 2;
        let (end, text) = again(serde_json::to_string(&other).unwrap());
        assert_eq!(end, End::Wrong);
        assert!(text.contains("then: ") && text.contains("now:  "), "{text}");
        assert!(replay(&mut Vec::new(), &folder.join("none.json")).is_err());
        std::fs::write(&file, "{}").unwrap();
        let refused = replay(&mut Vec::new(), &file).unwrap_err().to_string();
        assert!(refused.contains("is not a decision"), "{refused}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

//! `windlass restore`: writes the spec of a recorded state back to the spec bucket.
//!
//! What a state records is the spec with every default filled in. That is written out in full, so that it means the
//! same whatever today's defaults are; and it is decoded and compared before it is written. The original text, with its
//! comments, is a version of the spec's object, which this names.

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::Value;
use windlass_archive::{Place, StateKey, differences, recorded, spec_text};
use windlass_aws::Aws;
use windlass_calls::s3::{Condition, GetObject, Object};
use windlass_calls::{CallError, Class};
use windlass_engine::Port;
use windlass_spec::{MAX_BYTES, Spec, decode};

use crate::history::field;
use crate::{End, Failure, RestoreArgs, cloud};

/// Asks a person; answers whether they agreed.
type Ask<'a> = &'a mut dyn FnMut(&mut dyn Write) -> Result<bool, Failure>;

/// Runs the command.
pub(crate) async fn run(out: &mut dyn Write, args: &RestoreArgs) -> Result<End, Failure> {
    restore(out, &Aws::from_environment().await, args, &mut ask).await
}

fn ask(out: &mut dyn Write) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err("nobody is there to ask: say --yes to write it back".into());
    }
    write!(out, "Write it back? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn restore<P: Port>(
    out: &mut dyn Write,
    port: &P,
    args: &RestoreArgs,
    ask: Ask<'_>,
) -> Result<End, Failure> {
    let (stack, bucket) = (&args.stack, &args.spec_bucket);
    let key = format!("specs/{stack}.yaml");
    let state = state(port, args).await?;
    let now = current(port, bucket, &key).await?;
    writeln!(out, "{stack}, state {}:", args.serial)?;
    if !show(out, args, &state.spec, now.as_ref())? {
        return Ok(End::Well);
    }
    writeln!(
        out,
        "Every field is written out, and comments do not come back. The text as it was uploaded, while the bucket keeps \
         it:\n  aws s3api get-object --bucket {bucket} --key {key} --version-id {} {}.yaml",
        state.version, stack.name
    )?;
    if !args.yes && !ask(out)? {
        writeln!(out, "Nothing was written.")?;
        return Ok(End::Wrong);
    }
    let text = text(args, &state.spec)?;
    let condition = now.map_or(Condition::Absent, |now| Condition::Matches(now.etag));
    match cloud::upload(port, bucket, &key, text.as_bytes(), condition).await {
        Ok(version) => {
            writeln!(
                out,
                "Wrote s3://{bucket}/{key}. Follow it: windlass watch {stack} --version-id {version}"
            )?;
            Ok(End::Well)
        }
        Err(error) if error.class == Class::Conflict => Err(format!(
            "somebody else wrote {key} in the meantime: nothing was written; look at it again"
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// What a state says of its spec.
struct Recorded {
    spec: Spec,
    /// Version of the object that it was decoded from.
    version: String,
}

/// Reads the state, from the archive if it is gone from where it was recorded.
async fn state<P: Port>(port: &P, args: &RestoreArgs) -> Result<Recorded, Failure> {
    let key = StateKey {
        stack: args.stack.clone(),
        serial: args.serial,
    };
    let Some((mut state, place)) = recorded(port, &args.state_bucket, &key).await? else {
        return Err(format!(
            "there is no state {} of {}: `windlass history {}` lists those there are",
            args.serial, args.stack, args.stack
        )
        .into());
    };
    let at = match place {
        Place::States => key.recorded(),
        Place::Archive => key.archived(),
    };
    let version = state["specVersion"].as_str().unwrap_or_default().to_owned();
    let spec: Spec = serde_json::from_value(state["spec"].take()).map_err(|error| {
        format!(
            "the spec in {at} is of another version of Windlass ({error}); the text it came from is version {version} of \
             the spec's object"
        )
    })?;
    if spec.stack != args.stack {
        return Err(format!("{at} is a state of {}, not of {}", spec.stack, args.stack).into());
    }
    Ok(Recorded { spec, version })
}

/// The spec as it is now.
struct Now {
    body: Vec<u8>,
    etag: String,
}

/// Reads the spec as it is now; `None` if there is none.
async fn current<P: Port>(port: &P, bucket: &str, key: &str) -> Result<Option<Now>, CallError> {
    let get = GetObject {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        limit: MAX_BYTES as u64,
    };
    match port.call(get).await {
        Ok(Object::Found { body, etag, .. }) => Ok(Some(Now { body, etag })),
        Ok(Object::TooLarge { size, .. }) => Err(CallError {
            class: Class::Terminal,
            message: format!("{key} has {size} bytes, and is no spec: delete it, and run this again"),
            ..CallError::unsent("s3:GetObject", "")
        }),
        Ok(Object::Deleted { .. }) => Ok(None),
        Err(error) if error.class == Class::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

/// Shows what writing it back changes; answers whether it does.
fn show(out: &mut dyn Write, args: &RestoreArgs, spec: &Spec, now: Option<&Now>) -> Result<bool, Failure> {
    let Some(now) = now else {
        writeln!(
            out,
            "  there is no spec now: writing it back brings the stack back"
        )?;
        return Ok(true);
    };
    let Ok(now) = decode(&args.stack, &now.body) else {
        writeln!(out, "  the spec that is there now is not valid, and is replaced")?;
        return Ok(true);
    };
    let changes = differences(&document(&now)?, &document(spec)?);
    if changes.is_empty() {
        writeln!(out, "  the spec is as it was then: nothing to write")?;
        return Ok(false);
    }
    for change in &changes {
        writeln!(out, "  {}", field(change))?;
    }
    Ok(true)
}

fn document(spec: &Spec) -> Result<Value, Failure> {
    Ok(serde_json::to_value(spec)?)
}

/// The text to write. It was decoded again, and means the same.
fn text(args: &RestoreArgs, spec: &Spec) -> Result<String, Failure> {
    let text = format!(
        "# State {} of {}, restored by `windlass restore`.\n{}",
        args.serial,
        args.stack,
        spec_text(spec)
    );
    match decode(&args.stack, text.as_bytes()) {
        Ok(again) if again == *spec => Ok(text),
        Ok(_) => Err(
            "written down, the spec would mean something else today: restore the version named above".into(),
        ),
        Err(errors) => Err(format!(
            "the spec of then is not valid today: restore the version named above and correct it\n{errors}"
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use windlass_sim::Sim;

    use super::*;
    use crate::history::tests::{buckets, spec, stack};

    const KEY: &str = "specs/dev/web.yaml";

    fn args(serial: u64, yes: bool) -> RestoreArgs {
        RestoreArgs {
            stack: stack(),
            serial,
            spec_bucket: "specs".into(),
            state_bucket: "states".into(),
            yes,
        }
    }

    fn run_with(
        sim: &Sim,
        args: &RestoreArgs,
        mut answer: impl FnMut() -> bool,
    ) -> (Result<End, String>, String) {
        let mut out = Vec::new();
        let end = sim.run(restore(&mut out, sim, args, &mut |_| Ok(answer())));
        let end = end.finished().unwrap().map_err(|failure| failure.to_string());
        (end, String::from_utf8(out).unwrap())
    }

    fn spec_now(sim: &Sim) -> Option<Spec> {
        let world = sim.world();
        let body = world.object("specs", KEY)?;
        Some(decode(&stack(), body).unwrap())
    }

    fn upload(sim: &Sim, max: u32) {
        sim.world_mut()
            .upload("specs", KEY, spec_text(&spec(max)).as_bytes());
    }

    #[test]
    fn the_spec_of_a_state_is_written_back_after_showing_what_changes() {
        let sim = buckets();
        upload(&sim, 12);
        let (end, text) = run_with(&sim, &args(2, false), || true);
        assert_eq!(end, Ok(End::Well));
        assert_eq!(spec_now(&sim), Some(spec(9)));
        assert!(text.contains("  /scaling/max: 12 → 9\n"), "{text}");
        assert!(text.contains("--version-id v2 web.yaml"), "{text}");
        assert!(
            text.contains("windlass watch dev/web --version-id version-"),
            "{text}"
        );
    }

    #[rstest]
    #[case::asked(false, false, Some(12))]
    #[case::agreed(false, true, Some(9))]
    #[case::not_asked(true, false, Some(9))]
    fn nothing_is_written_without_a_yes(#[case] yes: bool, #[case] answer: bool, #[case] max: Option<u32>) {
        let sim = buckets();
        upload(&sim, 12);
        let (end, _) = run_with(&sim, &args(2, yes), || answer);
        assert_eq!(spec_now(&sim), max.map(spec));
        assert_eq!(end, Ok(if max == Some(9) { End::Well } else { End::Wrong }));
    }

    #[test]
    fn a_spec_that_is_as_it_was_then_is_not_written_again() {
        let sim = buckets();
        upload(&sim, 9);
        let (end, text) = run_with(&sim, &args(2, false), || panic!("asked for nothing"));
        assert_eq!(end, Ok(End::Well));
        assert!(text.contains("nothing to write"), "{text}");
        assert!(!sim.calls().contains_key("s3:PutObject"));
    }

    #[rstest]
    #[case::never_there(false)]
    #[case::deleted(true)]
    fn a_spec_that_is_gone_comes_back(#[case] deleted: bool) {
        let sim = buckets();
        if deleted {
            upload(&sim, 12);
            sim.world_mut().delete_object("specs", KEY);
        }
        let (end, text) = run_with(&sim, &args(3, true), || false);
        assert_eq!((end, spec_now(&sim)), (Ok(End::Well), Some(spec(12))));
        assert!(text.contains("brings the stack back"), "{text}");
    }

    #[test]
    fn a_spec_that_is_not_valid_is_replaced() {
        let sim = buckets();
        sim.world_mut().upload("specs", KEY, b"scaling: 7");
        let (end, text) = run_with(&sim, &args(1, true), || false);
        assert_eq!((end, spec_now(&sim)), (Ok(End::Well), Some(spec(9))));
        assert!(text.contains("not valid"), "{text}");
    }

    #[test]
    fn a_state_that_only_the_archive_has_is_restored_from_there() {
        let sim = buckets();
        let settings = windlass_archive::Settings {
            state_bucket: "states".into(),
            provision_queue: String::new(),
            lifecycle_queue: String::new(),
            scale_queue: String::new(),
            expires: false,
        };
        let key = StateKey {
            stack: stack(),
            serial: 2,
        };
        sim.run(windlass_archive::archive_state(&sim, &settings, &key))
            .finished()
            .unwrap()
            .unwrap();
        sim.world_mut().delete_object("states", &key.recorded());
        let (end, _) = run_with(&sim, &args(2, true), || false);
        assert_eq!((end, spec_now(&sim)), (Ok(End::Well), Some(spec(9))));
    }

    #[test]
    fn what_somebody_else_wrote_in_the_meantime_is_not_overwritten() {
        let sim = buckets();
        upload(&sim, 12);
        let (end, _) = run_with(&sim, &args(2, false), || {
            upload(&sim, 20);
            true
        });
        assert!(end.unwrap_err().contains("in the meantime"));
        assert_eq!(spec_now(&sim), Some(spec(20)));
    }

    #[test]
    fn a_state_that_never_was_is_told_with_how_to_find_the_others() {
        let (end, _) = run_with(&buckets(), &args(7, true), || false);
        assert!(end.unwrap_err().contains("windlass history dev/web"));
    }

    #[test]
    fn a_spec_that_this_version_does_not_know_names_the_text_it_came_from() {
        let sim = buckets();
        let state = br#"{"specVersion": "v4", "spec": {"unknown": true}}"#;
        sim.world_mut()
            .upload("states", "states/dev/web/00000004.json", state);
        let (end, _) = run_with(&sim, &args(4, true), || false);
        assert!(end.unwrap_err().contains("version v4"));
    }
}

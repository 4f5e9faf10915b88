//! From the spec's object to the spec that is wanted, or to a rejection that says what is wrong and where.
//!
//! An invalid spec never touches a running stack. Work that is under way goes on with the last valid spec.

use jiff::Timestamp;
use serde::Serialize;
use windlass_calls::s3::{Condition, Object};
use windlass_calls::{CallError, Class};
use windlass_spec::{Diagnostics, Spec, decode};

use crate::destroy;
use crate::load::{Loaded, spec_key};
use crate::pass::{Clock, Job, PassError, Settings, Trigger, Verdict};
use crate::port::Port;
use crate::status::{Phase, Status, StatusError};
use crate::store::{Store, journal_key, status_key, status_key_of};

/// What a pass is to bring about.
pub(crate) enum Wanted {
    /// A spec.
    Spec(Box<SpecWanted>),
    /// Nothing: the answer is written already.
    Nothing(Verdict, Phase),
}

/// A spec to bring about, or the last one of a stack to destroy.
pub(crate) struct SpecWanted {
    /// The spec.
    pub(crate) spec: Spec,
    /// Its version.
    pub(crate) version: String,
    /// A newer one was rejected: the status must go on saying so.
    pub(crate) rejection: Option<Rejection>,
    /// Nothing is wanted any more.
    pub(crate) destroying: bool,
}

impl SpecWanted {
    /// The last spec that was carried out, if it is another one.
    pub(crate) fn recorded(&self, loaded: &Loaded) -> Option<Self> {
        let spec = loaded.recorded_spec.clone().filter(|spec| *spec != self.spec)?;
        Some(Self {
            spec,
            version: loaded.head.spec_version.clone(),
            rejection: None,
            destroying: false,
        })
    }
}

/// A spec that was rejected.
#[derive(Clone)]
pub(crate) struct Rejection {
    /// Its version.
    pub(crate) version: String,
    /// What that makes of the stack.
    pub(crate) phase: Phase,
    /// What is wrong with it.
    pub(crate) errors: Vec<StatusError>,
}

/// Decodes the spec's object, or answers that there is none to act on.
pub(crate) async fn wanted<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    job: &Job,
    loaded: &Loaded,
) -> Result<Wanted, PassError> {
    let rejection = match examine(job, &loaded.object) {
        Examined::Valid(spec, version) => {
            return Ok(Wanted::Spec(Box::new(SpecWanted {
                spec: *spec,
                version,
                rejection: None,
                destroying: false,
            })));
        }
        Examined::Deleted(marker) => {
            return destroy::wanted(port, clock, settings, job, loaded, marker).await;
        }
        Examined::Missing(error) => {
            let missing = missing(loaded, error);
            let phase = missing.phase;
            write_status(port, clock, settings, job, loaded, missing).await?;
            return Ok(Wanted::Nothing(Verdict::NoSpec, phase));
        }
        Examined::Invalid(rejection) => rejection,
    };
    let under_way = match job.trigger {
        Trigger::Woken { .. } => loaded.head.operation.is_some(),
        Trigger::Look => true,
        Trigger::SpecChanged => false,
    };
    if let (true, Some(spec)) = (under_way, loaded.recorded_spec.clone()) {
        return Ok(Wanted::Spec(Box::new(SpecWanted {
            spec,
            version: loaded.head.spec_version.clone(),
            rejection: Some(rejection),
            destroying: false,
        })));
    }
    let status = rejected(loaded, &rejection);
    if write_status(port, clock, settings, job, loaded, status).await? {
        write_journal(
            port,
            settings,
            &job.stack.to_string(),
            clock.now(),
            &spec_key(&job.stack),
            &rejection,
        )
        .await?;
    }
    Ok(Wanted::Nothing(Verdict::Rejected, Phase::Rejected))
}

enum Examined {
    Valid(Box<Spec>, String),
    Invalid(Rejection),
    /// By this delete marker.
    Deleted(String),
    Missing(StatusError),
}

fn examine(job: &Job, object: &Result<Object, CallError>) -> Examined {
    match object {
        Ok(Object::Found {
            body, etag, version, ..
        }) => {
            let version = if version.is_empty() {
                etag.clone()
            } else {
                version.clone()
            };
            match decode(&job.stack, body) {
                Ok(spec) => Examined::Valid(Box::new(spec), version),
                Err(diagnostics) => Examined::Invalid(Rejection {
                    version,
                    phase: Phase::Rejected,
                    errors: errors(&diagnostics),
                }),
            }
        }
        Ok(Object::TooLarge { size, version }) => Examined::Invalid(Rejection {
            version: version.clone(),
            phase: Phase::Rejected,
            errors: vec![StatusError {
                message: format!(
                    "the spec is {size} bytes; at most {} are read",
                    windlass_spec::MAX_BYTES
                ),
                hint: Some("a spec is short: move what the instances download out of it".into()),
                ..StatusError::default()
            }],
        }),
        Ok(Object::Deleted { version }) => Examined::Deleted(version.clone()),
        Err(error) => Examined::Missing(unreadable(job, error)),
    }
}

/// A spec that is not there, or not for us to read: never a reason to destroy anything (rule 56).
fn unreadable(job: &Job, error: &CallError) -> StatusError {
    let key = spec_key(&job.stack);
    let (message, hint) = match error.class {
        Class::Gone => (
            format!("there is no spec at {key}, and nothing shows that it was deleted"),
            "upload the spec again",
        ),
        _ => (
            format!("the spec at {key} cannot be read: {}", error.message),
            "check the bucket's policy and the function's role",
        ),
    };
    StatusError {
        message,
        hint: Some(hint.into()),
        ..StatusError::default()
    }
}

fn errors(diagnostics: &Diagnostics) -> Vec<StatusError> {
    let each = diagnostics.0.iter().map(|diagnostic| StatusError {
        path: diagnostic.path.clone(),
        line: diagnostic.line,
        column: diagnostic.column,
        message: diagnostic.message.clone(),
        hint: diagnostic.hint.clone(),
    });
    each.collect()
}

pub(crate) fn previous(loaded: &Loaded) -> Status {
    loaded
        .status
        .as_ref()
        .map(|status| status.document.clone())
        .unwrap_or_default()
}

fn missing(loaded: &Loaded, error: StatusError) -> Status {
    Status {
        phase: Phase::Failed,
        errors: vec![error],
        changes: vec![],
        ..previous(loaded)
    }
}

fn rejected(loaded: &Loaded, rejection: &Rejection) -> Status {
    Status {
        phase: rejection.phase,
        spec_version: rejection.version.clone(),
        errors: rejection.errors.clone(),
        changes: vec![],
        ..previous(loaded)
    }
}

/// Writes the status if it says something new; answers whether it did.
pub(crate) async fn write_status<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    job: &Job,
    loaded: &Loaded,
    mut status: Status,
) -> Result<bool, PassError> {
    status.stack = job.stack.to_string();
    status.updated_at = clock.now();
    if loaded
        .status
        .as_ref()
        .is_some_and(|before| before.document.says_the_same(&status))
    {
        return Ok(false);
    }
    let store = Store {
        port,
        bucket: &settings.state_bucket,
    };
    store
        .put(&status_key(&job.stack), &status, Condition::Always)
        .await?;
    Ok(true)
}

/// A journal entry about a rejected spec.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RejectionEntry<'a> {
    spec_key: &'a str,
    spec_version: &'a str,
    at: Timestamp,
    errors: &'a [StatusError],
}

async fn write_journal<P: Port>(
    port: &P,
    settings: &Settings,
    stem: &str,
    at: Timestamp,
    spec_key: &str,
    rejection: &Rejection,
) -> Result<(), PassError> {
    let entry = RejectionEntry {
        spec_key,
        spec_version: &rejection.version,
        at,
        errors: &rejection.errors,
    };
    let store = Store {
        port,
        bucket: &settings.state_bucket,
    };
    store
        .put(&journal_key(stem, at, "rejection"), &entry, Condition::Always)
        .await?;
    Ok(())
}

/// Answers to a key under `specs/` that names no stack: a status beside where the stack's would be, and a journal entry.
///
/// # Errors
/// The state bucket cannot be written: the event must come again.
pub async fn reject_key<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    key: &str,
) -> Result<(), PassError> {
    let Err(error) = windlass_spec::parse_key(key) else {
        return Ok(());
    };
    let at = clock.now();
    let status_at = status_key_of(key);
    let stem = status_at
        .trim_start_matches("stacks/")
        .trim_end_matches("/status.json")
        .to_owned();
    let rejection = Rejection {
        version: String::new(),
        phase: Phase::Rejected,
        errors: vec![StatusError {
            path: key.to_owned(),
            message: error.message.clone(),
            hint: Some(error.hint.clone()),
            ..StatusError::default()
        }],
    };
    let status = Status {
        stack: stem.clone(),
        phase: Phase::Rejected,
        updated_at: at,
        errors: rejection.errors.clone(),
        ..Status::default()
    };
    let store = Store {
        port,
        bucket: &settings.state_bucket,
    };
    store.put(&status_at, &status, Condition::Always).await?;
    write_journal(port, settings, &stem, at, key, &rejection).await
}

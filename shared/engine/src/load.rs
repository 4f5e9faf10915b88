//! First stage: the head, the state it points to, the status, and the spec, as they are now.

use futures::future::try_join4;
use jiff::Timestamp;
use windlass_calls::s3::{GetObject, Object};
use windlass_calls::{CallError, Class};
use windlass_planner::Records;
use windlass_spec::{Spec, StackId};

use crate::document::{Head, StateDocument};
use crate::lifecycle::{Readiness, readiness_prefix};
use crate::pass::{Job, PassError, PassReport, Settings, Verdict};
use crate::port::Port;
use crate::status::{Phase, Status};
use crate::store::{Store, Versioned, head_key, state_key, states_prefix, status_key};

/// Everything that was stored before this pass.
pub(crate) struct Loaded {
    /// The head; a new one if none was found.
    pub(crate) head: Head,
    /// Its tag; `None` if none was found.
    pub(crate) head_etag: Option<String>,
    /// What earlier passes recorded.
    pub(crate) records: Records,
    /// The spec those records were made from.
    pub(crate) recorded_spec: Option<Spec>,
    /// The status, with its tag, if there is one.
    pub(crate) status: Option<Versioned<Status>>,
    /// What the gates of its groups say of instances that wait, and of those that they gave up.
    pub(crate) gates: Vec<Readiness>,
    /// The spec's object, or why there is none.
    pub(crate) object: Result<Object, CallError>,
}

/// Key of a stack's spec.
pub(crate) fn spec_key(stack: &StackId) -> String {
    format!("specs/{stack}.yaml")
}

/// Reads it all; the independent parts side by side.
pub(crate) async fn load<P: Port>(port: &P, settings: &Settings, job: &Job) -> Result<Loaded, PassError> {
    let store = Store {
        port,
        bucket: &settings.state_bucket,
    };
    let spec = async {
        let get = GetObject {
            bucket: settings.spec_bucket.clone(),
            key: spec_key(&job.stack),
            limit: windlass_spec::MAX_BYTES as u64,
        };
        match port.call(get).await {
            // A passing failure is no answer: the event comes again.
            Err(error) if matches!(error.class, Class::Throttled | Class::Transient) => {
                Err(PassError::from(error))
            }
            answer => Ok(answer),
        }
    };
    let (head_at, status_at) = (head_key(&job.stack), status_key(&job.stack));
    let (head, status, gates, object) = try_join4(
        store.get::<Head>(&head_at),
        store.get::<Status>(&status_at),
        gates(&store, &job.stack),
        spec,
    )
    .await?;
    let (head, head_etag) = match head {
        Some(head) => (head.document, Some(head.etag)),
        None => (recovered(&store, &job.stack).await?, None),
    };
    let state = match head.serial {
        0 => None,
        serial => store.get::<StateDocument>(&state_key(&job.stack, serial)).await?,
    };
    let (records, recorded_spec) = state.map_or_else(Default::default, |state| {
        (state.document.resources, Some(state.document.spec))
    });
    Ok(Loaded {
        head,
        head_etag,
        records,
        recorded_spec,
        status,
        gates,
        object,
    })
}

/// What is remembered of each of its groups.
async fn gates<P: Port>(store: &Store<'_, P>, stack: &StackId) -> Result<Vec<Readiness>, PassError> {
    let mut gates = Vec::new();
    for key in store.list(&readiness_prefix(stack)).await? {
        let read = store.get::<Readiness>(&key).await?;
        gates.extend(read.map(|read| read.document));
    }
    Ok(gates)
}

/// A head for a stack without one. After a loss, it continues above the highest state found, in its lineage.
async fn recovered<P: Port>(store: &Store<'_, P>, stack: &StackId) -> Result<Head, PassError> {
    let keys = store.list(&states_prefix(stack)).await?;
    let Some(last) = keys.last() else {
        return Ok(Head::default());
    };
    let state = store.get::<StateDocument>(last).await?;
    Ok(state.map_or_else(Head::default, |state| Head {
        lineage: state.document.lineage,
        serial: state.document.serial,
        ..Head::default()
    }))
}

impl Loaded {
    /// The head that this pass starts from: a new stack's lineage comes from the invocation that found it new.
    pub(crate) fn head_for(&self, job: &Job, now: Timestamp) -> Head {
        let mut head = self.head.clone();
        if head.lineage.is_empty() {
            head.lineage = format!("{}:{}:{}", job.stack, job.invocation, now.as_millisecond());
        }
        head
    }

    /// A report of a pass that changed nothing.
    pub(crate) fn report(&self, verdict: Verdict, phase: Option<Phase>) -> PassReport {
        PassReport {
            verdict,
            phase,
            steps: Vec::new(),
            waiting: 0,
            serial: self.head.serial,
        }
    }
}

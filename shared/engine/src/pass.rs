//! One pass over one stack, from an event to an answer. Dying anywhere in it loses nothing: the event comes again, and
//! the next pass reads what is there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use windlass_calls::{CallError, Request};
use windlass_planner::{Board, Context, Id, Known, Outcome, Plan, Records};
use windlass_spec::{Apply, Spec, StackId};

use crate::document::Head;
use crate::gate::{self, Turn};
use crate::load::{self, Loaded};
use crate::port::Port;
use crate::status::{Phase, Status};
use crate::store::Store;
use crate::{apply, judge, plans, record, reject};

/// What time it is: an argument, so that the simulator can say.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// Where things are and how long they take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bucket with the specs.
    pub spec_bucket: String,
    /// Bucket with states, heads and statuses.
    pub state_bucket: String,
    /// URL of our own queue.
    pub queue: String,
    /// The Region, `us-east-1`.
    pub region: String,
    /// ARN of the permissions boundary of instance roles, where one is required.
    pub boundary: Option<String>,
    /// How long a lease lasts: longer than a function's time-out, one call's, and the clocks' skew together.
    pub lease: SignedDuration,
    /// Longest that one call takes: nothing is sent that may outlive the lease.
    pub call: SignedDuration,
    /// Time a pass has before it hands over to the next: less than the function's time-out by a call's.
    pub budget: SignedDuration,
    /// Time after which AWS shows everything that was created (rule 34).
    pub consistency: SignedDuration,
    /// Seconds between two looks at something AWS is busy with.
    pub wake_seconds: u32,
    /// Time after which an operation that is still waiting needs a person.
    pub deadline: SignedDuration,
}

/// Why a pass runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The spec's object changed: put or deleted.
    SpecChanged,
    /// A wake-up of the chain with this token.
    Woken {
        /// The token.
        token: String,
    },
    /// Somebody wants it looked at.
    Look,
}

/// What a pass is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Which stack.
    pub stack: StackId,
    /// Why.
    pub trigger: Trigger,
    /// Unique to this invocation; names the lease's owner.
    pub invocation: String,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It looked, did what could be done, and recorded it.
    Done,
    /// Another invocation holds the lease: a delayed wake-up was sent.
    Busy,
    /// The wake-up was an old one: dropped.
    Stale,
    /// Another invocation took over in between: a delayed wake-up was sent.
    Overtaken,
    /// The spec is invalid, and nothing is under way.
    Rejected,
    /// The spec is gone or unreadable: nothing is changed.
    NoSpec,
}

/// What a pass did, for logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassReport {
    /// How it ended.
    pub verdict: Verdict,
    /// The stack's phase afterwards, where one was determined.
    pub phase: Option<Phase>,
    /// Mutating calls that took effect, with the resource they were for.
    pub steps: Vec<(Id, &'static str)>,
    /// Number of resources that are waited for.
    pub waiting: usize,
    /// Serial of the state afterwards.
    pub serial: u64,
}

/// Why a pass could not end well: the event must come again.
#[derive(Debug, Error)]
pub enum PassError {
    /// A call to our own bucket or queue failed.
    #[error("cannot reach the pipeline's own bucket or queue: {0}")]
    Own(#[from] CallError),
    /// A document of ours cannot be read or written.
    #[error("document {key} is not as Windlass writes it")]
    Document {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There was no time to look at everything.
    #[error("time ran out before everything was looked at")]
    OutOfTime,
    /// Every number tried for the next state is taken.
    #[error("states from {first} on exist already, and the head points to none of them")]
    NoSerial {
        /// The first number tried.
        first: u64,
    },
}

/// Everything a pass knows. Fields are filled stage by stage.
pub(crate) struct Session<'a, P> {
    pub(crate) port: &'a P,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) settings: &'a Settings,
    pub(crate) job: &'a Job,
    pub(crate) started: Timestamp,
    /// The head as it will be written next.
    pub(crate) head: Head,
    /// The head as it was read.
    pub(crate) loaded_head: Head,
    /// Tag of the head as it was read or last written; `None` if there is none yet.
    pub(crate) head_etag: Option<String>,
    /// The spec that is wanted, and its version.
    pub(crate) spec: Spec,
    pub(crate) version: String,
    /// The spec of the last state.
    pub(crate) recorded_spec: Option<Spec>,
    /// What earlier passes recorded.
    pub(crate) records: Records,
    pub(crate) board: Board,
    /// We hold the lease.
    pub(crate) leased: bool,
    /// Mutating calls sent in this pass, so that none is sent twice.
    pub(crate) sent: BTreeSet<Request>,
    /// Intents recorded in this pass: free to be sent.
    pub(crate) intended: BTreeSet<Id>,
    /// What went wrong in this pass.
    pub(crate) troubles: BTreeMap<Id, judge::Trouble>,
    /// A read failed: what is known is not enough to go on.
    pub(crate) blind: Option<CallError>,
    pub(crate) steps: Vec<(Id, &'static str)>,
    /// Only a plan is wanted: nothing may be changed.
    pub(crate) planning: bool,
}

/// What reconciling came to.
pub(crate) struct Reconciled {
    pub(crate) outcomes: BTreeMap<Id, Outcome>,
    pub(crate) known: Known,
    /// What is left to do; unknown to a pass that could not see everything.
    pub(crate) plan: Option<Plan>,
    /// The spec cannot be had as a whole: nothing was begun.
    pub(crate) refused: bool,
    /// Time ran out with work left.
    pub(crate) unfinished: bool,
}

/// Somebody else wrote the head: this pass has no say any more.
pub(crate) struct Overtaken;

/// Runs one pass.
///
/// # Errors
/// The pipeline's own bucket or queue cannot be reached, or a document in it is damaged. The event must come again.
pub async fn pass<P: Port>(
    port: &P,
    clock: &dyn Clock,
    settings: &Settings,
    job: &Job,
) -> Result<PassReport, PassError> {
    let loaded = load::load(port, settings, job).await?;
    match gate::turn(&loaded, job, clock.now()) {
        Turn::Ours => {}
        Turn::Busy { seconds } => {
            return gate::later(port, settings, job, &loaded, Verdict::Busy, seconds).await;
        }
        Turn::Stale => return Ok(loaded.report(Verdict::Stale, None)),
    }
    let wanted = match reject::wanted(port, clock, settings, job, &loaded).await? {
        reject::Wanted::Spec(wanted) => *wanted,
        reject::Wanted::Nothing(verdict, phase) => return Ok(loaded.report(verdict, Some(phase))),
    };
    let mut session = Session::new(port, clock, settings, job, &loaded, &wanted);
    if session.planning {
        return match plans::answer(&mut session, loaded.status.as_ref()).await? {
            Ok(status) => Ok(session.report(&status)),
            Err(Overtaken) => {
                gate::later(port, settings, job, &loaded, Verdict::Overtaken, gate::SHORTLY).await
            }
        };
    }
    let reconciled = match session.reconcile().await? {
        Ok(reconciled) => reconciled,
        Err(Overtaken) => {
            return gate::later(port, settings, job, &loaded, Verdict::Overtaken, gate::SHORTLY).await;
        }
    };
    match record::record(
        &mut session,
        &reconciled,
        loaded.status.as_ref(),
        wanted.rejection,
    )
    .await?
    {
        Ok(status) => Ok(session.report(&status)),
        Err(Overtaken) => gate::later(port, settings, job, &loaded, Verdict::Overtaken, gate::SHORTLY).await,
    }
}

impl<'a, P: Port> Session<'a, P> {
    pub(crate) fn new(
        port: &'a P,
        clock: &'a dyn Clock,
        settings: &'a Settings,
        job: &'a Job,
        loaded: &Loaded,
        wanted: &reject::SpecWanted,
    ) -> Self {
        let started = clock.now();
        let focused = matches!(job.trigger, Trigger::Woken { .. })
            && wanted.spec.apply == Apply::Auto
            && loaded.head.spec_version == wanted.version
            && !loaded.records.is_empty();
        Self {
            port,
            clock,
            settings,
            job,
            started,
            head: loaded.head_for(job, started),
            loaded_head: loaded.head.clone(),
            recorded_spec: loaded.recorded_spec.clone(),
            head_etag: loaded.head_etag.clone(),
            spec: wanted.spec.clone(),
            version: wanted.version.clone(),
            records: loaded.records.clone(),
            board: Board::new(focused),
            leased: false,
            sent: BTreeSet::new(),
            intended: BTreeSet::new(),
            troubles: BTreeMap::new(),
            blind: None,
            steps: Vec::new(),
            planning: wanted.spec.apply == Apply::Plan,
        }
    }

    /// What the kinds are told.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            spec: &self.spec,
            region: &self.settings.region,
            boundary: self.settings.boundary.as_deref(),
            version: &self.version,
            lineage: &self.head.lineage,
            records: &self.records,
        }
    }

    pub(crate) fn store(&self) -> Store<'a, P> {
        Store {
            port: self.port,
            bucket: &self.settings.state_bucket,
        }
    }

    /// Observe, plan, apply, again: until nothing can be sent, a read fails, or time runs out.
    pub(crate) async fn reconcile(&mut self) -> Result<Result<Reconciled, Overtaken>, PassError> {
        let mut checked = false;
        loop {
            let (outcomes, known) = self.evaluate();
            let questions = self.board.questions(&self.context(), &known);
            let out_of_time = self.clock.now() >= self.started + self.settings.budget;
            if !questions.is_empty() && self.blind.is_none() && !out_of_time {
                apply::observe(self, questions).await;
                continue;
            }
            // A spec that cannot be had as a whole is not begun: nothing is left half done.
            let seen = self.blind.is_none() && questions.is_empty();
            let mut refused = false;
            if seen && !checked {
                let plan = self.board.plan(&self.context(), &known);
                refused = !plan.refusals.is_empty();
                plans::begin(self, &plan, &known).await?;
            }
            checked = true;
            let ready = if refused || !seen || self.planning {
                vec![]
            } else {
                apply::ready(&outcomes)
            };
            if ready.is_empty() || out_of_time {
                let plan = seen.then(|| self.board.plan(&self.context(), &known));
                return Ok(Ok(Reconciled {
                    unfinished: out_of_time,
                    outcomes,
                    known,
                    plan,
                    refused,
                }));
            }
            if let Err(Overtaken) = apply::apply(self, ready).await? {
                return Ok(Err(Overtaken));
            }
        }
    }

    fn evaluate(&self) -> (BTreeMap<Id, Outcome>, Known) {
        let now = self.clock.now();
        self.board
            .evaluate(&self.context(), &|id, next| judge::judge(self, now, id, next))
    }

    fn report(&self, status: &Status) -> PassReport {
        PassReport {
            verdict: Verdict::Done,
            phase: Some(status.phase),
            steps: self.steps.clone(),
            waiting: status.waiting_on.len(),
            serial: self.head.serial,
        }
    }
}

//! One pass over one stack, from an event to an answer. Dying anywhere in it loses nothing: the event comes again, and
//! the next pass reads what is there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use windlass_calls::{CallError, Request};
use windlass_planner::{Board, Context, Evaluation, Id, Plan, Present, Records};
use windlass_spec::{Apply, Spec, StackId};

use crate::document::{DeletionStage, Head};
use crate::gate::{self, Turn};
use crate::lifecycle::Readiness;
use crate::load::{self, Loaded};
use crate::port::Port;
use crate::status::{Phase, Status};
use crate::store::Store;
use crate::{apply, drift, judge, plans, record, reject};

/// Passes in a row that met trouble, after which everything is looked at again.
const TROUBLED: u32 = 3;

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
    /// Time between the deletion of a spec and the first step of destroying its stack.
    pub grace: SignedDuration,
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
    /// The spec was deleted, and the time in which it can be put back is not over, or a person must confirm.
    Held,
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

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To bring about what the spec says.
    Apply,
    /// To say what that would take: nothing may be changed.
    Plan,
    /// To take everything away.
    Destroy,
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
    /// What the gates of its groups say of instances.
    pub(crate) gates: Vec<Readiness>,
    /// Groups whose launches they suspended, and for which version of the spec.
    pub(crate) given_up: BTreeMap<String, String>,
    /// Groups that launch one instance for a try, and for which version of the spec.
    pub(crate) tried: BTreeMap<String, String>,
    pub(crate) board: Board,
    /// We hold the lease.
    pub(crate) leased: bool,
    /// Mutating calls sent in this pass, so that none is sent twice.
    pub(crate) sent: BTreeSet<Request>,
    /// Intents recorded in this pass: free to be sent.
    pub(crate) intended: BTreeSet<Id>,
    /// What was made in this pass with a client token. An answer may be that of an earlier call.
    pub(crate) made: BTreeSet<Id>,
    /// What went wrong in this pass.
    pub(crate) troubles: BTreeMap<Id, judge::Trouble>,
    /// What went wrong with resources that leave.
    pub(crate) removal_troubles: BTreeMap<Present, judge::Trouble>,
    /// A read failed: what is known is not enough to go on.
    pub(crate) blind: Option<CallError>,
    pub(crate) steps: Vec<(Id, &'static str)>,
    /// What for.
    pub(crate) purpose: Purpose,
    /// Only what is not settled is looked at.
    pub(crate) focused: bool,
}

/// What reconciling came to.
pub(crate) struct Reconciled {
    pub(crate) found: Evaluation,
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
    if drift::only_looks(job, &loaded, &wanted) {
        session.purpose = Purpose::Plan;
        if let Some(status) = drift::look(&mut session, loaded.status.as_ref()).await? {
            return Ok(session.report(&status));
        }
        session.purpose = Purpose::Apply;
    }
    if session.purpose == Purpose::Plan {
        return match plans::answer(&mut session, loaded.status.as_ref()).await? {
            Ok(status) => Ok(session.report(&status)),
            Err(Overtaken) => {
                gate::later(port, settings, job, &loaded, Verdict::Overtaken, gate::SHORTLY).await
            }
        };
    }
    let mut rejection = wanted.rejection.clone();
    let mut reconciled = session.reconcile().await?;
    // A spec that cannot be had keeps nobody from mending the stack that is there.
    if let Ok(refused) = &reconciled
        && let Some(refusal) = session.refusal(refused)
        && let Some(recorded) = wanted.recorded(&loaded)
    {
        session = Session::new(port, clock, settings, job, &loaded, &recorded);
        rejection = Some(refusal);
        reconciled = session.reconcile().await?;
    }
    let Ok(reconciled) = reconciled else {
        return gate::later(port, settings, job, &loaded, Verdict::Overtaken, gate::SHORTLY).await;
    };
    match record::record(&mut session, &reconciled, loaded.status.as_ref(), rejection).await? {
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
        let goes_on = if wanted.destroying {
            // A pass has looked at everything, and recorded what leaves.
            loaded.records.values().all(|record| !record.leaving.is_empty())
        } else {
            wanted.spec.apply == Apply::Auto && loaded.head.spec_version == wanted.version
        };
        // What keeps failing may do so because something that was settled is gone.
        let stuck = loaded
            .head
            .wake
            .as_ref()
            .is_some_and(|wake| wake.attempt >= TROUBLED);
        // So may something that an earlier pass was about to make.
        let sure = !stuck && loaded.head.intents.is_empty();
        let focused =
            matches!(job.trigger, Trigger::Woken { .. }) && goes_on && sure && !loaded.records.is_empty();
        let mut head = loaded.head_for(job, started);
        match head.deletion.as_mut() {
            Some(deletion) if wanted.destroying => deletion.stage = DeletionStage::Begun,
            // It was put back.
            _ => head.deletion = None,
        }
        Self {
            port,
            clock,
            settings,
            job,
            started,
            head,
            loaded_head: loaded.head.clone(),
            recorded_spec: loaded.recorded_spec.clone(),
            head_etag: loaded.head_etag.clone(),
            spec: wanted.spec.clone(),
            version: wanted.version.clone(),
            records: loaded.records.clone(),
            gates: loaded.gates.clone(),
            given_up: given_up(&loaded.gates),
            tried: tried(&loaded.gates),
            board: Board::new(focused),
            leased: false,
            sent: BTreeSet::new(),
            intended: BTreeSet::new(),
            made: BTreeSet::new(),
            troubles: BTreeMap::new(),
            removal_troubles: BTreeMap::new(),
            blind: None,
            steps: Vec::new(),
            purpose: match wanted.spec.apply {
                _ if wanted.destroying => Purpose::Destroy,
                Apply::Plan => Purpose::Plan,
                Apply::Auto => Purpose::Apply,
            },
            focused,
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
            spent: &self.head.spent,
            role: &self.head.role,
            given_up: &self.given_up,
            tried: &self.tried,
            destroying: self.purpose == Purpose::Destroy,
            thorough: !(self.focused || (self.leased && self.records.is_empty())),
        }
    }

    /// Why nothing was begun, if the spec was refused as a whole while somebody only wanted the stack looked at.
    fn refusal(&self, reconciled: &Reconciled) -> Option<reject::Rejection> {
        let looked_at = reconciled.refused && self.job.trigger != Trigger::SpecChanged;
        looked_at.then(|| reject::Rejection {
            version: self.version.clone(),
            phase: Phase::Failed,
            errors: reconciled.plan.iter().flat_map(record::refusals).collect(),
        })
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
            let found = self.evaluate();
            let questions = self.board.questions(&self.context(), &found.known);
            let out_of_time = self.clock.now() >= self.started + self.settings.budget;
            if !questions.is_empty() && self.blind.is_none() && !out_of_time {
                apply::observe(self, questions).await;
                continue;
            }
            // A spec that cannot be had as a whole is not begun: nothing is left half done.
            let seen = self.blind.is_none() && questions.is_empty();
            let mut refused = false;
            if seen && !checked {
                let plan = self.plan();
                refused = !plan.refusals.is_empty();
                plans::begin(self, &plan).await?;
            }
            checked = true;
            let ready = if refused || !seen || self.purpose == Purpose::Plan {
                vec![]
            } else {
                apply::ready(&found)
            };
            if ready.is_empty() || out_of_time {
                let plan = seen.then(|| self.plan());
                return Ok(Ok(Reconciled {
                    unfinished: out_of_time,
                    found,
                    plan,
                    refused,
                }));
            }
            self.made.extend(apply::made(&found));
            if let Err(Overtaken) = apply::apply(self, ready).await? {
                return Ok(Err(Overtaken));
            }
        }
    }

    /// What is left to do.
    fn plan(&self) -> Plan {
        self.board.plan(&self.context(), &self.foresight())
    }

    /// The engine's word on a plan, now.
    pub(crate) fn foresight(&self) -> judge::Foresight<'_, 'a, P> {
        judge::Foresight {
            session: self,
            now: self.clock.now(),
        }
    }

    fn evaluate(&self) -> Evaluation {
        let bench = judge::Bench {
            session: self,
            now: self.clock.now(),
        };
        self.board.evaluate(&self.context(), &bench)
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

/// Groups whose launches their gates suspended, and for which version of the spec.
fn given_up(gates: &[Readiness]) -> BTreeMap<String, String> {
    let suspended = gates.iter().filter_map(|gate| {
        let suspended = gate.suspended.as_ref()?;
        Some((gate.group.clone(), suspended.spec_version.clone()))
    });
    suspended.collect()
}

/// Groups that launch one instance for a try, and for which version of the spec.
fn tried(gates: &[Readiness]) -> BTreeMap<String, String> {
    let tried = gates.iter().filter_map(|gate| {
        let canary = gate.canary.as_ref()?;
        Some((gate.group.clone(), canary.spec_version.clone()))
    });
    tried.collect()
}

//! All kinds of one stack, with what AWS showed of them: asks each what to do, and says what must be looked at first.
//!
//! What is wanted comes first. What is there and not wanted leaves only when everything wanted is in sync, so that
//! nothing is taken away before what takes its place serves; and in the order that the kinds ask for ([`Kind::AFTER`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Change, Kind, Next, Present, Removal};
use crate::kinds;
use crate::plan::{Field, Plan};

/// What the board found out about one wanted resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What its kind says is next.
    Next(Next),
    /// Another resource comes first.
    Blocked(Blocked),
    /// Settled in an earlier pass, and not looked at in this one.
    Cached(Outputs),
    /// Its kind's questions are not all answered yet.
    Unobserved,
}

impl Outcome {
    /// As wanted, and ready for use.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Cached(_) | Self::Next(Next::InSync(_)))
    }
}

/// What the board found out about one resource that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// Send this.
    Send {
        /// The call.
        request: Request,
        /// Why, in words.
        reason: String,
    },
    /// AWS is busy with it, or somebody else holds it: look again later.
    Wait {
        /// What is waited for, in words.
        reason: String,
    },
    /// A person must act.
    Refuse {
        /// Why, and what to do.
        reason: String,
    },
    /// Something else comes first.
    Later,
}

impl From<Removal> for Departure {
    fn from(removal: Removal) -> Self {
        match removal {
            Removal::Send { request, reason } => Self::Send { request, reason },
            Removal::Wait { reason } => Self::Wait { reason },
        }
    }
}

/// Everything a board can say at one time.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// What is next for every wanted resource.
    pub outcomes: BTreeMap<Id, Outcome>,
    /// What is known of each.
    pub known: Known,
    /// What is there and not wanted, of the kinds that were looked at.
    pub leaving: BTreeMap<Present, Departure>,
    /// Kinds that were looked at as far as they can be: of these, what is not in `leaving` is not there.
    pub observed: BTreeSet<&'static str>,
    /// Every kind could say what it wants: what is not among the outcomes is not wanted.
    pub complete: bool,
}

/// The engine's word on what a kind proposes: it may turn a step into waiting or a refusal.
pub trait Judge {
    /// On a step of a wanted resource.
    fn next(&self, id: &Id, next: Next) -> Next;
    /// On a step of a resource that leaves.
    fn removal(&self, present: &Present, removal: Removal) -> Departure;
}

/// Lets everything through.
pub(crate) struct Lenient;

impl Judge for Lenient {
    fn next(&self, _: &Id, next: Next) -> Next {
        next
    }
    fn removal(&self, _: &Present, removal: Removal) -> Departure {
        removal.into()
    }
}

/// A kind with what was seen of it, its type erased.
trait AnyKind {
    fn wants(&self, cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked>;
    fn queries(&self, cx: &Context, known: &Known) -> Result<Vec<Request>, Blocked>;
    fn hears(&self, question: &Request) -> bool;
    fn read(&mut self, request: &Request, response: &Response);
    fn next(&self, cx: &Context, id: &Id, known: &Known) -> Result<Next, Blocked>;
    fn name(&self) -> &'static str;
    fn after(&self) -> &'static [&'static str];
    fn present(&self, cx: &Context) -> Vec<Present>;
    fn remove(&self, cx: &Context, present: &Present) -> Removal;
}

struct Slot<K: Kind>(K::Seen);

impl<K: Kind> AnyKind for Slot<K> {
    fn wants(&self, cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        if cx.destroying {
            return Ok(vec![]);
        }
        K::wants(cx, known)
    }
    fn queries(&self, cx: &Context, known: &Known) -> Result<Vec<Request>, Blocked> {
        if cx.destroying && !K::GOES {
            return Ok(vec![]);
        }
        K::queries(cx, known, &self.0)
    }
    fn hears(&self, question: &Request) -> bool {
        K::hears(question)
    }
    fn read(&mut self, request: &Request, response: &Response) {
        K::read(&mut self.0, request, response);
    }
    fn next(&self, cx: &Context, id: &Id, known: &Known) -> Result<Next, Blocked> {
        K::next(cx, id, &self.0, known)
    }
    fn name(&self) -> &'static str {
        K::NAME
    }
    fn after(&self) -> &'static [&'static str] {
        K::AFTER
    }
    fn present(&self, cx: &Context) -> Vec<Present> {
        if cx.destroying && !K::GOES {
            return vec![];
        }
        K::present(cx, &self.0)
    }
    fn remove(&self, cx: &Context, present: &Present) -> Removal {
        K::remove(cx, present, &self.0)
    }
}

/// How to look at the kinds.
#[derive(Clone, Copy)]
struct Mode<'a> {
    /// Skip kinds whose resources all settled in an earlier pass.
    focused: bool,
    /// Take planned resources for ready ones, and ask no questions.
    planning: bool,
    judge: &'a dyn Judge,
}

/// All kinds of one stack.
pub struct Board {
    kinds: Vec<Box<dyn AnyKind>>,
    answered: BTreeSet<Request>,
    focused: bool,
}

macro_rules! slots {
    ($($kind:path),* $(,)?) => { vec![$(Box::new(Slot::<$kind>(Default::default())) as Box<dyn AnyKind>),*] };
}

impl Board {
    /// A board on which nothing was seen yet. `focused`: look only at kinds with something unsettled.
    #[must_use]
    pub fn new(focused: bool) -> Self {
        Self {
            kinds: slots![
                kinds::zones::Zones,
                kinds::image::Image,
                kinds::quotas::Quotas,
                kinds::vpc::Vpc,
                kinds::internet_gateway::InternetGateway,
                kinds::subnet::Subnet,
                kinds::address::Address,
                kinds::nat_gateway::NatGateway,
                kinds::route_table::RouteTable,
                kinds::route::Route,
                kinds::route_table_association::RouteTableAssociation,
                kinds::security_group::SecurityGroup,
                kinds::security_group_rule::SecurityGroupRule,
                kinds::vpc_endpoint::VpcEndpoint,
                kinds::instance_role::InstanceRole,
                kinds::instance_role_policy::InstanceRolePolicy,
                kinds::instance_profile::InstanceProfile,
                kinds::log_group::LogGroup,
                kinds::launch_template::LaunchTemplate,
                kinds::load_balancer::LoadBalancer,
                kinds::load_balancer_attributes::LoadBalancerAttributes,
                kinds::target_group::TargetGroup,
                kinds::target_group_attributes::TargetGroupAttributes,
                kinds::probe_target_group::ProbeTargetGroup,
                kinds::listener::Listener,
                kinds::probe_rule::ProbeRule,
                kinds::auto_scaling_group::AutoScalingGroup,
                kinds::scaling_policy::ScalingPolicy,
                kinds::scheduled_action::ScheduledAction,
                kinds::lifecycle_hook::LifecycleHook,
                kinds::group_metrics::GroupMetrics,
                kinds::instance::Instance,
                kinds::target_registration::TargetRegistration,
                kinds::targets::Targets,
                kinds::network_interface::NetworkInterface,
                kinds::topic::Topic,
                kinds::subscription::Subscription,
                kinds::alarm::Alarm,
                kinds::dashboard::Dashboard,
                kinds::tags::Tags,
            ],
            answered: BTreeSet::new(),
            focused,
        }
    }

    /// The questions that can be asked now and were not yet answered in this pass.
    #[must_use]
    pub fn questions(&self, cx: &Context, known: &Known) -> BTreeSet<Request> {
        let open = self.kinds.iter().map(AsRef::as_ref).filter(|kind| {
            !self.skips(*kind, cx, known)
                && (self.may_remove(*kind, cx, known) || !self.waits_for_others(*kind, cx, known))
        });
        open.filter_map(|kind| kind.queries(cx, known).ok())
            .flatten()
            .filter(|query| !self.answered.contains(query))
            .collect()
    }

    /// The questions that were answered in this pass, by action: where it was looked.
    #[must_use]
    pub fn looked_with(&self) -> BTreeSet<&'static str> {
        self.answered.iter().map(Request::action).collect()
    }

    /// Folds an answer in; `None` says that what was asked about does not exist.
    pub fn fold(&mut self, request: &Request, response: Option<&Response>) {
        if !request.effect().is_mutating() {
            self.answered.insert(request.clone());
        }
        if let Some(response) = response {
            for kind in self.kinds.iter_mut().filter(|kind| kind.hears(request)) {
                kind.read(request, response);
            }
        }
    }

    /// What is next for every resource, wanted or leaving. `judge` has the last word on each step.
    #[must_use]
    pub fn evaluate(&self, cx: &Context, judge: &dyn Judge) -> Evaluation {
        self.settle(
            cx,
            Mode {
                focused: self.focused,
                planning: false,
                judge,
            },
        )
    }

    /// Everything that would be done from here, without doing it and without what each step sets. `judge` turns what was
    /// done already, and does not show yet, into waiting.
    #[must_use]
    pub fn plan(&self, cx: &Context, judge: &dyn Judge) -> Plan {
        self.planned(cx, judge, |_, _| vec![])
    }

    /// Everything that would be done from here, field by field, without doing it.
    #[must_use]
    pub fn plan_in_full(&self, cx: &Context, judge: &dyn Judge) -> Plan {
        self.planned(cx, judge, crate::plan::fields)
    }

    fn planned(
        &self,
        cx: &Context,
        judge: &dyn Judge,
        fields: impl Fn(&Request, &Value) -> Vec<Field>,
    ) -> Plan {
        let mode = Mode {
            focused: self.focused,
            planning: true,
            judge,
        };
        Plan::of(cx, &self.settle(cx, mode), fields)
    }

    /// Asks all kinds, and those that were blocked again, until no answer tells another kind anything new. Knowledge
    /// only grows, so what was answered once stays so, and it ends.
    fn settle(&self, cx: &Context, mode: Mode) -> Evaluation {
        let mut known = if cx.destroying {
            recorded(cx)
        } else {
            Known::default()
        };
        let mut outcomes = BTreeMap::new();
        let mut open: Vec<&dyn AnyKind> = self.kinds.iter().map(AsRef::as_ref).collect();
        loop {
            let before = known.len();
            open.retain(|kind| self.ask(*kind, cx, mode, &mut known, &mut outcomes));
            if open.is_empty() || known.len() == before {
                break;
            }
        }
        let complete = self.kinds.iter().all(|kind| kind.wants(cx, &known).is_ok());
        let kinds = self.kinds.iter().map(AsRef::as_ref);
        let observed = kinds.filter(|kind| {
            self.looked_at(*kind, cx, &known) || (!self.focused && Self::has_no_question(*kind, cx, &known))
        });
        let mut evaluation = Evaluation {
            observed: observed.map(AnyKind::name).collect(),
            outcomes,
            known,
            leaving: BTreeMap::new(),
            complete,
        };
        evaluation.leaving = self.departures(cx, mode, &evaluation);
        evaluation
    }

    /// What is there and not wanted, and how each goes.
    fn departures(&self, cx: &Context, mode: Mode, found: &Evaluation) -> BTreeMap<Present, Departure> {
        let kinds = self.kinds.iter().map(AsRef::as_ref);
        let looked_at = kinds.filter(|kind| found.observed.contains(kind.name()));
        let leaving: Vec<(&dyn AnyKind, Present)> = looked_at
            .flat_map(|kind| {
                let present = kind.present(cx).into_iter();
                present.filter(|it| leaves(it, found)).map(move |it| (kind, it))
            })
            .collect();
        let mut going: BTreeSet<&str> = leaving.iter().map(|(kind, _)| kind.name()).collect();
        let others = self.kinds.iter().map(|kind| kind.name());
        going.extend(
            others.filter(|kind| !found.observed.contains(kind) && any_leaving(cx, kind, &found.outcomes)),
        );
        let in_sync = found.complete && found.outcomes.values().all(Outcome::is_ready);
        let departure = |kind: &dyn AnyKind, it: &Present| {
            if !mode.planning && (!in_sync || kind.after().iter().any(|first| going.contains(first))) {
                Departure::Later
            } else {
                mode.judge.removal(it, kind.remove(cx, it))
            }
        };
        leaving
            .into_iter()
            .map(|(kind, it)| {
                let departure = departure(kind, &it);
                (it, departure)
            })
            .collect()
    }

    /// Asks one kind. Answers whether knowing more could change what it says.
    fn ask(
        &self,
        kind: &dyn AnyKind,
        cx: &Context,
        mode: Mode,
        known: &mut Known,
        outcomes: &mut BTreeMap<Id, Outcome>,
    ) -> bool {
        let Ok(wanted) = kind.wants(cx, known) else {
            return true;
        };
        let looked = self.observed(kind, cx, known);
        let cached =
            mode.focused && !self.looked_at(kind, cx, known) && (!looked || self.skips(kind, cx, known));
        let mut open = false;
        for id in wanted {
            let settled = cx.record(&id).filter(|record| record.settled);
            let outcome = match (settled, kind.next(cx, &id, known)) {
                (Some(record), _) if cached => Outcome::Cached(record.outputs.clone()),
                (_, Err(blocked)) if looked || mode.focused => Outcome::Blocked(blocked),
                // What was not looked at has no say yet.
                _ if !looked && !mode.planning => Outcome::Unobserved,
                (_, Err(blocked)) => Outcome::Blocked(blocked),
                (_, Ok(next)) => Outcome::Next(mode.judge.next(&id, next)),
            };
            open |= matches!(outcome, Outcome::Blocked(_) | Outcome::Unobserved);
            learn(known, &id, &outcome, mode.planning);
            outcomes.insert(id, outcome);
        }
        open
    }

    /// Whether all of a kind's resources settled in an earlier pass, and none leaves that could go now, in a pass that
    /// looks only at the others.
    fn skips(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        self.focused
            && !self.may_remove(kind, cx, known)
            && kind.wants(cx, known).is_ok_and(|ids| {
                ids.iter()
                    .all(|id| cx.record(id).is_some_and(|record| record.settled))
            })
    }

    /// Whether an earlier pass left something of a kind that leaves, and nothing has to go or to be ready before.
    fn may_remove(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        let going = |name: &str| {
            let kind = self.kinds.iter().find(|kind| kind.name() == name);
            kind.is_some_and(|kind| self.any_going(kind.as_ref(), cx, known))
        };
        self.any_going(kind, cx, known)
            && self.all_ready(cx, known)
            && !kind.after().iter().any(|first| going(first))
    }

    /// Whether anything of a kind leaves: as AWS shows it if it was looked at, else as it was recorded.
    fn any_going(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        let wants = kind.wants(cx, known).unwrap_or_default();
        if self.looked_at(kind, cx, known) {
            let stays = |it: &Present| {
                let resource = known.get(&it.id).filter(|_| wants.contains(&it.id));
                resource.is_some_and(|resource| resource.outputs.get("id") == it.physical)
            };
            return !kind.present(cx).iter().all(stays);
        }
        let records = cx.records.iter().filter(|(id, _)| id.kind() == kind.name());
        records
            .into_iter()
            .any(|(id, record)| !record.leaving.is_empty() || !wants.contains(id))
    }

    /// Whether everything that is wanted is known to be ready.
    fn all_ready(&self, cx: &Context, known: &Known) -> bool {
        self.kinds.iter().all(|kind| {
            let wants = kind.wants(cx, known);
            wants.is_ok_and(|ids| {
                ids.iter()
                    .all(|id| known.get(id).is_some_and(|resource| resource.ready))
            })
        })
    }

    /// Whether there is nothing to ask about a kind: the spec has none of it, and none is left; or, of a stack that is
    /// being destroyed, what it belongs to is gone.
    fn has_no_question(kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        kind.queries(cx, known)
            .map_or(cx.destroying, |queries| queries.is_empty())
    }

    /// Whether AWS was asked about a kind in this pass, and has answered.
    fn looked_at(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        let queries = kind.queries(cx, known).unwrap_or_default();
        !queries.is_empty() && queries.iter().all(|query| self.answered.contains(query))
    }

    /// Whether looking at a kind would tell nothing in a pass that looks only at what is unsettled: each of its
    /// unsettled resources has to wait for another one first.
    fn waits_for_others(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        let settled = |id: &Id| cx.record(id).is_some_and(|record| record.settled);
        let blocked = |id: &Id| settled(id) || kind.next(cx, id, known).is_err();
        self.focused && kind.wants(cx, known).is_ok_and(|ids| ids.iter().all(blocked))
    }

    fn observed(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        match kind.queries(cx, known) {
            Ok(queries) => queries.iter().all(|query| self.answered.contains(query)),
            Err(_) => true,
        }
    }
}

/// Whether something that is there is not wanted. Of what is wanted and not known yet nothing leaves.
fn leaves(it: &Present, found: &Evaluation) -> bool {
    match (found.outcomes.get(&it.id), found.known.get(&it.id)) {
        (None, _) => found.complete,
        (Some(_), Some(resource)) => resource.outputs.get("id") != it.physical,
        (Some(_), None) => false,
    }
}

/// Whether something of a kind was leaving when it was last looked at.
fn any_leaving(cx: &Context, kind: &str, outcomes: &BTreeMap<Id, Outcome>) -> bool {
    let records = cx.records.iter().filter(|(id, _)| id.kind() == kind);
    records
        .into_iter()
        .any(|(id, record)| !record.leaving.is_empty() || !outcomes.contains_key(id))
}

/// What was recorded, as existing and not ready: what a stack that is being destroyed is known by.
fn recorded(cx: &Context) -> Known {
    let mut known = Known::default();
    for (id, record) in cx.records {
        known.insert(id.clone(), record.outputs.clone(), false);
    }
    known
}

/// Adds what an outcome tells about a resource to what is known.
fn learn(known: &mut Known, id: &Id, outcome: &Outcome, planning: bool) {
    let (outputs, ready) = match outcome {
        Outcome::Cached(outputs) | Outcome::Next(Next::InSync(outputs)) => (Some(outputs), true),
        Outcome::Next(next) => (next.outputs(), false),
        Outcome::Blocked(_) | Outcome::Unobserved => (None, false),
    };
    match (outputs, outcome) {
        (Some(outputs), _) => known.insert(id.clone(), outputs.clone(), ready || planning),
        (
            None,
            Outcome::Next(Next::Ensure {
                change: change @ (Change::Create | Change::Recreate | Change::CreateBeside | Change::Replace),
                ..
            }),
        ) if planning => {
            known.insert(
                id.clone(),
                Outputs::planned(id, matches!(change, Change::CreateBeside | Change::Replace)),
                true,
            );
        }
        _ => {}
    }
}

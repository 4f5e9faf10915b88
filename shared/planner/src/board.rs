//! All kinds of one stack, with what AWS showed of them: asks each what to do, and says what must be looked at first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Change, Kind, Next};
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

/// A kind with what was seen of it, its type erased.
trait AnyKind {
    fn wants(&self, cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked>;
    fn queries(&self, cx: &Context, known: &Known) -> Result<Vec<Request>, Blocked>;
    fn hears(&self, question: &Request) -> bool;
    fn read(&mut self, request: &Request, response: &Response);
    fn next(&self, cx: &Context, id: &Id, known: &Known) -> Result<Next, Blocked>;
}

struct Slot<K: Kind>(K::Seen);

impl<K: Kind> AnyKind for Slot<K> {
    fn wants(&self, cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked> {
        K::wants(cx, known)
    }
    fn queries(&self, cx: &Context, known: &Known) -> Result<Vec<Request>, Blocked> {
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
}

/// How to look at the kinds.
#[derive(Clone, Copy)]
struct Mode<'a> {
    /// Skip kinds whose resources all settled in an earlier pass.
    focused: bool,
    /// Take planned resources for ready ones, and ask no questions; with what is known of those that cannot be seen.
    planning: Option<&'a Known>,
    /// The engine's word on each step: it may turn it into waiting.
    judge: &'a dyn Fn(&Id, Next) -> Next,
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
                kinds::listener::Listener,
                kinds::auto_scaling_group::AutoScalingGroup,
                kinds::group_metrics::GroupMetrics,
                kinds::instance::Instance,
                kinds::target_registration::TargetRegistration,
                kinds::targets::Targets,
                kinds::topic::Topic,
                kinds::subscription::Subscription,
                kinds::alarm::Alarm,
                kinds::dashboard::Dashboard,
            ],
            answered: BTreeSet::new(),
            focused,
        }
    }

    /// The questions that can be asked now and were not yet answered in this pass.
    #[must_use]
    pub fn questions(&self, cx: &Context, known: &Known) -> BTreeSet<Request> {
        let open = self.kinds.iter().filter(|kind| {
            !self.skips(kind.as_ref(), cx, known) && !self.waits_for_others(kind.as_ref(), cx, known)
        });
        open.filter_map(|kind| kind.queries(cx, known).ok())
            .flatten()
            .filter(|query| !self.answered.contains(query))
            .collect()
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

    /// What is next for every wanted resource, and what is known of each. `judge` has the last word on each step.
    #[must_use]
    pub fn evaluate(
        &self,
        cx: &Context,
        judge: &dyn Fn(&Id, Next) -> Next,
    ) -> (BTreeMap<Id, Outcome>, Known) {
        self.settle(
            cx,
            Mode {
                focused: self.focused,
                planning: None,
                judge,
            },
        )
    }

    /// Everything that would be done from here, without doing it and without what each step sets. What is `known` of a
    /// resource that was created and cannot be seen yet holds for those that depend on it.
    #[must_use]
    pub fn plan(&self, cx: &Context, known: &Known) -> Plan {
        self.planned(cx, known, |_, _| vec![])
    }

    /// Everything that would be done from here, field by field, without doing it.
    #[must_use]
    pub fn plan_in_full(&self, cx: &Context, known: &Known) -> Plan {
        self.planned(cx, known, crate::plan::fields)
    }

    fn planned(&self, cx: &Context, known: &Known, fields: impl Fn(&Request, &Value) -> Vec<Field>) -> Plan {
        let judge = |_: &Id, next: Next| next;
        let mode = Mode {
            focused: self.focused,
            planning: Some(known),
            judge: &judge,
        };
        let (outcomes, known) = self.settle(cx, mode);
        let all_known = self.kinds.iter().all(|kind| kind.wants(cx, &known).is_ok());
        Plan::of(cx, &outcomes, all_known, fields)
    }

    /// Asks all kinds, and those that were blocked again, until no answer tells another kind anything new. Knowledge
    /// only grows, so what was answered once stays so, and it ends.
    fn settle(&self, cx: &Context, mode: Mode) -> (BTreeMap<Id, Outcome>, Known) {
        let mut known = Known::default();
        let mut outcomes = BTreeMap::new();
        let mut open: Vec<&dyn AnyKind> = self.kinds.iter().map(AsRef::as_ref).collect();
        loop {
            let before = known.len();
            open.retain(|kind| self.ask(*kind, cx, mode, &mut known, &mut outcomes));
            if open.is_empty() || known.len() == before {
                return (outcomes, known);
            }
        }
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
        let cached = mode.focused && (!looked || self.skips(kind, cx, known));
        let mut open = false;
        for id in wanted {
            let settled = cx.record(&id).filter(|record| record.settled);
            let outcome = match (settled, kind.next(cx, &id, known)) {
                (Some(record), _) if cached => Outcome::Cached(record.outputs.clone()),
                (_, Err(blocked)) if looked || mode.focused => Outcome::Blocked(blocked),
                // What was not looked at has no say yet.
                _ if !looked && mode.planning.is_none() => Outcome::Unobserved,
                (_, Err(blocked)) => Outcome::Blocked(blocked),
                (_, Ok(next)) => Outcome::Next((mode.judge)(&id, next)),
            };
            open |= matches!(outcome, Outcome::Blocked(_) | Outcome::Unobserved);
            learn(known, &id, &outcome, mode.planning);
            outcomes.insert(id, outcome);
        }
        open
    }

    /// Whether all of a kind's resources settled in an earlier pass, in a pass that looks only at the others.
    fn skips(&self, kind: &dyn AnyKind, cx: &Context, known: &Known) -> bool {
        self.focused
            && kind.wants(cx, known).is_ok_and(|ids| {
                ids.iter()
                    .all(|id| cx.record(id).is_some_and(|record| record.settled))
            })
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

/// Adds what an outcome tells about a resource to what is known.
fn learn(known: &mut Known, id: &Id, outcome: &Outcome, planning: Option<&Known>) {
    let (outputs, ready) = match outcome {
        Outcome::Cached(outputs) | Outcome::Next(Next::InSync(outputs)) => (Some(outputs), true),
        Outcome::Next(next) => (next.outputs(), false),
        Outcome::Blocked(_) | Outcome::Unobserved => (None, false),
    };
    match (outputs, outcome) {
        (Some(outputs), _) => known.insert(id.clone(), outputs.clone(), ready || planning.is_some()),
        (
            None,
            Outcome::Next(Next::Ensure {
                change: Change::Create | Change::Recreate,
                ..
            }),
        ) => {
            if let Some(unseen) = planning {
                let outputs = unseen.exists(id).cloned();
                known.insert(id.clone(), outputs.unwrap_or_else(|_| Outputs::planned(id)), true);
            }
        }
        _ => {}
    }
}

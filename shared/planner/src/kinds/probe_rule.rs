//! The probe rule: makes the probe target group one that the load balancer uses, and so checks (rule 49). No client can
//! match it.
//!
//! One that leads elsewhere, or that clients could match, gets another one beside it, and leaves.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_calls::elb::{
    self, Action, CreateRule, DeleteRule, DescribeRules, DescribeTags, Response as Elb, Rule,
};
use windlass_calls::{Request, Response, Tags};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The probe rule.
pub struct ProbeRule;

/// Where no request to a load balancer comes from.
const NOWHERE: &str = "127.0.0.1/32";
/// Most ARNs that one question about tags may name.
const AT_ONCE: usize = 20;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// By listener.
    rules: BTreeMap<String, Vec<Rule>>,
    /// Tags of rules and target groups that were asked for them.
    tags: BTreeMap<String, Tags>,
}

impl Seen {
    /// Those that are ours: recorded so, or by their tags.
    fn ours(&self, cx: &Context) -> Vec<&Rule> {
        let ours = |rule: &&Rule| match self.tags.get(&rule.arn) {
            Some(tags) => names::owned(tags, &cx.spec.stack) && names::is(tags, &Id::only(ProbeRule::NAME)),
            None => is_recorded(cx, &rule.arn),
        };
        self.rules.values().flatten().filter(ours).collect()
    }

    /// Whether there may be one, though none is wanted: then its target group is there too.
    fn may_be(&self, cx: &Context) -> bool {
        let kinds = [ProbeRule::NAME, "probe-target-group"];
        let tagged = |tags: &Tags| {
            let id = names::resource(tags).filter(|_| names::owned(tags, &cx.spec.stack));
            id.is_some_and(|id| kinds.contains(&id.kind()))
        };
        cx.records.keys().any(|id| kinds.contains(&id.kind())) || self.tags.values().any(tagged)
    }
}

impl Kind for ProbeRule {
    type Seen = Seen;
    const NAME: &'static str = "probe-rule";
    const AFTER: &'static [&'static str] = &["auto-scaling-group"];
    const GOES: bool = false;

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let wanted = super::is_gated(cx);
        Ok(wanted.then(|| Id::only(Self::NAME)).into_iter().collect())
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let mut listeners = vec![];
        if super::is_gated(cx) {
            listeners.push(known.exists(&forwarding(cx))?.get("arn"));
        }
        if looks_elsewhere(cx, &listeners, seen) {
            let wanted = cx.spec.load_balancer.listeners.iter();
            let there = wanted.filter_map(|wanted| known.get(&Id::of("listener", wanted.port)));
            listeners.extend(there.map(|listener| listener.outputs.get("arn")));
        }
        let asked = listeners
            .into_iter()
            .map(|listener| DescribeRules { listener }.into());
        let rules = seen.rules.values().flatten();
        let unknown = rules.filter(|rule| !is_recorded(cx, &rule.arn) && !seen.tags.contains_key(&rule.arn));
        let resources: Vec<String> = unknown.take(AT_ONCE).map(|rule| rule.arn.clone()).collect();
        let tags = (!resources.is_empty()).then(|| DescribeTags { resources }.into());
        Ok(asked.chain(tags).collect())
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (Request::Elb(elb::Request::DescribeRules(asked)), Response::Elb(Elb::DescribeRules(rules))) => {
                seen.rules.insert(asked.listener.clone(), rules.clone());
            }
            (Request::Elb(elb::Request::CreateRule(create)), Response::Elb(Elb::CreateRule(rule))) => {
                seen.tags.insert(rule.arn.clone(), create.tags.clone());
                let rules = seen.rules.entry(create.listener.clone()).or_default();
                rules.push(rule.clone());
            }
            (Request::Elb(elb::Request::DeleteRule(delete)), _) => {
                let rules = seen.rules.values_mut();
                rules.for_each(|rules| rules.retain(|rule| rule.arn != delete.rule));
            }
            (_, Response::Elb(Elb::DescribeTags(found))) => {
                let found = found.iter().map(|one| (one.resource.clone(), one.tags.clone()));
                seen.tags.extend(found);
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let listener = known.exists(&forwarding(cx))?;
        let group = known.exists(&Id::only("probe-target-group"))?;
        let fits = |rule: &&Rule| {
            let leads = matches!(&rule.action, Some(Action::Forward(to)) if group.is("arn", to));
            leads && rule.source_ips == [NOWHERE] && listener.is("arn", &listener_of(&rule.arn))
        };
        let (fitting, old): (Vec<_>, Vec<_>) = seen.ours(cx).into_iter().partition(fits);
        let this = fitting
            .into_iter()
            .min_by_key(|rule| (!is_recorded(cx, &rule.arn), rule.arn.clone()));
        Ok(match this {
            Some(rule) => Next::InSync(
                Outputs::id(&rule.arn)
                    .with("listener", listener_of(&rule.arn))
                    .with("targetGroup", group.get("arn")),
            ),
            None => create(cx, id, seen, &old, (listener.get("arn"), group.get("arn"))),
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let ours = seen.ours(cx).into_iter();
        ours.map(|rule| Present::new(Id::only(Self::NAME), &rule.arn))
            .collect()
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let rule = it.physical.clone();
        Removal::send(DeleteRule { rule }, "no new instance is checked by it any more")
    }
}

/// The listener that it belongs to: the first one that forwards. The spec always has one.
fn forwarding(cx: &Context) -> Id {
    let mut listeners = cx.spec.load_balancer.listeners.iter();
    let first = listeners.find(|listener| listener.redirect_to.is_none());
    Id::of("listener", first.map_or(0, |listener| listener.port))
}

/// The listener that a rule's ARN names.
fn listener_of(rule: &str) -> String {
    let listener = rule.rsplit_once('/').map_or(rule, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

fn is_recorded(cx: &Context, rule: &str) -> bool {
    let record = cx.record(&Id::only(ProbeRule::NAME));
    record.is_some_and(|record| record.outputs.get("id") == rule)
}

/// Whether one may be on another listener than the `wanted` one, among those that stay: with the others it goes.
fn looks_elsewhere(cx: &Context, wanted: &[String], seen: &Seen) -> bool {
    let record = cx.record(&Id::only(ProbeRule::NAME));
    let moved = record.is_some_and(|record| {
        !record.leaving.is_empty() || !wanted.contains(&record.outputs.get("listener"))
    });
    (cx.thorough || moved || wanted.is_empty()) && seen.may_be(cx)
}

/// Another one, of the first priority that is free. Nothing has to be waited for if the recorded one does not fit, or was
/// made for something else.
fn create(cx: &Context, id: &Id, seen: &Seen, old: &[&Rule], (listener, group): (String, String)) -> Next {
    let taken = seen.rules.get(&listener).map_or(&[][..], Vec::as_slice);
    let is_free = |priority: &u32| taken.iter().all(|rule| rule.priority != *priority);
    let another = cx.record(id).is_some_and(|record| {
        let made_for = [record.outputs.get("listener"), record.outputs.get("targetGroup")];
        let does_not_fit = old.iter().any(|rule| is_recorded(cx, &rule.arn));
        does_not_fit || made_for != [listener.clone(), group.clone()]
    });
    let create = CreateRule {
        listener,
        priority: (1..=u32::MAX).find(is_free).unwrap_or(1),
        source_ips: vec![NOWHERE.into()],
        action: Action::Forward(group),
        tags: names::tags(cx.spec, id),
    };
    let reason = "makes the load balancer check new instances; no client matches it";
    let next = match old.first() {
        _ if another => Next::recreate(create, reason),
        Some(_) => Next::create_beside(create, reason),
        None => Next::create(create, reason),
    };
    match old.first() {
        Some(rule) => next.over(json!({
            "listener": listener_of(&rule.arn), "sourceIps": rule.source_ips, "action": rule.action,
        })),
        None => next,
    }
}

//! Rules of listeners.

use windlass_calls::Class;
use windlass_calls::elb::{
    Action, CreateRule, DeleteListener, DeleteRule, DeleteTargetGroup, DescribeRules, DescribeTargetGroups,
    Rule,
};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{NO_LISTENER, NO_RULE, NO_TARGET_GROUP, target_group_request};
use super::listeners;
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

/// Rule 49: it makes its target group one that is in use.
pub(super) async fn a_new_rule_forwards_from_its_addresses_and_shows_its_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "rule").await?;
    let made = place.call(request.clone()).await?;
    let shown = only("rules", described(place, &request.listener).await?)?;
    same("ARN", &shown.arn, &made.arn)?;
    same("priority", shown.priority, 1)?;
    same("addresses", shown.source_ips, request.source_ips)?;
    same("action", shown.action, Some(request.action))?;
    let balancers = users(place, "rule").await?;
    same("load balancers of the target group", balancers.len(), 1)?;
    shows_tags(place, &made.arn, "rule").await
}

pub(super) async fn a_repeated_rule_answers_that_its_priority_is_taken<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "rule-twice").await?;
    place.call(request.clone()).await?;
    place
        .refuses(request.clone(), Class::Exists, "PriorityInUse")
        .await?;
    only("rules", described(place, &request.listener).await?).map(drop)
}

pub(super) async fn a_rule_of_a_missing_listener_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateRule {
        listener: NO_LISTENER.into(),
        ..request(place, "rule-no-listener").await?
    };
    place.refuses(call, Class::Gone, "ListenerNotFound").await
}

pub(super) async fn a_rule_to_a_missing_target_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateRule {
        action: Action::Forward(NO_TARGET_GROUP.into()),
        ..request(place, "rule-no-tg").await?
    };
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

pub(super) async fn a_deleted_rule_is_gone_and_its_target_group_unused<P: Port>(place: &Place<P>) -> Check {
    let (listener, made) = made(place, "rule-gone").await?;
    place.call(delete(&made.arn)).await?;
    same("rules", described(place, &listener).await?, vec![])?;
    let balancers = users(place, "rule-gone").await?;
    same("load balancers of the target group", balancers, vec![])
}

pub(super) async fn a_rule_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let (_, made) = made(place, "rule-gone-2").await?;
    place.call(delete(&made.arn)).await?;
    let call = delete(&made.arn);
    place.refuses(call, Class::Gone, "RuleNotFound").await
}

pub(super) async fn a_missing_rule_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    place.refuses(delete(NO_RULE), Class::Gone, "RuleNotFound").await
}

pub(super) async fn a_rule_goes_with_its_listener<P: Port>(place: &Place<P>) -> Check {
    let (listener, made) = made(place, "rule-with").await?;
    place.call(DeleteListener { listener }).await?;
    let balancers = users(place, "rule-with").await?;
    same("load balancers of the target group", balancers, vec![])?;
    let call = delete(&made.arn);
    place.refuses(call, Class::Gone, "RuleNotFound").await
}

pub(super) async fn a_target_group_of_a_rule_stays<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "rule-tg").await?;
    place.call(request.clone()).await?;
    let Action::Forward(target_group) = request.action else {
        return Err(Mismatch::new("the rule does not forward"));
    };
    let call = DeleteTargetGroup { target_group };
    place.refuses(call, Class::NotYet, "ResourceInUse").await
}

pub(super) async fn a_listener_without_rules_has_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    let made = listeners::made(place, "rule-none").await?;
    same("rules", described(place, &made.arn).await?, vec![])
}

pub(super) async fn rules_of_a_missing_listener_are_gone<P: Port>(place: &Place<P>) -> Check {
    let listener = NO_LISTENER.into();
    let call = DescribeRules { listener };
    place.refuses(call, Class::Gone, "ListenerNotFound").await
}

/// A rule that forwards to a target group of its own, and its listener.
async fn made<P: Port>(place: &Place<P>, case: &str) -> Result<(String, Rule), Mismatch> {
    let request = request(place, case).await?;
    Ok((request.listener.clone(), place.call(request).await?))
}

/// A rule that no client meets, on a listener that forwards to another target group than the rule.
async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<CreateRule, Mismatch> {
    let listener = listeners::made(place, case).await?;
    let main = listeners::target_group_of(place, case).await?;
    let probe = target_group_request(place, &probe(case), &main.vpc);
    Ok(CreateRule {
        listener: listener.arn,
        priority: 1,
        source_ips: vec!["127.0.0.1/32".into()],
        action: Action::Forward(place.call(probe).await?.arn),
        tags: place.tags(case),
    })
}

/// Load balancers that use the rule's target group.
async fn users<P: Port>(place: &Place<P>, case: &str) -> Result<Vec<String>, Mismatch> {
    let name = Some(place.name(&probe(case)));
    let group = only("target groups", place.call(DescribeTargetGroups { name }).await?)?;
    Ok(group.load_balancers)
}

fn probe(case: &str) -> String {
    format!("{case}-probe")
}

fn delete(rule: &str) -> DeleteRule {
    DeleteRule { rule: rule.into() }
}

async fn described<P: Port>(place: &Place<P>, listener: &str) -> Result<Vec<Rule>, Mismatch> {
    let listener = listener.into();
    place.call(DescribeRules { listener }).await
}

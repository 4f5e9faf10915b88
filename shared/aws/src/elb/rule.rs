//! Rules of listeners, both ways.
//!
//! A rule with other conditions than one of source addresses reads as one without any: somebody else's doing shows as
//! different and not as an error.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use windlass_calls::elb::{CreateRule, DeleteRule, DescribeRules, Rule};

use super::listener::{action, sdk_action};
use super::to_sdk;
use crate::answer::{every, field, part, signed};
use crate::fault::Fault;

/// Name of the condition on where requests come from.
const SOURCE_IP: &str = "source-ip";

pub(super) async fn describe_rules(client: &Client, call: DescribeRules) -> Result<Vec<Rule>, Fault> {
    let request = client.describe_rules().listener_arn(call.listener);
    let found = every(request.into_paginator().items().send()).await?;
    let others = found.into_iter().filter(|rule| rule.is_default != Some(true));
    others.map(rule).collect()
}

pub(super) async fn create_rule(client: &Client, call: CreateRule) -> Result<Rule, Fault> {
    let answer = client
        .create_rule()
        .listener_arn(call.listener)
        .priority(signed(call.priority))
        .conditions(from(call.source_ips))
        .actions(sdk_action(call.action))
        .set_tags(to_sdk(call.tags))
        .send()
        .await?;
    let created = answer.rules.unwrap_or_default();
    rule(part(created.into_iter().next(), "Rules")?)
}

pub(super) async fn delete_rule(client: &Client, call: DeleteRule) -> Result<(), Fault> {
    client.delete_rule().rule_arn(call.rule).send().await?;
    Ok(())
}

fn from(source_ips: Vec<String>) -> sdk::RuleCondition {
    let addresses = sdk::SourceIpConditionConfig::builder().set_values(Some(source_ips));
    sdk::RuleCondition::builder()
        .field(SOURCE_IP)
        .source_ip_config(addresses.build())
        .build()
}

fn rule(found: sdk::Rule) -> Result<Rule, Fault> {
    // The default rule alone has a word in place of a number.
    let priority = found.priority.and_then(|priority| priority.parse().ok());
    Ok(Rule {
        arn: field(found.rule_arn, "RuleArn")?,
        priority: part(priority, "Priority")?,
        source_ips: source_ips(found.conditions.unwrap_or_default()),
        action: action(found.actions.unwrap_or_default()),
    })
}

/// The addresses of the one condition, if it is of the form that we use.
fn source_ips(mut conditions: Vec<sdk::RuleCondition>) -> Vec<String> {
    let only = conditions.pop().filter(|_| conditions.is_empty());
    let addresses = only.filter(|it| it.field.as_deref() == Some(SOURCE_IP));
    let config = addresses.and_then(|it| it.source_ip_config);
    config.and_then(|config| config.values).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use windlass_calls::elb::Action;

    use super::*;

    fn found(conditions: Vec<sdk::RuleCondition>, priority: &str) -> Result<Rule, String> {
        let found = sdk::Rule::builder()
            .rule_arn("arn:rule")
            .priority(priority)
            .set_conditions(Some(conditions))
            .actions(sdk_action(Action::Forward("arn:tg".into())));
        rule(found.build()).map_err(|fault| fault.of("elb:Any").message)
    }

    #[test]
    fn a_rule_for_some_addresses_reads_back_as_it_was_written() {
        let addresses = vec!["127.0.0.1/32".to_owned(), "10.0.0.0/8".to_owned()];
        let expected = Rule {
            arn: "arn:rule".into(),
            priority: 7,
            source_ips: addresses.clone(),
            action: Some(Action::Forward("arn:tg".into())),
        };
        assert_eq!(found(vec![from(addresses)], "7"), Ok(expected));
    }

    #[test]
    fn other_conditions_are_none_of_ours() {
        let path = || {
            let config = sdk::PathPatternConditionConfig::builder().values("/*");
            sdk::RuleCondition::builder()
                .field("path-pattern")
                .path_pattern_config(config.build())
                .build()
        };
        let here = || from(vec!["127.0.0.1/32".into()]);
        for conditions in [vec![], vec![path()], vec![here(), path()], vec![path(), here()]] {
            assert_eq!(found(conditions, "1").map(|rule| rule.source_ips), Ok(vec![]));
        }
    }

    #[test]
    fn a_rule_without_a_number_is_an_error_that_names_it() {
        let missing = "the answer has no Priority".to_owned();
        assert_eq!(found(vec![], "default"), Err(missing));
    }
}

//! Listeners, both ways.
//!
//! A listener that speaks or does something we never ask for reads as one without protocol or action: somebody else's
//! doing shows as different and not as an error.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use windlass_calls::elb::{
    Action, CreateListener, DeleteListener, DescribeListeners, Listener, ModifyListener, Protocol,
};

use super::to_sdk;
use crate::answer::{every, field, number, part};
use crate::fault::Fault;

/// What a redirect puts in place of each part of the address that it keeps.
const SAME_HOST: &str = "#{host}";
const SAME_PATH: &str = "/#{path}";
const SAME_QUERY: &str = "#{query}";

/// Weight of a target group that has none.
const DEFAULT_WEIGHT: u16 = 1;

pub(super) async fn describe_listeners(
    client: &Client,
    call: DescribeListeners,
) -> Result<Vec<Listener>, Fault> {
    let request = client.describe_listeners().load_balancer_arn(call.load_balancer);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(listener).collect()
}

pub(super) async fn create_listener(client: &Client, call: CreateListener) -> Result<Listener, Fault> {
    let spoken = Spoken::of(call.protocol);
    let answer = client
        .create_listener()
        .load_balancer_arn(call.load_balancer)
        .port(i32::from(call.port))
        .protocol(spoken.protocol)
        .set_certificates(spoken.certificates)
        .set_ssl_policy(spoken.policy)
        .default_actions(sdk_action(call.action))
        .set_tags(to_sdk(call.tags))
        .send()
        .await?;
    let created = answer.listeners.unwrap_or_default();
    listener(part(created.into_iter().next(), "Listeners")?)
}

pub(super) async fn modify_listener(client: &Client, call: ModifyListener) -> Result<(), Fault> {
    let spoken = Spoken::of(call.protocol);
    client
        .modify_listener()
        .listener_arn(call.listener)
        .protocol(spoken.protocol)
        .set_certificates(spoken.certificates)
        .set_ssl_policy(spoken.policy)
        .default_actions(sdk_action(call.action))
        .send()
        .await?;
    Ok(())
}

pub(super) async fn delete_listener(client: &Client, call: DeleteListener) -> Result<(), Fault> {
    let request = client.delete_listener();
    request.listener_arn(call.listener).send().await?;
    Ok(())
}

/// A protocol as AWS takes it.
struct Spoken {
    protocol: sdk::ProtocolEnum,
    certificates: Option<Vec<sdk::Certificate>>,
    policy: Option<String>,
}

impl Spoken {
    fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http => Self {
                protocol: sdk::ProtocolEnum::Http,
                certificates: None,
                policy: None,
            },
            Protocol::Https { certificate, policy } => Self {
                protocol: sdk::ProtocolEnum::Https,
                certificates: Some(vec![
                    sdk::Certificate::builder().certificate_arn(certificate).build(),
                ]),
                policy: Some(policy),
            },
        }
    }
}

fn listener(found: sdk::Listener) -> Result<Listener, Fault> {
    let protocol = part(found.protocol, "Protocol")?;
    Ok(Listener {
        arn: field(found.listener_arn, "ListenerArn")?,
        load_balancer: field(found.load_balancer_arn, "LoadBalancerArn")?,
        port: number(found.port, "Port")?,
        protocol: match protocol {
            sdk::ProtocolEnum::Http => Some(Protocol::Http),
            sdk::ProtocolEnum::Https => Some(https(found.certificates, found.ssl_policy)?),
            _ => None,
        },
        action: action(found.default_actions.unwrap_or_default()),
    })
}

/// AWS shows the default certificate alone; others are asked for with a call of their own.
fn https(certificates: Option<Vec<sdk::Certificate>>, policy: Option<String>) -> Result<Protocol, Fault> {
    let default = certificates.unwrap_or_default().into_iter().next();
    Ok(Protocol::Https {
        certificate: field(
            default.and_then(|certificate| certificate.certificate_arn),
            "CertificateArn",
        )?,
        policy: field(policy, "SslPolicy")?,
    })
}

pub(super) fn sdk_action(action: Action) -> sdk::Action {
    match action {
        Action::Forward(target_group) => sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::Forward)
            .target_group_arn(target_group)
            .build(),
        Action::Split(weights) => {
            let groups = weights.into_iter().map(weighted).collect();
            let forward = sdk::ForwardActionConfig::builder().set_target_groups(Some(groups));
            sdk::Action::builder()
                .r#type(sdk::ActionTypeEnum::Forward)
                .forward_config(forward.build())
                .build()
        }
        Action::RedirectToHttps(port) => {
            let redirect = sdk::RedirectActionConfig::builder()
                .protocol("HTTPS")
                .port(port.to_string())
                .host(SAME_HOST)
                .path(SAME_PATH)
                .query(SAME_QUERY)
                .status_code(sdk::RedirectActionStatusCodeEnum::Http301);
            sdk::Action::builder()
                .r#type(sdk::ActionTypeEnum::Redirect)
                .redirect_config(redirect.build())
                .build()
        }
    }
}

fn weighted((target_group, weight): (String, u16)) -> sdk::TargetGroupTuple {
    sdk::TargetGroupTuple::builder()
        .target_group_arn(target_group)
        .weight(i32::from(weight))
        .build()
}

/// The one action of a listener or a rule, if it is of a form that we use.
pub(super) fn action(mut actions: Vec<sdk::Action>) -> Option<Action> {
    let only = actions.pop().filter(|_| actions.is_empty())?;
    match only.r#type {
        Some(sdk::ActionTypeEnum::Forward) => forwards_to(only),
        Some(sdk::ActionTypeEnum::Redirect) => redirects_to(&only.redirect_config?),
        _ => None,
    }
}

/// Where a forward action leads. AWS names a single target group twice: beside the list and in it. Spread over several,
/// clients that stick to the first one that they met are none of ours.
fn forwards_to(action: sdk::Action) -> Option<Action> {
    let config = action.forward_config;
    let sticks = config
        .as_ref()
        .and_then(|config| config.target_group_stickiness_config.as_ref())
        .is_some_and(|sticky| sticky.enabled == Some(true));
    let listed = config.and_then(|config| config.target_groups);
    let mut weights = listed
        .unwrap_or_default()
        .into_iter()
        .map(weight)
        .collect::<Option<BTreeMap<_, _>>>()?;
    if let Some(single) = action.target_group_arn {
        weights.entry(single).or_insert(DEFAULT_WEIGHT);
    }
    match weights.pop_first()? {
        (only, 1..) if weights.is_empty() => Some(Action::Forward(only)),
        first => {
            weights.extend([first]);
            (!sticks).then_some(Action::Split(weights))
        }
    }
}

fn weight(found: sdk::TargetGroupTuple) -> Option<(String, u16)> {
    let weight = found.weight.map_or(Ok(DEFAULT_WEIGHT), u16::try_from);
    found.target_group_arn.zip(weight.ok())
}

/// The port of a permanent redirect to HTTPS that keeps the rest of the address, as AWS does with what is not said.
fn redirects_to(redirect: &sdk::RedirectActionConfig) -> Option<Action> {
    let keeps = |part: Option<&str>, same: &str| part.is_none_or(|part| part == same);
    let plain = redirect.protocol() == Some("HTTPS")
        && redirect.status_code() == Some(&sdk::RedirectActionStatusCodeEnum::Http301)
        && keeps(redirect.host(), SAME_HOST)
        && keeps(redirect.path(), SAME_PATH)
        && keeps(redirect.query(), SAME_QUERY);
    let port = redirect.port()?.parse().ok()?;
    plain.then_some(Action::RedirectToHttps(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/1";
    const POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06";

    fn split(weights: &[(&str, u16)]) -> Action {
        Action::Split(
            weights
                .iter()
                .map(|(arn, weight)| ((*arn).to_owned(), *weight))
                .collect(),
        )
    }

    fn forward(single: Option<&str>, listed: &[&str]) -> sdk::Action {
        let tuple = |arn: &&str| sdk::TargetGroupTuple::builder().target_group_arn(*arn).build();
        let config = sdk::ForwardActionConfig::builder()
            .set_target_groups(Some(listed.iter().map(tuple).collect()))
            .build();
        sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::Forward)
            .set_target_group_arn(single.map(str::to_owned))
            .forward_config(config)
            .build()
    }

    #[test]
    fn an_action_reads_back_as_it_was_written() {
        for wanted in [
            Action::Forward("tg".into()),
            split(&[("a", 100), ("b", 0)]),
            split(&[("a", 0)]),
            Action::RedirectToHttps(8443),
        ] {
            assert_eq!(action(vec![sdk_action(wanted.clone())]), Some(wanted));
        }
    }

    #[test]
    fn a_forward_leads_to_one_target_group_however_often_aws_names_it() {
        let to = Some(Action::Forward("a".into()));
        assert_eq!(action(vec![forward(Some("a"), &["a"])]), to);
        assert_eq!(action(vec![forward(None, &["a"])]), to);
        assert_eq!(action(vec![forward(None, &[])]), None);
    }

    #[test]
    fn a_forward_to_several_groups_is_split_evenly_where_no_weights_are_given() {
        let found = action(vec![forward(None, &["a", "b"])]);
        assert_eq!(found, Some(split(&[("a", 1), ("b", 1)])));
    }

    #[test]
    fn clients_that_stick_to_one_of_several_groups_are_none_of_ours() {
        let sticky = sdk::TargetGroupStickinessConfig::builder().enabled(true).build();
        let mut forward = forward(None, &["a", "b"]);
        if let Some(config) = forward.forward_config.as_mut() {
            config.target_group_stickiness_config = Some(sticky);
        }
        assert_eq!(action(vec![forward]), None);
    }

    #[test]
    fn several_actions_or_another_type_are_none_of_ours() {
        assert_eq!(
            action(vec![forward(Some("a"), &[]), forward(Some("a"), &[])]),
            None
        );
        let fixed = sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::FixedResponse)
            .build();
        assert_eq!(action(vec![fixed]), None);
        assert_eq!(action(Vec::new()), None);
    }

    fn redirect(change: fn(&mut sdk::RedirectActionConfig)) -> Option<Action> {
        let mut redirect = sdk_action(Action::RedirectToHttps(443));
        redirect.redirect_config.as_mut().map(change)?;
        action(vec![redirect])
    }

    #[test]
    fn a_redirect_that_says_nothing_of_host_path_and_query_keeps_them() {
        let kept = redirect(|to| (to.host, to.path, to.query) = (None, None, None));
        assert_eq!(kept, Some(Action::RedirectToHttps(443)));
    }

    #[test]
    fn a_redirect_elsewhere_or_for_a_while_or_to_plain_http_is_none_of_ours() {
        let changes: [fn(&mut sdk::RedirectActionConfig); 7] = [
            |to| to.host = Some("example.com".into()),
            |to| to.path = Some("/login".into()),
            |to| to.query = Some(String::new()),
            |to| to.protocol = Some("#{protocol}".into()),
            |to| to.port = Some("#{port}".into()),
            |to| to.port = None,
            |to| to.status_code = Some(sdk::RedirectActionStatusCodeEnum::Http302),
        ];
        assert_eq!(changes.map(redirect), [const { None }; 7]);
    }

    fn speaking(protocol: sdk::ProtocolEnum) -> sdk::builders::ListenerBuilder {
        sdk::Listener::builder()
            .listener_arn("arn:listener")
            .load_balancer_arn("arn:lb")
            .port(443)
            .protocol(protocol)
    }

    fn spoken(found: sdk::builders::ListenerBuilder) -> Result<Option<Protocol>, String> {
        let read = listener(found.build()).map_err(|fault| fault.of("elb:Any").message);
        read.map(|listener| listener.protocol)
    }

    #[test]
    fn a_listener_speaks_http_or_https_or_nothing_of_ours() {
        let certificate = sdk::Certificate::builder().certificate_arn(CERTIFICATE).build();
        let tls = speaking(sdk::ProtocolEnum::Https)
            .certificates(certificate)
            .ssl_policy(POLICY);
        let https = Protocol::Https {
            certificate: CERTIFICATE.into(),
            policy: POLICY.into(),
        };
        assert_eq!(spoken(tls), Ok(Some(https)));
        assert_eq!(
            spoken(speaking(sdk::ProtocolEnum::Http)),
            Ok(Some(Protocol::Http))
        );
        assert_eq!(spoken(speaking(sdk::ProtocolEnum::Tls)), Ok(None));
    }

    #[test]
    fn a_listener_for_https_without_a_certificate_is_an_error_that_names_it() {
        let missing = "the answer has no CertificateArn".to_owned();
        assert_eq!(spoken(speaking(sdk::ProtocolEnum::Https)), Err(missing));
    }
}

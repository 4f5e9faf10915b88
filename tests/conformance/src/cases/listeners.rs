//! Listeners.

use windlass_calls::Class;
use windlass_calls::elb::{
    Action, CreateListener, DeleteListener, DescribeListeners, DescribeTargetGroups, Listener,
    ModifyListener, Protocol, TargetGroup,
};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{
    NO_BALANCER, NO_LISTENER, NO_TARGET_GROUP, balancer, target_group, target_group_request, vpc,
};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

/// Of the right form: nobody but AWS itself looks whether it exists.
const CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef";
const POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

pub(super) async fn a_new_listener_forwards_to_its_target_group_and_shows_its_tags<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "listener").await?;
    let made = place.call(request.clone()).await?;
    let shown = described(place, &request.load_balancer).await?;
    same("ARN", &shown.arn, &made.arn)?;
    same("load balancer", &shown.load_balancer, &request.load_balancer)?;
    same("port", shown.port, 80)?;
    same("protocol", shown.protocol, Some(request.protocol))?;
    same("action", shown.action, Some(request.action))?;
    let group = target_group_of(place, "listener").await?;
    same(
        "load balancers of the target group",
        group.load_balancers,
        vec![request.load_balancer],
    )?;
    shows_tags(place, &made.arn, "listener").await
}

pub(super) async fn a_listener_speaks_https_with_its_certificate<P: Port>(place: &Place<P>) -> Check {
    let request = CreateListener {
        port: 443,
        protocol: https(CERTIFICATE, POLICY),
        ..request(place, "listener-tls").await?
    };
    place.call(request.clone()).await?;
    let shown = described(place, &request.load_balancer).await?;
    same("port", shown.port, 443)?;
    same("protocol", shown.protocol, Some(request.protocol))?;
    same("action", shown.action, Some(request.action))
}

pub(super) async fn a_listener_redirects_to_https_without_a_target_group<P: Port>(place: &Place<P>) -> Check {
    let request = CreateListener {
        load_balancer: balancer(place, "listener-301").await?.1.arn,
        port: 80,
        protocol: Protocol::Http,
        action: Action::RedirectToHttps(443),
        tags: place.tags("listener-301"),
    };
    place.call(request.clone()).await?;
    let shown = described(place, &request.load_balancer).await?;
    same("protocol", shown.protocol, Some(request.protocol))?;
    same("action", shown.action, Some(request.action))
}

/// Rule 35: `CreateListener` is idempotent for the same settings, says its reference.
pub(super) async fn a_repeated_listener_answers_the_first<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "listener-twice").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("ARN", second.arn, first.arn)
}

pub(super) async fn a_second_listener_on_a_port_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (vpc, balancer) = balancer(place, "listener-port").await?;
    let first = target_group(place, "listener-port", &vpc).await?;
    let second = target_group(place, "listener-port-2", &vpc).await?;
    let forward = |target_group| CreateListener {
        load_balancer: balancer.arn.clone(),
        port: 80,
        protocol: Protocol::Http,
        action: Action::Forward(target_group),
        tags: place.tags("listener-port"),
    };
    place.call(forward(first.arn)).await?;
    place
        .refuses(forward(second.arn), Class::Exists, "DuplicateListener")
        .await
}

pub(super) async fn a_listener_of_a_missing_load_balancer_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "listener-no-alb").await?;
    let call = CreateListener {
        load_balancer: NO_BALANCER.into(),
        port: 80,
        protocol: Protocol::Http,
        action: Action::Forward(target_group(place, "listener-no-alb", &vpc).await?.arn),
        tags: place.tags("listener-no-alb"),
    };
    place.refuses(call, Class::Gone, "LoadBalancerNotFound").await
}

pub(super) async fn a_listener_to_a_missing_target_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (_, balancer) = balancer(place, "listener-no-tg").await?;
    let call = CreateListener {
        load_balancer: balancer.arn,
        port: 80,
        protocol: Protocol::Http,
        action: Action::Forward(NO_TARGET_GROUP.into()),
        tags: place.tags("listener-no-tg"),
    };
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await
}

pub(super) async fn a_listener_without_its_certificate_is_refused<P: Port>(place: &Place<P>) -> Check {
    let missing = CERTIFICATE.replace("us-east-1", "eu-west-1");
    let call = CreateListener {
        port: 443,
        protocol: https(&missing, POLICY),
        ..request(place, "listener-no-cert").await?
    };
    place.refuses(call, Class::Terminal, "CertificateNotFound").await
}

pub(super) async fn a_listener_with_an_unknown_tls_policy_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateListener {
        port: 443,
        protocol: https(CERTIFICATE, "ELB-TLS-1-9"),
        ..request(place, "listener-no-tls").await?
    };
    place.refuses(call, Class::Terminal, "SSLPolicyNotFound").await
}

pub(super) async fn a_redirect_to_itself_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateListener {
        port: 443,
        protocol: https(CERTIFICATE, POLICY),
        action: Action::RedirectToHttps(443),
        ..request(place, "listener-loop").await?
    };
    place
        .refuses(call, Class::Terminal, "InvalidLoadBalancerAction")
        .await
}

/// Rules 48 and 49: a group of weight 0 gets no requests, and is in use.
pub(super) async fn a_changed_listener_spreads_requests_by_weight<P: Port>(place: &Place<P>) -> Check {
    let (listener, first, second) = with_two_groups(place, "listener-split").await?;
    let to = |weights: &[(&String, u16)]| {
        Action::Split(
            weights
                .iter()
                .map(|(arn, weight)| ((*arn).clone(), *weight))
                .collect(),
        )
    };
    for action in [
        to(&[(&first, 100), (&second, 0)]),
        to(&[(&first, 1), (&second, 999)]),
    ] {
        place.call(change(&listener.arn, Protocol::Http, &action)).await?;
        let shown = described(place, &listener.load_balancer).await?;
        same("action", shown.action, Some(action))?;
    }
    let groups = place.call(DescribeTargetGroups { name: None }).await?.into_iter();
    for group in groups.filter(|group| group.arn == first || group.arn == second) {
        same(
            "load balancers",
            group.load_balancers,
            vec![listener.load_balancer.clone()],
        )?;
    }
    Ok(())
}

pub(super) async fn a_changed_listener_speaks_https_and_leads_elsewhere<P: Port>(place: &Place<P>) -> Check {
    let (listener, _, second) = with_two_groups(place, "listener-over").await?;
    let (protocol, action) = (https(CERTIFICATE, POLICY), Action::Forward(second));
    place
        .call(change(&listener.arn, protocol.clone(), &action))
        .await?;
    let shown = described(place, &listener.load_balancer).await?;
    same("ARN", shown.arn, listener.arn)?;
    same("port", shown.port, listener.port)?;
    same("protocol", shown.protocol, Some(protocol))?;
    same("action", shown.action, Some(action))?;
    let first = target_group_of(place, "listener-over").await?;
    same(
        "load balancers of the first group",
        first.load_balancers,
        Vec::new(),
    )
}

pub(super) async fn a_listener_changed_twice_is_changed_once<P: Port>(place: &Place<P>) -> Check {
    let (listener, first, second) = with_two_groups(place, "listener-again").await?;
    let action = Action::Split([(first, 1), (second, 1)].into());
    for _ in 0..2 {
        place.call(change(&listener.arn, Protocol::Http, &action)).await?;
    }
    let shown = described(place, &listener.load_balancer).await?;
    same("action", shown.action, Some(action))
}

pub(super) async fn a_missing_listener_cannot_be_changed<P: Port>(place: &Place<P>) -> Check {
    let call = change(NO_LISTENER, Protocol::Http, &Action::RedirectToHttps(443));
    place.refuses(call, Class::Gone, "ListenerNotFound").await
}

pub(super) async fn a_listener_cannot_be_led_to_a_missing_target_group<P: Port>(place: &Place<P>) -> Check {
    let listener = made(place, "listener-lost").await?;
    let action = Action::Forward(NO_TARGET_GROUP.into());
    let call = change(&listener.arn, Protocol::Http, &action);
    place.refuses(call, Class::Gone, "TargetGroupNotFound").await?;
    let shown = described(place, &listener.load_balancer).await?;
    same("action", shown.action, listener.action)
}

/// Rule 48.
pub(super) async fn a_weight_beyond_999_is_refused<P: Port>(place: &Place<P>) -> Check {
    let (listener, first, second) = with_two_groups(place, "listener-weight").await?;
    let action = Action::Split([(first, 1000), (second, 1)].into());
    let call = change(&listener.arn, Protocol::Http, &action);
    place.refuses(call, Class::Terminal, None).await?;
    let shown = described(place, &listener.load_balancer).await?;
    same("action", shown.action, listener.action)
}

pub(super) async fn a_deleted_listener_is_gone<P: Port>(place: &Place<P>) -> Check {
    let made = made(place, "listener-gone").await?;
    place.call(delete(&made.arn)).await?;
    let load_balancer = made.load_balancer;
    place
        .gone("the listener", DescribeListeners { load_balancer })
        .await?;
    let group = target_group_of(place, "listener-gone").await?;
    same(
        "load balancers of its target group",
        group.load_balancers,
        Vec::new(),
    )
}

pub(super) async fn a_listener_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    let made = made(place, "listener-gone-2").await?;
    place.call(delete(&made.arn)).await?;
    let call = delete(&made.arn);
    place.refuses(call, Class::Gone, "ListenerNotFound").await
}

pub(super) async fn a_missing_listener_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    let call = delete(NO_LISTENER);
    place.refuses(call, Class::Gone, "ListenerNotFound").await
}

/// A listener that forwards to a target group, both named after the case.
pub(super) async fn made<P: Port>(place: &Place<P>, case: &str) -> Result<Listener, Mismatch> {
    place.call(request(place, case).await?).await
}

/// The target group named after the case.
pub(super) async fn target_group_of<P: Port>(place: &Place<P>, case: &str) -> Result<TargetGroup, Mismatch> {
    let name = Some(place.name(case));
    only("target groups", place.call(DescribeTargetGroups { name }).await?)
}

/// A listener, the target group that it forwards to, and another one.
async fn with_two_groups<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<(Listener, String, String), Mismatch> {
    let listener = made(place, case).await?;
    let first = target_group_of(place, case).await?;
    let second = target_group_request(place, &format!("{case}-2"), &first.vpc);
    Ok((listener, first.arn, place.call(second).await?.arn))
}

fn change(listener: &str, protocol: Protocol, action: &Action) -> ModifyListener {
    ModifyListener {
        listener: listener.into(),
        protocol,
        action: action.clone(),
    }
}

fn delete(listener: &str) -> DeleteListener {
    DeleteListener {
        listener: listener.into(),
    }
}

fn https(certificate: &str, policy: &str) -> Protocol {
    Protocol::Https {
        certificate: certificate.into(),
        policy: policy.into(),
    }
}

async fn described<P: Port>(place: &Place<P>, load_balancer: &str) -> Result<Listener, Mismatch> {
    let load_balancer = load_balancer.into();
    only(
        "listeners",
        place.call(DescribeListeners { load_balancer }).await?,
    )
}

async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<CreateListener, Mismatch> {
    let (vpc, balancer) = balancer(place, case).await?;
    Ok(CreateListener {
        load_balancer: balancer.arn,
        port: 80,
        protocol: Protocol::Http,
        action: Action::Forward(target_group(place, case, &vpc).await?.arn),
        tags: place.tags(case),
    })
}

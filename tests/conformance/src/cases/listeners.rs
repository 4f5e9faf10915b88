//! Listeners.

use windlass_calls::Class;
use windlass_calls::elb::{
    Action, CreateListener, DescribeListeners, DescribeTargetGroups, Listener, Protocol,
};
use windlass_engine::Port;

use super::balancers::shows_tags;
use super::ground::{NO_BALANCER, NO_TARGET_GROUP, balancer, target_group, vpc};
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
    let shown = described(place, &request).await?;
    same("ARN", &shown.arn, &made.arn)?;
    same("load balancer", &shown.load_balancer, &request.load_balancer)?;
    same("port", shown.port, 80)?;
    same("protocol", shown.protocol, Some(request.protocol))?;
    same("action", shown.action, Some(request.action))?;
    let name = place.name("listener");
    let group = only("target groups", place.call(DescribeTargetGroups { name }).await?)?;
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
    let shown = described(place, &request).await?;
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
    let shown = described(place, &request).await?;
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

fn https(certificate: &str, policy: &str) -> Protocol {
    Protocol::Https {
        certificate: certificate.into(),
        policy: policy.into(),
    }
}

async fn described<P: Port>(place: &Place<P>, made: &CreateListener) -> Result<Listener, Mismatch> {
    let load_balancer = made.load_balancer.clone();
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

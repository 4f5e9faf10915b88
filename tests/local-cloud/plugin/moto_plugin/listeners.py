"""Listeners: the same settings are the same listener; certificates, policies, redirects, weights and targets are checked
(aws-facts 35, 48, 60). Their rules lead to target groups that could be the listener's own."""

import copy
import re
from typing import Any

from moto.core.responses import ActionResult
from moto.elbv2 import models
from moto.elbv2.exceptions import DuplicateListenerError, RuleNotFoundError, TargetGroupNotFoundError
from moto.elbv2.models import ELBv2Backend, FakeAction
from moto.elbv2.ssl_policies import SSL_POLICIES

from . import elb
from .calls import after, before, refuse


MOST_TARGET_GROUPS = 5
GREATEST_WEIGHT = 999


def apply() -> None:
    # moto looks a certificate up in an ACM of its own, where none can be put without a key; ours is any well-formed one.
    models.register_certificate = lambda **_: None  # type: ignore[attr-defined]
    ELBv2Backend._certificate_exists = lambda self, certificate_arn: _is_certificate(self, certificate_arn)  # type: ignore[method-assign]
    initialise = FakeAction.__init__
    # moto writes its defaults into what was asked for, which is compared later.
    FakeAction.__init__ = lambda self, data: initialise(self, _named_twice(copy.deepcopy(data)))  # type: ignore[method-assign]


def _named_twice(action: dict[str, Any]) -> dict[str, Any]:
    """AWS shows the only target group of a forward both beside its list and in it."""
    listed = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if action.get("Type") == "forward" and not listed:
        action["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": action.get("TargetGroupArn"), "Weight": 1}]}
    elif action.get("Type") == "forward" and len(listed) == 1:
        action["TargetGroupArn"] = listed[0]["TargetGroupArn"]
    return action


def _is_certificate(backend: Any, arn: str) -> bool:
    account, region = re.escape(backend.account_id), re.escape(backend.region_name)
    of_acm = rf"arn:aws:acm:{region}:{account}:certificate/[\w-]+"
    of_iam = rf"arn:aws:iam::{account}:server-certificate/[\w+=,.@/-]+"
    return re.fullmatch(f"{of_acm}|{of_iam}", arn) is not None


@before("elbv2", "CreateListener")
def _listener_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> Any:
    if params.get("Protocol") == "HTTPS":
        _check_encryption(backend, params)
    _check_redirects(params)
    balancer = backend.load_balancers.get(params["LoadBalancerArn"])
    for listener in balancer.listeners.values() if balancer else []:
        if str(listener.port) == str(params.get("Port")):
            if listener.windlass_settings == _settings(params):
                return ActionResult({"Listeners": [listener]})
            raise DuplicateListenerError()
    if balancer:
        _check_target_groups(backend, balancer, params)
    return None


@before("elbv2", "ModifyListener")
def _change_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    balancer, listener = _find(backend, params["ListenerArn"])
    if listener is None:
        return  # moto says so
    would_be = {**listener.windlass_settings, **params}
    if would_be["Protocol"] == "HTTPS":
        _check_encryption(backend, would_be)
    _check_redirects(would_be)
    _check_target_groups(backend, balancer, would_be)
    port = str(would_be["Port"])
    if any(other is not listener and str(other.port) == port for other in balancer.listeners.values()):
        raise DuplicateListenerError()


@after("elbv2", "ModifyListener")
def _remember_the_change(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    _, listener = _find(backend, params["ListenerArn"])
    listener.windlass_settings = {**listener.windlass_settings, **{k: v for k, v in params.items() if k != "ListenerArn"}}
    if listener.protocol == "HTTP":
        _unencrypt(listener)


def _unencrypt(listener: Any) -> None:
    """A listener that speaks HTTP has no certificate and no policy, also when it had them before."""
    listener.ssl_policy, listener.certificate, listener.certificates = None, None, []
    for name in ("Certificates", "SslPolicy"):
        listener.windlass_settings.pop(name, None)


def _find(backend: Any, arn: str) -> tuple[Any, Any]:
    for balancer in backend.load_balancers.values():
        if arn in balancer.listeners:
            return balancer, balancer.listeners[arn]
    return None, None


def _check_encryption(backend: Any, params: dict[str, Any]) -> None:
    certificates = params.get("Certificates") or []
    if len(certificates) != 1:
        refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
    arn = certificates[0]["CertificateArn"]
    if not _is_certificate(backend, arn):
        refuse("CertificateNotFound", f"Certificate '{arn}' not found")
    policy = params.get("SslPolicy")
    if policy and policy not in SSL_POLICIES:
        refuse("SSLPolicyNotFound", f"SSL policy '{policy}' not found")


def _check_redirects(params: dict[str, Any]) -> None:
    for action in params.get("DefaultActions") or []:
        to = action.get("RedirectConfig") or {}
        same_protocol = to.get("Protocol", "#{protocol}") in ("#{protocol}", params.get("Protocol"))
        same_port = to.get("Port", "#{port}") in ("#{port}", str(params.get("Port")))
        kept = (to.get("Host", "#{host}"), to.get("Path", "/#{path}"), to.get("Query", "#{query}"))
        if action["Type"] == "redirect" and same_protocol and same_port and kept == ("#{host}", "/#{path}", "#{query}"):
            refuse("InvalidLoadBalancerAction", "The redirect configuration is not valid because it creates a loop.")


def _check_target_groups(backend: Any, balancer: Any, params: dict[str, Any]) -> None:
    _check_weights(params)
    for arn in _target_groups(params):
        group = backend.target_groups.get(arn)
        if group is None:
            raise TargetGroupNotFoundError()
        if group.vpc_id != balancer.vpc_id:
            refuse("InvalidConfigurationRequest", "The target group and the load balancer must be in the same VPC")
        if any(other.arn != balancer.arn for other in elb.balancers_of(group)):
            refuse(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load balancer: {arn}",
            )


def _check_weights(params: dict[str, Any]) -> None:
    for action in params.get("DefaultActions") or []:
        listed = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        if len(listed) > MOST_TARGET_GROUPS:
            refuse("ValidationError", f"A forward action may name {MOST_TARGET_GROUPS} target groups at most")
        if any(not 0 <= int(group.get("Weight", 1)) <= GREATEST_WEIGHT for group in listed):
            refuse("ValidationError", f"Target group weight must be between 0 and {GREATEST_WEIGHT}")


def _target_groups(params: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for action in params.get("DefaultActions") or []:
        listed = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        found |= {action.get("TargetGroupArn"), *(group.get("TargetGroupArn") for group in listed)}
    return found - {None}


@after("elbv2", "CreateListener")
def _remember_the_settings(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for listener in backend.load_balancers[params["LoadBalancerArn"]].listeners.values():
        if str(listener.port) == str(params.get("Port")):
            listener.windlass_settings = _settings(params)
            if listener.protocol == "HTTP":
                _unencrypt(listener)  # moto gives every listener a policy


def _settings(params: dict[str, Any]) -> dict[str, Any]:
    """What makes a listener the same: all but its tags."""
    return {name: value for name, value in params.items() if name != "Tags"}


@before("elbv2", "CreateRule")
def _rule_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    balancer, _ = _find(backend, params["ListenerArn"])
    if balancer:
        _check_target_groups(backend, balancer, {"DefaultActions": params.get("Actions")})


@before("elbv2", "DeleteRule")
def _rule_exists(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    listeners = [listener for balancer in backend.load_balancers.values() for listener in balancer.listeners.values()]
    if not any(params["RuleArn"] in listener.rules for listener in listeners):
        raise RuleNotFoundError()


@before("elbv2", "RegisterTargets")
def _targets_are_instances_of_the_vpc(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = backend.target_groups.get(params["TargetGroupArn"])
    if group is None or group.target_type != "instance":
        return
    for target in params.get("Targets") or []:
        instance = backend.ec2_backend.get_instance_by_id(target["Id"])
        if instance is None or (instance.vpc_id or group.vpc_id) != group.vpc_id:
            refuse("InvalidTarget", f"The following targets are not in the target group VPC '{group.vpc_id}': '{target['Id']}'")

"""Load balancers: they take time, are idempotent by name, own network interfaces, and check their targets."""

import time
from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elbv2 import elbv2_backends
from moto.elbv2.exceptions import (
    ListenerNotFoundError,
    LoadBalancerNotFoundError,
    TargetGroupNotFoundError,
)
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, FakeTargetGroup

from . import checks, interfaces, world
from .calls import after, before, refuse

DEFAULT_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "client_keep_alive.seconds": "3600",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "load_balancing.cross_zone.enabled": "true",
}

#: Versions of launch templates whose instances never pass a check: `POST /moto-api/windlass/unhealthy-versions`.
unhealthy_versions: set[tuple[str, int]] = set()


def apply() -> None:
    _patch_load_balancers()
    _patch_target_groups()
    world.every_tick(_check_targets)
    world.on_reset(unhealthy_versions.clear)


# Load balancers


def _patch_load_balancers() -> None:
    create, delete, move = ELBv2Backend.create_load_balancer, ELBv2Backend.delete_load_balancer, ELBv2Backend.set_subnets

    def create_load_balancer(self: Any, name: str, security_groups: Any, subnet_ids: Any, **more: Any) -> Any:
        known = next((b for b in self.load_balancers.values() if b.name == name), None)
        if known:
            return _same_load_balancer(known, security_groups, subnet_ids, more)
        balancer = create(self, name, security_groups, subnet_ids, **{**more, "scheme": more.get("scheme") or "internet-facing"})
        balancer.attrs.update(DEFAULT_ATTRIBUTES)
        balancer.windlass_interfaces = [_interface(self, balancer, subnet) for subnet in balancer.subnets]
        world.after(world.delay("load-balancer"), lambda: setattr(balancer, "state", "active"))
        return balancer

    def describe_load_balancers(self: Any, arns: Any, names: Any) -> list[Any]:
        if not arns and not names:
            return list(self.load_balancers.values())
        found = [b for b in self.load_balancers.values() if b.arn in (arns or []) or b.name in (names or [])]
        if len(found) < len(set(arns or [])) + len(set(names or [])):
            raise LoadBalancerNotFoundError()
        return found

    def delete_load_balancer(self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        delete(self, arn)
        if balancer:
            self.tagging_service.delete_all_tags_for_resource(arn)
            _give_up(balancer.windlass_interfaces)

    def set_subnets(self: Any, arn: str, subnets: list[str], mappings: list[dict[str, Any]]) -> list[Any]:
        answer, balancer = move(self, arn, subnets, mappings), self.load_balancers[arn]
        kept = [i for i in balancer.windlass_interfaces if i.subnet in balancer.subnets]
        _give_up(i for i in balancer.windlass_interfaces if i not in kept)
        stood = [i.subnet for i in kept]
        new = [_interface(self, balancer, subnet) for subnet in balancer.subnets if subnet not in stood]
        balancer.windlass_interfaces = kept + new
        return answer

    FakeLoadBalancer.activate = lambda self: None  # type: ignore[method-assign]
    ELBv2Backend.create_load_balancer = create_load_balancer  # type: ignore[method-assign]
    ELBv2Backend.describe_load_balancers = describe_load_balancers  # type: ignore[method-assign]
    ELBv2Backend.delete_load_balancer = delete_load_balancer  # type: ignore[method-assign]
    ELBv2Backend.set_subnets = set_subnets  # type: ignore[method-assign]


def _interface(backend: Any, balancer: Any, subnet: Any) -> Any:
    identity = balancer.arn.split("loadbalancer/", 1)[1]
    interface = interfaces.make(backend.ec2_backend, subnet, balancer.security_groups, f"ELB {identity}", "amazon-elb")
    interface.windlass_public = balancer.scheme == "internet-facing"
    return interface


def _give_up(left: Iterable[Any]) -> None:
    for interface in left:
        world.after(world.delay("load-balancer-interfaces"), lambda i=interface: i.ec2_backend.enis.pop(i.id, None))


def _same_load_balancer(known: Any, security_groups: Any, subnet_ids: Any, more: dict[str, Any]) -> Any:
    subnets = set(subnet_ids or []) | {m["SubnetId"] for m in more.get("subnet_mappings") or []}
    same = (
        known.scheme == (more.get("scheme") or "internet-facing")
        and set(known.security_groups) == set(security_groups or [])
        and {s.id for s in known.subnets} == subnets
        and known.type == (more.get("loadbalancer_type") or "application")
        and known.ip_address_type == (more.get("ip_address_type") or "ipv4")
    )
    if not same:
        refuse(
            "DuplicateLoadBalancerName",
            f"A load balancer with the same name '{known.name}' exists, but with different settings",
        )
    return known


@before("elbv2", "CreateLoadBalancer")
def _load_balancer_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    name = params.get("Name", "")
    if len(name) > 32:
        refuse("ValidationError", f"The load balancer name '{name}' cannot be longer than '32' characters")
    if not name.replace("-", "").isalnum():
        refuse("ValidationError", f"The load balancer name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)")
    if name.startswith(("-", "internal-")) or name.endswith("-"):
        refuse("ValidationError", f"The load balancer name '{name}' cannot begin or end with '-' or begin with 'internal-'")
    known = _refuse_impossible_subnets(backend, params)
    for group in params.get("SecurityGroups", []):
        if backend.ec2_backend.get_security_group_from_id(group) is None:
            refuse("InvalidSecurityGroup", f"Security group {group} does not exist")
    if params.get("Scheme", "internet-facing") == "internet-facing":
        _vpc_has_a_gateway(backend, known[0].vpc_id)


def _refuse_impossible_subnets(backend: Any, params: dict[str, Any]) -> list[Any]:
    subnets = [*params.get("Subnets", []), *(m["SubnetId"] for m in params.get("SubnetMappings", []))]
    known = [s for per_zone in backend.ec2_backend.subnets.values() for s in per_zone.values() if s.id in subnets]
    if len(known) < len(set(subnets)):
        refuse("SubnetNotFound", "One or more subnets were not found")
    zones = {s.availability_zone for s in known}
    if params.get("Type", "application") == "application" and len(zones) < 2:
        refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    if len(zones) < len(known):
        refuse("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
    return known


@before("elbv2", "SetSubnets")
def _subnets_are_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    balancer = backend.load_balancers.get(params["LoadBalancerArn"])
    if balancer and any(s.vpc_id != balancer.vpc_id for s in _refuse_impossible_subnets(backend, params)):
        refuse("InvalidSubnet", "The subnets and the load balancer must be in the same VPC")


def _vpc_has_a_gateway(backend: Any, vpc: str) -> None:
    if not any(g.vpc and g.vpc.id == vpc for g in backend.ec2_backend.internet_gateways.values()):
        refuse("InvalidSubnet", f"VPC {vpc} has no internet gateway")


@before("elbv2", "DeleteLoadBalancer")
def _deletion_protection(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    balancer = backend.load_balancers.get(params["LoadBalancerArn"])
    if balancer and balancer.attrs.get("deletion_protection.enabled") == "true":
        refuse("OperationNotPermitted", "Load balancer cannot be deleted because deletion protection is enabled")


@before("elbv2", "DescribeTags")
def _tags_need_their_resource(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    listeners = {arn for b in backend.load_balancers.values() for arn in b.listeners}
    for arn in params.get("ResourceArns", []):
        if ":loadbalancer/" in arn and arn not in backend.load_balancers:
            raise LoadBalancerNotFoundError()
        if ":targetgroup/" in arn and arn not in backend.target_groups:
            raise TargetGroupNotFoundError()
        if ":listener/" in arn and arn not in listeners:
            raise ListenerNotFoundError()


# Target groups and the health of their targets (aws-facts 14, 49, 60)


@before("elbv2", "CreateTargetGroup")
def _same_target_group(response: Any, backend: Any, params: dict[str, Any]) -> Any:
    known = next((g for g in backend.target_groups.values() if g.name == params.get("Name")), None)
    if known is None:
        return None
    if known.windlass_settings != _settings(params):
        refuse("DuplicateTargetGroupName", f"A target group with the same name '{known.name}' exists, but with different settings")
    return ActionResult({"TargetGroups": [known]})


@after("elbv2", "CreateTargetGroup")
def _remember_settings(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = next(g for g in backend.target_groups.values() if g.name == params["Name"])
    group.windlass_settings = _settings(params)


@after("elbv2", "ModifyTargetGroup")
def _remember_changed_settings(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    backend.target_groups[params["TargetGroupArn"]].windlass_settings.update({k: v for k, v in params.items() if k != "TargetGroupArn"})


@before("elbv2", "CreateTargetGroup")
@before("elbv2", "ModifyTargetGroup")
def _a_check_ends_before_the_next(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = backend.target_groups.get(params.get("TargetGroupArn"))
    asked = {**(group.windlass_settings if group else _settings({})), **params}
    if int(asked["HealthCheckTimeoutSeconds"]) >= int(asked["HealthCheckIntervalSeconds"]):
        refuse("ValidationError", "Health check interval must be greater than the timeout.")


@before("elbv2", "DeleteTargetGroup")
def _deleting_what_is_gone_succeeds(_response: Any, backend: Any, params: dict[str, Any]) -> Any:
    return None if params["TargetGroupArn"] in backend.target_groups else EmptyResult()


def _settings(params: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        "TargetType": "instance",
        "HealthCheckPath": "/",
        "HealthCheckPort": "traffic-port",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": params.get("Protocol"),
        "ProtocolVersion": "HTTP1",
    }
    return {**defaults, **{k: v for k, v in params.items() if k != "Tags"}}


def _patch_target_groups() -> None:
    register, deregister = FakeTargetGroup.register, FakeTargetGroup.deregister
    deregister_terminated, health_for = FakeTargetGroup.deregister_terminated_instances, FakeTargetGroup.health_for

    def register_targets(self: Any, targets: list[dict[str, Any]]) -> None:
        new = [t["Id"] for t in targets if t["Id"] not in self.targets]
        register(self, targets)
        for target in new:
            _times(self)[target] = time.monotonic()
            _draining(self).pop(target, None)

    def deregister_targets(self: Any, targets: list[dict[str, Any]]) -> None:
        known = [t for t in targets if t["Id"] in self.targets]
        for target in known:
            checks.forget(self, target["Id"])
            _drain(self, self.targets[target["Id"]])
        deregister(self, known)

    def deregister_terminated_instances(self: Any, instance_ids: list[str]) -> None:
        for target_id in set(instance_ids) & set(self.targets):
            checks.forget(self, target_id)
            _drain(self, self.targets[target_id])
        deregister_terminated(self, instance_ids)
        for target_id in instance_ids:
            self.terminated_targets.pop(target_id, None)

    def health(self: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
        known = self.targets.get(target["Id"])
        if known is not None:
            return FakeHealthStatus(known["Id"], known["Port"], self.health_check_port, *_judge(self, known, ec2_backend))
        draining = _draining(self).get(target["Id"])
        if draining is not None:
            text = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
            return FakeHealthStatus(draining["Id"], draining["Port"], self.health_check_port, *text)
        return health_for(self, target, ec2_backend)

    def describe_target_health(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[Any]:
        group = self.target_groups.get(target_group_arn)
        if group is None:
            raise TargetGroupNotFoundError()
        wanted = targets or [*group.targets.values(), *_draining(group).values()]
        return [group.health_for(target, self.ec2_backend) for target in wanted]

    FakeTargetGroup.register = register_targets  # type: ignore[method-assign]
    FakeTargetGroup.deregister = deregister_targets  # type: ignore[method-assign]
    FakeTargetGroup.deregister_terminated_instances = deregister_terminated_instances  # type: ignore[method-assign]
    FakeTargetGroup.health_for = health  # type: ignore[method-assign]
    ELBv2Backend.describe_target_health = describe_target_health  # type: ignore[method-assign]
    # moto appends on CreateListener and never removes; what uses the group is always what the listeners say.
    FakeTargetGroup.load_balancer_arns = property(lambda self: [b.arn for b in balancers_of(self)], lambda self, _: None)  # type: ignore[assignment,misc]


def _times(group: Any) -> dict[str, float]:
    return group.__dict__.setdefault("windlass_registered", {})


def _draining(group: Any) -> dict[str, dict[str, Any]]:
    return group.__dict__.setdefault("windlass_draining", {})


def forced_health(group: Any) -> dict[str, tuple[str, str | None, str | None]]:
    """What the control endpoint says about targets, by instance."""
    return group.__dict__.setdefault("windlass_forced", {})


def _drain(group: Any, target: dict[str, Any]) -> None:
    wait = drain_seconds(group)
    if wait > 0:
        _draining(group)[target["Id"]] = target
        world.after(wait, lambda: _stop_draining(group, target))


def _stop_draining(group: Any, target: dict[str, Any]) -> None:
    if _draining(group).get(target["Id"]) is target:  # and not one that came back and left again
        del _draining(group)[target["Id"]]


def drain_seconds(group: Any) -> float:
    if not balancers_of(group):
        return 0
    return world.scaled(float(group.attributes["deregistration_delay.timeout_seconds"]))


def balancers_of(group: Any) -> list[Any]:
    backend = elbv2_backends[group.account_id][group.region_name]
    return [b for b in backend.load_balancers.values() if _uses(backend, b, group.arn)]


def _uses(backend: Any, balancer: Any, arn: str) -> bool:
    return any(
        arn in backend._get_target_group_arns_from(action_data=action.data)
        for listener in balancer.listeners.values()
        for actions in (listener.default_actions, *(rule.actions for rule in listener.rules.values()))
        for action in actions
    )


def _judge(group: Any, target: dict[str, Any], ec2_backend: Any) -> tuple[str, str | None, str | None]:
    balancers = balancers_of(group)
    instance = ec2_backend.get_instance_by_id(target["Id"])
    if not balancers:
        return "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
    if instance is not None and instance.state != "running":
        return "unused", "Target.InvalidState", f"Target is in the {instance.state} state"
    if target["Id"] in forced_health(group):
        return forced_health(group)[target["Id"]]
    if all(b.state != "active" for b in balancers):
        return "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
    if _version_of(instance) in unhealthy_versions and time.monotonic() >= _first_check(group, target, instance):
        return "unhealthy", *checks.FAILED
    return checks.of(group, target["Id"]).said()


def _check_targets() -> None:
    """Targets are asked while they run and a load balancer that is active uses them."""
    for backend in world.existing(elbv2_backends):
        for group in backend.target_groups.values():
            active = bool(group.targets) and any(b.state == "active" for b in balancers_of(group))
            for target in group.targets.values():
                instance = backend.ec2_backend.get_instance_by_id(target["Id"])
                if active and (instance is None or instance.state == "running"):
                    checks.look(group, target, instance)
                else:
                    checks.forget(group, target["Id"])


def _version_of(instance: Any) -> tuple[str, int] | None:
    """Id and version of the launch template that it was launched from."""
    return getattr(instance, "windlass_version", None)


def _first_check(group: Any, target: dict[str, Any], instance: Any) -> float:
    """The first check of a target that is both booted and registered."""
    registered = _times(group).get(target["Id"], 0.0)
    booted = getattr(instance, "windlass_booted", 0.0) if instance else 0.0
    return max(registered, booted) + world.delay("target-check")

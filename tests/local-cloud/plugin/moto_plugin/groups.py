"""Auto Scaling groups as a small reconciler: each looks at its instances again and again, launches, judges, replaces and
ends them, and is only gone when they are (aws-facts 8, 47, 60, 61)."""

import time
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import Activity, AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from . import hooks, policies, refresh, schedules, spot, world
from .calls import after, before, refuse
from .existing import existing_group
from .members import (
    activities,
    finish,
    has_left,
    health_at_load_balancers,
    launch,
    leaving,
    proceed,
    refuse_unusable_template,
    register,
    restated,
    specification,
    staying,
    suspended,
    terminate,
)


def apply() -> None:
    world.every_tick(_tick)
    FakeAutoScalingGroup.set_desired_capacity = _set_desired_capacity  # type: ignore[method-assign]
    FakeAutoScalingGroup.replace_autoscaling_group_instances = lambda self, *_: None  # type: ignore[method-assign]
    AutoScalingBackend.notify_terminate_instances = lambda self, _ids: None  # type: ignore[method-assign]
    AutoScalingBackend.update_attached_target_groups = register  # type: ignore[method-assign]
    AutoScalingBackend.terminate_instance = _terminate_member  # type: ignore[method-assign]
    template = FakeAutoScalingGroup.launch_template.fget  # type: ignore[attr-defined]
    # A group has either; moto goes on showing the template that a policy has come after.
    FakeAutoScalingGroup.launch_template = property(lambda self: None if self.mixed_instances_policy else template(self))  # type: ignore[method-assign]
    InstanceState.launch_template = property(lambda self: getattr(self, "windlass_template", None))  # type: ignore[method-assign]
    Activity.auto_scaling_group_arn = property(lambda self: self.auto_scaling_group.arn)  # type: ignore[attr-defined]
    AutoScalingResponse.delete_auto_scaling_group = _delete_group  # type: ignore[method-assign]
    AutoScalingResponse.describe_scaling_activities = _describe_activities  # type: ignore[method-assign]


def _tick() -> None:
    for backend in world.existing(autoscaling_backends):
        for group in list(backend.autoscaling_groups.values()):
            reconcile(group)


# What the API accepts


@before("autoscaling", "CreateAutoScalingGroup")
def _group_is_possible(response: Any, backend: Any, params: dict[str, Any]) -> None:
    name = params["AutoScalingGroupName"]
    if name in backend.autoscaling_groups:
        refuse("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} already exists")
    _bounds(int(params["MinSize"]), int(params["MaxSize"]), params.get("DesiredCapacity"))
    _refuse_unknown_subnets(backend, params)
    for arn in params.get("TargetGroupARNs", []):
        if arn not in backend.elbv2_backend.target_groups:
            raise ValidationError("Provided Target Groups may not be valid. Please ensure they exist and try again.")
    spot.refuse_impossible_share(params)
    refuse_unusable_template(response, backend, params)
    for hook in params.get("LifecycleHookSpecificationList", []):
        hooks.check(hook)


def _bounds(low: int, high: int, desired: Any) -> None:
    if low > high:
        raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    if desired is not None and int(desired) > high:
        raise ValidationError(f"Desired capacity:{desired} must be less than or equal to the specified max size:{high}")
    if desired is not None and int(desired) < low:
        raise ValidationError(f"Desired capacity:{desired} must be greater than or equal to the specified min size:{low}")


def _refuse_unknown_subnets(backend: Any, params: dict[str, Any]) -> None:
    for subnet in filter(None, (params.get("VPCZoneIdentifier") or "").split(",")):
        if not any(subnet in per_zone for per_zone in backend.ec2_backend.subnets.values()):
            raise ValidationError(f"The subnet ID '{subnet}' does not exist")


@after("autoscaling", "CreateAutoScalingGroup")
def _keep_what_moto_drops(response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = backend.autoscaling_groups[params["AutoScalingGroupName"]]
    group.health_check_grace_period = int(params.get("HealthCheckGracePeriod") or 0)
    _keep(group, params)
    for hook in params.get("LifecycleHookSpecificationList", []):
        hooks.keep(group, hook)
    reconcile(group)


def _keep(group: Any, params: dict[str, Any]) -> None:
    for field, attribute in (
        ("DefaultInstanceWarmup", "default_instance_warmup"),
        ("InstanceMaintenancePolicy", "instance_maintenance_policy"),
        ("MaxInstanceLifetime", "max_instance_lifetime"),
        ("DefaultCooldown", "default_cooldown"),
        ("CapacityRebalance", "capacity_rebalance"),
        ("TerminationPolicies", "termination_policies"),
    ):
        if params.get(field) is not None:
            setattr(group, attribute, params[field])


@before("autoscaling", "UpdateAutoScalingGroup")
def _update_is_possible(response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    low, high = int(params.get("MinSize", group.min_size)), int(params.get("MaxSize", group.max_size))
    _bounds(low, high, params.get("DesiredCapacity"))
    _refuse_unknown_subnets(backend, params)
    spot.refuse_impossible_share(params)
    refuse_unusable_template(response, backend, params)
    running = refresh.active(group)
    if specification(params) and running and running.desired:
        raise ValidationError(
            "An active instance refresh with a desired configuration exists. All configuration options derived from the "
            "desired configuration are not available for update while the instance refresh is active."
        )
    # AWS moves a desired capacity that falls out of the new bounds; moto counts instances instead.
    if params.get("DesiredCapacity") is None:
        params["DesiredCapacity"] = min(max(group.desired_capacity, low), high)
    # moto forgets the policy of a group that is updated without naming it.
    if not params.get("MixedInstancesPolicy") and not params.get("LaunchTemplate") and group.mixed_instances_policy:
        params["MixedInstancesPolicy"] = restated(group.mixed_instances_policy)


@after("autoscaling", "UpdateAutoScalingGroup")
def _update_keeps_the_rest(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    _keep(group, params)
    reconcile(group)


@before("autoscaling", "CreateOrUpdateTags")
@before("autoscaling", "DeleteTags")
def _tagged_group_exists(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for tag in params.get("Tags") or []:
        existing_group(backend, tag["ResourceId"])


@before("autoscaling", "SetDesiredCapacity")
def _desired_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group, wanted = existing_group(backend, params["AutoScalingGroupName"]), int(params["DesiredCapacity"])
    if wanted > group.max_size:
        raise ValidationError(f"New SetDesiredCapacity value {wanted} is above max value {group.max_size} for the AutoScalingGroup.")
    if wanted < group.min_size:
        raise ValidationError(f"New SetDesiredCapacity value {wanted} is below min value {group.min_size} for the AutoScalingGroup.")


def _set_desired_capacity(group: Any, wanted: int | None) -> None:
    group.desired_capacity = group.min_size if wanted is None else wanted
    if group.name in group.autoscaling_backend.autoscaling_groups:
        reconcile(group)


def _delete_group(response: Any) -> Any:
    backend = response.autoscaling_backend
    group = existing_group(backend, response._get_param("AutoScalingGroupName"))
    forced = response._get_bool_param("ForceDelete", False)
    if group.instance_states and not forced:
        if all(leaving(s) for s in group.instance_states):
            refuse(
                "ScalingActivityInProgress",
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            )
        refuse(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
            "still in the group.",
        )
    group.status, group.desired_capacity, group.min_size = "Delete in progress", 0, 0
    for state in group.instance_states:
        if leaving(state):
            hooks.release(group, state)
        else:
            terminate(group, state, "user request to delete the group", drain=False)
    reconcile(group)
    return EmptyResult()


def _describe_activities(response: Any) -> Any:
    name = response._get_param("AutoScalingGroupName")
    wanted = response._get_param("ActivityIds", [])
    groups = [existing_group(response.autoscaling_backend, name)] if name else response.autoscaling_backend.autoscaling_groups.values()
    found = [a for group in groups for a in activities(group) if not wanted or a.activity_id in wanted]
    limit = response._get_int_param("MaxRecords") or 100
    return ActionResult({"Activities": list(reversed(found))[:limit]})


# What a group does


def reconcile(group: Any) -> None:
    """One look at a group: what has happened to its instances, and what it does about it."""
    _observe(group)
    refresh.advance(group)
    replaced = [s for s in staying(group) if s.health_status != "Healthy" or spot.is_replaced(s)]
    healthy = [s for s in staying(group) if s not in replaced]
    if not replaced and not refresh.active(group) and not suspended(group, "Launch"):
        spot.swap_one(group, healthy)
        replaced, healthy = [s for s in healthy if spot.is_replaced(s)], [s for s in healthy if not spot.is_replaced(s)]
    wanted = (group.desired_capacity or 0) + (refresh.extra(group) or _moving(group, healthy))
    for _ in range(wanted - len(healthy)):
        if not launch(group, refresh.source(group)):
            break
    _replace(group, healthy, replaced)
    for state in _surplus(group, healthy, len(healthy) - wanted):
        terminate(group, state, "a difference between desired and actual capacity, shrinking the capacity")
    _leave_zones(group, healthy)
    if getattr(group, "status", None) and not group.instance_states:
        _forget(group)


def _observe(group: Any) -> None:
    hooks.expire(group)
    for state in list(group.instance_states):
        if has_left(state):
            group.instance_states.remove(state)
            finish(state.windlass_activity)
        elif leaving(state):
            continue
        elif state.instance.state in ("shutting-down", "terminated", "stopping", "stopped"):
            state.health_status = "Unhealthy"
        elif state.lifecycle_state.startswith("Pending"):
            proceed(group, state)
        elif _fails_load_balancer_checks(group, state):
            state.health_status = "Unhealthy"
    register(group.autoscaling_backend, group.name)


def _fails_load_balancer_checks(group: Any, state: Any) -> bool:
    if state.lifecycle_state != "InService" or suspended(group, "HealthCheck"):
        return False
    grace = world.scaled(group.health_check_grace_period or 0)
    return time.monotonic() >= state.windlass_in_service + grace and "unhealthy" in health_at_load_balancers(group, state)


def _replace(group: Any, healthy: list[Any], replaced: list[Any]) -> None:
    in_service = sum(s.lifecycle_state == "InService" for s in healthy)
    policy = getattr(group, "instance_maintenance_policy", None) or {}
    launch_first = int(policy.get("MinHealthyPercentage", -1)) >= 100
    for state in replaced:
        gone = state.instance.state in ("shutting-down", "terminated")
        if gone or (not suspended(group, "ReplaceUnhealthy") and (not launch_first or in_service >= group.desired_capacity)):
            well = state.health_status == "Healthy"
            why = "rebalancing its spot capacity" if well else "a health-check: taken out of service"
            terminate(group, state, why, drain=not gone)


def _surplus(group: Any, healthy: list[Any], count: int) -> list[Any]:
    """Whom to end: what a refresh replaces first, then of the kind of which there are too many, then in the fullest zone,
    then of the oldest version."""
    if suspended(group, "Terminate"):
        return []
    outgoing, chosen = refresh.outgoing(group), []
    for _ in range(count):
        left = [s for s in healthy if s not in chosen]
        free = [s for s in left if not s.protected_from_scale_in]
        if not free:
            break
        zones, kind = [s.availability_zone for s in left], spot.surplus(group, left)
        chosen.append(max(free, key=lambda s: (
            s.instance_id in outgoing, spot.is_spot(s) == kind, zones.count(s.availability_zone), -_version(s),
        )))
    return chosen


def _version(state: Any) -> int:
    return int((state.launch_template or {}).get("Version", 0))


# Zones that are not the group's any more: one instance more in those that are, before one there ends


def _moving(group: Any, healthy: list[Any]) -> int:
    return int(any(s.availability_zone not in group.availability_zones for s in healthy) and not suspended(group, "AZRebalance"))


def _leave_zones(group: Any, healthy: list[Any]) -> None:
    elsewhere = [s for s in healthy if s.availability_zone not in group.availability_zones and not leaving(s)]
    serving = sum(s.lifecycle_state == "InService" for s in healthy)
    if elsewhere and serving > (group.desired_capacity or 0) and not refresh.extra(group) and _moving(group, healthy):
        terminate(group, elsewhere[0], "a change of the group's zones")


def _terminate_member(backend: Any, instance_id: str, should_decrement: bool) -> Any:
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance_id == instance_id:
                if should_decrement:
                    group.desired_capacity -= 1
                if leaving(state):
                    return state.windlass_activity
                terminate(group, state, "a user request")
                reconcile(group)
                return state.windlass_activity
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _forget(group: Any) -> None:
    backend = group.autoscaling_backend
    backend.autoscaling_groups.pop(group.name, None)
    for key in [k for k, hook in backend.lifecycle_hooks.items() if hook.auto_scaling_group_name == group.name]:
        del backend.lifecycle_hooks[key]
    policies.forget(group)
    schedules.forget(group)

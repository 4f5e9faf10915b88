"""Auto Scaling groups as a small reconciler: launches take time and leave activities, instances are spread,
registered, judged and replaced, and a group is only gone when its instances are (aws-facts 8, 47, 60, 61)."""

import time
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import (
    ASG_NAME_TAG,
    Activity,
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from . import elb, world
from .calls import after, before, refuse, take_fault
from .ec2_rules import refuse_unknown_profile


def apply() -> None:
    world.every_tick(_tick)
    FakeAutoScalingGroup.set_desired_capacity = _set_desired_capacity  # type: ignore[method-assign]
    FakeAutoScalingGroup.replace_autoscaling_group_instances = lambda self, *_: None  # type: ignore[method-assign]
    AutoScalingBackend.notify_terminate_instances = lambda self, _ids: None  # type: ignore[method-assign]
    AutoScalingBackend.update_attached_target_groups = _register_members  # type: ignore[method-assign]
    AutoScalingBackend.terminate_instance = _terminate_member  # type: ignore[method-assign]
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
    for subnet in filter(None, (params.get("VPCZoneIdentifier") or "").split(",")):
        if not any(subnet in per_zone for per_zone in backend.ec2_backend.subnets.values()):
            raise ValidationError(f"The subnet ID '{subnet}' does not exist")
    for arn in params.get("TargetGroupARNs", []):
        if arn not in backend.elbv2_backend.target_groups:
            raise ValidationError("Provided Target Groups may not be valid. Please ensure they exist and try again.")
    _template_is_usable(response, backend, params)


def _bounds(low: int, high: int, desired: Any) -> None:
    if low > high:
        raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    if desired is not None and int(desired) > high:
        raise ValidationError(f"Desired capacity:{desired} must be less than or equal to the specified max size:{high}")
    if desired is not None and int(desired) < low:
        raise ValidationError(f"Desired capacity:{desired} must be greater than or equal to the specified min size:{low}")


def _template_is_usable(response: Any, backend: Any, params: dict[str, Any]) -> None:
    mixed = (params.get("MixedInstancesPolicy") or {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    wanted = params.get("LaunchTemplate") or mixed
    if not wanted:
        return
    lead = "You must use a valid fully-formed launch template. "
    try:
        version = _template(backend.ec2_backend, wanted).get_version(wanted.get("Version") or "$Default")
    except ServiceException as error:
        raise ValidationError(lead + error.message) from error
    refuse_unknown_profile(response, version.data.get("IamInstanceProfile") or {}, "ValidationError", lead)


def _template(ec2_backend: Any, wanted: dict[str, Any]) -> Any:
    if wanted.get("LaunchTemplateId"):
        return ec2_backend.get_launch_template(wanted["LaunchTemplateId"])
    return ec2_backend.get_launch_template_by_name(wanted["LaunchTemplateName"])


@after("autoscaling", "CreateAutoScalingGroup")
def _keep_what_moto_drops(response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = backend.autoscaling_groups[params["AutoScalingGroupName"]]
    group.health_check_grace_period = int(params.get("HealthCheckGracePeriod") or 0)
    _keep(group, params)
    for hook in params.get("LifecycleHookSpecificationList", []):
        kept = backend.create_lifecycle_hook(
            hook["LifecycleHookName"],
            group.name,
            hook["LifecycleTransition"],
            hook.get("HeartbeatTimeout"),
            hook.get("DefaultResult"),
        )
        kept.notification_target_arn, kept.role_arn = hook.get("NotificationTargetARN"), hook.get("RoleARN")
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


def existing_group(backend: Any, name: str) -> Any:
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


@before("autoscaling", "UpdateAutoScalingGroup")
def _update_is_possible(response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    low, high = int(params.get("MinSize", group.min_size)), int(params.get("MaxSize", group.max_size))
    _bounds(low, high, params.get("DesiredCapacity"))
    _template_is_usable(response, backend, params)
    # AWS moves a desired capacity that falls out of the new bounds; moto counts instances instead.
    if params.get("DesiredCapacity") is None:
        params["DesiredCapacity"] = min(max(group.desired_capacity, low), high)
    # moto forgets the policy of a group that is updated without naming it.
    if not params.get("MixedInstancesPolicy") and not params.get("LaunchTemplate") and group.mixed_instances_policy:
        params["MixedInstancesPolicy"] = group.mixed_instances_policy


@after("autoscaling", "UpdateAutoScalingGroup")
def _update_keeps_the_rest(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    _keep(group, params)
    reconcile(group)


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
        if all(s.lifecycle_state == "Terminating" for s in group.instance_states):
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
        if state.lifecycle_state != "Terminating":
            _terminate(group, state, "user request to delete the group", drain=False)
    reconcile(group)
    return EmptyResult()


def _describe_activities(response: Any) -> Any:
    name = response._get_param("AutoScalingGroupName")
    wanted = response._get_param("ActivityIds", [])
    groups = [existing_group(response.autoscaling_backend, name)] if name else response.autoscaling_backend.autoscaling_groups.values()
    found = [a for group in groups for a in _activities(group) if not wanted or a.activity_id in wanted]
    limit = response._get_int_param("MaxRecords") or 100
    return ActionResult({"Activities": list(reversed(found))[:limit]})


# What a group does


def reconcile(group: Any) -> None:
    """One look at a group: what has happened to its instances, and what it does about it."""
    _observe(group)
    members = [s for s in group.instance_states if s.lifecycle_state != "Terminating"]
    healthy = [s for s in members if s.health_status == "Healthy"]
    unhealthy = [s for s in members if s.health_status != "Healthy"]
    for _ in range((group.desired_capacity or 0) - len(healthy)):
        if not _launch(group):
            break
    _replace(group, healthy, unhealthy)
    for state in _surplus(group, healthy):
        _terminate(group, state, "a difference between desired and actual capacity, shrinking the capacity")
    if getattr(group, "status", None) and not group.instance_states:
        _forget(group)


def _observe(group: Any) -> None:
    for state in list(group.instance_states):
        gone = state.instance.state == "terminated"
        if state.lifecycle_state == "Terminating":
            if gone:
                group.instance_states.remove(state)
                _finish(state.windlass_activity)
        elif state.instance.state in ("shutting-down", "terminated", "stopping", "stopped"):
            state.health_status = "Unhealthy"
        elif state.lifecycle_state == "Pending" and time.monotonic() >= state.instance.windlass_booted:
            _enter_service(group, state)
        elif _fails_load_balancer_checks(group, state):
            state.health_status = "Unhealthy"
    _register_members(group.autoscaling_backend, group.name)


def _enter_service(group: Any, state: Any) -> None:
    state.lifecycle_state, state.windlass_in_service = "InService", time.monotonic()
    _finish(state.windlass_activity)


def _fails_load_balancer_checks(group: Any, state: Any) -> bool:
    if group.health_check_type != "ELB" or state.lifecycle_state != "InService" or _suspended(group, "HealthCheck"):
        return False
    grace = world.scaled(group.health_check_grace_period or 0)
    if time.monotonic() < state.windlass_in_service + grace:
        return False
    return any(
        g.health_for({"Id": state.instance_id}, group.ec2_backend).status == "unhealthy" for g in _target_groups(group)
    )


def _launch(group: Any) -> bool:
    if _suspended(group, "Launch") or time.monotonic() < getattr(group, "windlass_retry_at", 0.0):
        return False
    activity = Activity("Launching a new EC2 instance", _cause(group, "an instance was started in response to a difference between desired and actual capacity."), group)
    activity.end_time = None
    _activities(group).append(activity)
    try:
        fault = take_fault("autoscaling", "Launch")
        if fault:
            raise ServiceException(fault["code"], fault["message"])
        state = _run_instance(group)
    except ServiceException as error:
        group.windlass_retry_at = time.monotonic() + world.delay("launch-retry")
        _finish(activity, "Failed", f"{error.message} Launching EC2 instance failed.")
        return False
    activity.description = f"Launching a new EC2 instance: {state.instance_id}"
    state.windlass_activity = activity
    group.instance_states.append(state)
    return True


def _run_instance(group: Any) -> Any:
    subnet = _next_subnet(group)
    template = group.ec2_launch_template
    version = template.get_version(group.launch_template_version) if template else None
    source = {"LaunchTemplateId": template.id, "Version": str(version.number)} if template else None
    reservation = group.ec2_backend.run_instances(
        group.image_id,
        1,
        group.user_data,
        group.security_groups,
        instance_type=_instance_type(group),
        is_instance_type_default=False,
        tags={"instance": {**(version.instance_tags if version else {}), **group.get_propagated_tags(), ASG_NAME_TAG: group.name}},
        launch_config=group.launch_config,
        launch_template=source,
        subnet_id=subnet,
        associate_public_ip=group.launch_config.associate_public_ip_address if group.launch_config else None,
    )
    instance = reservation.instances[0]
    instance.autoscaling_group = group
    if version and (version.data.get("Monitoring") or {}).get("Enabled"):
        instance.monitoring_state = "enabled"
    state = InstanceState(instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in)
    if template:
        state.windlass_template = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": str(version.number)}
    return state


def _instance_type(group: Any) -> str:
    overrides = ((group.mixed_instances_policy or {}).get("LaunchTemplate") or {}).get("Overrides") or []
    return (overrides[0].get("InstanceType") if overrides else None) or group.instance_type


def _next_subnet(group: Any) -> str | None:
    subnets = (group.vpc_zone_identifier or "").split(",")
    used = [s.instance.subnet_id for s in group.instance_states if s.lifecycle_state != "Terminating"]
    return min(subnets, key=used.count) or None


def _replace(group: Any, healthy: list[Any], unhealthy: list[Any]) -> None:
    in_service = sum(s.lifecycle_state == "InService" for s in healthy)
    policy = getattr(group, "instance_maintenance_policy", None) or {}
    launch_first = int(policy.get("MinHealthyPercentage", -1)) >= 100
    for state in unhealthy:
        gone = state.instance.state in ("shutting-down", "terminated")
        if gone or (not _suspended(group, "ReplaceUnhealthy") and (not launch_first or in_service >= group.desired_capacity)):
            _terminate(group, state, "a health-check: taken out of service", drain=not gone)


def _surplus(group: Any, healthy: list[Any]) -> list[Any]:
    count = len(healthy) - (group.desired_capacity or 0)
    if count <= 0 or _suspended(group, "Terminate"):
        return []
    chosen: list[Any] = []
    for _ in range(count):
        left = [s for s in healthy if s not in chosen]
        free = [s for s in left if not s.protected_from_scale_in]
        if not free:
            break
        zones = [s.availability_zone for s in left]
        chosen.append(max(free, key=lambda s: zones.count(s.availability_zone)))
    return chosen


def _terminate(group: Any, state: Any, why: str, drain: bool = True) -> None:
    activity = Activity(f"Terminating EC2 instance: {state.instance_id}", _cause(group, f"an instance was taken out of service in response to {why}."), group)
    activity.end_time = None
    _activities(group).append(activity)
    state.lifecycle_state, state.windlass_activity = "Terminating", activity
    wait = 0.0
    for target_group in _target_groups(group):
        if state.instance_id in target_group.targets:
            wait = max(wait, elb.drain_seconds(target_group))
            target_group.deregister([{"Id": state.instance_id}])
    world.after(wait if drain else 0.0, lambda: _end_instance(group, state))


def _end_instance(group: Any, state: Any) -> None:
    if state.instance.state not in ("shutting-down", "terminated"):
        group.ec2_backend.terminate_instances([state.instance_id])
        group.autoscaling_backend.elbv2_backend.notify_terminate_instances([state.instance_id])


def _terminate_member(backend: Any, instance_id: str, should_decrement: bool) -> Any:
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance_id == instance_id:
                if should_decrement:
                    group.desired_capacity -= 1
                _terminate(group, state, "a user request")
                reconcile(group)
                return state.windlass_activity
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _register_members(backend: Any, group_name: str) -> None:
    """Registers the group's running members with its target groups; deregistering is part of terminating."""
    group = backend.autoscaling_groups.get(group_name)
    for target_group in _target_groups(group) if group and not _suspended(group, "AddToLoadBalancer") else []:
        missing = [
            {"Id": s.instance_id, "Port": target_group.port}
            for s in group.instance_states
            if s.lifecycle_state in ("Pending", "InService")
            and s.instance.state == "running"
            and s.instance_id not in target_group.targets
        ]
        target_group.register(missing)


def _target_groups(group: Any) -> list[Any]:
    known = group.autoscaling_backend.elbv2_backend.target_groups
    return [known[arn] for arn in group.target_group_arns if arn in known]


def _suspended(group: Any, process: str) -> bool:
    return process in group._suspended_processes


def _activities(group: Any) -> list[Any]:
    return group.__dict__.setdefault("windlass_activities", [])


def _cause(group: Any, text: str) -> str:
    return f"At {utcnow():%Y-%m-%dT%H:%M:%SZ} {text}"


def _finish(activity: Any, status: str = "Successful", message: str | None = None) -> None:
    activity.status_code, activity.status_message = status, message
    activity.end_time, activity.progress = utcnow(), 100


def _forget(group: Any) -> None:
    backend = group.autoscaling_backend
    backend.autoscaling_groups.pop(group.name, None)
    for key in [k for k, hook in backend.lifecycle_hooks.items() if hook.auto_scaling_group_name == group.name]:
        del backend.lifecycle_hooks[key]

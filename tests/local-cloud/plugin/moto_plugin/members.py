"""Members of a group: what they are launched from, how they come and how they go (aws-facts 13, 14, 40, 60, 62)."""

import copy
import time
from dataclasses import dataclass
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import ASG_NAME_TAG, Activity, InstanceState
from moto.core.exceptions import ServiceException
from moto.core.utils import utcnow

from . import elb, hooks, spot, world
from .calls import take_fault
from .ec2_rules import refuse_unknown_profile

#: Members in these states belong into the group's target groups; one that waits for a hook does not yet.
REGISTERED = ("Pending", "Pending:Proceed", "InService")


def target_groups(group: Any) -> list[Any]:
    known = group.autoscaling_backend.elbv2_backend.target_groups
    return [known[arn] for arn in group.target_group_arns if arn in known]


def suspended(group: Any, process: str) -> bool:
    return process in group._suspended_processes


def staying(group: Any) -> list[Any]:
    """Its members but those that are on their way out."""
    return [state for state in group.instance_states if not leaving(state)]


def leaving(state: Any) -> bool:
    return state.lifecycle_state.startswith("Terminating")


# What they are launched from


@dataclass(frozen=True)
class Source:
    """A version of a launch template, and the instance types that may stand in for its own."""

    template: Any
    version: Any
    types: tuple[str, ...]
    share: dict[str, Any] | None

    def made(self, state: Any) -> bool:
        """Whether a member could have been launched from it."""
        known = state.launch_template or {}
        same = (known.get("LaunchTemplateId"), known.get("Version")) == (self.template.id, str(self.version.number))
        return same and state.instance_type in self.types


def configuration(group: Any) -> dict[str, Any]:
    """What a group launches, as a DesiredConfiguration has it; empty with a launch configuration."""
    if group.mixed_instances_policy:
        return {"MixedInstancesPolicy": group.mixed_instances_policy}
    return {"LaunchTemplate": group.launch_template} if group.launch_template else {}


def restated(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy as it may be asked for: AWS shows id and name of its template, and takes either."""
    policy = copy.deepcopy(policy)
    policy["LaunchTemplate"]["LaunchTemplateSpecification"].pop("LaunchTemplateName", None)
    return policy


def specification(wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The launch template and version that a group or a refresh names, in either form."""
    mixed = ((wanted.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}).get("LaunchTemplateSpecification")
    return wanted.get("LaunchTemplate") or mixed


def source_of(ec2_backend: Any, wanted: dict[str, Any]) -> Source | None:
    """What a configuration names; it has to exist."""
    named = specification(wanted)
    if not named:
        return None
    by_id = named.get("LaunchTemplateId")
    template = ec2_backend.get_launch_template(by_id) if by_id else ec2_backend.get_launch_template_by_name(named["LaunchTemplateName"])
    return _source(template, named.get("Version") or "$Default", wanted.get("MixedInstancesPolicy"))


def own_source(group: Any) -> Source | None:
    """What the group itself says; None with a launch configuration."""
    template = group.ec2_launch_template
    return _source(template, group.launch_template_version, group.mixed_instances_policy) if template else None


def _source(template: Any, number: Any, mixed: dict[str, Any] | None) -> Source:
    version = template.get_version(number)
    overrides = ((mixed or {}).get("LaunchTemplate") or {}).get("Overrides") or []
    types = tuple(override["InstanceType"] for override in overrides if override.get("InstanceType"))
    return Source(template, version, types or (version.instance_type,), (mixed or {}).get("InstancesDistribution"))


def refuse_unusable_template(response: Any, backend: Any, wanted: dict[str, Any]) -> None:
    """A template, its version and the profile it names have to exist."""
    lead = "You must use a valid fully-formed launch template. "
    try:
        source = source_of(backend.ec2_backend, wanted)
    except ServiceException as error:
        raise ValidationError(lead + error.message) from error
    if source:
        refuse_unknown_profile(response, source.version.data.get("IamInstanceProfile") or {}, "ValidationError", lead)


# How they come


def launch(group: Any, source: Source | None) -> bool:
    if suspended(group, "Launch") or time.monotonic() < getattr(group, "windlass_retry_at", 0.0):
        return False
    why = "an instance was started in response to a difference between desired and actual capacity."
    activity = _begin(group, "Launching a new EC2 instance", why)
    try:
        fault = take_fault("autoscaling", "Launch")
        if fault:
            raise ServiceException(fault["code"], fault["message"])
        state = _run_instance(group, source)
    except ServiceException as error:
        group.windlass_retry_at = time.monotonic() + world.delay("launch-retry")
        finish(activity, "Failed", f"{error.message} Launching EC2 instance failed.")
        return False
    activity.description = f"Launching a new EC2 instance: {state.instance_id}"
    state.windlass_activity = activity
    group.instance_states.append(state)
    return True


def _run_instance(group: Any, source: Source | None) -> Any:
    old_style, version = group.launch_config, source.version if source else None
    reservation = group.ec2_backend.run_instances(
        version.image_id if version else old_style.image_id,
        1,
        version.user_data if version else old_style.user_data,
        version.security_groups if version else old_style.security_groups,
        instance_type=source.types[0] if source else old_style.instance_type,
        is_instance_type_default=False,
        tags={"instance": {**(version.instance_tags if version else {}), **group.get_propagated_tags(), ASG_NAME_TAG: group.name}},
        launch_config=None if source else old_style,
        launch_template={"LaunchTemplateId": source.template.id, "Version": str(version.number)} if source else None,
        subnet_id=_next_subnet(group),
        instance_market_options={"MarketType": "spot"} if source and _is_spot_next(group, source) else None,
        associate_public_ip=None if source else old_style.associate_public_ip_address,
    )
    instance = reservation.instances[0]
    instance.autoscaling_group = group
    if version and (version.data.get("Monitoring") or {}).get("Enabled"):
        instance.monitoring_state = "enabled"
    state = InstanceState(instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in)
    state.windlass_held, state.windlass_proceeds, state.windlass_registered = False, 0.0, set()
    if source:
        named = {"LaunchTemplateId": source.template.id, "LaunchTemplateName": source.template.name}
        state.windlass_template = {**named, "Version": str(version.number)}
    return state


def _is_spot_next(group: Any, source: Source) -> bool:
    counted = [s for s in staying(group) if s.health_status == "Healthy" and not spot.is_replaced(s)]
    return spot.next_is_spot(group, counted, source.share)


def _next_subnet(group: Any) -> str | None:
    subnets = (group.vpc_zone_identifier or "").split(",")
    used = [state.instance.subnet_id for state in staying(group)]
    return min(subnets, key=used.count) or None


def proceed(group: Any, state: Any) -> None:
    """The next step of a member that comes: running it waits for the hooks, then it is registered, then in service."""
    now, running = time.monotonic(), state.instance.state == "running"
    if state.lifecycle_state == "Pending" and running and not state.windlass_held:
        state.windlass_held = True
        if hooks.hold(group, state, hooks.LAUNCHING, lambda why: _after_the_launch(group, state, why)):
            state.lifecycle_state, state.windlass_activity.status_code = "Pending:Wait", "MidLifecycleAction"
    elif state.lifecycle_state in ("Pending", "Pending:Proceed") and running and now >= max(state.instance.windlass_booted, state.windlass_proceeds):
        state.lifecycle_state, state.windlass_in_service = "InService", now
        finish(state.windlass_activity)


def _after_the_launch(group: Any, state: Any, abandoned: str | None) -> None:
    activity = state.windlass_activity
    if abandoned is None:
        state.lifecycle_state, state.windlass_proceeds = "Pending:Proceed", time.monotonic() + world.delay("lifecycle-proceed")
        activity.status_code = "InProgress"
        return
    activity.description = f"{activity.description}.  Status Reason: {abandoned}"
    finish(activity, "Cancelled", abandoned)
    terminate(group, state, "a launch that was abandoned")


def register(backend: Any, group_name: str) -> None:
    """Registers the group's running members with its target groups, each once: whom somebody deregisters stays out."""
    group = backend.autoscaling_groups.get(group_name)
    for target_group in target_groups(group) if group and not suspended(group, "AddToLoadBalancer") else []:
        missing = [
            s
            for s in staying(group)
            if s.lifecycle_state in REGISTERED and s.instance.state == "running" and target_group.arn not in s.windlass_registered
        ]
        known = [s for s in missing if s.instance_id not in target_group.targets]
        target_group.register([{"Id": s.instance_id, "Port": target_group.port} for s in known])
        for state in missing:
            state.windlass_registered.add(target_group.arn)


def health_at_load_balancers(group: Any, state: Any) -> set[str]:
    """What the group's target groups say of a member, where they are in use; nothing if their word does not count."""
    if group.health_check_type != "ELB":
        return set()
    reports = (g.health_for({"Id": state.instance_id}, group.ec2_backend).status for g in target_groups(group) if elb.balancers_of(g))
    return set(reports)


# How they go


def terminate(group: Any, state: Any, why: str, drain: bool = True) -> None:
    """Deregistered and drained first, then held by the hooks, then ended (aws-facts 14)."""
    hooks.drop(group, state)
    words = f"an instance was taken out of service in response to {why}."
    state.windlass_activity = _begin(group, f"Terminating EC2 instance: {state.instance_id}", words)
    state.lifecycle_state = "Terminating"
    wait = 0.0
    for target_group in target_groups(group):
        if state.instance_id in target_group.targets:
            wait = max(wait, elb.drain_seconds(target_group))
            target_group.deregister([{"Id": state.instance_id}])
    world.after(wait if drain else 0.0, lambda: _leave(group, state))


def _leave(group: Any, state: Any) -> None:
    if hooks.hold(group, state, hooks.TERMINATING, lambda _: _let_go(group, state)):
        state.lifecycle_state, state.windlass_activity.status_code = "Terminating:Wait", "MidTerminatingLifecycleAction"
    else:
        _end(group, state)


def has_left(state: Any) -> bool:
    """A member whose instance ended by itself is one until the hooks have let it go."""
    return getattr(state, "windlass_released", False) and state.instance.state == "terminated"


def _let_go(group: Any, state: Any) -> None:
    state.lifecycle_state, state.windlass_activity.status_code = "Terminating:Proceed", "InProgress"
    _end(group, state)


def _end(group: Any, state: Any) -> None:
    state.windlass_released = True
    if state.instance.state not in ("shutting-down", "terminated"):
        group.ec2_backend.terminate_instances([state.instance_id])
        group.autoscaling_backend.elbv2_backend.notify_terminate_instances([state.instance_id])


# What is said about it


def activities(group: Any) -> list[Any]:
    return group.__dict__.setdefault("windlass_activities", [])


def _begin(group: Any, description: str, cause: str) -> Activity:
    activity = Activity(description, f"At {utcnow():%Y-%m-%dT%H:%M:%SZ} {cause}", group)
    activity.end_time = None
    activities(group).append(activity)
    return activity


def finish(activity: Any, status: str = "Successful", message: str | None = None) -> None:
    activity.status_code, activity.status_message = status, message
    activity.end_time, activity.progress = utcnow(), 100

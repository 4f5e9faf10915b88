"""Instance refreshes: a group's instances are replaced by ones of another configuration, a few at a time, and it becomes
the group's when all of them are healthy; or everything goes back (aws-facts 46, 61)."""

import copy
import math
import time
import uuid
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from . import members, world
from .calls import refuse
from .existing import existing_group

ACTIVE = ("Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress")
FLOATING = ("$Latest", "$Default")


def apply() -> None:
    AutoScalingResponse.start_instance_refresh = _start  # type: ignore[attr-defined]
    AutoScalingResponse.describe_instance_refreshes = _describe  # type: ignore[attr-defined]
    AutoScalingResponse.cancel_instance_refresh = _cancel  # type: ignore[attr-defined]
    AutoScalingResponse.rollback_instance_refresh = _roll_back_on_request  # type: ignore[attr-defined]


class Refresh:
    """One of them, and what it still has to replace."""

    def __init__(self, group: Any, desired: dict[str, Any], preferences: dict[str, Any]) -> None:
        self.id, self.group = str(uuid.uuid4()), group
        self.status, self.reason = "Pending", None
        self.start, self.end = utcnow(), None
        self.desired, self.preferences = desired, preferences
        self.source = members.source_of(group.ec2_backend, desired) or members.own_source(group)
        skip = self.source if preferences["SkipMatching"] else None
        self.old = {s.instance_id for s in members.staying(group) if not (skip and skip.made(s))}
        self.total, self.remaining = len(self.old), len(self.old)
        self.moved = self.begins = time.monotonic() + world.delay("refresh-start")
        self.baked = 0.0
        self.rollback: dict[str, Any] | None = None

    @property
    def percentage(self) -> int:
        """How far it is; on the way back it falls from where it was to 0."""
        if self.rollback:
            left = self.remaining / self.total if self.total else 0.0
            return math.floor(self.rollback["PercentageCompleteOnRollback"] * left)
        return math.floor(100 * (self.total - self.remaining) / self.total) if self.total else 100

    def shown(self) -> dict[str, Any]:
        """As DescribeInstanceRefreshes answers it."""
        left = self.rollback["InstancesToUpdateOnRollback"] if self.rollback else self.remaining
        shown = {
            "InstanceRefreshId": self.id,
            "AutoScalingGroupName": self.group.name,
            "Status": self.status,
            "StatusReason": self.reason,
            "StartTime": None if self.status == "Pending" else self.start,
            "EndTime": self.end,
            "PercentageComplete": None if self.status == "Pending" else self.percentage,
            "InstancesToUpdate": None if self.status == "Pending" else left,
            "Preferences": self.preferences,
            "DesiredConfiguration": self.desired or None,
            "RollbackDetails": self.rollback,
            "Strategy": "Rolling",
        }
        return {name: value for name, value in shown.items() if value is not None}


# The API


def _refreshes(group: Any) -> list[Refresh]:
    return group.__dict__.setdefault("windlass_refreshes", [])


def active(group: Any) -> Refresh | None:
    return next((refresh for refresh in _refreshes(group) if refresh.status in ACTIVE), None)


def _start(response: Any) -> Any:
    backend = response.autoscaling_backend
    group = existing_group(backend, response._get_param("AutoScalingGroupName"))
    if active(group):
        refuse("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
    desired = copy.deepcopy(response._get_param("DesiredConfiguration") or {})
    preferences = _preferences(group, response._get_param("Preferences") or {})
    if (response._get_param("Strategy") or "Rolling") != "Rolling":
        raise ValidationError("The local cloud knows the strategy Rolling only.")
    if preferences["AutoRollback"]:
        _refuse_one_way(group, desired)
    members.refuse_unusable_template(response, backend, desired)
    refresh = Refresh(group, _named(backend, desired), preferences)
    _refreshes(group).append(refresh)
    return ActionResult({"InstanceRefreshId": refresh.id})


def _preferences(group: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, and what applies where nothing was."""
    policy = {name: value for name, value in (getattr(group, "instance_maintenance_policy", None) or {}).items() if int(value) >= 0}
    low, high = asked.get("MinHealthyPercentage"), asked.get("MaxHealthyPercentage")
    if high is not None and low is None:
        raise ValidationError("MaxHealthyPercentage needs MinHealthyPercentage.")
    if low is None:
        low, high = policy.get("MinHealthyPercentage", 90), policy.get("MaxHealthyPercentage")
    if not 0 <= int(low) <= 100 or not 100 <= int(high or 100) <= 200 or int(high or 100) - int(low) > 100:
        raise ValidationError(f"MinHealthyPercentage {low} and MaxHealthyPercentage {high} are not valid.")
    known = {"MinHealthyPercentage": int(low)} | ({} if high is None else {"MaxHealthyPercentage": int(high)})
    numbers = {name: int(asked[name]) for name in ("InstanceWarmup", "BakeTime") if asked.get(name) is not None}
    flags = {name: str(asked.get(name, False)).lower() == "true" for name in ("SkipMatching", "AutoRollback")}
    return {**known, **numbers, **flags}


def _refuse_one_way(group: Any, desired: dict[str, Any]) -> None:
    """A rollback needs numbers: of what the refresh brings and of what the group has (aws-facts 46)."""
    if not desired:
        raise ValidationError(
            "The request isn't valid. The AutoRollback parameter cannot be set to true when the DesiredConfiguration "
            "parameter is empty. Set AutoRollback to false or specify a desired configuration and try again."
        )
    if _floats(desired) or _floats(members.configuration(group)):
        raise ValidationError("The request isn't valid. AutoRollback cannot be used with the launch template version $Latest or $Default.")


def _floats(configuration: dict[str, Any]) -> bool:
    named = members.specification(configuration)
    return named is not None and (named.get("Version") or "$Default") in FLOATING


def _named(backend: Any, desired: dict[str, Any]) -> dict[str, Any]:
    """The configuration with both the id and the name of its template, as AWS shows it."""
    source = members.source_of(backend.ec2_backend, desired)
    if source:
        members.specification(desired).update(LaunchTemplateId=source.template.id, LaunchTemplateName=source.template.name)
    return desired


def _describe(response: Any) -> Any:
    group = existing_group(response.autoscaling_backend, response._get_param("AutoScalingGroupName"))
    wanted = response._get_param("InstanceRefreshIds") or []
    found = [refresh.shown() for refresh in reversed(_refreshes(group)) if not wanted or refresh.id in wanted]
    return ActionResult({"InstanceRefreshes": found[: response._get_int_param("MaxRecords") or 50]})


def _active_one(response: Any) -> Refresh:
    group = existing_group(response.autoscaling_backend, response._get_param("AutoScalingGroupName"))
    refresh = active(group)
    if refresh is None:
        refuse("ActiveInstanceRefreshNotFound", f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}")
    return refresh


def _cancel(response: Any) -> Any:
    refresh = _active_one(response)
    refresh.status, refresh.reason = "Cancelling", "Cancelled due to user request."
    return ActionResult({"InstanceRefreshId": refresh.id})


def _roll_back_on_request(response: Any) -> Any:
    refresh = _active_one(response)
    if refresh.status in ("Cancelling", "RollbackInProgress"):
        refuse("ActiveInstanceRefreshNotFound", f"No in progress or pending Instance Refresh found for Auto Scaling group {refresh.group.name}")
    if not refresh.desired or _floats(members.configuration(refresh.group)):
        refuse("IrreversibleInstanceRefresh", "The instance refresh has no desired configuration, or the group's version is $Latest or $Default.")
    _roll_back(refresh, "Rolled back due to user request.")
    return ActionResult({"InstanceRefreshId": refresh.id})


# What it does: asked each time a group looks at itself


def source(group: Any) -> members.Source | None:
    """What the group launches now: while a refresh is under way, what that brings."""
    refresh = active(group)
    replacing = refresh is not None and refresh.status in ("InProgress", "Baking", "RollbackInProgress")
    return refresh.source if refresh and replacing else members.own_source(group)


def outgoing(group: Any) -> set[str]:
    """Ids of the members that are to be replaced."""
    refresh = active(group)
    return refresh.old if refresh else set()


def extra(group: Any) -> int:
    """Members beyond the desired capacity: those that are launched before others end."""
    refresh = active(group)
    if refresh is None or refresh.status not in ("InProgress", "RollbackInProgress"):
        return 0
    waiting = [s for s in members.staying(group) if s.instance_id in refresh.old and not _may_go_at_once(refresh, s)]
    return min(_room(refresh), len(waiting))


def _room(refresh: Refresh) -> int:
    desired, high = refresh.group.desired_capacity, refresh.preferences.get("MaxHealthyPercentage")
    room = math.floor(desired * (high or 100) / 100) - desired
    # With every instance needed, another one has to come first, whatever the bound above says.
    first = refresh.preferences["MinHealthyPercentage"] == 100 or (high is not None and _needed(refresh) == desired)
    return max(room, 1) if first else room


def _needed(refresh: Refresh) -> int:
    return math.ceil(refresh.group.desired_capacity * refresh.preferences["MinHealthyPercentage"] / 100)


def advance(group: Any) -> None:
    refresh = active(group)
    if refresh is None:
        return
    if refresh.status == "Pending" and time.monotonic() >= refresh.begins:
        refresh.status, refresh.start = "InProgress", utcnow()
    if refresh.status == "Cancelling":
        _finish_cancelling(refresh)
    elif refresh.status != "Pending":
        _replace_some(refresh)
        _judge(refresh)


def _finish_cancelling(refresh: Refresh) -> None:
    """It waits for what comes and goes already."""
    if all(state.lifecycle_state == "InService" for state in refresh.group.instance_states):
        refresh.status, refresh.end = "Cancelled", utcnow()


def _replace_some(refresh: Refresh) -> None:
    staying = members.staying(refresh.group)
    old = [state for state in staying if state.instance_id in refresh.old]
    new = [state for state in staying if state.instance_id not in refresh.old]
    leaving = [state for state in old if _may_go_at_once(refresh, state)]
    serving = [state for state in old if state not in leaving and state.lifecycle_state == "InService"]
    spare = len(serving) + sum(_wait_of(refresh, state) is None for state in new) - _needed(refresh)
    if spare < 1 and _room(refresh) == 0 and _settled(refresh, new, len(staying)):
        spare = 1  # nothing may be launched beforehand: one of them has to go first
    zones = [state.availability_zone for state in serving]
    serving.sort(key=lambda state: -zones.count(state.availability_zone))
    for state in leaving + serving[: max(spare, 0)]:
        members.terminate(refresh.group, state, "an instance refresh")


def _may_go_at_once(refresh: Refresh, state: Any) -> bool:
    """Nobody misses it: it is unhealthy, or came with what is being taken back and does not serve yet."""
    failing = state.health_status != "Healthy" or "unhealthy" in members.health_at_load_balancers(refresh.group, state)
    return failing or (refresh.rollback is not None and _wait_of(refresh, state) is not None)


def _settled(refresh: Refresh, new: list[Any], count: int) -> bool:
    return count >= refresh.group.desired_capacity and all(_wait_of(refresh, state) is None for state in new)


def _wait_of(refresh: Refresh, state: Any) -> str | None:
    """What a new member is still waited for, in AWS's words; None when it counts."""
    reports, identity = members.health_at_load_balancers(refresh.group, state), state.instance_id
    what = "Elastic Load Balancing" if refresh.group.health_check_type == "ELB" else "Amazon EC2"
    if state.health_status != "Healthy" or "unhealthy" in reports:
        return f"Waiting for remaining instances to be available. For example: {identity} failed {what} health checks."
    if state.lifecycle_state != "InService" or reports - {"healthy"}:
        return f"Waiting for remaining instances to be available. For example: {identity} has insufficient data to evaluate its health with {what}."
    if _is_warming(refresh, state):
        return f"Waiting for instances to warm up before continuing. For example: {identity} is warming up."
    return None


def _is_warming(refresh: Refresh, state: Any) -> bool:
    warmup = refresh.preferences.get("InstanceWarmup")
    if warmup is None:
        warmup = getattr(refresh.group, "default_instance_warmup", None)
    if warmup is None:
        warmup = refresh.group.health_check_grace_period or 0
    # A negative one has been unset.
    return time.monotonic() < getattr(state, "windlass_in_service", 0.0) + world.scaled(max(int(warmup), 0))


def _judge(refresh: Refresh) -> None:
    """Whether it has come further, is done, or has been stuck for too long."""
    group, now = refresh.group, time.monotonic()
    staying = members.staying(group)
    old = [state for state in staying if state.instance_id in refresh.old]
    waits = [wait for s in staying if s.instance_id not in refresh.old and (wait := _wait_of(refresh, s))]
    counted = len(staying) - len(old) - len(waits)
    remaining = min(max(len(old), group.desired_capacity - counted), refresh.total)
    only_warming = len(staying) >= group.desired_capacity + extra(group) and all("warm up" in wait for wait in waits)
    if remaining < refresh.remaining or only_warming:
        refresh.moved = now
    refresh.remaining = remaining
    if refresh.status == "InProgress":
        refresh.reason = waits[0] if waits else None
    gone = all(state.instance_id not in refresh.old for state in group.instance_states)
    if gone and not waits and counted >= group.desired_capacity:
        _bake_or_finish(refresh, now)
    elif now - refresh.moved > world.delay("refresh-patience"):
        _fail(refresh, waits[0] if waits else "Instances could not be launched.")


def _bake_or_finish(refresh: Refresh, now: float) -> None:
    if refresh.rollback:
        refresh.status, refresh.end = "RollbackSuccessful", utcnow()
        return
    if refresh.status == "InProgress" and refresh.preferences.get("BakeTime"):
        refresh.status, refresh.reason = "Baking", "Waiting for the bake time to pass."
        refresh.baked = now + world.scaled(refresh.preferences["BakeTime"])
    elif now >= refresh.baked:
        refresh.status, refresh.reason, refresh.end = "Successful", None, utcnow()
        adopt(refresh.group, refresh.desired)


def adopt(group: Any, desired: dict[str, Any]) -> None:
    """Makes a configuration the group's."""
    policy, template = desired.get("MixedInstancesPolicy"), desired.get("LaunchTemplate")
    if policy or template:
        by_id = {name: value for name, value in (template or {}).items() if name != "LaunchTemplateName"}
        group.mixed_instances_policy = members.restated(policy) if policy else None
        group._set_launch_configuration(None, by_id, group.mixed_instances_policy)


def _fail(refresh: Refresh, why: str) -> None:
    if refresh.rollback:
        refresh.status, refresh.end, refresh.reason = "RollbackFailed", utcnow(), f"The rollback failed. {why}"
    elif refresh.preferences["AutoRollback"]:
        _roll_back(refresh, f"Rolled back automatically: the instance refresh made no progress. {why}")
    else:
        refresh.status, refresh.end, refresh.reason = "Failed", utcnow(), f"The instance refresh made no progress. {why}"


def _roll_back(refresh: Refresh, why: str) -> None:
    """What came with the refresh is to be replaced by what the group still says; what has not been touched stays."""
    refresh.rollback = {
        "RollbackReason": why,
        "RollbackStartTime": utcnow(),
        "PercentageCompleteOnRollback": 0 if refresh.status == "Pending" else refresh.percentage,
        "InstancesToUpdateOnRollback": refresh.remaining,
    }
    refresh.status, refresh.reason = "RollbackInProgress", why
    own = members.own_source(refresh.group)
    came = [s for s in members.staying(refresh.group) if s.instance_id not in refresh.old]
    refresh.source, refresh.old = own, {s.instance_id for s in came if not (own and own.made(s))}
    refresh.total = refresh.remaining = len(refresh.old)
    refresh.moved = time.monotonic()

"""Lifecycle hooks of groups: what is accepted, who waits for which, until when, and what comes after (aws-facts 10 to 17)."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import LifecycleHook
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult

from . import events, world
from .existing import existing_group

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
RESULTS = ("CONTINUE", "ABANDON")
MOST_HOOKS = 50
#: What each transition is called on the event bus, where a member comes from and where it goes.
TOLD = {
    LAUNCHING: ("EC2 Instance-launch Lifecycle Action", "EC2", "AutoScalingGroup"),
    TERMINATING: ("EC2 Instance-terminate Lifecycle Action", "AutoScalingGroup", "EC2"),
}

#: What follows a wait: without a reason it goes on, with one it was abandoned.
Following = Callable[[str | None], None]


def apply() -> None:
    AutoScalingResponse.put_lifecycle_hook = _put  # type: ignore[method-assign]
    AutoScalingResponse.delete_lifecycle_hook = _delete  # type: ignore[method-assign]
    AutoScalingResponse.describe_lifecycle_hooks = _described(AutoScalingResponse.describe_lifecycle_hooks)  # type: ignore[method-assign]
    AutoScalingResponse.complete_lifecycle_action = _complete  # type: ignore[attr-defined]
    AutoScalingResponse.record_lifecycle_action_heartbeat = _record_heartbeat  # type: ignore[attr-defined]


class Wait:
    """A lifecycle action: one member waits for one hook."""

    def __init__(self, hook: Any, state: Any, following: Following) -> None:
        self.hook, self.state, self.following = hook, state, following
        self.token, began = str(uuid.uuid4()), time.monotonic()
        self.limit = began + world.scaled(hook.global_timeout)
        self.until = min(began + world.scaled(hook.heartbeat_timeout), self.limit)

    def tell(self) -> None:
        group = self.state.auto_scaling_group
        kind, origin, destination = TOLD[self.hook.lifecycle_transition]
        detail = {
            "LifecycleActionToken": self.token,
            "AutoScalingGroupName": group.name,
            "LifecycleHookName": self.hook.name,
            "EC2InstanceId": self.state.instance_id,
            "LifecycleTransition": self.hook.lifecycle_transition,
            "NotificationMetadata": self.hook.notification_metadata,
            "Origin": origin,
            "Destination": destination,
        }
        events.send("aws.autoscaling", kind, [group.arn], {name: value for name, value in detail.items() if value is not None})


def _waits(group: Any) -> list[Wait]:
    return group.__dict__.setdefault("windlass_waits", [])


# What the API accepts


def of(group: Any, transition: str | None = None) -> list[Any]:
    known = group.autoscaling_backend.lifecycle_hooks.values()
    return [h for h in known if h.auto_scaling_group_name == group.name and transition in (None, h.lifecycle_transition)]


def check(asked: dict[str, Any]) -> None:
    """Whether a hook may be so; what is not named has a default."""
    heartbeat, result = asked.get("HeartbeatTimeout"), asked.get("DefaultResult")
    if heartbeat is not None and not 30 <= int(heartbeat) <= 7200:
        raise ValidationError(f"Heartbeat Timeout {heartbeat} is not valid. It must be between 30 and 7200 seconds.")
    if result is not None and result not in RESULTS:
        raise ValidationError(f"Lifecycle Action Result {result} is not valid. It must be one of {', '.join(RESULTS)}.")
    if asked.get("LifecycleTransition") not in TOLD:
        raise ValidationError(f"Lifecycle Transition {asked.get('LifecycleTransition')} is not valid. It must be one of {', '.join(TOLD)}.")


def keep(group: Any, asked: dict[str, Any]) -> None:
    """A new hook, or a change of one that is there: what it does not name stays."""
    backend, name = group.autoscaling_backend, asked["LifecycleHookName"]
    known = next((hook for hook in of(group) if hook.name == name), None)
    asked = {"LifecycleTransition": known.lifecycle_transition if known else None} | asked
    check(asked)
    if known is None and len(of(group)) >= MOST_HOOKS:
        raise ValidationError(f"Unable to create Lifecycle Hook {name}: an Auto Scaling group has {MOST_HOOKS} at most.")
    hook = known or LifecycleHook(name, group.name, None, None, None)
    if known is None:
        hook.role_arn = hook.notification_target_arn = hook.notification_metadata = None
    for field, attribute in (
        ("LifecycleTransition", "lifecycle_transition"),
        ("DefaultResult", "default_result"),
        ("NotificationMetadata", "notification_metadata"),
        ("NotificationTargetARN", "notification_target_arn"),
        ("RoleARN", "role_arn"),
    ):
        if asked.get(field) is not None:
            setattr(hook, attribute, asked[field] or None)
    hook.heartbeat_timeout = int(asked.get("HeartbeatTimeout") or hook.heartbeat_timeout)
    hook.global_timeout = min(48 * 3600, 100 * hook.heartbeat_timeout)
    backend.lifecycle_hooks[f"{group.name}_{name}"] = hook


def _group_of(response: Any) -> Any:
    return existing_group(response.autoscaling_backend, response._get_param("AutoScalingGroupName"))


def _put(response: Any) -> Any:
    keep(_group_of(response), response.params)
    return EmptyResult()


def _described(describe: Any) -> Any:
    def described(response: Any) -> Any:
        _group_of(response)
        return describe(response)

    return described


def _delete(response: Any) -> Any:
    """Whoever waits for it is let go: what launches is abandoned, what ends goes on."""
    group, name = _group_of(response), response._get_param("LifecycleHookName")
    hook = next((known for known in of(group) if known.name == name), None)
    if hook is None:
        raise ValidationError(f"No Lifecycle Hook found with name {name}")
    del group.autoscaling_backend.lifecycle_hooks[f"{group.name}_{name}"]
    result = "ABANDON" if hook.lifecycle_transition == LAUNCHING else "CONTINUE"
    for wait in [wait for wait in _waits(group) if wait.hook is hook]:
        _finish(group, wait, result, "Lifecycle Hook was deleted")
    return EmptyResult()


def _complete(response: Any) -> Any:
    group, result = _group_of(response), response._get_param("LifecycleActionResult")
    if result not in RESULTS:
        raise ValidationError(f"Lifecycle Action Result {result} is not valid. It must be one of {', '.join(RESULTS)}.")
    _finish(group, _active(response, group), result, f"Lifecycle Action Completed with {result} Result")
    return EmptyResult()


def _record_heartbeat(response: Any) -> Any:
    """The wait begins again, up to its overall cap (aws-facts 11)."""
    wait = _active(response, _group_of(response))
    wait.until = min(time.monotonic() + world.scaled(wait.hook.heartbeat_timeout), wait.limit)
    return EmptyResult()


def _active(response: Any, group: Any) -> Wait:
    """The action that a token or an instance names; one that is over is none (aws-facts 16)."""
    token, instance = response._get_param("LifecycleActionToken"), response._get_param("InstanceId")
    if not token and not instance:
        raise ValidationError("Either the LifecycleActionToken or the InstanceId must be specified.")
    expire(group)
    for wait in _waits(group):
        named = wait.token == token if token else wait.state.instance_id == instance
        if named and wait.hook.name == response._get_param("LifecycleHookName"):
            return wait
    words = f"token {token}" if token else f"instance ID {instance}"
    raise ValidationError(f"No active Lifecycle Action found with {words}")


# Who waits


def hold(group: Any, state: Any, transition: str, following: Following) -> bool:
    """Makes a member wait for every hook of a transition, and tells of it; False without one, or when the group is being deleted."""
    hooks = [] if getattr(group, "status", None) else of(group, transition)
    waits = [Wait(hook, state, following) for hook in hooks]
    _waits(group).extend(waits)
    for wait in waits:
        wait.tell()
    return bool(waits)


def expire(group: Any) -> None:
    """Those whose time is over end with the default result of their hook."""
    for wait in list(_waits(group)):
        if wait in _waits(group) and time.monotonic() >= wait.until:
            _finish(group, wait, wait.hook.default_result, "Heartbeat Timeout")


def drop(group: Any, state: Any) -> None:
    """Nobody waits for a member any more."""
    group.windlass_waits = [wait for wait in _waits(group) if wait.state is not state]


def release(group: Any, state: Any) -> None:
    """Whatever a member waits for, it goes on now."""
    following = next((wait.following for wait in _waits(group) if wait.state is state), None)
    drop(group, state)
    if following:
        following(None)


def _finish(group: Any, wait: Wait, result: str, why: str) -> None:
    """A member goes on when no hook holds it any more; one that abandons it ends the other waits too (aws-facts 17)."""
    _waits(group).remove(wait)
    if result == "ABANDON":
        drop(group, wait.state)
        token = f"Lifecycle Action with token {wait.token} was abandoned: {why}"
        wait.following(f"Instance failed to complete user's Lifecycle Action: {token}")
    elif all(other.state is not wait.state for other in _waits(group)):
        wait.following(None)

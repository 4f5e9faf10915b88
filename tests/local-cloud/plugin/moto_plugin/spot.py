"""Spot instances of groups: which of the instances are some, and which of them a group replaces (aws-facts 19).

A group with a policy of its own for instances replaces, one at a time and the new one first, those that are on demand and
should be spot, or the other way round; one with a launch template alone leaves them. One that rebalances does the same
with what is at risk."""

import math
import time
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult

from . import world

STRATEGIES = ("capacity-optimized", "capacity-optimized-prioritized", "lowest-price", "price-capacity-optimized")


def apply() -> None:
    AutoScalingResponse.set_instance_health = _set_health  # type: ignore[method-assign]


def refuse_impossible_share(params: dict[str, Any]) -> None:
    share = (params.get("MixedInstancesPolicy") or {}).get("InstancesDistribution") or {}
    if not 0 <= int(share.get("OnDemandPercentageAboveBaseCapacity") or 0) <= 100:
        raise ValidationError("On-Demand percentage above base capacity must be between 0 and 100.")
    if share.get("SpotAllocationStrategy", STRATEGIES[0]) not in STRATEGIES:
        raise ValidationError(f"Invalid SpotAllocationStrategy: {share['SpotAllocationStrategy']}")


def is_spot(state: Any) -> bool:
    return state.instance.lifecycle == "spot"


def is_replaced(state: Any) -> bool:
    """Whether a member that is well is to go when its replacement is there."""
    return getattr(state, "windlass_replaced", False)


def next_is_spot(group: Any, members: list[Any], share: dict[str, Any] | None) -> bool:
    return share is not None and sum(not is_spot(s) for s in members) >= _on_demand(group, share)


def _on_demand(group: Any, share: dict[str, Any]) -> int:
    """How many of the group's instances are on demand: AWS rounds their share up."""
    wanted = group.desired_capacity or 0
    base = min(int(share.get("OnDemandBaseCapacity") or 0), wanted)
    percent = share.get("OnDemandPercentageAboveBaseCapacity")
    return base + math.ceil((wanted - base) * (100 if percent is None else int(percent)) / 100)


def surplus(group: Any, members: list[Any]) -> bool | None:
    """Of which kind there are too many: spot instances (True), or such on demand; None if all is as the policy says."""
    policy = group.mixed_instances_policy
    if not policy:
        return None
    wanted = _on_demand(group, policy.get("InstancesDistribution") or {})
    spot = sum(is_spot(s) for s in members)
    if len(members) - spot > wanted:
        return False
    return True if spot > (group.desired_capacity or 0) - wanted else None


def swap_one(group: Any, members: list[Any]) -> None:
    """Marks one that is of the wrong kind, when all others are there and nothing else is being replaced."""
    complete = len(members) == group.desired_capacity and all(s.lifecycle_state == "InService" for s in members)
    kind = surplus(group, members) if complete else None
    if kind is not None:
        next(s for s in members if is_spot(s) == kind).windlass_replaced = True


def member(backend: Any, instance: str) -> tuple[Any, Any]:
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance_id == instance:
                return group, state
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance}")


def rebalance(group: Any, state: Any) -> None:
    """What a group does about one of its instances that is at risk."""
    if str(getattr(group, "capacity_rebalance", False)).lower() == "true":
        state.windlass_replaced = True


def _set_health(response: Any) -> Any:
    from .groups import reconcile

    health = response._get_param("HealthStatus")
    if health not in ("Healthy", "Unhealthy"):
        raise ValidationError(f"Valid instance health states are: [Healthy, Unhealthy], and not {health}")
    group, state = member(response.autoscaling_backend, response._get_param("InstanceId"))
    grace = world.scaled(group.health_check_grace_period or 0)
    young = time.monotonic() < getattr(state, "windlass_in_service", math.inf) + grace
    if not (young and response._get_bool_param("ShouldRespectGracePeriod", True)):
        state.health_status = health
        reconcile(group)
    return EmptyResult()

"""Step scaling policies of groups: what is accepted, and what an alarm that names one does to the capacity (aws-facts 1, 6)."""

import math
import time
import uuid
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from . import world
from .calls import before
from .existing import existing_group
from .members import staying, suspended


def apply() -> None:
    put, answer = AutoScalingBackend.put_scaling_policy, AutoScalingResponse.put_scaling_policy

    def put_scaling_policy(backend: Any, name: str, policy_type: str, metric_aggregation_type: str, **given: Any) -> Any:
        """moto keeps one of a name, whichever group it is of, and gives all of them one id."""
        others, key = dict(backend.policies), (given["as_name"], name)
        policy = put(backend, name, policy_type, metric_aggregation_type, **given)
        backend.policies = others
        policy.windlass_id = getattr(others.get(key), "windlass_id", None) or str(uuid.uuid4())
        backend.policies[key] = policy
        return policy

    def put_with_its_arn(response: Any) -> Any:
        """moto answers `PolicyArn`, and AWS `PolicyARN`."""
        return ActionResult({"PolicyARN": answer(response).result["PolicyArn"]})

    AutoScalingBackend.put_scaling_policy = put_scaling_policy  # type: ignore[method-assign]
    AutoScalingResponse.put_scaling_policy = put_with_its_arn  # type: ignore[method-assign]
    AutoScalingResponse.delete_policy = _delete  # type: ignore[method-assign]
    FakeScalingPolicy.arn = property(_arn)  # type: ignore[assignment,method-assign]
    FakeScalingPolicy.policy_arn = property(_arn)  # type: ignore[assignment,method-assign]


def _arn(policy: Any) -> str:
    backend = policy.autoscaling_backend
    place = f"arn:aws:autoscaling:{backend.region_name}:{backend.account_id}"
    return f"{place}:scalingPolicy:{policy.windlass_id}:autoScalingGroupName/{policy.auto_scaling_group_name}:policyName/{policy.name}"


@before("autoscaling", "DescribePolicies")
def _asked_group_exists(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    if name := params.get("AutoScalingGroupName"):
        existing_group(backend, name)


@before("autoscaling", "PutScalingPolicy")
def _policy_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    existing_group(backend, params["AutoScalingGroupName"])
    if params.get("PolicyType") != "StepScaling":
        return
    steps = [_ends(step) for step in params.get("StepAdjustments") or []]
    if not steps:
        raise ValidationError("At least one StepAdjustment must be specified for policy type: StepScaling")
    if any(low >= high for low, high in steps) or any(one[1] != two[0] for one, two in zip(steps, steps[1:], strict=False)):
        raise ValidationError("StepAdjustment intervals must not overlap, and must have no gap between them")


def _ends(step: dict[str, Any]) -> tuple[float, float]:
    low, high = step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


def _delete(response: Any) -> Any:
    backend = response.autoscaling_backend
    group, name = existing_group(backend, response._get_param("AutoScalingGroupName")), response._get_param("PolicyName")
    if backend.policies.pop((group.name, name), None) is None:
        raise ValidationError(f"Policy name not found: {name}")
    return EmptyResult()


def forget(group: Any) -> None:
    """A group that is gone has no policies."""
    backend = group.autoscaling_backend
    for key in [key for key in backend.policies if key[0] == group.name]:
        del backend.policies[key]


# What an alarm does


def run(body: dict[str, Any]) -> Any:
    """`{"policy": arn, "distance": 5.0}`: the metric is so far from the threshold. AWS does so each minute of an alarm."""
    for backend in world.existing(autoscaling_backends):
        for policy in backend.policies.values():
            if policy.arn == body["policy"]:
                return {"desired": _run(backend.autoscaling_groups[policy.auto_scaling_group_name], policy, float(body["distance"]))}
    raise LookupError(f"no policy {body['policy']}")


def _run(group: Any, policy: Any, distance: float) -> int:
    """Whatever grows leaves out what warms up, so that steps do not pile up; whatever shrinks waits for it."""
    desired = int(group.desired_capacity)
    warm_up = world.scaled(float(getattr(group, "default_instance_warmup", None) or 0))
    staying_members = staying(group)
    warm = sum(
        state.lifecycle_state == "InService" and time.monotonic() >= state.windlass_in_service + warm_up for state in staying_members
    )
    change = _change(policy, warm, distance)
    if change > 0:
        wanted, process = max(desired, warm + change), "Launch"
    elif change < 0 and warm == len(staying_members):
        wanted, process = min(desired, max(warm + change, 0)), "Terminate"
    else:
        return desired
    wanted = min(max(wanted, group.min_size), group.max_size)
    if wanted != desired and not suspended(group, "AlarmNotification") and not suspended(group, process):
        group.set_desired_capacity(wanted)
    return wanted


def _change(policy: Any, capacity: int, distance: float) -> int:
    step = next((step for step in policy.step_adjustments if _ends(step)[0] <= distance < _ends(step)[1]), None)
    if step is None:
        return 0
    exact = float(step["ScalingAdjustment"])
    if policy.adjustment_type == "PercentChangeInCapacity":
        exact = capacity * exact / 100
    whole = math.trunc(exact) if abs(exact) >= 1 else int(math.copysign(math.ceil(abs(exact)), exact))
    least = int(policy.min_adjustment_magnitude or 0)
    return int(math.copysign(max(abs(whole), least), float(step["ScalingAdjustment"])))

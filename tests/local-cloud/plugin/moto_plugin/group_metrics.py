"""Metrics of a group's sizes: without a list all of them, and what is on stays on."""

from typing import Any

from .calls import after, before, refuse
from .existing import existing_group

METRICS = [
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"),
    *("GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity"),
    *("GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"),
    *("WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity"),
    *("WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"),
]


@before("autoscaling", "EnableMetricsCollection")
def _metrics_exist(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    group.windlass_metrics = set(group.metrics)
    if params.get("Granularity") != "1Minute":
        refuse("ValidationError", f"Granularity {params.get('Granularity')} is not valid; it must be 1Minute")
    if unknown := set(params.get("Metrics") or []) - set(METRICS):
        refuse("ValidationError", f"Metrics {sorted(unknown)} do not exist")


@after("autoscaling", "EnableMetricsCollection")
def _all_unless_named(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    wanted = group.windlass_metrics | set(params.get("Metrics") or METRICS)
    group.metrics = [metric for metric in METRICS if metric in wanted]

"""Processes of a group that somebody suspended: only known ones, of groups that exist, and since when (aws-facts 62)."""

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.core.utils import utcnow

from .calls import after, before, refuse
from .existing import existing_group

PROCESSES = (
    *("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance"),
    *("HealthCheck", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"),
)


def apply() -> None:
    write = FakeAutoScalingGroup.suspended_processes.fset  # type: ignore[attr-defined]
    FakeAutoScalingGroup.suspended_processes = property(_shown, write)  # type: ignore[assignment,method-assign]


def _since(group: Any) -> dict[str, str]:
    return group.__dict__.setdefault("windlass_suspended", {})


def _shown(group: Any) -> list[dict[str, str]]:
    suspended = sorted(group._suspended_processes)
    return [{"ProcessName": name, "SuspensionReason": f"User suspended at {_since(group).get(name, '')}"} for name in suspended]


@before("autoscaling", "SuspendProcesses")
@before("autoscaling", "ResumeProcesses")
def _known_processes(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    existing_group(backend, params["AutoScalingGroupName"])
    for name in params.get("ScalingProcesses") or []:
        if name not in PROCESSES:
            refuse("ValidationError", f"Unknown scaling process {name}. Valid processes are {', '.join(sorted(PROCESSES))}.")


@after("autoscaling", "SuspendProcesses")
@after("autoscaling", "ResumeProcesses")
def _remember_since(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    now, known = f"{utcnow():%Y-%m-%dT%H:%M:%SZ}", _since(group)
    group.windlass_suspended = {name: known.get(name, now) for name in group._suspended_processes}

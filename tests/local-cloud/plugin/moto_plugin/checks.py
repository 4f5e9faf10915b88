"""Health checks: each target in use is asked over HTTP as its target group says, and judged by what it answers (aws-facts 49, 60).

A target that is registered anew needs one pass; one that was unhealthy needs the threshold. The checks of a target begin
when it is registered, booted or not.
"""

import asyncio
import re
import time
from typing import Any

from . import applications, traffic, world
from .traffic import Message

#: Never shorter than these, whatever the scale: a busy machine is no sick target, and has more to do than to ask.
LEAST_TIMEOUT, LEAST_INTERVAL = 1.0, 0.05
FAILED = ("Target.FailedHealthChecks", "Health checks failed")
TIMED_OUT = ("Target.Timeout", "Request timed out")

Said = tuple[str, str | None, str | None]


class Check:
    """What is known of one target by asking it."""

    def __init__(self) -> None:
        self.status, self.problem = "initial", FAILED
        self.passed = self.failed = 0
        self.due = time.monotonic() + world.delay("target-check")
        self.asking = False

    def said(self) -> Said:
        if self.status == "unhealthy":
            return "unhealthy", *self.problem
        return ("healthy", None, None) if self.status == "healthy" else ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")

    def note(self, group: Any, problem: tuple[str, str] | None) -> None:
        interval = world.scaled(float(_settings(group)["HealthCheckIntervalSeconds"]))
        self.asking, self.due = False, time.monotonic() + max(interval, LEAST_INTERVAL)
        if problem is None:
            self.passed, self.failed = self.passed + 1, 0
            if self.status == "initial" or self.passed >= int(_settings(group)["HealthyThresholdCount"]):
                self.status = "healthy"
        else:
            self.passed, self.failed, self.problem = 0, self.failed + 1, problem
            if self.failed >= int(_settings(group)["UnhealthyThresholdCount"]):
                self.status = "unhealthy"


def of(group: Any, target: str) -> Check:
    known = group.__dict__.setdefault("windlass_checks", {})
    return known.get(target) or known.setdefault(target, Check())


def forget(group: Any, target: str) -> None:
    """What leaves, stops or is not in use any more is unknown when it comes back."""
    group.__dict__.setdefault("windlass_checks", {}).pop(target, None)


def _settings(group: Any) -> dict[str, Any]:
    """As CreateTargetGroup and ModifyTargetGroup take them."""
    return group.windlass_settings


def look(group: Any, target: dict[str, Any], instance: Any) -> None:
    """Asks a target if it is time. Nobody asks those that are no instances: they pass."""
    check = of(group, target["Id"])
    if check.asking or time.monotonic() < check.due:
        return
    if instance is None:
        check.note(group, None)
        return
    named = _settings(group)["HealthCheckPort"]
    application = applications.of(instance)
    place = application.at(int(target.get("Port") or group.port) if named == "traffic-port" else int(named)) if application else None
    if place is None:  # connections are refused
        check.note(group, FAILED)
    else:
        check.asking = True
        traffic.start(_ask(group, check, place))


async def _ask(group: Any, check: Check, place: tuple[str, int]) -> None:
    problem = await _problem(_settings(group), place)
    with world.lock:
        check.note(group, problem)


async def _problem(settings: dict[str, Any], place: tuple[str, int]) -> tuple[str, str] | None:
    """What the load balancer has against an answer, in its words; None when it passes."""
    headers = [("Host", f"{place[0]}:{place[1]}"), ("Connection", "close"), ("User-Agent", "ELB-HealthChecker/2.0")]
    request = Message(["GET", settings["HealthCheckPath"], "HTTP/1.1"], headers, b"")
    seconds = max(world.scaled(float(settings["HealthCheckTimeoutSeconds"])), LEAST_TIMEOUT)
    try:
        status = (await asyncio.wait_for(traffic.ask(*place, request), seconds)).status
    except TimeoutError:
        return TIMED_OUT
    except (OSError, EOFError, ValueError):
        return FAILED
    if _matches(settings["Matcher"].get("HttpCode") or "200", status):
        return None
    return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


def _matches(codes: str, status: int) -> bool:
    """Codes are numbers and ranges of them: `200,302` or `200-399`."""
    ranges = [re.match(r"(\d+)(?:-(\d+))?", code.strip()) for code in codes.split(",")]
    return any(found and int(found[1]) <= status <= int(found[2] or found[1]) for found in ranges)

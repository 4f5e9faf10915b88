"""What requests cost: each minute the instances of groups report the use of their processors by the requests that they got over
load balancers, and target groups how many these were (aws-facts 3, 5). Off unless somebody says what an instance can take:
tests put metrics of their own. Minutes are real ones, whatever the time scale."""

import collections
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.elbv2 import elbv2_backends

from . import ministack, world
from .members import staying

MINUTE = 60
#: What an instance does without any request, in percent.
IDLE = 1.0
_PATIENCE = 10

#: Requests in a second that take all of an instance's processor time; 0 while nobody reports.
_capacity = 0.0
#: Since when requests are counted, the minute of which they are, and how many each target group's instances got.
_minute = 0.0
_served: collections.Counter[tuple[str, str]] = collections.Counter()


def apply() -> None:
    world.every_tick(_tick)
    world.on_reset(_served.clear)


def note(target_group: str, instance: str) -> None:
    """An instance got a request."""
    if _capacity:
        _served[target_group, instance] += 1


def configure(body: dict[str, Any]) -> dict[str, float]:
    """`{"requests_per_second": 5}`: so many use all of an instance; 0 ends the reports."""
    global _capacity, _minute
    if body:
        _capacity, _minute = float(body["requests_per_second"]), time.time() // MINUTE * MINUTE
        _served.clear()
    return {"requests_per_second": _capacity}


def _tick() -> None:
    global _minute
    now = time.time() // MINUTE * MINUTE
    if not _capacity or now <= _minute:
        return
    data = {"AWS/EC2": list(_processors(_minute)), "AWS/ApplicationELB": list(_requests(_minute))}
    _minute = now
    _served.clear()
    # On a thread of its own: ministack may be asking us something meanwhile.
    threading.Thread(target=_put, args=(data,), daemon=True).start()


def _processors(minute: float) -> Iterator[dict[str, Any]]:
    by_instance: collections.Counter[str] = collections.Counter()
    for (_, instance), count in _served.items():
        by_instance[instance] += count
    for backend in world.existing(autoscaling_backends):
        for group in backend.autoscaling_groups.values():
            for state in staying(group):
                if state.lifecycle_state == "InService":
                    used = 100 * by_instance[state.instance_id] / (_capacity * MINUTE)
                    of = [{"Name": "AutoScalingGroupName", "Value": group.name}]
                    yield _datum("CPUUtilization", of, minute, min(IDLE + used, 100.0))


def _requests(minute: float) -> Iterator[dict[str, Any]]:
    """Their sum is the average over the targets. Without any request nothing is told."""
    by_group: dict[str, list[int]] = collections.defaultdict(list)
    for (arn, _), count in _served.items():
        by_group[arn].append(count)
    for backend in world.existing(elbv2_backends):
        for arn, counts in by_group.items():
            if arn in backend.target_groups:
                of = [{"Name": "TargetGroup", "Value": arn.rpartition(":")[2]}]
                yield _datum("RequestCountPerTarget", of, minute, sum(counts) / len(counts))


def _datum(name: str, dimensions: list[dict[str, str]], minute: float, value: float) -> dict[str, Any]:
    return {"MetricName": name, "Dimensions": dimensions, "Timestamp": minute, "Value": value}


def _put(data: dict[str, list[dict[str, Any]]]) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
    for namespace, points in data.items():
        body = json.dumps({"Namespace": namespace, "MetricData": points}).encode()
        try:
            if points:
                with urllib.request.urlopen(urllib.request.Request(ministack.URL, body, headers), timeout=_PATIENCE):
                    pass
        except OSError as error:
            print(f"loads: {namespace}: {error}", flush=True)

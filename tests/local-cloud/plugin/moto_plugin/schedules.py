"""Scheduled actions of groups: what is accepted, and the bounds that the clock gives them (aws-facts 63). The clock is the
real one, whatever the time scale."""

import datetime
import re
import zoneinfo
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult

from . import world
from .calls import before
from .existing import existing_group
from .members import suspended

MOST = 50
#: The range of each field, and the names that some have.
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()

#: The minute up to which the clock was looked at.
_looked: list[datetime.datetime] = []


def apply() -> None:
    put = AutoScalingBackend.put_scheduled_update_group_action

    def put_action(backend: Any, name: str, *given: Any, **named: Any) -> Any:
        """moto keeps one of a name, whichever group it is of."""
        others = dict(backend.scheduled_actions)
        action = put(backend, name, *given, **named)
        backend.scheduled_actions = {**others, (name, action.scheduled_action_name): action}
        return action

    AutoScalingBackend.put_scheduled_update_group_action = put_action  # type: ignore[method-assign]
    AutoScalingResponse.delete_scheduled_action = _delete  # type: ignore[method-assign]
    world.every_tick(_tick)


@before("autoscaling", "DescribeScheduledActions")
def _asked_group_exists(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    if name := params.get("AutoScalingGroupName"):
        existing_group(backend, name)


@before("autoscaling", "PutScheduledUpdateGroupAction")
def _action_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = existing_group(backend, params["AutoScalingGroupName"])
    low, high = params.get("MinSize"), params.get("MaxSize")
    if low is None and high is None and params.get("DesiredCapacity") is None:
        raise ValidationError("At least one of MinSize, MaxSize and DesiredCapacity must be given")
    if low is not None and high is not None and int(low) > int(high):
        raise ValidationError("Min value must be less than or equal to Max value")
    if recurrence := params.get("Recurrence"):
        try:
            _fields(recurrence)
            _zone(params.get("TimeZone"))
        except (ValueError, zoneinfo.ZoneInfoNotFoundError) as wrong:
            raise ValidationError("Given recurrence string is invalid") from wrong
    names = {name for group_name, name in backend.scheduled_actions if group_name == group.name}
    if len(names | {params["ScheduledActionName"]}) > MOST:
        raise ValidationError(f"A group has at most {MOST} scheduled actions")


def _delete(response: Any) -> Any:
    backend = response.autoscaling_backend
    group, name = existing_group(backend, response._get_param("AutoScalingGroupName")), response._get_param("ScheduledActionName")
    if backend.scheduled_actions.pop((group.name, name), None) is None:
        raise ValidationError("Scheduled action name not found")
    return EmptyResult()


def forget(group: Any) -> None:
    """A group that is gone has no actions."""
    backend = group.autoscaling_backend
    for key in [key for key in backend.scheduled_actions if key[0] == group.name]:
        del backend.scheduled_actions[key]


# When they come


def _tick() -> None:
    """Each minute that has begun since the last look."""
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    if not _looked:
        _looked.append(now)
    while _looked[0] < now:
        _looked[0] += datetime.timedelta(minutes=1)
        for backend in world.existing(autoscaling_backends):
            for action in list(backend.scheduled_actions.values()):
                if action.recurrence and comes(action.recurrence, _looked[0].astimezone(_zone(action.time_zone))):
                    _take(backend.autoscaling_groups[action.auto_scaling_group_name], action)


def _take(group: Any, action: Any) -> None:
    if suspended(group, "ScheduledActions"):
        return
    group.min_size = group.min_size if action.min_size is None else action.min_size
    group.max_size = max(group.max_size if action.max_size is None else action.max_size, group.min_size)
    wanted = group.desired_capacity if action.desired_capacity is None else action.desired_capacity
    group.set_desired_capacity(min(max(wanted, group.min_size), group.max_size))


def comes(recurrence: str, at: datetime.datetime) -> bool:
    """Whether it is a minute of this expression. Of the two kinds of days either is enough, where both are said."""
    minutes, hours, days, months, weekdays = _fields(recurrence)
    _, _, day, _, weekday = recurrence.split()
    by_day, by_weekday = at.day in days, at.isoweekday() % 7 in {number % 7 for number in weekdays}
    right_day = by_day or by_weekday if day != "*" and weekday != "*" else by_day and by_weekday
    return at.minute in minutes and at.hour in hours and at.month in months and right_day


def _zone(name: str | None) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name or "Etc/UTC")


def _fields(recurrence: str) -> list[set[int]]:
    fields = recurrence.split()
    if len(fields) != len(FIELDS):
        raise ValueError(recurrence)
    names = ({}, {}, {}, _numbered(MONTHS, 1), _numbered(DAYS, 0))
    return [_numbers(field, *bounds, known) for field, bounds, known in zip(fields, FIELDS, names, strict=True)]


def _numbered(names: list[str], first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, first)}


def _numbers(field: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        begin = _number(first, names)
        end = _number(last, names) if last else (high if step else begin)
        if not low <= begin <= end <= high or (step and not re.fullmatch(r"[1-9]\d*", step)):
            raise ValueError(field)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)

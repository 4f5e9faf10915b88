"""States of alarms: each looks at the points of its own metric in its own periods, with nobody's help, and EventBridge hears
of a change and of nothing else (aws-facts 1, 3). A scaling policy among its actions is run each minute while it is in ALARM.
An alarm on a metric that nobody ever put stays as it is, as does one on an expression."""

import contextvars
import json
import os
import threading
import time
import urllib.request
from typing import Any

#: Seconds between two looks at all alarms: one goes off or is over by itself, too.
_EVERY = 5
#: Periods that are looked at beyond those asked for, where some have no point.
_SPARE = 2
#: What a period without a point says; `ignore` leaves the alarm as it is.
_NOTHING = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}

#: Seconds that moto has for running a policy.
_PATIENCE = 10

#: By alarm, the minute in which its policies were run last.
_ran: dict[str, float] = {}
#: Accounts and Regions that have alarms.
_places: dict[tuple[str, str], contextvars.Context] = {}


def apply() -> None:
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import cloudwatch

    put, record = cloudwatch._put_metric_alarm, cloudwatch._record_history

    def put_metric_alarm(*given: Any, **named: Any) -> Any:
        _places.setdefault((get_account_id(), get_region()), contextvars.copy_context())
        return put(*given, **named)

    def record_and_tell(name: str, old: str, new: str, reason: str, *more: Any, **named: Any) -> None:
        record(name, old, new, reason, *more, **named)
        # A new alarm's first state is in its history, and is no change.
        if old != new and (alarm := cloudwatch._alarms.get(name)):
            _tell(alarm, old, new, reason)

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._record_history = record_and_tell
    cloudwatch._evaluate_alarm = _evaluate
    threading.Thread(target=_watch, daemon=True, name="windlass-alarms").start()


def _watch() -> None:
    from ministack.services import cloudwatch

    while True:
        time.sleep(_EVERY)
        for place in list(_places.values()):
            try:
                place.run(cloudwatch._evaluate_all_alarms)
            except RuntimeError:  # somebody put or deleted one meanwhile
                continue


def _evaluate(alarm: dict[str, Any]) -> None:
    from ministack.services import cloudwatch

    if "MetricName" not in alarm:
        return
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    put = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions))
    if not put:
        return
    period, periods = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    end = time.time() // period * period
    buckets: dict[float, list[dict[str, Any]]] = {}
    for point in list(put):
        if end - (periods + _SPARE) * period <= point["Timestamp"] < end:
            buckets.setdefault(point["Timestamp"] // period * period, []).append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    values = [(at, cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)) for at, points in sorted(buckets.items())]
    old, new = alarm["StateValue"], _judge(alarm, values, end - periods * period)
    if (new or old) == "ALARM" and values:
        _run_policies(alarm, values[-1][1] - float(alarm["Threshold"]), end)
    if new in (None, old):
        return
    shown = [value for _, value in values[-periods:]]
    reason = f"Threshold Crossed: {shown} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _run_policies(alarm: dict[str, Any], distance: float, minute: float) -> None:
    """On a thread of its own: moto may be asking us something meanwhile."""
    policies = [action for action in alarm.get("AlarmActions") or [] if ":scalingPolicy:" in action]
    moto = os.environ.get("AWS_ENDPOINT_URL_AUTO_SCALING")
    if not (policies and moto and alarm.get("ActionsEnabled", True)) or _ran.get(alarm["AlarmArn"]) == minute:
        return
    _ran[alarm["AlarmArn"]] = minute
    for policy in policies:
        threading.Thread(target=_run, args=(moto, {"policy": policy, "distance": distance}), daemon=True).start()


def _run(moto: str, body: dict[str, Any]) -> None:
    try:
        with urllib.request.urlopen(f"{moto}/moto-api/windlass/scaling-policy", json.dumps(body).encode(), timeout=_PATIENCE):
            pass
    except OSError as error:
        print(f"alarms: {body['policy']}: {error}", flush=True)


def _judge(alarm: dict[str, Any], values: list[tuple[float, float]], begin: float) -> str | None:
    """The state that the newest values make, those of the alarm's own periods being from `begin` on; None leaves it."""
    periods = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    if not any(at >= begin for at, _ in values):
        return _NOTHING.get(alarm.get("TreatMissingData") or "missing")
    newest = [value for _, value in values[-periods:]]
    breaching = sum(_is_beyond(alarm, value) for value in newest)
    if breaching >= needed:
        return "ALARM"
    return "OK" if breaching + periods - len(newest) < needed else None


def _is_beyond(alarm: dict[str, Any], value: float) -> bool:
    threshold = alarm["Threshold"]
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }.get(alarm["ComparisonOperator"], False)


def _tell(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
    from ministack.services import eventbridge

    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new, "reason": reason, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())},
        "previousState": {"value": old},
        "configuration": {"description": alarm.get("AlarmDescription", "")},
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm["AlarmArn"]],
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

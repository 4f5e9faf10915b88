"""Alarms keep their metrics and are checked, dashboards and questions about metrics are checked, errors carry the code of the
older protocol."""

import json
import re
from typing import Any

#: What an alarm has either alone or in its queries.
_SINGLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_COMPARISONS = ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold")
_ANOMALIES = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_DAY = 24 * 3600
_DELETED_AT_ONCE = 100
_ASKED_AT_ONCE = 500

#: Codes of the older protocol and the types that the present one names errors by.
_TYPES = {
    "InvalidParameterInput": "DashboardInvalidInputError",
    "InvalidParameterValue": "InvalidParameterValueException",
    "LimitExceeded": "LimitExceededFault",
    "InternalServiceError": "InternalServiceFault",
}


def apply() -> None:
    from ministack.services import cloudwatch

    put_alarm, put_dashboard, error = cloudwatch._put_metric_alarm, cloudwatch._put_dashboard, cloudwatch._error
    delete, get_data = cloudwatch._delete_alarms, cloudwatch._get_metric_data

    def put_metric_alarm(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        if not (is_cbor or is_json):
            return put_alarm(params, data, is_cbor, is_json)
        try:
            _check_alarm(data)
        except ValueError as wrong:
            return cloudwatch._error("ValidationError", str(wrong), 400, use_json=is_json, use_cbor=is_cbor)
        answer = put_alarm(params, data, is_cbor, is_json)
        if answer[0] == 200:
            _keep_as_asked(cloudwatch._alarms[data["AlarmName"]], data)
        return answer

    def put_dashboard_checked(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        asked = data if is_cbor or is_json else {name: cloudwatch._p(params, name) for name in ("DashboardName", "DashboardBody")}
        try:
            _check_dashboard(asked["DashboardName"], asked["DashboardBody"])
        except ValueError as wrong:
            return cloudwatch._error("InvalidParameterInput", str(wrong), 400, use_json=is_json, use_cbor=is_cbor)
        return put_dashboard(params, data, is_cbor, is_json)

    def delete_alarms(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        if (is_cbor or is_json) and len(data.get("AlarmNames", [])) > _DELETED_AT_ONCE:
            words = f"Member must have length less than or equal to {_DELETED_AT_ONCE}"
            return cloudwatch._error("ValidationError", words, 400, use_json=is_json, use_cbor=is_cbor)
        return delete(params, data, is_cbor, is_json)

    def get_metric_data(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            try:
                _check_question(data, cloudwatch._parse_ts)
            except ValueError as wrong:
                return cloudwatch._error("ValidationError", str(wrong), 400, use_json=is_json, use_cbor=is_cbor)
        return get_data(params, data, is_cbor, is_json)

    def error_with_code(code: str, message: str, status: int, use_json: bool = False, use_cbor: bool = False) -> Any:
        if not (use_json or use_cbor):
            return error(code, message, status)
        dashboard = code in ("ResourceNotFound", "DashboardNotFoundError") and message.startswith("Dashboard")
        kind = "DashboardNotFoundError" if dashboard else _TYPES.get(code, code)
        code = "ResourceNotFound" if dashboard else code
        status, headers, body = error(kind, message, status, use_json=use_json, use_cbor=use_cbor)
        return status, {**headers, "x-amzn-query-error": f"{code};{'Sender' if status < 500 else 'Receiver'}"}, body

    cloudwatch._put_metric_alarm = put_metric_alarm
    cloudwatch._put_dashboard = put_dashboard_checked
    cloudwatch._delete_alarms = delete_alarms
    cloudwatch._get_metric_data = get_metric_data
    cloudwatch._error = error_with_code


def _keep_as_asked(alarm: dict[str, Any], asked: dict[str, Any]) -> None:
    """What was asked for and nothing else: ministack drops queries and fills in a statistic and a period."""
    for name in ("AlarmDescription", *_SINGLE):
        if name not in asked:
            alarm.pop(name, None)
    if asked.get("Metrics"):
        alarm["Metrics"] = asked["Metrics"]


# What PutMetricAlarm refuses (aws-facts 3)


def _check_alarm(asked: dict[str, Any]) -> None:
    periods = int(asked.get("EvaluationPeriods") or 0)
    if periods < 1:
        raise ValueError("EvaluationPeriods must be at least 1")
    if not 1 <= int(asked.get("DatapointsToAlarm") or periods) <= periods:
        raise ValueError("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    if asked.get("ComparisonOperator") not in (*_COMPARISONS, *_ANOMALIES):
        raise ValueError(f"ComparisonOperator {asked.get('ComparisonOperator')} is not valid")
    if asked.get("TreatMissingData", "missing") not in _MISSING:
        raise ValueError(f"TreatMissingData {asked['TreatMissingData']} is not valid")
    queries = asked.get("Metrics") or []
    if queries and any(asked.get(name) is not None for name in _SINGLE):
        raise ValueError("Metrics list and single-metric parameters are mutually exclusive")
    if queries:
        _check_queries(queries, periods)
    else:
        _check_metric(asked, asked.get("Statistic"), asked.get("ExtendedStatistic"), asked.get("Period"), periods)


def _check_metric(metric: dict[str, Any], plain: Any, percentile: Any, period: Any, periods: int) -> None:
    if not metric.get("Namespace") or not metric.get("MetricName"):
        raise ValueError("A metric needs a namespace and a name")
    if (plain is None) == (percentile is None):
        raise ValueError("Exactly one of Statistic and ExtendedStatistic must be set")
    if plain not in (None, *_STATISTICS):
        raise ValueError(f"Statistic {plain} is not valid")
    if percentile is not None and not _is_percentile(percentile):
        raise ValueError(f"ExtendedStatistic {percentile} is not valid")
    if period not in (10, 20, 30) and (not period or period % 60):
        raise ValueError(f"Period {period} is not 10, 20, 30 or a multiple of 60")
    most = _DAY if period < 3600 else 7 * _DAY
    if period * periods > most:
        raise ValueError(f"Metrics cannot be checked across more than {most} seconds")


def _is_percentile(name: str) -> bool:
    return re.fullmatch(r"p(100|\d{1,2})(\.\d{1,10})?", name) is not None


def _check_queries(queries: list[dict[str, Any]], periods: int) -> None:
    returned = [query for query in queries if query.get("ReturnData", True)]
    if len(returned) != 1:
        raise ValueError("Exactly one of the metrics must have ReturnData true")
    for query in queries:
        if not re.fullmatch(r"[a-z]\w*", query.get("Id", "")):
            raise ValueError(f"Id {query.get('Id')} must begin with a lower-case letter and have letters, digits and _ only")
        stat = query.get("MetricStat")
        if (stat is None) == (query.get("Expression") is None):
            raise ValueError(f"Query {query['Id']} must have either a MetricStat or an Expression")
        if stat:
            plain = stat.get("Stat") if stat.get("Stat") in _STATISTICS else None
            percentile = None if plain else stat.get("Stat", "")
            _check_metric(stat.get("Metric") or {}, plain, percentile, stat.get("Period"), periods)
    _check_expressions(queries)


def _check_expressions(queries: list[dict[str, Any]]) -> None:
    known = {query["Id"] for query in queries}
    for query in queries:
        words = re.sub(r"'[^']*'|\"[^\"]*\"", "", query.get("Expression") or "")
        named = set(re.findall(r"(?<!\w)[a-z]\w*", words))
        if unknown := sorted(named - known):
            raise ValueError(f"Error in expression '{query['Id']}': Undefined variable {unknown[0]}")


def _check_question(asked: dict[str, Any], second: Any) -> None:
    if second(asked.get("StartTime")) >= second(asked.get("EndTime")):
        raise ValueError("The parameter StartTime must be less than the parameter EndTime.")
    queries = asked.get("MetricDataQueries") or []
    if not 1 <= len(queries) <= _ASKED_AT_ONCE:
        raise ValueError(f"The parameter MetricDataQueries must have 1 to {_ASKED_AT_ONCE} members.")
    for query in queries:
        if not re.fullmatch(r"[a-z]\w*", query.get("Id", "")):
            raise ValueError(f"The value {query.get('Id')} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
        if stat := query.get("MetricStat"):
            plain = stat.get("Stat") if stat.get("Stat") in _STATISTICS else None
            _check_metric(stat.get("Metric") or {}, plain, None if plain else stat.get("Stat", ""), stat.get("Period"), 1)


def _check_dashboard(name: str, body: str) -> None:
    if not re.fullmatch(r"[\w-]{1,255}", name or "", re.ASCII):
        raise ValueError(
            f"The value {name} for field DashboardName contains invalid characters. It can only contain alphanumerics, "
            "dash (-) and underscore (_)."
        )
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError("The field DashboardBody must be a valid JSON object")
    if not isinstance(parsed.get("widgets"), list):
        raise ValueError(
            'The dashboard body is invalid, there are validation errors: [{"message": "Should have required property '
            "'widgets'\"}]"
        )


def forget() -> int:
    """Drops the alarms and dashboards of stacks: by their names, as dashboards have no tags."""
    from ministack.services import cloudwatch

    alarms = [name for name in cloudwatch._alarms if name.startswith("windlass/")]
    dashboards = [name for name in cloudwatch._dashboards if name.startswith("windlass-")]
    for name in alarms:
        cloudwatch._resource_tags.pop(cloudwatch._alarms.pop(name)["AlarmArn"], None)
    for name in dashboards:
        cloudwatch._dashboards.pop(name)
    for metric in [metric for metric in cloudwatch._metrics if "=windlass-" in metric[2]]:
        cloudwatch._metrics.pop(metric)
    return len(alarms) + len(dashboards)

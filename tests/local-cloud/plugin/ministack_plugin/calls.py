"""Every call to ministack over HTTP passes here: counted, and faulted where a test asks for it.

What ministack does within itself is no call: polling a queue for a function, writing a function's log.
"""

import collections
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

Answer = tuple[int, dict[str, str], Any]

#: ministack's names of services where IAM's prefix of their actions is another.
PREFIX = {"monitoring": "cloudwatch"}

counts: collections.Counter[str] = collections.Counter()
journal: collections.deque[dict[str, Any]] = collections.deque(maxlen=5000)
faults: list[dict[str, Any]] = []


def apply() -> None:
    from ministack import app

    dispatch, special = app._dispatch_service_request, app._handle_special_data_plane_request

    async def dispatch_counted(method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *rest: Any) -> Answer:
        action = name_of(method, path, headers, body, query)
        call = lambda: dispatch(method, path, headers, body, query, *rest)
        return _record(action, await _with_fault(action, headers, call))

    async def special_counted(method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *rest: Any, **named: Any) -> Any:
        """Buckets in the host name, function URLs and the like; None when it is a plain call."""
        answer = await special(method, path, headers, body, query, *rest, **named)
        return answer and _record(name_of(method, f"/bucket{path}", headers, body, query), answer)

    app._dispatch_service_request = dispatch_counted
    app._handle_special_data_plane_request = special_counted


async def _with_fault(action: str, headers: dict[str, str], call: Callable[[], Awaitable[Answer]]) -> Answer:
    fault = _take_fault(action)
    if fault and not fault["applied"]:
        return _fault_answer(action, headers, fault)
    answer = await call()
    return _fault_answer(action, headers, fault) if fault else answer


# Which action it is


def name_of(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> str:
    """The action as the AWS SDKs and, mostly, IAM name it: `cloudwatch:PutMetricAlarm`, `s3:ListObjectsV2`."""
    from ministack import app

    params = app._routing_params(method, path, headers, body, query)
    service = app.detect_service(method, path, headers, params)
    cbor = re.search(r"/operation/([^/?]+)", path)
    if cbor:
        action = cbor.group(1)
    elif service == "s3":
        action = _s3_action(method, path, headers, query)
    else:
        action = app._ct_event_name(service, method, path, headers, params)
    return f"{PREFIX.get(service, service)}:{action}"


_S3_OBJECT = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject", "POST": "PostObject"}
_S3_BUCKET = {"GET": "ListObjects", "PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "POST": "PostBucket"}
#: Parameters that make another operation of a request. Every other one is the operation with the parameter's name.
_S3_OTHER = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "versions"): "ListObjectVersions",
    ("POST", "delete"): "DeleteObjects",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
}
_S3_PLAIN = {"x-id", "prefix", "delimiter", "max-keys", "marker", "continuation-token", "start-after", "encoding-type",
             "fetch-owner", "versionId", "partNumber", "key-marker", "version-id-marker"}


def _s3_action(method: str, path: str, headers: dict[str, str], query: Any) -> str:
    parts = [part for part in path.split("/", 2) if part]
    if not parts:
        return "ListBuckets"
    for parameter in query:
        if (method, parameter) in _S3_OTHER:
            return _S3_OTHER[method, parameter]
    if method == "PUT" and "x-amz-copy-source" in headers:
        return "CopyObject"
    action = (_S3_OBJECT if len(parts) > 1 else _S3_BUCKET).get(method, method)
    about = sorted(set(query) - _S3_PLAIN)
    return f"{action}?{about[0]}" if about and not about[0].lower().startswith(("x-amz-", "response-")) else action


# Faults, in the dialect the caller speaks


def add_fault(fault: dict[str, Any]) -> None:
    """As the moto plug-in's: `{action, code, status, times, message, applied}`, the action with its prefix."""
    faults.append(
        {
            "action": fault["action"],
            "code": fault.get("code", "InternalError"),
            "status": int(fault.get("status", 400)),
            "times": int(fault.get("times", 1)),
            "message": fault.get("message", "Injected by the local cloud."),
            "applied": bool(fault.get("applied", False)),
        }
    )


def _take_fault(action: str) -> dict[str, Any] | None:
    for fault in faults:
        if fault["action"] == action:
            fault["times"] -= 1
            if fault["times"] <= 0:
                faults.remove(fault)
            return fault
    return None


def _fault_answer(action: str, headers: dict[str, str], fault: dict[str, Any]) -> Answer:
    code, message, status = fault["code"], fault["message"], fault["status"]
    if "cbor" in headers.get("smithy-protocol", "") + headers.get("content-type", ""):
        import cbor2

        answer = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-query-error": f"{code};Sender"}
        return status, answer, cbor2.dumps({"__type": code, "message": message})
    if "x-amz-target" in headers or "json" in headers.get("content-type", ""):
        body = {"__type": code, "message": message}
        return status, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}, json.dumps(body).encode()
    if action.startswith("s3:"):
        xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return status, {"Content-Type": "application/xml"}, xml.encode()
    kind = "Receiver" if status >= 500 else "Sender"
    xml = f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status, {"Content-Type": "text/xml"}, xml.encode()


# The record


def _record(action: str, answer: Answer) -> Answer:
    status, _, body = answer
    entry: dict[str, Any] = {"time": round(time.time(), 3), "action": action, "status": int(status)}
    if status >= 400:
        entry["code"] = _code(body)
    counts[action] += 1
    journal.append(entry)
    return answer


def _code(body: Any) -> str:
    """The error's code in an answer of any dialect."""
    text = bytes(body) if isinstance(body, (bytes, bytearray)) else str(body).encode()
    found = re.search(rb'<Code>(.*?)</Code>|"__type": ?"(.*?)"', text)
    if found:
        return (found.group(1) or found.group(2)).decode()
    try:
        import cbor2

        return str(cbor2.loads(text)["__type"])
    except Exception:  # a HEAD has no body; others may say what they want
        return "?"

"""Every call to the modelled services passes here: one at a time, counted, faulted, checked, made idempotent."""

import collections
import json
import re
import time
from collections.abc import Callable
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import EC2ClientError
from moto.elbv2.exceptions import ELBClientError
from moto.ssm.exceptions import SSMException

from . import world

#: moto's service names and the prefix IAM gives their actions.
PREFIX = {
    "ec2": "ec2",
    "autoscaling": "autoscaling",
    "elbv2": "elasticloadbalancing",
    "iam": "iam",
    "ssm": "ssm",
    "service-quotas": "servicequotas",
    "sts": "sts",
}

#: The creates that take a ClientToken (aws-facts 33).
TOKEN_ACTIONS = {
    "RunInstances",
    "CreateNatGateway",
    "CreateRouteTable",
    "CreateVpcEndpoint",
    "CreateLaunchTemplate",
    "CreateLaunchTemplateVersion",
}

Rule = Callable[[Any, Any, dict[str, Any]], Any]
_before: dict[tuple[str, str], list[Rule]] = collections.defaultdict(list)
_after: dict[tuple[str, str], list[Rule]] = collections.defaultdict(list)
_replayed: dict[tuple[str, str], list[Rule]] = collections.defaultdict(list)

counts: collections.Counter[str] = collections.Counter()
journal: collections.deque[dict[str, Any]] = collections.deque(maxlen=5000)
faults: list[dict[str, Any]] = []


#: moto writes an error in the dialect of the service its class belongs to.
_errors = {
    "ec2": EC2ClientError,
    "elbv2": ELBClientError,
    "autoscaling": AutoscalingClientError,
    "service-quotas": JsonRESTError,
    "ssm": SSMException,
}
_current = "ec2"


def refuse(code: str, message: str) -> None:
    """Ends the call being answered with this error."""
    raise _errors[_current](code, message)


def before(service: str, action: str) -> Callable[[Rule], Rule]:
    """A rule checked before moto answers: it may refuse, or return the whole answer."""
    return lambda rule: _before[service, action].append(rule) or rule


def after(service: str, action: str) -> Callable[[Rule], Rule]:
    """A step taken after moto answered without an error."""
    return lambda rule: _after[service, action].append(rule) or rule


def replayed(service: str, action: str) -> Callable[[Rule], Rule]:
    """A rule checked before a client token is answered with what it got first: it may refuse."""
    return lambda rule: _replayed[service, action].append(rule) or rule


def add_fault(fault: dict[str, Any]) -> None:
    """`{action, code, status, times, message, applied}`: the next `times` calls fail.

    With `applied` true the call does its work and only its answer is replaced: the lost response.
    """
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


def take_fault(prefix: str, action: str) -> dict[str, Any] | None:
    for fault in faults:
        if fault["action"] in (action, f"{prefix}:{action}"):
            fault["times"] -= 1
            if fault["times"] <= 0:
                faults.remove(fault)
            return fault
    return None


def apply() -> None:
    original = BaseResponse.call_action

    def call_action(self: Any) -> Any:
        if self.service_name not in PREFIX:
            return original(self)
        with world.lock:
            world.advance()
            return _answer(self, original)

    BaseResponse.call_action = call_action  # type: ignore[method-assign]
    world.on_reset(faults.clear)


def _answer(response: Any, original: Callable[[Any], Any]) -> Any:
    service, action = response.service_name, response._get_action() or "?"
    fault = take_fault(PREFIX[service], action)
    if fault and not fault["applied"]:
        return _record(service, action, _fault_answer(service, fault))
    method = getattr(response, camelcase_to_underscores(action), None)
    if method is not None:
        # Instance attributes win over the class: moto calls our wrapper inside its own error handling.
        setattr(response, camelcase_to_underscores(action), lambda: _checked(response, action, method))
    answer = original(response)
    if fault:
        answer = _fault_answer(service, fault)
    return _record(service, action, answer)


def _checked(response: Any, action: str, method: Callable[[], Any]) -> Any:
    global _current
    service = _current = response.service_name
    params = response.params if response.automated_parameter_parsing else {}
    backend = getattr(response, f"{service}_backend", None)
    seen = _token_slot(backend, action, params)
    if seen and seen[0] is not None:
        for rule in _replayed[service, action]:
            rule(response, backend, params)
        return seen[0]
    for rule in _before[service, action]:
        answer = rule(response, backend, params)
        if answer is not None:
            return answer
    result = method()
    for rule in _after[service, action]:
        rule(response, backend, params)
    if seen:
        seen[0] = result
    return result


def _token_slot(backend: Any, action: str, params: dict[str, Any]) -> list[Any] | None:
    """The answer given to this token before, as a one-element list to read or to fill."""
    token = params.get("ClientToken")
    if action not in TOKEN_ACTIONS or not token:
        return None
    # Kept on the backend, so that resetting moto forgets them.
    tokens = backend.__dict__.setdefault("windlass_tokens", {})
    shape = json.dumps({k: v for k, v in params.items() if k != "ClientToken"}, sort_keys=True, default=str)
    known_shape, slot = tokens.setdefault((action, token), (shape, [None]))
    if slot[0] is None:  # the first try was refused: AWS lets the token be used again
        tokens[action, token] = (shape, slot)
    elif known_shape != shape:
        refuse(
            "IdempotentParameterMismatch",
            f"The client token {token} was already used with different parameters.",
        )
    return slot


def _fault_answer(service: str, fault: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    code, message, status = fault["code"], fault["message"], fault["status"]
    headers = {"Content-Type": "text/xml", "status": str(status)}
    if service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            "<RequestID>windlass-fault</RequestID></Response>"
        )
    elif service in ("ssm", "service-quotas"):
        headers["Content-Type"] = "application/x-amz-json-1.1"
        body = json.dumps({"__type": code, "message": message})
    else:
        kind = "Receiver" if status >= 500 else "Sender"
        body = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>windlass-fault</RequestId></ErrorResponse>"
        )
    return status, headers, body


def _record(service: str, action: str, answer: Any) -> Any:
    status, _, body = answer
    name = f"{PREFIX[service]}:{action}"
    entry = {"time": round(time.time(), 3), "action": name, "status": int(status)}
    if int(status) >= 400:
        text = body if isinstance(body, str) else str(body)
        found = re.search(r"<Code>(.*?)</Code>|\"__type\": ?\"(.*?)\"", text)
        entry["code"] = (found.group(1) or found.group(2)) if found else "?"
    counts[name] += 1
    journal.append(entry)
    stamp = time.strftime("%H:%M:%S", time.localtime(entry["time"]))
    print(f"{stamp} {name} {entry['status']} {entry.get('code', '')}".rstrip(), flush=True)
    return answer

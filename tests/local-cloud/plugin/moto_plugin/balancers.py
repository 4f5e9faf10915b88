"""Load balancers that are active answer, each at an address of its own, and hand requests on to targets (aws-facts 48, 49, 50).

A listener speaks HTTP, also where its protocol is HTTPS. Clients of this machine count as somebody on the internet.
"""

import asyncio
import fnmatch
import ipaddress
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

from moto.elbv2 import elbv2_backends

from . import applications, loads, traffic, world
from .traffic import Listener, Message

#: Who a client of this machine is: an address kept for documentation, so that a rule for 127.0.0.1 is not meant for it.
CLIENT = "203.0.113.1"
#: Never shorter than this, whatever the scale.
LEAST_PATIENCE = 1.0
PHRASES = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
SERVER = ("Server", "awselb/2.0")
#: Headers of one connection, which are not handed on.
OWN_HEADERS = ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length")

_doors: dict[tuple[str, int], Listener] = {}


def apply() -> None:
    world.every_tick(_open_and_close)
    world.on_reset(_close_all)


# Which are open


def _active() -> Iterator[tuple[Any, Any]]:
    for backend in world.existing(elbv2_backends):
        for balancer in backend.load_balancers.values():
            if balancer.state == "active":
                yield backend, balancer


def _open_and_close() -> None:
    wanted = {(b.arn, int(listener.port)): (backend, b) for backend, b in _active() for listener in b.listeners.values()}
    for key in [key for key in _doors if key not in wanted]:
        _doors.pop(key).close()
    for (arn, port), (backend, balancer) in wanted.items():
        if (arn, port) not in _doors:
            address = next((door.host for (other, _), door in _doors.items() if other == arn), "")
            unprivileged = port if port >= 1024 else port + traffic.UNPRIVILEGED
            _doors[arn, port] = traffic.open_at(address, unprivileged, _replier(backend, balancer, port))


def _close_all() -> None:
    for door in _doors.values():
        door.close()
    _doors.clear()


def shown(_: Any) -> dict[str, dict[str, str]]:
    """By DNS name and port of the listener, where it is reached."""
    found = {balancer.arn: balancer.dns_name for _, balancer in _active()}
    places: dict[str, dict[str, str]] = {name: {} for name in found.values()}
    for (arn, port), door in sorted(_doors.items()):
        if arn in found:
            places[found[arn]][str(port)] = f"{door.host}:{door.port}"
    return places


# What becomes of a request


def _replier(backend: Any, balancer: Any, port: int) -> traffic.Answer:
    async def reply(request: Message, peer: str) -> Message | None:
        client = CLIENT if peer.startswith("127.") else peer
        with world.lock:
            listener = next((known for known in balancer.listeners.values() if int(known.port) == port), None)
            outcome = _decide(backend, listener, request, client) if listener else None
        if listener is None:
            raise ConnectionAbortedError("the listener is gone")
        if isinstance(outcome, Message):
            return outcome
        patience = max(world.scaled(float(balancer.attrs["idle_timeout.timeout_seconds"])), LEAST_PATIENCE)
        return await _hand_on(outcome, _handed(request, client, listener), patience)

    return reply


async def _hand_on(place: tuple[str, int] | None, request: Message, patience: float) -> Message:
    if place is None:  # the target refuses connections
        return _failure(502)
    try:
        said = await asyncio.wait_for(traffic.ask(*place, request), patience)
    except TimeoutError:
        return _failure(504)
    except (OSError, EOFError, ValueError):
        return _failure(502)
    kept = [(name, value) for name, value in said.headers if name.lower() not in ("connection", "keep-alive")]
    return Message(["HTTP/1.1", *said.start[1:]], [*kept, ("Connection", "close")], said.body)


def _handed(request: Message, client: str, listener: Any) -> Message:
    forwarded = ", ".join(filter(None, (request.header("x-forwarded-for"), client)))
    kept = [(name, value) for name, value in request.headers if name.lower() not in OWN_HEADERS and not name.lower().startswith("x-forwarded-")]
    added = [
        ("X-Forwarded-For", forwarded),
        ("X-Forwarded-Proto", listener.protocol.lower()),
        ("X-Forwarded-Port", str(listener.port)),
        ("X-Amzn-Trace-Id", f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}"),
        ("Content-Length", str(len(request.body))),
        ("Connection", "close"),
    ]
    return Message([*request.start[:2], "HTTP/1.1"], [*kept, *added], request.body)


def _failure(status: int) -> Message:
    words = f"{status} {PHRASES[status]}"
    page = f"<html>\r\n<head><title>{words}</title></head>\r\n<body>\r\n<center><h1>{words}</h1></center>\r\n</body>\r\n</html>\r\n"
    said = traffic.answer(status, page.encode(), ("Content-Type", "text/html"), SERVER)
    return Message(["HTTP/1.1", str(status), PHRASES[status]], said.headers, said.body)


def _decide(backend: Any, listener: Any, request: Message, client: str) -> Message | tuple[str, int] | None:
    """An answer of the load balancer itself, or where the request goes; None to a target that refuses."""
    rules = sorted(listener._non_default_rules.values(), key=lambda rule: int(rule.priority))
    matching = next((rule for rule in rules if all(_meets(c, request, client) for c in rule.conditions)), None)
    source = matching or listener
    actions = matching.actions if matching else listener.default_actions
    data = sorted((action.data for action in actions), key=lambda data: int(data.get("Order") or 0))[-1]
    if data["Type"] == "fixed-response":
        fixed = data["FixedResponseConfig"]
        kind = ("Content-Type", fixed.get("ContentType") or "text/plain")
        return traffic.answer(int(fixed["StatusCode"]), (fixed.get("MessageBody") or "").encode(), kind, SERVER)
    if data["Type"] == "redirect":
        return _redirect(data["RedirectConfig"], listener, request)
    return _target(backend, _weighted(source, data))


def _redirect(to: dict[str, Any], listener: Any, request: Message) -> Message:
    asked = urllib.parse.urlsplit(request.start[1])
    host = request.header("host").partition(":")[0]
    known = {"protocol": listener.protocol, "host": host, "port": str(listener.port), "path": asked.path.lstrip("/"), "query": asked.query}

    def filled(name: str, default: str) -> str:
        text = to.get(name) or default
        for key, value in known.items():
            text = text.replace(f"#{{{key}}}", value)
        return text

    protocol, query = filled("Protocol", "#{protocol}").lower(), filled("Query", "#{query}")
    place = f"{protocol}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}{filled('Path', '/#{path}')}"
    status = int(to["StatusCode"].removeprefix("HTTP_"))
    return traffic.answer(status, b"", ("Location", place + (f"?{query}" if query else "")), SERVER)


def _meets(condition: dict[str, Any], request: Message, client: str) -> bool:
    field, asked = condition["Field"], urllib.parse.urlsplit(request.start[1])
    config = next((value for name, value in condition.items() if name.endswith("Config") and value), {})
    values = config.get("Values") or condition.get("Values") or []
    if field == "source-ip":
        return any(ipaddress.ip_address(client) in ipaddress.ip_network(value, strict=False) for value in values)
    if field == "path-pattern":
        return any(fnmatch.fnmatchcase(asked.path, value) for value in values)
    if field == "host-header":
        return any(fnmatch.fnmatch(request.header("host").partition(":")[0], value) for value in values)
    if field == "http-header":
        return any(fnmatch.fnmatch(request.header(config["HttpHeaderName"].lower()), value) for value in values)
    if field == "http-request-method":
        return request.start[0] in values
    pairs = urllib.parse.parse_qsl(asked.query, keep_blank_values=True)
    return any(fnmatch.fnmatch(v, value["Value"]) and value.get("Key") in (None, "", k) for k, v in pairs for value in values)


def _weighted(source: Any, action: dict[str, Any]) -> str | None:
    """The target group whose turn it is, by the weights of the action; one of weight 0 gets none."""
    listed = (action.get("ForwardConfig") or {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    weights = {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in listed}
    weights = {arn: weight for arn, weight in weights.items() if weight > 0}
    if not weights:
        return None
    known = source.__dict__.setdefault("windlass_turns", {})
    turns = {arn: known.get(arn, 0) + weight for arn, weight in weights.items()}
    chosen = max(turns, key=lambda arn: turns[arn])
    turns[chosen] -= sum(weights.values())
    source.windlass_turns = turns
    return chosen


def _target(backend: Any, arn: str | None) -> Message | tuple[str, int] | None:
    """The next of the healthy targets; of all that are in use when none is (fails open)."""
    group = backend.target_groups.get(arn)
    reports = [(t, group.health_for(t, backend.ec2_backend).status) for t in group.targets.values()] if group else []
    usable = [t for t, status in reports if status == "healthy"] or [t for t, status in reports if status in ("unhealthy", "initial")]
    if not usable:
        return _failure(503)
    group.windlass_turn = getattr(group, "windlass_turn", -1) + 1
    target = usable[group.windlass_turn % len(usable)]
    loads.note(group.arn, target["Id"])
    application = applications.of(backend.ec2_backend.get_instance_by_id(target["Id"]))
    return application.at(int(target.get("Port") or group.port)) if application else None

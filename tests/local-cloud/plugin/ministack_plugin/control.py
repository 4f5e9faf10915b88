"""The control channel of ministack, `/_windlass/…`. People use moto's, which asks here: `/moto-api/windlass/…`."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from . import calls, cloudwatch, logs, sns


def apply() -> None:
    from ministack import app

    original = app.app

    async def controlled(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/_windlass/"):
            await _serve((scope["method"], path.removeprefix("/_windlass/").strip("/")), receive, send)
        else:
            await original(scope, receive, send)

    app.app = controlled


async def _serve(route: tuple[str, str], receive: Any, send: Any) -> None:
    raw, more = b"", True
    while more:
        message = await receive()
        raw, more = raw + message.get("body", b""), message.get("more_body", False)
    status, answer = await _handle(route, raw)
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _handle(route: tuple[str, str], raw: bytes) -> tuple[int, Any]:
    handler = ROUTES.get(route)
    if handler is None:
        return 404, {"error": "unknown", "known": [" ".join(known) for known in ROUTES]}
    try:
        # On a thread, with this request's account and Region: a rule's target may take its time.
        return 200, await asyncio.to_thread(handler, json.loads(raw or b"{}"))
    except (KeyError, ValueError, LookupError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}


def _reset_calls(_: Any) -> Any:
    calls.counts.clear()
    calls.journal.clear()
    return {}


def _fault(body: dict[str, Any]) -> Any:
    calls.add_fault(body)
    return calls.faults


def _clear_faults(_: Any) -> Any:
    calls.faults.clear()
    return []


def _event(body: dict[str, Any]) -> Any:
    """Puts an event on the default bus; unlike PutEvents, also one that only AWS may send."""
    from ministack.services import eventbridge

    entry = {
        "Source": body["source"],
        "DetailType": body["detail-type"],
        "Resources": body.get("resources", []),
        "Detail": json.dumps(body.get("detail", {})),
    }
    answer = eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    return json.loads(answer[2])


def _forget(_: Any) -> Any:
    """Drops what stacks have here, and leaves the pipeline's own."""
    return {"forgotten": cloudwatch.forget() + sns.forget() + logs.forget()}


ROUTES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("GET", "calls"): lambda _: dict(sorted(calls.counts.items())),
    ("POST", "calls/reset"): _reset_calls,
    ("GET", "journal"): lambda _: list(calls.journal),
    ("GET", "faults"): lambda _: calls.faults,
    ("POST", "faults"): _fault,
    ("POST", "faults/reset"): _clear_faults,
    ("POST", "events"): _event,
    ("POST", "confirm-subscription"): lambda body: sns.confirm(body["topic"], body["endpoint"]),
    ("GET", "subscriptions"): lambda _: sns.subscriptions(),
    ("POST", "forget"): _forget,
}

"""The other emulator's control channel: what it counted, its faults, its event bus."""

import json
import os
import urllib.error
import urllib.request
from typing import Any

from . import world

#: Empty when moto runs alone: then there is nobody to ask.
URL = os.environ.get("AWS_ENDPOINT_URL", "")
_SECONDS = 10


def apply() -> None:
    """An emptied infrastructure has no alarms, topics, log groups and dashboards of stacks either."""
    world.before_reset(lambda: try_to_ask("POST", "forget"))


def ask(method: str, path: str, body: Any = None) -> Any:
    """Sends one request to `/_windlass/<path>`. What ministack refuses is a ValueError with its words."""
    if not URL:
        raise LookupError("no ministack runs beside this moto")
    data = None if method == "GET" else json.dumps({} if body is None else body).encode()
    request = urllib.request.Request(f"{URL}/_windlass/{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from error


def try_to_ask(method: str, path: str, body: Any = None) -> Any:
    """As `ask`; None when ministack is not there, or not yet."""
    try:
        return ask(method, path, body)
    except (LookupError, OSError, ValueError) as error:
        print(f"ministack: {method} {path}: {error}", flush=True)
        return None

"""Time in the stand-in: what is pending, when it is done, and the one lock that orders every call.

moto answers from several threads but its models are not safe for that, so each call, each tick and each
control request holds `lock`. Things that take time register `after(delay, action)`; `advance` runs what is due.
"""

import heapq
import itertools
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

lock = threading.RLock()

#: Seconds each thing takes on AWS; all are divided by the time scale.
SECONDS: dict[str, float] = {
    "nat-gateway": 100,
    "nat-gateway-delete": 60,
    "load-balancer": 150,
    "load-balancer-interfaces": 30,
    "vpc-endpoint": 60,
    "vpc-endpoint-delete": 10,
    "instance-running": 5,
    "instance-boot": 30,
    "instance-stop": 10,
    "instance-terminate": 10,
    "instance-profile": 0,
    "ended-shown": 3600,
    "launch-retry": 10,
    "lifecycle-proceed": 2,
    "spot-reclaim": 120,
    "command": 2,
    "refresh-start": 5,
    "refresh-patience": 600,
    "target-check": 5,
}

_defaults = dict(SECONDS)
_pending: list[tuple[float, int, Callable[[], None]]] = []
_order = itertools.count()
_every_tick: list[Callable[[], None]] = []
_before_reset: list[Callable[[], None]] = []
_on_reset: list[Callable[[], None]] = []
_scale = float(os.environ.get("LOCAL_TIME_SCALE", "10"))


def scaled(seconds: float) -> float:
    return seconds / _scale


def delay(name: str) -> float:
    return scaled(SECONDS[name])


def time_scale() -> float:
    return _scale


def configure(scale: float | None, seconds: dict[str, float]) -> None:
    """Changes what is started from now on; what is already pending keeps its time."""
    global _scale
    unknown = set(seconds) - set(SECONDS)
    if unknown:
        raise ValueError(f"unknown delays {sorted(unknown)}; known are {sorted(SECONDS)}")
    if scale is not None:
        if scale <= 0:
            raise ValueError("the time scale must be above 0")
        _scale = scale
    SECONDS.update({name: float(value) for name, value in seconds.items()})


def after(wait: float, action: Callable[[], None]) -> None:
    heapq.heappush(_pending, (time.monotonic() + wait, next(_order), action))


def every_tick(action: Callable[[], None]) -> None:
    _every_tick.append(action)


def before_reset(action: Callable[[], None]) -> None:
    """Runs without the lock: for what asks others, who may be calling us."""
    _before_reset.append(action)


def on_reset(action: Callable[[], None]) -> None:
    _on_reset.append(action)


def advance() -> None:
    """Runs what is due. The caller holds the lock."""
    now = time.monotonic()
    while _pending and _pending[0][0] <= now:
        _guarded(heapq.heappop(_pending)[2])
    for action in _every_tick:
        _guarded(action)


def _guarded(action: Callable[[], None]) -> None:
    # One broken group must not stop time for everything else; the log shows what went wrong.
    try:
        action()
    except Exception:
        traceback.print_exc(file=sys.stdout)


def existing(backends: Any) -> Iterator[Any]:
    """The backends that were used so far, without creating one per Region."""
    for account in list(backends.values()):
        yield from list(account.values())


def reset() -> None:
    with lock:
        _pending.clear()
        SECONDS.update(_defaults)
        for action in _on_reset:
            action()


def apply() -> None:
    from moto.moto_api._internal.models import MotoAPIBackend

    original = MotoAPIBackend.reset

    def reset_everything(self: Any) -> None:
        for action in _before_reset:
            _guarded(action)
        with lock:
            reset()
            original(self)

    MotoAPIBackend.reset = reset_everything  # type: ignore[method-assign]
    threading.Thread(target=_tick, daemon=True, name="windlass-clock").start()


def _tick() -> None:
    while True:
        time.sleep(0.1)
        with lock:
            advance()

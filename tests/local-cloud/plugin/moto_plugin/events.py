"""Events that AWS sends on its own, posted to the event bus of ministack in the order they happened.

PutEvents refuses sources that begin with `aws.`, as AWS does, so they go through ministack's control channel. Posting
happens on a thread of its own: no call waits for it, and none holds the lock meanwhile.
"""

import queue
import threading
from typing import Any

from . import ministack, world

_waiting: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
_generation = 0


def apply() -> None:
    world.on_reset(_forget)
    threading.Thread(target=_post_all, daemon=True, name="windlass-events").start()


def send(source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    event = {"source": source, "detail-type": detail_type, "resources": resources, "detail": detail}
    _waiting.put((_generation, event))


def _forget() -> None:
    """What an emptied infrastructure had yet to tell is nobody's business any more."""
    global _generation
    _generation += 1


def _post_all() -> None:
    while True:
        generation, event = _waiting.get()
        if generation == _generation:
            ministack.try_to_ask("POST", "events", event)

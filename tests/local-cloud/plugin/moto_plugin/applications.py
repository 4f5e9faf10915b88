"""Applications of instances: what their user data started answers at an address of their own, and can be broken (aws-facts 49, 50).

Each instance has one address of 127.0.0.0/8 from its boot until it stops or ends. What it answers names it, so that a
client can count who served it.
"""

import time
from typing import Any

from . import boot, traffic, world
from .images import OWN_IMAGE, UBUNTU_IMAGES
from .traffic import Listener, Message

#: What the control endpoint can make of an application, beside a status that it answers.
SILENT, REFUSING = "silent", "refusing"


class Application:
    """What one instance serves since its boot."""

    def __init__(self, instance: Any) -> None:
        self.instance, self.broken = instance, None
        self.boot = boot.boot(_script(instance), _family(instance))
        self.address = ""
        self.listeners: dict[int, Listener] = {}

    def start(self) -> None:
        for port in sorted(self.boot.ports or [80]) if self.boot.answers else []:
            self._listen(port)

    def at(self, port: int) -> tuple[str, int] | None:
        """Where it takes connections that are meant for one of its ports; None when it refuses them."""
        if self.broken == REFUSING or not self.address or not self.boot.answers_at(port):
            return None
        listener = self.listeners.get(port) or self._listen(port)
        return listener.host, listener.port

    def _listen(self, port: int) -> Listener:
        made = self.listeners[port] = traffic.open_at(self.address, port, self._reply)
        self.address = made.host
        return made

    async def _reply(self, _request: Message, _peer: str) -> Message | None:
        if self.broken == SILENT:
            return None
        if self.broken == REFUSING:
            raise ConnectionAbortedError("the application does not take connections")
        return traffic.answer(int(self.broken or 200), f"{self.instance.id}\n".encode(), ("Content-Type", "text/plain"))

    def stop(self) -> None:
        for listener in self.listeners.values():
            listener.close()
        traffic.release(self.address)
        self.address, self.listeners = "", {}

    def shown(self) -> dict[str, Any]:
        ports = {str(port): f"{listener.host}:{listener.port}" for port, listener in sorted(self.listeners.items())}
        return {"address": self.address or None, "ports": ports, "failed": self.boot.failed, "answer": self.broken}


def _script(instance: Any) -> str:
    return instance.user_data.decode() if instance.user_data else ""


def _family(instance: Any) -> str:
    if instance.image_id == OWN_IMAGE:
        return boot.OWN
    return boot.UBUNTU if instance.image_id in {image for image, _ in UBUNTU_IMAGES.values()} else boot.AMAZON


# When they start and stop


def apply() -> None:
    world.on_reset(_stop_all)


_running: dict[str, Application] = {}


def of(instance: Any) -> Application | None:
    return _running.get(instance.id) if instance is not None else None


def start_when_booted(instance: Any) -> None:
    """Asked when it is running and when its boot is over: whichever comes last starts it."""
    if instance.state == "running" and time.monotonic() >= instance.windlass_booted and instance.id not in _running:
        _running[instance.id] = application = Application(instance)
        instance.windlass_boot, instance.windlass_script_began = application.boot, time.monotonic()
        application.start()


def stop(instance: Any) -> None:
    application = _running.pop(instance.id, None)
    if application:
        application.stop()


def _stop_all() -> None:
    for application in _running.values():
        application.stop()
    _running.clear()


# The control endpoints


def shown(_: Any) -> dict[str, Any]:
    return {identity: application.shown() for identity, application in sorted(_running.items())}


def break_or_mend(body: dict[str, Any]) -> dict[str, Any]:
    """`{instance, answer}`: silent, refusing or a status; without an answer it is as its user data made it."""
    application = _running.get(body["instance"])
    if application is None:
        raise LookupError(f"no application runs on {body['instance']}")
    wanted = body.get("answer")
    if wanted not in (None, SILENT, REFUSING) and not (isinstance(wanted, int) and 200 <= wanted <= 599):
        raise ValueError(f"an answer is {SILENT}, {REFUSING} or a status from 200 to 599, not {wanted!r}")
    application.broken = wanted
    return application.shown()

"""HTTP on this machine: one event loop, on a thread of its own, for applications, health checks and load balancers.

Each connection carries one request. Nobody who holds the lock of `world` waits for this thread.
"""

import asyncio
import errno
import itertools
import os
import socket
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

MOST_BYTES = 1024 * 1024
#: A port that only root may open is opened this much higher by anybody else.
UNPRIVILEGED = 10000

#: How many addresses are tried before a port counts as taken at all of them.
MOST_ATTEMPTS = 32

_loop = asyncio.new_event_loop()
_used: set[str] = set()


@dataclass(frozen=True)
class Message:
    """A request or an answer: its first line in words, its headers in order, its body."""

    start: list[str]
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name), "")

    @property
    def status(self) -> int:
        return int(self.start[1])

    def raw(self, whole: bool = True) -> bytes:
        head = [" ".join(self.start), *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + (self.body if whole else b"")


#: Gives the answer to a request of somebody at an address, or None to stay silent.
Answer = Callable[[Message, str], Awaitable[Message | None]]


def apply() -> None:
    threading.Thread(target=_loop.run_forever, daemon=True, name="windlass-traffic").start()


def start(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(_guarded(work), _loop)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    # Nobody waits for what comes of it; the log shows what went wrong.
    try:
        await work
    except Exception:
        traceback.print_exc(file=sys.stdout)


def answer(status: int, body: bytes, *headers: tuple[str, str]) -> Message:
    known = [("Content-Length", str(len(body))), ("Connection", "close"), *headers]
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    return Message(["HTTP/1.1", str(status), phrase], known, body)


class Listener:
    """Answers at an address and port until it is closed."""

    def __init__(self, host: str, port: int, reply: Answer) -> None:
        self._socket, self._reply = _bound(host, port), reply
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._closed = False
        self.host, self.port = self._socket.getsockname()
        start(self._serve())

    def close(self) -> None:
        start(self._stop())

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._meet, sock=self._socket)
        if self._closed:
            await self._stop()

    async def _stop(self) -> None:
        self._closed = True
        if self._server:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            request = await _read(reader)
            said = await self._reply(request, writer.get_extra_info("peername")[0])
            if said is None:
                await reader.read()  # until the other side gives up
            else:
                writer.write(said.raw(request.start[0] != "HEAD"))
                await writer.drain()
        except (OSError, EOFError, ValueError):  # they left, or do not speak HTTP
            return
        finally:
            self._open.discard(writer)
            writer.close()


def open_at(address: str, port: int, reply: Answer) -> Listener:
    """Listens at an address, or, without one, at a new address that nobody on this machine uses for this port."""
    for attempt in range(MOST_ATTEMPTS):
        host = address or _free_address()
        # All of the first addresses taken: somebody has the port at every address.
        wanted = port if attempt < MOST_ATTEMPTS // 2 else port + UNPRIVILEGED
        try:
            return Listener(host, wanted, reply)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            # An address that is somebody else's stays marked as used.
    raise OSError(errno.EADDRINUSE, f"no address of this machine has port {port} free")


def release(address: str) -> None:
    _used.discard(address)


def _free_address() -> str:
    """One of 127.0.0.0/8; two local clouds on one machine begin their search at different places."""
    networks, begin = 126 * 256, os.getpid()
    numbers = ((begin + count // 250) % networks * 256 + count % 250 + 2 for count in itertools.count())
    address = next(a for a in (f"127.{1 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in numbers) if a not in _used)
    _used.add(address)
    return address


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket: connections are taken from now on, and wait until the loop comes to them."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(64)
        return made
    except OSError as error:
        made.close()
        if error.errno == errno.EACCES and port < UNPRIVILEGED:
            return _bound(host, port + UNPRIVILEGED)
        if error.errno == errno.EADDRNOTAVAIL and host != "127.0.0.1":  # a system with only one address of 127.0.0.0/8
            return _bound("127.0.0.1", 0)
        raise


async def ask(host: str, port: int, request: Message) -> Message:
    """One request and its answer. Errors are those of the connection, or ValueError and EOFError for an answer that is none."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request.raw())
        await writer.drain()
        return await _read(reader, request.start[0] != "HEAD")
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, whole: bool = True) -> Message:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise ValueError("a head without an end") from error
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    words = first.split(" ", 2)
    if len(words) < 2:
        raise ValueError(f"not HTTP: {first}")
    named = [line.partition(":") for line in lines]
    message = Message(words, [(name.strip(), value.strip()) for name, _, value in named], b"")
    length = int(message.header("content-length") or 0)
    if length > MOST_BYTES:
        raise ValueError("a body too large")
    return Message(words, message.headers, await reader.readexactly(length if whole else 0))

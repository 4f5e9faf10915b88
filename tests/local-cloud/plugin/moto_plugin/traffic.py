"""HTTP on this machine: one event loop, on a thread of its own, for applications, health checks and load balancers.

Each connection carries one request. Nobody who holds the lock of `world` waits for this thread.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

MOST_BYTES = 1024 * 1024
#: A port that only root may open is opened this much higher by anybody else.
UNPRIVILEGED = 10000

_loop = asyncio.new_event_loop()


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

    def raw(self) -> bytes:
        head = [" ".join(self.start), *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + self.body


#: Gives the answer to a request of somebody at an address, or None to stay silent.
Answer = Callable[[Message, str], Awaitable[Message | None]]


def apply() -> None:
    threading.Thread(target=_loop.run_forever, daemon=True, name="windlass-traffic").start()


def start(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(work, _loop)


def answer(status: int, body: bytes, *headers: tuple[str, str], kind: str = "text/plain") -> Message:
    known = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close"), *headers]
    return Message(["HTTP/1.1", str(status), HTTPStatus(status).phrase], known, body)


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
            said = await self._reply(await _read(reader), writer.get_extra_info("peername")[0])
            if said is None:
                await reader.read()  # until the other side gives up
            else:
                writer.write(said.raw())
                await writer.drain()
        except (OSError, EOFError, ValueError):  # they left, or do not speak HTTP
            return
        finally:
            self._open.discard(writer)
            writer.close()


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
        return await _read(reader)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Message:
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
    return Message(words, message.headers, await reader.readexactly(length))

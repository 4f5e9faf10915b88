"""The wire between one process of the function and the emulators. It passes every byte on as it is, counts what changes
something, and breaks at the request that it was told to break at.

Requests that change something pass one after another. Those that are sent side by side pass in an order that is the
same in every run, whichever arrived first: when the process dies at the n-th, those before it are done, those after it lost.
"""

import contextlib
import heapq
import http.client
import http.server
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from request import Asked, asked, refusal

#: What can happen to a request. `before` and `after` kill the process; after the others it goes on.
FAULTS = {
    "before": "the function dies, and the request is not sent",
    "after": "the request takes effect, and the function dies without its answer",
    "lost": "the request takes effect, and the connection closes without an answer",
    "throttled": "the service refuses it as too much",
    "error": "the service fails with a 500",
    "slow": "the answer takes 2 s",
}
KILLS = ("before", "after")
SLOW_SECONDS = 2
#: Seconds without another request after which those that were sent side by side are all here.
QUIET = 0.004
#: What differs between two runs: ids, times, tokens.
CHANCE = re.compile(rb"[0-9a-f]{8,}|[0-9.:%]{8,}")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


class Wire:
    """What is counted and what is to break, over all the processes of one run."""

    def __init__(self) -> None:
        self.turns = _Turns()
        self.changes: list[Asked] = []
        self.count = 0
        self.at: int | None = None
        self.fault = ""
        self.struck: Asked | None = None
        #: Called with each request that changes something once it has taken effect.
        self.on_effect: Callable[[Asked, bytes], None] = lambda *_: None

    def arm(self, at: int, fault: str) -> None:
        self.at, self.fault = at, fault

    def next_fault(self, request: Asked) -> str:
        """Counts a request that changes something; says what happens to it. The caller has its turn."""
        self.count += 1
        self.changes.append(request)
        if self.count != self.at:
            return ""
        self.struck = request
        return self.fault


class _Turns:
    """Orders what arrives together."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, int]] = []
        self._number = itertools.count()
        self._taken, self._arrived = False, 0.0

    @contextlib.contextmanager
    def take(self, key: str) -> Iterator[None]:
        with self._changed:
            ticket = (key, next(self._number))
            heapq.heappush(self._waiting, ticket)
            self._arrived = time.monotonic()
            # Whoever comes may be the first of those that wait.
            self._changed.notify_all()
            while wait := self._wait(ticket):
                self._changed.wait(wait)
            heapq.heappop(self._waiting)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _wait(self, ticket: tuple[str, int]) -> float:
        """Seconds until it is worth asking again; 0 when it is its turn."""
        if self._taken or self._waiting[0] != ticket:
            return 60
        return max(self._arrived + QUIET - time.monotonic(), 0)


class Proxy(http.server.ThreadingHTTPServer):
    """One emulator, as one process of the function sees it. Once closed it forwards nothing more."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, wire: Wire, port: int, kill: Callable[[], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire, self.port, self.kill = wire, port, kill
        self.closed = False
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.closed = True
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A process that was killed closes its connections in the middle of anything."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Proxy

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = asked(self.command, self.path, self.headers, body)
        if not request.changes:
            return self._answer(*self._forward(body))
        with self.server.wire.turns.take(f"{request} {CHANCE.sub(b'', body)!r}"):
            answer = self._change(request, body)
        if answer:
            self._answer(*answer)
        else:
            self.close_connection = True

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _serve

    def _change(self, request: Asked, body: bytes) -> tuple[int, Mapping[str, str], bytes] | None:
        """The answer to a request that changes something; `None` if there is none."""
        server, wire = self.server, self.server.wire
        if server.closed:
            return None
        fault = wire.next_fault(request)
        if fault == "before":
            return server.kill()
        if fault in ("throttled", "error"):
            status, kind, text = refusal(request, fault == "throttled")
            return status, {"Content-Type": kind, "smithy-protocol": "rpc-v2-cbor"}, text
        answer = self._forward(body)
        wire.on_effect(request, body)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        if fault == "after":
            server.kill()
        return None if fault in ("after", "lost") else answer

    def _forward(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        self.upstream.request(self.command, self.path, body=body or None, headers=headers)
        answer = self.upstream.getresponse()
        return answer.status, answer.headers, answer.read()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

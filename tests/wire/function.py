"""One process of the production binary, and the Lambda Runtime API that feeds it."""

import http.server
import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

from emulators import TIME_SCALE
from environment import client_variables
from proxy import Proxy, Wire

RUNTIME = "/2018-06-01/runtime"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:windlass-provision"
#: Real seconds after which an invocation that does not end is given up.
PATIENCE = 60


class Died(Exception):
    """The process ended before it answered."""


class Function:
    """A process from its start to its death."""

    def __init__(self, binary: Path, wire: Wire, ports: dict[str, int], settings: dict[str, str], log: Path) -> None:
        self._api = _RuntimeApi()
        self._proxies = {name: Proxy(wire, port, self.kill) for name, port in ports.items()}
        reached = {name: {"port": proxy.server_address[1]} for name, proxy in self._proxies.items()}
        variables = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "TZ", "RUST_BACKTRACE") if name in os.environ},
            **client_variables({**reached, "time_scale": TIME_SCALE}),
            **settings,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "windlass-provision",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/windlass-provision",
            "AWS_LAMBDA_LOG_STREAM_NAME": "wire",
        }
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [binary], env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, from whichever thread: when this returns it is dead, and nothing that it sent is passed on any more."""
        for proxy in self._proxies.values():
            proxy.closed = True
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        for proxy in self._proxies.values():
            proxy.close()
        self._api.close()

    def invoke(self, event: dict[str, Any], deadline: float) -> Any:
        """The answer to an event. Raises `Died` if there is none."""
        self._api.events.put((str(uuid4()), deadline, json.dumps(event).encode()))
        for _ in range(PATIENCE * 50):
            try:
                ended, answer = self._api.answers.get(timeout=0.02)
            except queue.Empty:
                if not self.alive:
                    raise Died from None
                continue
            if ended != "response":
                raise AssertionError(f"the function failed with {answer}")
            return answer
        raise AssertionError(f"the function did not answer within {PATIENCE} s")


class _RuntimeApi(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.events: queue.Queue[tuple[str, float, bytes] | None] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.events.put(None)  # whoever still asks for the next one
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """As of a proxy."""


class _RuntimeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _RuntimeApi

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        """`invocation/next`: waits for an event."""
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        request, deadline, body = event
        self._answer(
            200,
            body,
            {
                "Lambda-Runtime-Aws-Request-Id": request,
                "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": FUNCTION,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        """`invocation/<id>/response`, `invocation/<id>/error`, `init/error`."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ended = self.path.removeprefix(RUNTIME).rpartition("/")[2]
        self._answer(202, b"{}", {})
        self.server.answers.put((ended, json.loads(body or b"null")))

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

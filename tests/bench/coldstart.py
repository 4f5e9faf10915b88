"""From spawning a function's process to the moment it asks for work: a Lambda Runtime API that never has any."""

import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATIENCE = 20


class _Asked(ThreadingHTTPServer):
    """Notes when `/next` is first asked for; the answer never comes, as in a frozen function."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.at = 0.0
        self.asked, self.closing = threading.Event(), threading.Event()

    def handle_error(self, *_: object) -> None:
        pass  # the process was killed while it waited: the ordinary end


class _Handler(BaseHTTPRequestHandler):
    server: _Asked

    def do_GET(self) -> None:
        self.server.at = self.server.at or time.perf_counter()
        self.server.asked.set()
        self.server.closing.wait()
        self.close_connection = True


def start_time(bootstrap: Path, variables: dict[str, str]) -> float:
    """Seconds for one cold start with the environment that the deployed function has."""
    with _Asked() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            **{name: os.environ[name] for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
            **variables,
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(bootstrap)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, close_fds=False
        )
        try:
            if not server.asked.wait(PATIENCE):
                process.kill()
                said = process.communicate()[1].decode(errors="replace")
                raise SystemExit(f"bench: {bootstrap} did not ask for work within {PATIENCE} s\n{said}")
            return server.at - began
        finally:
            process.kill()
            process.communicate()
            server.closing.set()
            server.shutdown()

"""A pair of emulators of one's own, on the clock that can be moved, and clients that reach them past the proxy."""

import contextlib
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[1] / "local-cloud"))

import boto3
import environment
import processes
from botocore.config import Config
from clock import Clock

#: What takes minutes on AWS takes milliseconds: long enough to be seen pending, and for the pass to end waiting for it.
TIME_SCALE = 5000


class Emulators:
    """Started on entering, stopped on leaving."""

    def __init__(self, folder: Path) -> None:
        self.home, self.clock = environment.Home(folder), Clock(folder)
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> "Emulators":
        environment.say = processes.say = lambda _: None
        with _passed_on(self.clock.variables):
            self.state = processes.start_pair(self.home, TIME_SCALE)
        return self

    def __exit__(self, *_: Any) -> None:
        processes.stop_pair(self.home)
        shutil.rmtree(self.home.path, ignore_errors=True)

    @property
    def ports(self) -> dict[str, int]:
        return {name: self.state[name]["port"] for name in processes.NAMES}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            here = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
            key = {"elbv2": "ELASTIC_LOAD_BALANCING_V2", "autoscaling": "AUTO_SCALING"}.get(service, service.upper())
            self._clients[service] = boto3.client(
                service,
                endpoint_url=here["moto" if key in environment.MOTO_SERVICES else "ministack"],
                region_name=environment.REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]

    def reset(self) -> None:
        """Forgets everything that was ever made."""
        for name, path in (("moto", "/moto-api/reset"), ("ministack", "/_ministack/reset")):
            url = f"http://127.0.0.1:{self.ports[name]}{path}"
            with urllib.request.urlopen(urllib.request.Request(url, data=b"", method="POST"), timeout=60) as answer:
                answer.read()


@contextlib.contextmanager
def _passed_on(variables: dict[str, str]) -> Iterator[None]:
    """The emulators take these over from this process, which does not keep them."""
    before = processes.PASSED_ON
    processes.PASSED_ON = (*before, *variables)
    os.environ.update(variables)
    try:
        yield
    finally:
        processes.PASSED_ON = before
        for name in variables:
            os.environ.pop(name)

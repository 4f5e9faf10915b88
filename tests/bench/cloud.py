"""A local cloud of one's own: what is measured must be all that happens on it. Needs the emulators' Python."""

import json
import os
import shlex
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCAL_CLOUD = [sys.executable, str(ROOT / "tests/local-cloud/local-cloud")]
PYTHON = ROOT / ".local/venv-emulators/bin/python"


def with_boto3() -> None:
    """Starts this program again with the Python that has boto3, after installing it if need be."""
    if Path(sys.prefix) != PYTHON.parents[1]:
        subprocess.run([*LOCAL_CLOUD, "venv"], check=True)
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


class Cloud:
    """Started on entering, emptied and stopped on leaving. Its variables become this process's own, so that boto3 and
    every program started from here reach it and nothing else."""

    def __init__(self, name: str, time_scale: float) -> None:
        self.home, self.time_scale = ROOT / ".local" / name, time_scale

    def __enter__(self) -> "Cloud":
        self._run("up", f"--time-scale={self.time_scale:g}", "--without-tools")
        self._read_variables()
        return self

    def __exit__(self, *_: Any) -> None:
        self._run("down")

    def deploy(self, binaries: dict[str, Path], parameters: dict[str, str]) -> None:
        given = [f"--bootstrap={function}={binary}" for function, binary in binaries.items()]
        self._run("deploy", *given, "--parameters", *(f"{name}={value}" for name, value in parameters.items()))
        self._read_variables()

    def calls(self) -> Counter[str]:
        """Calls by action since the last reset: those that stacks are made with, S3 and SQS apart."""
        return Counter(self._control("calls"))

    def reset_calls(self) -> None:
        self._control("calls/reset", {})

    def peak_memory(self) -> int:
        """Bytes that the largest function process ever held. They run in ministack's process group."""
        group = json.loads((self.home / "state.json").read_text())["ministack"]["pid"]
        return max((_peak(process) for process in Path("/proc").glob("[0-9]*") if _group(process) == group), default=0)

    def _run(self, *command: str) -> None:
        subprocess.run([*LOCAL_CLOUD, "--home", str(self.home), *command], cwd=ROOT, check=True)

    def _read_variables(self) -> None:
        for line in (self.home / "env").read_text().splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["export"]:
                os.environ.update([words[1].split("=", 1)])
            for name in words[1:] if words[:1] == ["unset"] else []:
                os.environ.pop(name, None)

    def _control(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{os.environ['MOTO_URL']}/moto-api/windlass/{path}", data=data, timeout=10) as answer:
            return json.load(answer)


def _group(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[2])
    except OSError:  # it ended meanwhile
        return 0


def _peak(process: Path) -> int:
    """Kilobytes are what the kernel notes; ministack itself, a Python, is not asked for."""
    try:
        if process.joinpath("exe").readlink().name.startswith("python"):
            return 0
        status = (process / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0

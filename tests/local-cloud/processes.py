"""The two emulator processes: start, health, identity, stop. The pair lives and dies together."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environment import ACCOUNT, HERE, MOTO_SERVICES, REGION, Home, Problem, python, say

NAMES = ("moto", "ministack")
HEALTH = {"moto": "/moto-api/windlass/delays", "ministack": "/_ministack/health"}
START_SECONDS = 40
#: Kept so that Python does not complain about processes that are meant to outlive it.
_started: list[subprocess.Popen[bytes]] = []

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "RUST_LOG", "RUST_BACKTRACE")


def running(state: dict[str, Any], name: str) -> bool:
    """Alive, the process we started, and answering."""
    return name in state and _is_ours(state[name]) and _answers(name, state[name]["port"])


def fingerprint(time_scale: float) -> str:
    """Changes when a running pair would no longer behave like a new one."""
    digest = hashlib.sha256(f"{time_scale:g}".encode())
    for file in sorted([*HERE.glob("plugin/**/*.py"), HERE / "requirements-emulators.txt", HERE / "environment.py", HERE / "processes.py"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def start_pair(home: Home, time_scale: float) -> dict[str, Any]:
    """Starts both and returns the new state, which is saved process by process."""
    ports = free_ports(len(NAMES))
    state: dict[str, Any] = {"time_scale": time_scale, "fingerprint": fingerprint(time_scale)}
    endpoints = dict(zip(NAMES, ports, strict=True))
    try:
        for name in NAMES:
            # Started and written down, or neither: a Ctrl-C in between would leave a stray.
            with interrupt_later():
                state[name] = _start(home, name, endpoints, time_scale)
                home.save(state)
        for name in NAMES:
            _wait_until_healthy(home, name, state[name])
            say(f"{name:<10} http://127.0.0.1:{state[name]['port']}  pid {state[name]['pid']}")
    except BaseException:  # also Ctrl-C: half a pair is of no use
        stop_pair(home)
        raise
    return state


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def interrupt_later() -> Iterator[None]:
    caught: list[int] = []
    previous = {s: signal.signal(s, lambda number, _: caught.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if caught:
            raise KeyboardInterrupt


def _start(home: Home, name: str, ports: dict[str, int], time_scale: float) -> dict[str, Any]:
    log = home.logs / f"{name}.log"
    command = [python("emulators"), "-u", str(HERE / "plugin" / f"{name}_launcher.py")]
    if name == "moto":
        command.append(str(ports[name]))
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.path,
            env=_settings(home, ports, time_scale),
            start_new_session=True,
        )
    _started.append(process)
    return {"pid": process.pid, "port": ports[name], "born": _born(process.pid)}


def _settings(home: Home, ports: dict[str, int], time_scale: float) -> dict[str, str]:
    """The whole environment of the emulators. Functions inherit ministack's, so nothing of the caller's leaks in."""
    moto, ministack = (f"http://127.0.0.1:{ports[name]}" for name in NAMES)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "HOME": str(home.path),
        "TMPDIR": str(home.path / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOCAL_CLOUD_HOME": str(home.path),
        "LOCAL_LOGS": str(home.logs),
        "LOCAL_TIME_SCALE": f"{time_scale:g}",
        "MOTO_ACCOUNT_ID": ACCOUNT,
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "GATEWAY_PORT": str(ports["ministack"]),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "S3_DATA_DIR": str(home.path / "tmp" / "s3"),
        "STATE_DIR": str(home.path / "tmp" / "state"),
        "AWS_ENDPOINT_URL": ministack,
        **{f"AWS_ENDPOINT_URL_{service}": moto for service in MOTO_SERVICES},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _wait_until_healthy(home: Home, name: str, process: dict[str, Any]) -> None:
    limit = time.monotonic() + START_SECONDS
    while not _answers(name, process["port"]):
        if not _is_ours(process) or time.monotonic() > limit:
            tail = "\n".join((home.logs / f"{name}.log").read_text(errors="replace").splitlines()[-15:])
            raise Problem(f"{name} did not start; the end of its log:\n{tail}")
        time.sleep(0.05)


def _answers(name: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{HEALTH[name]}", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _born(pid: int) -> str:
    """When a process started: with its id, this names one process for ever. Empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return "" if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout.strip()


def _is_ours(process: dict[str, Any]) -> bool:
    return bool(process["born"]) and _born(process["pid"]) == process["born"]


def stop_pair(home: Home) -> bool:
    """Stops what the state names, with all it started, and forgets it. True if anything was there."""
    state = home.state()
    known = [state[name] for name in NAMES if name in state]
    alive = [process for process in known if _is_ours(process)]
    for process in alive:
        _signal_group(process, signal.SIGTERM)
    limit = time.monotonic() + 5
    while any(_is_ours(p) for p in alive) and time.monotonic() < limit:
        for started in _started:
            started.poll()  # ends zombies when the emulators are our own children
        time.sleep(0.05)
    for process in alive:
        # Also when the leader has gone: functions it started are in its group.
        _signal_group(process, signal.SIGKILL)
    for process in known:
        if process not in alive:
            _kill_orphans(home, process["pid"])
    home.env_file.unlink(missing_ok=True)
    home.state_file.unlink(missing_ok=True)
    return bool(alive)


def _signal_group(process: dict[str, Any], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process["pid"], number)


def _kill_orphans(home: Home, group: int) -> None:
    """Functions of an emulator that was killed: same process group, and our mark in their environment."""
    mark = f"LOCAL_CLOUD_HOME={home.path}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            in_group = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[2]) == group
            if in_group and mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)

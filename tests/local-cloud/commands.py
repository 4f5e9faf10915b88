"""The subcommands of local-cloud, one function each."""

import argparse
import json
import os
import shutil
import subprocess
import time
import urllib.request
from typing import Any

import processes
from deploy import deploy_stack
from environment import OUTPUTS, Home, Problem, ensure_venv, say, write_env_file


def up(home: Home, arguments: argparse.Namespace) -> None:
    with home.locked():
        start = time.monotonic()
        ensure_venv("emulators")
        if not arguments.without_tools:
            ensure_venv("tools")
        ensure_running(home, arguments.time_scale)
        say(f"ready in {time.monotonic() - start:.1f} s; use it with: . {os.path.relpath(home.env_file)}")


def venv(home: Home, _: argparse.Namespace) -> None:
    with home.locked():
        ensure_venv("emulators")
        ensure_venv("tools")


def ensure_running(home: Home, time_scale: float | None = None) -> dict[str, Any]:
    """The state of a healthy pair, started if need be. The caller holds the lock."""
    state = home.state()
    scale = time_scale or float(os.environ.get("LOCAL_TIME_SCALE") or state.get("time_scale") or 10)
    fresh = state.get("fingerprint") == processes.fingerprint(scale)
    if fresh and all(processes.running(state, name) for name in processes.NAMES):
        say("already running")
    else:
        if processes.stop_pair(home):
            say("restarting: " + ("an emulator had died" if fresh else "settings or plug-ins changed"))
        state = processes.start_pair(home, scale)
    write_env_file(home, state)
    return state


def deploy(home: Home, arguments: argparse.Namespace) -> None:
    with home.locked():
        ensure_venv("emulators")
        ensure_venv("tools")
        state = ensure_running(home)
        state["outputs"] = deploy_stack(home, state, arguments)
        home.save(state)
        write_env_file(home, state)
    for name, value in state["outputs"].items():
        say(f"  {OUTPUTS.get(name, name)} = {value}")


def load(home: Home, arguments: argparse.Namespace) -> None:
    url = f"http://127.0.0.1:{home.state()['moto']['port']}/moto-api/windlass/loads"
    body = json.dumps({"requests_per_second": arguments.requests_per_second}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10):
        pass


def down(home: Home, _: argparse.Namespace) -> None:
    with home.locked():
        say("stopped" if processes.stop_pair(home) else "nothing was running")
        shutil.rmtree(home.path / "tmp", ignore_errors=True)


def status(home: Home, _: argparse.Namespace) -> int:
    state = home.state()
    well = True
    for name in processes.NAMES:
        alive = processes.running(state, name)
        well = well and alive
        where = f"http://127.0.0.1:{state[name]['port']}  pid {state[name]['pid']}" if name in state else ""
        say(f"{name:<10} {'running' if alive else 'stopped':<8} {where}".rstrip())
    for name, value in state.get("outputs", {}).items():
        say(f"  {OUTPUTS.get(name, name)} = {value}")
    return 0 if well else 3


def reset(home: Home, arguments: argparse.Namespace) -> None:
    with home.locked():
        state = home.state()
        if not all(processes.running(state, name) for name in processes.NAMES):
            raise Problem("nothing to reset: not running (local-cloud up starts it)")
        moto = f"http://127.0.0.1:{state['moto']['port']}/moto-api"
        _post(f"{moto}/reset")
        _post(f"{moto}/windlass/calls/reset")
        if arguments.infrastructure:
            say("the infrastructure is empty again; the pipeline is still deployed")
            return
        _post(f"http://127.0.0.1:{state['ministack']['port']}/_ministack/reset")
        state.pop("outputs", None)
        home.save(state)
        write_env_file(home, state)
        say("everything is empty again; deploy the pipeline anew")


def _post(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, data=b"", method="POST"), timeout=60) as answer:
        answer.read()


def logs(home: Home, arguments: argparse.Namespace) -> int:
    wanted = [home.logs / f"{name}.log" for name in arguments.name] or sorted(home.logs.glob("*.log"))
    missing = [path.stem for path in wanted if not path.exists()]
    if missing or not wanted:
        known = ", ".join(sorted(path.stem for path in home.logs.glob("*.log"))) or "none"
        raise Problem(f"no such log: {', '.join(missing)}; there are: {known}")
    follow = ["-F"] if arguments.follow else []
    return subprocess.run(["tail", "-n", str(arguments.lines), *follow, *map(str, wanted)]).returncode

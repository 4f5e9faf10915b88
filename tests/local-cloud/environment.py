"""Where things are, the two virtual environments, and the environment variables everything shares."""

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REGION = "us-east-1"
ACCOUNT = "123456789012"

#: Stack outputs and the variables they become.
OUTPUTS = {
    "SpecBucketName": "SPEC_BUCKET",
    "StateBucketName": "STATE_BUCKET",
    "ProvisionQueueUrl": "PROVISION_QUEUE_URL",
    "ProvisionDeadLetterQueueUrl": "PROVISION_DLQ_URL",
    "ProvisionFunctionName": "PROVISION_FUNCTION",
    "ArchiveQueueUrl": "ARCHIVE_QUEUE_URL",
    "ArchiveDeadLetterQueueUrl": "ARCHIVE_DLQ_URL",
    "ArchiveFunctionName": "ARCHIVE_FUNCTION",
    "LifecycleQueueUrl": "LIFECYCLE_QUEUE_URL",
    "LifecycleDeadLetterQueueUrl": "LIFECYCLE_DLQ_URL",
    "LifecycleFunctionName": "LIFECYCLE_FUNCTION",
    "ScaleQueueUrl": "SCALE_QUEUE_URL",
    "ScaleDeadLetterQueueUrl": "SCALE_DLQ_URL",
    "ScaleFunctionName": "SCALE_FUNCTION",
}

#: The services moto plays; everything else is ministack.
MOTO_SERVICES = ("EC2", "AUTO_SCALING", "ELASTIC_LOAD_BALANCING_V2", "IAM", "SERVICE_QUOTAS", "SSM")


class Problem(Exception):
    """Something the person at the terminal has to know, in one line."""


def say(text: str) -> None:
    print(text, flush=True)


class Home:
    """One local cloud: its state files, logs and env file. Virtual environments are shared by all."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or ROOT / ".local").resolve()
        self.logs = self.path / "logs"
        self.env_file = self.path / "env"
        self.state_file = self.path / "state.json"
        for folder in (self.path, self.logs, self.path / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time; a second one waits. The lock dies with its process."""
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another local-cloud command …")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def state(self) -> dict[str, Any]:
        try:
            return json.loads(self.state_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def save(self, state: dict[str, Any]) -> None:
        write_whole(self.state_file, json.dumps(state, indent=1))


def write_whole(path: Path, text: str) -> None:
    """Replaces a file in one step: readers see the old or the new one, never half."""
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(text)
    fresh.replace(path)


def venv(name: str) -> Path:
    return ROOT / ".local" / f"venv-{name}"


def python(name: str) -> str:
    return str(venv(name) / "bin" / "python")


def ensure_venv(name: str) -> None:
    """Installs `requirements-<name>.txt`, unless that very file is installed already."""
    requirements = HERE / f"requirements-{name}.txt"
    stamp, wanted = venv(name) / "requirements.sha256", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"installing {requirements.name} (once, about a minute) …")
    stamp.unlink(missing_ok=True)
    _run(sys.executable, "-m", "venv", str(venv(name)))
    _run(python(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements))
    stamp.write_text(wanted)


def _run(*command: str) -> None:
    if subprocess.run(command).returncode:
        raise Problem(f"failed: {shlex.join(command)}")


def client_variables(state: dict[str, Any]) -> dict[str, str]:
    """What an AWS client, a function or a test needs to talk to this local cloud."""
    ministack, moto = (f"http://127.0.0.1:{state[name]['port']}" for name in ("ministack", "moto"))
    return {
        "AWS_ENDPOINT_URL": ministack,
        **{f"AWS_ENDPOINT_URL_{service}": moto for service in MOTO_SERVICES},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_URL": moto,
        "LOAD_BALANCERS_URL": f"{moto}/moto-api/windlass/load-balancers",
        "MINISTACK_URL": ministack,
        "LOCAL_TIME_SCALE": f"{state['time_scale']:g}",
        "SAM_CLI_TELEMETRY": "0",
    }


def write_env_file(home: Home, state: dict[str, Any]) -> None:
    outputs = state.get("outputs", {})
    variables = client_variables(state) | {OUTPUTS[k]: v for k, v in outputs.items() if k in OUTPUTS}
    lines = ["# Written by tests/local-cloud/local-cloud; use with: . .local/env"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    # A profile of the person at the terminal must not send these calls to a real account.
    lines.append("unset AWS_PROFILE AWS_SESSION_TOKEN")
    write_whole(home.env_file, "\n".join(lines) + "\n")

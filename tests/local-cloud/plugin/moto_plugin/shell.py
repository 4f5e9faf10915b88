"""A shell on an instance: what commands print there, of what its boot and its application really are.

Nothing is run. A script is read line by line; `&&` and `;` join commands, `sleep` takes its time, and `exit` ends it. Looking
at units, sockets, cloud-init and containers is understood; other commands succeed and print nothing.
"""

import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import applications, boot, world

#: What every image listens on.
OWN_SOCKETS = (("127.0.0.53%lo", 53), ("0.0.0.0", 22), ("[::]", 22))
#: Exit code of a command that the image does not have.
NOT_FOUND = 127


@dataclass
class Run:
    """How a script went."""

    output: str = ""
    code: int = 0
    seconds: float = 0


class _Ended(Exception):
    """The script came to an `exit`."""


def run(instance: Any, script: str) -> Run:
    outcome = Run()
    try:
        for line in script.splitlines():
            for part in re.split(r";(?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)", line):
                _joined(outcome, instance, part)
    except _Ended:
        pass
    return outcome


def _joined(outcome: Run, instance: Any, line: str) -> None:
    """Commands joined by `&&`: the first that fails is the last."""
    commands: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    for words in filter(None, commands):
        command = [word for word in words if not re.match(r"\d?>", word)]
        before = outcome.output
        outcome.code = _one(outcome, instance, command[2:] if command[0] == "timeout" else command)
        if any(re.match(r"1?>", word) for word in words):
            outcome.output = before
        if outcome.code:
            return


def _one(outcome: Run, instance: Any, words: list[str]) -> int:
    name, rest = words[0].rpartition("/")[2], words[1:]
    if name == "exit":
        outcome.code = int(rest[0]) if rest else outcome.code
        raise _Ended
    if name == "sleep":
        outcome.seconds += float(rest[0])
        return 0
    if name == "false":
        return 1
    for (command, *wanted), answer in ANSWERS.items():
        if name == command and all(word in rest for word in wanted):
            said, code = answer(instance, rest)
            outcome.output += "".join(f"{line}\n" for line in said)
            return code
    return 0


Answer = tuple[list[str], int]


def _echo(_instance: Any, words: list[str]) -> Answer:
    return [" ".join(words)], 0


def _have(instance: Any, words: list[str]) -> Answer:
    """`command -v`: whether the image has a program, and where."""
    missing = words[-1] == "docker" and not _has_docker(instance)
    return ([], 1) if missing else ([f"/usr/bin/{words[-1]}"], 0)


def _failed_units(instance: Any, _words: list[str]) -> Answer:
    failed = instance.windlass_boot.failed and _is_over(instance)
    return (["cloud-final.service loaded failed failed Cloud-init: Final Stage"] if failed else []), 0


def _sockets(instance: Any, _words: list[str]) -> Answer:
    application = applications.of(instance)
    ports = sorted(application.listeners) if application and application.broken != applications.REFUSING else []
    sockets = [*OWN_SOCKETS, *(("0.0.0.0", port) for port in ports)]
    return [f"LISTEN 0      4096   {f'{address}:{port}':>20}      0.0.0.0:*" for address, port in sockets], 0


def _cloud_init(instance: Any, _words: list[str]) -> Answer:
    if not _is_over(instance):
        return ["status: running"], 0
    return (["status: error"], 1) if instance.windlass_boot.failed else (["status: done"], 0)


def _containers(instance: Any, _words: list[str]) -> Answer:
    if not _has_docker(instance):
        return [], NOT_FOUND
    up = int((time.monotonic() - instance.windlass_script_began) * world.time_scale())
    return [f"{name} Up {up} seconds" for name in sorted(instance.windlass_boot.containers)], 0


def _has_docker(instance: Any) -> bool:
    return "docker" in instance.windlass_boot.units or instance.windlass_boot.family == boot.OWN


def _is_over(instance: Any) -> bool:
    elapsed = (time.monotonic() - instance.windlass_script_began) * world.time_scale()
    return elapsed >= instance.windlass_boot.second


#: What begins with the first word and has the others among its arguments.
ANSWERS: dict[tuple[str, ...], Callable[[Any, list[str]], Answer]] = {
    ("echo",): _echo,
    ("command", "-v"): _have,
    ("systemctl", "list-units", "--failed"): _failed_units,
    ("ss", "-Hltn"): _sockets,
    ("cloud-init", "status"): _cloud_init,
    ("docker", "ps"): _containers,
}

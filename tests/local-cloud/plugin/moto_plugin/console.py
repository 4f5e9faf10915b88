"""What an instance says of its boot: its console, and the two checks of its status."""

import datetime
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance
from moto.ec2.responses.general import General

from . import boot, world

#: How long an instance has been up when it comes to its user data.
UP = 14.0
KERNEL = {
    boot.UBUNTU: ("Linux version 6.8.0-1021-aws (buildd@lcy02-amd64-112)", "Ubuntu 24.04.1 LTS", "24.1.3-0ubuntu3.3", "DataSourceEc2Local"),
    boot.AMAZON: ("Linux version 6.1.119-129.201.amzn2023.x86_64 (mockbuild@ip-10-0-43-40)", "Amazon Linux 2023", "22.2.2", "DataSourceEc2"),
}
PROCESS = 1577


def apply() -> None:
    General.get_console_output = _get_console_output  # type: ignore[method-assign]
    for name in ("instance_status", "system_status"):
        setattr(Instance, name, _initializing_first(getattr(Instance, name).fget))


def _initializing_first(read: Any) -> property:
    def status(instance: Any) -> dict[str, Any]:
        if instance.state == "running" and time.monotonic() < instance.windlass_booted:
            return {"Details": [{"Name": "reachability", "Status": "initializing"}], "Status": "initializing"}
        return read(instance)

    return property(status)


def _get_console_output(response: Any) -> Any:
    """Nothing until it has booted; what the boot said stays when the instance stops."""
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    answer = {"InstanceId": instance.id, "Timestamp": utcnow()}
    if hasattr(instance, "windlass_boot"):
        answer["Output"] = Base64EncodedString.from_raw_string(text(instance))
    return ActionResult(answer)


def text(instance: Any) -> str:
    """The lines that have come so far, the script's as cloud-init puts them on the console."""
    outcome, elapsed = instance.windlass_boot, (time.monotonic() - instance.windlass_script_began) * world.time_scale()
    kernel, system, version, source = KERNEL.get(outcome.family, KERNEL[boot.AMAZON])
    lines = [
        f"[    0.000000] {kernel} #1 SMP PREEMPT_DYNAMIC",
        "[    0.000000] Command line: BOOT_IMAGE=(hd0,gpt1)/boot/vmlinuz root=/dev/nvme0n1p1 ro console=tty0 console=ttyS0,115200n8",
        f"[    9.412031] cloud-init[1320]: Cloud-init v. {version} running 'init' at {_wall(instance, -4)}. Up 9.41 seconds.",
        _line(0, f"Cloud-init v. {version} running 'modules:final' at {_wall(instance, 0)}. Up {UP:.2f} seconds."),
    ]
    for second, line in outcome.lines:
        if second <= elapsed:
            lines.append(_line(second, line.replace("{now}", _stamp(instance, second))))
    if outcome.second <= elapsed:
        up = UP + outcome.second
        finished = f"Cloud-init v. {version} finished at {_wall(instance, outcome.second)}. Datasource {source}.  Up {up:.2f} seconds"
        lines.append(_line(outcome.second, finished))
        lines += ["", system, f"{instance.private_dns_name or 'ip-10-0-0-1'} login: "]
    return "\r\n".join([*lines, ""])


def _line(second: float, said: str) -> str:
    return f"[{UP + second:12.6f}] cloud-init[{PROCESS}]: {said}"


def _moment(instance: Any, second: float) -> datetime.datetime:
    began = time.time() - (time.monotonic() - instance.windlass_script_began)
    return datetime.datetime.fromtimestamp(began + second, datetime.UTC)


def _wall(instance: Any, second: float) -> str:
    return f"{_moment(instance, second):%a, %d %b %Y %H:%M:%S +0000}"


def _stamp(instance: Any, second: float) -> str:
    return f"{_moment(instance, second):%Y-%m-%d %H:%M:%S},000"

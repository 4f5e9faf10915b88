"""Systems Manager: agents of instances, and the commands that they run (moto: no agents, and every command succeeds at once).

An agent registers when its instance has booted. A command is unknown for a moment, runs for as long as it takes, and prints
what the instance is (`shell`).
"""

import time
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ssm.responses import SimpleSystemManagerResponse

from . import shell, world
from .calls import refuse

DOCUMENT = "AWS-RunShellScript"
LEAST_DELIVERY = 30
#: Most characters of what a command printed that GetCommandInvocation answers.
MOST_OUTPUT = 24_000
#: Seconds of AWS until anybody knows of a command that was sent.
UNKNOWN_FOR = 1


class Command:
    """One that was sent to some instances."""

    def __init__(self, instances: list[str], script: str, timeout: float) -> None:
        self.id, self.instances = str(uuid.uuid4()), instances
        self.script, self.timeout = script, timeout
        self.known = time.monotonic() + world.scaled(UNKNOWN_FOR)
        self.status = dict.fromkeys(instances, "Pending")
        self.runs: dict[str, shell.Run] = {}

    def begin(self, instance: Any) -> None:
        if instance.state != "running":  # nobody is there to take it
            self.status[instance.id] = "TimedOut"
            return
        self.status[instance.id] = "InProgress"
        run = shell.run(instance, self.script)
        takes = min(run.seconds, self.timeout)
        world.after(world.scaled(takes), lambda: self.end(instance, run))

    def end(self, instance: Any, run: shell.Run) -> None:
        if instance.state == "running" and run.seconds <= self.timeout:
            self.status[instance.id] = "Failed" if run.code else "Success"
            self.runs[instance.id] = run
        else:
            self.status[instance.id] = "TimedOut"


_sent: dict[str, Command] = {}


def apply() -> None:
    world.on_reset(_sent.clear)
    SimpleSystemManagerResponse.send_command = _send  # type: ignore[method-assign]
    SimpleSystemManagerResponse.get_command_invocation = _invocation  # type: ignore[method-assign]
    SimpleSystemManagerResponse.describe_instance_information = _agents  # type: ignore[attr-defined]


def _registered(response: Any, identity: str) -> Any:
    """An instance whose agent has registered."""
    from moto.ec2 import ec2_backends

    instance = ec2_backends[response.current_account][response.region].get_instance_by_id(identity)
    return instance if instance is not None and hasattr(instance, "windlass_boot") else None


def _send(response: Any) -> Any:
    identities, parameters = response._get_param("InstanceIds", []), response._get_param("Parameters", {})
    delivery = int(response._get_param("TimeoutSeconds") or 3600)
    if response._get_param("DocumentName") != DOCUMENT:
        refuse("InvalidDocument", f"document {response._get_param('DocumentName')} does not exist in your account")
    if delivery < LEAST_DELIVERY:
        words = "1 validation error detected: Value '{}' at 'timeoutSeconds' failed to satisfy constraint: {} {}"
        refuse("ValidationException", words.format(delivery, "Member must have value greater than or equal to", LEAST_DELIVERY))
    instances = [_registered(response, identity) for identity in identities]
    if not all(i is not None and i.state in ("running", "stopping", "stopped") for i in instances):
        refuse("InvalidInstanceId", f"Instances [{identities}] not in a valid state for account {response.current_account}")
    timeout = float((parameters.get("executionTimeout") or ["3600"])[0])
    command = Command(identities, "\n".join(parameters.get("commands") or []), timeout)
    _sent[command.id] = command
    for instance in instances:
        world.after(world.delay("command"), lambda instance=instance: command.begin(instance))
    told = {"CommandId": command.id, "DocumentName": DOCUMENT, "Parameters": parameters, "InstanceIds": identities, "Status": "Pending"}
    return ActionResult({"Command": {**told, "StatusDetails": "Pending", "RequestedDateTime": utcnow(), "TimeoutSeconds": delivery}})


def _invocation(response: Any) -> Any:
    command, instance = _sent.get(response._get_param("CommandId")), response._get_param("InstanceId")
    if command is None or instance not in command.status or time.monotonic() < command.known:
        refuse("InvocationDoesNotExist", "")
        return None
    status, run = command.status[instance], command.runs.get(instance)
    answer = {"CommandId": command.id, "InstanceId": instance, "DocumentName": DOCUMENT, "Status": status, "StatusDetails": status}
    output = run.output[:MOST_OUTPUT] if run else ""
    return ActionResult({**answer, "ResponseCode": run.code if run else -1, "StandardOutputContent": output, "StandardErrorContent": ""})


def _agents(response: Any) -> Any:
    wanted = [i for one in response._get_param("Filters", []) if one["Key"] == "InstanceIds" for i in one["Values"]]
    known = [instance for identity in wanted if (instance := _registered(response, identity))]
    return ActionResult({"InstanceInformationList": [
        {"InstanceId": i.id, "PingStatus": "Online" if i.state == "running" else "ConnectionLost", "LastPingDateTime": utcnow(),
         "AgentVersion": "3.3.1611.0", "PlatformType": "Linux", "ResourceType": "EC2Instance"}
        for i in known
    ]})

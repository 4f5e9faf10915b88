"""Who is measured: each creates the reference stack, finds nothing to change, changes one field, and destroys it."""

import json
import os
import re
import resource
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from cloud import ROOT, Cloud

READS = ("Describe", "Get", "List")
#: The services of the pipeline's own buckets and queues.
OWN = ("s3:", "sqs:")
PROVIDER = "registry.terraform.io/hashicorp/aws"
CONFIGURATION = ROOT / "tests/bench/terraform"
PATIENCE = 600


@dataclass
class Measured:
    seconds: float
    calls: Counter[str]
    compute: float  # seconds: function time billed, or CPU time
    passes: int | None = None
    #: Calls besides, on the pipeline's own buckets and queues.
    own: int | None = None
    #: Calls of the lifecycle function, which lets instances in and sees them off.
    gate: int = 0
    memory: int | None = None  # bytes at the most

    @property
    def total(self) -> int:
        return self.calls.total()

    @property
    def changing(self) -> int:
        return sum(count for action, count in self.calls.items() if not action.partition(":")[2].startswith(READS))


@dataclass
class Windlass:
    """From the upload of a spec to the phase Ready of that very version; calls until all is quiet again."""

    cloud: Cloud
    key: str = "specs/dev/web.yaml"
    spec: str = field(default_factory=(ROOT / "events/specs/web.yaml").read_text)

    def create(self) -> Measured:
        return self._put(self.spec)

    def idle(self) -> Measured:
        return self._put(self.spec)

    def change(self) -> Measured:
        changed = self.spec.replace("above: 70", "above: 75")
        assert changed != self.spec, "the reference spec has another threshold"
        return self._put(changed)

    def destroy(self) -> Measured:
        """From the deletion of the spec to the phase Deleted."""
        bucket = os.environ["SPEC_BUCKET"]

        def act() -> Callable[[], bool]:
            boto3.client("s3").delete_object(Bucket=bucket, Key=self.key)
            return lambda: self._phase(None) == "Deleted"

        return self._measure("Deleted", act)

    def _put(self, spec: str) -> Measured:
        bucket = os.environ["SPEC_BUCKET"]

        def act() -> Callable[[], bool]:
            version = boto3.client("s3").put_object(Bucket=bucket, Key=self.key, Body=spec.encode())["VersionId"]
            return lambda: self._phase(version) == "Ready"

        return self._measure("Ready", act)

    def _measure(self, what: str, act: Callable[[], Callable[[], bool]]) -> Measured:
        self.cloud.reset_calls()
        began, stamp = time.perf_counter(), int(time.time() * 1000)
        _until(what, act())
        seconds = time.perf_counter() - began
        _until("quiet", self._is_quiet)
        calls = self.cloud.calls()
        lines = _function_logs(stamp)
        billed = sum(float(found[1]) for _, line in lines if (found := re.search(r"Billed Duration: ([\d.]+) ms", line)))
        passes = [line for _, line in lines if '"message":"pass ended"' in line]
        own = _counted(line for _, line in lines)
        own = Counter({action: count for action, count in own.items() if action.startswith(OWN)})
        gate = _counted(line for group, line in lines if group.endswith("windlass-lifecycle"))
        gate = Counter({action: count for action, count in gate.items() if not action.startswith(OWN)})
        return Measured(seconds, calls, billed / 1000, passes=len(passes), own=own.total(), gate=gate.total())

    def _phase(self, version: str | None) -> str | None:
        """The stack's phase, once the status answers to this version, or to any."""
        s3 = boto3.client("s3")
        try:
            answer = s3.get_object(Bucket=os.environ["STATE_BUCKET"], Key="stacks/dev/web/status.json")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        status = json.loads(answer)
        if version and status["specVersion"] != version:
            return None
        if status["phase"] in ("Rejected", "Failed", "Degraded"):
            raise SystemExit(f"bench: the stack is {status['phase']}: {json.dumps(status['errors'], indent=1)}")
        return status["phase"]

    def _is_quiet(self) -> bool:
        """No message is visible, in flight or delayed in any queue."""
        sqs = boto3.client("sqs")
        kinds = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        queues = sqs.list_queues().get("QueueUrls", [])
        asked = (sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=kinds)["Attributes"] for queue in queues)
        return all(attributes[kind] == "0" for attributes in asked for kind in kinds)


def _counted(lines: Iterable[str]) -> Counter[str]:
    """The calls that functions count in their metrics, by action."""
    metrics = (json.loads(line) for line in lines if line.startswith('{"_aws"'))
    return sum((Counter(metric["CallsByAction"]) for metric in metrics), Counter())


def _function_logs(since: int) -> list[tuple[str, str]]:
    """What each function's log group holds since then, in milliseconds since 1970, once all of it is there."""
    time.sleep(0.5)  # an invocation writes its log a moment after its message has left the queue
    logs = boto3.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    names = [group["logGroupName"] for group in groups]
    pages = ((name, page) for name in names for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=since))
    return [(name, event["message"]) for name, page in pages for event in page["events"]]


def _until(what: str, happened: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > limit:
            raise SystemExit(f"bench: not {what} after {PATIENCE} s")
        time.sleep(0.05)


class Terraform:
    """From the start of the program to its end, each time with a look at everything first, as people use it."""

    @staticmethod
    def missing() -> str | None:
        """Why it cannot take part, if it cannot. Nothing is downloaded."""
        if not shutil.which("terraform"):
            return "terraform is not installed"
        return None if _plugins() else "its AWS provider is not on this machine (TF_PLUGIN_DIR)"

    def __init__(self, cloud: Cloud, *variables: str) -> None:
        self.cloud, self.variables = cloud, [f"-var={variable}" for variable in variables]
        self.folder = cloud.home / "terraform"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(CONFIGURATION, self.folder)
        self._run("init", f"-plugin-dir={_plugins()}")

    def create(self) -> Measured:
        return self._measure("apply", "-auto-approve")

    def idle(self) -> Measured:
        return self._measure("plan")

    def change(self) -> Measured:
        return self._measure("apply", "-auto-approve", "-var=cpu_high=75")

    def destroy(self) -> Measured:
        return self._measure("destroy", "-auto-approve")

    def _measure(self, *command: str) -> Measured:
        self.cloud.reset_calls()
        began = time.perf_counter()
        used = self._run(*command, *self.variables)
        seconds = time.perf_counter() - began
        return Measured(seconds, self.cloud.calls(), used.ru_utime + used.ru_stime, memory=used.ru_maxrss * 1024)

    def _run(self, command: str, *arguments: str) -> resource.struct_rusage:
        """What the program and its provider have used."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        log = self.folder / f"{command}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["terraform", command, "-input=false", "-no-color", *arguments],
                cwd=self.folder, env=kept | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bench: terraform {command} failed; the end of {log}:\n{log.read_text()[-2000:]}")
        return used


def _plugins() -> Path | None:
    """The folder for `terraform init -plugin-dir`: where the provider lies unpacked, in the version that is asked for."""
    version = re.search(r'version = "([\d.]+)"', (CONFIGURATION / "main.tf").read_text())[1]
    usual = ["/opt/tf-plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "~/.terraform.d/plugins"]
    named = [os.environ[name] for name in ("TF_PLUGIN_DIR", "TF_PLUGIN_CACHE_DIR") if os.environ.get(name)]
    folders = (Path(text).expanduser() for text in named + usual)
    return next((folder for folder in folders if (folder / PROVIDER / version).is_dir()), None)

"""One run: a stack is made, or made and destroyed, with at most one fault on the wire; then everything is looked at."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators import Emulators
from function import Died, Function
from inventory import RESOURCE, STACK, Thing, inventory, shape
from proxy import KILLS, Wire
from request import Asked

SPECS, STATES, QUEUE = "windlass-specs", "windlass-states", "windlass-provision"
NAME = "dev/web"
KEY = f"specs/{NAME}.yaml"
LOOK = {"wake": {"stack": {"environment": "dev", "name": "web"}, "token": None}}
#: As in template.yaml.
VISIBILITY, RECEIVES, TIMEOUT = 360, 5, 60
SETTINGS = {"WAKE_SECONDS": "10", "GRACE_SECONDS": "300", "CONSISTENCY_SECONDS": "300", "LOG_LEVEL": "info"}
#: More than any run needs: what does not end by then does not end.
INVOCATIONS = 120


class Violation(Exception):
    """What must not be."""


@dataclass
class Outcome:
    """How a run went."""

    problem: str = ""
    struck: Asked | None = None
    seconds: float = 0
    created: list[Asked] = field(default_factory=list)
    destroyed: list[Asked] = field(default_factory=list)
    shape: Counter[str] = field(default_factory=Counter)


class Run:
    """One stack in an account that was empty before."""

    def __init__(self, emulators: Emulators, binary: Path, spec: str, log: Path) -> None:
        self.emulators, self.binary, self.spec, self.log = emulators, binary, spec, log
        self.clock = emulators.clock
        self.wire = Wire()
        self.wire.on_effect = self._note_delay
        self.function: Function | None = None
        self.killed = False
        self.due: list[float] = []
        self._prepare()

    def _prepare(self) -> None:
        self.emulators.reset()
        s3, sqs = self.emulators.client("s3"), self.emulators.client("sqs")
        for bucket in (SPECS, STATES):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.dead_letters = sqs.create_queue(QueueName=f"{QUEUE}-dlq")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
        attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
        self.queue = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]

    def close(self) -> None:
        if self.function:
            self.function.close()

    # What happens to the stack

    def create(self) -> None:
        version = self.emulators.client("s3").put_object(Bucket=SPECS, Key=KEY, Body=self.spec.encode())["VersionId"]
        self._spec_event("Object Created", version)
        self.settle()
        self._expect_phase("Ready")

    def destroy(self) -> None:
        version = self.emulators.client("s3").delete_object(Bucket=SPECS, Key=KEY)["VersionId"]
        self._spec_event("Object Deleted", version)
        self.settle()
        self._expect_phase("Deleted")

    def look(self) -> None:
        """Somebody wants it looked at; that changes nothing."""
        before = self.wire.count
        self._send(LOOK)
        self.settle()
        if self.wire.count > before:
            raise Violation(f"a further look sent {', '.join(map(str, self.wire.changes[before:]))}")

    def _spec_event(self, happened: str, version: str) -> None:
        about = {"bucket": {"name": SPECS}, "object": {"key": KEY, "version-id": version, "sequencer": "00617F08299329D189"}}
        self._send({"version": "0", "detail-type": happened, "source": "aws.s3", "region": "us-east-1", "detail": about})

    def _send(self, body: dict[str, Any]) -> None:
        self.emulators.client("sqs").send_message(QueueUrl=self.queue, MessageBody=json.dumps(body))

    # What the queue, and Lambda behind it, do

    def settle(self) -> None:
        """Hands over messages, and moves the clock on to the next one, until there are none."""
        for _ in range(INVOCATIONS):
            messages = self._receive()
            if not messages:
                break
            self._deliver(messages)
        else:
            raise Violation(f"messages still come after {INVOCATIONS} invocations; the stack is {self.status().get('phase')}")
        if self._waiting(self.dead_letters):
            raise Violation("a message went to the dead-letter queue")

    def _receive(self) -> list[dict[str, Any]]:
        sqs = self.emulators.client("sqs")
        while True:
            answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["All"])
            if messages := answer.get("Messages", []):
                return messages
            if not self._waiting(self.queue):
                return []
            self.due = sorted(moment for moment in self.due if moment > self.clock.now())
            self.clock.until(self.due.pop(0) if self.due else self.clock.now() + 1)

    def _waiting(self, queue: str) -> int:
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "Delayed", "NotVisible")]
        found = self.emulators.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found.get(name, 0)) for name in names)

    def _deliver(self, messages: list[dict[str, Any]]) -> None:
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{QUEUE}",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
        self.due.append(self.clock.now() + VISIBILITY)
        try:
            answer = self._process().invoke({"Records": records}, self.clock.now() + TIMEOUT)
        except Died:
            # Once it may: when it was killed.
            if self.killed or not self.wire.struck or self.wire.fault not in KILLS:
                raise Violation("the function died by itself") from None
            self.killed = True
            return
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                self.emulators.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def _process(self) -> Function:
        """The process that is warm; or, after a death, a cold one."""
        if self.function and not self.function.alive:
            self.function.close()
            self.function = None
        if not self.function:
            own = {"SPEC_BUCKET": SPECS, "STATE_BUCKET": STATES, "QUEUE_URL": self.queue}
            settings = {**SETTINGS, **own, **self.clock.variables}
            self.function = Function(self.binary, self.wire, self.emulators.ports, settings, self.log)
        return self.function

    def _note_delay(self, request: Asked, body: bytes) -> None:
        if str(request) == "sqs:SendMessage":
            self.due.append(self.clock.now() + json.loads(body).get("DelaySeconds", 0))

    # What is looked at

    def status(self) -> dict[str, Any]:
        return self._document(f"stacks/{NAME}/status.json")

    def _document(self, key: str) -> dict[str, Any]:
        s3 = self.emulators.client("s3")
        try:
            return json.load(s3.get_object(Bucket=STATES, Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return {}

    def _expect_phase(self, phase: str) -> None:
        status, head = self.status(), self._document(f"stacks/{NAME}/head.json")
        if status.get("phase") != phase:
            waits = [f"{wait['resource']}: {wait['reason']}" for wait in status.get("waitingOn", [])]
            and_why = f"waits for {waits}; errors {status.get('errors')}"
            raise Violation(f"{status.get('phase')} and not {phase}, with no message left; {and_why}")
        if held := {name: head[name] for name in ("lease", "wake", "intents") if head.get(name)}:
            raise Violation(f"the head of a settled stack holds {held}")

    def check_ready(self, reference: Counter[str] | None) -> Counter[str]:
        """Nothing doubled, nothing orphaned, and the same as without a fault."""
        things = inventory(self.emulators)
        head = self._document(f"stacks/{NAME}/head.json")
        resources = self._document(f"states/{NAME}/{head['serial']:08}.json")["resources"]
        known = {(resource, record["outputs"].get("id")) for resource, record in resources.items()}
        tagged = [thing for thing in things if thing.tags.get(STACK) == NAME and not _is_side(thing)]
        twins = Counter((thing.kind, thing.tags.get(RESOURCE)) for thing in tagged)
        for thing in tagged:
            if twins[thing.kind, thing.tags.get(RESOURCE)] > 1:
                same = [each for each in tagged if (each.kind, each.part) == (thing.kind, thing.part)]
                raise Violation(f"doubled: {', '.join(map(str, same))}")
            if (thing.tags.get(RESOURCE), thing.identity) not in known:
                raise Violation(f"orphaned: {thing} is not in state {head['serial']}")
        seen = shape(things)
        if reference is not None and seen != reference:
            more, less = sorted((seen - reference).elements()), sorted((reference - seen).elements())
            raise Violation(f"not the same as without a fault: more {more}; less {less}")
        return seen

    def check_gone(self) -> None:
        if left := inventory(self.emulators):
            raise Violation(f"left: {', '.join(map(str, left))}")


def _is_side(thing: Thing) -> bool:
    """What carries the tags of something else: an instance of an Auto Scaling group, and what any instance came with."""
    return "aws:autoscaling:groupName" in thing.tags or thing.kind in ("NetworkInterface", "Volume")


def run(emulators: Emulators, binary: Path, spec: str, log: Path, *, created: int = 0, at: int = 0, fault: str = "",
        reference: Counter[str] | None = None, whole: bool = False) -> Outcome:
    """Breaks the `at`-th request that changes something. Up to `created` they belong to the creation, after that to the
    destruction, which is only carried out if the fault is in it, or with `whole`."""
    began, outcome = time.monotonic(), Outcome()
    log.write_bytes(b"")
    one = Run(emulators, binary, spec, log)
    try:
        if at <= created:
            one.wire.arm(at, fault)
        one.create()
        outcome.created = list(one.wire.changes)
        if at <= created:
            one.look()
            outcome.shape = one.check_ready(reference)
        if at > created or whole:
            one.wire.count = created or len(one.wire.changes)
            if at > created:
                one.wire.arm(at, fault)
            one.destroy()
            outcome.destroyed = one.wire.changes[len(outcome.created):]
            one.look()
            one.check_gone()
    except (Violation, AssertionError) as problem:
        outcome.problem = str(problem)
    finally:
        one.close()
    outcome.struck, outcome.seconds = one.wire.struck, time.monotonic() - began
    return outcome

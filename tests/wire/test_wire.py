"""The wire's own tests: it tells requests apart, keeps their order, and sees what must not be when it is put there."""

import os
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from emulators import Emulators
from proxy import Wire
from request import asked, refusal
from run import NAME, Run, Violation

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("WIRE_BINARY", ROOT / "target/debug/provision"))
SPEC = (ROOT / "events/specs/fixed.yaml").read_text()


TARGETS = {"AmazonSQS": "AmazonSQS.SendMessage", "AmazonSSM": "AmazonSSM.GetParameter"}


def signed(service: str, **more: str) -> dict[str, str]:
    scope = f"Credential=test/20261125/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host", **more}


class Requests(unittest.TestCase):
    def test_every_protocol_names_its_action_and_whether_it_changes_something(self) -> None:
        sqs, ssm = (signed(name.lower().removeprefix("amazon"), **{"X-Amz-Target": target}) for name, target in TARGETS.items())
        alarm = "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm"
        cases = (
            (("POST", "/", signed("ec2"), b"Action=CreateVpc&Version=2016-11-15"), "ec2:CreateVpc", True),
            (("POST", "/", signed("ec2"), b"Action=DescribeVpcs"), "ec2:DescribeVpcs", False),
            (("POST", "/", signed("iam"), b"Action=PutRolePolicy"), "iam:PutRolePolicy", True),
            (("POST", "/", sqs, b"{}"), "sqs:SendMessage", True),
            (("POST", "/", ssm, b"{}"), "ssm:GetParameter", False),
            (("POST", alarm, signed("monitoring"), b""), "monitoring:PutMetricAlarm", True),
            (("PUT", "/states/stacks/dev/web/head.json", signed("s3"), b"{}"), "s3:PutObject stacks/dev/web/head.json", True),
            (("GET", "/states?list-type=2&prefix=states%2F", signed("s3"), b""), "s3:GetBucket states", False),
        )
        for sent, name, changes in cases:
            with self.subTest(name):
                request = asked(*sent)
                self.assertEqual((str(request), request.changes), (name, changes))

    def test_an_error_is_worded_as_its_service_words_it(self) -> None:
        ec2 = refusal(asked("POST", "/", signed("ec2"), b"Action=CreateVpc"), throttled=True)
        self.assertEqual(ec2[0], 503)
        self.assertIn(b"<Code>RequestLimitExceeded</Code>", ec2[2])
        sqs = refusal(asked("POST", "/", signed("sqs", **{"X-Amz-Target": TARGETS["AmazonSQS"]}), b"{}"), throttled=True)
        self.assertEqual(sqs[0], 400)
        self.assertIn(b"ThrottlingException", sqs[2])
        self.assertEqual(refusal(asked("PUT", "/b/k", signed("s3"), b""), throttled=False)[0], 500)

    def test_requests_sent_side_by_side_pass_in_the_same_order_whichever_came_first(self) -> None:
        for arrival in ("abcd", "dcba", "cadb"):
            wire, passed = Wire(), []

            def send(key: str, wire: Wire = wire, passed: list[str] = passed) -> None:
                with wire.turns.take(key):
                    passed.append(key)

            threads = [threading.Thread(target=send, args=(key,)) for key in arrival]
            for thread in threads:
                thread.start()
                time.sleep(0.0005)
            for thread in threads:
                thread.join()
            self.assertEqual("".join(passed), "abcd")


@unittest.skipUnless(BINARY.exists(), f"{BINARY} is not built")
class OnEmulators(unittest.TestCase):
    """With a run in an empty account."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.emulators = cls.enterClassContext(Emulators(folder))
        cls.stack = Run(cls.emulators, BINARY, SPEC, folder / "function.log")
        cls.addClassCleanup(cls.stack.close)

    def found(self, words: str, look: Any, *given: Any) -> None:
        with self.assertRaisesRegex(Violation, words):
            look(*given)


class Woken(OnEmulators):
    def test_a_stack_that_nobody_wakes_is_told(self) -> None:
        only_the_first = [self.stack._receive]
        self.stack._receive = lambda: only_the_first.pop()() if only_the_first else []
        self.found("Provisioning and not Ready, with no message left", self.stack.create)


class Seen(OnEmulators):
    """What is put there by hand is found."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.stack.create()
        cls.shape = cls.stack.check_ready(None)

    def vpc(self, *tags: dict[str, str]) -> None:
        ec2 = self.emulators.client("ec2")
        tagged = [{"ResourceType": "vpc", "Tags": list(tags)}] if tags else []
        made = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged)
        self.addCleanup(ec2.delete_vpc, VpcId=made["Vpc"]["VpcId"])

    def test_a_second_one_with_the_same_tags_is_doubled(self) -> None:
        self.vpc({"Key": "windlass:stack", "Value": NAME}, {"Key": "windlass:resource", "Value": "vpc"})
        self.found("doubled: Vpc", self.stack.check_ready, self.shape)

    def test_one_with_tags_that_the_state_does_not_have_is_orphaned(self) -> None:
        self.vpc({"Key": "windlass:stack", "Value": NAME}, {"Key": "windlass:resource", "Value": "vpc/other"})
        self.found("orphaned: Vpc", self.stack.check_ready, self.shape)

    def test_one_without_tags_is_more_than_without_a_fault_and_left_at_the_end(self) -> None:
        self.vpc()
        self.found("more .*Vpc", self.stack.check_ready, self.shape)
        self.found("left: .*Vpc", self.stack.check_gone)

    def test_a_look_that_changes_something_is_told(self) -> None:
        ec2, which = self.emulators.client("ec2"), {"Name": "tag:windlass:resource", "Values": ["security-group/instances"]}
        group = ec2.describe_security_groups(Filters=[which])["SecurityGroups"][0]
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
        self.found("a further look sent .*AuthorizeSecurityGroupEgress", self.stack.look)


if __name__ == "__main__":
    unittest.main()

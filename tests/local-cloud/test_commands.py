"""Commands on instances by Systems Manager: whose agent takes them, how long they run, and what they print of the instance."""

import time
import unittest
from typing import Any

from support import client, control, eventually
from test_serving import CONTAINER, PRELUDE, Serving, packages

LOOK = [
    "systemctl list-units --failed --plain --no-legend && echo '[units]'",
    "timeout 5 cloud-init status",
    "command -v docker >/dev/null && timeout 5 docker ps --all && echo '[containers]'",
    "ss -Hltn 2>/dev/null && echo '[sockets]'",
]


class Commands(Serving):
    def setUp(self) -> None:
        super().setUp()
        self.ssm = client("ssm")

    def ping(self, instance: str) -> list[str]:
        named = [{"Key": "InstanceIds", "Values": [instance]}]
        return [i["PingStatus"] for i in self.ssm.describe_instance_information(Filters=named)["InstanceInformationList"]]

    def send(self, instance: str, *commands: str, timeout: int = 60, **more: Any) -> str:
        parameters = {"commands": list(commands), "executionTimeout": [str(timeout)]}
        request = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [instance], "TimeoutSeconds": 30, "Parameters": parameters, **more}
        return self.ssm.send_command(**request)["Command"]["CommandId"]

    def not_sent(self, code: str, instance: str, **more: Any) -> None:
        self.refused(code, lambda: self.send(instance, "uptime", **more))

    def ended(self, command: str, instance: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            try:
                found = self.ssm.get_command_invocation(CommandId=command, InstanceId=instance)
            except self.ssm.exceptions.InvocationDoesNotExist:
                return None
            return None if found["Status"] in ("Pending", "InProgress") else found

        seen: list[Any] = []
        eventually(lambda: seen.append(look()) or seen[-1] is not None)
        return seen[-1]

    def printed(self, instance: str, *commands: str) -> list[str]:
        ended = self.ended(self.send(instance, *commands), instance)
        self.assertEqual(ended["Status"], "Success")
        return ended["StandardOutputContent"].splitlines()

    def over(self, instance: str) -> None:
        eventually(lambda: "finished at" in self.console(instance))

    def test_an_agent_answers_from_the_boot_to_the_end_of_its_instance(self) -> None:
        control("delays", {"instance-boot": 60})
        one = self.launch(packages("nginx"))
        self.assertEqual(self.ping(one), [])
        self.not_sent("InvalidInstanceId", one)
        eventually(lambda: self.ping(one), ["Online"])
        self.assertEqual(self.printed(one, "echo still", "uptime", "echo here"), ["still", "here"])
        self.ec2.terminate_instances(InstanceIds=[one])
        self.assertEqual(self.ping(one), ["ConnectionLost"])
        self.not_sent("InvalidInstanceId", one)

    def test_a_command_is_unknown_then_runs_and_fails_as_its_script_does(self) -> None:
        control("delays", {"command": 30})
        one = self.booted(packages("nginx"))
        command = self.send(one, "echo begun", "exit 3", "echo never")
        self.refused("InvocationDoesNotExist", self.ssm.get_command_invocation, CommandId=command, InstanceId=one)
        time.sleep(0.05)
        self.assertEqual(self.ssm.get_command_invocation(CommandId=command, InstanceId=one)["Status"], "Pending")
        ended = self.ended(command, one)
        self.assertEqual((ended["Status"], ended["ResponseCode"], ended["StandardOutputContent"]), ("Failed", 3, "begun\n"))
        self.refused("InvocationDoesNotExist", self.ssm.get_command_invocation, CommandId=command, InstanceId="i-0123456789abcdef0")

    def test_a_command_takes_as_long_as_it_sleeps_and_no_longer_than_it_may(self) -> None:
        one = self.booted(packages("nginx"))
        began = time.monotonic()
        self.assertEqual(self.printed(one, "sleep 50; echo awake"), ["awake"])
        self.assertGreater(time.monotonic() - began, 0.5)
        slow = self.ended(self.send(one, "sleep 300; echo awake", timeout=30), one)
        self.assertEqual((slow["Status"], slow["StandardOutputContent"]), ("TimedOut", ""))

    def test_a_server_listens_and_a_script_that_fails_leaves_a_failed_unit(self) -> None:
        one = self.booted(packages("nginx"))
        self.over(one)
        lines = self.printed(one, *LOOK)
        self.assertEqual(lines[:2], ["[units]", "status: done"])
        self.assertIn("0.0.0.0:80", [line.split()[3] for line in lines[2:-1]])
        self.assertEqual(lines[-1], "[sockets]")
        self.answers(one, "refusing")
        self.assertNotIn(" 0.0.0.0:80 ", " ".join(self.printed(one, *LOOK)))
        bad = self.booted(packages("ngnix"))
        self.assertIn("status: running", self.printed(bad, *LOOK), "it tries again for a minute")
        self.over(bad)
        lines = self.printed(bad, *LOOK)
        self.assertEqual(lines[0].split()[0], "cloud-final.service")
        self.assertIn("status: error", lines)
        self.assertNotIn(" 0.0.0.0:80 ", " ".join(lines))

    def test_containers_are_listed_where_docker_is(self) -> None:
        one = self.booted(CONTAINER.replace("IMAGE", "example/shop:1.4"))
        lines = self.printed(one, *LOOK)
        self.assertRegex(lines[lines.index("[containers]") - 1], r"^app Up \d+ seconds$")
        other = self.booted(CONTAINER.replace("IMAGE", "example/missing"))
        self.over(other)
        lines = self.printed(other, *LOOK)
        self.assertEqual(lines[lines.index("[containers]") - 1], "status: error")
        without = self.booted(PRELUDE + "add_packages nginx\n")
        self.assertNotIn("[containers]", self.printed(without, *LOOK))

    def test_impossible_commands_are_refused(self) -> None:
        one = self.booted(packages("nginx"))
        self.refused("ValidationException", client("ssm", checked=False).send_command, DocumentName="AWS-RunShellScript",
                     InstanceIds=[one], TimeoutSeconds=29, Parameters={"commands": ["uptime"]})
        self.not_sent("InvalidDocument", one, DocumentName="Windlass-Nonsense")
        self.not_sent("InvalidInstanceId", "i-0123456789abcdef0")


if __name__ == "__main__":
    unittest.main()

"""Instances that answer: what user data makes of them, what their consoles say, and how load balancers judge them."""

import base64
import time
import unittest
import urllib.error
import urllib.request
from typing import Any

from support import AL2023, Balanced, client, control, eventually

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
#: Seconds of AWS, a hundredth of them here.
QUICK = {"instance-boot": 10, "instance-running": 1, "target-check": 1, "load-balancer": 0, "instance-terminate": 1}
#: As the product writes its scripts.
PRELUDE = r"""#!/bin/bash
set -euo pipefail
retry() { for delay in 2 4 8 16 32; do "$@" && return; sleep "$delay"; done; "$@"; }
add_packages() {
  if command -v dnf >/dev/null; then retry dnf install -y "$@"
  else export DEBIAN_FRONTEND=noninteractive; retry apt-get update; retry apt-get install -y "$@"
  fi
}
"""
PACKAGES = PRELUDE + r"""add_packages NAMES
for package in NAMES; do
  if systemctl list-unit-files "$package.service" | grep -q "^$package\.service"; then
    systemctl enable --now "$package"
  fi
done
"""
CONTAINER = PRELUDE + r"""if command -v dnf >/dev/null; then add_packages docker; else add_packages docker.io; fi
systemctl enable --now docker
mkdir -p /etc/windlass
umask 077
cat >/etc/windlass/env <<'WINDLASS_ENV'
A=$(exit 1)
WINDLASS_ENV
retry docker pull 'IMAGE'
/usr/bin/docker run --detach --name app --restart unless-stopped --publish 8000:8000 \
  --log-driver awslogs --log-opt awslogs-stream="$(cloud-init query instance_id)" \
  --env-file /etc/windlass/env 'IMAGE'
"""


def packages(names: str) -> str:
    return PACKAGES.replace("NAMES", names)


def fetched(place: str, path: str = "/") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{place}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Serving(Balanced):
    """With a load balancer, and instances that run a script."""

    def setUp(self) -> None:
        super().setUp()
        control("delays", QUICK)

    def launch(self, script: str | None, image: str = AL2023) -> str:
        more = {} if script is None else {"UserData": script}
        chosen = client("ssm").get_parameter(Name=image)["Parameter"]["Value"]
        made = self.ec2.run_instances(ImageId=chosen, MinCount=1, MaxCount=1, SubnetId=self.zones[0], InstanceType="t3.micro", **more)
        return made["Instances"][0]["InstanceId"]

    def booted(self, script: str | None, image: str = AL2023) -> str:
        instance = self.launch(script, image)
        eventually(lambda: instance in control("applications"))
        return instance

    def application(self, instance: str) -> dict[str, Any]:
        return control("applications")[instance]

    def answers(self, instance: str, answer: str | int | None = None) -> None:
        control("applications", {"instance": instance, "answer": answer})

    def console(self, instance: str) -> str:
        # boto3 decodes it.
        return self.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")

    def in_use(self, port: int = 80, **more: Any) -> str:
        group = self.targets(Port=port, **{"HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5, **more})
        self.listen(self.balancer(), group)
        return group

    def register(self, group: str, instance: str) -> None:
        eventually(lambda: self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"], "running")
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])

    def said(self, group: str) -> tuple[str, str, str]:
        health = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
        return health["State"], health.get("Reason", ""), health.get("Description", "")


class Boots(Serving):
    def test_a_package_that_serves_answers_at_an_address_of_its_own_and_names_its_instance(self) -> None:
        for image in (AL2023, UBUNTU):
            one, other = (self.booted(packages("nginx jq"), image) for _ in range(2))
            places = [self.application(instance)["ports"]["80"] for instance in (one, other)]
            self.assertEqual([fetched(place) for place in places], [(200, f"{one}\n"), (200, f"{other}\n")])
            self.assertNotEqual(*(place.partition(":")[0] for place in places))
            self.assertTrue(all(place.startswith("127.") for place in places))
            eventually(lambda one=one: "finished at" in self.console(one))
            self.assertNotIn("WARNING", self.console(one))
        self.ec2.terminate_instances(InstanceIds=[one])
        self.assertNotIn(one, control("applications"))
        with self.assertRaises(OSError):
            eventually(lambda: fetched(places[0]) and False)

    def test_a_package_that_does_not_exist_is_on_the_console_in_the_words_of_the_image_and_nothing_listens(self) -> None:
        amazon, ubuntu = (self.booted(packages("ngnix"), image) for image in (AL2023, UBUNTU))
        self.assertEqual([(self.application(i)["ports"], self.application(i)["failed"]) for i in (amazon, ubuntu)], [({}, True)] * 2)
        self.assertIn("cloud-init[", self.console(amazon))
        self.assertNotIn("Failed to run module", self.console(amazon), "it tries again for a minute")
        eventually(lambda: "finished at" in self.console(amazon) and "finished at" in self.console(ubuntu))
        told = self.console(amazon)
        self.assertEqual(told.count("]: No match for argument: ngnix\r\n"), 6)
        self.assertIn("]: Error: Unable to find a match: ngnix\r\n", told)
        self.assertIn("cc_scripts_user.py[WARNING]: Failed to run module scripts-user (scripts in /var/lib/cloud/instance/scripts)", told)
        self.assertIn("]: E: Unable to locate package ngnix\r\n", self.console(ubuntu))
        self.assertIn("cc_scripts_user.py[WARNING]: Failed to run module scripts_user", self.console(ubuntu))

    def test_a_container_answers_at_its_port_or_says_why_it_cannot_be_pulled(self) -> None:
        fine = self.booted(CONTAINER.replace("IMAGE", "registry.example/app:1"))
        self.assertEqual(list(self.application(fine)["ports"]), ["8000"])
        for image, words in (
            ("registry.example/app:broken", "manifest for registry.example/app:broken not found: manifest unknown: manifest unknown"),
            ("missing", "pull access denied for missing, repository does not exist or may require 'docker login': denied"),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com/missing:1", "The repository with name 'missing' does not exist in the registry"),
        ):
            with self.subTest(image):
                instance = self.booted(CONTAINER.replace("IMAGE", image))
                self.assertEqual(self.application(instance)["ports"], {})
                eventually(lambda instance=instance: "]: Error response from daemon: " in self.console(instance))
                self.assertIn(words, self.console(instance))

    def test_scripts_of_somebodys_own_answer_unless_they_fail(self) -> None:
        start = "#!/bin/bash\nmkdir -p /srv\ncd /srv\n"
        for script, ports, words in (
            (start + "exec python3 -m http.server 8080\n", ["8080"], "finished at"),
            (None, ["80"], "finished at"),
            (start + "exit 1\n", [], "Failed to run module scripts-user"),
            ("#!/bin/bash\ndnf install -y nginx\nsystemctl enable --now nginx\n", ["80"], "Complete!"),
            ("#!/bin/bash\ndnf install -y nginx\n", [], "Complete!"),
            ("#!/bin/bash\nset -e\ndnf install -y nginx\nsystemctl enable --now ngnix\n", [], "Unit file ngnix.service does not exist."),
            ("#!/bin/bash\nsystemctl start httpd\n", [], "Failed to start httpd.service: Unit httpd.service not found."),
        ):
            with self.subTest(script):
                instance = self.booted(script)
                self.assertEqual(list(self.application(instance)["ports"]), ports)
                eventually(lambda instance=instance, words=words: words in self.console(instance))

    def test_nothing_is_said_before_it_has_booted_and_its_status_is_initializing_then_ok(self) -> None:
        control("delays", {"instance-boot": 100})
        one = self.launch(packages("nginx"))
        look = lambda: [(s["InstanceStatus"]["Status"], s["SystemStatus"]["Status"]) for s in self.ec2.describe_instance_status(InstanceIds=[one])["InstanceStatuses"]]
        eventually(look, [("initializing", "initializing")])
        self.assertEqual(self.console(one), "")
        eventually(look, [("ok", "ok")])
        self.assertIn("Linux version", self.console(one))
        self.refused("InvalidInstanceID.NotFound", self.ec2.get_console_output, InstanceId="i-0123456789abcdef0")


class Checks(Serving):
    def test_the_words_of_a_failed_check_say_how_it_failed(self) -> None:
        group, one = self.in_use(Matcher={"HttpCode": "200,302"}), self.booted(packages("nginx"))
        self.register(group, one)
        eventually(lambda: self.said(group), ("healthy", "", ""))
        for answer, reason, words in (
            (404, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"),
            ("refusing", "Target.FailedHealthChecks", "Health checks failed"),
            ("silent", "Target.Timeout", "Request timed out"),
        ):
            self.answers(one, answer)
            eventually(lambda reason=reason, words=words: self.said(group), ("unhealthy", reason, words))
        self.answers(one, 302)
        eventually(lambda: self.said(group), ("healthy", "", ""))
        self.answers(one, 404)
        self.elb.modify_target_group(TargetGroupArn=group, Matcher={"HttpCode": "200-499"})
        time.sleep(0.5)
        self.assertEqual(self.said(group)[0], "healthy")

    def test_a_new_target_needs_one_pass_and_one_that_was_unhealthy_needs_the_threshold(self) -> None:
        group, one = self.in_use(HealthCheckIntervalSeconds=50, HealthyThresholdCount=4), self.booted(packages("nginx"))
        began = time.monotonic()
        self.register(group, one)
        eventually(lambda: self.said(group)[0], "healthy")
        self.assertLess(time.monotonic() - began, 1)
        self.answers(one, "refusing")
        eventually(lambda: self.said(group)[0], "unhealthy")
        self.answers(one)
        began = time.monotonic()
        eventually(lambda: self.said(group)[0], "healthy")
        self.assertGreater(time.monotonic() - began, 1.4)

    def test_a_target_that_is_registered_while_it_boots_turns_unhealthy_until_it_answers(self) -> None:
        control("delays", {"instance-boot": 150})
        group, one = self.in_use(), self.launch(packages("nginx"))
        self.register(group, one)
        self.assertEqual(self.said(group), ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress"))
        eventually(lambda: self.said(group)[0], "unhealthy")
        eventually(lambda: self.said(group)[0], "healthy")

    def test_the_port_is_the_targets_own_or_the_one_of_the_check(self) -> None:
        one = self.booted(CONTAINER.replace("IMAGE", "app"))
        right, wrong = self.targets(Name="right", Port=8000), self.targets(Name="wrong", Port=80)
        checked = self.targets(Name="checked", Port=80, HealthCheckPort="8000")
        balancer = self.balancer()
        for port, group in enumerate((right, wrong, checked), 80):
            action = [{"Type": "forward", "TargetGroupArn": group}]
            self.elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=action)
            self.register(group, one)
        eventually(lambda: [self.said(group)[0] for group in (right, wrong, checked)], ["healthy", "unhealthy", "healthy"])

    def test_a_group_replaces_who_stops_answering(self) -> None:
        group = self.in_use()
        request = self.scaled(self.launchable(UserData=base64.b64encode(packages("nginx").encode()).decode()), TargetGroupARNs=[group])
        self.asg.create_auto_scaling_group(**request, HealthCheckType="ELB", HealthCheckGracePeriod=60)
        eventually(lambda: sorted(self.health(group).values()), ["healthy"] * 3)
        victim = self.in_service()[0]
        self.answers(victim, 503)
        eventually(lambda: victim not in self.in_service() and len(self.in_service()) == 3)


class Control(Serving):
    def test_only_what_runs_can_be_broken_and_only_in_known_ways(self) -> None:
        one = self.booted(None)
        for body in ({"instance": "i-0123456789abcdef0"}, {"instance": one, "answer": "nonsense"}, {"instance": one, "answer": 99}):
            with self.subTest(**body), self.assertRaises(urllib.error.HTTPError):
                control("applications", body)
        self.answers(one, 500)
        self.assertEqual(fetched(self.application(one)["ports"]["80"]), (500, f"{one}\n"))


if __name__ == "__main__":
    unittest.main()

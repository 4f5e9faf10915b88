"""Instances that answer: what user data makes of them, what their consoles say, and how load balancers judge them."""

import base64
import collections
import http.client
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


def page_of(words: str) -> str:
    head = f"<html>\r\n<head><title>{words}</title></head>\r\n"
    return f"{head}<body>\r\n<center><h1>{words}</h1></center>\r\n</body>\r\n</html>\r\n"


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
        found = lambda: self.ec2.describe_instance_status(InstanceIds=[one])["InstanceStatuses"]
        look = lambda: [(s["InstanceStatus"]["Status"], s["SystemStatus"]["Status"]) for s in found()]
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


class Balancing(Serving):
    """Two instances behind a load balancer, and what clients of it get."""

    def setUp(self) -> None:
        super().setUp()
        self.arn, self.blue, self.green = self.balancer(), self.targets(Name="blue"), self.targets(Name="green")
        self.door = self.listen(self.arn, self.blue)
        eventually(lambda: list(self.places().values()) and "80" in self.place_of())

    def places(self) -> dict[str, dict[str, str]]:
        return control("load-balancers")

    def place_of(self) -> dict[str, str]:
        return self.places()[self.elb.describe_load_balancers(LoadBalancerArns=[self.arn])["LoadBalancers"][0]["DNSName"]]

    def asked(self, path: str = "/", **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://{self.place_of()['80']}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def spread(self, count: int) -> dict[str, int]:
        return dict(collections.Counter(said for _, said in (self.asked() for _ in range(count))))

    def healthy(self, group: str, *instances: str) -> None:
        for instance in instances:
            self.register(group, instance)
        eventually(lambda: {s for i, s in self.health(group).items() if i in instances}, {"healthy"})

    def forward(self, **weights: int) -> None:
        groups = [{"TargetGroupArn": getattr(self, name), "Weight": weight} for name, weight in weights.items()]
        self.elb.modify_listener(ListenerArn=self.door, DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])

    def test_requests_go_in_turn_to_healthy_targets_and_to_all_when_none_is(self) -> None:
        self.assertEqual(self.asked()[0], 503)
        self.assertIn("503 Service Temporarily Unavailable", self.asked()[1])
        one, other = self.booted(packages("nginx")), self.booted(packages("nginx"))
        self.healthy(self.blue, one, other)
        self.assertEqual(self.spread(10), {one: 5, other: 5})
        self.answers(one, 500)
        eventually(lambda: self.health(self.blue)[one], "unhealthy")
        self.assertEqual(self.spread(4), {other: 4})
        self.answers(other, 503)
        eventually(lambda: self.health(self.blue)[other], "unhealthy")
        self.assertEqual(sorted(self.asked()[0] for _ in range(4)), [500, 500, 503, 503])
        self.elb.deregister_targets(TargetGroupArn=self.blue, Targets=[{"Id": one}, {"Id": other}])
        self.assertEqual(self.asked()[0], 503)

    def test_a_target_that_refuses_is_a_bad_gateway_and_a_silent_one_a_timeout(self) -> None:
        one = self.booted(packages("nginx"))
        self.healthy(self.blue, one)
        self.answers(one, "refusing")
        self.assertEqual(self.asked(), (502, page_of("502 Bad Gateway")))
        self.answers(one, "silent")
        self.assertEqual(self.asked(), (504, page_of("504 Gateway Time-out")))

    def test_weights_decide_between_target_groups(self) -> None:
        one, other = self.booted(packages("nginx")), self.booted(packages("nginx"))
        self.forward(blue=1, green=1)
        self.healthy(self.blue, one)
        self.healthy(self.green, other)
        self.forward(blue=3, green=1)
        self.assertEqual(self.spread(8), {one: 6, other: 2})
        self.forward(blue=0, green=1)
        self.assertEqual(self.spread(4), {other: 4})
        self.forward(blue=0, green=0)
        self.assertEqual(self.asked()[0], 503)

    def test_rules_are_asked_in_order_and_one_for_the_machine_itself_is_for_nobody(self) -> None:
        def rule(priority: int, condition: dict[str, Any], body: str) -> None:
            action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": body, "ContentType": "text/plain"}}
            self.elb.create_rule(ListenerArn=self.door, Priority=priority, Conditions=[condition], Actions=[action])

        rule(1, {"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.1/32"]}}, "probe")
        rule(3, {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*"]}}, "path")
        rule(2, {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}}, "host")
        self.assertEqual(self.asked()[0], 503)
        self.assertEqual([self.asked("/abc"), self.asked("/abc", Host="x.example.com")], [(200, "path"), (200, "host")])
        rule(4, {"Field": "source-ip", "SourceIpConfig": {"Values": ["203.0.113.0/24"]}}, "somebody")
        self.assertEqual(self.asked(), (200, "somebody"))

    def test_it_can_be_reached_while_it_is_active_and_has_a_listener(self) -> None:
        place = self.place_of()["80"]
        self.assertRegex(place, r"^127\.\d+\.\d+\.\d+:10080$")
        self.elb.delete_listener(ListenerArn=self.door)
        eventually(lambda: self.place_of(), {})
        self.elb.create_listener(LoadBalancerArn=self.arn, Protocol="HTTP", Port=8080, DefaultActions=[{"Type": "forward", "TargetGroupArn": self.blue}])
        eventually(lambda: list(self.place_of()), ["8080"])
        control("delays", {"load-balancer": 1000})
        self.elb.create_load_balancer(Name="later", Subnets=self.zones[:2], SecurityGroups=[self.firewall])
        self.assertEqual(len(self.places()), 1)
        self.elb.delete_load_balancer(LoadBalancerArn=self.arn)
        self.assertEqual(self.places(), {})

    def test_another_listener_may_send_clients_there(self) -> None:
        to = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
        self.elb.modify_listener(ListenerArn=self.door, DefaultActions=[{"Type": "redirect", "RedirectConfig": to}])
        connection = http.client.HTTPConnection(self.place_of()["80"], timeout=5)
        connection.request("GET", "/a?b=c", headers={"Host": "shop.example"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Location")), (301, "https://shop.example:443/a?b=c"))
        connection.close()


class Gate(Serving):
    """An instance that waits for its launch hook is judged in a target group of its own, which no client reaches (aws-facts 13)."""

    def setUp(self) -> None:
        super().setUp()
        self.web, self.probe = self.targets(), self.targets(Name="probe", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2)
        door = self.listen(self.balancer(), self.web)
        nobody = [{"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.1/32"]}}]
        self.elb.create_rule(ListenerArn=door, Priority=1, Conditions=nobody, Actions=[{"Type": "forward", "TargetGroupArn": self.probe}])

    def waiting(self, names: str) -> str:
        request = self.scaled(
            self.launchable(UserData=base64.b64encode(packages(names).encode()).decode()), DesiredCapacity=1, TargetGroupARNs=[self.web],
            LifecycleHookSpecificationList=[{"LifecycleHookName": "ready", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}],
        )
        self.asg.create_auto_scaling_group(**request)
        eventually(lambda: [i["LifecycleState"] for i in self.seen()["Instances"]], ["Pending:Wait"])
        one = self.seen()["Instances"][0]["InstanceId"]
        self.register(self.probe, one)
        return one

    def complete(self, instance: str, result: str) -> None:
        request = {"AutoScalingGroupName": "g", "LifecycleHookName": "ready", "InstanceId": instance}
        self.asg.complete_lifecycle_action(**request, LifecycleActionResult=result)

    def test_one_that_answers_is_let_in_and_serves(self) -> None:
        one = self.waiting("nginx")
        eventually(lambda: self.health(self.probe), {one: "healthy"})
        self.assertEqual(self.health(self.web), {})
        self.complete(one, "CONTINUE")
        self.elb.deregister_targets(TargetGroupArn=self.probe, Targets=[{"Id": one}])
        eventually(lambda: self.health(self.web), {one: "healthy"})
        self.assertEqual(self.in_service(), [one])
        place = next(iter(control("load-balancers").values()))["80"]
        self.assertEqual(fetched(place), (200, f"{one}\n"))

    def test_one_that_does_not_is_abandoned_and_its_console_still_says_why(self) -> None:
        one = self.waiting("ngnix")
        eventually(lambda: self.health(self.probe), {one: "unhealthy"})
        eventually(lambda: "Failed to run module scripts-user" in self.console(one))
        self.asg.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
        self.complete(one, "ABANDON")
        eventually(lambda: self.seen()["Instances"], [])
        self.assertIn("Error: Unable to find a match: ngnix", self.console(one))
        self.assertEqual((self.health(self.web), self.in_service()), ({}, []))


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

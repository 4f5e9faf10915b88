"""What the tests of the local cloud share: one pair of emulators, clients, the control channel, something to build on."""

import atexit
import base64
import functools
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import boto3
import processes
from botocore.config import Config
from botocore.exceptions import ClientError
from environment import Home, client_variables

SCALE = 100  # a NAT gateway takes a second
STACK = [{"Key": "windlass:stack", "Value": "dev/web"}]
BY_STACK = [{"Name": "tag:windlass:stack", "Values": ["dev/web"]}]
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

#: AWS seconds, a hundredth of them here: long enough to be seen on a busy machine, short enough for a test.
PACE = {
    "nat-gateway": 70,
    "nat-gateway-delete": 60,
    "load-balancer": 70,
    "load-balancer-interfaces": 60,
    "vpc-endpoint": 60,
    "vpc-endpoint-delete": 50,
    "instance-boot": 50,
    "instance-stop": 40,
    "instance-terminate": 40,
}


@functools.cache
def home() -> Home:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Home(Path(folder.name))


@functools.cache
def pair() -> dict[str, Any]:
    """The emulators, started by the first test that needs them and stopped when Python ends."""
    state = processes.start_pair(home(), SCALE)
    atexit.register(processes.stop_pair, home())
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(client_variables(state))
    return state


def url(name: str) -> str:
    return f"http://127.0.0.1:{pair()[name]['port']}"


@functools.cache
def client(service: str, checked: bool = True) -> Any:
    """A client as a function has it: the environment leads it to its emulator. Unchecked, it sends what makes no sense too."""
    pair()
    return boto3.client(service, config=Config(parameter_validation=checked, retries={"total_max_attempts": 1}))


def control(path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url('moto')}/moto-api/windlass/{path}", data=data)) as answer:
        return json.load(answer)


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": STACK}]


def eventually(look: Callable[[], Any], wanted: Any = True, seconds: float = 8) -> Any:
    limit = time.monotonic() + seconds
    while (seen := look()) != wanted:
        if time.monotonic() > limit:
            raise AssertionError(f"still {seen!r} after {seconds} s, not {wanted!r}")
        time.sleep(0.03)
    return seen


class Case(unittest.TestCase):
    """A test on an empty infrastructure."""

    def setUp(self) -> None:
        reset = urllib.request.Request(f"{url('moto')}/moto-api/reset", data=b"", method="POST")
        urllib.request.urlopen(reset).read()
        control("delays", PACE)
        self.ec2, self.elb, self.asg = client("ec2"), client("elbv2"), client("autoscaling")

    def refused(self, code: str, call: Callable[..., Any], /, **request: Any) -> ClientError:
        with self.assertRaises(ClientError) as caught:
            call(**request)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception

    def vpc(self) -> str:
        return self.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]

    def subnets(self, vpc: str, zones: str = "ab") -> list[str]:
        return [
            self.ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{zone}", TagSpecifications=tagged("subnet")
            )["Subnet"]["SubnetId"]
            for i, zone in enumerate(zones)
        ]

    def gateway(self, vpc: str) -> str:
        made = self.ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
        identity = made["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=identity, VpcId=vpc)
        return identity

    def address(self) -> str:
        return self.ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]

    def nat(self, subnet: str, address: str, **more: Any) -> str:
        request = {"SubnetId": subnet, "AllocationId": address, "TagSpecifications": tagged("natgateway"), **more}
        return self.ec2.create_nat_gateway(**request)["NatGateway"]["NatGatewayId"]

    def nat_state(self, identity: str) -> str:
        return self.ec2.describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"][0]["State"]

    def group(self, vpc: str, name: str = "app") -> str:
        return self.ec2.create_security_group(
            GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group")
        )["GroupId"]

    def image(self) -> str:
        return client("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]


class Balanced(Case):
    """With a VPC, two subnets, a load balancer and a target group to build on."""

    def setUp(self) -> None:
        super().setUp()
        self.network = self.vpc()
        self.zones = self.subnets(self.network, "abc")
        self.gateway(self.network)
        self.firewall = self.group(self.network)

    def balancer(self, **more: Any) -> str:
        request = {"Name": "lb", "Subnets": self.zones[:2], "SecurityGroups": [self.firewall], "Tags": STACK, **more}
        return self.elb.create_load_balancer(**request)["LoadBalancers"][0]["LoadBalancerArn"]

    def targets(self, **more: Any) -> str:
        request = {"Name": "tg", "Protocol": "HTTP", "Port": 80, "VpcId": self.network, "HealthCheckPath": "/",
                   "HealthCheckIntervalSeconds": 15, "HealthyThresholdCount": 2, "Matcher": {"HttpCode": "200-399"}, "Tags": STACK, **more}
        return self.elb.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"]

    def listen(self, balancer: str, targets: str) -> str:
        action = [{"Type": "forward", "TargetGroupArn": targets}]
        made = self.elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=action, Tags=STACK)
        return made["Listeners"][0]["ListenerArn"]

    def launchable(self, **more: Any) -> str:
        data = {"ImageId": self.image(), "InstanceType": "t3.micro", "SecurityGroupIds": [self.firewall],
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}],
                "UserData": base64.b64encode(b"#!/bin/sh").decode(), **more}
        return self.ec2.create_launch_template(LaunchTemplateName="launchable", LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]

    def scaled(self, template: str, **more: Any) -> dict[str, Any]:
        return {"AutoScalingGroupName": "g", "MinSize": 1, "MaxSize": 6, "DesiredCapacity": 3,
                "LaunchTemplate": {"LaunchTemplateId": template, "Version": "$Latest"}, "VPCZoneIdentifier": ",".join(self.zones),
                "Tags": [{"Key": "windlass:stack", "Value": "dev/web", "PropagateAtLaunch": True}], **more}

    def seen(self, name: str = "g") -> dict[str, Any]:
        return self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]

    def in_service(self) -> list[str]:
        return sorted(i["InstanceId"] for i in self.seen()["Instances"] if i["LifecycleState"] == "InService")

    def health(self, targets: str) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
        return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in found}

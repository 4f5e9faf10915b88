"""Everything in the account, as AWS shows it. What AWS knows a thing by becomes the part that it plays, so that what two runs
made can be compared; what differs from run to run is left out."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from emulators import Emulators

STACK, RESOURCE = "windlass:stack", "windlass:resource"
#: Service, operation, key of the list, and what identifies a member of it.
LISTS = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_instances", "Reservations", "InstanceId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sns", "list_subscriptions", "Subscriptions", "Endpoint"),
)
GONE = {"deleted", "deleting", "shutting-down", "terminated"}
#: What AWS chooses anew each time, or what goes on by itself.
VOLATILE = re.compile(
    r"Time|Date$|^(Attachment|AutoScalingGroupARN|AvailableIpAddressCount|BlockDeviceMappings|Description|DnsEntries|DNSName"
    r"|Ipv6Address|LastModified|MacAddress|NetworkInterface(Id|Ids|s)|Private(Dns|Ip)\w*|Public(Dns|Ip)\w*|ResponseMetadata|RoleId"
    r"|InstanceProfileId|Size|State(Reason\w*|Value)|SubscriptionArn|creationTime|storedBytes|VolumeId)$"
)
#: Ids and random parts of ARNs; an account's number as well, which does no harm.
AN_ID = re.compile(r"\b[a-z]+-[0-9a-f]{8,17}\b|\b[0-9a-f]{8,}(-[0-9a-f]{4,})*\b")


class Thing:
    """One resource: what AWS knows it by, what is said of it, and the part that it plays."""

    def __init__(self, kind: str, identity: str, said: dict[str, Any], part: str = "") -> None:
        self.kind, self.identity, self.said = kind, identity, said
        self.tags: dict[str, str] = {}
        self.tag(said.get("Tags") or said.get("TagSet") or [])
        self._part = part or said.get("GroupName") or identity

    def tag(self, tags: list[dict[str, str]]) -> None:
        self.tags = {tag["Key"]: tag["Value"] for tag in tags}

    @property
    def part(self) -> str:
        return self.tags.get(RESOURCE) or self._part

    def __str__(self) -> str:
        return f"{self.kind} {self.identity} ({self.tags.get(RESOURCE, 'no tag')})"


def inventory(emulators: Emulators) -> list[Thing]:
    """Everything that exists and was not there when the account was new."""
    things = [thing for listed in LISTS for thing in _listed(emulators, *listed)]
    native = {thing.identity for thing in things if thing.said.get("IsDefault")}
    things = [thing for thing in things if not native & {thing.identity, thing.said.get("VpcId")}]
    balanced = [thing for thing in things if thing.kind in ("LoadBalancer", "TargetGroup")]
    if balanced:  # they do not say their tags themselves
        answer = emulators.client("elbv2").describe_tags(ResourceArns=[thing.identity for thing in balanced])
        tags = {found["ResourceArn"]: found["Tags"] for found in answer["TagDescriptions"]}
        for thing in balanced:
            thing.tag(tags[thing.identity])
    return things + [within for thing in things for within in _within(emulators, thing)]


def _listed(emulators: Emulators, service: str, operation: str, key: str, identity: str) -> Iterable[Thing]:
    client = emulators.client(service)
    if client.can_paginate(operation):
        found = client.get_paginator(operation).paginate().build_full_result().get(key, [])
    else:
        found = getattr(client, operation)()[key]
    if key == "Reservations":
        key, found = "Instances", [instance for reservation in found for instance in reservation["Instances"]]
    for said in found:
        state = said.get("State")
        gone = (state.get("Name") if isinstance(state, dict) else state) in GONE
        if not gone and not said.get("Path", "").startswith("/aws-service-role/"):
            yield Thing(key.removesuffix("s"), said[identity], said)


def _within(emulators: Emulators, thing: Thing) -> Iterable[Thing]:
    """What belongs to another, and has no list of its own."""
    ec2, elb, iam = (emulators.client(service) for service in ("ec2", "elbv2", "iam"))
    identity = thing.identity
    if thing.kind == "Vpc":
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            said = ec2.describe_vpc_attribute(VpcId=identity, Attribute=name)
            yield Thing("VpcAttribute", f"{identity}/{name}", said, name)
    elif thing.kind == "LaunchTemplate":
        for said in ec2.describe_launch_template_versions(LaunchTemplateId=identity)["LaunchTemplateVersions"]:
            yield Thing("Version", f"{identity}/{said['VersionNumber']}", said, "launch-template")
    elif thing.kind == "LoadBalancer":
        for said in elb.describe_listeners(LoadBalancerArn=identity)["Listeners"]:
            yield Thing("Listener", said["ListenerArn"], said, f"listener/{said['Port']}")
        said = elb.describe_load_balancer_attributes(LoadBalancerArn=identity)
        yield Thing("Attributes", f"{identity}/attributes", said, "load-balancer")
    elif thing.kind == "TargetGroup":
        said = elb.describe_target_group_attributes(TargetGroupArn=identity)
        yield Thing("Attributes", f"{identity}/attributes", said, "target-group")
        for said in elb.describe_target_health(TargetGroupArn=identity)["TargetHealthDescriptions"]:
            if said["TargetHealth"]["State"] != "draining":
                yield Thing("Target", f"{identity}/{said['Target']['Id']}", said, "target-group")
    elif thing.kind == "Role":
        for name in iam.list_role_policies(RoleName=identity)["PolicyNames"]:
            yield Thing("Policy", f"{identity}/{name}", iam.get_role_policy(RoleName=identity, PolicyName=name))
        yield Thing("Policies", f"{identity}/attached", iam.list_attached_role_policies(RoleName=identity))


def shape(things: list[Thing]) -> Counter[str]:
    """One line for each thing, the same for every stack that was made from the same spec."""
    # The longest first: one identity may be the beginning of another.
    parts = sorted(((thing.identity, thing.part) for thing in things), key=lambda pair: -len(pair[0]))
    said = {thing.identity: json.dumps(_plain(thing.said, parts), sort_keys=True) for thing in things}
    return Counter(f"{thing.kind} {_plain(thing.part, parts)}: {said[thing.identity]}" for thing in things)


def _plain(value: Any, parts: list[tuple[str, str]]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(member, parts) for key, member in value.items() if not VOLATILE.search(key)}
    if isinstance(value, list):
        return sorted((_plain(member, parts) for member in value), key=lambda member: json.dumps(member, sort_keys=True))
    if isinstance(value, datetime):
        return None
    if isinstance(value, str):
        for identity, part in parts:
            value = value.replace(identity, part)
        return AN_ID.sub("<id>", value)
    return value

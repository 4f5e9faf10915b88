"""Everything a stack consists of, as AWS shows it, in words that are the same for every stack of this kind.

What identifies a resource becomes the part it plays: `subnet/private-a` is the subnet in zone a whose default route
leads to a NAT gateway, whoever made it and whatever its name. Lists are sorted; times, states of machines and tags are
left out. Nothing here knows how Windlass names or finds things, except the one tag on the VPC that it is given.
"""

import base64
import functools
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import boto3

#: Names and ids of the thing itself, and what AWS answers about the call and not about the thing.
ITS_OWN = {
    *("AlarmArn", "AlarmDescription", "AlarmName", "AutoScalingGroupARN", "AutoScalingGroupName", "CanonicalHostedZoneId"),
    *("CreatedBy", "Description", "DNSName", "GroupName", "LaunchTemplateName", "LifecycleHookName", "LoadBalancerName"),
    *("OwnerId", "PolicyARN", "PolicyName", "ResponseMetadata", "StateReason", "StateReasonData", "StateValue"),
    *("Tags", "TagSpecifications", "TargetGroupName", "VersionDescription", "VersionNumber"),
}
AN_ID = re.compile(r"\b[a-z]+-[0-9a-f]{8,17}\b")


@functools.cache
def client(service: str) -> Any:
    return boto3.client(service)


def everything(service: str, operation: str, key: str, **request: Any) -> list[Any]:
    """All pages of a list."""
    if client(service).can_paginate(operation):
        return client(service).get_paginator(operation).paginate(**request).build_full_result().get(key, [])
    return getattr(client(service), operation)(**request)[key]


def one(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise SystemExit(f"witness: there must be one {what}, and there are {len(found)}")
    return found[0]


def describe(tag: str, value: str, name: str) -> dict[str, Any]:
    """The stack in the VPC with this tag; its dashboards are those with `name` in theirs."""
    tagged = [{"Name": f"tag:{tag}", "Values": [value]}]
    vpc = one(everything("ec2", "describe_vpcs", "Vpcs", Filters=tagged), f"VPC with the tag {tag}={value}")
    return Stack(vpc, name).describe()


def keyed(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary that keeps the second of a kind, under a key that shows it."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        taken = sum(known.partition("#")[0] == key for known in made)
        made[f"{key}#{taken + 1}" if taken else key] = value
    return made


class Stack:
    """What is there, and the part that each id plays."""

    def __init__(self, vpc: dict[str, Any], name: str) -> None:
        self.vpc, self.name = vpc, name
        self.parts: dict[str, str] = {vpc["VpcId"]: "vpc"}

        inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
        self.gateways = everything("ec2", "describe_internet_gateways", "InternetGateways", Filters=attached)
        self.subnets = everything("ec2", "describe_subnets", "Subnets", Filters=inside)
        self.nats = [n for n in everything("ec2", "describe_nat_gateways", "NatGateways", Filter=inside) if n["State"] != "deleted"]
        self.tables = everything("ec2", "describe_route_tables", "RouteTables", Filters=inside)
        self.groups = everything("ec2", "describe_security_groups", "SecurityGroups", Filters=inside)
        self.endpoints = everything("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=inside)

        balancers = everything("elbv2", "describe_load_balancers", "LoadBalancers")
        self.balancer = one([b for b in balancers if b["VpcId"] == vpc["VpcId"]], "load balancer in the VPC")
        targets = everything("elbv2", "describe_target_groups", "TargetGroups", LoadBalancerArn=self.balancer["LoadBalancerArn"])
        self.listeners = everything("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=self.balancer["LoadBalancerArn"])

        ours = {subnet["SubnetId"] for subnet in self.subnets}
        groups = everything("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups")
        self.group = one([g for g in groups if ours & set(g["VPCZoneIdentifier"].split(","))], "Auto Scaling group in the VPC")
        serving = [t for t in targets if t["TargetGroupArn"] in self.group["TargetGroupARNs"]]
        self.target_group = one(serving, "target group behind the load balancer with the group's instances")
        self.other_targets = [t for t in targets if t not in serving]
        self.template = self._template()
        self.profile = self._profile()
        self._name_parts()

    def _template(self) -> dict[str, Any]:
        mixed = self.group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
        uses = self.group.get("LaunchTemplate") or mixed
        request = {"LaunchTemplateId": uses["LaunchTemplateId"], "Versions": [str(uses["Version"])]}
        return one(everything("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **request), "version of the launch template")

    def _profile(self) -> dict[str, Any]:
        uses = self.template["LaunchTemplateData"]["IamInstanceProfile"]
        name = uses.get("Name") or uses["Arn"].rpartition("/")[2]
        return client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]

    # Which part each plays

    def _name_parts(self) -> None:
        zones = {subnet["SubnetId"]: subnet["AvailabilityZone"][-1] for subnet in self.subnets}
        self._call("internet-gateway", (gateway["InternetGatewayId"] for gateway in self.gateways))
        for nat in self.nats:
            self._call(f"nat-gateway/{zones[nat['SubnetId']]}", [nat["NatGatewayId"]])
        for endpoint in self.endpoints:
            self._call(f"endpoint/{_service(endpoint)}", [endpoint["VpcEndpointId"]])
        for table in self.tables:
            self._call(f"route-table/{self._tier(table)}", [table["RouteTableId"]])
        for subnet in self.subnets:
            tier = self._tier(self._table_of(subnet["SubnetId"])).partition("-")[0]
            self._call(f"subnet/{tier}-{zones[subnet['SubnetId']]}", [subnet["SubnetId"]])

        self._call("security-group/load-balancer", self.balancer["SecurityGroups"])
        self._call("security-group/instances", self.template["LaunchTemplateData"].get("SecurityGroupIds", []))
        self._call("security-group/endpoints", sorted({g["GroupId"] for e in self.endpoints for g in e.get("Groups", [])}))
        self._call("security-group/default", (g["GroupId"] for g in self.groups if g["GroupName"] == "default"))
        self._call("security-group/other", (g["GroupId"] for g in self.groups))

        self._call("load-balancer", [self.balancer["LoadBalancerArn"]])
        self._call("target-group", [self.target_group["TargetGroupArn"]])
        self._call("other-target-group", (t["TargetGroupArn"] for t in self.other_targets))
        self._call("launch-template", [self.template["LaunchTemplateId"]])
        self._call("instance-profile", [self.profile["Arn"]])
        # How metrics name them.
        self.parts[self.group["AutoScalingGroupName"]] = "auto-scaling-group"
        self.parts[self.balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]] = "load-balancer"
        self.parts[self.target_group["TargetGroupArn"].rpartition(":")[2]] = "target-group"

    def _call(self, part: str, ids: Iterable[str]) -> None:
        """Two of a kind are told apart by a number: one of them is then too many, and seen."""
        for identity in ids:
            if identity not in self.parts:
                taken = sum(known == part or known.startswith(f"{part}#") for known in self.parts.values())
                self.parts[identity] = f"{part}#{taken + 1}" if taken else part

    def _tier(self, table: dict[str, Any]) -> str:
        """Where the default route leads: `public`, `private-a`, `isolated`; `main` if no subnet was given the table."""
        if any(use.get("Main") for use in table["Associations"]):
            return "main"
        route = next((r for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"), {})
        if route.get("NatGatewayId"):
            return self.parts.get(route["NatGatewayId"], "nat-gateway/nowhere").replace("nat-gateway/", "private-")
        return "public" if route.get("GatewayId") in self.parts else "isolated"

    def _table_of(self, subnet: str) -> dict[str, Any]:
        given = [t for t in self.tables if any(use.get("SubnetId") == subnet for use in t["Associations"])]
        return (given or [t for t in self.tables if self._tier(t) == "main"])[0]

    # What is shown

    def describe(self) -> dict[str, Any]:
        return {
            "vpc": self.plain(self.vpc) | self._dns(),
            "internet_gateways": self._each(self.gateways, "InternetGatewayId"),
            "subnets": self._each(self.subnets, "SubnetId", drop={"AvailableIpAddressCount", "SubnetArn"}),
            "route_tables": {self._key(t["RouteTableId"]): self._table(t) for t in self.tables},
            "nat_gateways": {self._key(n["NatGatewayId"]): self._nat(n) for n in self.nats},
            "security_groups": {self._key(g["GroupId"]): self._rules(g) for g in self.groups},
            "endpoints": self._each(self.endpoints, "VpcEndpointId", drop={"DnsEntries", "NetworkInterfaceIds"}),
            "role": self._role(),
            "load_balancer": self.plain(self.balancer) | {"Attributes": self._attributes("load_balancer", self.balancer)},
            "listeners": keyed((str(one["Port"]), self.plain(one, {"ListenerArn"})) for one in self.listeners),
            "target_group": self._targets(self.target_group),
            "other_target_groups": {self._key(t["TargetGroupArn"]): self._targets(t) for t in self.other_targets},
            "listener_rules": self._listener_rules(),
            "launch_template": self._launch_data(),
            "auto_scaling_group": self._group(),
            "lifecycle_hooks": self._hooks(),
            "scaling_policies": self._policies(),
            "alarms": self._alarms(),
            "dashboards": self._dashboards(),
            "instances": self._instances(),
        }

    def plain(self, value: Any, drop: Iterable[str] = ()) -> Any:
        """Without what is volatile, ids by their part, lists in order."""
        if isinstance(value, dict):
            kept = {k: self.plain(v, drop) for k, v in value.items() if k not in ITS_OWN and k not in drop}
            return {k: v for k, v in kept.items() if v is not None}
        if isinstance(value, list):
            items = [self.plain(item, drop) for item in value]
            return sorted((item for item in items if item not in (None, {})), key=lambda item: json.dumps(item, sort_keys=True))
        if isinstance(value, datetime):
            return None
        if isinstance(value, str):
            return self.parts.get(value) or AN_ID.sub("<id>", value)
        return value

    def _each(self, things: list[Any], identity: str, drop: Iterable[str] = ()) -> dict[str, Any]:
        return {self._key(thing[identity]): self.plain(thing, {identity, *drop}) for thing in things}

    def _key(self, identity: str) -> str:
        return self.parts[identity].rpartition("/")[2]

    def _dns(self) -> dict[str, bool]:
        names = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
        ask = client("ec2").describe_vpc_attribute
        return {shown: ask(VpcId=self.vpc["VpcId"], Attribute=asked)[shown]["Value"] for asked, shown in names.items()}

    def _table(self, table: dict[str, Any]) -> dict[str, Any]:
        routes = {}
        for route in table["Routes"]:
            to = next(value for key, value in sorted(route.items()) if key.startswith("Destination"))
            by = next((value for key, value in sorted(route.items()) if key.endswith("Id") and not key.startswith("Destination")), None)
            routes[self.plain(to)] = f"{self.plain(by)}, {route['State']}"
        return {"Routes": routes, "Subnets": self.plain([use.get("SubnetId") for use in table["Associations"]])}

    def _nat(self, nat: dict[str, Any]) -> dict[str, Any]:
        public = [a for a in nat["NatGatewayAddresses"] if a.get("AllocationId") and a.get("PublicIp")]
        return self.plain(nat, {"NatGatewayId", "NatGatewayAddresses"}) | {"PublicAddresses": len(public)}

    def _rules(self, group: dict[str, Any]) -> dict[str, list[str]]:
        return {side: sorted(self._rule_texts(group[key])) for side, key in (("in", "IpPermissions"), ("out", "IpPermissionsEgress"))}

    def _rule_texts(self, permissions: list[dict[str, Any]]) -> Iterable[str]:
        for rule in permissions:
            what = "everything" if rule["IpProtocol"] == "-1" else f"{rule['IpProtocol']} {rule['FromPort']}-{rule['ToPort']}"
            for key, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId")):
                for peer in rule.get(key, []):
                    yield f"{what} {self.plain(peer[name])}"

    def _role(self) -> dict[str, Any]:
        role = one(self.profile["Roles"], "role in the instance profile")
        name, iam = role["RoleName"], client("iam")
        shown = iam.get_role(RoleName=name)["Role"]
        inline = everything("iam", "list_role_policies", "PolicyNames", RoleName=name)
        return {
            "Trust": shown["AssumeRolePolicyDocument"],
            "Attached": sorted(p["PolicyName"] for p in everything("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)),
            "Inline": {p: iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"] for p in inline},
            "Boundary": bool(shown.get("PermissionsBoundary")),
            "MaxSessionDuration": shown["MaxSessionDuration"],
            "Path": shown["Path"],
        }

    def _attributes(self, kind: str, thing: dict[str, Any]) -> dict[str, str]:
        title = "".join(word.title() for word in kind.split("_"))
        found = everything("elbv2", f"describe_{kind}_attributes", "Attributes", **{f"{title}Arn": thing[f"{title}Arn"]})
        return {attribute["Key"]: attribute["Value"] for attribute in found}

    def _targets(self, group: dict[str, Any]) -> dict[str, Any]:
        return self.plain(group) | {"Attributes": self._attributes("target_group", group)}

    def _listener_rules(self) -> dict[str, Any]:
        """Those that somebody made: a listener's own default action is shown with it."""
        listeners = ((str(one["Port"]), everything("elbv2", "describe_rules", "Rules", ListenerArn=one["ListenerArn"])) for one in self.listeners)
        made = ((port, rule) for port, rules in listeners for rule in rules if not rule["IsDefault"])
        return {f"{port}/{rule['Priority']}": self.plain(rule, {"RuleArn"}) for port, rule in made}

    def _launch_data(self) -> dict[str, Any]:
        data = dict(self.template["LaunchTemplateData"])
        image = client("ec2").describe_images(ImageIds=[data["ImageId"]])["Images"][0]
        data["ImageId"] = re.sub(r"\d{4}\.?\d{2}\.?\d{2}.*", "<date>", image["Name"])
        script = base64.b64decode(data.get("UserData", "")).decode()
        return {**self.plain(data), "UserData": script, "IamInstanceProfile": "instance-profile"}

    def _group(self) -> dict[str, Any]:
        subnets = self.plain(self.group["VPCZoneIdentifier"].split(","))
        return {**self.plain(self.group, {"Instances", "Version"}), "VPCZoneIdentifier": subnets}

    def _of_group(self, operation: str, key: str) -> list[Any]:
        return everything("autoscaling", operation, key, AutoScalingGroupName=self.group["AutoScalingGroupName"])

    def _hooks(self) -> dict[str, Any]:
        hooks = self._of_group("describe_lifecycle_hooks", "LifecycleHooks")
        return keyed((hook["LifecycleTransition"].rpartition("_")[2].lower(), self.plain(hook)) for hook in hooks)

    def _policies(self) -> dict[str, Any]:
        policies = self._of_group("describe_policies", "ScalingPolicies")
        for policy in policies:
            change = f"{policy['ScalingAdjustment']:+d}" if policy.get("ScalingAdjustment") else "steps"
            self._call(f"scaling-policy/{change}", [policy["PolicyARN"]])
        return {self._key(policy["PolicyARN"]): self.plain(policy) for policy in policies}

    def _alarms(self) -> dict[str, Any]:
        """Those that watch the group or the load balancer."""
        alarms = everything("cloudwatch", "describe_alarms", "MetricAlarms")
        watching = [alarm for alarm in alarms if any(d["Value"] in self.parts for m in _metrics(alarm) for d in m["Dimensions"])]
        watching.sort(key=lambda alarm: float(alarm.get("Threshold", 0)))
        return keyed((_title(alarm), self._alarm(alarm)) for alarm in watching)

    def _alarm(self, alarm: dict[str, Any]) -> dict[str, Any]:
        actions = ("AlarmActions", "OKActions", "InsufficientDataActions")
        return {**self.plain(alarm), **{key: [self._action(arn) for arn in alarm.get(key, [])] for key in actions}}

    def _action(self, arn: str) -> str:
        if ":sns:" not in arn:
            return self.plain(arn)
        told = everything("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        return "topic for " + ", ".join(sorted(f"{who['Protocol']} {who['Endpoint']}" for who in told))

    def _dashboards(self) -> list[Any]:
        names = [d["DashboardName"] for d in everything("cloudwatch", "list_dashboards", "DashboardEntries")]
        bodies = [client("cloudwatch").get_dashboard(DashboardName=n)["DashboardBody"] for n in names if self.name in n]
        return [{"widgets": [w["properties"].get("title") for w in json.loads(body)["widgets"]]} for body in bodies]

    def _instances(self) -> dict[str, Any]:
        """How many there are, one in each subnet, and what the load balancer thinks of them."""
        ids = [instance["InstanceId"] for instance in self.group["Instances"]]
        reservations = everything("ec2", "describe_instances", "Reservations", InstanceIds=ids) if ids else []
        health = everything("elbv2", "describe_target_health", "TargetHealthDescriptions", TargetGroupArn=self.target_group["TargetGroupArn"])
        states = {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in health}
        return {
            "count": len(ids),
            "each": {
                self._key(i["SubnetId"]): {
                    "State": i["State"]["Name"],
                    "Target": states.get(i["InstanceId"], "unregistered"),
                    "PublicAddress": bool(i.get("PublicIpAddress")),
                    "SecurityGroups": self.plain([group["GroupId"] for group in i["SecurityGroups"]]),
                    "InstanceType": i["InstanceType"],
                }
                for reservation in reservations
                for i in reservation["Instances"]
            },
        }


def _service(endpoint: dict[str, Any]) -> str:
    return endpoint["ServiceName"].partition(".")[2].partition(".")[2].partition(".")[2]


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm watches, its only one or those of its queries."""
    queries = (query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query)
    return [alarm] if alarm.get("MetricName") else list(queries)


def _title(alarm: dict[str, Any]) -> str:
    """What it watches and how; its name is whoever's made it."""
    return "+".join(sorted(metric["MetricName"] for metric in _metrics(alarm))) + f" {alarm['ComparisonOperator']}"

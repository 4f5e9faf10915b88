"""Changing what is there, on moto: listeners, health checks, subnets, endpoints, routes, tags, launch template versions."""

import unittest
from typing import Any

from support import STACK, Balanced, control, eventually

SSM = "com.amazonaws.us-east-1.ssm"
S3 = "com.amazonaws.us-east-1.s3"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
UNKNOWN = "0123456789abcdef0"


class Listeners(Balanced):
    def setUp(self) -> None:
        super().setUp()
        self.arn, self.web, self.next = self.balancer(), self.targets(), self.targets(Name="next")
        self.listener = self.listen(self.arn, self.web)

    def change(self, **more: Any) -> dict[str, Any]:
        return self.elb.modify_listener(ListenerArn=self.listener, **more)["Listeners"][0]

    def seen(self) -> dict[str, Any]:
        return self.elb.describe_listeners(LoadBalancerArn=self.arn)["Listeners"][0]

    def split(self, **weights: int) -> list[dict[str, Any]]:
        named = {"web": self.web, "next": self.next}
        groups = [{"TargetGroupArn": named.get(name, name), "Weight": weight} for name, weight in weights.items()]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def test_a_group_of_weight_0_is_in_use_and_its_targets_are_checked(self) -> None:
        control("delays", {"load-balancer": 1, "instance-boot": 1})
        one = self.ec2.run_instances(ImageId=self.image(), MinCount=1, MaxCount=1, SubnetId=self.zones[0])["Instances"][0]["InstanceId"]
        running = lambda: self.ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["State"]["Name"]
        eventually(running, "running")
        self.elb.register_targets(TargetGroupArn=self.next, Targets=[{"Id": one}])
        self.assertEqual(self.health(self.next), {one: "unused"})
        self.change(DefaultActions=self.split(web=100, next=0))
        groups = self.seen()["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        self.assertEqual({g["TargetGroupArn"]: g["Weight"] for g in groups}, {self.web: 100, self.next: 0})
        self.assertNotIn("TargetGroupArn", self.seen()["DefaultActions"][0])
        eventually(lambda: self.health(self.next), {one: "healthy"})
        used = {g["TargetGroupName"]: g["LoadBalancerArns"] for g in self.elb.describe_target_groups()["TargetGroups"]}
        self.assertEqual(used, {"tg": [self.arn], "next": [self.arn]})
        self.change(DefaultActions=self.split(next=1))
        self.assertEqual(self.elb.describe_target_groups(Names=["tg"])["TargetGroups"][0]["LoadBalancerArns"], [])

    def test_a_single_target_group_is_shown_beside_the_list_and_in_it(self) -> None:
        for target, action in ((self.web, None), (self.next, self.split(next=7))):
            if action:
                self.change(DefaultActions=action)
            shown = self.seen()["DefaultActions"][0]
            self.assertEqual(shown["TargetGroupArn"], target)
            self.assertEqual([g["TargetGroupArn"] for g in shown["ForwardConfig"]["TargetGroups"]], [target])

    def test_impossible_changes_are_refused(self) -> None:
        more = {self.targets(Name=f"n{number}"): 1 for number in range(6)}
        loop = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTP", "Port": "80", "StatusCode": "HTTP_301"}}]
        other = self.balancer(Name="other")
        taken = self.targets(Name="taken")
        self.listen(other, taken)
        for code, change in (
            ("ValidationError", {"DefaultActions": self.split(web=1000)}),
            ("ValidationError", {"DefaultActions": self.split(**more)}),
            ("TargetGroupNotFound", {"DefaultActions": self.split(**{f"{self.web[:-4]}0000": 1})}),
            ("TargetGroupAssociationLimit", {"DefaultActions": self.split(**{taken: 1})}),
            ("InvalidLoadBalancerAction", {"DefaultActions": loop}),
            ("ValidationError", {"Protocol": "HTTPS"}),
            ("CertificateNotFound", {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": "nonsense"}]}),
        ):
            with self.subTest(code, **change):
                self.refused(code, self.change, **change)
        self.refused("ListenerNotFound", self.elb.modify_listener, ListenerArn=f"{self.listener[:-4]}0000", Protocol="HTTP")

    def test_encryption_comes_with_a_certificate_and_goes_with_it(self) -> None:
        secured = self.change(Protocol="HTTPS", Certificates=[{"CertificateArn": CERTIFICATE}], SslPolicy=POLICY)
        self.assertEqual((secured["Certificates"], secured["SslPolicy"]), ([{"CertificateArn": CERTIFICATE}], POLICY))
        self.change(Protocol="HTTP")
        self.assertEqual({"Certificates", "SslPolicy"} & set(self.seen()), set())
        self.assertEqual(self.listen(self.arn, self.web), self.listener, "its settings are the first ones again")
        self.change(DefaultActions=self.split(web=1, next=1))
        self.refused("DuplicateListener", self.listen, balancer=self.arn, targets=self.web)


class Balancers(Balanced):
    def test_a_changed_health_check_is_what_a_target_group_is_compared_by(self) -> None:
        targets = self.targets()
        check = {"HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 4,
                 "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 4, "Matcher": {"HttpCode": "200"}}
        self.elb.modify_target_group(TargetGroupArn=targets, **check)
        seen = self.elb.describe_target_groups(TargetGroupArns=[targets])["TargetGroups"][0]
        self.assertEqual({name: seen[name] for name in check}, check)
        self.assertEqual(self.targets(**check), targets)
        self.refused("DuplicateTargetGroupName", self.targets)
        self.refused("ValidationError", self.elb.modify_target_group, TargetGroupArn=targets, HealthCheckTimeoutSeconds=10)
        self.refused("ValidationError", self.targets, Name="other", HealthCheckIntervalSeconds=5)

    def test_new_subnets_get_its_interfaces_and_old_ones_lose_theirs_a_while_later(self) -> None:
        control("delays", {"load-balancer-interfaces": 50})
        balancer = self.balancer()
        stands = lambda: sorted({i["SubnetId"] for i in self.ec2.describe_network_interfaces()["NetworkInterfaces"]})
        self.elb.set_subnets(LoadBalancerArn=balancer, Subnets=self.zones[1:])
        zones = self.elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["AvailabilityZones"]
        self.assertEqual(sorted(zone["SubnetId"] for zone in zones), sorted(self.zones[1:]))
        self.assertEqual(stands(), sorted(self.zones))
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.zones[0])
        eventually(stands, sorted(self.zones[1:]))
        self.ec2.delete_subnet(SubnetId=self.zones[0])
        self.assertEqual(self.balancer(Subnets=self.zones[1:]), balancer)
        elsewhere = self.subnets(self.vpc())
        for code, subnets in (
            ("ValidationError", self.zones[1:2]),
            ("SubnetNotFound", [self.zones[1], f"subnet-{UNKNOWN}"]),
            ("InvalidSubnet", elsewhere),
        ):
            with self.subTest(code):
                self.refused(code, self.elb.set_subnets, LoadBalancerArn=balancer, Subnets=subnets)

    def test_tags_are_set_over_earlier_ones_and_taken_away(self) -> None:
        balancer, targets = self.balancer(), self.targets()
        all_of_them = [balancer, targets, self.listen(balancer, targets)]
        look = lambda: [{t["Key"]: t["Value"] for t in d["Tags"]} for d in self.elb.describe_tags(ResourceArns=all_of_them)["TagDescriptions"]]
        self.elb.add_tags(ResourceArns=all_of_them, Tags=[{"Key": "windlass:stack", "Value": "new"}, {"Key": "team", "Value": "x"}])
        self.assertEqual(look(), [{"windlass:stack": "new", "team": "x"}] * 3)
        self.elb.remove_tags(ResourceArns=all_of_them, TagKeys=["team", "never"])
        self.assertEqual(look(), [{"windlass:stack": "new"}] * 3)
        self.refused("TargetGroupNotFound", self.elb.remove_tags, ResourceArns=[f"{targets[:-4]}0000"], TagKeys=["team"])


class Network(Balanced):
    def table(self) -> str:
        return self.ec2.create_route_table(VpcId=self.network)["RouteTable"]["RouteTableId"]

    def routes(self, table: str) -> list[str]:
        found = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return [route.get("NatGatewayId") or route["GatewayId"] for route in found]

    def entry(self, identity: str) -> dict[str, Any]:
        return self.ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"][0]

    def test_an_interface_endpoint_moves_to_other_subnets_and_groups(self) -> None:
        self.ec2.modify_vpc_attribute(VpcId=self.network, EnableDnsHostnames={"Value": True})
        control("delays", {"vpc-endpoint": 40, "vpc-endpoint-delete": 50})
        other, change = self.group(self.network, "other"), self.ec2.modify_vpc_endpoint
        entry = self.ec2.create_vpc_endpoint(
            VpcId=self.network, ServiceName=SSM, VpcEndpointType="Interface", SubnetIds=self.zones[:2], SecurityGroupIds=[self.firewall]
        )["VpcEndpoint"]["VpcEndpointId"]
        eventually(lambda: self.entry(entry)["State"], "available")
        move = {"AddSubnetIds": self.zones[2:], "RemoveSubnetIds": self.zones[:1], "AddSecurityGroupIds": [other], "RemoveSecurityGroupIds": [self.firewall]}
        for _ in range(2):
            change(VpcEndpointId=entry, **move)
            seen = self.entry(entry)
            self.assertEqual((sorted(seen["SubnetIds"]), [g["GroupId"] for g in seen["Groups"]]), (sorted(self.zones[1:]), [other]))
        self.assertEqual(self.entry(entry)["State"], "pending")
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.zones[0])
        look = lambda: sorted(i["SubnetId"] for i in self.ec2.describe_network_interfaces()["NetworkInterfaces"])
        eventually(look, sorted(self.zones[1:]))
        self.ec2.delete_subnet(SubnetId=self.zones[0])
        self.ec2.delete_security_group(GroupId=self.firewall)
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=other)
        eventually(lambda: self.entry(entry)["State"], "available")
        self.refused("InvalidSubnetId.NotFound", change, VpcEndpointId=entry, AddSubnetIds=[f"subnet-{UNKNOWN}"])
        self.refused("InvalidSecurityGroupId.NotFound", change, VpcEndpointId=entry, AddSecurityGroupIds=[f"sg-{UNKNOWN}"])
        self.refused("InvalidVpcEndpointId.NotFound", change, VpcEndpointId=f"vpce-{UNKNOWN}")

    def test_a_gateway_endpoint_moves_its_routes(self) -> None:
        one, two, change = self.table(), self.table(), self.ec2.modify_vpc_endpoint
        entry = self.ec2.create_vpc_endpoint(VpcId=self.network, ServiceName=S3, RouteTableIds=[one])["VpcEndpoint"]["VpcEndpointId"]
        for _ in range(2):
            change(VpcEndpointId=entry, AddRouteTableIds=[two], RemoveRouteTableIds=[one])
            self.assertEqual(self.entry(entry)["RouteTableIds"], [two])
            self.assertEqual((self.routes(one), self.routes(two)), (["local"], ["local", entry]))
        self.refused("InvalidRouteTableId.NotFound", change, VpcEndpointId=entry, AddRouteTableIds=[f"rtb-{UNKNOWN}"])

    def test_a_route_is_sent_elsewhere_if_it_is_there(self) -> None:
        table, nats = self.table(), [self.nat(zone, self.address()) for zone in self.zones[:2]]
        route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
        self.refused("InvalidParameterValue", self.ec2.replace_route, NatGatewayId=nats[0], **route)
        self.ec2.create_route(NatGatewayId=nats[0], **route)
        self.ec2.replace_route(NatGatewayId=nats[1], **route)
        self.assertEqual(self.routes(table), ["local", nats[1]])
        self.refused("InvalidNatGatewayID.NotFound", self.ec2.replace_route, NatGatewayId=f"nat-{UNKNOWN}", **route)
        self.ec2.delete_route(**route)
        self.assertEqual(self.routes(table), ["local"])

    def test_tags_are_set_over_earlier_ones_and_taken_away(self) -> None:
        template, nat = self.launchable(), self.nat(self.zones[0], self.address())
        found = {
            self.network: lambda: self.ec2.describe_vpcs(VpcIds=[self.network])["Vpcs"],
            nat: lambda: self.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"],
            template: lambda: self.ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"],
        }
        look = lambda: [{t["Key"]: t["Value"] for t in shown()[0]["Tags"]} for shown in found.values()]
        self.ec2.create_tags(Resources=list(found), Tags=[{"Key": "windlass:stack", "Value": "new"}, {"Key": "team", "Value": "x"}])
        self.assertEqual(look(), [{"windlass:stack": "new", "team": "x"}] * 3)
        self.ec2.delete_tags(Resources=list(found), Tags=[{"Key": "team"}, {"Key": "never"}])
        self.assertEqual(look(), [{"windlass:stack": "new"}] * 3)
        for code, unknown in (
            ("InvalidVpcID.NotFound", "vpc-"), ("InvalidNatGatewayID.NotFound", "nat-"), ("InvalidGroup.NotFound", "sg-"),
            ("InvalidVpcEndpointId.NotFound", "vpce-"), ("InvalidAllocationID.NotFound", "eipalloc-"),
        ):
            with self.subTest(code):
                resources = [self.network, unknown + UNKNOWN]
                self.refused(code, self.ec2.create_tags, Resources=resources, Tags=STACK)
                self.refused(code, self.ec2.delete_tags, Resources=resources, Tags=[{"Key": "windlass:stack"}])
        self.assertEqual(look(), [{"windlass:stack": "new"}] * 3)

    def test_a_version_of_a_launch_template_is_made_once_per_token(self) -> None:
        template, make = self.launchable(), self.ec2.create_launch_template_version
        request = {"LaunchTemplateId": template, "LaunchTemplateData": {"ImageId": self.image(), "InstanceType": "t3.small"}, "ClientToken": "t"}
        self.assertEqual([make(**request)["LaunchTemplateVersion"]["VersionNumber"] for _ in range(2)], [2, 2])
        self.refused("IdempotentParameterMismatch", make, **{**request, "VersionDescription": "other"})
        newest = self.ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"])["LaunchTemplateVersions"]
        self.assertEqual([(v["VersionNumber"], v["DefaultVersion"], v["LaunchTemplateData"]["InstanceType"]) for v in newest], [(2, False, "t3.small")])
        self.refused("InvalidLaunchTemplateId.NotFound", make, **{**request, "LaunchTemplateId": f"lt-{UNKNOWN}", "ClientToken": "u"})


if __name__ == "__main__":
    unittest.main()

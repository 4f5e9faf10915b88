"""The local cloud against its own promises: each test names an AWS behaviour the bare emulators lack.

All test files share a private pair of emulators:
.local/venv-emulators/bin/python -m unittest discover -s tests/local-cloud
"""

import base64
import concurrent.futures
import io
import json
import re
import time
import unittest
import urllib.error
import zipfile
from typing import Any

from botocore.exceptions import ClientError
from environment import ROOT
from support import AL2023, BY_STACK, STACK, Balanced, Case, client, control, eventually, home, tagged

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
ANYWHERE = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


class Network(Case):
    def test_every_kind_is_tagged_in_its_create_call_and_found_by_that_tag(self) -> None:
        vpc = self.vpc()
        subnet = self.subnets(vpc, "a")[0]
        gateway, address, group = self.gateway(vpc), self.address(), self.group(vpc)
        nat = self.nat(subnet, address)
        table = self.ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))["RouteTable"]["RouteTableId"]
        template = self.ec2.create_launch_template(
            LaunchTemplateName="template", LaunchTemplateData={"ImageId": self.image()}, TagSpecifications=tagged("launch-template")
        )["LaunchTemplate"]["LaunchTemplateId"]
        endpoint = self.ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName="com.amazonaws.us-east-1.ssm", VpcEndpointType="Interface", SubnetIds=[subnet],
            PrivateDnsEnabled=False, TagSpecifications=tagged("vpc-endpoint"),
        )["VpcEndpoint"]["VpcEndpointId"]
        for call, parameter, field, key, expected in (
            (self.ec2.describe_vpcs, "Filters", "Vpcs", "VpcId", vpc),
            (self.ec2.describe_subnets, "Filters", "Subnets", "SubnetId", subnet),
            (self.ec2.describe_internet_gateways, "Filters", "InternetGateways", "InternetGatewayId", gateway),
            (self.ec2.describe_addresses, "Filters", "Addresses", "AllocationId", address),
            (self.ec2.describe_nat_gateways, "Filter", "NatGateways", "NatGatewayId", nat),
            (self.ec2.describe_route_tables, "Filters", "RouteTables", "RouteTableId", table),
            (self.ec2.describe_security_groups, "Filters", "SecurityGroups", "GroupId", group),
            (self.ec2.describe_launch_templates, "Filters", "LaunchTemplates", "LaunchTemplateId", template),
            (self.ec2.describe_vpc_endpoints, "Filters", "VpcEndpoints", "VpcEndpointId", endpoint),
        ):
            with self.subTest(field):
                found = call(**{parameter: BY_STACK})[field]
                self.assertEqual([item[key] for item in found], [expected])
                self.assertIn(STACK[0], found[0]["Tags"])
                other = [{"Name": "tag:windlass:stack", "Values": ["dev/other"]}]
                self.assertEqual(call(**{parameter: other})[field], [])

    def test_a_nat_gateway_is_pending_then_available_and_deleting_then_deleted(self) -> None:
        vpc = self.vpc()
        subnet, address, _ = self.subnets(vpc, "a")[0], self.address(), self.gateway(vpc)
        nat = self.nat(subnet, address)
        self.assertEqual(self.nat_state(nat), "pending")
        eventually(lambda: self.nat_state(nat), "available")
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=address)
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.assertEqual(self.nat_state(nat), "deleting")
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=address)
        eventually(lambda: self.nat_state(nat), "deleted")
        self.ec2.release_address(AllocationId=address)

    def test_a_nat_gateway_without_an_internet_gateway_fails_with_a_code(self) -> None:
        nat = self.nat(self.subnets(self.vpc(), "a")[0], self.address())
        eventually(lambda: self.nat_state(nat), "failed")
        seen = self.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]
        self.assertEqual(seen["FailureCode"], "Gateway.NotAttached")

    def test_an_unknown_nat_gateway_is_not_found(self) -> None:
        unknown = "nat-0123456789abcdef0"
        self.refused("NatGatewayNotFound", self.ec2.describe_nat_gateways, NatGatewayIds=[unknown])
        self.refused("NatGatewayNotFound", self.ec2.delete_nat_gateway, NatGatewayId=unknown)

    def test_a_client_token_returns_the_same_resource_and_refuses_other_parameters(self) -> None:
        vpc = self.vpc()
        subnet, address, _, image = self.subnets(vpc, "a")[0], self.address(), self.gateway(vpc), self.image()
        template = self.ec2.create_launch_template(LaunchTemplateName="versions", LaunchTemplateData={"ImageId": image})
        for call, request, changed, result in (
            (self.ec2.create_nat_gateway, {"SubnetId": subnet, "AllocationId": address}, {"ConnectivityType": "private"},
             lambda r: r["NatGateway"]["NatGatewayId"]),
            (self.ec2.create_route_table, {"VpcId": vpc}, {"TagSpecifications": tagged("route-table")},
             lambda r: r["RouteTable"]["RouteTableId"]),
            (self.ec2.create_vpc_endpoint, {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.s3"},
             {"ServiceName": "com.amazonaws.us-east-1.dynamodb"}, lambda r: r["VpcEndpoint"]["VpcEndpointId"]),
            (self.ec2.create_launch_template, {"LaunchTemplateName": "template", "LaunchTemplateData": {"ImageId": image}},
             {"LaunchTemplateName": "another"}, lambda r: r["LaunchTemplate"]["LaunchTemplateId"]),
            (self.ec2.create_launch_template_version,
             {"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "LaunchTemplateData": {"ImageId": image}},
             {"VersionDescription": "other"}, lambda r: r["LaunchTemplateVersion"]["VersionNumber"]),
            (self.ec2.run_instances, {"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet},
             {"InstanceType": "t3.large"}, lambda r: r["Instances"][0]["InstanceId"]),
        ):
            with self.subTest(call.__name__):
                first = result(call(ClientToken="one", **request))
                self.assertEqual(result(call(ClientToken="one", **request)), first)
                self.refused("IdempotentParameterMismatch", call, ClientToken="one", **{**request, **changed})

    def test_nothing_in_use_can_be_deleted_and_everything_can_in_the_right_order(self) -> None:
        vpc = self.vpc()
        subnet, gateway, address, group = self.subnets(vpc, "a")[0], self.gateway(vpc), self.address(), self.group(vpc)
        nat = self.nat(subnet, address)
        instance = self.ec2.run_instances(
            ImageId=self.image(), MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
        )["Instances"][0]["InstanceId"]
        for call, request in (
            (self.ec2.delete_security_group, {"GroupId": group}),
            (self.ec2.delete_subnet, {"SubnetId": subnet}),
            (self.ec2.detach_internet_gateway, {"InternetGatewayId": gateway, "VpcId": vpc}),
            (self.ec2.delete_internet_gateway, {"InternetGatewayId": gateway}),
            (self.ec2.delete_vpc, {"VpcId": vpc}),
        ):
            with self.subTest(call.__name__):
                self.refused("DependencyViolation", call, **request)
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        eventually(lambda: self.nat_state(nat), "deleted")
        eventually(lambda: self.ec2.describe_network_interfaces()["NetworkInterfaces"], [])
        self.ec2.delete_security_group(GroupId=group)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=vpc)
        self.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.ec2.delete_internet_gateway(InternetGatewayId=gateway)
        self.ec2.delete_vpc(VpcId=vpc)

    def test_a_security_group_named_in_another_ones_rule_cannot_be_deleted(self) -> None:
        vpc = self.vpc()
        one, two = self.group(vpc, "one"), self.group(vpc, "two")
        rule = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": one}]}]
        self.ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=rule)
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=one)
        self.ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=rule)
        self.ec2.delete_security_group(GroupId=one)

    def test_security_group_rules_are_duplicates_when_repeated(self) -> None:
        vpc = self.vpc()
        one, two = self.group(vpc, "one"), self.group(vpc, "two")
        self.ec2.revoke_security_group_egress(GroupId=one, IpPermissions=ANYWHERE)
        self.refused("InvalidPermission.NotFound", self.ec2.revoke_security_group_egress, GroupId=one, IpPermissions=ANYWHERE)
        rule = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": two}]}]
        self.ec2.authorize_security_group_egress(GroupId=one, IpPermissions=rule)
        self.refused("InvalidPermission.Duplicate", self.ec2.authorize_security_group_egress, GroupId=one, IpPermissions=rule)
        seen = self.ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"][0]["IpPermissionsEgress"]
        self.assertEqual([p["UserIdGroupPairs"][0]["GroupId"] for p in seen], [two])

    def test_second_associations_and_bad_names_are_refused(self) -> None:
        vpc = self.vpc()
        subnet, gateway, group = self.subnets(vpc, "a")[0], self.gateway(vpc), self.group(vpc)
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        other = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        second = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
        self.ec2.create_route(**route)
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        for code, call, request in (
            ("RouteAlreadyExists", self.ec2.create_route, route),
            ("Resource.AlreadyAssociated", self.ec2.associate_route_table, {"RouteTableId": table, "SubnetId": subnet}),
            ("Resource.AlreadyAssociated", self.ec2.associate_route_table, {"RouteTableId": other, "SubnetId": subnet}),
            ("Resource.AlreadyAssociated", self.ec2.attach_internet_gateway, {"InternetGatewayId": gateway, "VpcId": vpc}),
            ("InvalidParameterValue", self.ec2.attach_internet_gateway, {"InternetGatewayId": second, "VpcId": vpc}),
            ("InvalidGroup.Duplicate", self.ec2.create_security_group, {"GroupName": "app", "Description": "x", "VpcId": vpc}),
            ("InvalidParameterValue", self.ec2.create_security_group, {"GroupName": "sg-x", "Description": "x", "VpcId": vpc}),
            ("InvalidSubnet.Conflict", self.ec2.create_subnet, {"VpcId": vpc, "CidrBlock": "10.0.0.128/25"}),
            ("InvalidNatGatewayID.NotFound", self.ec2.create_route,
             {"RouteTableId": other, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0123456789abcdef0"}),
            ("MissingParameter", self.ec2.create_nat_gateway, {"SubnetId": subnet}),
        ):
            with self.subTest(f"{call.__name__} {code}"):
                self.refused(code, call, **request)
        self.ec2.delete_security_group(GroupId=group)

    def test_deleting_a_subnet_frees_its_route_table(self) -> None:
        vpc = self.vpc()
        subnet = self.subnets(vpc, "a")[0]
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table)
        self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_route_table(RouteTableId=table)

    def test_attributes_round_trip(self) -> None:
        vpc = self.vpc()
        subnet = self.subnets(vpc, "a")[0]
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.assertTrue(self.ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"])
        self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        self.assertTrue(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"])

    def test_zones_say_what_they_are_and_what_they_offer(self) -> None:
        real = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}]
        zones = self.ec2.describe_availability_zones(Filters=real)["AvailabilityZones"]
        self.assertGreaterEqual(len(zones), 3)
        self.assertEqual({(z["ZoneType"], z["OptInStatus"]) for z in zones}, {("availability-zone", "opt-in-not-required")})
        local = [{"Name": "zone-type", "Values": ["local-zone"]}]
        self.assertEqual(self.ec2.describe_availability_zones(Filters=local)["AvailabilityZones"], [])
        offered = self.ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}]
        )["InstanceTypeOfferings"]
        self.assertGreaterEqual({o["Location"] for o in offered}, {"us-east-1a", "us-east-1b", "us-east-1c"})
        self.assertEqual({o["InstanceType"] for o in offered}, {"t3.micro"})


class Images(Case):
    def test_image_parameters_resolve_to_images_that_exist(self) -> None:
        for name, architecture in (
            (AL2023, "x86_64"),
            (AL2023.replace("x86_64", "arm64"), "arm64"),
            (UBUNTU.format("amd64"), "x86_64"),
            (UBUNTU.format("arm64"), "arm64"),
        ):
            with self.subTest(name):
                image = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
                self.assertRegex(image, r"^ami-[0-9a-f]{17}$")
                seen = self.ec2.describe_images(ImageIds=[image])["Images"][0]
                self.assertEqual(seen["Architecture"], architecture)
                self.assertTrue(seen["RootDeviceName"].startswith("/dev/"))

    def test_the_tags_of_a_launch_template_are_not_given_to_its_instances(self) -> None:
        self.ec2.create_launch_template(
            LaunchTemplateName="template", LaunchTemplateData={"ImageId": self.image()}, TagSpecifications=tagged("launch-template")
        )
        data = self.ec2.describe_launch_template_versions(LaunchTemplateName="template")["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        self.assertNotIn("TagSpecifications", data)

    def test_unknown_launch_templates_are_not_found_by_id(self) -> None:
        code, unknown = "InvalidLaunchTemplateId.NotFound", "lt-0123456789abcdef0"
        self.refused(code, self.ec2.describe_launch_templates, LaunchTemplateIds=[unknown])
        self.refused(code, self.ec2.delete_launch_template, LaunchTemplateId=unknown)

    def test_the_image_of_the_example_with_an_image_of_its_own_exists(self) -> None:
        spec = (ROOT / "events/specs/own-image.yaml").read_text()
        image = re.findall(r"image: (ami-[0-9a-f]+)", spec)[0]
        seen = self.ec2.describe_images(ImageIds=[image])["Images"][0]
        self.assertEqual((seen["Architecture"], seen["RootDeviceName"]), ("x86_64", "/dev/xvda"))

    def test_unknown_images_are_not_found_and_cannot_be_started(self) -> None:
        code, unknown, subnet = "InvalidAMIID.NotFound", "ami-0123456789abcdef0", self.subnets(self.vpc(), "a")[0]
        self.refused(code, self.ec2.describe_images, ImageIds=[unknown])
        self.refused(code, self.ec2.run_instances, ImageId=unknown, MinCount=1, MaxCount=1, SubnetId=subnet)


class LoadBalancers(Balanced):
    def test_a_load_balancer_is_provisioning_then_active(self) -> None:
        arn = self.balancer()
        look = lambda: self.elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]
        self.assertEqual([look(), look()], ["provisioning", "provisioning"])
        eventually(look, "active")

    def test_the_same_name_and_settings_are_the_same_load_balancer(self) -> None:
        self.assertEqual(self.balancer(), self.balancer())
        self.assertEqual(len(self.elb.describe_load_balancers()["LoadBalancers"]), 1)
        self.refused("DuplicateLoadBalancerName", self.balancer, Subnets=self.zones)

    def test_the_same_name_and_settings_are_the_same_target_group(self) -> None:
        self.assertEqual(self.targets(), self.targets())
        self.refused("DuplicateTargetGroupName", self.targets, Port=81)

    def test_impossible_load_balancers_are_refused(self) -> None:
        for code, more in (
            ("ValidationError", {"Subnets": self.zones[:1]}),
            ("ValidationError", {"Name": "x" * 33}),
            ("ValidationError", {"Name": "internal-x"}),
            ("InvalidSecurityGroup", {"SecurityGroups": ["sg-0123456789abcdef0"]}),
            ("SubnetNotFound", {"Subnets": [self.zones[0], "subnet-0123456789abcdef0"]}),
        ):
            with self.subTest(str(more)):
                self.refused(code, self.balancer, **more)
        bare = self.vpc()
        self.refused("InvalidSubnet", self.balancer, Subnets=self.subnets(bare), SecurityGroups=[self.group(bare)])

    def test_deletion_protection_protects(self) -> None:
        balancer, key = self.balancer(), "deletion_protection.enabled"
        self.elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": key, "Value": "true"}])
        self.refused("OperationNotPermitted", self.elb.delete_load_balancer, LoadBalancerArn=balancer)

    def test_a_port_has_one_listener(self) -> None:
        balancer, targets = self.balancer(), self.targets()
        self.listen(balancer, targets)
        self.refused("DuplicateListener", self.listen, balancer=balancer, targets=self.targets(Name="other"))
        self.assertEqual(len(self.elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]), 1)

    def test_attributes_and_tags_are_there_from_the_start_and_change(self) -> None:
        balancer, targets = self.balancer(), self.targets()
        key = "routing.http.drop_invalid_header_fields.enabled"
        look = lambda: {a["Key"]: a["Value"] for a in self.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]}
        self.assertEqual(look()[key], "false")
        self.elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": key, "Value": "true"}])
        self.assertEqual(look()[key], "true")
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}
        self.elb.modify_target_group_attributes(TargetGroupArn=targets, Attributes=[delay])
        self.assertIn(delay, self.elb.describe_target_group_attributes(TargetGroupArn=targets)["Attributes"])
        found = self.elb.describe_tags(ResourceArns=[balancer, targets])["TagDescriptions"]
        self.assertEqual([d["Tags"] for d in found], [STACK, STACK])
        self.refused("LoadBalancerNotFound", self.elb.describe_tags, ResourceArns=[balancer[:-4] + "0000"])

    def test_its_interfaces_hold_on_to_subnets_and_groups_a_while_after_it_is_gone(self) -> None:
        balancer = self.balancer()
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.zones[0])
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.refused("LoadBalancerNotFound", self.elb.describe_load_balancers, Names=["lb"])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.firewall)
        eventually(lambda: self.ec2.describe_network_interfaces()["NetworkInterfaces"], [])
        self.ec2.delete_security_group(GroupId=self.firewall)
        self.ec2.delete_subnet(SubnetId=self.zones[0])

    def test_a_target_is_unused_then_initial_then_healthy_then_draining(self) -> None:
        control("delays", {"instance-running": 60, "load-balancer": 120})
        targets = self.targets()
        instance = self.ec2.run_instances(ImageId=self.image(), MinCount=1, MaxCount=1, SubnetId=self.zones[0])["Instances"][0]["InstanceId"]
        request = {"TargetGroupArn": targets, "Targets": [{"Id": instance}]}
        self.refused("InvalidTarget", self.elb.register_targets, **request)
        look = lambda: self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
        eventually(look, "running")
        self.elb.register_targets(**request)
        self.assertEqual(self.health(targets), {instance: "unused"})
        self.listen(self.balancer(), targets)
        self.assertEqual(self.health(targets), {instance: "initial"})
        eventually(lambda: self.health(targets), {instance: "healthy"})
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "80"}
        self.elb.modify_target_group_attributes(TargetGroupArn=targets, Attributes=[delay])
        self.elb.deregister_targets(**request)
        self.assertEqual(self.health(targets), {instance: "draining"})
        eventually(lambda: self.health(targets), {})

    def test_a_target_group_forgets_the_load_balancer_that_is_gone(self) -> None:
        balancer, targets = self.balancer(), self.targets()
        self.listen(balancer, targets)
        look = lambda: self.elb.describe_target_groups(TargetGroupArns=[targets])["TargetGroups"][0].get("LoadBalancerArns", [])
        self.assertEqual(look(), [balancer])
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.assertEqual(look(), [])


class Groups(Balanced):
    def test_instances_are_pending_then_in_service_spread_tagged_registered_and_then_healthy(self) -> None:
        targets = self.targets()
        self.listen(self.balancer(), targets)
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), TargetGroupARNs=[targets]))
        self.assertEqual({i["LifecycleState"] for i in self.seen()["Instances"]}, {"Pending"})
        eventually(lambda: len(self.in_service()), 3)
        self.assertEqual(len({i["AvailabilityZone"] for i in self.seen()["Instances"]}), 3)
        found = self.ec2.describe_instances(Filters=BY_STACK)["Reservations"]
        self.assertEqual(sorted(i["InstanceId"] for r in found for i in r["Instances"]), self.in_service())
        eventually(lambda: sorted(set(self.health(targets).values())), ["healthy"])
        activities = self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
        self.assertEqual([a["StatusCode"] for a in activities], ["Successful"] * 3)
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=4)
        eventually(lambda: len(self.health(targets)), 4)

    def test_settings_moto_drops_are_kept_and_updates_leave_the_rest_alone(self) -> None:
        policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}
        self.asg.create_auto_scaling_group(**self.scaled(
            self.launchable(), DesiredCapacity=1, DefaultInstanceWarmup=60, InstanceMaintenancePolicy=policy,
            LifecycleHookSpecificationList=[{"LifecycleHookName": "h", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}],
        ))
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", MaxSize=8)
        seen = self.seen()
        self.assertEqual((seen["DefaultInstanceWarmup"], seen["InstanceMaintenancePolicy"], seen["HealthCheckGracePeriod"]), (60, policy, 0))
        self.assertEqual((seen["DesiredCapacity"], seen["MaxSize"]), (1, 8))
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DefaultInstanceWarmup=90)
        self.assertEqual(self.seen()["DefaultInstanceWarmup"], 90)
        hooks = self.asg.describe_lifecycle_hooks(AutoScalingGroupName="g")["LifecycleHooks"]
        self.assertEqual([h["LifecycleHookName"] for h in hooks], ["h"])

    def test_impossible_groups_are_refused(self) -> None:
        template = self.launchable()
        self.asg.create_auto_scaling_group(**self.scaled(template, DesiredCapacity=1))
        self.refused("AlreadyExists", self.asg.create_auto_scaling_group, **self.scaled(template))
        for more in (
            {"MinSize": 9},
            {"DesiredCapacity": 9},
            {"VPCZoneIdentifier": "subnet-0123456789abcdef0"},
            {"LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0"}},
            {"TargetGroupARNs": [self.targets()[:-4] + "0000"]},
        ):
            with self.subTest(str(more)):
                request = self.scaled(template, **{"AutoScalingGroupName": "h", **more})
                self.refused("ValidationError", self.asg.create_auto_scaling_group, **request)
        self.refused("ValidationError", self.asg.update_auto_scaling_group, AutoScalingGroupName="g", MinSize=9)
        self.refused("ValidationError", self.asg.set_desired_capacity, AutoScalingGroupName="g", DesiredCapacity=99)
        self.refused("ValidationError", self.asg.describe_scaling_activities, AutoScalingGroupName="none")

    def test_an_instance_profile_has_to_exist(self) -> None:
        request = self.scaled(self.launchable(IamInstanceProfile={"Name": "p"}), DesiredCapacity=1)
        error = self.refused("ValidationError", self.asg.create_auto_scaling_group, **request)
        self.assertIn("Invalid IAM Instance Profile", error.response["Error"]["Message"])
        single = {"ImageId": self.image(), "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": "p"}}
        self.refused("InvalidParameterValue", self.ec2.run_instances, SubnetId=self.zones[0], **single)
        client("iam").create_instance_profile(InstanceProfileName="p", Tags=STACK)
        self.asg.create_auto_scaling_group(**request)

    def test_the_latest_version_is_what_starts_and_what_is_reported(self) -> None:
        template = self.launchable()
        data = {"ImageId": self.image(), "InstanceType": "t3.small", "UserData": base64.b64encode(b"#!/bin/sh").decode()}
        self.ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=data)
        self.asg.create_auto_scaling_group(**self.scaled(template, DesiredCapacity=1))
        instance = self.seen()["Instances"][0]
        self.assertEqual((instance["InstanceType"], instance["LaunchTemplate"]["Version"]), ("t3.small", "2"))

    def test_a_killed_instance_is_replaced(self) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable()))
        eventually(lambda: len(self.in_service()), 3)
        victim = self.in_service()[0]
        control("kill-instance", {"instance": victim})
        eventually(lambda: len(self.in_service()) == 3 and victim not in self.in_service())

    def test_an_instance_the_load_balancer_finds_unhealthy_is_replaced(self) -> None:
        targets = self.targets()
        self.listen(self.balancer(), targets)
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), TargetGroupARNs=[targets], HealthCheckType="ELB", HealthCheckGracePeriod=200))
        eventually(lambda: len(self.in_service()), 3)
        victim = self.in_service()[0]
        control("target-health", {"target_group": targets, "instance": victim, "state": "unhealthy"})
        eventually(lambda: victim not in {i["InstanceId"] for i in self.seen()["Instances"] if i["LifecycleState"] != "Terminating"})
        eventually(lambda: len(self.in_service()), 3)

    def test_a_launch_that_fails_leaves_a_failed_activity_and_is_tried_again(self) -> None:
        control("faults", {"action": "Launch", "code": "InsufficientInstanceCapacity", "message": "no t3.micro left."})
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), DesiredCapacity=1))
        activity = self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"][0]
        self.assertEqual(activity["StatusCode"], "Failed")
        self.assertIn("no t3.micro left", activity["StatusMessage"])
        eventually(lambda: len(self.in_service()), 1)

    def test_a_group_with_instances_is_deleted_only_by_force_and_takes_its_instances_along(self) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable()))
        self.refused("ResourceInUse", self.asg.delete_auto_scaling_group, AutoScalingGroupName="g")
        self.asg.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
        self.assertEqual(self.seen()["Status"], "Delete in progress")
        eventually(lambda: self.asg.describe_auto_scaling_groups()["AutoScalingGroups"], [])
        self.ec2.delete_subnet(SubnetId=self.zones[0])

    def test_a_group_at_zero_can_be_deleted_once_its_instances_are_gone(self) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable()))
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, DesiredCapacity=0)
        self.refused("ScalingActivityInProgress", self.asg.delete_auto_scaling_group, AutoScalingGroupName="g")
        eventually(lambda: self.seen()["Instances"], [])
        self.asg.delete_auto_scaling_group(AutoScalingGroupName="g")
        self.assertEqual(self.asg.describe_auto_scaling_groups()["AutoScalingGroups"], [])


class Control(Case):
    def test_calls_are_counted_by_action(self) -> None:
        control("calls/reset", {})
        self.vpc()
        self.ec2.describe_vpcs()
        client("iam").list_roles()
        self.assertEqual(control("calls"), {"ec2:CreateVpc": 1, "ec2:DescribeVpcs": 1, "iam:ListRoles": 1})

    def test_a_fault_fails_the_next_calls_with_its_code_and_status_in_every_dialect(self) -> None:
        for service, action, call in (
            ("ec2", "DescribeVpcs", self.ec2.describe_vpcs),
            ("elbv2", "DescribeLoadBalancers", self.elb.describe_load_balancers),
            ("autoscaling", "DescribeAutoScalingGroups", self.asg.describe_auto_scaling_groups),
            ("iam", "ListRoles", client("iam").list_roles),
            ("ssm", "GetParameter", lambda: client("ssm").get_parameter(Name=AL2023)),
        ):
            with self.subTest(service):
                control("faults", {"action": action, "code": "RequestLimitExceeded", "status": 503, "times": 2})
                for _ in range(2):
                    error = self.refused("RequestLimitExceeded", call)
                    self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 503)
                call()

    def test_a_fault_may_lose_the_answer_of_a_call_that_was_carried_out(self) -> None:
        control("faults", {"action": "ec2:CreateVpc", "code": "InternalError", "status": 500, "applied": True})
        self.refused("InternalError", self.vpc)
        self.assertEqual(len(self.ec2.describe_vpcs(Filters=BY_STACK)["Vpcs"]), 1)

    def test_unknown_control_requests_say_what_is_known(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            control("delays", {"nat": 3})
        self.assertIn("nat-gateway", json.load(caught.exception)["error"])

    def test_concurrent_calls_do_not_disturb_each_other(self) -> None:
        vpc = self.vpc()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: self.group(vpc, f"g{i}"), range(24)))
        self.assertEqual(len(self.ec2.describe_security_groups(Filters=BY_STACK)["SecurityGroups"]), 24)

    def test_roles_and_profiles_read_back(self) -> None:
        iam = client("iam")
        policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}", Tags=STACK)
        iam.attach_role_policy(RoleName="r", PolicyArn=policy)
        iam.create_instance_profile(InstanceProfileName="p", Tags=STACK)
        iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
        self.assertEqual(iam.get_role(RoleName="r")["Role"]["Tags"], STACK)
        self.assertEqual(iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"][0]["PolicyArn"], policy)
        self.assertEqual(iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Roles"][0]["RoleName"], "r")


PIPELINE = """
Parameters:
  Most: {Type: Number, Default: 2}
Resources:
  Specs:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerPreferred}]}
      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms"}}]}
      NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}
  Inbox: {Type: AWS::SQS::Queue}
  Dead: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 1
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.s3]
        detail-type: [Object Created, Object Deleted]
        detail: {bucket: {name: [!Ref Specs]}, object: {key: [{prefix: specs/}]}}
      Targets: [{Id: inbox, Arn: !GetAtt Inbox.Arn}]
  Worker:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Role: arn:aws:iam::123456789012:role/worker
      Timeout: 1
      RecursiveLoop: Allow
      ReservedConcurrentExecutions: 3
      Code: {S3Bucket: code, S3Key: code.zip}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Work.Arn
      FunctionName: !Ref Worker
      BatchSize: 10
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: !Ref Most}
Outputs:
  Specs: {Value: !Ref Specs}
  Inbox: {Value: !Ref Inbox}
  Dead: {Value: !Ref Dead}
  Work: {Value: !Ref Work}
"""

# One kept-alive connection, as the Rust runtime has: that is where small packets wait for each other.
BOOTSTRAP = """#!/usr/bin/env python3
import http.client, json, os, sys
api, path = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"]), "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", path + "next")
    answer = api.getresponse()
    request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
    records = event.get("Records", [])
    print("handling", *[r["body"] for r in records], file=sys.stderr, flush=True)
    failed = [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "poison"]
    api.request("POST", path + request + "/response", json.dumps({"batchItemFailures": failed}))
    api.getresponse().read()
"""


class Pipeline(unittest.TestCase):
    """The serverless half, deployed once."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.s3, cls.sqs, cls.functions, formation = client("s3"), client("sqs"), client("lambda"), client("cloudformation")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, BOOTSTRAP)
        cls.s3.create_bucket(Bucket="code")
        cls.s3.put_object(Bucket="code", Key="code.zip", Body=packed.getvalue())
        formation.create_stack(StackName="test", TemplateBody=PIPELINE, Capabilities=["CAPABILITY_IAM"])
        look = lambda: formation.describe_stacks(StackName="test")["Stacks"][0]
        eventually(lambda: look()["StackStatus"], "CREATE_COMPLETE")
        cls.outputs = {o["OutputKey"]: o["OutputValue"] for o in look()["Outputs"]}

    def events(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        limit = time.monotonic() + 5
        while len(found) < count and time.monotonic() < limit:
            answer = self.sqs.receive_message(QueueUrl=self.outputs["Inbox"], MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.outputs["Inbox"], ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def test_creations_and_deletions_arrive_with_literal_keys_and_versions(self) -> None:
        bucket, key = self.outputs["Specs"], "specs/dev/a+b c%20ä.yaml"
        self.s3.put_object(Bucket=bucket, Key="other/x.yaml", Body=b"x")
        version = self.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
        marker = self.s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
        seen = self.events(2)
        self.assertEqual([e["detail-type"] for e in seen], ["Object Created", "Object Deleted"])
        self.assertEqual([e["detail"]["object"]["key"] for e in seen], [key, key])
        self.assertEqual([e["detail"]["object"].get("version-id") for e in seen], [version, marker])
        self.assertEqual(seen[1]["detail"]["deletion-type"], "Delete Marker Created")

    def test_only_a_real_delete_shows_a_delete_marker(self) -> None:
        bucket = self.outputs["Specs"]
        self.s3.put_object(Bucket=bucket, Key="gone.yaml", Body=b"x")
        self.s3.delete_object(Bucket=bucket, Key="gone.yaml")
        for key, marker in (("gone.yaml", "true"), ("never.yaml", None)):
            with self.assertRaises(ClientError) as caught:
                self.s3.get_object(Bucket=bucket, Key=key)
            self.assertEqual(caught.exception.response["Error"]["Code"], "NoSuchKey")
            self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-delete-marker"), marker)

    def test_conditional_writes_are_decided_by_what_is_there(self) -> None:
        bucket = self.outputs["Specs"]
        tag = self.s3.put_object(Bucket=bucket, Key="head", Body=b"1", IfNoneMatch="*")["ETag"]
        self.s3.put_object(Bucket=bucket, Key="head", Body=b"2", IfMatch=tag)
        for condition in ({"IfNoneMatch": "*"}, {"IfMatch": tag}):
            with self.assertRaises(ClientError) as caught:
                self.s3.put_object(Bucket=bucket, Key="head", Body=b"3", **condition)
            self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 412)
            self.assertEqual(caught.exception.response["Error"]["Code"], "PreconditionFailed")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            won = list(pool.map(self._claim, range(8)))
        self.assertEqual(sum(won), 1)

    def _claim(self, writer: int) -> bool:
        try:
            self.s3.put_object(Bucket=self.outputs["Specs"], Key="claim", Body=str(writer).encode(), IfNoneMatch="*")
        except ClientError:
            return False
        return True

    def test_the_template_may_allow_recursion_and_reserve_concurrency(self) -> None:
        self.assertEqual(self.functions.get_function_recursion_config(FunctionName="worker")["RecursiveLoop"], "Allow")
        self.assertEqual(self.functions.get_function_concurrency(FunctionName="worker")["ReservedConcurrentExecutions"], 3)

    def test_bucket_ownership_and_encryption_are_kept(self) -> None:
        bucket = self.outputs["Specs"]
        found = self.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        self.assertEqual(found, [{"ObjectOwnership": "BucketOwnerPreferred"}])
        rules = self.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms")

    def test_one_bad_message_of_a_batch_ends_in_the_dead_letter_queue_and_logs_are_written(self) -> None:
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(["good", "poison", "fine"])]
        self.sqs.send_message_batch(QueueUrl=self.outputs["Work"], Entries=entries)
        dead = self.sqs.receive_message(QueueUrl=self.outputs["Dead"], WaitTimeSeconds=10)["Messages"]
        self.assertEqual([m["Body"] for m in dead], ["poison"])
        log = (home().logs / "worker.log").read_text()
        self.assertIn("good", log)
        self.assertIn("done in", log)

    def test_a_delayed_message_comes_when_its_delay_is_over_and_not_before(self) -> None:
        sent = time.monotonic()
        self.sqs.send_message(QueueUrl=self.outputs["Inbox"], MessageBody='"later"', DelaySeconds=1)
        self.assertEqual(self.events(1), ["later"])
        self.assertGreaterEqual(time.monotonic() - sent, 0.9)

    def test_an_invocation_takes_milliseconds(self) -> None:
        self.functions.invoke(FunctionName="worker", Payload=b"{}")
        start = time.monotonic()
        for _ in range(5):
            self.functions.invoke(FunctionName="worker", Payload=b"{}")
        self.assertLess((time.monotonic() - start) / 5, 0.035)


if __name__ == "__main__":
    unittest.main()

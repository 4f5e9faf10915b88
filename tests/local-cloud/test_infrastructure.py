"""Endpoints, instances, targets, listeners, quotas and what else moto plays for stacks that have more than the basics."""

import json
import time
import unittest
from typing import Any

from support import BY_STACK, STACK, Balanced, Case, client, control, eventually, tagged

SSM = "com.amazonaws.us-east-1.ssm"
S3 = "com.amazonaws.us-east-1.s3"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


class Endpoints(Case):
    def setUp(self) -> None:
        super().setUp()
        self.network = self.vpc()
        self.zones, self.firewall = self.subnets(self.network, "ab"), self.group(self.network)
        self.ec2.modify_vpc_attribute(VpcId=self.network, EnableDnsHostnames={"Value": True})

    def interface(self, **more: Any) -> dict[str, Any]:
        request = {"VpcId": self.network, "ServiceName": SSM, "VpcEndpointType": "Interface", "SubnetIds": self.zones,
                   "SecurityGroupIds": [self.firewall], "PrivateDnsEnabled": True, "TagSpecifications": tagged("vpc-endpoint")}
        return self.ec2.create_vpc_endpoint(**{**request, **more})["VpcEndpoint"]

    def door(self, **more: Any) -> dict[str, Any]:
        request = {"VpcId": self.network, "ServiceName": S3, "VpcEndpointType": "Gateway"}
        return self.ec2.create_vpc_endpoint(**{**request, **more})["VpcEndpoint"]

    def table(self) -> str:
        return self.ec2.create_route_table(VpcId=self.network)["RouteTable"]["RouteTableId"]

    def states(self) -> list[str]:
        return [e["State"] for e in self.ec2.describe_vpc_endpoints(Filters=BY_STACK)["VpcEndpoints"]]

    def test_an_interface_is_pending_then_available_and_gone_after_its_delete(self) -> None:
        made = self.interface()
        self.assertEqual((made["State"], made["PrivateDnsEnabled"]), ("pending", True))
        self.assertEqual(sorted(made["SubnetIds"]), sorted(self.zones))
        self.assertEqual([g["GroupId"] for g in made["Groups"]], [self.firewall])
        eventually(self.states, ["available"])
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
        self.assertEqual(self.states(), ["deleting"])
        eventually(self.states, [])

    def test_its_interfaces_are_behind_its_own_security_group(self) -> None:
        made = self.interface()
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.firewall)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
        eventually(self.states, [])
        self.ec2.delete_security_group(GroupId=self.firewall)

    def test_a_gateway_is_there_at_once_has_no_private_name_and_one_route_per_table(self) -> None:
        table, other = self.table(), self.table()
        made = self.door(RouteTableIds=[table])
        self.assertEqual((made["State"], made["PrivateDnsEnabled"]), ("available", False))
        routes = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        self.assertIn(made["VpcEndpointId"], [route.get("GatewayId") for route in routes])
        self.refused("RouteAlreadyExists", self.door, RouteTableIds=[table])
        self.door(RouteTableIds=[other])

    def test_a_private_name_needs_host_names_and_is_taken_once(self) -> None:
        self.ec2.modify_vpc_attribute(VpcId=self.network, EnableDnsHostnames={"Value": False})
        error = self.refused("InvalidParameter", self.interface)
        self.assertIn("enableDnsHostnames", error.response["Error"]["Message"])
        self.ec2.modify_vpc_attribute(VpcId=self.network, EnableDnsHostnames={"Value": True})
        self.interface()
        error = self.refused("InvalidParameter", self.interface)
        self.assertIn("conflicting DNS domain for ssm.us-east-1", error.response["Error"]["Message"])

    def test_impossible_endpoints_are_refused(self) -> None:
        elsewhere = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        foreign, zone = self.group(elsewhere), {"VpcId": self.network, "AvailabilityZone": "us-east-1a"}
        beside = self.ec2.create_subnet(CidrBlock="10.0.8.0/24", **zone)["Subnet"]["SubnetId"]
        for code, make, more in (
            ("InvalidServiceName", self.interface, {"ServiceName": "com.amazonaws.us-east-1.nonsense"}),
            ("InvalidServiceName", self.interface, {"ServiceName": "com.amazonaws.eu-west-1.ssm"}),
            ("InvalidParameter", self.door, {"ServiceName": SSM}),
            ("InvalidVpcId.NotFound", self.interface, {"VpcId": "vpc-0123456789abcdef0"}),
            ("InvalidSubnetId.NotFound", self.interface, {"SubnetIds": ["subnet-0123456789abcdef0"]}),
            ("DuplicateSubnetsInSameZone", self.interface, {"SubnetIds": [self.zones[0], beside]}),
            ("InvalidSecurityGroupId.NotFound", self.interface, {"SecurityGroupIds": ["sg-0123456789abcdef0"]}),
            ("InvalidParameter", self.interface, {"SecurityGroupIds": [foreign]}),
            ("InvalidRouteTableId.NotFound", self.door, {"RouteTableIds": ["rtb-0123456789abcdef0"]}),
        ):
            with self.subTest(code, **more):
                self.refused(code, make, **more)


class Launched(Balanced):
    """With instances of a launch template."""

    def run_one(self, template: str, **more: Any) -> dict[str, Any]:
        kinds = ("instance", "volume", "network-interface")
        request = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"}, "MinCount": 1, "MaxCount": 1,
                   "SubnetId": self.zones[0], "TagSpecifications": [t for kind in kinds for t in tagged(kind)]}
        return self.ec2.run_instances(**{**request, **more})["Instances"][0]

    def instance(self, identity: str) -> dict[str, Any]:
        return self.ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]

    def state(self, identity: str) -> str:
        return self.instance(identity)["State"]["Name"]


class Instances(Launched):
    def test_an_instance_is_pending_then_running_and_everything_that_starts_with_it_is_tagged(self) -> None:
        control("delays", {"instance-running": 40})
        own = [{"ResourceType": "instance", "Tags": [{"Key": "by", "Value": "template"}, {"Key": "windlass:stack", "Value": "x"}]}]
        made = self.run_one(self.launchable(TagSpecifications=own))
        self.assertEqual((made["State"]["Name"], made["InstanceType"], made["SubnetId"]), ("pending", "t3.micro", self.zones[0]))
        eventually(lambda: self.state(made["InstanceId"]), "running")
        found = self.ec2.describe_instances(Filters=BY_STACK)["Reservations"][0]["Instances"][0]
        self.assertIn({"Key": "by", "Value": "template"}, found["Tags"])
        volumes = self.ec2.describe_volumes(Filters=BY_STACK)["Volumes"]
        self.assertIn("gp3", [volume["VolumeType"] for volume in volumes])
        self.assertEqual(len(self.ec2.describe_network_interfaces(Filters=BY_STACK)["NetworkInterfaces"]), 1)

    def test_a_token_is_the_same_instance_until_that_one_has_ended(self) -> None:
        template = self.launchable()
        first = self.run_one(template, ClientToken="one")["InstanceId"]
        self.assertEqual(self.run_one(template, ClientToken="one")["InstanceId"], first)
        self.ec2.terminate_instances(InstanceIds=[first])
        self.refused("IdempotentInstanceTerminated", self.run_one, template=template, ClientToken="one")
        self.assertNotEqual(self.run_one(template, ClientToken="two")["InstanceId"], first)

    def test_a_terminated_instance_is_still_found_by_its_tag_and_has_no_network(self) -> None:
        ended = self.run_one(self.launchable())["InstanceId"]
        self.ec2.terminate_instances(InstanceIds=[ended])
        self.assertEqual(self.state(ended), "shutting-down")
        eventually(lambda: self.state(ended), "terminated")
        found = self.ec2.describe_instances(Filters=BY_STACK)["Reservations"][0]["Instances"][0]
        self.assertEqual((found["InstanceId"], found.get("SubnetId"), found["NetworkInterfaces"]), (ended, None, []))
        self.assertTrue(found["StateReason"]["Message"].startswith("Client.UserInitiatedShutdown: "))

    def test_an_instance_stops_and_starts_again(self) -> None:
        control("delays", {"instance-running": 30})
        one = self.run_one(self.launchable())["InstanceId"]
        eventually(lambda: self.state(one), "running")
        self.ec2.stop_instances(InstanceIds=[one])
        self.assertEqual(self.state(one), "stopping")
        self.refused("IncorrectInstanceState", self.ec2.start_instances, InstanceIds=[one])
        eventually(lambda: self.state(one), "stopped")
        self.ec2.start_instances(InstanceIds=[one])
        self.assertEqual(self.state(one), "pending")
        eventually(lambda: self.state(one), "running")

    def test_what_the_template_names_has_to_exist(self) -> None:
        elsewhere = self.group(self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])
        for code, more in (
            ("InvalidAMIID.NotFound", {"ImageId": "ami-0123456789abcdef0"}),
            ("InvalidParameterValue", {"InstanceType": "x9.huge"}),
            ("InvalidParameterValue", {"IamInstanceProfile": {"Name": "nobody"}}),
            ("InvalidGroup.NotFound", {"SecurityGroupIds": ["sg-0123456789abcdef0"]}),
            ("InvalidParameter", {"SecurityGroupIds": [elsewhere]}),
        ):
            with self.subTest(code, **more):
                template = self.launchable(**more)
                self.refused(code, self.run_one, template=template)
                self.ec2.delete_launch_template(LaunchTemplateId=template)
        template = {"LaunchTemplateId": self.launchable(), "Version": "9"}
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.run_one, template="", LaunchTemplate=template)

    def test_types_say_how_many_processors_they_have(self) -> None:
        found = self.ec2.describe_instance_types(InstanceTypes=["t3.micro", "m5.4xlarge"])["InstanceTypes"]
        self.assertEqual({t["InstanceType"]: t["VCpuInfo"]["DefaultVCpus"] for t in found}, {"t3.micro": 2, "m5.4xlarge": 16})
        self.refused("InvalidInstanceType", self.ec2.describe_instance_types, InstanceTypes=["x9.huge"])


class Events(Launched):
    def setUp(self) -> None:
        super().setUp()
        bus, self.queues = client("events"), client("sqs")
        self.inbox = self.queues.create_queue(QueueName=f"states-{time.time_ns()}")["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=self.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]}
        bus.put_rule(Name="states", EventPattern=json.dumps(pattern))
        bus.put_targets(Rule="states", Targets=[{"Id": "inbox", "Arn": arn}])
        self.addCleanup(lambda: (bus.remove_targets(Rule="states", Ids=["inbox"]), bus.delete_rule(Name="states")))

    def arrived(self) -> list[dict[str, Any]]:
        answer = self.queues.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self.queues.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def follow(self, count: int) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []
        eventually(lambda: len(seen) >= count or seen.extend(self.arrived()))
        return seen

    def test_each_state_of_an_instance_is_told_on_the_event_bus(self) -> None:
        one = self.run_one(self.launchable())["InstanceId"]
        started = self.follow(2)
        self.assertEqual([e["detail"] for e in started], [{"instance-id": one, "state": s} for s in ("pending", "running")])
        self.assertEqual(started[0]["resources"], [f"arn:aws:ec2:us-east-1:123456789012:instance/{one}"])
        self.ec2.stop_instances(InstanceIds=[one])
        self.assertEqual([e["detail"]["state"] for e in self.follow(2)], ["stopping", "stopped"])
        self.ec2.terminate_instances(InstanceIds=[one])
        self.assertEqual([e["detail"]["state"] for e in self.follow(2)], ["shutting-down", "terminated"])

    def test_a_group_tells_of_its_instances_too(self) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), DesiredCapacity=1))
        self.assertEqual([e["detail"]["state"] for e in self.follow(2)], ["pending", "running"])
        self.assertEqual(self.arrived(), [])

    def test_any_event_can_be_sent_by_the_control_channel(self) -> None:
        event = {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"instance-id": "i-1", "state": "running"}}
        control("events", event)
        self.assertEqual([e["detail"] for e in self.follow(1)], [event["detail"]])


class Targets(Launched):
    def test_only_a_running_instance_of_the_vpc_is_taken(self) -> None:
        control("delays", {"instance-running": 60})
        targets, elsewhere = self.targets(), self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        foreign = self.targets(Name="foreign", VpcId=elsewhere)
        one = self.run_one(self.launchable())["InstanceId"]
        request = {"TargetGroupArn": targets, "Targets": [{"Id": one}]}
        self.refused("InvalidTarget", self.elb.register_targets, **request)
        eventually(lambda: self.state(one), "running")
        self.elb.register_targets(**request)
        self.elb.register_targets(**request)
        self.assertEqual(list(self.health(targets)), [one])
        self.refused("InvalidTarget", self.elb.register_targets, **{**request, "TargetGroupArn": foreign})
        self.refused("InvalidTarget", self.elb.register_targets, TargetGroupArn=targets, Targets=[{"Id": "i-0123456789abcdef0"}])

    def test_a_terminated_instance_leaves_its_target_groups(self) -> None:
        targets = self.targets()
        self.listen(self.balancer(), targets)
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "60"}
        self.elb.modify_target_group_attributes(TargetGroupArn=targets, Attributes=[delay])
        one = self.run_one(self.launchable())["InstanceId"]
        eventually(lambda: self.state(one), "running")
        self.elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": one}])
        eventually(lambda: self.health(targets), {one: "healthy"})
        self.ec2.terminate_instances(InstanceIds=[one])
        self.assertEqual(self.health(targets), {one: "draining"})
        eventually(lambda: self.health(targets), {})
        self.refused("InvalidTarget", self.elb.register_targets, TargetGroupArn=targets, Targets=[{"Id": one}])


class Listeners(Balanced):
    def setUp(self) -> None:
        super().setUp()
        self.arn, self.web = self.balancer(), self.targets()

    def make(self, **more: Any) -> dict[str, Any]:
        request = {"LoadBalancerArn": self.arn, "Protocol": "HTTP", "Port": 80,
                   "DefaultActions": [{"Type": "forward", "TargetGroupArn": self.web}], **more}
        return self.elb.create_listener(**request)["Listeners"][0]

    def encrypted(self, **more: Any) -> dict[str, Any]:
        return self.make(**{"Protocol": "HTTPS", "Port": 443, "Certificates": [{"CertificateArn": CERTIFICATE}], "SslPolicy": POLICY, **more})

    def redirect(self, port: str = "443", **more: Any) -> list[dict[str, Any]]:
        to = {"Protocol": "HTTPS", "Port": port, "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301"}
        return [{"Type": "redirect", "RedirectConfig": {**to, **more}}]

    def test_any_well_formed_certificate_of_the_account_and_region_is_taken(self) -> None:
        made = self.encrypted()
        self.assertEqual((made["Certificates"], made["SslPolicy"]), ([{"CertificateArn": CERTIFICATE}], POLICY))
        seen = self.elb.describe_listeners(LoadBalancerArn=self.arn)["Listeners"][0]
        self.assertEqual((seen["Certificates"], seen["SslPolicy"]), ([{"CertificateArn": CERTIFICATE}], POLICY))
        self.encrypted(Port=444, Certificates=[{"CertificateArn": "arn:aws:iam::123456789012:server-certificate/web"}])

    def test_encryption_that_cannot_be_is_refused(self) -> None:
        for code, more in (
            ("ValidationError", {"Certificates": []}),
            ("CertificateNotFound", {"Certificates": [{"CertificateArn": "nonsense"}]}),
            ("CertificateNotFound", {"Certificates": [{"CertificateArn": CERTIFICATE.replace("us-east-1", "eu-west-1")}]}),
            ("CertificateNotFound", {"Certificates": [{"CertificateArn": CERTIFICATE.replace("123456789012", "210987654321")}]}),
            ("SSLPolicyNotFound", {"SslPolicy": "ELBSecurityPolicy-Nonsense"}),
        ):
            with self.subTest(code, **more):
                self.refused(code, self.encrypted, **more)

    def test_a_redirect_reads_back_and_may_not_lead_to_itself(self) -> None:
        made = self.make(DefaultActions=self.redirect())
        self.assertEqual(made["DefaultActions"], self.redirect())
        self.assertNotIn("SslPolicy", made)
        self.refused("InvalidLoadBalancerAction", self.encrypted, DefaultActions=self.redirect())
        self.encrypted(DefaultActions=self.redirect(Path="/login"))

    def test_the_same_settings_are_the_same_listener_and_others_a_duplicate(self) -> None:
        plain, encrypted = self.make(Tags=STACK), self.encrypted()
        self.assertEqual(self.make()["ListenerArn"], plain["ListenerArn"])
        self.assertEqual(self.encrypted()["ListenerArn"], encrypted["ListenerArn"])
        self.refused("DuplicateListener", self.make, DefaultActions=self.redirect())
        self.refused("DuplicateListener", self.encrypted, SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")
        self.assertEqual(len(self.elb.describe_listeners(LoadBalancerArn=self.arn)["Listeners"]), 2)

    def test_a_target_group_serves_one_load_balancer_of_its_own_vpc(self) -> None:
        self.make()
        second = self.balancer(Name="second")
        self.refused("TargetGroupAssociationLimit", self.make, LoadBalancerArn=second)
        elsewhere = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        action = [{"Type": "forward", "TargetGroupArn": self.targets(Name="foreign", VpcId=elsewhere)}]
        self.refused("InvalidConfigurationRequest", self.make, LoadBalancerArn=second, DefaultActions=action)

    def test_all_load_balancers_are_listed_without_a_name(self) -> None:
        self.balancer(Name="second")
        self.assertEqual({b["LoadBalancerName"] for b in self.elb.describe_load_balancers()["LoadBalancers"]}, {"lb", "second"})


class Quotas(Launched):
    def quota(self, service: str, code: str) -> float:
        return client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]

    def test_what_is_refused_and_what_service_quotas_says_are_one_number(self) -> None:
        nat = {"subnet": self.zones[0], "address": self.address()}
        self.nat(**nat)
        self.balancer()
        self.run_one(self.launchable())
        nat["address"] = self.address()
        for limit, most, service, code, error, make, request in (
            ("elastic-ips", 2, "ec2", "L-0263D0A3", "AddressLimitExceeded", self.ec2.allocate_address, {"Domain": "vpc"}),
            ("vpcs", 2, "vpc", "L-F678F1CE", "VpcLimitExceeded", self.ec2.create_vpc, {"CidrBlock": "10.9.0.0/16"}),
            ("internet-gateways", 1, "vpc", "L-A4707A72", "InternetGatewayLimitExceeded", self.ec2.create_internet_gateway, {}),
            ("nat-gateways", 1, "vpc", "L-FE5A380F", "NatGatewayLimitExceeded", self.nat, nat),
            ("load-balancers", 1, "elasticloadbalancing", "L-53DA6B97", "TooManyLoadBalancers", self.balancer, {"Name": "second"}),
            ("vcpus", 3, "ec2", "L-1216C47A", "VcpuLimitExceeded", self.run_one, {"template": self.launched()}),
        ):
            with self.subTest(limit):
                self.assertEqual(self.quota(service, code), 1_000_000, "switched off")
                control("quotas", {limit: most})
                self.assertEqual(self.quota(service, code), most)
                self.refused(error, make, **request)
                control("quotas", {limit: most + 2})
                make(**request)

    def launched(self) -> str:
        return self.ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]

    def test_a_zone_has_its_own_nat_gateways_and_an_old_load_balancer_is_no_new_one(self) -> None:
        control("quotas", {"nat-gateways": 1, "load-balancers": 1})
        for zone in self.zones:
            self.nat(zone, self.address())
        self.assertEqual(self.balancer(), self.balancer())

    def test_an_unknown_quota_is_no_resource_and_others_have_room(self) -> None:
        self.refused("NoSuchResourceException", client("service-quotas").get_service_quota, ServiceCode="ec2", QuotaCode="L-00000000")
        self.assertEqual(self.quota("ec2", "L-DB2E81BA"), 1_000_000)

    def test_a_group_beyond_the_processors_has_a_failed_activity_that_says_so(self) -> None:
        control("quotas", {"vcpus": 5})
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable()))
        eventually(lambda: len(self.in_service()), 2)
        look = lambda: {a["StatusCode"]: a.get("StatusMessage", "") for a in self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]}
        self.assertIn("vCPU limit of 5", look()["Failed"])
        control("quotas", {"vcpus": 6})
        eventually(lambda: len(self.in_service()), 3)


class Others(Balanced):
    def test_a_group_reports_all_its_metrics_unless_some_are_named(self) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), MinSize=0, DesiredCapacity=0))
        metrics = lambda: [m["Metric"] for m in self.seen().get("EnabledMetrics", [])]
        enable = self.asg.enable_metrics_collection
        self.assertEqual(metrics(), [])
        enable(AutoScalingGroupName="g", Granularity="1Minute", Metrics=["GroupMaxSize"])
        self.assertEqual(metrics(), ["GroupMaxSize"])
        enable(AutoScalingGroupName="g", Granularity="1Minute")
        self.assertIn("GroupInServiceInstances", metrics())
        self.assertEqual(len(metrics()), 20)
        self.assertEqual({m["Granularity"] for m in self.seen()["EnabledMetrics"]}, {"1Minute"})
        self.refused("ValidationError", enable, AutoScalingGroupName="nobody", Granularity="1Minute")
        self.refused("ValidationError", enable, AutoScalingGroupName="g", Granularity="5Minutes")

    def test_a_policy_within_a_role_reads_back_and_is_written_over(self) -> None:
        iam = client("iam")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        for resource in ("arn:aws:logs:us-east-1:123456789012:log-group:/a+b%20ä:*", "*"):
            document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": resource}]}
            iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(document))
            self.assertEqual(iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"], document)
        self.refused("NoSuchEntity", iam.get_role_policy, RoleName="r", PolicyName="q")
        self.refused("NoSuchEntity", iam.get_role_policy, RoleName="nobody", PolicyName="p")


if __name__ == "__main__":
    unittest.main()

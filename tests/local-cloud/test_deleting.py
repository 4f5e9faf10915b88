"""Taking a stack apart on both emulators: what has to go first, what is shown for how long, what a repeat answers."""

import json
import time
import unittest
from typing import Any

from botocore.exceptions import ClientError
from support import STACK, Balanced, Case, client, control, eventually

SSM = "com.amazonaws.us-east-1.ssm"
S3 = "com.amazonaws.us-east-1.s3"
UNKNOWN = "0123456789abcdef0"


class Network(Balanced):
    def setUp(self) -> None:
        super().setUp()
        control("delays", {"nat-gateway-delete": 50, "load-balancer-interfaces": 50, "vpc-endpoint-delete": 50})
        self.ec2.modify_vpc_attribute(VpcId=self.network, EnableDnsHostnames={"Value": True})
        attached = [{"Name": "attachment.vpc-id", "Values": [self.network]}]
        self.door = self.ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]

    def table(self) -> str:
        return self.ec2.create_route_table(VpcId=self.network)["RouteTable"]["RouteTableId"]

    def routes(self, table: str) -> dict[str, str]:
        found = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {route.get("NatGatewayId") or route["GatewayId"]: route["State"] for route in found}

    def endpoint(self, **more: Any) -> str:
        return self.ec2.create_vpc_endpoint(VpcId=self.network, **more)["VpcEndpoint"]["VpcEndpointId"]

    def interfaces(self, **filters: str) -> list[dict[str, Any]]:
        wanted = {"vpc-id": self.network, **{name.replace("_", "-"): value for name, value in filters.items()}}
        asked = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
        return self.ec2.describe_network_interfaces(Filters=asked)["NetworkInterfaces"]

    def test_interfaces_say_whose_they_are_and_go_with_their_owners(self) -> None:
        balancer = self.balancer()
        identity = balancer.split("loadbalancer/")[1]
        nat = self.nat(self.zones[0], self.address())
        entry = self.endpoint(ServiceName=SSM, VpcEndpointType="Interface", SubnetIds=self.zones[:1], SecurityGroupIds=[self.firewall])
        seen = {i["Description"]: i for i in self.interfaces(requester_managed="true")}
        self.assertEqual(set(seen), {f"ELB {identity}", f"Interface for NAT Gateway {nat}", f"VPC Endpoint Interface {entry}"})
        self.assertEqual({i["Status"] for i in seen.values()}, {"in-use"})
        self.assertTrue(all(i["PrivateIpAddress"].startswith("10.0.") for i in seen.values()))
        self.assertEqual(seen[f"Interface for NAT Gateway {nat}"]["Groups"], [])
        self.assertNotIn("InstanceId", seen[f"ELB {identity}"]["Attachment"])
        self.assertEqual(len(self.interfaces(description=f"ELB {identity}")), 2, "one per subnet")
        self.assertEqual(len(self.interfaces(group_id=self.firewall)), 3)
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[entry])
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.zones[0])
        eventually(self.interfaces, [])
        self.ec2.delete_subnet(SubnetId=self.zones[0])

    def test_a_deleted_nat_gateway_is_shown_for_a_while_and_its_routes_lead_nowhere(self) -> None:
        control("delays", {"nat-gateway": 5, "ended-shown": 60})
        nat, table = self.nat(self.zones[0], self.address()), self.table()
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        eventually(lambda: self.nat_state(nat), "available")
        self.assertEqual(self.routes(table), {"local": "active", nat: "active"})
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.assertEqual((self.nat_state(nat), self.routes(table)[nat]), ("deleting", "active"))
        eventually(lambda: self.nat_state(nat), "deleted")
        self.assertEqual(self.routes(table)[nat], "blackhole")
        eventually(lambda: self.ec2.describe_nat_gateways()["NatGateways"], [])
        self.refused("NatGatewayNotFound", self.ec2.delete_nat_gateway, NatGatewayId=nat)

    def test_an_ended_instance_is_shown_for_a_while_and_its_token_stays_spent(self) -> None:
        control("delays", {"ended-shown": 60})
        request = {"ImageId": self.image(), "MinCount": 1, "MaxCount": 1, "SubnetId": self.zones[0], "ClientToken": "t"}
        ended = self.ec2.run_instances(**request)["Instances"][0]["InstanceId"]
        look = lambda: [i["State"]["Name"] for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        self.ec2.terminate_instances(InstanceIds=[ended])
        self.assertEqual(look(), ["shutting-down"])
        eventually(look, ["terminated"])
        self.ec2.terminate_instances(InstanceIds=[ended])
        eventually(look, [])
        self.refused("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[ended])
        self.refused("IdempotentInstanceTerminated", self.ec2.run_instances, **request)

    def test_an_unknown_endpoint_is_told_within_an_answer_that_succeeds(self) -> None:
        entry = self.endpoint(ServiceName=S3)
        answer = self.ec2.delete_vpc_endpoints(VpcEndpointIds=[entry, f"vpce-{UNKNOWN}"])["Unsuccessful"]
        self.assertEqual([(item["ResourceId"], item["Error"]["Code"]) for item in answer], [(f"vpce-{UNKNOWN}", "InvalidVpcEndpoint.NotFound")])
        eventually(lambda: self.ec2.describe_vpc_endpoints()["VpcEndpoints"], [])

    def test_a_gateway_endpoint_takes_its_routes_along_and_outlives_its_tables(self) -> None:
        one, two = self.table(), self.table()
        entry = self.endpoint(ServiceName=S3, RouteTableIds=[one, two])
        self.assertIn(entry, self.routes(one))
        self.ec2.delete_route_table(RouteTableId=two)
        self.assertEqual(self.ec2.describe_vpc_endpoints()["VpcEndpoints"][0]["RouteTableIds"], [one])
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[entry])
        eventually(lambda: self.routes(one), {"local": "active"})

    def test_a_vpc_goes_when_nothing_is_left_in_it_but_what_came_with_it(self) -> None:
        table = self.table()
        association = self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.zones[0])["AssociationId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.door)
        came = [{"Name": "vpc-id", "Values": [self.network]}, {"Name": "association.main", "Values": ["true"]}]
        main = self.ec2.describe_route_tables(Filters=came)["RouteTables"][0]["RouteTableId"]
        still = lambda: self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.network)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=main)
        self.refused("DependencyViolation", self.ec2.delete_route_table, RouteTableId=table)
        self.refused("DependencyViolation", self.ec2.delete_internet_gateway, InternetGatewayId=self.door)
        self.ec2.disassociate_route_table(AssociationId=association)
        self.refused("InvalidAssociationID.NotFound", self.ec2.disassociate_route_table, AssociationId=association)
        still()
        self.ec2.detach_internet_gateway(InternetGatewayId=self.door, VpcId=self.network)
        self.assertEqual(self.routes(table)[self.door], "blackhole")
        self.ec2.delete_internet_gateway(InternetGatewayId=self.door)
        for subnet in self.zones:
            still()
            self.ec2.delete_subnet(SubnetId=subnet)
        still()
        self.ec2.delete_security_group(GroupId=self.firewall)
        still()
        self.ec2.delete_route_table(RouteTableId=table)
        self.ec2.delete_vpc(VpcId=self.network)
        self.assertEqual(self.ec2.describe_route_tables(Filters=came[:1])["RouteTables"], [])

    def test_the_gateway_stays_while_public_addresses_are_mapped(self) -> None:
        detach = {"InternetGatewayId": self.door, "VpcId": self.network}
        balancer = self.balancer()
        self.refused("DependencyViolation", self.ec2.detach_internet_gateway, **detach)
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.refused("DependencyViolation", self.ec2.detach_internet_gateway, **detach)
        eventually(self.interfaces, [])
        self.ec2.detach_internet_gateway(**detach)
        self.refused("Gateway.NotAttached", self.ec2.detach_internet_gateway, **detach)

    def test_deleting_what_is_not_there_is_not_found(self) -> None:
        table, group = self.table(), {"GroupId": f"sg-{UNKNOWN}"}
        route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
        port = {"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
        for code, call, request in (
            ("InvalidVpcID.NotFound", self.ec2.delete_vpc, {"VpcId": f"vpc-{UNKNOWN}"}),
            ("InvalidSubnetID.NotFound", self.ec2.delete_subnet, {"SubnetId": f"subnet-{UNKNOWN}"}),
            ("InvalidGroup.NotFound", self.ec2.delete_security_group, group),
            ("InvalidGroup.NotFound", self.ec2.revoke_security_group_ingress, {**group, **port}),
            ("InvalidPermission.NotFound", self.ec2.revoke_security_group_ingress, {"GroupId": self.firewall, **port}),
            ("InvalidPermission.NotFound", self.ec2.revoke_security_group_egress, {"GroupId": self.firewall, **port}),
            ("InvalidRouteTableID.NotFound", self.ec2.delete_route_table, {"RouteTableId": f"rtb-{UNKNOWN}"}),
            ("InvalidRoute.NotFound", self.ec2.delete_route, route),
            ("InvalidInternetGatewayID.NotFound", self.ec2.delete_internet_gateway, {"InternetGatewayId": f"igw-{UNKNOWN}"}),
            ("InvalidAllocationID.NotFound", self.ec2.release_address, {"AllocationId": f"eipalloc-{UNKNOWN}"}),
            ("InvalidLaunchTemplateId.NotFound", self.ec2.delete_launch_template, {"LaunchTemplateId": f"lt-{UNKNOWN}"}),
            ("ValidationError", self.asg.delete_auto_scaling_group, {"AutoScalingGroupName": "nobody"}),
        ):
            with self.subTest(f"{call.__name__} {code}"):
                self.refused(code, call, **request)


class Balancers(Balanced):
    def test_a_target_group_that_a_listener_uses_cannot_be_deleted_and_a_repeat_succeeds(self) -> None:
        balancer, targets, spare = self.balancer(), self.targets(), self.targets(Name="spare")
        groups = [{"TargetGroupArn": targets, "Weight": 100}, {"TargetGroupArn": spare, "Weight": 0}]
        listener = self.listen(balancer, targets)
        action = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
        self.elb.modify_listener(ListenerArn=listener, DefaultActions=action)
        for arn in (targets, spare):
            self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=arn)
        self.elb.delete_listener(ListenerArn=listener)
        self.refused("ListenerNotFound", self.elb.delete_listener, ListenerArn=listener)
        for _ in range(2):
            self.elb.delete_target_group(TargetGroupArn=spare)
        self.assertEqual([g["TargetGroupName"] for g in self.elb.describe_target_groups()["TargetGroups"]], ["tg"])

    def test_a_target_group_that_only_a_rule_uses_is_in_use_until_the_rule_is_deleted(self) -> None:
        balancer, targets, probe = self.balancer(), self.targets(), self.targets(Name="probe")
        request = {
            "ListenerArn": self.listen(balancer, targets),
            "Priority": 1,
            "Conditions": [{"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.1/32"]}}],
            "Actions": [{"Type": "forward", "TargetGroupArn": probe}],
        }
        rule = self.elb.create_rule(**request)["Rules"][0]["RuleArn"]
        used = lambda: self.elb.describe_target_groups(TargetGroupArns=[probe])["TargetGroups"][0]["LoadBalancerArns"]
        self.assertEqual(used(), [balancer])
        self.refused("PriorityInUse", self.elb.create_rule, **request)
        self.refused("ResourceInUse", self.elb.delete_target_group, TargetGroupArn=probe)
        self.elb.delete_rule(RuleArn=rule)
        self.refused("RuleNotFound", self.elb.delete_rule, RuleArn=rule)
        self.assertEqual(used(), [])
        self.elb.delete_target_group(TargetGroupArn=probe)

    def test_a_target_that_comes_back_while_it_drains_drains_anew_when_it_leaves(self) -> None:
        control("delays", {"load-balancer": 1, "instance-boot": 1})
        targets = self.targets()
        self.listen(self.balancer(), targets)
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "100"}
        self.elb.modify_target_group_attributes(TargetGroupArn=targets, Attributes=[delay])
        one = self.ec2.run_instances(ImageId=self.image(), MinCount=1, MaxCount=1, SubnetId=self.zones[0])["Instances"][0]["InstanceId"]
        request = {"TargetGroupArn": targets, "Targets": [{"Id": one}]}
        look = lambda: self.ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["State"]["Name"]
        eventually(look, "running")
        self.elb.register_targets(**request)
        self.elb.deregister_targets(**request)
        time.sleep(0.5)
        self.elb.register_targets(**request)
        self.assertNotEqual(self.health(targets), {one: "draining"})
        self.elb.deregister_targets(**request)
        time.sleep(0.6)
        self.assertEqual(self.health(targets), {one: "draining"})
        eventually(lambda: self.health(targets), {})


class Identities(Case):
    def test_roles_and_profiles_go_in_order(self) -> None:
        iam, policy = client("iam"), {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}
        inline, member = {"RoleName": "r", "PolicyName": "p"}, {"RoleName": "r", "InstanceProfileName": "p"}
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName="p")
        iam.attach_role_policy(**policy)
        iam.put_role_policy(**inline, PolicyDocument=json.dumps(document))
        iam.add_role_to_instance_profile(**member)
        self.refused("DeleteConflict", iam.delete_instance_profile, InstanceProfileName="p")
        for call, request in (
            (iam.remove_role_from_instance_profile, member),
            (iam.detach_role_policy, policy),
            (iam.delete_role_policy, inline),
        ):
            self.refused("DeleteConflict", iam.delete_role, RoleName="r")
            call(**request)
            self.refused("NoSuchEntity", call, **request)
        for call, request in ((iam.delete_role, {"RoleName": "r"}), (iam.delete_instance_profile, {"InstanceProfileName": "p"})):
            call(**request)
            self.refused("NoSuchEntity", call, **request)


class Observing(Case):
    def test_alarms_go_a_hundred_at_a_time_and_unknown_ones_are_no_error(self) -> None:
        alarms = client("cloudwatch")
        metric = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
                  "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
        for name in ("windlass/a", "windlass/b"):
            alarms.put_metric_alarm(AlarmName=name, Tags=STACK, **metric)
        alarms.delete_alarms(AlarmNames=["windlass/a", "windlass/none"])
        left = alarms.describe_alarms(AlarmNamePrefix="windlass/")["MetricAlarms"]
        self.assertEqual([alarm["AlarmName"] for alarm in left], ["windlass/b"])
        self.refused("ValidationError", alarms.delete_alarms, AlarmNames=[f"windlass/{number}" for number in range(101)])
        alarms.delete_alarms(AlarmNames=["windlass/b"])
        alarms.put_metric_alarm(AlarmName="windlass/b", **metric)
        self.assertEqual(alarms.list_tags_for_resource(ResourceARN=left[0]["AlarmArn"])["Tags"], [])

    def test_one_dashboard_that_is_missing_keeps_all(self) -> None:
        dashboards = client("cloudwatch")
        dashboards.put_dashboard(DashboardName="windlass-x", DashboardBody='{"widgets": []}')
        self.refused("ResourceNotFound", dashboards.delete_dashboards, DashboardNames=["windlass-x", "windlass-none"])
        dashboards.get_dashboard(DashboardName="windlass-x")
        dashboards.delete_dashboards(DashboardNames=["windlass-x"])
        self.refused("ResourceNotFound", dashboards.delete_dashboards, DashboardNames=["windlass-x"])

    def test_topics_take_their_subscriptions_along_and_only_confirmed_ones_can_be_ended(self) -> None:
        sns = client("sns")
        topic = sns.create_topic(Name="windlass-x", Tags=STACK)["TopicArn"]
        for endpoint in ("one@example.com", "two@example.com"):
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=endpoint)
        confirmed = control("confirm-subscription", {"topic": topic, "endpoint": "one@example.com"})["confirmed"]
        self.refused("InvalidParameter", sns.unsubscribe, SubscriptionArn="PendingConfirmation")
        for _ in range(2):
            sns.unsubscribe(SubscriptionArn=confirmed)
        left = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        self.assertEqual([subscription["Endpoint"] for subscription in left], ["two@example.com"])
        for _ in range(2):
            sns.delete_topic(TopicArn=topic)
        self.assertEqual([s for s in control("subscriptions") if s["topic"] == topic], [])
        self.assertEqual(sns.create_topic(Name="windlass-x")["TopicArn"], topic)
        self.assertEqual(sns.list_tags_for_resource(ResourceArn=topic)["Tags"], [])
        sns.delete_topic(TopicArn=topic)

    def test_a_log_group_is_gone_with_its_retention(self) -> None:
        logs, name = client("logs"), "/windlass/dev/web"
        logs.create_log_group(logGroupName=name, tags={"windlass:stack": "dev/web"})
        logs.put_retention_policy(logGroupName=name, retentionInDays=30)
        logs.delete_log_group(logGroupName=name)
        self.refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=name)
        logs.create_log_group(logGroupName=name, tags={"windlass:stack": "dev/web"})
        self.assertNotIn("retentionInDays", logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0])


class Markers(Case):
    def setUp(self) -> None:
        super().setUp()
        self.s3, self.sqs, bus = client("s3"), client("sqs"), client("events")
        self.bucket = f"markers-{time.time_ns()}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
        self.inbox = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["aws.s3"], "detail-type": ["Object Deleted"], "detail": {"bucket": {"name": [self.bucket]}}}
        bus.put_rule(Name=self.bucket, EventPattern=json.dumps(pattern))
        bus.put_targets(Rule=self.bucket, Targets=[{"Id": "inbox", "Arn": arn}])
        self.addCleanup(lambda: (bus.remove_targets(Rule=self.bucket, Ids=["inbox"]), bus.delete_rule(Name=self.bucket)))

    def marker(self) -> str:
        with self.assertRaises(ClientError) as caught:
            self.s3.get_object(Bucket=self.bucket, Key="k")
        self.assertEqual(caught.exception.response["Error"]["Code"], "NoSuchKey")
        headers = caught.exception.response["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual(headers["x-amz-delete-marker"], "true")
        return headers["x-amz-version-id"]

    def test_each_deletion_makes_a_marker_of_its_own_says_so_and_sends_its_event(self) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="k", Body=b"x")
        markers = []
        for _ in range(2):
            markers.append(self.s3.delete_object(Bucket=self.bucket, Key="k")["VersionId"])
            self.assertEqual(self.marker(), markers[-1])
        deleted = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "k"}]})["Deleted"][0]
        markers.append(deleted["DeleteMarkerVersionId"])
        self.assertEqual(self.marker(), markers[-1])
        self.assertEqual(len(set(markers)), 3)
        told: list[str] = []

        def look() -> list[str]:
            for message in self.sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", []):
                detail = json.loads(message["Body"])["detail"]
                self.assertEqual(detail["deletion-type"], "Delete Marker Created")
                told.append(detail["object"]["version-id"])
                self.sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
            return sorted(told)

        eventually(look, sorted(markers))


if __name__ == "__main__":
    unittest.main()

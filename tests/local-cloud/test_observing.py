"""Alarms, dashboards, topics, log groups and objects on ministack; the counts and faults of its calls."""

import json
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from support import STACK, Case, client, control, eventually

TOPIC = "arn:aws:sns:us-east-1:123456789012:windlass-dev-web"


class Alarms(Case):
    def setUp(self) -> None:
        super().setUp()
        self.alarms = client("cloudwatch")

    def single(self, **more: Any) -> dict[str, Any]:
        return {"AlarmName": "windlass/dev/web/cpu-out", "AlarmDescription": "More than 70 percent", "Namespace": "AWS/EC2",
                "MetricName": "CPUUtilization", "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "g"}],
                "Statistic": "Average", "Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 70.5,
                "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching", "ActionsEnabled": True,
                "AlarmActions": [TOPIC], "OKActions": [TOPIC], **more}

    def query(self, name: str, **more: Any) -> dict[str, Any]:
        metric = {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": [{"Name": "LoadBalancer", "Value": "app/lb/1"}]}
        return {"Id": name.lower(), "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}

    def ratio(self, **more: Any) -> dict[str, Any]:
        alone = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
        watched = {"Id": "expression", "Expression": "100 * FILL(bad, 0) / all", "ReturnData": True}
        asked = {name: value for name, value in self.single().items() if name not in alone}
        return {**asked, "AlarmName": "windlass/dev/web/5xx", "Metrics": [watched, self.query("Bad"), self.query("All")], **more}

    def percentile(self) -> dict[str, Any]:
        asked = self.single(AlarmName="windlass/dev/web/latency", ExtendedStatistic="p95", TreatMissingData="breaching")
        del asked["Statistic"]
        return asked

    def seen(self, prefix: str = "windlass/dev/web/") -> list[dict[str, Any]]:
        pages = self.alarms.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def test_an_alarm_reads_back_with_all_that_was_asked_for_and_nothing_else(self) -> None:
        added = {"AlarmArn", "AlarmConfigurationUpdatedTimestamp", "StateValue", "StateReason", "StateUpdatedTimestamp", "InsufficientDataActions"}
        for asked in (self.single(), self.percentile(), self.ratio()):
            with self.subTest(asked["AlarmName"]):
                self.alarms.put_metric_alarm(**asked)
                found = self.seen(asked["AlarmName"])[0]
                self.assertEqual({name: value for name, value in found.items() if name not in added}, asked)
                self.assertEqual(found["StateValue"], "INSUFFICIENT_DATA")
        self.assertEqual(len(self.seen()), 3)

    def test_writing_it_again_changes_all_but_its_state_and_its_tags(self) -> None:
        self.alarms.put_metric_alarm(**self.ratio(Tags=STACK))
        self.alarms.set_alarm_state(AlarmName="windlass/dev/web/5xx", StateValue="ALARM", StateReason="a test")
        self.alarms.put_metric_alarm(**self.single(AlarmName="windlass/dev/web/5xx", Threshold=1.0, Tags=[{"Key": "other", "Value": "x"}]))
        found = self.seen()[0]
        self.assertEqual((found["StateValue"], found["Threshold"], found.get("Metrics")), ("ALARM", 1.0, None))
        self.assertEqual(self.alarms.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], STACK)

    def test_all_pages_come(self) -> None:
        for number in range(55):
            self.alarms.put_metric_alarm(**self.single(AlarmName=f"windlass/dev/many/{number:02}", Tags=STACK))
        self.assertEqual(len(self.seen("windlass/dev/many/")), 55)

    def test_impossible_alarms_are_refused(self) -> None:
        put = client("cloudwatch", checked=False).put_metric_alarm
        for more in (
            {"Period": 45},
            {"Period": 3600, "EvaluationPeriods": 200},
            {"EvaluationPeriods": 0},
            {"DatapointsToAlarm": 4},
            {"Statistic": "Mean"},
            {"ExtendedStatistic": "p95"},
            {"TreatMissingData": "panic"},
            {"ComparisonOperator": "Like"},
            {"MetricName": ""},
            {"Metrics": [self.query("Bad", ReturnData=True)]},
        ):
            with self.subTest(**more):
                self.refused("ValidationError", put, **{**self.single(), **more})
        bad, good = self.query("Bad"), self.query("All")
        watched = {"Id": "expression", "Expression": "bad / all", "ReturnData": True}
        for queries in (
            [bad, good],
            [watched, bad],
            [watched, {**good, "Id": "All"}, bad],
            [watched, {**bad, "Expression": "1"}, good],
            [watched, {**watched, "Id": "another"}, bad, good],
        ):
            with self.subTest(queries=[query["Id"] for query in queries]):
                self.refused("ValidationError", put, **self.ratio(Metrics=queries))


class States(Case):
    """Alarms of a minute's periods on points that lie in the past: nobody waits for minutes here."""

    def setUp(self) -> None:
        super().setUp()
        self.alarms, self.queues, bus = client("cloudwatch"), client("sqs"), client("events")
        self.group = f"g-{time.time_ns()}"
        self.name, self.heard = f"windlass/dev/{self.group}/cpu-out", []
        self.inbox = self.queues.create_queue(QueueName=self.group)["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=self.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": f"windlass/dev/{self.group}/"}]}}
        bus.put_rule(Name=self.group, EventPattern=json.dumps(pattern))
        bus.put_targets(Rule=self.group, Targets=[{"Id": "inbox", "Arn": arn}])
        self.addCleanup(lambda: (bus.remove_targets(Rule=self.group, Ids=["inbox"]), bus.delete_rule(Name=self.group)))
        self.addCleanup(lambda: self.alarms.delete_alarms(AlarmNames=[self.name]))

    def alarm(self, **more: Any) -> None:
        asked = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": self.of(self.group), "Statistic": "Average",
                 "Period": 60, "EvaluationPeriods": 2, "Threshold": 70.0, "ComparisonOperator": "GreaterThanThreshold", **more}
        self.alarms.put_metric_alarm(AlarmName=self.name, **asked)

    def of(self, group: str) -> list[dict[str, str]]:
        return [{"Name": "AutoScalingGroupName", "Value": group}]

    def put(self, group: str, values: list[float | None]) -> None:
        """One value a minute, the last one for the last whole minute; all in one call, so that nothing is seen half."""
        end = time.time() // 60 * 60
        data = [{"MetricName": "CPUUtilization", "Dimensions": self.of(group), "Timestamp": end - 60 * ago, "Value": value}
                for ago, value in zip(range(len(values), 0, -1), values, strict=True) if value is not None]
        self.alarms.put_metric_data(Namespace="AWS/EC2", MetricData=data)

    def told(self, count: int) -> list[str]:
        def enough() -> bool:
            for message in self.queues.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", []):
                self.queues.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
                event = json.loads(message["Body"])
                self.assertEqual((event["detail-type"], event["detail"]["alarmName"]), ("CloudWatch Alarm State Change", self.name))
                self.heard.append(event["detail"]["state"]["value"])
            return len(self.heard) >= count

        eventually(enough)
        return self.heard

    def state(self) -> str:
        return self.alarms.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]["StateValue"]

    def test_an_alarm_says_that_it_goes_off_once(self) -> None:
        self.alarm()
        self.put(self.group, [80.0, 90.0])
        self.assertEqual(self.told(1), ["ALARM"])
        self.put(self.group, [85.0, 95.0])
        self.alarms.set_alarm_state(AlarmName=self.name, StateValue="OK", StateReason="a test")
        self.assertEqual(self.told(2)[:2], ["ALARM", "OK"])

    def test_other_dimensions_are_another_metric(self) -> None:
        self.alarm()
        self.put(self.group + "-b", [80.0, 90.0])
        self.put(self.group, [10.0, 10.0])
        self.assertEqual((self.told(1), self.state()), (["OK"], "OK"))

    def test_as_many_points_as_it_asks_for_must_be_beyond(self) -> None:
        self.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
        self.put(self.group, [80.0, 10.0, 10.0])
        self.assertEqual(self.told(1), ["OK"])
        self.put(self.group, [None, 200.0, 200.0])
        self.assertEqual(self.told(2), ["OK", "ALARM"])

    def test_what_is_missing_counts_as_it_says_and_widens_what_is_looked_at(self) -> None:
        self.alarm()
        self.put(self.group, [80.0, None, 80.0])
        self.assertEqual(self.told(1), ["ALARM"])
        self.alarm(TreatMissingData="notBreaching")
        self.alarms.set_alarm_state(AlarmName=self.name, StateValue="INSUFFICIENT_DATA", StateReason="a test")
        self.put(self.group + "-c", [1.0])
        self.assertIn("ALARM", self.told(3))

    def test_it_looks_by_itself(self) -> None:
        self.alarm(Period=10, EvaluationPeriods=1, TreatMissingData="notBreaching")
        point = {"MetricName": "CPUUtilization", "Dimensions": self.of(self.group), "Timestamp": time.time() // 10 * 10 - 10, "Value": 90.0}
        self.alarms.put_metric_data(Namespace="AWS/EC2", MetricData=[point])
        self.assertEqual(self.state(), "ALARM")
        eventually(self.state, "OK", 25)

    def test_a_question_about_metrics_that_makes_no_sense_is_refused(self) -> None:
        ask = client("cloudwatch", checked=False).get_metric_data
        metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": self.of(self.group)}
        query = {"Id": "cpu", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
        whole = {"MetricDataQueries": [query], "StartTime": 0, "EndTime": 60}
        for more in (
            {"EndTime": 0},
            {"MetricDataQueries": []},
            {"MetricDataQueries": [{**query, "Id": "Cpu"}]},
            {"MetricDataQueries": [{**query, "MetricStat": {"Metric": metric, "Period": 90, "Stat": "Average"}}]},
            {"MetricDataQueries": [{**query, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Mean"}}]},
        ):
            with self.subTest(**more):
                self.refused("ValidationError", ask, **{**whole, **more})


class Dashboards(Case):
    def test_a_dashboard_reads_back_and_an_unknown_one_is_not_found(self) -> None:
        dashboards = client("cloudwatch")
        for body in (json.dumps({"widgets": []}), json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "ä"}}]})):
            dashboards.put_dashboard(DashboardName="windlass-dev-web", DashboardBody=body)
            self.assertEqual(dashboards.get_dashboard(DashboardName="windlass-dev-web")["DashboardBody"], body)
        error = self.refused("ResourceNotFound", dashboards.get_dashboard, DashboardName="windlass-dev-none")
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 404)

    def test_a_dashboard_is_an_object_with_widgets_and_has_a_plain_name(self) -> None:
        put = client("cloudwatch").put_dashboard
        for name, body in (("windlass-x", "{"), ("windlass-x", "[]"), ("windlass-x", "{}"), ("windlass/x", '{"widgets": []}')):
            with self.subTest(name=name, body=body):
                self.refused("InvalidParameterInput", put, DashboardName=name, DashboardBody=body)


class Topics(Case):
    def setUp(self) -> None:
        super().setUp()
        self.sns = client("sns")
        self.topic = self.sns.create_topic(Name="windlass-dev-web", Tags=STACK)["TopicArn"]

    def subscribe(self, endpoint: str, protocol: str = "email", **more: Any) -> str:
        return self.sns.subscribe(TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint, **more)["SubscriptionArn"]

    def listed(self) -> dict[str, str]:
        found = self.sns.list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"]
        return {subscription["Endpoint"]: subscription["SubscriptionArn"] for subscription in found}

    def test_a_topic_is_the_same_with_the_same_tags_only(self) -> None:
        self.assertEqual(self.sns.create_topic(Name="windlass-dev-web", Tags=STACK)["TopicArn"], self.topic)
        self.assertEqual(self.sns.list_tags_for_resource(ResourceArn=self.topic)["Tags"], STACK)
        self.refused("InvalidParameter", self.sns.create_topic, Name="windlass-dev-web", Tags=[{"Key": "x", "Value": "y"}])
        self.refused("InvalidParameter", self.sns.create_topic, Name="not a name")

    def test_a_missing_topic_is_not_found(self) -> None:
        self.refused("ResourceNotFound", self.sns.list_tags_for_resource, ResourceArn=f"{self.topic}-none")
        self.refused("NotFound", self.sns.list_subscriptions_by_topic, TopicArn=f"{self.topic}-none")
        self.refused("NotFound", self.sns.subscribe, TopicArn=f"{self.topic}-none", Protocol="email", Endpoint="ops@example.com")

    def test_mail_is_pending_until_confirmed_and_asked_again_when_subscribed_again(self) -> None:
        self.assertEqual([self.subscribe("ops@example.com") for _ in range(2)], ["pending confirmation"] * 2)
        self.assertEqual(self.listed(), {"ops@example.com": "PendingConfirmation"})
        self.assertEqual([s["asked"] for s in control("subscriptions") if s["topic"] == self.topic], [2])
        arn = control("confirm-subscription", {"topic": self.topic, "endpoint": "ops@example.com"})["confirmed"]
        self.assertEqual(self.listed(), {"ops@example.com": arn})
        self.assertEqual(self.subscribe("ops@example.com"), arn)
        self.assertTrue(self.subscribe("two@example.com", ReturnSubscriptionArn=True).startswith(f"{self.topic}:"))

    def test_a_web_hook_is_asked_for_real_on_this_machine_and_never_beyond(self) -> None:
        asked: list[str] = []

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Type"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Hook)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/hook"
        self.assertEqual(self.subscribe(address, protocol="http"), "pending confirmation")
        eventually(lambda: asked, ["SubscriptionConfirmation"])
        self.assertEqual(self.subscribe("https://example.com/hook", protocol="https"), "pending confirmation")
        self.assertEqual(set(self.listed().values()), {"PendingConfirmation"})

    def test_a_message_has_words_and_a_subject_of_one_line(self) -> None:
        self.sns.publish(TopicArn=self.topic, Subject="x" * 100, Message="words")
        self.sns.publish(TopicArn=self.topic, Message="words")
        for wrong in ({"Subject": "x" * 101}, {"Subject": "two\nlines"}, {"Subject": "Überraschung"}, {"Message": ""}):
            with self.subTest(**wrong):
                self.refused("InvalidParameter", self.sns.publish, **{"TopicArn": self.topic, "Message": "words", **wrong})
        self.refused("NotFound", self.sns.publish, TopicArn=f"{self.topic}-none", Message="words")

    def test_addresses_that_are_none_are_refused(self) -> None:
        for protocol, endpoint in (("email", "nobody"), ("https", "http://example.com/hook"), ("https", "ops@example.com")):
            with self.subTest(protocol=protocol, endpoint=endpoint):
                request = {"TopicArn": self.topic, "Protocol": protocol, "Endpoint": endpoint}
                self.refused("InvalidParameter", self.sns.subscribe, **request)


class LogGroups(Case):
    def test_a_log_group_has_an_arn_of_its_own_tags_and_a_retention(self) -> None:
        logs, name = client("logs"), "/windlass/dev/web"
        logs.create_log_group(logGroupName=name, tags={"windlass:stack": "dev/web"})
        look = lambda: logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        self.assertNotIn("retentionInDays", look())
        logs.put_retention_policy(logGroupName=name, retentionInDays=30)
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{name}"
        self.assertEqual((look()["retentionInDays"], look()["logGroupArn"], look()["arn"]), (30, arn, f"{arn}:*"))
        self.assertEqual(logs.list_tags_for_resource(resourceArn=arn)["tags"], {"windlass:stack": "dev/web"})
        self.refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=name)
        self.refused("InvalidParameterException", logs.put_retention_policy, logGroupName=name, retentionInDays=31)
        self.refused("ResourceNotFoundException", logs.put_retention_policy, logGroupName="/windlass/none", retentionInDays=30)
        self.refused("InvalidParameterException", logs.create_log_group, logGroupName="not a name")


class Objects(Case):
    def test_metadata_comes_back_with_the_object(self) -> None:
        s3, bucket = client("s3"), f"metadata-{time.time_ns()}"
        s3.create_bucket(Bucket=bucket)
        for metadata in ({"windlass-hash": "abc", "windlass-serial": "7"}, {}):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata)
            self.assertEqual(s3.get_object(Bucket=bucket, Key="k")["Metadata"], metadata)


class Counts(Case):
    def setUp(self) -> None:
        super().setUp()
        control("faults/reset", {})
        self.bucket = f"counts-{time.time_ns()}"
        client("s3").create_bucket(Bucket=self.bucket)
        control("calls/reset", {})

    def test_calls_to_both_emulators_are_counted_by_action(self) -> None:
        s3, sqs = client("s3"), client("sqs")
        self.vpc()
        client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")
        client("cloudwatch").describe_alarms(AlarmNamePrefix="windlass/")
        client("sns").list_topics()
        client("logs").describe_log_groups()
        of_stacks = {"ec2:CreateVpc": 1, "servicequotas:GetServiceQuota": 1, "cloudwatch:DescribeAlarms": 1, "sns:ListTopics": 1, "logs:DescribeLogGroups": 1}
        s3.put_object(Bucket=self.bucket, Key="a/b", Body=b"x")
        s3.get_object(Bucket=self.bucket, Key="a/b")
        s3.list_objects_v2(Bucket=self.bucket, Prefix="a/")
        s3.get_bucket_location(Bucket=self.bucket)
        queue = sqs.create_queue(QueueName="counts")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        client("lambda").list_functions()
        self.assertEqual(control("calls"), of_stacks)
        self.assertEqual(control("calls/all"), of_stacks | {
            "s3:PutObject": 1, "s3:GetObject": 1, "s3:ListObjectsV2": 1, "s3:ListObjects?location": 1,
            "sqs:CreateQueue": 1, "sqs:SendMessage": 1, "lambda:ListFunctions": 1,
        })

    def test_the_journal_has_the_calls_to_both_in_their_order(self) -> None:
        self.vpc()
        self.refused("ResourceNotFound", client("cloudwatch").get_dashboard, DashboardName="none")
        self.refused("ResourceNotFound", client("sns").list_tags_for_resource, ResourceArn=TOPIC)
        self.refused("NoSuchKey", client("s3").get_object, Bucket=self.bucket, Key="none")
        seen = [(entry["action"], entry["status"], entry.get("code")) for entry in control("journal")]
        self.assertEqual(seen, [
            ("ec2:CreateVpc", 200, None),
            ("cloudwatch:GetDashboard", 404, "DashboardNotFoundError"),
            ("sns:ListTagsForResource", 404, "ResourceNotFound"),
            ("s3:GetObject", 404, "NoSuchKey"),
        ])

    def test_a_fault_fails_calls_to_ministack_in_every_dialect(self) -> None:
        for action, call in (
            ("cloudwatch:DescribeAlarms", client("cloudwatch").describe_alarms),
            ("sns:ListTopics", client("sns").list_topics),
            ("logs:DescribeLogGroups", client("logs").describe_log_groups),
            ("s3:ListObjectsV2", lambda: client("s3").list_objects_v2(Bucket=self.bucket)),
            ("sqs:ListQueues", client("sqs").list_queues),
            ("servicequotas:GetServiceQuota", lambda: client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")),
        ):
            with self.subTest(action):
                control("faults", {"action": action, "code": "ThrottlingException", "status": 503, "times": 2})
                self.assertEqual([fault["action"] for fault in control("faults")], [action])
                for _ in range(2):
                    error = self.refused("ThrottlingException", call)
                    self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 503)
                call()

    def test_a_fault_may_lose_the_answer_of_a_call_to_ministack_that_was_carried_out(self) -> None:
        control("faults", {"action": "sns:CreateTopic", "code": "InternalError", "status": 500, "applied": True})
        self.refused("InternalError", client("sns").create_topic, Name="windlass-dev-lost", Tags=STACK)
        self.assertEqual(client("sns").list_tags_for_resource(ResourceArn=TOPIC.replace("web", "lost"))["Tags"], STACK)

    def test_an_emptied_infrastructure_has_nothing_of_stacks_and_all_of_the_pipeline(self) -> None:
        alarm = {"Namespace": "AWS/SQS", "MetricName": "x", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
                 "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
        for name, tags in (("windlass/dev/web/cpu-out", STACK), ("pipeline", [])):
            client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=tags, **alarm)
            client("sns").create_topic(Name=name.replace("/", "-"), Tags=tags)
            client("logs").create_log_group(logGroupName=name, tags={tag["Key"]: tag["Value"] for tag in tags})
        for name in ("windlass-dev-web", "pipeline"):
            client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
        super().setUp()
        self.assertEqual([a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]], ["pipeline"])
        self.assertEqual([t["TopicArn"].rsplit(":", 1)[1] for t in client("sns").list_topics()["Topics"]], ["pipeline"])
        names = [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]]
        self.assertIn("pipeline", names)
        self.assertNotIn("windlass/dev/web/cpu-out", names)
        self.assertEqual([d["DashboardName"] for d in client("cloudwatch").list_dashboards()["DashboardEntries"]], ["pipeline"])
        client("s3").head_bucket(Bucket=self.bucket)


if __name__ == "__main__":
    unittest.main()

"""What moves a group's capacity without anybody of ours: step policies, which alarms run, and the clock."""

import datetime
import sys
import time
import unittest
import urllib.request
import zoneinfo
from pathlib import Path
from typing import Any

from support import Balanced, client, control, eventually

#: Seconds of AWS, a hundredth of them here.
QUICK = {"instance-boot": 1, "instance-running": 1, "target-check": 1, "load-balancer": 0, "instance-terminate": 10}
STEPS = [{"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 20},
         {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 50}]


class Policies(Balanced):
    def setUp(self) -> None:
        super().setUp()
        control("delays", QUICK)
        self.template = self.launchable()

    def group_of(self, count: int, name: str = "g", **more: Any) -> None:
        self.asg.create_auto_scaling_group(**self.scaled(self.template, **{"AutoScalingGroupName": name, "DesiredCapacity": count, "MaxSize": 9, **more}))

    def policy(self, group: str = "g", **more: Any) -> str:
        asked = {"PolicyType": "StepScaling", "AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 1,
                 "MetricAggregationType": "Average", "StepAdjustments": STEPS, **more}
        return self.asg.put_scaling_policy(AutoScalingGroupName=group, PolicyName="steps", **asked)["PolicyARN"]

    def run_at(self, policy: str, distance: float) -> int:
        control("scaling-policy", {"policy": policy, "distance": distance})
        return self.seen()["DesiredCapacity"]

    def test_a_policy_is_its_groups_and_keeps_its_arn(self) -> None:
        self.group_of(1)
        self.group_of(1, "h")
        one, other = self.policy(), self.policy("h", MinAdjustmentMagnitude=2)
        self.assertNotEqual(one, other)
        self.assertEqual(self.policy(MinAdjustmentMagnitude=3), one)
        look = lambda group: self.asg.describe_policies(AutoScalingGroupName=group, PolicyTypes=["StepScaling"])["ScalingPolicies"]
        self.assertEqual([(p["PolicyARN"], p["MinAdjustmentMagnitude"], p["StepAdjustments"]) for p in look("g")], [(one, 3, STEPS)])
        self.asg.delete_policy(AutoScalingGroupName="g", PolicyName="steps")
        self.assertEqual((look("g"), len(look("h"))), ([], 1))
        self.refused("ValidationError", self.asg.delete_policy, AutoScalingGroupName="g", PolicyName="steps")
        self.asg.delete_auto_scaling_group(AutoScalingGroupName="h", ForceDelete=True)
        eventually(lambda: self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=["h"])["AutoScalingGroups"], [])
        self.refused("ValidationError", self.asg.describe_policies, AutoScalingGroupName="h")
        self.group_of(1, "h")
        self.assertEqual(look("h"), [])

    def test_impossible_policies_are_refused(self) -> None:
        self.group_of(1)
        put = client("autoscaling", checked=False).put_scaling_policy
        asked = {"AutoScalingGroupName": "g", "PolicyName": "steps", "PolicyType": "StepScaling",
                 "AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": STEPS}
        gap = [STEPS[0], {**STEPS[1], "MetricIntervalLowerBound": 11.0}]
        for more in ({"AutoScalingGroupName": "nobody"}, {"StepAdjustments": []}, {"StepAdjustments": gap}):
            with self.subTest(**more):
                self.refused("ValidationError", put, **{**asked, **more})

    def test_a_step_adds_its_share_of_what_is_warm_and_nothing_on_top_of_what_is_not(self) -> None:
        self.group_of(4, DefaultInstanceWarmup=600)
        policy = self.policy()
        eventually(lambda: len(self.in_service()), 4)
        self.assertEqual(self.run_at(policy, 20.0), 4, "nothing is warm: one instance at least, and four are wanted")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DefaultInstanceWarmup=0)
        self.assertEqual(self.run_at(policy, 9.9), 5, "0.8 is one")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DefaultInstanceWarmup=600)
        self.assertEqual(self.run_at(policy, 20.0), 5)
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DefaultInstanceWarmup=0)
        eventually(lambda: len(self.in_service()), 5)
        self.assertEqual(self.run_at(policy, 20.0), 7, "2.5 is two")
        self.assertEqual(self.run_at(policy, -1.0), 7, "no step for it")
        eventually(lambda: len(self.in_service()), 7)
        self.assertEqual(self.run_at(policy, 20.0), 9, "no more than the group may have")

    def test_a_group_whose_alarms_or_launches_are_suspended_stays_as_it_is(self) -> None:
        self.group_of(2)
        policy = self.policy()
        eventually(lambda: len(self.in_service()), 2)
        for process in ("AlarmNotification", "Launch"):
            self.asg.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=[process])
            self.assertEqual(self.run_at(policy, 20.0), 2)
            self.asg.resume_processes(AutoScalingGroupName="g", ScalingProcesses=[process])
        self.assertEqual(self.run_at(policy, 20.0), 3)

    def test_an_alarm_runs_its_policy(self) -> None:
        self.group_of(2)
        policy, alarms = self.policy(), client("cloudwatch")
        eventually(lambda: len(self.in_service()), 2)
        of, name = [{"Name": "AutoScalingGroupName", "Value": f"g-{time.time_ns()}"}], f"windlass/dev/policy-{time.time_ns()}/backstop"
        alarms.put_metric_alarm(
            AlarmName=name, Namespace="AWS/EC2", MetricName="CPUUtilization", Dimensions=of, Statistic="Average", Period=60,
            EvaluationPeriods=1, Threshold=90.0, ComparisonOperator="GreaterThanThreshold", AlarmActions=[policy],
        )
        self.addCleanup(lambda: alarms.delete_alarms(AlarmNames=[name]))
        minute = time.time() // 60 * 60
        data = [{"MetricName": "CPUUtilization", "Dimensions": of, "Timestamp": minute + 60 * n, "Value": 100.0} for n in (-1, 0, 1)]
        alarms.put_metric_data(Namespace="AWS/EC2", MetricData=data)
        eventually(lambda: self.seen()["DesiredCapacity"] > 2, True, 20)


class Schedules(Balanced):
    def setUp(self) -> None:
        super().setUp()
        control("delays", QUICK)
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), MinSize=1, DesiredCapacity=1, MaxSize=2))

    def put(self, **more: Any) -> None:
        asked = {"ScheduledActionName": "busy", "Recurrence": "0 7 * * MON-FRI", "TimeZone": "Europe/Berlin", "MinSize": 3, "MaxSize": 5, **more}
        self.asg.put_scheduled_update_group_action(AutoScalingGroupName="g", **asked)

    def test_the_clock_gives_a_group_other_bounds_and_it_wants_what_is_within_them(self) -> None:
        self.put(Recurrence="* * * * *")
        eventually(lambda: (self.seen()["MinSize"], self.seen()["MaxSize"], self.seen()["DesiredCapacity"]), (3, 5, 3), 70)
        eventually(lambda: len(self.in_service()), 3)
        self.asg.delete_scheduled_action(AutoScalingGroupName="g", ScheduledActionName="busy")
        self.assertEqual(self.asg.describe_scheduled_actions(AutoScalingGroupName="g")["ScheduledUpdateGroupActions"], [])

    def test_what_makes_no_sense_is_refused(self) -> None:
        for more in ({"MinSize": 6}, {"Recurrence": "61 * * * *"}, {"Recurrence": "* * * *"}, {"TimeZone": "Nowhere"}):
            with self.subTest(**more):
                self.refused("ValidationError", self.put, **more)

    def test_an_expression_comes_when_cron_says(self) -> None:
        sys.path.insert(0, str(Path(__file__).parent / "plugin"))
        from moto_plugin.schedules import comes

        def at(text: str) -> datetime.datetime:
            return datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))

        for recurrence, text, is_so in (
            ("0 7 * * MON-FRI", "2026-11-27T07:00", True),
            ("0 7 * * MON-FRI", "2026-11-28T07:00", False),
            ("0 7 * * 1-5", "2026-11-27T07:01", False),
            ("*/20 7-9 * * *", "2026-11-27T08:40", True),
            ("5/20 * * * *", "2026-11-27T08:45", True),
            ("0 0 1,15 * 0", "2026-11-15T00:00", True),
            ("0 0 1,15 * 0", "2026-11-29T00:00", True),
            ("0 0 1,15 * 7", "2026-11-28T00:00", False),
            ("0 0 1 jan *", "2026-01-01T00:00", True),
        ):
            with self.subTest(recurrence, at=text):
                self.assertEqual(comes(recurrence, at(text)), is_so)


class Loads(Balanced):
    """Requests cost processor time: a minute has to go by."""

    def tearDown(self) -> None:
        control("loads", {"requests_per_second": 0})

    def test_instances_report_what_requests_cost_them_and_target_groups_how_many_these_were(self) -> None:
        control("delays", QUICK)
        web, balancer = self.targets(), self.balancer()
        self.listen(balancer, web)
        self.asg.create_auto_scaling_group(**self.scaled(self.launchable(), DesiredCapacity=2, TargetGroupARNs=[web]))
        health = lambda: [t["TargetHealth"]["State"] for t in self.elb.describe_target_health(TargetGroupArn=web)["TargetHealthDescriptions"]]
        eventually(health, ["healthy"] * 2)
        if time.time() % 60 > 50:  # all of them within one minute
            time.sleep(61 - time.time() % 60)
        control("loads", {"requests_per_second": 1})
        minute = time.time() // 60 * 60
        places = lambda: [ports.get("80") for ports in control("load-balancers").values()]
        address = eventually(lambda: len(places()), 1) and places()[0]
        for _ in range(24):
            urllib.request.urlopen(f"http://{address}/", timeout=5).read()

        def average(namespace: str, name: str, dimension: str, value: str, stat: str) -> list[float]:
            metric = {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": value}]}
            query = {"Id": "asked", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
            found = client("cloudwatch").get_metric_data(MetricDataQueries=[query], StartTime=minute, EndTime=minute + 60)
            return found["MetricDataResults"][0]["Values"]

        used = lambda stat="Average": average("AWS/EC2", "CPUUtilization", "AutoScalingGroupName", "g", stat)
        eventually(used, [21.0], 70)
        self.assertEqual(used("SampleCount"), [2.0])
        self.assertEqual(average("AWS/ApplicationELB", "RequestCountPerTarget", "TargetGroup", web.rpartition(":")[2], "Sum"), [12.0])


if __name__ == "__main__":
    unittest.main()

"""Lifecycle hooks of groups on moto: who waits for whom, until when, what is told and what comes after."""

import json
import time
import unittest
from typing import Any

from support import Balanced, client, control, eventually

#: Seconds of AWS, a hundredth of them here. A heartbeat of 30 seconds is the shortest that AWS takes.
QUICK = {"instance-boot": 2, "instance-running": 1, "target-check": 1, "load-balancer": 0, "instance-terminate": 10}
LAUNCH, TERMINATE = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


class Hooked(Balanced):
    """With a group that has hooks, and a queue for the events of groups and of spot instances."""

    def setUp(self) -> None:
        super().setUp()
        control("delays", QUICK)
        bus, self.queues = client("events"), client("sqs")
        self.inbox = self.queues.create_queue(QueueName=f"lifecycle-{time.time_ns()}")["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=self.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        kinds = [{"prefix": "EC2 Instance-"}, {"prefix": "EC2 Spot"}, {"prefix": "EC2 Instance Rebalance"}]
        bus.put_rule(Name="lifecycle", EventPattern=json.dumps({"detail-type": kinds}))
        bus.put_targets(Rule="lifecycle", Targets=[{"Id": "inbox", "Arn": arn}])
        self.addCleanup(lambda: (bus.remove_targets(Rule="lifecycle", Ids=["inbox"]), bus.delete_rule(Name="lifecycle")))
        self.heard: list[dict[str, Any]] = []
        self.web = self.targets()

    def hook(self, name: str = "ready", transition: str = LAUNCH, **more: Any) -> dict[str, Any]:
        return {"LifecycleHookName": name, "LifecycleTransition": transition, "HeartbeatTimeout": 7200, **more}

    def group_with(self, *hooks: dict[str, Any], count: int = 1, **more: Any) -> None:
        request = self.scaled(self.launchable(), DesiredCapacity=count, MinSize=0, TargetGroupARNs=[self.web], **more)
        self.asg.create_auto_scaling_group(**request, LifecycleHookSpecificationList=list(hooks))

    def states(self) -> list[str]:
        return sorted(i["LifecycleState"] for i in self.seen()["Instances"])

    def waiting(self, state: str = "Pending:Wait", count: int = 1) -> list[str]:
        look = lambda: sorted(i["InstanceId"] for i in self.seen()["Instances"] if i["LifecycleState"] == state)
        found: list[list[str]] = []
        eventually(lambda: found.append(look()) or len(found[-1]), count)
        return found[-1]

    def listen_for(self, count: int) -> list[dict[str, Any]]:
        def enough() -> bool:
            for message in self.queues.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", []):
                self.queues.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
                self.heard.append(json.loads(message["Body"]))
            return len(self.heard) >= count

        eventually(enough)
        self.assertEqual(len(self.heard), count)
        return self.heard

    def named(self, instance: str, hook: str = "ready", **more: Any) -> dict[str, Any]:
        return {"AutoScalingGroupName": "g", "LifecycleHookName": hook, "InstanceId": instance, **more}

    def complete(self, instance: str, result: str = "CONTINUE", hook: str = "ready", **more: Any) -> None:
        self.asg.complete_lifecycle_action(**self.named(instance, hook, LifecycleActionResult=result, **more))

    def not_completed(self, instance: str, result: str = "CONTINUE", hook: str = "ready", **more: Any) -> str:
        request = self.named(instance, hook, LifecycleActionResult=result, **more)
        return self.refused("ValidationError", self.asg.complete_lifecycle_action, **request).response["Error"]["Message"]

    def activity(self, words: str) -> dict[str, Any]:
        found = self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
        return next(a for a in reversed(found) if words in a["Description"])


class Launching(Hooked):
    def test_an_instance_waits_outside_its_target_group_until_its_hook_is_completed(self) -> None:
        control("delays", {"lifecycle-proceed": 30, "instance-running": 20})
        self.group_with(self.hook(NotificationMetadata="who"))
        self.assertEqual(self.states(), ["Pending"])
        self.assertEqual(self.waiting(), [i["InstanceId"] for i in self.asg.describe_auto_scaling_instances()["AutoScalingInstances"]])
        one = self.waiting()[0]
        self.assertEqual(self.asg.describe_auto_scaling_instances()["AutoScalingInstances"][0]["LifecycleState"], "Pending:Wait")
        self.assertEqual(self.activity(one)["StatusCode"], "MidLifecycleAction")
        event = self.listen_for(1)[0]
        self.assertEqual((event["source"], event["detail-type"]), ("aws.autoscaling", "EC2 Instance-launch Lifecycle Action"))
        self.assertEqual(event["resources"], [self.seen()["AutoScalingGroupARN"]])
        token = event["detail"].pop("LifecycleActionToken")
        self.assertEqual(event["detail"], {
            "AutoScalingGroupName": "g", "LifecycleHookName": "ready", "EC2InstanceId": one, "LifecycleTransition": LAUNCH,
            "NotificationMetadata": "who", "Origin": "EC2", "Destination": "AutoScalingGroup",
        })
        self.assertEqual(self.health(self.web), {})
        self.complete(one, LifecycleActionToken=token)
        self.assertEqual(self.states(), ["Pending:Proceed"])
        eventually(lambda: list(self.health(self.web)), [one])
        eventually(self.states, ["InService"])
        self.assertEqual(self.activity(one)["StatusCode"], "Successful")
        self.listen_for(1)

    def test_an_instance_that_is_abandoned_is_ended_and_replaced_at_once_unless_launching_is_suspended(self) -> None:
        self.group_with(self.hook())
        first = self.waiting()[0]
        self.complete(first, "ABANDON")
        self.assertEqual(self.activity(f"Launching a new EC2 instance: {first}")["StatusCode"], "Cancelled")
        self.assertIn("was abandoned: Lifecycle Action Completed with ABANDON Result", self.activity(first)["StatusMessage"])
        second = self.waiting()[0]
        self.assertNotEqual(first, second)
        self.asg.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
        suspended = self.seen()["SuspendedProcesses"]
        self.assertEqual([p["ProcessName"] for p in suspended], ["Launch"])
        self.assertTrue(suspended[0]["SuspensionReason"].startswith("User suspended at 20"))
        self.complete(second, "ABANDON")
        eventually(self.states, [])
        time.sleep(0.3)
        self.assertEqual(self.states(), [])
        self.asg.resume_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
        self.assertEqual(self.seen()["SuspendedProcesses"], [])
        self.waiting()
        self.refused("ValidationError", self.asg.suspend_processes, AutoScalingGroupName="g", ScalingProcesses=["Nonsense"])
        self.refused("ValidationError", self.asg.suspend_processes, AutoScalingGroupName="nobody")

    def test_what_is_over_cannot_be_completed_again_or_kept_alive(self) -> None:
        self.group_with(self.hook())
        one, token = self.waiting()[0], self.listen_for(1)[0]["detail"]["LifecycleActionToken"]
        self.not_completed(one, "ABANDON", hook="other")
        self.complete(one)
        self.assertEqual(self.not_completed(one), f"No active Lifecycle Action found with instance ID {one}")
        error = self.refused("ValidationError", self.asg.record_lifecycle_action_heartbeat, **self.named(one))
        self.assertIn(f"No active Lifecycle Action found with instance ID {one}", error.response["Error"]["Message"])
        self.assertEqual(self.not_completed(one, LifecycleActionToken=token), f"No active Lifecycle Action found with token {token}")
        self.not_completed(one, "MAYBE")
        nobody = {"AutoScalingGroupName": "nobody", "LifecycleHookName": "ready", "LifecycleActionResult": "CONTINUE", "InstanceId": one}
        self.refused("ValidationError", self.asg.complete_lifecycle_action, **nobody)

    def test_without_an_answer_the_default_result_comes_and_a_heartbeat_puts_it_off(self) -> None:
        self.group_with(self.hook(HeartbeatTimeout=150, DefaultResult="CONTINUE"))
        one, began = self.waiting()[0], time.monotonic()
        for _ in range(3):
            time.sleep(0.6)
            self.asg.record_lifecycle_action_heartbeat(**self.named(one))
        self.assertEqual(self.states(), ["Pending:Wait"])
        eventually(self.in_service, [one])
        self.assertGreater(time.monotonic() - began, 3.2)

    def test_a_timeout_with_the_default_result_abandon_replaces_it(self) -> None:
        self.group_with(self.hook(HeartbeatTimeout=60))
        one = self.waiting()[0]
        eventually(lambda: self.waiting()[0] != one)
        self.assertIn("was abandoned: Heartbeat Timeout", self.activity(one)["StatusMessage"])
        self.not_completed(one)

    def test_every_hook_of_a_transition_has_to_be_completed_and_one_that_abandons_is_enough(self) -> None:
        self.group_with(self.hook(), self.hook("second"), count=2)
        one, other = self.waiting(count=2)
        told = {(e["detail"]["EC2InstanceId"], e["detail"]["LifecycleHookName"]) for e in self.listen_for(4)}
        self.assertEqual(told, {(i, h) for i in (one, other) for h in ("ready", "second")})
        self.complete(one)
        self.assertEqual(self.states(), ["Pending:Wait"] * 2)
        self.complete(one, hook="second")
        self.complete(other, "ABANDON", hook="second")
        self.not_completed(other)
        eventually(self.in_service, [one])

    def test_what_waits_counts_as_capacity_and_may_be_scaled_in(self) -> None:
        self.group_with(self.hook(), count=2)
        self.waiting(count=2)
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=1)
        gone = next(i["InstanceId"] for i in self.seen()["Instances"] if i["LifecycleState"].startswith("Terminating"))
        self.not_completed(gone)
        eventually(self.states, ["Pending:Wait"])

    def test_a_refresh_waits_for_the_hook(self) -> None:
        template = self.launchable()
        self.asg.create_auto_scaling_group(**self.scaled(template, DesiredCapacity=1, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"}))
        eventually(lambda: len(self.in_service()), 1)
        old = self.in_service()
        self.asg.put_lifecycle_hook(AutoScalingGroupName="g", **self.hook())
        self.asg.start_instance_refresh(AutoScalingGroupName="g", Preferences={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110})
        one = self.waiting()[0]
        time.sleep(0.3)
        look = lambda: self.asg.describe_instance_refreshes(AutoScalingGroupName="g")["InstanceRefreshes"][0]
        self.assertEqual((look()["Status"], look()["PercentageComplete"], self.in_service()), ("InProgress", 0, old))
        self.complete(one)
        eventually(lambda: look()["Status"], "Successful")
        self.assertEqual(self.in_service(), [one])


class Terminating(Hooked):
    def group_that_ends(self, *hooks: dict[str, Any], **more: Any) -> str:
        self.group_with(*(hooks or [self.hook("bye", TERMINATE)]), **more)
        eventually(lambda: len(self.in_service()), 1)
        return self.in_service()[0]

    def scale_in(self) -> None:
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)

    def test_it_drains_first_then_waits_for_the_hook_then_ends(self) -> None:
        self.listen(self.balancer(), self.web)
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.web, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]
        )
        control("delays", {"instance-terminate": 40})
        one = self.group_that_ends()
        self.scale_in()
        self.assertEqual((self.states(), self.health(self.web)), (["Terminating"], {one: "draining"}))
        self.assertEqual(self.heard, [])
        self.assertEqual(self.waiting("Terminating:Wait"), [one])
        self.assertEqual((self.health(self.web), self.activity(f"Terminating EC2 instance: {one}")["StatusCode"]), ({}, "MidTerminatingLifecycleAction"))
        event = self.listen_for(1)[0]
        self.assertEqual((event["detail-type"], event["detail"]["EC2InstanceId"]), ("EC2 Instance-terminate Lifecycle Action", one))
        self.assertEqual((event["detail"]["Origin"], event["detail"]["Destination"]), ("AutoScalingGroup", "EC2"))
        state = lambda: self.ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["State"]["Name"]
        self.assertEqual(state(), "running")
        self.complete(one, hook="bye")
        self.assertEqual((self.states(), state()), (["Terminating:Proceed"], "shutting-down"))
        eventually(self.states, [])
        self.assertEqual(self.activity(f"Terminating EC2 instance: {one}")["StatusCode"], "Successful")

    def test_both_results_end_it_and_abandon_skips_the_other_hooks(self) -> None:
        one = self.group_that_ends(self.hook("bye", TERMINATE), self.hook("logs", TERMINATE))
        self.scale_in()
        self.waiting("Terminating:Wait")
        self.complete(one, hook="logs")
        self.assertEqual(self.states(), ["Terminating:Wait"])
        self.complete(one, "ABANDON", hook="bye")
        eventually(self.states, [])

    def test_an_instance_that_is_replaced_waits_too_and_its_successor_comes_meanwhile(self) -> None:
        one = self.group_that_ends()
        control("kill-instance", {"instance": one})
        self.assertEqual(self.waiting("Terminating:Wait"), [one])
        eventually(lambda: len(self.in_service()), 1)
        self.complete(one, hook="bye")
        eventually(self.states, ["InService"])

    def test_deleting_by_force_skips_hooks_and_ends_waits(self) -> None:
        self.group_that_ends()
        self.scale_in()
        self.waiting("Terminating:Wait")
        self.refused("ScalingActivityInProgress", self.asg.delete_auto_scaling_group, AutoScalingGroupName="g")
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
        eventually(lambda: len(self.in_service()), 2)
        self.asg.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
        eventually(lambda: self.asg.describe_auto_scaling_groups()["AutoScalingGroups"], [])
        self.assertEqual(len(self.listen_for(1)), 1)

    def test_deleting_a_hook_lets_go_of_who_waits_for_it(self) -> None:
        self.group_that_ends()
        self.asg.put_lifecycle_hook(AutoScalingGroupName="g", **self.hook())
        self.scale_in()
        self.waiting("Terminating:Wait")
        self.asg.delete_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="bye")
        eventually(self.states, [])
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=1)
        first = self.waiting()[0]
        self.asg.delete_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="ready")
        eventually(lambda: len(self.in_service()), 1)
        self.assertNotEqual(self.in_service(), [first])


class Settings(Hooked):
    def test_hooks_are_kept_as_they_were_asked_for_and_changed_one_by_one(self) -> None:
        self.group_with(self.hook(NotificationMetadata="who", DefaultResult="CONTINUE"), count=0)
        self.asg.put_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="bye", LifecycleTransition=TERMINATE)
        look = lambda: {h.pop("LifecycleHookName"): h for h in self.asg.describe_lifecycle_hooks(AutoScalingGroupName="g")["LifecycleHooks"]}
        ready = {"AutoScalingGroupName": "g", "LifecycleTransition": LAUNCH, "HeartbeatTimeout": 7200, "GlobalTimeout": 172800,
                 "DefaultResult": "CONTINUE", "NotificationMetadata": "who"}
        bye = {"AutoScalingGroupName": "g", "LifecycleTransition": TERMINATE, "HeartbeatTimeout": 3600, "GlobalTimeout": 172800,
               "DefaultResult": "ABANDON"}
        self.assertEqual(look(), {"ready": ready, "bye": bye})
        self.asg.put_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="ready", HeartbeatTimeout=60)
        self.assertEqual(look()["ready"], {**ready, "HeartbeatTimeout": 60, "GlobalTimeout": 6000})
        found = self.asg.describe_lifecycle_hooks(AutoScalingGroupName="g", LifecycleHookNames=["bye"])["LifecycleHooks"]
        self.assertEqual([h["LifecycleHookName"] for h in found], ["bye"])
        self.asg.delete_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="bye")
        self.assertEqual(list(look()), ["ready"])

    def test_impossible_hooks_are_refused(self) -> None:
        self.group_with(count=0)
        loose = client("autoscaling", checked=False)
        for more in (
            {"HeartbeatTimeout": 29},
            {"HeartbeatTimeout": 7201},
            {"DefaultResult": "MAYBE"},
            {"LifecycleTransition": "autoscaling:NONSENSE"},
            {"AutoScalingGroupName": "nobody"},
        ):
            with self.subTest(**more):
                self.refused("ValidationError", loose.put_lifecycle_hook, **{"AutoScalingGroupName": "g", **self.hook(), **more})
        self.refused("ValidationError", self.asg.put_lifecycle_hook, AutoScalingGroupName="g", LifecycleHookName="no-transition")
        self.refused("ValidationError", self.asg.delete_lifecycle_hook, AutoScalingGroupName="g", LifecycleHookName="none")
        self.refused("ValidationError", self.asg.describe_lifecycle_hooks, AutoScalingGroupName="nobody")
        request = self.scaled(self.seen()["LaunchTemplate"]["LaunchTemplateId"], AutoScalingGroupName="h")
        self.refused("ValidationError", self.asg.create_auto_scaling_group, **request, LifecycleHookSpecificationList=[self.hook(HeartbeatTimeout=1)])
        self.assertEqual([g["AutoScalingGroupName"] for g in self.asg.describe_auto_scaling_groups()["AutoScalingGroups"]], ["g"])


class Spot(Hooked):
    def test_an_interruption_is_told_two_minutes_before_it_comes_and_a_rebalance_is_only_told(self) -> None:
        control("delays", {"spot-reclaim": 50})
        self.group_with()
        eventually(lambda: len(self.in_service()), 1)
        one = self.in_service()[0]
        control("recommend-rebalance", {"instance": one})
        control("interrupt-spot", {"instance": one})
        self.assertEqual(self.in_service(), [one])
        rebalance, warning = self.listen_for(2)
        self.assertEqual((rebalance["source"], rebalance["detail-type"]), ("aws.ec2", "EC2 Instance Rebalance Recommendation"))
        self.assertEqual((rebalance["resources"], rebalance["detail"]), ([f"arn:aws:ec2:us-east-1:123456789012:instance/{one}"], {"instance-id": one}))
        self.assertEqual((warning["source"], warning["detail-type"]), ("aws.ec2", "EC2 Spot Instance Interruption Warning"))
        self.assertEqual(warning["detail"], {"instance-id": one, "instance-action": "terminate"})
        eventually(lambda: one not in self.in_service() and len(self.in_service()) == 1)


if __name__ == "__main__":
    unittest.main()

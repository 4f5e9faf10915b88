"""Instance refreshes on moto: what rolls, waits, bakes, fails, goes back and is refused; zones that a group leaves."""

import unittest
from typing import Any

from support import Balanced, control, eventually

#: Seconds of AWS, a hundredth of them here: a roll of three takes half a second.
QUICK = {"instance-boot": 1, "instance-running": 0, "target-check": 1, "load-balancer": 0, "instance-terminate": 1, "refresh-start": 5}
#: For what has to be seen on its way.
SLOW = {"target-check": 25, "refresh-start": 30}


class Rolling(Balanced):
    """With a group of three behind a load balancer, on version 1 of a template that has a second one."""

    def setUp(self) -> None:
        super().setUp()
        control("delays", QUICK)
        self.template = self.launchable()
        self.version(InstanceType="t3.small")
        self.web = self.targets()
        self.listen(self.balancer(), self.web)
        self.drain(0)
        self.group_of(3)

    def version(self, **more: Any) -> None:
        data = {"ImageId": self.image(), "InstanceType": "t3.micro", "SecurityGroupIds": [self.firewall], **more}
        self.ec2.create_launch_template_version(LaunchTemplateId=self.template, LaunchTemplateData=data)

    def drain(self, seconds: int) -> None:
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
        self.elb.modify_target_group_attributes(TargetGroupArn=self.web, Attributes=[delay])

    def group_of(self, count: int) -> None:
        request = self.scaled(self.template, DesiredCapacity=count, TargetGroupARNs=[self.web], LaunchTemplate=self.named(1))
        policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}
        self.asg.create_auto_scaling_group(
            **request, HealthCheckType="ELB", HealthCheckGracePeriod=2000, DefaultInstanceWarmup=1, InstanceMaintenancePolicy=policy
        )
        eventually(lambda: list(self.health(self.web).values()), ["healthy"] * count)

    def named(self, version: int | str) -> dict[str, str]:
        return {"LaunchTemplateId": self.template, "Version": str(version)}

    def start(self, version: int = 2, **preferences: Any) -> str:
        chosen = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110, "SkipMatching": True, "AutoRollback": True, **preferences}
        request = {"DesiredConfiguration": {"LaunchTemplate": self.named(version)}, "Preferences": chosen}
        return self.asg.start_instance_refresh(AutoScalingGroupName="g", Strategy="Rolling", **request)["InstanceRefreshId"]

    def refreshes(self) -> list[dict[str, Any]]:
        return self.asg.describe_instance_refreshes(AutoScalingGroupName="g")["InstanceRefreshes"]

    def status(self) -> str:
        return self.refreshes()[0]["Status"]

    def versions(self) -> list[str]:
        return sorted(i["LaunchTemplate"]["Version"] for i in self.seen()["Instances"] if i["LifecycleState"] != "Terminating")

    def own(self) -> str:
        return self.seen()["LaunchTemplate"]["Version"]

    def follow(self, *ends: str, seconds: float = 15) -> list[tuple[str, list[str]]]:
        """What is seen of the refresh's status and the group's versions until it ends."""
        seen: list[tuple[str, list[str]]] = []

        def look() -> bool:
            now = (self.status(), self.versions())
            if now not in seen[-1:]:
                seen.append(now)
            return now[0] in ends

        eventually(look, seconds=seconds)
        return seen


class Refreshes(Rolling):
    def test_instances_are_launched_before_others_end_and_the_version_becomes_the_groups(self) -> None:
        control("delays", SLOW)
        before, identity = self.in_service(), self.start(BakeTime=50)
        self.assertEqual(self.status(), "Pending")
        self.assertEqual(self.own(), "1")
        seen = self.follow("Baking")
        counts = {len(versions) for _, versions in seen}
        self.assertEqual(counts, {3, 4}, "one more at a time, and never one less")
        self.assertEqual(self.own(), "1", "not before the bake time has passed")
        self.assertEqual(self.refreshes()[0]["PercentageComplete"], 100)
        self.follow("Successful")
        self.assertEqual((self.own(), self.versions()), ("2", ["2", "2", "2"]))
        self.assertFalse(set(before) & set(self.in_service()))
        done = self.refreshes()[0]
        self.assertEqual((done["InstanceRefreshId"], done["PercentageComplete"], done["InstancesToUpdate"]), (identity, 100, 0))
        self.assertEqual(done["DesiredConfiguration"]["LaunchTemplate"]["Version"], "2")
        self.assertTrue(done["EndTime"] >= done["StartTime"])
        self.assertNotIn("StatusReason", done)
        after = self.in_service()
        self.start()
        self.follow("Successful")
        self.assertEqual(len(self.refreshes()), 2)
        self.assertEqual(self.in_service(), after, "nothing was left to replace")

    def test_it_waits_for_the_load_balancer_and_tells_how_far_it_is(self) -> None:
        control("delays", {"target-check": 60})
        self.start()
        eventually(lambda: self.refreshes()[0].get("StatusReason", "").startswith("Waiting for remaining instances to be available"))
        waiting = self.refreshes()[0]
        self.assertEqual((waiting["Status"], waiting["PercentageComplete"], waiting["InstancesToUpdate"]), ("InProgress", 0, 3))
        self.assertEqual(self.versions(), ["1", "1", "1", "2"])
        eventually(lambda: self.refreshes()[0]["PercentageComplete"], 33)
        self.assertEqual(self.refreshes()[0]["InstancesToUpdate"], 2)

    def test_with_less_than_all_in_service_some_end_before_others_are_launched(self) -> None:
        self.start(MinHealthyPercentage=50, MaxHealthyPercentage=100)
        seen = self.follow("Successful")
        self.assertEqual(max(len(versions) for _, versions in seen), 3)
        self.assertEqual(self.versions(), ["2", "2", "2"])

    def test_a_version_that_never_becomes_healthy_goes_back_by_itself(self) -> None:
        control("delays", {"refresh-patience": 50, "instance-terminate": 50})
        control("unhealthy-versions", {"launch_template": self.template, "versions": [2]})
        before = self.in_service()
        self.start()
        seen = self.follow("RollbackSuccessful", "RollbackFailed", "Failed")
        self.assertIn("RollbackInProgress", [status for status, _ in seen])
        done = self.refreshes()[0]
        self.assertEqual(done["Status"], "RollbackSuccessful")
        self.assertIn("failed Elastic Load Balancing health checks", done["StatusReason"])
        self.assertEqual(done["RollbackDetails"]["RollbackReason"], done["StatusReason"])
        self.assertEqual((self.own(), self.versions(), self.in_service()), ("1", ["1", "1", "1"], before))
        self.refused("ActiveInstanceRefreshNotFound", self.asg.cancel_instance_refresh, AutoScalingGroupName="g")

    def test_without_a_rollback_it_fails_and_the_group_stays_as_it_was(self) -> None:
        control("delays", {"refresh-patience": 40})
        control("unhealthy-versions", {"launch_template": self.template, "versions": [2]})
        self.start(AutoRollback=False)
        self.follow("Failed")
        self.assertEqual(self.own(), "1")
        self.assertIn("failed Elastic Load Balancing health checks", self.refreshes()[0]["StatusReason"])
        self.assertEqual(control("unhealthy-versions"), [{"launch_template": self.template, "version": 2}])
        control("unhealthy-versions", {"launch_template": self.template, "versions": []})
        self.start()
        self.follow("Successful")

    def test_an_unhealthy_version_found_while_it_bakes_goes_back_too(self) -> None:
        control("delays", {"refresh-patience": 40})
        self.start(BakeTime=2000)
        self.follow("Baking")
        control("unhealthy-versions", {"launch_template": self.template, "versions": [2]})
        self.follow("RollbackSuccessful")
        self.assertEqual((self.own(), self.versions()), ("1", ["1", "1", "1"]))

    def test_launches_that_fail_make_it_fail(self) -> None:
        control("delays", {"refresh-patience": 40})
        control("faults", {"action": "Launch", "code": "InsufficientInstanceCapacity", "times": 1000})
        self.addCleanup(control, "faults/reset", {})
        self.start()
        self.follow("RollbackSuccessful")
        self.assertIn("could not be launched", self.refreshes()[0]["StatusReason"])

    def test_one_runs_at_a_time_and_stops_where_it_is_when_it_is_cancelled(self) -> None:
        self.refused("ActiveInstanceRefreshNotFound", self.asg.cancel_instance_refresh, AutoScalingGroupName="g")
        control("delays", SLOW)
        identity = self.start()
        self.refused("InstanceRefreshInProgress", self.start)
        eventually(lambda: self.versions().count("2") > 0)
        self.assertEqual(self.asg.cancel_instance_refresh(AutoScalingGroupName="g")["InstanceRefreshId"], identity)
        self.follow("Cancelled")
        self.assertEqual(self.refreshes()[0]["StatusReason"], "Cancelled due to user request.")
        self.assertEqual(self.own(), "1")
        control("delays", QUICK)
        self.start()
        self.follow("Successful")

    def test_it_goes_back_on_request(self) -> None:
        before, request = self.in_service(), {"AutoScalingGroupName": "g"}
        self.refused("ActiveInstanceRefreshNotFound", self.asg.rollback_instance_refresh, **request)
        control("delays", SLOW)
        self.start()
        eventually(lambda: self.versions().count("2") > 1)
        self.asg.rollback_instance_refresh(**request)
        self.assertEqual(self.status(), "RollbackInProgress")
        self.assertLess(len(set(before) & set(self.in_service())), 3)
        self.follow("RollbackSuccessful")
        self.assertEqual((self.own(), self.versions()), ("1", ["1", "1", "1"]))
        self.asg.start_instance_refresh(**request)
        self.refused("IrreversibleInstanceRefresh", self.asg.rollback_instance_refresh, **request)

    def test_what_it_launches_meanwhile_is_new_and_the_version_cannot_be_set_beside_it(self) -> None:
        update = {"AutoScalingGroupName": "g"}
        self.start(BakeTime=2000)
        eventually(lambda: self.status() != "Pending")
        self.refused("ValidationError", self.asg.update_auto_scaling_group, LaunchTemplate=self.named(1), **update)
        self.asg.update_auto_scaling_group(DesiredCapacity=4, **update)
        self.follow("Baking")
        self.assertEqual(self.versions(), ["2"] * 4)
        control("kill-instance", {"instance": self.in_service()[0]})
        eventually(lambda: (len(self.in_service()), self.versions()), (4, ["2"] * 4))

    def test_several_instance_types_come_as_a_policy_and_replace_the_template(self) -> None:
        types = [{"InstanceType": "t3.large"}, {"InstanceType": "t3.medium"}]
        policy = {"LaunchTemplate": {"LaunchTemplateSpecification": self.named(2), "Overrides": types},
                  "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 100}}
        request = {"AutoScalingGroupName": "g", "DesiredConfiguration": {"MixedInstancesPolicy": policy}}
        self.asg.start_instance_refresh(**request, Preferences={"SkipMatching": True, "AutoRollback": True})
        self.follow("Successful")
        seen = self.seen()
        self.assertNotIn("LaunchTemplate", seen)
        self.assertEqual(seen["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"], types)
        made = {(i["InstanceType"], i["LaunchTemplate"]["Version"]) for i in seen["Instances"]}
        self.assertEqual(made, {("t3.large", "2")})
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", MaxSize=8)
        self.assertEqual(self.seen()["MixedInstancesPolicy"], seen["MixedInstancesPolicy"])

    def test_impossible_ones_are_refused(self) -> None:
        for more in (
            {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 110},
            {"MinHealthyPercentage": 101},
            {"version": 9},
            {"version": "$Latest"},
        ):
            with self.subTest(**more):
                self.refused("ValidationError", self.start, **more)
        start = self.asg.start_instance_refresh
        self.refused("ValidationError", start, AutoScalingGroupName="g", Preferences={"AutoRollback": True})
        self.refused("ValidationError", start, AutoScalingGroupName="g", Preferences={"MaxHealthyPercentage": 110})
        self.refused("ValidationError", start, AutoScalingGroupName="nobody")
        self.refused("ValidationError", self.asg.describe_instance_refreshes, AutoScalingGroupName="nobody")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", LaunchTemplate=self.named("$Latest"))
        self.refused("ValidationError", self.start)
        self.assertEqual(self.refreshes(), [])


class Scaling(Rolling):
    def test_bounds_pull_the_capacity_in_and_what_goes_drains_first(self) -> None:
        self.drain(60)
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", MaxSize=2)
        self.assertEqual(self.seen()["DesiredCapacity"], 2)
        self.assertEqual(sorted(self.health(self.web).values()), ["draining", "healthy", "healthy"])
        leaving = [i["InstanceId"] for i in self.seen()["Instances"] if i["LifecycleState"] == "Terminating"]
        state = lambda: self.ec2.describe_instances(InstanceIds=leaving)["Reservations"][0]["Instances"][0]["State"]["Name"]
        self.assertEqual(state(), "running")
        self.refused("ResourceInUse", self.asg.delete_auto_scaling_group, AutoScalingGroupName="g")
        eventually(lambda: len(self.seen()["Instances"]), 2)
        self.assertEqual(state(), "terminated")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=4, MaxSize=4)
        self.assertEqual(self.seen()["DesiredCapacity"], 4)

    def test_a_version_that_is_set_is_for_what_comes_then(self) -> None:
        update = self.asg.update_auto_scaling_group
        update(AutoScalingGroupName="g", LaunchTemplate=self.named(2))
        self.assertEqual((self.own(), self.versions()), ("2", ["1", "1", "1"]))
        update(AutoScalingGroupName="g", DesiredCapacity=4)
        self.assertEqual(self.versions(), ["1", "1", "1", "2"])
        update(AutoScalingGroupName="g", DesiredCapacity=1)
        eventually(self.versions, ["2"])

    def test_a_group_leaves_zones_that_are_not_its_own_any_more(self) -> None:
        zones = lambda: sorted(i["AvailabilityZone"] for i in self.seen()["Instances"])
        self.assertEqual(zones(), ["us-east-1a", "us-east-1b", "us-east-1c"])
        self.refused("ValidationError", self.asg.update_auto_scaling_group, AutoScalingGroupName="g", VPCZoneIdentifier="subnet-0123456789abcdef0")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", VPCZoneIdentifier=",".join(self.zones[:2]))
        eventually(lambda: (len(zones()), set(zones())), (3, {"us-east-1a", "us-east-1b"}))

    def test_tags_are_set_over_earlier_ones_and_taken_away(self) -> None:
        name = {"ResourceId": "g", "ResourceType": "auto-scaling-group"}
        tags = [{**name, "Key": key, "Value": "new", "PropagateAtLaunch": True} for key in ("windlass:stack", "team")]
        look = lambda: {tag["Key"]: tag["Value"] for tag in self.seen()["Tags"]}
        self.asg.create_or_update_tags(Tags=tags)
        self.assertEqual(look(), {"windlass:stack": "new", "team": "new"})
        self.asg.delete_tags(Tags=[{**name, "Key": "team"}, {**name, "Key": "never"}])
        self.assertEqual(look(), {"windlass:stack": "new"})
        self.refused("ValidationError", self.asg.create_or_update_tags, Tags=[{**tags[0], "ResourceId": "nobody"}])
        self.refused("ValidationError", self.asg.delete_tags, Tags=[{**name, "ResourceId": "nobody", "Key": "team"}])


if __name__ == "__main__":
    unittest.main()

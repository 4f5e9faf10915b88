"""Spot instances of groups on moto: which are some, what a group does when the share changes or one is at risk, and what
can be done about a notice before it is over."""

import time
import unittest
from typing import Any

from support import client, control, eventually
from test_lifecycle import Hooked


class Shared(Hooked):
    """With a group of one instance on demand and two spot instances."""

    def policy(self, base: int, percent: int, strategy: str = "price-capacity-optimized") -> dict[str, Any]:
        return {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": self.template, "Version": "1"},
                "Overrides": [{"InstanceType": "t3.micro"}],
            },
            "InstancesDistribution": {
                "OnDemandAllocationStrategy": "prioritized",
                "OnDemandBaseCapacity": base,
                "OnDemandPercentageAboveBaseCapacity": percent,
                "SpotAllocationStrategy": strategy,
            },
        }

    def setUp(self) -> None:
        super().setUp()
        self.template = self.launchable()
        self.attribute("deregistration_delay.timeout_seconds", "0")
        self.asg.create_auto_scaling_group(**self.request())
        eventually(lambda: len(self.in_service()), 3)

    def attribute(self, key: str, value: str) -> None:
        self.elb.modify_target_group_attributes(TargetGroupArn=self.web, Attributes=[{"Key": key, "Value": value}])

    def request(self, **more: Any) -> dict[str, Any]:
        request = self.scaled(self.template, MinSize=0, TargetGroupARNs=[self.web], **more)
        del request["LaunchTemplate"]
        maintenance = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}
        return {
            **request, "MixedInstancesPolicy": self.policy(1, 0), "CapacityRebalance": True, "InstanceMaintenancePolicy": maintenance,
            **more,
        }

    def change(self, **more: Any) -> None:
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", **more)

    def running(self) -> tuple[list[str], list[str]]:
        """Those on demand, and the spot instances, that are in service."""
        serving = self.in_service()
        found = self.ec2.describe_instances(InstanceIds=serving)["Reservations"] if serving else []
        instances = [i for reservation in found for i in reservation["Instances"]]
        spot = sorted(i["InstanceId"] for i in instances if i.get("InstanceLifecycle") == "spot")
        return sorted(i for i in serving if i not in spot), spot

    def kinds(self) -> tuple[int, int]:
        on_demand, spot = self.running()
        return len(on_demand), len(spot)


class Share(Shared):
    def test_instances_are_on_demand_or_spot_by_the_share_that_the_group_shows(self) -> None:
        self.assertEqual(self.kinds(), (1, 2))
        seen = self.seen()
        self.assertIs(seen["CapacityRebalance"], True)
        self.assertEqual(seen["MixedInstancesPolicy"]["InstancesDistribution"], self.policy(1, 0)["InstancesDistribution"])
        self.change(DesiredCapacity=1)
        eventually(self.kinds, (1, 0))

    def test_another_share_replaces_one_after_the_other_and_a_template_alone_leaves_them(self) -> None:
        self.change(MixedInstancesPolicy=self.policy(0, 50), CapacityRebalance=False)
        eventually(self.kinds, (2, 1))
        self.assertIs(self.seen()["CapacityRebalance"], False)
        self.change(LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"})
        self.assertNotIn("MixedInstancesPolicy", self.seen())
        before = self.running()
        time.sleep(0.5)
        self.assertEqual(self.running(), before)
        self.change(MixedInstancesPolicy=self.policy(0, 100))
        eventually(self.kinds, (3, 0))

    def test_a_share_that_cannot_be_is_refused(self) -> None:
        loose = client("autoscaling", checked=False)
        for bad in (self.policy(0, 101), self.policy(0, 50, "cheapest")):
            self.refused("ValidationError", loose.update_auto_scaling_group, AutoScalingGroupName="g", MixedInstancesPolicy=bad)
            request = {**self.request(AutoScalingGroupName="h"), "MixedInstancesPolicy": bad}
            self.refused("ValidationError", loose.create_auto_scaling_group, **request)

    def test_spot_instances_have_a_quota_of_their_own(self) -> None:
        control("quotas", {"spot-vcpus": 4})
        told = client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-34B43A08")["Quota"]["Value"]
        self.assertEqual(told, 4)
        self.change(DesiredCapacity=4)
        failed = lambda: [a["StatusMessage"] for a in self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"] if a["StatusCode"] == "Failed"]
        eventually(lambda: bool(failed()))
        self.assertIn("Max spot instance count exceeded", failed()[0])
        self.assertEqual(self.kinds(), (1, 2))


class Notice(Shared):
    def test_what_is_at_risk_is_replaced_first_by_a_group_that_rebalances_and_by_no_other(self) -> None:
        one = self.running()[1][0]
        self.change(CapacityRebalance=False)
        control("recommend-rebalance", {"instance": one})
        time.sleep(0.5)
        self.assertIn(one, self.in_service())
        self.change(CapacityRebalance=True)
        control("recommend-rebalance", {"instance": one})
        eventually(lambda: one not in self.in_service() and self.kinds() == (1, 2))

    def test_after_a_notice_it_can_be_taken_out_of_service_and_replaced_before_it_is_gone(self) -> None:
        control("delays", {"spot-reclaim": 400})
        one = self.running()[1][0]
        control("interrupt-spot", {"instance": one})
        self.attribute("deregistration_delay.timeout_seconds", "1000")
        self.elb.deregister_targets(TargetGroupArn=self.web, Targets=[{"Id": one}])
        time.sleep(0.3)
        self.assertIn(self.health(self.web).get(one), ("draining", None))
        self.asg.set_instance_health(InstanceId=one, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
        self.asg.set_instance_health(InstanceId=one, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
        self.assertEqual(len(self.seen()["Instances"]), 4)
        eventually(lambda: self.kinds() == (1, 2) and one not in self.in_service(), seconds=3)

    def test_health_is_only_said_of_members_and_in_the_grace_period_only_if_that_does_not_count(self) -> None:
        unknown = {"InstanceId": "i-0123456789abcdef0", "HealthStatus": "Unhealthy"}
        self.refused("ValidationError", self.asg.set_instance_health, **unknown)
        self.change(HealthCheckGracePeriod=7200)
        one = self.in_service()[0]
        self.refused("ValidationError", self.asg.set_instance_health, InstanceId=one, HealthStatus="Poorly")
        self.asg.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
        self.assertEqual({i["HealthStatus"] for i in self.seen()["Instances"]}, {"Healthy"})
        self.asg.set_instance_health(InstanceId=one, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
        eventually(lambda: one not in self.in_service())


if __name__ == "__main__":
    unittest.main()

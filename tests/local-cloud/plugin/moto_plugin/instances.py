"""Instances: they take time to start, stop and end, say so on the event bus, and are gone when they end (aws-facts 33, 60)."""

import copy
import time
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance

from . import applications, events, quotas, world
from .calls import before, refuse, replayed
from .ec2_rules import refuse_unknown_profile

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def apply() -> None:
    _patch_states()
    _patch_the_gone()
    _patch_launches()


def _enter(instance: Any, state: str) -> None:
    instance._state.name, instance._state.code = state, STATES[state]
    if state == "running":
        applications.start_when_booted(instance)
    else:
        applications.stop(instance)
    events.send("aws.ec2", "EC2 Instance State-change Notification", [_arn(instance)], {"instance-id": instance.id, "state": state})


def _arn(instance: Any) -> str:
    backend = instance.ec2_backend
    return f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:instance/{instance.id}"


def warn_of_interruption(instance: Any) -> None:
    """What EC2 sends two minutes before it takes a spot instance; the resource has a form of its own."""
    arn = f"arn:aws:ec2:{instance.placement.zone}:instance/{instance.id}"
    detail = {"instance-id": instance.id, "instance-action": "terminate"}
    events.send("aws.ec2", "EC2 Spot Instance Interruption Warning", [arn], detail)


def recommend_rebalance(instance: Any) -> None:
    events.send("aws.ec2", "EC2 Instance Rebalance Recommendation", [_arn(instance)], {"instance-id": instance.id})


def _later(instance: Any, state: str, delay: str, following: str) -> None:
    """Enters a state, and the following one in a while unless something else came between."""
    _enter(instance, state)

    def follow() -> None:
        if instance.state == state:
            _enter(instance, following)
            if following == "terminated":
                _drop_interfaces(instance)
                world.after(world.delay("ended-shown"), lambda: _forget(instance))

    world.after(world.delay(delay), follow)


def _boot(instance: Any) -> None:
    wait = world.delay("instance-boot")
    instance.windlass_booted = time.monotonic() + wait
    world.after(wait, lambda: applications.start_when_booted(instance))


def _drop_interfaces(instance: Any) -> None:
    for interface in list(instance.nics.values()):
        instance.ec2_backend.enis.pop(interface.id, None)


def _forget(instance: Any) -> None:
    """An hour later nobody is told of it any more."""
    for identity, reservation in list(instance.ec2_backend.reservations.items()):
        if instance in reservation.instances:
            reservation.instances.remove(instance)
            if not reservation.instances:
                del instance.ec2_backend.reservations[identity]


# pending → running → stopping → stopped → pending …, shutting-down → terminated


def _patch_states() -> None:
    create, start, stop, terminate = Instance.__init__, Instance.start, Instance.stop, Instance.terminate

    def initialise(self: Any, *positional: Any, **named: Any) -> None:
        create(self, *positional, **named)
        _boot(self)
        _later(self, "pending", "instance-running", "running")

    def start_later(self: Any) -> Any:
        if self.state in ("pending", "running"):
            return copy.copy(self._state)
        if self.state != "stopped":
            words = f"The instance '{self.id}' is not in a state from which it can be started."
            raise EC2ClientError("IncorrectInstanceState", words)
        previous = start(self)
        _boot(self)
        _later(self, "pending", "instance-running", "running")
        return previous

    def stop_later(self: Any) -> Any:
        if self.state in ("stopping", "stopped"):
            return copy.copy(self._state)
        if self.state not in ("pending", "running"):
            words = f"This instance '{self.id}' is not in a state from which it can be stopped."
            raise EC2ClientError("IncorrectInstanceState", words)
        previous = stop(self)
        _later(self, "stopping", "instance-stop", "stopped")
        return previous

    def terminate_later(self: Any) -> Any:
        if self.state in ("shutting-down", "terminated"):
            return copy.copy(self._state)
        previous = terminate(self)
        _later(self, "shutting-down", "instance-terminate", "terminated")
        return previous

    Instance.__init__ = initialise  # type: ignore[method-assign]
    Instance.start = start_later  # type: ignore[method-assign]
    Instance.stop = stop_later  # type: ignore[method-assign]
    Instance.terminate = terminate_later  # type: ignore[method-assign]


def _patch_the_gone() -> None:
    """A terminated instance has no network any more."""
    for name, empty in (
        *((name, None) for name in ("subnet_id", "vpc_id", "private_ip", "private_ip_address", "private_dns_name")),
        *((name, None) for name in ("public_ip", "public_ip_address", "public_dns_name")),
        *((name, []) for name in ("network_interfaces", "dynamic_group_list")),
    ):
        setattr(Instance, name, _unless_gone(getattr(Instance, name).fget, empty))


def _unless_gone(read: Any, empty: Any) -> property:
    # moto asks for some of these while an instance is being made and has no state yet.
    return property(lambda self: empty if "_state" in vars(self) and self.state == "terminated" else read(self))


# Launching


def _patch_launches() -> None:
    run = EC2Backend.run_instances

    def run_instances(self: Any, image_id: str, count: int, *rest: Any, **named: Any) -> Any:
        """What an instance or a group launches: within the quota, its interface tagged in the same call."""
        wanted = named["instance_type"]
        if named.get("launch_template") and named.get("is_instance_type_default"):
            wanted = self._get_template_from_args(named["launch_template"]).data.get("InstanceType") or wanted
        _refuse_beyond_the_quota(self, wanted, count, bool(named.get("instance_market_options")))
        tags = (named.get("tags") or {}).get("network-interface", {})
        version = self._get_template_from_args(named["launch_template"]) if named.get("launch_template") else None
        reservation = run(self, image_id, count, *rest, **named)
        for instance in reservation.instances:
            instance.windlass_version = (version.template.id, version.number) if version else None
            for interface in instance.nics.values():
                interface.add_tags(tags)
        return reservation

    EC2Backend.run_instances = run_instances  # type: ignore[method-assign]


def _refuse_beyond_the_quota(backend: Any, instance_type: str, count: int, spot: bool) -> None:
    limit = quotas.QUOTAS["spot-vcpus" if spot else "vcpus"]
    if limit is None or not _is_standard(instance_type):
        return
    active = (i for i in backend.all_instances() if i.state in ("pending", "running") and (i.lifecycle == "spot") == spot)
    used = sum(_vcpus(i.instance_type) for i in active if _is_standard(i.instance_type))
    if used + count * _vcpus(instance_type) > limit:
        if spot:
            raise EC2ClientError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        raise EC2ClientError(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit "
            "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
        )


def _vcpus(instance_type: str) -> int:
    return int(INSTANCE_TYPES.get(instance_type, {}).get("VCpuInfo", {}).get("DefaultVCpus", 1))


def _is_standard(instance_type: str) -> bool:
    """Families A, C, D, H, I, M, R, T and Z share one quota; the others have one each (aws-facts 65)."""
    family = instance_type.split(".")[0]
    letters = family[: next((i for i, c in enumerate(family) if not c.isalpha()), len(family))]
    return letters not in ("f", "g", "gr", "vt", "p", "inf", "trn", "dl", "hpc", "u", "x", "mac")


@replayed("ec2", "RunInstances")
def _a_token_outlives_its_instance(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    made = [instance for instance in backend.all_instances() if instance.client_token == params["ClientToken"]]
    if not made or any(instance.state in ("shutting-down", "terminated") for instance in made):
        refuse(
            "IdempotentInstanceTerminated",
            "The request to launch an instance uses the same client token as a previous request for which the "
            "instance has been terminated.",
        )


@before("ec2", "RunInstances")
def _launch_is_possible(response: Any, backend: Any, params: dict[str, Any]) -> None:
    """What the request or its template names has to exist; moto looks at the request only."""
    template = params.get("LaunchTemplate")
    data = backend._get_template_from_args(template).data if template else {}
    wanted = {**data, **params}
    if wanted.get("ImageId"):
        backend.describe_images(ami_ids=[wanted["ImageId"]])
    if wanted.get("InstanceType") and wanted["InstanceType"] not in INSTANCE_TYPES:
        refuse("InvalidParameterValue", f"Invalid value '{wanted['InstanceType']}' for InstanceType.")
    refuse_unknown_profile(response, wanted.get("IamInstanceProfile") or {}, "InvalidParameterValue", "")
    _check_groups(backend, wanted.get("SecurityGroupIds") or [], wanted.get("SubnetId"))


def _check_groups(backend: Any, groups: list[str], subnet: str | None) -> None:
    for group in groups:
        known = backend.get_security_group_from_id(group)
        if known is None:
            refuse("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
        if subnet and known.vpc_id != backend.get_subnet(subnet).vpc_id:
            refuse("InvalidParameter", f"Security group {group} and subnet {subnet} belong to different networks.")

"""Network interfaces that AWS makes for its own services: they say whose they are, and have an address of their subnet
(aws-facts 43, 51)."""

import types
import uuid
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.utils import random_private_ip


def apply() -> None:
    attached = NetworkInterface.attachment.fget  # type: ignore[attr-defined]
    NetworkInterface.attachment = property(lambda self: getattr(self, "windlass_attachment", None) or attached(self))  # type: ignore[method-assign]


def make(backend: Any, subnet: Any, groups: list[str], description: str, owner: str, kind: str = "interface") -> Any:
    address = random_private_ip(subnet.cidr_block)
    interface = backend.create_network_interface(subnet, address, group_ids=groups, description=description)
    return claim(interface, description, owner, kind)


def claim(interface: Any, description: str, owner: str, kind: str) -> Any:
    """Makes an interface one that `owner`, a service of AWS, has made and attached."""
    interface.description, interface.interface_type, interface.status = description, kind, "in-use"
    interface.requester_managed, interface.requester_id = True, owner
    interface.windlass_attachment = types.SimpleNamespace(
        attachment_id=f"ela-attach-{uuid.uuid4().hex[:17]}",
        attach_time=utcnow(),
        delete_on_termination=False,
        device_index=1,
        instance_owner_id=owner,
        status="attached",
    )
    return interface


def settle(interface: Any) -> None:
    """Gives it an address of its subnet; moto's own ones are anywhere."""
    address = random_private_ip(interface.subnet.cidr_block)
    interface.private_ip_address = address
    interface.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]

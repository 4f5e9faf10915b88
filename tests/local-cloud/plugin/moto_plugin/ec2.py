"""NAT gateways, which take time; and answers about launch templates, routes and zones that moto gets wrong."""

from typing import Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidLaunchTemplateIdNotFound
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.route_tables import Route
from moto.ec2.utils import generic_filter, parse_user_data

from . import interfaces, world
from .calls import after, before, refuse


def apply() -> None:
    _patch_nat_gateways()
    _patch_launch_templates()
    _patch_zones()
    Route.state = property(_route_state)  # type: ignore[method-assign, assignment]


# NAT gateways: pending → available | failed, deleting → deleted, and no longer shown an hour later (aws-facts 37, 51)


def _patch_nat_gateways() -> None:
    create, describe = NatGatewayBackend.create_nat_gateway, NatGatewayBackend.describe_nat_gateways

    def create_nat_gateway(self: Any, subnet_id: str, allocation_id: str, *rest: Any, **more: Any) -> Any:
        taken = allocation_id and self.address_by_allocation([allocation_id])[0].association_id
        gateway = create(self, subnet_id, None if taken else allocation_id, *rest, **more)
        gateway.state = "pending"
        _equip(gateway)
        world.after(world.delay("nat-gateway"), lambda: _settle_nat_gateway(self, gateway, taken))
        return gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = _nat_gateway(self, nat_gateway_id)
        if gateway.state not in ("deleting", "deleted"):
            gateway.state = "deleting"
            world.after(world.delay("nat-gateway-delete"), lambda: _finish_nat_gateway(self, gateway))
        return gateway

    def describe_nat_gateways(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> list[Any]:
        for wanted in nat_gateway_ids or []:
            _nat_gateway(self, wanted)
        by_tag = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        return generic_filter(by_tag, describe(self, filters, nat_gateway_ids))

    NatGatewayBackend.create_nat_gateway = create_nat_gateway  # type: ignore[method-assign]
    NatGatewayBackend.delete_nat_gateway = delete_nat_gateway  # type: ignore[method-assign]
    NatGatewayBackend.describe_nat_gateways = describe_nat_gateways  # type: ignore[method-assign]


def _equip(gateway: Any) -> None:
    interface = interfaces.claim(gateway._eni, f"Interface for NAT Gateway {gateway.id}", "amazon-aws", "nat_gateway")
    interfaces.settle(interface)
    interface._group_set = []
    gateway.private_ip = gateway.address_set[0]["privateIp"] = interface.private_ip_address


def _nat_gateway(backend: Any, nat_gateway_id: str) -> Any:
    gateway = backend.nat_gateways.get(nat_gateway_id)
    if gateway is None:
        refuse("NatGatewayNotFound", f"NAT gateway {nat_gateway_id} was not found")
    return gateway


def _settle_nat_gateway(backend: Any, gateway: Any, taken: Any) -> None:
    if gateway.state != "pending":
        return
    attached = any(g.vpc and g.vpc.id == gateway.vpc_id for g in backend.internet_gateways.values())
    if gateway.connectivity_type != "private" and not attached:
        _fail_nat_gateway(
            backend, gateway, "Gateway.NotAttached", f"Network {gateway.vpc_id} has no Internet gateway attached"
        )
    elif taken:
        _fail_nat_gateway(backend, gateway, "Resource.AlreadyAssociated", "Elastic IP address is already associated")
    else:
        gateway.state = "available"


def _fail_nat_gateway(backend: Any, gateway: Any, code: str, message: str) -> None:
    _finish_nat_gateway(backend, gateway)
    gateway.state, gateway.failure_code, gateway.failure_message = "failed", code, message


def _finish_nat_gateway(backend: Any, gateway: Any) -> None:
    for address in backend.addresses:
        if address.eni is gateway._eni:
            backend.disassociate_address(association_id=address.association_id)
    backend.enis.pop(gateway._eni.id, None)
    gateway.state, gateway.delete_time = "deleted", utcnow()
    world.after(world.delay("ended-shown"), lambda: backend.nat_gateways.pop(gateway.id, None))


@before("ec2", "CreateNatGateway")
def _nat_gateway_needs_an_address(_response: Any, _backend: Any, params: dict[str, Any]) -> None:
    if params.get("ConnectivityType", "public") == "public" and not params.get("AllocationId"):
        refuse("MissingParameter", "The request must contain the parameter AllocationId")


# Routes


def _route_state(route: Any) -> str:
    """A route whose target is gone stays, and leads nowhere."""
    lost_nat = route.nat_gateway and route.nat_gateway.state == "deleted"
    lost_gateway = route.gateway and hasattr(route.gateway, "vpc") and route.gateway.vpc is None
    return "blackhole" if lost_nat or lost_gateway else "active"


# Launch templates


def _patch_launch_templates() -> None:
    describe = LaunchTemplateBackend.describe_launch_templates

    def describe_launch_templates(self: Any, template_names: Any = None, template_ids: Any = None, filters: Any = None) -> Any:
        for wanted in template_ids or []:
            if wanted not in self.launch_templates:
                raise InvalidLaunchTemplateIdNotFound(wanted)
        return describe(self, template_names, template_ids, filters)

    LaunchTemplateBackend.describe_launch_templates = describe_launch_templates  # type: ignore[method-assign]
    # moto shows the tags a template was made with, whatever became of them.
    LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, _: None)  # type: ignore[attr-defined]


@before("ec2", "CreateLaunchTemplateVersion")
def _version_user_data_is_decoded(_response: Any, _backend: Any, params: dict[str, Any]) -> None:
    data = params.get("LaunchTemplateData") or {}
    if data.get("UserData") is not None:
        data["UserData"] = parse_user_data(data["UserData"])


@before("ec2", "DeleteLaunchTemplate")
def _deleted_template_exists(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    wanted = params.get("LaunchTemplateId")
    if wanted and wanted not in backend.launch_templates:
        raise InvalidLaunchTemplateIdNotFound(wanted)


@after("ec2", "CreateLaunchTemplate")
def _template_tags_stay_out_of_the_version(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    # moto appends the tags of the template itself to what its instances get.
    template = backend.get_launch_template_by_name(params["LaunchTemplateName"])
    data = template.versions[0].data
    if "TagSpecifications" in data:
        kept = [s for s in data["TagSpecifications"] if s.get("ResourceType") != "launch-template"]
        data["TagSpecifications"] = kept
        if not kept:
            del data["TagSpecifications"]


# Zones


def _patch_zones() -> None:
    from moto.ec2.models.availability_zones_and_regions import Zone

    Zone.opt_in_status = "opt-in-not-required"  # type: ignore[attr-defined]
    Zone.group_name = property(lambda self: f"{self.region_name}-zg-1")  # type: ignore[attr-defined]
    Zone.network_border_group = property(lambda self: self.region_name)  # type: ignore[attr-defined]

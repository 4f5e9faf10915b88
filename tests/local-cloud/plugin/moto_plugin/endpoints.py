"""VPC endpoints: an interface takes time and needs names, a gateway is there at once (aws-facts 33, 42)."""

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.vpcs import VPCBackend

from . import interfaces, world
from .calls import after, before, refuse

GATEWAYS = {"dynamodb", "s3"}
INTERFACES = {
    *("autoscaling", "cloudformation", "dynamodb", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "elasticloadbalancing"),
    *("events", "kms", "lambda", "logs", "monitoring", "s3", "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "sts"),
}


def apply() -> None:
    create = VPCBackend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, *positional: Any, **named: Any) -> Any:
        endpoint = create(self, *positional, **named)
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"
        if _is_gateway(endpoint):
            endpoint.private_dns_enabled = False
            return endpoint
        for interface in endpoint.network_interface_ids:
            _equip(self, endpoint, self.enis[interface])
            interfaces.settle(self.enis[interface])
        endpoint.state = "pending"
        world.after(world.delay("vpc-endpoint"), lambda: _settle(endpoint))
        return endpoint

    def delete_vpc_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:
        for endpoint_id in vpce_ids or []:
            endpoint = self.vpc_end_points.get(endpoint_id)
            if endpoint and endpoint.state != "deleting":
                endpoint.state = "deleting"
                world.after(world.delay("vpc-endpoint-delete"), lambda e=endpoint: _finish(self, e))

    VPCBackend.create_vpc_endpoint = create_vpc_endpoint  # type: ignore[method-assign]
    VPCBackend.delete_vpc_endpoints = delete_vpc_endpoints  # type: ignore[method-assign]


def _finish(backend: Any, endpoint: Any) -> None:
    for interface in endpoint.network_interface_ids:
        backend.enis.pop(interface, None)
    for table in endpoint.route_table_ids or []:
        _drop_route(backend, endpoint, table)
    backend.vpc_end_points.pop(endpoint.id, None)


def _drop_route(backend: Any, endpoint: Any, table: str) -> None:
    routes = backend.get_route_table(table)._routes
    for identity in [identity for identity, route in routes.items() if route.gateway_id == endpoint.id]:
        del routes[identity]


def _is_gateway(endpoint: Any) -> bool:
    return endpoint.vpc_endpoint_type == "Gateway"


def _equip(backend: Any, endpoint: Any, interface: Any) -> None:
    """Makes an interface the endpoint's, behind its own security groups: moto takes the default one."""
    interfaces.claim(interface, f"VPC Endpoint Interface {endpoint.id}", "amazon-aws", "vpc_endpoint")
    groups = [backend.get_security_group_from_id(group) for group in endpoint.security_group_ids]
    interface._group_set = groups or interface._group_set


def _settle(endpoint: Any) -> None:
    if endpoint.state == "pending":
        endpoint.state = "available"


@before("ec2", "CreateVpcEndpoint")
def _endpoint_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    vpc, kind = backend.vpcs.get(params["VpcId"]), params.get("VpcEndpointType", "Gateway")
    if vpc is None:
        refuse("InvalidVpcId.NotFound", f"The Vpc Id {params['VpcId']} does not exist")
    name = params["ServiceName"].removeprefix(f"com.amazonaws.{backend.region_name}.")
    if name not in GATEWAYS | INTERFACES:
        refuse("InvalidServiceName", f"The Vpc Endpoint Service '{params['ServiceName']}' does not exist")
    offered = [kind for kind, names in (("Gateway", GATEWAYS), ("Interface", INTERFACES)) if name in names]
    if kind not in offered:
        refuse("InvalidParameter", f"Endpoint type ({kind}) does not match available service types ([{', '.join(offered)}]).")
    _check_gateway(backend, params) if kind == "Gateway" else _check_interface(backend, vpc, params, name)


def _check_gateway(backend: Any, params: dict[str, Any]) -> None:
    for table in params.get("RouteTableIds", []):
        known = backend.route_tables.get(table)
        if known is None:
            refuse("InvalidRouteTableId.NotFound", f"The routeTable ID '{table}' does not exist")
        if known.vpc_id != params["VpcId"]:
            refuse("InvalidParameter", f"Route table {table} does not belong to VPC {params['VpcId']}")
        for other in _others(backend, params):
            if table in (other.route_table_ids or []):
                prefix = f"destination-prefix-list-id {other.destination_prefix_list_id}"
                refuse("RouteAlreadyExists", f"route table {table} already has a route with {prefix}")


def _check_interface(backend: Any, vpc: Any, params: dict[str, Any], name: str) -> None:
    _check_subnets(backend, vpc.id, params.get("SubnetIds", []), set())
    _check_groups(backend, vpc.id, params.get("SecurityGroupIds", []))
    if str(params.get("PrivateDnsEnabled", "true")).lower() == "true":
        _check_private_name(backend, vpc, params, name)


def _check_subnets(backend: Any, vpc: str, subnets: list[str], zones: set[str]) -> None:
    for subnet in subnets:
        known = _subnet(backend, subnet)
        if known is None:
            refuse("InvalidSubnetId.NotFound", f"The subnet ID '{subnet}' does not exist")
        if known.vpc_id != vpc:
            refuse("InvalidParameter", f"Subnet {subnet} does not belong to VPC {vpc}")
        if known.availability_zone in zones:
            refuse("DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of {subnet}")
        zones.add(known.availability_zone)


def _subnet(backend: Any, identity: str) -> Any:
    return next((zone[identity] for zone in backend.subnets.values() if identity in zone), None)


def _check_groups(backend: Any, vpc: str, groups: list[str]) -> None:
    for group in groups:
        known = backend.get_security_group_from_id(group)
        if known is None:
            refuse("InvalidSecurityGroupId.NotFound", f"The security group ID '{group}' does not exist")
        if known.vpc_id != vpc:
            refuse("InvalidParameter", f"Security group {group} does not belong to VPC {vpc}")


def _check_private_name(backend: Any, vpc: Any, params: dict[str, Any], name: str) -> None:
    if not all(str(attribute).lower() == "true" for attribute in (vpc.enable_dns_support, vpc.enable_dns_hostnames)):
        refuse(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
        )
    if any(other.private_dns_enabled for other in _others(backend, params)):
        refuse(
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{name}.{backend.region_name}.amazonaws.com in the VPC {vpc.id}",
        )


def _others(backend: Any, params: dict[str, Any]) -> Iterator[Any]:
    """Endpoints of the same VPC to the same service."""
    for endpoint in backend.vpc_end_points.values():
        if (endpoint.vpc_id, endpoint.service_name) == (params["VpcId"], params["ServiceName"]):
            yield endpoint


# Changes: moto keeps lists of ids, and leaves interfaces and routes as they are


@before("ec2", "ModifyVpcEndpoint")
def _change_is_possible(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    endpoint = backend.vpc_end_points.get(params["VpcEndpointId"])
    if endpoint is None:
        return  # moto says so
    staying = set(endpoint.subnet_ids or []) - set(params.get("RemoveSubnetIds", []))
    zones = {_subnet(backend, subnet).availability_zone for subnet in staying}
    added = [subnet for subnet in params.get("AddSubnetIds", []) if subnet not in staying]
    _check_subnets(backend, endpoint.vpc_id, added, zones)
    _check_groups(backend, endpoint.vpc_id, params.get("AddSecurityGroupIds", []))
    tables = [table for table in params.get("AddRouteTableIds", []) if table not in (endpoint.route_table_ids or [])]
    _check_gateway(backend, {"VpcId": endpoint.vpc_id, "ServiceName": endpoint.service_name, "RouteTableIds": tables})


@after("ec2", "ModifyVpcEndpoint")
def _change_takes_effect(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    endpoint = backend.vpc_end_points[params["VpcEndpointId"]]
    if _is_gateway(endpoint):
        _move_routes(backend, endpoint, params)
    else:
        _move_interfaces(backend, endpoint)


def _move_routes(backend: Any, endpoint: Any, params: dict[str, Any]) -> None:
    for table in params.get("RemoveRouteTableIds", []):
        if table in backend.route_tables:
            _drop_route(backend, endpoint, table)
    for table in endpoint.route_table_ids:
        if all(route.gateway_id != endpoint.id for route in backend.route_tables[table].routes):
            prefix = endpoint.destination_prefix_list_id
            backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix)


def _move_interfaces(backend: Any, endpoint: Any) -> None:
    """A new interface makes the endpoint pending for a while; one that has to go takes its time."""
    standing = {backend.enis[i].subnet.id: backend.enis[i] for i in endpoint.network_interface_ids}
    for subnet, interface in standing.items():
        if subnet not in endpoint.subnet_ids:
            world.after(world.delay("vpc-endpoint-delete"), lambda i=interface: backend.enis.pop(i.id, None))
    kept = [interface for subnet, interface in standing.items() if subnet in endpoint.subnet_ids]
    missing = [_subnet(backend, subnet) for subnet in endpoint.subnet_ids if subnet not in standing]
    new = [interfaces.make(backend, subnet, endpoint.security_group_ids, "", "amazon-aws") for subnet in missing]
    for interface in kept + new:
        _equip(backend, endpoint, interface)
    endpoint.network_interface_ids = [interface.id for interface in kept + new]
    if new:
        endpoint.state = "pending"
        world.after(world.delay("vpc-endpoint"), lambda: _settle(endpoint))


@before("ec2", "DeleteVpcEndpoints")
def _unknown_ones_are_told(_response: Any, backend: Any, params: dict[str, Any]) -> Any:
    """The call succeeds as a whole, and its answer names what it did not find."""
    asked = params.get("VpcEndpointIds", [])
    unknown = [endpoint for endpoint in asked if endpoint not in backend.vpc_end_points]
    if not unknown:
        return None
    backend.delete_vpc_endpoints([endpoint for endpoint in asked if endpoint not in unknown])
    return ActionResult({"Unsuccessful": [_not_found(endpoint) for endpoint in unknown]})


def _not_found(endpoint: str) -> dict[str, Any]:
    error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The Vpc Endpoint Id '{endpoint}' does not exist"}
    return {"ResourceId": endpoint, "Error": error}

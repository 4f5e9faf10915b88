"""VPC endpoints: an interface takes time and needs names, a gateway is there at once (aws-facts 33, 42)."""

from collections.abc import Iterator
from typing import Any

from moto.ec2.models.vpcs import VPCBackend

from . import world
from .calls import before, refuse

GATEWAYS = {"dynamodb", "s3"}
INTERFACES = {
    *("autoscaling", "cloudformation", "dynamodb", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "elasticloadbalancing"),
    *("events", "kms", "lambda", "logs", "monitoring", "s3", "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "sts"),
}


def apply() -> None:
    create, delete = VPCBackend.create_vpc_endpoint, VPCBackend.delete_vpc_endpoints

    def create_vpc_endpoint(self: Any, *positional: Any, **named: Any) -> Any:
        endpoint = create(self, *positional, **named)
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"
        if _is_gateway(endpoint):
            endpoint.private_dns_enabled = False
            return endpoint
        _guard(self, endpoint)
        endpoint.state = "pending"
        world.after(world.delay("vpc-endpoint"), lambda: _settle(endpoint))
        return endpoint

    def delete_vpc_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:
        for endpoint_id in vpce_ids or []:
            endpoint = self.vpc_end_points.get(endpoint_id)
            if endpoint and endpoint.state != "deleting":
                endpoint.state = "deleting"
                world.after(world.delay("vpc-endpoint-delete"), lambda e=endpoint: finish(self, e))

    def finish(backend: Any, endpoint: Any) -> None:
        delete(backend, [endpoint.id])
        backend.vpc_end_points.pop(endpoint.id, None)

    VPCBackend.create_vpc_endpoint = create_vpc_endpoint  # type: ignore[method-assign]
    VPCBackend.delete_vpc_endpoints = delete_vpc_endpoints  # type: ignore[method-assign]


def _is_gateway(endpoint: Any) -> bool:
    return endpoint.vpc_endpoint_type == "Gateway"


def _guard(backend: Any, endpoint: Any) -> None:
    """Puts the interfaces behind the endpoint's own security groups: moto takes the default one."""
    groups = [backend.get_security_group_from_id(group) for group in endpoint.security_group_ids]
    for interface in endpoint.network_interface_ids:
        backend.enis[interface]._group_set = groups or backend.enis[interface]._group_set


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
    zones: set[str] = set()
    for subnet in params.get("SubnetIds", []):
        known = next((zone[subnet] for zone in backend.subnets.values() if subnet in zone), None)
        if known is None:
            refuse("InvalidSubnetId.NotFound", f"The subnet ID '{subnet}' does not exist")
        if known.vpc_id != vpc.id:
            refuse("InvalidParameter", f"Subnet {subnet} does not belong to VPC {vpc.id}")
        if known.availability_zone in zones:
            refuse("DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of {subnet}")
        zones.add(known.availability_zone)
    for group in params.get("SecurityGroupIds", []):
        known = backend.get_security_group_from_id(group)
        if known is None:
            refuse("InvalidSecurityGroupId.NotFound", f"The security group ID '{group}' does not exist")
        if known.vpc_id != vpc.id:
            refuse("InvalidParameter", f"Security group {group} does not belong to VPC {vpc.id}")
    if str(params.get("PrivateDnsEnabled", "true")).lower() == "true":
        _check_private_name(backend, vpc, params, name)


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

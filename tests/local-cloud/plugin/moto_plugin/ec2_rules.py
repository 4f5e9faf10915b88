"""What EC2 refuses: deletes of things in use, second associations, names, profiles (aws-facts 36, 40, 43, 51)."""

from collections.abc import Iterator
from typing import Any

from . import world
from .calls import after, before, refuse


def _in_use(backend: Any) -> Iterator[Any]:
    for interface in backend.enis.values():
        if not (interface.instance and interface.instance.state == "terminated"):
            yield interface


def _dependent(what: str, identity: str) -> None:
    refuse("DependencyViolation", f"The {what} '{identity}' has dependencies and cannot be deleted.")


@before("ec2", "DeleteSecurityGroup")
def _security_group_in_use(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    group = backend.get_security_group_from_id(params.get("GroupId", ""))
    if group is None:
        return
    if group.name == "default":
        refuse("CannotDelete", f"the specified group: \"{group.id}\" name: \"default\" cannot be deleted by a user")
    attached = any(member.id == group.id for i in _in_use(backend) for member in i.group_set)
    named = any(
        rule.source_group.get("GroupId") == group.id
        for groups in backend.groups.values()
        for other in groups.values()
        if other.id != group.id
        for rule in [*other.ingress_rules, *other.egress_rules]
    )
    if attached or named:
        refuse("DependencyViolation", f"resource {group.id} has a dependent object")


@before("ec2", "CreateSecurityGroup")
def _security_group_name(_response: Any, _backend: Any, params: dict[str, Any]) -> None:
    if params.get("GroupName", "").startswith("sg-"):
        refuse("InvalidParameterValue", "Invalid value for groupName. Group names may not be in the format sg-*")


@before("ec2", "DeleteSubnet")
def _subnet_in_use(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    if any(interface.subnet.id == params["SubnetId"] for interface in _in_use(backend)):
        _dependent("subnet", params["SubnetId"])


@after("ec2", "DeleteSubnet")
def _subnet_leaves_its_route_table(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for table in backend.route_tables.values():
        for association, subnet in list(table._associations.items()):
            if subnet == params["SubnetId"]:
                del table._associations[association]


@before("ec2", "DeleteVpc")
def _vpc_in_use(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    vpc = params["VpcId"]
    attached = any(g.vpc and g.vpc.id == vpc for g in backend.internet_gateways.values())
    groups = any(g.name != "default" for g in backend.groups.get(vpc, {}).values())
    interfaces = any(i.subnet.vpc_id == vpc for i in _in_use(backend))
    endpoints = any(e.vpc_id == vpc for e in backend.vpc_end_points.values())
    tables = any(t.vpc_id == vpc and not t.main_association_id for t in backend.route_tables.values())
    if attached or groups or interfaces or endpoints or tables:
        _dependent("vpc", vpc)


@before("ec2", "DeleteRouteTable")
def _main_route_table_stays(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    table = backend.route_tables.get(params["RouteTableId"])
    if table and table.main_association_id:
        _dependent("routeTable", table.id)


@after("ec2", "DeleteRouteTable")
def _route_table_leaves_its_endpoints(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for endpoint in backend.vpc_end_points.values():
        endpoint.route_table_ids = [table for table in endpoint.route_table_ids or [] if table != params["RouteTableId"]]


@before("ec2", "DetachInternetGateway")
def _public_addresses_need_the_gateway(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    vpc = params["VpcId"]
    mapped = [a.eni for a in backend.addresses if a.eni]
    public = [i for i in _in_use(backend) if i.public_ip or getattr(i, "windlass_public", False)]
    if any(i.subnet.vpc_id == vpc for i in mapped + public):
        refuse(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )


@before("ec2", "AttachInternetGateway")
def _one_gateway_per_vpc(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for gateway in backend.internet_gateways.values():
        if gateway.id != params["InternetGatewayId"] and gateway.vpc and gateway.vpc.id == params["VpcId"]:
            refuse("InvalidParameterValue", f"Network {params['VpcId']} already has an internet gateway attached")


@before("ec2", "ReleaseAddress")
def _address_in_use(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for address in backend.addresses:
        if address.allocation_id == params.get("AllocationId") and address.association_id:
            refuse("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


@before("ec2", "AssociateRouteTable")
def _one_route_table_per_subnet(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    for table in backend.route_tables.values():
        for association, subnet in table._associations.items():
            if subnet and subnet == params.get("SubnetId"):
                refuse(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {params['RouteTableId']} conflicts with an "
                    f"existing association: {association}",
                )


@before("ec2", "CreateRoute")
@before("ec2", "ReplaceRoute")
def _route_target_is_ready(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    wanted = params.get("NatGatewayId")
    if wanted and wanted not in backend.nat_gateways:
        refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{wanted}' does not exist")


@before("ec2", "CreateTags")
@before("ec2", "DeleteTags")
def _tagged_resources_exist(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    """On all of them or on none; moto does not look at some kinds, and at none when it takes tags away."""
    backend.do_resources_exist(params.get("Resources") or [])
    addresses = {address.allocation_id for address in backend.addresses}
    groups = {group for groups in backend.groups.values() for group in groups}
    for prefix, known, code, name in (
        ("nat-", backend.nat_gateways, "InvalidNatGatewayID.NotFound", "natGateway"),
        ("eipalloc-", addresses, "InvalidAllocationID.NotFound", "allocation"),
        ("vpce-", backend.vpc_end_points, "InvalidVpcEndpointId.NotFound", "VpcEndPoint"),
        ("sg-", groups, "InvalidGroup.NotFound", "security group"),
    ):
        for resource in params.get("Resources") or []:
            if resource.startswith(prefix) and resource not in known:
                refuse(code, f"The {name} ID '{resource}' does not exist")


def refuse_unknown_profile(response: Any, profile: dict[str, Any], code: str, lead: str) -> None:
    """An instance profile that does not exist, or not long enough (aws-facts 40)."""
    from moto.core.utils import utcnow
    from moto.iam.models import iam_backends

    name = profile.get("Name") or profile.get("Arn", "").rsplit("/", 1)[-1]
    if not name:
        return
    backend = iam_backends[response.current_account]["global" if "global" in iam_backends[response.current_account] else "aws"]
    found = next((p for p in backend.instance_profiles.values() if p.name == name), None)
    young = found and (utcnow() - found.create_date).total_seconds() < world.delay("instance-profile")
    if found is None or young:
        field = "name" if profile.get("Name") else "arn"
        refuse(
            code,
            f"{lead}Value ({profile.get('Name') or profile.get('Arn')}) for parameter iamInstanceProfile.{field} "
            "is invalid. Invalid IAM Instance Profile name",
        )

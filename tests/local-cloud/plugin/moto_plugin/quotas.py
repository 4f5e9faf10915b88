"""Service quotas: what creates are refused beyond, and what GetServiceQuota says, from the same numbers (aws-facts 38, 65)."""

import json
from typing import Any

from . import world
from .calls import before, refuse

#: How many there may be in the Region (NAT gateways: in a zone); None switches a limit off.
#: `POST /moto-api/windlass/quotas` changes them.
QUOTAS: dict[str, int | None] = dict.fromkeys(
    ("elastic-ips", "internet-gateways", "load-balancers", "nat-gateways", "spot-vcpus", "vcpus", "vpcs")
)

#: What GetServiceQuota answers for a limit that is switched off. AWS always has a number.
UNLIMITED = 1_000_000

#: Service code and quota code, the limit, and AWS's name of it.
_TOLD: dict[tuple[str, str], tuple[str | None, str]] = {
    ("ec2", "L-0263D0A3"): ("elastic-ips", "EC2-VPC Elastic IPs"),
    ("ec2", "L-1216C47A"): ("vcpus", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"),
    ("ec2", "L-74FC7D96"): (None, "Running On-Demand F instances"),
    ("ec2", "L-DB2E81BA"): (None, "Running On-Demand G and VT instances"),
    ("ec2", "L-417A185B"): (None, "Running On-Demand P instances"),
    ("ec2", "L-1945791B"): (None, "Running On-Demand Inf instances"),
    ("ec2", "L-2C3B7624"): (None, "Running On-Demand Trn instances"),
    ("ec2", "L-6E869C2A"): (None, "Running On-Demand DL instances"),
    ("ec2", "L-F7808C92"): (None, "Running On-Demand HPC instances"),
    ("ec2", "L-43DA4232"): (None, "Running On-Demand High Memory instances"),
    ("ec2", "L-7295265B"): (None, "Running On-Demand X instances"),
    ("ec2", "L-34B43A08"): ("spot-vcpus", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
    ("ec2", "L-88CF9481"): (None, "All F Spot Instance Requests"),
    ("ec2", "L-3819A6DF"): (None, "All G and VT Spot Instance Requests"),
    ("ec2", "L-B5D1601B"): (None, "All Inf Spot Instance Requests"),
    ("ec2", "L-85EED4F7"): (None, "All DL Spot Instance Requests"),
    ("ec2", "L-E3A00192"): (None, "All X Spot Instance Requests"),
    ("elasticloadbalancing", "L-53DA6B97"): ("load-balancers", "Application Load Balancers per Region"),
    ("vpc", "L-A4707A72"): ("internet-gateways", "Internet gateways per Region"),
    ("vpc", "L-F678F1CE"): ("vpcs", "VPCs per Region"),
    ("vpc", "L-FE5A380F"): ("nat-gateways", "NAT gateways per Availability Zone"),
}


def apply() -> None:
    world.on_reset(lambda: QUOTAS.update(dict.fromkeys(QUOTAS)))


def configure(limits: dict[str, int | None]) -> dict[str, int | None]:
    if unknown := set(limits) - set(QUOTAS):
        raise ValueError(f"unknown quotas {sorted(unknown)}; known are {sorted(QUOTAS)}")
    QUOTAS.update(limits)
    return QUOTAS


@before("service-quotas", "GetServiceQuota")
def _quota_as_it_applies(response: Any, _backend: Any, _params: dict[str, Any]) -> str:
    request = json.loads(response.body)
    service, code = request["ServiceCode"], request["QuotaCode"]
    if (service, code) not in _TOLD:
        refuse("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
    limit, name = _TOLD[service, code]
    value = QUOTAS[limit] if limit else None
    return json.dumps(
        {
            "Quota": {
                "ServiceCode": service,
                "QuotaArn": f"arn:aws:servicequotas:{response.region}:{response.current_account}:{service}/{code}",
                "QuotaCode": code,
                "QuotaName": name,
                "Value": float(UNLIMITED if value is None else value),
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
            }
        }
    )


def _refuse_beyond(name: str, used: int, code: str, what: str) -> None:
    limit = QUOTAS[name]
    if limit is not None and used >= limit:
        refuse(code, f"The maximum number of {what} has been reached.")


@before("ec2", "AllocateAddress")
def _addresses(_response: Any, backend: Any, _params: dict[str, Any]) -> None:
    _refuse_beyond("elastic-ips", len(backend.addresses), "AddressLimitExceeded", "addresses")


@before("ec2", "CreateVpc")
def _vpcs(_response: Any, backend: Any, _params: dict[str, Any]) -> None:
    _refuse_beyond("vpcs", len(backend.vpcs), "VpcLimitExceeded", "VPCs")


@before("ec2", "CreateInternetGateway")
def _internet_gateways(_response: Any, backend: Any, _params: dict[str, Any]) -> None:
    used = len(backend.internet_gateways)
    _refuse_beyond("internet-gateways", used, "InternetGatewayLimitExceeded", "internet gateways")


@before("ec2", "CreateNatGateway")
def _nat_gateways(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    zone_of = {subnet: zone for zone, subnets in backend.subnets.items() for subnet in subnets}
    zone = zone_of.get(params["SubnetId"])
    active = (g for g in backend.nat_gateways.values() if g.state in ("pending", "available", "deleting"))
    used = sum(zone_of.get(g.subnet_id) == zone for g in active)
    _refuse_beyond("nat-gateways", used, "NatGatewayLimitExceeded", "NAT gateways")


@before("elbv2", "CreateLoadBalancer")
def _load_balancers(_response: Any, backend: Any, params: dict[str, Any]) -> None:
    others = [b for b in backend.load_balancers.values() if b.type == "application" and b.name != params.get("Name")]
    known = any(b.name == params.get("Name") for b in backend.load_balancers.values())
    if not known and params.get("Type", "application") == "application":
        _refuse_beyond("load-balancers", len(others), "TooManyLoadBalancers", "load balancers")

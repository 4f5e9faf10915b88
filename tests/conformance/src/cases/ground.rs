//! What several cases need before they can ask anything.

use windlass_calls::ec2::{
    AllocateAddress, AttachInternetGateway, CreateInternetGateway, CreateSecurityGroup, CreateSubnet,
    CreateVpc, DescribeAvailabilityZones, SecurityGroup, Subnet, Vpc,
};
use windlass_calls::elb::{CreateLoadBalancer, CreateTargetGroup, HealthCheck, LoadBalancer, TargetGroup};
use windlass_engine::Port;

use crate::check::Mismatch;
use crate::place::Place;

/// Ids of the right form that name nothing.
pub(super) const NO_VPC: &str = "vpc-0123456789abcdef0";
pub(super) const NO_SUBNET: &str = "subnet-0123456789abcdef0";
pub(super) const NO_GATEWAY: &str = "igw-0123456789abcdef0";
pub(super) const NO_NAT: &str = "nat-0123456789abcdef0";
pub(super) const NO_ALLOCATION: &str = "eipalloc-0123456789abcdef0";
pub(super) const NO_TABLE: &str = "rtb-0123456789abcdef0";
pub(super) const NO_GROUP: &str = "sg-0123456789abcdef0";
pub(super) const NO_TEMPLATE: &str = "lt-0123456789abcdef0";
pub(super) const NO_INSTANCE: &str = "i-0123456789abcdef0";
pub(super) const NO_ENDPOINT: &str = "vpce-0123456789abcdef0";
pub(super) const NO_ASSOCIATION: &str = "rtbassoc-0123456789abcdef0";
pub(super) const NO_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:windlass-none";
pub(super) const NO_BALANCER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/none/0123456789abcdef";
pub(super) const NO_TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/none/0123456789abcdef";
pub(super) const NO_RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/none/0123456789abcdef/0123456789abcdef/0123456789abcdef";
pub(super) const NO_LISTENER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/none/0123456789abcdef/0123456789abcdef";

/// A case's own VPC, 10.0.0.0/16.
pub(super) async fn vpc<P: Port>(place: &Place<P>, case: &str) -> Result<Vpc, Mismatch> {
    let tags = place.tags(case);
    let cidr = "10.0.0.0/16".into();
    place.call(CreateVpc { cidr, tags }).await
}

/// The name of a zone.
pub(super) async fn zone<P: Port>(place: &Place<P>, index: usize) -> Result<String, Mismatch> {
    let zones = place.call(DescribeAvailabilityZones {}).await?;
    let zone = zones.into_iter().nth(index);
    zone.map(|zone| zone.name)
        .ok_or_else(|| Mismatch::new(format!("there is no zone number {index}")))
}

/// A subnet 10.0.INDEX.0/24 in zone number INDEX.
pub(super) async fn subnet<P: Port>(
    place: &Place<P>,
    case: &str,
    vpc: &Vpc,
    index: usize,
) -> Result<Subnet, Mismatch> {
    let call = CreateSubnet {
        vpc: vpc.id.clone(),
        cidr: format!("10.0.{index}.0/24"),
        zone: zone(place, index).await?,
        tags: place.tags(case),
    };
    place.call(call).await
}

/// An internet gateway attached to the VPC; its id.
pub(super) async fn gateway<P: Port>(place: &Place<P>, case: &str, vpc: &Vpc) -> Result<String, Mismatch> {
    let tags = place.tags(case);
    let gateway = place.call(CreateInternetGateway { tags }).await?.id;
    let call = AttachInternetGateway {
        internet_gateway: gateway.clone(),
        vpc: vpc.id.clone(),
    };
    place.call(call).await?;
    Ok(gateway)
}

/// An elastic IP address; its allocation id.
pub(super) async fn address<P: Port>(place: &Place<P>, case: &str) -> Result<String, Mismatch> {
    let tags = place.tags(case);
    Ok(place.call(AllocateAddress { tags }).await?.allocation)
}

/// A request for a security group named after its case.
pub(super) fn group_request<P: Port>(place: &Place<P>, case: &str, vpc: &str) -> CreateSecurityGroup {
    CreateSecurityGroup {
        name: place.name(case),
        description: "Conformance".into(),
        vpc: vpc.into(),
        tags: place.tags(case),
    }
}

/// A security group in a VPC of its own.
pub(super) async fn group<P: Port>(place: &Place<P>, case: &str) -> Result<SecurityGroup, Mismatch> {
    let vpc = vpc(place, case).await?;
    place.call(group_request(place, case, &vpc.id)).await
}

/// A request for an internal load balancer in two zones of a VPC of its own.
pub(super) async fn balancer_request<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<(Vpc, CreateLoadBalancer), Mismatch> {
    let vpc = vpc(place, case).await?;
    let subnets = vec![
        subnet(place, case, &vpc, 0).await?.id,
        subnet(place, case, &vpc, 1).await?.id,
    ];
    let group = place.call(group_request(place, case, &vpc.id)).await?;
    let request = CreateLoadBalancer {
        name: place.name(case),
        scheme: "internal".into(),
        subnets,
        security_groups: vec![group.id],
        tags: place.tags(case),
    };
    Ok((vpc, request))
}

/// An internal load balancer in a VPC of its own.
pub(super) async fn balancer<P: Port>(place: &Place<P>, case: &str) -> Result<(Vpc, LoadBalancer), Mismatch> {
    let (vpc, request) = balancer_request(place, case).await?;
    Ok((vpc, place.call(request).await?))
}

/// A request for a target group named after its case.
pub(super) fn target_group_request<P: Port>(place: &Place<P>, case: &str, vpc: &str) -> CreateTargetGroup {
    CreateTargetGroup {
        name: place.name(case),
        vpc: vpc.into(),
        port: 8080,
        health_check: HealthCheck {
            path: "/healthz".into(),
            interval: 10,
            timeout: 4,
            healthy: 3,
            unhealthy: 2,
            codes: "200-299".into(),
        },
        tags: place.tags(case),
    }
}

/// A target group.
pub(super) async fn target_group<P: Port>(
    place: &Place<P>,
    case: &str,
    vpc: &Vpc,
) -> Result<TargetGroup, Mismatch> {
    place.call(target_group_request(place, case, &vpc.id)).await
}

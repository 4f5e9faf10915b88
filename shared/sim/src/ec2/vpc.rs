//! VPCs: available at once, without DNS host names, five per Region (rule 38).

use ipnet::Ipv4Net;
use windlass_calls::Tags;
use windlass_calls::ec2::{
    CreateVpc, DeleteVpc, DescribeVpcAttribute, DescribeVpcs, DnsHostnames, ModifyVpcAttribute, Vpc,
};

use super::filter::{Filtered, select};
use super::{needed, not_found};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

/// Prefix lengths AWS takes for VPCs and subnets.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=28;

/// A VPC with what describes do not show.
#[derive(Debug, Clone)]
pub(crate) struct OwnedVpc {
    pub(crate) shown: Vpc,
    pub(super) dns_hostnames: bool,
}

impl Filtered for OwnedVpc {
    const FILTERS: &'static [&'static str] = &["vpc-id"];
    fn tags(&self) -> &Tags {
        &self.shown.tags
    }
    fn value(&self, _: &str) -> Option<&str> {
        Some(&self.shown.id)
    }
}

impl World {
    pub(super) fn describe_vpcs(&mut self, call: &DescribeVpcs) -> Answer<Vec<Vpc>> {
        let found = select(&self.ec2.vpcs, self.clock, &call.filters)?;
        Ok(found.map(|vpc| vpc.shown.clone()).collect())
    }

    pub(super) fn describe_vpc_attribute(&mut self, call: &DescribeVpcAttribute) -> Answer<DnsHostnames> {
        let vpc = self.ec2.vpcs.shown(&call.vpc, self.clock);
        let vpc = vpc.ok_or_else(|| no_vpc(&call.vpc))?;
        Ok(DnsHostnames {
            vpc: call.vpc.clone(),
            enabled: vpc.dns_hostnames,
        })
    }

    pub(super) fn create_vpc(&mut self, call: &CreateVpc) -> Answer<Vpc> {
        let range = range(&call.cidr, "InvalidVpc.Range")?;
        if self.ec2.vpcs.len() >= self.config.vpc_quota {
            return Err(refused(
                "VpcLimitExceeded",
                "The maximum number of VPCs has been reached.",
            ));
        }
        let id = self.next_id("vpc");
        let shown = Vpc {
            id: id.clone(),
            cidr: range.to_string(),
            state: "available".into(),
            tags: call.tags.clone(),
        };
        let vpc = OwnedVpc {
            shown: shown.clone(),
            dns_hostnames: false,
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.vpcs.insert(&id, visible_from, vpc);
        Ok(shown)
    }

    pub(super) fn modify_vpc_attribute(&mut self, call: &ModifyVpcAttribute) -> Answer<()> {
        let vpc = self.ec2.vpcs.seen_mut(&call.vpc, self.clock);
        let vpc = vpc.ok_or_else(|| no_vpc(&call.vpc))?;
        vpc.dns_hostnames = call.dns_hostnames;
        Ok(())
    }

    pub(super) fn delete_vpc(&mut self, call: &DeleteVpc) -> Answer<()> {
        let id = &call.vpc;
        self.named_vpc(id)?;
        if !self.is_empty(id) {
            return Err(needed("vpc", id));
        }
        let gone_from = self.gone_from(id);
        self.ec2.vpcs.bury(id, self.clock, gone_from);
        Ok(())
    }

    /// Whether nothing is left in a VPC but what AWS made with it.
    fn is_empty(&self, vpc: &str) -> bool {
        let ec2 = &self.ec2;
        let mut endpoints = ec2.endpoints.all();
        self.attached_gateway(vpc).is_none()
            && !ec2.subnets.all().any(|it| it.vpc == vpc)
            && !ec2.route_tables.all().any(|it| it.vpc == vpc)
            && !ec2.security_groups.all().any(|it| it.vpc == vpc)
            && !endpoints.any(|it| it.shown.vpc == vpc && !it.is_gone(self.clock))
            && !self.interfaces().any(|it| it.vpc == vpc)
    }
}

pub(super) fn no_vpc(id: &str) -> Refusal {
    not_found("InvalidVpcID.NotFound", "vpc", id)
}

/// An address range as AWS keeps it, without host bits.
///
/// # Errors
/// It is no IPv4 range, or its size is not one AWS takes.
pub(super) fn range(cidr: &str, size_error: &'static str) -> Answer<Ipv4Net> {
    let parsed: Ipv4Net = cidr.parse().map_err(|_| not_a_range(cidr))?;
    if !PREFIXES.contains(&parsed.prefix_len()) {
        return Err(refused(size_error, format!("The CIDR '{cidr}' is invalid.")));
    }
    Ok(parsed.trunc())
}

fn not_a_range(cidr: &str) -> Refusal {
    refused(
        "InvalidParameterValue",
        format!("Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block."),
    )
}

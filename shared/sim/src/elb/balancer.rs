//! Application load balancers: provisioning, then active (rule 41).

use std::collections::BTreeSet;

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::Subnet;
use windlass_calls::elb::{CreateLoadBalancer, DescribeLoadBalancers, LoadBalancer};

use super::{attributes, check_name, no_balancer};
use crate::refusal::{Answer, refused};
use crate::time::after;
use crate::world::World;

/// Smallest subnet a load balancer takes: /27 (rule 41).
const LONGEST_PREFIX: u8 = 27;

/// A load balancer with its course.
#[derive(Debug, Clone)]
pub(crate) struct OwnedBalancer {
    /// As it was created: provisioning.
    shown: LoadBalancer,
    pub(crate) tags: Tags,
    pub(super) attributes: Tags,
    request: CreateLoadBalancer,
    pub(super) active_from: Timestamp,
}

impl OwnedBalancer {
    pub(crate) fn arn(&self) -> &str {
        &self.shown.arn
    }

    pub(super) fn vpc(&self) -> &str {
        &self.shown.vpc
    }

    fn at(&self, now: Timestamp) -> LoadBalancer {
        let state = if now < self.active_from {
            "provisioning"
        } else {
            "active"
        };
        LoadBalancer {
            state: state.into(),
            ..self.shown.clone()
        }
    }
}

impl World {
    pub(super) fn describe_load_balancers(
        &mut self,
        call: &DescribeLoadBalancers,
    ) -> Answer<Vec<LoadBalancer>> {
        let named = |balancer: &&OwnedBalancer| {
            let name = call.name.as_ref();
            name.is_none_or(|name| balancer.shown.name == *name)
        };
        let visible = self.elb.balancers.visible(self.clock).filter(named);
        let found: Vec<_> = visible.map(|balancer| balancer.at(self.clock)).collect();
        match &call.name {
            Some(name) if found.is_empty() => Err(no_balancer(name)),
            _ => Ok(found),
        }
    }

    pub(super) fn create_load_balancer(&mut self, call: &CreateLoadBalancer) -> Answer<LoadBalancer> {
        check_name("load balancer", &call.name)?;
        if let Some(first) = self
            .elb
            .balancers
            .all()
            .find(|balancer| balancer.shown.name == call.name)
        {
            if first.request == *call {
                return Ok(first.at(self.clock));
            }
            let message = format!(
                "A load balancer with the same name '{}' exists, but with different settings",
                call.name
            );
            return Err(refused("DuplicateLoadBalancerName", message));
        }
        if self.elb.balancers.len() >= self.config.load_balancer_quota {
            let message = "The maximum number of load balancers has been reached";
            return Err(refused("TooManyLoadBalancers", message));
        }
        let vpc = self.check_subnets(call)?;
        self.check_groups(call, &vpc)?;
        Ok(self.insert_balancer(call, vpc))
    }

    fn insert_balancer(&mut self, call: &CreateLoadBalancer, vpc: String) -> LoadBalancer {
        let number = self.next_number("loadbalancer");
        let arn = self.arn(
            "elasticloadbalancing",
            &format!("loadbalancer/app/{}/{number:016x}", call.name),
        );
        let shown = LoadBalancer {
            arn: arn.clone(),
            name: call.name.clone(),
            dns_name: format!("{}-{number}.{}.elb.amazonaws.com", call.name, self.config.region),
            scheme: call.scheme.clone(),
            vpc,
            state: "provisioning".into(),
            state_reason: None,
            subnets: call.subnets.clone(),
            security_groups: call.security_groups.clone(),
        };
        let balancer = OwnedBalancer {
            shown: shown.clone(),
            tags: call.tags.clone(),
            attributes: attributes::of_new_balancer(),
            request: call.clone(),
            active_from: after(self.clock, self.config.load_balancer_delay),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.balancers.insert(&arn, visible_from, balancer);
        shown
    }

    /// The VPC of the subnets: two zones or more, one subnet in each, large enough, and with an internet gateway for a
    /// load balancer that faces the internet (rule 41).
    fn check_subnets(&self, call: &CreateLoadBalancer) -> Answer<String> {
        let named = call.subnets.iter().map(|id| {
            let subnet = self.ec2.subnets.seen(id, self.clock);
            subnet.ok_or_else(|| refused("SubnetNotFound", format!("The subnet ID '{id}' is not valid")))
        });
        let subnets: Vec<&Subnet> = named.collect::<Answer<_>>()?;
        let zones: BTreeSet<_> = subnets.iter().map(|subnet| &subnet.zone).collect();
        if zones.len() < 2 {
            let message = "At least two subnets in two different Availability Zones must be specified";
            return Err(refused("ValidationError", message));
        }
        if zones.len() < subnets.len() {
            let message =
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(refused("InvalidConfigurationRequest", message));
        }
        let vpcs: BTreeSet<_> = subnets.iter().map(|subnet| subnet.vpc.as_str()).collect();
        let (1, Some(vpc)) = (vpcs.len(), vpcs.first()) else {
            return Err(refused(
                "InvalidConfigurationRequest",
                "All subnets must belong to the same VPC",
            ));
        };
        if let Some(small) = subnets.iter().find(|subnet| is_small(&subnet.cidr)) {
            let message = format!(
                "Not enough IP space available in {}. ELB requires at least 8 free IP addresses in each subnet.",
                small.id
            );
            return Err(refused("InvalidSubnet", message));
        }
        match call.scheme.as_str() {
            "internet-facing" if self.attached_gateway(vpc).is_none() => Err(refused(
                "InvalidSubnet",
                format!("VPC {vpc} has no internet gateway"),
            )),
            "internet-facing" | "internal" => Ok((*vpc).to_owned()),
            other => Err(refused(
                "InvalidScheme",
                format!("The scheme '{other}' is not valid"),
            )),
        }
    }

    fn check_groups(&self, call: &CreateLoadBalancer, vpc: &str) -> Answer<()> {
        for id in &call.security_groups {
            let group = self.ec2.security_groups.seen(id, self.clock);
            if group.is_none_or(|group| group.vpc != vpc) {
                let message = format!("One or more security groups are invalid: {id}");
                return Err(refused("InvalidSecurityGroup", message));
            }
        }
        Ok(())
    }
}

fn is_small(cidr: &str) -> bool {
    cidr.parse()
        .is_ok_and(|range: ipnet::Ipv4Net| range.prefix_len() > LONGEST_PREFIX)
}

//! Application load balancers: provisioning, then active (rule 41). Where they were they leave their network interfaces
//! for a while (rule 51).

use std::collections::BTreeSet;

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::ec2::Subnet;
use windlass_calls::elb::{
    CreateLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancers, LoadBalancer, SetSubnets,
};

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
    pub(super) active_from: Timestamp,
}

/// Subnets that a load balancer left, and until when its network interfaces stay there.
#[derive(Debug, Clone)]
pub(super) struct Leaving {
    balancer: LoadBalancer,
    until: Timestamp,
}

/// What a load balancer has to do with the network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Face<'a> {
    /// `app/web/0000000000000001`.
    pub(crate) name: &'a str,
    pub(crate) vpc: &'a str,
    pub(crate) subnets: &'a [String],
    pub(crate) security_groups: &'a [String],
    /// It has public addresses.
    pub(crate) public: bool,
}

impl<'a> Face<'a> {
    fn of(balancer: &'a LoadBalancer) -> Self {
        let name = balancer.arn.split_once(":loadbalancer/");
        Self {
            name: name.map_or(balancer.name.as_str(), |(_, name)| name),
            vpc: &balancer.vpc,
            subnets: &balancer.subnets,
            security_groups: &balancer.security_groups,
            public: balancer.scheme == "internet-facing",
        }
    }
}

impl OwnedBalancer {
    /// Whether it is what a call would make.
    fn is(&self, call: &CreateLoadBalancer) -> bool {
        let set = |ids: &[String]| -> BTreeSet<String> { ids.iter().cloned().collect() };
        self.shown.scheme == call.scheme
            && set(&self.shown.subnets) == set(&call.subnets)
            && set(&self.shown.security_groups) == set(&call.security_groups)
            && self.tags == call.tags
    }

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
            if first.is(call) {
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
        let vpc = self.check_subnets(&call.subnets, &call.scheme)?;
        self.check_groups(call, &vpc)?;
        Ok(self.insert_balancer(call, vpc))
    }

    /// Its state stays.
    pub(super) fn set_subnets(&mut self, call: &SetSubnets) -> Answer<()> {
        let arn = &call.load_balancer;
        let balancer = self.named_balancer(arn)?.shown.clone();
        if self.check_subnets(&call.subnets, &balancer.scheme)? != balancer.vpc {
            let message = "The subnets must belong to the VPC of the load balancer";
            return Err(refused("InvalidConfigurationRequest", message));
        }
        let left = balancer.subnets.iter().filter(|id| !call.subnets.contains(id));
        let subnets = left.cloned().collect();
        self.leave(LoadBalancer { subnets, ..balancer });
        if let Some(balancer) = self.elb.balancers.get_mut(arn) {
            balancer.shown.subnets.clone_from(&call.subnets);
        }
        Ok(())
    }

    /// Its listeners and their rules go with it. One that is not there is no error.
    pub(super) fn delete_load_balancer(&mut self, call: &DeleteLoadBalancer) -> Answer<()> {
        let arn = &call.load_balancer;
        let Some(balancer) = self.elb.balancers.get(arn) else {
            return Ok(());
        };
        if balancer
            .attributes
            .get(attributes::PROTECTED)
            .is_some_and(|it| it == "true")
        {
            let message =
                format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return Err(refused("OperationNotPermitted", message));
        }
        let shown = balancer.shown.clone();
        self.leave(shown);
        for listener in self.listeners_of(arn) {
            self.bury_listener(&listener);
        }
        let gone_from = self.gone_from(arn);
        self.elb.balancers.bury(arn, self.clock, gone_from);
        Ok(())
    }

    fn leave(&mut self, balancer: LoadBalancer) {
        let now = self.clock;
        let until = after(now, self.config.interface_delay);
        self.elb.leaving.retain(|left| now < left.until);
        self.elb.leaving.push(Leaving { balancer, until });
    }

    /// Load balancers as the network sees them: those there are, and those that left.
    pub(crate) fn faces(&self) -> impl Iterator<Item = Face<'_>> {
        let left = self.elb.leaving.iter().filter(|left| self.clock < left.until);
        let present = self.elb.balancers.all().map(|balancer| &balancer.shown);
        present.chain(left.map(|left| &left.balancer)).map(Face::of)
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
            active_from: after(self.clock, self.config.load_balancer_delay),
        };
        let visible_from = self.elb_visible_from(&arn);
        self.elb.balancers.insert(&arn, visible_from, balancer);
        shown
    }

    /// The VPC of the subnets: two zones or more, one subnet in each, large enough, and with an internet gateway for a
    /// load balancer that faces the internet (rule 41).
    fn check_subnets(&self, subnets: &[String], scheme: &str) -> Answer<String> {
        let named = subnets.iter().map(|id| {
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
        match scheme {
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

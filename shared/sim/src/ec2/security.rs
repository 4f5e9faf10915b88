//! Security groups: names unique in their VPC (rule 36), one rule each way per port range and peer, referenced groups
//! of the same VPC.

use windlass_calls::Tags;
use windlass_calls::ec2::{
    AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress, CreateSecurityGroup, DeleteSecurityGroup,
    DescribeSecurityGroups, Peer, RevokeSecurityGroupEgress, RevokeSecurityGroupIngress, Rule, SecurityGroup,
};

use super::filter::{Filtered, select};
use super::not_found;
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

impl Filtered for SecurityGroup {
    const FILTERS: &'static [&'static str] = &["group-name", "vpc-id"];
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn value(&self, filter: &str) -> Option<&str> {
        match filter {
            "group-name" => Some(&self.name),
            _ => Some(&self.vpc),
        }
    }
}

impl World {
    pub(super) fn describe_security_groups(
        &mut self,
        call: &DescribeSecurityGroups,
    ) -> Answer<Vec<SecurityGroup>> {
        Ok(select(&self.ec2.security_groups, self.clock, &call.filters)?
            .cloned()
            .collect())
    }

    pub(super) fn create_security_group(&mut self, call: &CreateSecurityGroup) -> Answer<SecurityGroup> {
        self.named_vpc(&call.vpc)?;
        if call.name.starts_with("sg-") {
            let message = format!(
                "Value ({}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
                call.name
            );
            return Err(refused("InvalidParameterValue", message));
        }
        if self
            .ec2
            .security_groups
            .all()
            .any(|group| group.vpc == call.vpc && group.name == call.name)
        {
            let message = format!(
                "The security group '{}' already exists for VPC '{}'",
                call.name, call.vpc
            );
            return Err(refused("InvalidGroup.Duplicate", message));
        }
        let id = self.next_id("sg");
        let group = SecurityGroup {
            id: id.clone(),
            name: call.name.clone(),
            vpc: call.vpc.clone(),
            ingress: Vec::new(),
            egress: vec![Rule::everything()],
            tags: call.tags.clone(),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.security_groups.insert(&id, visible_from, group.clone());
        Ok(group)
    }

    pub(super) fn authorize_ingress(&mut self, call: &AuthorizeSecurityGroupIngress) -> Answer<()> {
        self.check_peer(&call.group, &call.rule)?;
        add(&mut self.named_group_mut(&call.group)?.ingress, &call.rule)
    }

    pub(super) fn authorize_egress(&mut self, call: &AuthorizeSecurityGroupEgress) -> Answer<()> {
        self.check_peer(&call.group, &call.rule)?;
        add(&mut self.named_group_mut(&call.group)?.egress, &call.rule)
    }

    pub(super) fn revoke_ingress(&mut self, call: &RevokeSecurityGroupIngress) -> Answer<()> {
        take(&mut self.named_group_mut(&call.group)?.ingress, &call.rule)
    }

    pub(super) fn revoke_egress(&mut self, call: &RevokeSecurityGroupEgress) -> Answer<()> {
        take(&mut self.named_group_mut(&call.group)?.egress, &call.rule)
    }

    /// A launch template that names the group is no dependency; what is launched from it is.
    pub(super) fn delete_security_group(&mut self, call: &DeleteSecurityGroup) -> Answer<()> {
        let id = &call.group;
        self.named_group(id)?;
        if self.is_group_in_use(id) {
            let message = format!("resource {id} has a dependent object");
            return Err(refused("DependencyViolation", message));
        }
        let gone_from = self.gone_from(id);
        self.ec2.security_groups.bury(id, self.clock, gone_from);
        Ok(())
    }

    fn is_group_in_use(&self, id: &str) -> bool {
        let mut groups = self.ec2.security_groups.all();
        let uses = |groups: &[String]| groups.iter().any(|group| group == id);
        groups.any(|group| group.id != id && names(group, id))
            || self
                .interfaces()
                .any(|interface| uses(&interface.security_groups))
    }

    fn check_peer(&self, group: &str, rule: &Rule) -> Answer<()> {
        match &rule.peer {
            Peer::Cidr(cidr) => cidr
                .parse::<ipnet::Ipv4Net>()
                .map(|_| ())
                .map_err(|_| refused("InvalidParameterValue", format!("CIDR block {cidr} is malformed"))),
            Peer::Group(peer) => {
                let vpc = &self.named_group(group)?.vpc;
                if self.named_group(peer)?.vpc == *vpc {
                    return Ok(());
                }
                let message = "You have specified two resources that belong to different networks.";
                Err(refused("InvalidGroup.NotFound", message))
            }
        }
    }

    fn named_group(&self, id: &str) -> Answer<&SecurityGroup> {
        self.ec2
            .security_groups
            .seen(id, self.clock)
            .ok_or_else(|| no_group(id))
    }

    fn named_group_mut(&mut self, id: &str) -> Answer<&mut SecurityGroup> {
        self.ec2
            .security_groups
            .seen_mut(id, self.clock)
            .ok_or_else(|| no_group(id))
    }
}

fn no_group(id: &str) -> Refusal {
    not_found("InvalidGroup.NotFound", "security group", id)
}

fn add(rules: &mut Vec<Rule>, rule: &Rule) -> Answer<()> {
    if rules.contains(rule) {
        return Err(refused(
            "InvalidPermission.Duplicate",
            format!("the specified rule \"{rule:?}\" already exists"),
        ));
    }
    rules.push(rule.clone());
    Ok(())
}

fn take(rules: &mut Vec<Rule>, rule: &Rule) -> Answer<()> {
    let found = rules.iter().position(|present| present == rule).ok_or_else(|| {
        refused(
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        )
    })?;
    rules.remove(found);
    Ok(())
}

/// Whether a rule of the group names another one.
fn names(group: &SecurityGroup, other: &str) -> bool {
    let mut rules = group.ingress.iter().chain(&group.egress);
    rules.any(|rule| matches!(&rule.peer, Peer::Group(peer) if peer == other))
}

//! Security groups and their rules.

use windlass_calls::Class;
use windlass_calls::ec2::{
    AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupIngress, CreateSecurityGroup, DeleteSecurityGroup,
    DescribeSecurityGroups, Peer, RevokeSecurityGroupEgress, RevokeSecurityGroupIngress, Rule, SecurityGroup,
};
use windlass_engine::Port;

use super::ground::{NO_GROUP, NO_VPC, balancer_request, group, group_request, vpc};
use crate::check::{Check, Mismatch, different, only, same};
use crate::place::Place;

pub(super) async fn a_new_security_group_lets_everything_out_and_nothing_in<P: Port>(
    place: &Place<P>,
) -> Check {
    let made = group(place, "group").await?;
    let shown = described(place, "group").await?;
    same("id", shown.id, made.id)?;
    same("name", shown.name, place.name("group"))?;
    same("VPC", shown.vpc, made.vpc)?;
    same("inbound", shown.ingress, Vec::new())?;
    same("outbound", shown.egress, vec![Rule::everything()])?;
    same("tags", shown.tags, place.tags("group"))
}

pub(super) async fn a_security_group_name_is_free_in_another_vpc<P: Port>(place: &Place<P>) -> Check {
    let first = group(place, "group-twice").await?;
    let second = group(place, "group-twice").await?;
    different("id", first.id, second.id)
}

pub(super) async fn a_repeated_security_group_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let made = group(place, "group-again").await?;
    let call = group_request(place, "group-again", &made.vpc);
    place.refuses(call, Class::Exists, "InvalidGroup.Duplicate").await
}

pub(super) async fn a_security_group_in_a_missing_vpc_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = group_request(place, "group-no-vpc", NO_VPC);
    place.refuses(call, Class::Gone, "InvalidVpcID.NotFound").await
}

pub(super) async fn a_security_group_name_like_an_id_is_refused<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "group-name").await?;
    let call = CreateSecurityGroup {
        name: format!("sg-{}", place.run),
        ..group_request(place, "group-name", &vpc.id)
    };
    place
        .refuses(call, Class::Terminal, "InvalidParameterValue")
        .await
}

pub(super) async fn inbound_rules_read_back_one_per_peer<P: Port>(place: &Place<P>) -> Check {
    let balancer = group(place, "rules").await?;
    let instance = group_request(place, "rules-peer", &balancer.vpc);
    let instance = place.call(instance).await?;
    let rules = [
        Rule::tcp(80, range("192.0.2.0/24")),
        Rule::tcp(80, range("198.51.100.0/24")),
        Rule::tcp(443, Peer::Group(balancer.id)),
    ];
    for rule in rules.clone() {
        place.call(ingress(&instance.id, rule)).await?;
    }
    let mut shown = described(place, "rules-peer").await?.ingress;
    shown.sort();
    same("inbound", shown, rules.into())
}

pub(super) async fn a_repeated_inbound_rule_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "rule-twice").await?;
    let call = ingress(&group.id, Rule::tcp(80, range("0.0.0.0/0")));
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Exists, "InvalidPermission.Duplicate")
        .await
}

pub(super) async fn an_inbound_rule_of_a_missing_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = ingress(NO_GROUP, Rule::tcp(80, range("0.0.0.0/0")));
    place.refuses(call, Class::Gone, "InvalidGroup.NotFound").await
}

pub(super) async fn an_inbound_rule_from_a_missing_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "rule-no-peer").await?;
    let call = ingress(&group.id, Rule::tcp(80, Peer::Group(NO_GROUP.into())));
    place.refuses(call, Class::Gone, "InvalidGroup.NotFound").await
}

pub(super) async fn an_outbound_rule_reads_back_beside_the_first<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "out").await?;
    let rule = Rule::tcp(443, range("192.0.2.0/24"));
    place.call(egress(&group.id, rule.clone())).await?;
    let mut shown = described(place, "out").await?.egress;
    shown.sort();
    same("outbound", shown, vec![Rule::everything(), rule])
}

pub(super) async fn a_repeated_outbound_rule_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "out-twice").await?;
    let call = egress(&group.id, Rule::everything());
    place
        .refuses(call, Class::Exists, "InvalidPermission.Duplicate")
        .await
}

pub(super) async fn an_outbound_rule_of_a_missing_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = egress(NO_GROUP, Rule::tcp(443, range("0.0.0.0/0")));
    place.refuses(call, Class::Gone, "InvalidGroup.NotFound").await
}

pub(super) async fn a_group_can_lose_the_outbound_rule_that_aws_gave_it<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "revoke").await?;
    place.call(revoke(&group.id)).await?;
    same("outbound", described(place, "revoke").await?.egress, Vec::new())
}

pub(super) async fn a_repeated_revocation_answers_that_the_rule_is_gone<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "revoke-twice").await?;
    place.call(revoke(&group.id)).await?;
    place
        .refuses(revoke(&group.id), Class::Gone, "InvalidPermission.NotFound")
        .await
}

pub(super) async fn revoking_from_a_missing_group_is_refused<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(revoke(NO_GROUP), Class::Gone, "InvalidGroup.NotFound")
        .await
}

pub(super) async fn a_revoked_inbound_rule_leaves_the_others<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "in-revoke").await?;
    let [first, second] = ["192.0.2.0/24", "198.51.100.0/24"].map(|cidr| Rule::tcp(80, range(cidr)));
    for rule in [first.clone(), second.clone()] {
        place.call(ingress(&group.id, rule)).await?;
    }
    place.call(shut(&group.id, first)).await?;
    same(
        "inbound",
        described(place, "in-revoke").await?.ingress,
        vec![second],
    )
}

pub(super) async fn a_repeated_inbound_revocation_answers_that_the_rule_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    let group = group(place, "in-revoke-twice").await?;
    let rule = Rule::tcp(80, range("192.0.2.0/24"));
    place.call(ingress(&group.id, rule.clone())).await?;
    let call = shut(&group.id, rule);
    place.call(call.clone()).await?;
    place
        .refuses(call, Class::Gone, "InvalidPermission.NotFound")
        .await
}

pub(super) async fn revoking_an_inbound_rule_of_a_missing_group_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = shut(NO_GROUP, Rule::tcp(80, range("192.0.2.0/24")));
    place.refuses(call, Class::Gone, "InvalidGroup.NotFound").await
}

pub(super) async fn a_deleted_security_group_is_gone<P: Port>(place: &Place<P>) -> Check {
    let group = group(place, "group-gone").await?;
    place.call(delete(&group.id)).await?;
    let filters = place.tagged("group-gone");
    place.gone("the group", DescribeSecurityGroups { filters }).await
}

pub(super) async fn a_security_group_deleted_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    let group = group(place, "group-gone-2").await?;
    place.call(delete(&group.id)).await?;
    let call = delete(&group.id);
    place.refuses(call, Class::Gone, "InvalidGroup.NotFound").await
}

/// Rule 43: the rule goes first, then the group.
pub(super) async fn a_security_group_that_a_rule_names_stays<P: Port>(place: &Place<P>) -> Check {
    let named = group(place, "group-named").await?;
    let other = group_request(place, "group-names", &named.vpc);
    let other = place.call(other).await?.id;
    let rule = Rule::tcp(80, Peer::Group(named.id.clone()));
    place.call(ingress(&other, rule.clone())).await?;
    stays(place, "group-named", &named.id).await?;
    place.call(shut(&other, rule)).await?;
    place.call(delete(&named.id)).await
}

pub(super) async fn a_security_group_of_a_load_balancer_stays<P: Port>(place: &Place<P>) -> Check {
    let (_, request) = balancer_request(place, "group-used").await?;
    place.call(request.clone()).await?;
    let group = only("groups", request.security_groups)?;
    stays(place, "group-used", &group).await
}

async fn stays<P: Port>(place: &Place<P>, case: &str, group: &str) -> Check {
    place
        .refuses(delete(group), Class::NotYet, "DependencyViolation")
        .await?;
    same("id", described(place, case).await?.id.as_str(), group)
}

fn shut(group: &str, rule: Rule) -> RevokeSecurityGroupIngress {
    let group = group.into();
    RevokeSecurityGroupIngress { group, rule }
}

fn delete(group: &str) -> DeleteSecurityGroup {
    let group = group.into();
    DeleteSecurityGroup { group }
}

fn range(cidr: &str) -> Peer {
    Peer::Cidr(cidr.into())
}

fn ingress(group: &str, rule: Rule) -> AuthorizeSecurityGroupIngress {
    let group = group.into();
    AuthorizeSecurityGroupIngress { group, rule }
}

fn egress(group: &str, rule: Rule) -> AuthorizeSecurityGroupEgress {
    let group = group.into();
    AuthorizeSecurityGroupEgress { group, rule }
}

fn revoke(group: &str) -> RevokeSecurityGroupEgress {
    RevokeSecurityGroupEgress {
        group: group.into(),
        rule: Rule::everything(),
    }
}

async fn described<P: Port>(place: &Place<P>, case: &str) -> Result<SecurityGroup, Mismatch> {
    let filters = place.tagged(case);
    only(
        "groups with its tags",
        place.call(DescribeSecurityGroups { filters }).await?,
    )
}

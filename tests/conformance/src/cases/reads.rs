//! Reads of what is not there, and of what AWS offers to everybody.

use std::collections::BTreeSet;

use windlass_calls::Class;
use windlass_calls::autoscaling::DescribeScalingActivities;
use windlass_calls::cloudwatch::{DescribeAlarms, GetDashboard};
use windlass_calls::ec2::{
    DescribeAddresses, DescribeAvailabilityZones, DescribeImages, DescribeInstanceTypeOfferings,
    DescribeInstanceTypes, DescribeInstances, DescribeInternetGateways, DescribeLaunchTemplateVersions,
    DescribeLaunchTemplates, DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups,
    DescribeSubnets, DescribeVpcEndpoints, DescribeVpcs,
};
use windlass_calls::elb::{DescribeLoadBalancers, DescribeTargetGroups, DescribeTargetHealth};
use windlass_calls::iam::{GetInstanceProfile, GetRole, GetRolePolicy};
use windlass_calls::logs::DescribeLogGroups;
use windlass_calls::quotas::GetServiceQuota;
use windlass_calls::s3::{GetObject, ListObjectsV2};
use windlass_calls::sns::{ListSubscriptionsByTopic, ListTagsForResource};
use windlass_calls::ssm::GetParameter;
use windlass_engine::Port;

use super::balancers::made;
use super::ground::{NO_TEMPLATE, NO_TOPIC, target_group, vpc};
use super::templates::IMAGE;
use crate::check::{Check, holds, only, same};
use crate::place::{Place, Quota};

const NOTHING: &str = "nothing";

pub(super) async fn a_region_has_three_zones_that_are_available<P: Port>(place: &Place<P>) -> Check {
    let zones = place.call(DescribeAvailabilityZones {}).await?;
    let available = zones.iter().filter(|zone| zone.state == "available");
    let names: BTreeSet<_> = available.map(|zone| &zone.name).collect();
    holds("available zones", names.len() >= 3, zones)
}

/// Rule 64.
pub(super) async fn not_every_zone_offers_every_instance_type_but_one_does<P: Port>(
    place: &Place<P>,
) -> Check {
    let zones = place.call(DescribeAvailabilityZones {}).await?;
    let zones: BTreeSet<_> = zones.into_iter().map(|zone| zone.name).collect();
    let instance_types = vec!["t3.micro".to_owned()];
    let offerings = place
        .call(DescribeInstanceTypeOfferings { instance_types })
        .await?;
    let fits = |offer: &windlass_calls::ec2::Offering| {
        offer.instance_type == "t3.micro" && zones.contains(&offer.zone)
    };
    holds("offerings", offerings.iter().all(fits), &offerings)?;
    let offering: BTreeSet<_> = offerings.iter().map(|offer| &offer.zone).collect();
    holds("zones", (2..zones.len()).contains(&offering.len()), offerings)
}

pub(super) async fn a_public_parameter_names_an_image_that_exists<P: Port>(place: &Place<P>) -> Check {
    let ubuntu = "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id";
    for (name, architecture, root_device) in [(IMAGE, "x86_64", "/dev/xvda"), (ubuntu, "arm64", "/dev/sda1")]
    {
        let name = name.into();
        let id = place.call(GetParameter { name }).await?;
        let images = vec![id.clone()];
        let image = only("images", place.call(DescribeImages { images }).await?)?;
        same("id", image.id, id)?;
        same("architecture", image.architecture.as_str(), architecture)?;
        same("root device", image.root_device.as_str(), root_device)?;
    }
    Ok(())
}

pub(super) async fn a_missing_parameter_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = format!("/{}", place.name(NOTHING));
    place
        .refuses(GetParameter { name }, Class::Gone, "ParameterNotFound")
        .await
}

pub(super) async fn a_missing_image_is_gone<P: Port>(place: &Place<P>) -> Check {
    let images = vec!["ami-0123456789abcdef0".into()];
    let code = "InvalidAMIID.NotFound";
    place.refuses(DescribeImages { images }, Class::Gone, code).await
}

pub(super) async fn a_search_that_finds_nothing_is_no_error<P: Port>(place: &Place<P>) -> Check {
    let filters = || place.tagged(NOTHING);
    let found = [
        place.call(DescribeVpcs { filters: filters() }).await?.len(),
        place.call(DescribeSubnets { filters: filters() }).await?.len(),
        place
            .call(DescribeInternetGateways { filters: filters() })
            .await?
            .len(),
        place.call(DescribeAddresses { filters: filters() }).await?.len(),
        place
            .call(DescribeNatGateways { filters: filters() })
            .await?
            .len(),
        place
            .call(DescribeRouteTables { filters: filters() })
            .await?
            .len(),
        place
            .call(DescribeSecurityGroups { filters: filters() })
            .await?
            .len(),
        place
            .call(DescribeLaunchTemplates { filters: filters() })
            .await?
            .len(),
        place
            .call(DescribeVpcEndpoints { filters: filters() })
            .await?
            .len(),
        place.call(DescribeInstances { filters: filters() }).await?.len(),
    ];
    same("found", found, [0; 10])
}

pub(super) async fn versions_of_a_missing_launch_template_are_refused<P: Port>(place: &Place<P>) -> Check {
    let launch_template = NO_TEMPLATE.into();
    let code = "InvalidLaunchTemplateId.NotFound";
    place
        .refuses(
            DescribeLaunchTemplateVersions { launch_template },
            Class::Gone,
            code,
        )
        .await
}

pub(super) async fn a_missing_load_balancer_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = Some(place.name(NOTHING));
    let code = "LoadBalancerNotFound";
    place
        .refuses(DescribeLoadBalancers { name }, Class::Gone, code)
        .await
}

pub(super) async fn a_missing_target_group_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = Some(place.name(NOTHING));
    let code = "TargetGroupNotFound";
    place
        .refuses(DescribeTargetGroups { name }, Class::Gone, code)
        .await
}

pub(super) async fn a_target_group_without_targets_has_no_health<P: Port>(place: &Place<P>) -> Check {
    let vpc = vpc(place, "tg-health").await?;
    let target_group = target_group(place, "tg-health", &vpc).await?.arn;
    let health = place.call(DescribeTargetHealth { target_group }).await?;
    same("targets", health, Vec::new())
}

pub(super) async fn activities_of_a_missing_group_are_refused<P: Port>(place: &Place<P>) -> Check {
    let group = place.name(NOTHING);
    let call = DescribeScalingActivities { group };
    place.refuses(call, Class::NotYet, "ValidationError").await
}

pub(super) async fn a_missing_role_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = place.name(NOTHING);
    place.refuses(GetRole { name }, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_missing_instance_profile_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = place.name(NOTHING);
    let code = "NoSuchEntity";
    place
        .refuses(GetInstanceProfile { name }, Class::Gone, code)
        .await
}

pub(super) async fn a_missing_object_is_gone<P: Port>(place: &Place<P>) -> Check {
    let call = GetObject {
        bucket: place.bucket.clone(),
        key: place.key(NOTHING),
        limit: 1,
    };
    place.refuses(call, Class::Gone, "NoSuchKey").await
}

pub(super) async fn a_prefix_without_objects_is_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    let call = ListObjectsV2 {
        bucket: place.bucket.clone(),
        prefix: place.key(NOTHING),
    };
    same("keys", place.call(call).await?, Vec::new())
}

pub(super) async fn the_size_of_an_instance_type_is_known<P: Port>(place: &Place<P>) -> Check {
    let instance_types = vec!["t3.micro".to_owned(), "m5.4xlarge".to_owned()];
    let types = place.call(DescribeInstanceTypes { instance_types }).await?;
    let vcpus: BTreeSet<_> = types.into_iter().map(|one| (one.name, one.vcpus)).collect();
    let wanted = BTreeSet::from([("t3.micro".to_owned(), 2), ("m5.4xlarge".to_owned(), 16)]);
    same("processors", vcpus, wanted)
}

pub(super) async fn an_instance_type_that_does_not_exist_is_refused<P: Port>(place: &Place<P>) -> Check {
    let instance_types = vec!["t3.mega".to_owned()];
    let call = DescribeInstanceTypes { instance_types };
    place.refuses(call, Class::Terminal, "InvalidInstanceType").await
}

pub(super) async fn all_load_balancers_are_listed_without_a_name<P: Port>(place: &Place<P>) -> Check {
    let balancer = made(place, "alb-all").await?;
    let all = place.call(DescribeLoadBalancers { name: None }).await?;
    let names: Vec<_> = all.into_iter().map(|one| one.name).collect();
    holds("load balancers", names.contains(&balancer.name), names)
}

pub(super) async fn a_missing_policy_of_a_role_is_gone<P: Port>(place: &Place<P>) -> Check {
    let call = GetRolePolicy {
        role: place.name(NOTHING),
        name: place.name(NOTHING),
    };
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_prefix_without_alarms_is_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    let prefix = place.name(NOTHING);
    same("alarms", place.call(DescribeAlarms { prefix }).await?, Vec::new())
}

pub(super) async fn a_missing_dashboard_is_gone<P: Port>(place: &Place<P>) -> Check {
    let name = place.name(NOTHING);
    place
        .refuses(GetDashboard { name }, Class::Gone, "ResourceNotFound")
        .await
}

pub(super) async fn tags_of_a_missing_topic_are_gone<P: Port>(place: &Place<P>) -> Check {
    let topic = NO_TOPIC.into();
    let call = ListTagsForResource { topic };
    place.refuses(call, Class::Gone, "ResourceNotFound").await
}

pub(super) async fn subscriptions_of_a_missing_topic_are_gone<P: Port>(place: &Place<P>) -> Check {
    let topic = NO_TOPIC.into();
    let call = ListSubscriptionsByTopic { topic };
    place.refuses(call, Class::Gone, "NotFound").await
}

pub(super) async fn a_prefix_without_log_groups_is_an_empty_list<P: Port>(place: &Place<P>) -> Check {
    let prefix = place.name(NOTHING);
    same(
        "log groups",
        place.call(DescribeLogGroups { prefix }).await?,
        Vec::new(),
    )
}

/// Rule 38.
pub(super) async fn a_quota_is_the_number_that_creates_are_held_to<P: Port>(place: &Place<P>) -> Check {
    place.control.limit(Quota::Addresses, Some(7))?;
    let asked = place.call(addresses("L-0263D0A3")).await;
    place.control.limit(Quota::Addresses, None)?;
    let quota = asked?;
    same("service", quota.service.as_str(), "ec2")?;
    same("code", quota.code.as_str(), "L-0263D0A3")?;
    same("value", quota.value, 7)
}

pub(super) async fn a_quota_that_does_not_exist_is_gone<P: Port>(place: &Place<P>) -> Check {
    let call = addresses("L-00000000");
    place.refuses(call, Class::Gone, "NoSuchResourceException").await
}

fn addresses(code: &str) -> GetServiceQuota {
    GetServiceQuota {
        service: "ec2".into(),
        quota: code.into(),
    }
}

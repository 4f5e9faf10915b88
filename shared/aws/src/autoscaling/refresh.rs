//! Instance refreshes.
//!
//! A refresh always names what it brings: only such a one can roll back (rule 46 of the AWS facts). Instances that are
//! of it already stay, so that a refresh begun again does only the rest.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types as sdk;
use windlass_calls::autoscaling::{
    CancelInstanceRefresh, DescribeInstanceRefreshes, Launch, Refresh, RefreshId, RefreshPreferences,
    StartInstanceRefresh,
};

use super::launch::Launches;
use crate::answer::{every, field, or_zero, signed};
use crate::fault::Fault;

/// AWS answers the newest first.
pub(super) async fn describe(
    client: &Client,
    call: DescribeInstanceRefreshes,
) -> Result<Vec<Refresh>, Fault> {
    let request = client
        .describe_instance_refreshes()
        .auto_scaling_group_name(call.group);
    let pages = every(request.into_paginator().send()).await?;
    pages
        .into_iter()
        .flat_map(|page| page.instance_refreshes.unwrap_or_default())
        .map(refresh)
        .collect()
}

pub(super) async fn start(client: &Client, call: StartInstanceRefresh) -> Result<RefreshId, Fault> {
    let answer = client
        .start_instance_refresh()
        .auto_scaling_group_name(call.group)
        .strategy(sdk::RefreshStrategy::Rolling)
        .desired_configuration(configuration(&call.launch))
        .preferences(preferences(&call.preferences))
        .send()
        .await?;
    Ok(RefreshId(field(answer.instance_refresh_id, "InstanceRefreshId")?))
}

pub(super) async fn cancel(client: &Client, call: CancelInstanceRefresh) -> Result<(), Fault> {
    let request = client.cancel_instance_refresh();
    request.auto_scaling_group_name(call.group).send().await?;
    Ok(())
}

fn configuration(launch: &Launch) -> sdk::DesiredConfiguration {
    let launches = Launches::of(launch);
    sdk::DesiredConfiguration::builder()
        .set_launch_template(launches.template)
        .set_mixed_instances_policy(launches.mixed)
        .build()
}

fn preferences(wanted: &RefreshPreferences) -> sdk::RefreshPreferences {
    let (least, most) = wanted.healthy;
    sdk::RefreshPreferences::builder()
        .min_healthy_percentage(signed(least))
        .max_healthy_percentage(signed(most))
        .bake_time(signed(wanted.bake))
        .auto_rollback(wanted.rollback)
        .skip_matching(true)
        .build()
}

fn refresh(found: sdk::InstanceRefresh) -> Result<Refresh, Fault> {
    Ok(Refresh {
        id: field(found.instance_refresh_id, "InstanceRefreshId")?,
        status: field(found.status, "InstanceRefresh.Status")?,
        reason: found.status_reason.filter(|reason| !reason.is_empty()),
        percentage: or_zero(found.percentage_complete),
        version: found.desired_configuration.and_then(version),
    })
}

/// The version that a refresh brings; none where it is no number.
fn version(brought: sdk::DesiredConfiguration) -> Option<u64> {
    let launches = Launches {
        template: brought.launch_template,
        mixed: brought.mixed_instances_policy,
    };
    Some(launches.launch().version).filter(|version| *version > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(instance_types: &[&str]) -> Launch {
        Launch {
            launch_template: "lt-1".into(),
            version: 7,
            instance_types: instance_types.iter().map(|name| (*name).to_owned()).collect(),
            spot: None,
        }
    }

    fn found(brought: Option<sdk::DesiredConfiguration>) -> Option<Refresh> {
        let found = sdk::InstanceRefresh::builder()
            .instance_refresh_id("refresh-1")
            .status(sdk::InstanceRefreshStatus::Pending)
            .set_desired_configuration(brought);
        refresh(found.build()).ok()
    }

    #[test]
    fn a_refresh_brings_the_version_it_was_started_with_in_either_form() {
        for types in [&["t3.micro"][..], &["t3.micro", "t3a.micro"]] {
            let brought = found(Some(configuration(&wanted(types))));
            assert_eq!(brought.and_then(|refresh| refresh.version), Some(7));
        }
    }

    #[test]
    fn a_refresh_that_has_not_begun_or_names_no_version_says_so() {
        let latest = sdk::LaunchTemplateSpecification::builder().version("$Latest");
        let latest = sdk::DesiredConfiguration::builder().launch_template(latest.build());
        for brought in [None, Some(latest.build())] {
            let begun = found(brought).map(|found| (found.percentage, found.reason, found.version));
            assert_eq!(begun, Some((0, None, None)));
        }
    }

    #[test]
    fn instances_that_match_are_left_alone() {
        let sent = preferences(&RefreshPreferences {
            healthy: (100, 110),
            bake: 60,
            rollback: true,
        });
        assert_eq!(sent.skip_matching, Some(true));
        let healthy = (sent.min_healthy_percentage, sent.max_healthy_percentage);
        assert_eq!(healthy, (Some(100), Some(110)));
        assert_eq!((sent.bake_time, sent.auto_rollback), (Some(60), Some(true)));
    }
}

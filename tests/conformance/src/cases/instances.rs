//! Instances. None of them reaches anything: what runs on them is not what is compared here.

use windlass_calls::ec2::{
    DescribeInstanceStatus, DescribeInstances, DescribeNetworkInterfaces, DescribeVpcs, Instance,
    InstanceStatus, RunInstances, TerminateInstances, Vpc,
};
use windlass_calls::{Class, Filters, Tags};
use windlass_engine::Port;

use super::ground::{NO_INSTANCE, NO_SUBNET, NO_TEMPLATE, subnet};
use super::{iam, templates};
use crate::check::{Check, Mismatch, holds, only, same};
use crate::place::Place;

pub(super) async fn a_new_instance_is_pending_then_running_with_its_tags_over_those_of_its_template<
    P: Port,
>(
    place: &Place<P>,
) -> Check {
    let mut request = request(place, "ec2").await?;
    let over = ("launched-by".to_owned(), place.name("ec2-over"));
    request.tags.extend([over.clone()]);
    let made = place.settled(request.clone()).await?;
    same("state at first", made.state.as_str(), "pending")?;
    let shown = running(place, "ec2").await?;
    same("id", shown.id, made.id)?;
    same("type", shown.instance_type.as_str(), "t3.micro")?;
    same("subnet", shown.subnet, request.subnet)?;
    same("spot", shown.spot, false)?;
    same("security groups", shown.security_groups.len(), 1)?;
    let has = |(key, value): (&String, &String)| shown.tags.get(key) == Some(value);
    let wanted: Tags = place.tags("ec2").into_iter().chain([over]).collect();
    holds("tags", wanted.iter().all(has), &shown.tags)
}

pub(super) async fn an_instance_token_answers_the_first_instance<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "ec2-token").await?;
    let first = place.settled(request.clone()).await?;
    let second = place.call(request).await?;
    same("id", second.id, first.id)?;
    running(place, "ec2-token").await.map(drop)
}

pub(super) async fn an_instance_token_with_other_parameters_is_refused<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "ec2-mismatch").await?;
    place.settled(request.clone()).await?;
    let other = RunInstances {
        tags: place.tags("ec2-mismatch-2"),
        ..request
    };
    place
        .refuses(other, Class::Terminal, "IdempotentParameterMismatch")
        .await
}

pub(super) async fn an_instance_without_its_launch_template_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = RunInstances {
        launch_template: NO_TEMPLATE.into(),
        ..request(place, "ec2-no-lt").await?
    };
    place
        .refuses(call, Class::Gone, "InvalidLaunchTemplateId.NotFound")
        .await
}

pub(super) async fn an_instance_of_a_missing_version_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = RunInstances {
        version: 7,
        ..request(place, "ec2-no-version").await?
    };
    place
        .refuses(call, Class::Gone, "InvalidLaunchTemplateId.VersionNotFound")
        .await
}

pub(super) async fn an_instance_in_a_missing_subnet_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = RunInstances {
        subnet: NO_SUBNET.into(),
        ..request(place, "ec2-no-subnet").await?
    };
    place.refuses(call, Class::Gone, "InvalidSubnetID.NotFound").await
}

/// Rule 40.
pub(super) async fn an_instance_waits_for_its_instance_profile<P: Port>(place: &Place<P>) -> Check {
    let request = without_profile(place, "ec2-no-profile").await?;
    place
        .refuses(request.clone(), Class::NotYet, "InvalidParameterValue")
        .await?;
    iam::profile_with_role(place, "ec2-no-profile").await?;
    place.settled(request).await.map(drop)
}

pub(super) async fn instances_are_found_by_id_and_state<P: Port>(place: &Place<P>) -> Check {
    let made = launched(place, "ec2-filters").await?;
    let found = async |state: &str| {
        let filters = Filters::from([
            ("instance-id".to_owned(), vec![made.id.clone()]),
            ("instance-state-name".to_owned(), vec![state.to_owned()]),
        ]);
        place.call(DescribeInstances { filters }).await
    };
    same(
        "id",
        only("running", found("running").await?)?.id,
        made.id.clone(),
    )?;
    same("stopped", found("stopped").await?, Vec::new())
}

pub(super) async fn a_running_instance_passes_both_of_its_checks_in_the_end<P: Port>(
    place: &Place<P>,
) -> Check {
    let made = place.settled(request(place, "ec2-status").await?).await?;
    let call = DescribeInstanceStatus { instance: made.id };
    let ok = InstanceStatus {
        system: "ok".into(),
        instance: "ok".into(),
    };
    let passes = |status: &Option<InstanceStatus>| status.as_ref() == Some(&ok);
    place.eventually("both pass", call, passes).await.map(drop)
}

pub(super) async fn the_status_of_a_missing_instance_is_gone<P: Port>(place: &Place<P>) -> Check {
    let instance = NO_INSTANCE.into();
    let call = DescribeInstanceStatus { instance };
    place
        .refuses(call, Class::Gone, "InvalidInstanceID.NotFound")
        .await
}

pub(super) async fn a_terminated_instance_is_still_shown_without_its_subnet<P: Port>(
    place: &Place<P>,
) -> Check {
    let instance = launched(place, "ec2-gone").await?.id;
    place.call(terminate(&instance)).await?;
    let shown = terminated(place, "ec2-gone").await?;
    same("id", shown.id, instance)?;
    same("subnet", shown.subnet.as_str(), "")
}

pub(super) async fn an_instance_terminated_twice_is_terminated<P: Port>(place: &Place<P>) -> Check {
    let instance = launched(place, "ec2-gone-twice").await?.id;
    for _ in 0..2 {
        place.call(terminate(&instance)).await?;
    }
    terminated(place, "ec2-gone-twice").await.map(drop)
}

pub(super) async fn a_missing_instance_cannot_be_terminated<P: Port>(place: &Place<P>) -> Check {
    let call = terminate(NO_INSTANCE);
    place
        .refuses(call, Class::Gone, "InvalidInstanceID.NotFound")
        .await
}

/// An instance's network interface is its own, and goes with it.
pub(super) async fn a_network_interface_names_its_instance_and_its_groups<P: Port>(
    place: &Place<P>,
) -> Check {
    let made = launched(place, "ec2-eni").await?;
    let filters = Filters::from([("subnet-id".to_owned(), vec![made.subnet.clone()])]);
    let describe = DescribeNetworkInterfaces { filters };
    let shown = only("network interfaces", place.call(describe.clone()).await?)?;
    same("instance", shown.instance, Some(made.id.clone()))?;
    same("managed by AWS", shown.managed, false)?;
    same("subnet", shown.subnet, made.subnet)?;
    let group = only("groups", shown.security_groups)?;
    let filters = Filters::from([("group-id".to_owned(), vec![group])]);
    let found = place.call(DescribeNetworkInterfaces { filters }).await?;
    same("id", only("with its group", found)?.id, shown.id)?;
    place.call(terminate(&made.id)).await?;
    place.gone("the network interface", describe).await
}

fn terminate(instance: &str) -> TerminateInstances {
    TerminateInstances {
        instance: instance.into(),
    }
}

/// The case's instance, once it is terminated.
async fn terminated<P: Port>(place: &Place<P>, case: &str) -> Result<Instance, Mismatch> {
    let filters = place.tagged(case);
    let ended = |found: &Vec<Instance>| found.iter().all(|one| one.state == "terminated");
    let found = place
        .eventually("terminated", DescribeInstances { filters }, ended)
        .await?;
    only("instances with its tags", found)
}

/// A running instance in a VPC of its own.
pub(super) async fn launched<P: Port>(place: &Place<P>, case: &str) -> Result<Instance, Mismatch> {
    place.settled(request(place, case).await?).await?;
    running(place, case).await
}

/// The case's instance, once it runs.
async fn running<P: Port>(place: &Place<P>, case: &str) -> Result<Instance, Mismatch> {
    let filters = place.tagged(case);
    let runs = |found: &Vec<Instance>| found.iter().any(|one| one.state == "running");
    let found = place
        .eventually("the instance runs", DescribeInstances { filters }, runs)
        .await?;
    only("instances with its tags", found)
}

/// An instance that can be launched, once its new instance profile is known everywhere.
pub(super) async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<RunInstances, Mismatch> {
    iam::profile_with_role(place, case).await?;
    without_profile(place, case).await
}

async fn without_profile<P: Port>(place: &Place<P>, case: &str) -> Result<RunInstances, Mismatch> {
    let template = place.call(templates::request(place, case).await?).await?;
    let vpc = network(place, case).await?;
    Ok(RunInstances {
        launch_template: template.id,
        version: 1,
        subnet: subnet(place, case, &vpc, 0).await?.id,
        token: place.name(case),
        tags: place.tags(case),
    })
}

/// The case's VPC.
pub(super) async fn network<P: Port>(place: &Place<P>, case: &str) -> Result<Vpc, Mismatch> {
    let filters = place.tagged(case);
    only("VPCs", place.call(DescribeVpcs { filters }).await?)
}

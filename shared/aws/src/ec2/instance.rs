//! Instances of our own, apart from those of a group; and what instance types are made of.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as sdk;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use windlass_calls::Tags;
use windlass_calls::ec2 as calls;

use super::convert::{filters, from_sdk, to_sdk};
use crate::answer::{every, field, number, or_empty, part, tags_or};
use crate::fault::Fault;

pub(super) async fn instances(
    client: &Client,
    call: calls::DescribeInstances,
) -> Result<Vec<calls::Instance>, Fault> {
    let request = client.describe_instances().set_filters(filters(call.filters));
    let reservations = every(request.into_paginator().items().send()).await?;
    reservations
        .into_iter()
        .flat_map(|reservation| reservation.instances.unwrap_or_default())
        .map(instance)
        .collect()
}

/// AWS answers in Base64. What is not text is shown as it can be.
pub(super) async fn console(client: &Client, call: calls::GetConsoleOutput) -> Result<Option<String>, Fault> {
    let request = client.get_console_output().instance_id(call.instance);
    let answer = request.send().await?;
    let printed = answer.output.and_then(|text| STANDARD.decode(text.trim()).ok());
    Ok(printed
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .filter(|text| !text.is_empty()))
}

/// Only running instances are shown.
pub(super) async fn status(
    client: &Client,
    call: calls::DescribeInstanceStatus,
) -> Result<Option<calls::InstanceStatus>, Fault> {
    let request = client.describe_instance_status().instance_ids(call.instance);
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().next().map(checks).transpose()
}

fn checks(found: sdk::InstanceStatus) -> Result<calls::InstanceStatus, Fault> {
    let status =
        |found: Option<sdk::InstanceStatusSummary>, name: &str| field(part(found, name)?.status, name);
    Ok(calls::InstanceStatus {
        system: status(found.system_status, "SystemStatus")?,
        instance: status(found.instance_status, "InstanceStatus")?,
    })
}

pub(super) async fn instance_types(
    client: &Client,
    call: calls::DescribeInstanceTypes,
) -> Result<Vec<calls::InstanceType>, Fault> {
    let named = |name: &String| sdk::InstanceType::from(name.as_str());
    let request = client
        .describe_instance_types()
        .set_instance_types(Some(call.instance_types.iter().map(named).collect()));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(instance_type).collect()
}

pub(super) async fn run_instances(
    client: &Client,
    call: calls::RunInstances,
) -> Result<calls::Instance, Fault> {
    let template = sdk::LaunchTemplateSpecification::builder()
        .launch_template_id(call.launch_template)
        .version(call.version.to_string());
    let answer = client
        .run_instances()
        .launch_template(template.build())
        .subnet_id(call.subnet)
        .min_count(1)
        .max_count(1)
        .client_token(call.token)
        .set_tag_specifications(launched_tags(&call.tags))
        .send()
        .await?;
    let started = answer.instances.unwrap_or_default().into_iter().next();
    let instance = instance(part(started, "Instances")?)?;
    Ok(calls::Instance {
        tags: tags_or(instance.tags, call.tags),
        ..instance
    })
}

pub(super) async fn terminate_instances(
    client: &Client,
    call: calls::TerminateInstances,
) -> Result<(), Fault> {
    let request = client.terminate_instances();
    request.instance_ids(call.instance).send().await?;
    Ok(())
}

/// Tags of an instance and of what starts with it; none at all rather than empty lists, which AWS refuses.
fn launched_tags(tags: &Tags) -> Option<Vec<sdk::TagSpecification>> {
    let specification = |resource| {
        sdk::TagSpecification::builder()
            .resource_type(resource)
            .set_tags(Some(to_sdk(tags)))
            .build()
    };
    let launched = [
        sdk::ResourceType::Instance,
        sdk::ResourceType::Volume,
        sdk::ResourceType::NetworkInterface,
    ];
    (!tags.is_empty()).then(|| launched.map(specification).into())
}

fn instance(found: sdk::Instance) -> Result<calls::Instance, Fault> {
    let state = part(found.state, "Instance.State")?;
    Ok(calls::Instance {
        id: field(found.instance_id, "InstanceId")?,
        instance_type: field(found.instance_type, "InstanceType")?,
        state: field(state.name, "Instance.State.Name")?,
        state_reason: found.state_reason.and_then(reason),
        launched: found.launch_time.map(|time| time.secs()),
        subnet: or_empty(found.subnet_id),
        security_groups: groups(found.security_groups)?,
        spot: found.instance_lifecycle == Some(sdk::InstanceLifecycleType::Spot),
        tags: from_sdk(found.tags)?,
    })
}

fn groups(found: Option<Vec<sdk::GroupIdentifier>>) -> Result<Vec<String>, Fault> {
    let found = found.unwrap_or_default().into_iter();
    found.map(|group| field(group.group_id, "GroupId")).collect()
}

/// Why an instance is in its state: AWS's words, which begin with its code; else the code alone.
fn reason(found: sdk::StateReason) -> Option<String> {
    let said = |text: &String| !text.is_empty();
    found.message.filter(said).or(found.code.filter(said))
}

fn instance_type(found: sdk::InstanceTypeInfo) -> Result<calls::InstanceType, Fault> {
    let vcpus = found.v_cpu_info.and_then(|info| info.default_v_cpus);
    Ok(calls::InstanceType {
        name: field(found.instance_type, "InstanceType")?,
        vcpus: number(vcpus, "VCpuInfo.DefaultVCpus")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: sdk::InstanceStateName) -> sdk::builders::InstanceBuilder {
        sdk::Instance::builder()
            .instance_id("i-1")
            .instance_type(sdk::InstanceType::T3Micro)
            .state(sdk::InstanceState::builder().name(state).build())
    }

    #[test]
    fn a_terminated_instance_has_no_subnet_and_says_why_it_ended() {
        let why = "Server.InsufficientInstanceCapacity: There is no Spot capacity available";
        let reason = sdk::StateReason::builder()
            .code("Server.InsufficientInstanceCapacity")
            .message(why);
        let ended = found(sdk::InstanceStateName::Terminated).state_reason(reason.build());
        let ended = instance(ended.build()).ok();
        let ended = ended.map(|ended| (ended.state, ended.subnet, ended.state_reason));
        assert_eq!(
            ended,
            Some(("terminated".to_owned(), String::new(), Some(why.to_owned())))
        );
    }

    #[test]
    fn an_empty_reason_is_none_and_a_code_stands_for_missing_words() {
        let with = |code: &str, message: &str| {
            reason(sdk::StateReason::builder().code(code).message(message).build())
        };
        assert_eq!(with("", ""), None);
        assert_eq!(with("pending", "").as_deref(), Some("pending"));
    }

    #[test]
    fn only_a_spot_instance_is_one() {
        let running = || found(sdk::InstanceStateName::Running);
        let spot = |builder: sdk::builders::InstanceBuilder| instance(builder.build()).ok().map(|i| i.spot);
        assert_eq!(spot(running()), Some(false));
        let lifecycle = sdk::InstanceLifecycleType::CapacityBlock;
        assert_eq!(spot(running().instance_lifecycle(lifecycle)), Some(false));
        let lifecycle = sdk::InstanceLifecycleType::Spot;
        assert_eq!(spot(running().instance_lifecycle(lifecycle)), Some(true));
    }

    #[test]
    fn an_instance_its_volumes_and_its_interface_start_with_the_same_tags() {
        let tags = Tags::from([("windlass:stack".to_owned(), "dev/web".to_owned())]);
        let sent = launched_tags(&tags).unwrap_or_default();
        let resources: Vec<_> = sent
            .iter()
            .filter_map(|found| found.resource_type.as_ref().map(sdk::ResourceType::as_str))
            .collect();
        assert_eq!(resources, ["instance", "volume", "network-interface"]);
        assert!(sent.iter().all(|found| found.tags == Some(to_sdk(&tags))));
        assert!(launched_tags(&Tags::new()).is_none());
    }

    #[test]
    fn both_checks_are_read_and_one_that_is_missing_is_an_error() {
        let summary = |status| sdk::InstanceStatusSummary::builder().status(status).build();
        let found = sdk::InstanceStatus::builder().system_status(summary(sdk::SummaryStatus::Ok));
        let missing = checks(found.clone().build()).map_err(|fault| fault.of("ec2:Any").message);
        assert_eq!(missing.err().as_deref(), Some("the answer has no InstanceStatus"));
        let found = found.instance_status(summary(sdk::SummaryStatus::Impaired));
        let read = checks(found.build())
            .ok()
            .map(|read| (read.system, read.instance));
        assert_eq!(read, Some(("ok".to_owned(), "impaired".to_owned())));
    }

    #[test]
    fn an_instance_type_counts_its_default_vcpus() {
        let info = sdk::VCpuInfo::builder()
            .default_v_cpus(2)
            .default_cores(1)
            .build();
        let found = sdk::InstanceTypeInfo::builder().instance_type(sdk::InstanceType::T3Micro);
        let vcpus = instance_type(found.v_cpu_info(info).build())
            .ok()
            .map(|found| found.vcpus);
        assert_eq!(vcpus, Some(2));
    }
}

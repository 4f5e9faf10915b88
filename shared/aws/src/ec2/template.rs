//! Launch templates, both ways.
//!
//! What a template of ours always has is written here: IMDS is reachable, the root volume is gp3 and goes with its
//! instance, and instances and volumes carry the same tags. Read back, whatever a template lacks is empty, so that a
//! template someone else wrote shows as different and not as an error.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as sdk;
use windlass_calls::Tags;
use windlass_calls::ec2 as calls;

use super::convert::{filters, from_sdk, tagged, to_sdk};
use crate::answer::{every, field, number, or_empty, or_zero, part, tags_or};
use crate::fault::Fault;

pub(super) async fn launch_templates(
    client: &Client,
    call: calls::DescribeLaunchTemplates,
) -> Result<Vec<calls::LaunchTemplate>, Fault> {
    let request = client
        .describe_launch_templates()
        .set_filters(filters(call.filters));
    let found = every(request.into_paginator().items().send()).await?;
    found.into_iter().map(launch_template).collect()
}

pub(super) async fn launch_template_versions(
    client: &Client,
    call: calls::DescribeLaunchTemplateVersions,
) -> Result<Vec<calls::LaunchTemplateVersion>, Fault> {
    let request = client
        .describe_launch_template_versions()
        .launch_template_id(call.launch_template);
    let found = every(request.versions("$Latest").into_paginator().items().send()).await?;
    found.into_iter().map(version).collect()
}

pub(super) async fn create_launch_template(
    client: &Client,
    call: calls::CreateLaunchTemplate,
) -> Result<calls::LaunchTemplate, Fault> {
    let answer = client
        .create_launch_template()
        .launch_template_name(call.name)
        .client_token(call.token)
        .launch_template_data(request(*call.data))
        .set_tag_specifications(tagged(sdk::ResourceType::LaunchTemplate, &call.tags))
        .send()
        .await?;
    let template = launch_template(part(answer.launch_template, "LaunchTemplate")?)?;
    Ok(calls::LaunchTemplate {
        tags: tags_or(template.tags, call.tags),
        ..template
    })
}

pub(super) async fn create_launch_template_version(
    client: &Client,
    call: calls::CreateLaunchTemplateVersion,
) -> Result<calls::LaunchTemplateVersion, Fault> {
    let answer = client
        .create_launch_template_version()
        .launch_template_id(call.launch_template)
        .client_token(call.token)
        .launch_template_data(request(*call.data))
        .send()
        .await?;
    version(part(answer.launch_template_version, "LaunchTemplateVersion")?)
}

pub(super) async fn delete_launch_template(
    client: &Client,
    call: calls::DeleteLaunchTemplate,
) -> Result<(), Fault> {
    let request = client.delete_launch_template();
    request.launch_template_id(call.launch_template).send().await?;
    Ok(())
}

fn launch_template(found: sdk::LaunchTemplate) -> Result<calls::LaunchTemplate, Fault> {
    Ok(calls::LaunchTemplate {
        id: field(found.launch_template_id, "LaunchTemplateId")?,
        name: field(found.launch_template_name, "LaunchTemplateName")?,
        default_version: number(found.default_version_number, "DefaultVersionNumber")?,
        latest_version: number(found.latest_version_number, "LatestVersionNumber")?,
        tags: from_sdk(found.tags)?,
    })
}

fn version(found: sdk::LaunchTemplateVersion) -> Result<calls::LaunchTemplateVersion, Fault> {
    Ok(calls::LaunchTemplateVersion {
        launch_template: field(found.launch_template_id, "LaunchTemplateId")?,
        version: number(found.version_number, "VersionNumber")?,
        data: data(part(found.launch_template_data, "LaunchTemplateData")?)?,
    })
}

fn data(found: sdk::ResponseLaunchTemplateData) -> Result<calls::LaunchTemplateData, Fault> {
    let metadata = found.metadata_options.as_ref();
    let root = found.block_device_mappings.unwrap_or_default().into_iter().next();
    let encrypted = root
        .as_ref()
        .and_then(|root| root.ebs.as_ref())
        .and_then(|volume| volume.encrypted);
    Ok(calls::LaunchTemplateData {
        image: or_empty(found.image_id),
        instance_type: or_empty(found.instance_type),
        instance_profile: found.iam_instance_profile.map(profile_name).unwrap_or_default(),
        security_groups: found.security_group_ids.unwrap_or_default(),
        user_data: or_empty(found.user_data),
        http_tokens: or_empty(metadata.and_then(|options| options.http_tokens.as_ref())),
        http_hop_limit: or_zero(metadata.and_then(|options| options.http_put_response_hop_limit)),
        detailed_monitoring: found
            .monitoring
            .and_then(|monitoring| monitoring.enabled)
            .unwrap_or(false),
        root_device: or_empty(root.and_then(|root| root.device_name)),
        encrypted: encrypted.unwrap_or(false),
        tags: instance_tags(found.tag_specifications.unwrap_or_default())?,
    })
}

/// The profile's name, which ends its ARN where a template has only that.
fn profile_name(found: sdk::LaunchTemplateIamInstanceProfileSpecification) -> String {
    let from_arn = |arn: String| arn.rsplit('/').next().map(str::to_owned);
    found
        .name
        .or_else(|| found.arn.and_then(from_arn))
        .unwrap_or_default()
}

fn instance_tags(specifications: Vec<sdk::LaunchTemplateTagSpecification>) -> Result<Tags, Fault> {
    let of_instance = |found: &sdk::LaunchTemplateTagSpecification| {
        found.resource_type == Some(sdk::ResourceType::Instance)
    };
    from_sdk(
        specifications
            .into_iter()
            .find(of_instance)
            .and_then(|found| found.tags),
    )
}

fn request(data: calls::LaunchTemplateData) -> sdk::RequestLaunchTemplateData {
    let profile = sdk::LaunchTemplateIamInstanceProfileSpecificationRequest::builder();
    let monitoring = sdk::LaunchTemplatesMonitoringRequest::builder().enabled(data.detailed_monitoring);
    sdk::RequestLaunchTemplateData::builder()
        .metadata_options(metadata_options(&data))
        .block_device_mappings(root_volume(data.root_device, data.encrypted))
        .set_tag_specifications(launched_tags(&data.tags))
        .image_id(data.image)
        .instance_type(data.instance_type.as_str().into())
        .iam_instance_profile(profile.name(data.instance_profile).build())
        .set_security_group_ids(Some(data.security_groups))
        .user_data(data.user_data)
        .monitoring(monitoring.build())
        .build()
}

fn metadata_options(data: &calls::LaunchTemplateData) -> sdk::LaunchTemplateInstanceMetadataOptionsRequest {
    sdk::LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(sdk::LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(data.http_tokens.as_str().into())
        .http_put_response_hop_limit(i32::from(data.http_hop_limit))
        .build()
}

fn root_volume(device: String, encrypted: bool) -> sdk::LaunchTemplateBlockDeviceMappingRequest {
    let volume = sdk::LaunchTemplateEbsBlockDeviceRequest::builder()
        .volume_type(sdk::VolumeType::Gp3)
        .encrypted(encrypted)
        .delete_on_termination(true)
        .build();
    sdk::LaunchTemplateBlockDeviceMappingRequest::builder()
        .device_name(device)
        .ebs(volume)
        .build()
}

/// Tags of the instances and volumes a template launches; none at all rather than empty lists, which AWS refuses.
fn launched_tags(tags: &Tags) -> Option<Vec<sdk::LaunchTemplateTagSpecificationRequest>> {
    let specification = |resource| {
        sdk::LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(resource)
            .set_tags(Some(to_sdk(tags)))
            .build()
    };
    let launched = [sdk::ResourceType::Instance, sdk::ResourceType::Volume];
    (!tags.is_empty()).then(|| launched.map(specification).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_by_someone_else_reads_as_empty_and_not_as_an_error() {
        let found = data(sdk::ResponseLaunchTemplateData::builder().build()).ok();
        assert_eq!(
            found.map(|data| (data.image, data.http_hop_limit, data.encrypted)),
            Some((String::new(), 0, false))
        );
    }

    #[test]
    fn a_profile_named_by_its_arn_is_the_same_profile() {
        let profile = sdk::LaunchTemplateIamInstanceProfileSpecification::builder();
        let by_arn = profile
            .clone()
            .arn("arn:aws:iam::123456789012:instance-profile/windlass/web")
            .build();
        assert_eq!(profile_name(by_arn), "web");
        assert_eq!(profile_name(profile.name("web").build()), "web");
    }

    #[test]
    fn instances_and_volumes_get_the_same_tags() {
        let tags = Tags::from([("windlass:stack".to_owned(), "dev/web".to_owned())]);
        let sent = launched_tags(&tags).unwrap_or_default();
        let resources: Vec<_> = sent
            .iter()
            .filter_map(|found| found.resource_type.clone())
            .collect();
        assert_eq!(
            resources,
            [sdk::ResourceType::Instance, sdk::ResourceType::Volume]
        );
        assert!(sent.iter().all(|found| found.tags == Some(to_sdk(&tags))));
    }

    #[test]
    fn the_root_volume_is_gp3_encrypted_and_goes_with_its_instance() {
        let volume = root_volume("/dev/xvda".to_owned(), true).ebs;
        let volume = volume.map(|ebs| (ebs.volume_type, ebs.encrypted, ebs.delete_on_termination));
        assert_eq!(volume, Some((Some(sdk::VolumeType::Gp3), Some(true), Some(true))));
    }
}

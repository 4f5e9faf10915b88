//! Launch templates.

use windlass_calls::ec2::{
    CreateLaunchTemplate, CreateLaunchTemplateVersion, DeleteLaunchTemplate, DescribeLaunchTemplateVersions,
    DescribeLaunchTemplates, LaunchTemplateData,
};
use windlass_calls::ssm::GetParameter;
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::ground::{NO_TEMPLATE, group};
use crate::check::{Check, Mismatch, only, same};
use crate::place::Place;

/// The public parameter that holds Amazon's newest image.
pub(super) const IMAGE: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

pub(super) async fn a_launch_template_reads_back_as_it_was_written<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "template").await?;
    let made = place.call(request.clone()).await?;
    let filters = place.tagged("template");
    let shown = place.call(DescribeLaunchTemplates { filters }).await?;
    let shown = only("templates with its tags", shown)?;
    same("id", &shown.id, &made.id)?;
    same("name", shown.name, request.name)?;
    same("versions", (shown.default_version, shown.latest_version), (1, 1))?;
    same("tags", shown.tags, place.tags("template"))?;
    let launch_template = made.id;
    let versions = place
        .call(DescribeLaunchTemplateVersions { launch_template })
        .await?;
    let version = only("newest versions", versions)?;
    same("number", version.version, 1)?;
    same("content", version.data, *request.data)
}

pub(super) async fn a_launch_template_token_answers_the_first_template<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "template-token").await?;
    let first = place.call(request.clone()).await?;
    let second = place.call(request).await?;
    same("id", second.id, first.id)
}

pub(super) async fn a_launch_template_token_with_other_parameters_is_refused<P: Port>(
    place: &Place<P>,
) -> Check {
    let request = request(place, "template-mismatch").await?;
    place.call(request.clone()).await?;
    let mut other = request;
    other.data.instance_type = "t3.large".into();
    place
        .refuses(other, Class::Terminal, "IdempotentParameterMismatch")
        .await
}

pub(super) async fn a_launch_template_name_that_is_taken_is_refused<P: Port>(place: &Place<P>) -> Check {
    let request = request(place, "template-name").await?;
    place.call(request.clone()).await?;
    let other = CreateLaunchTemplate {
        token: place.name("template-name-other"),
        ..request
    };
    let code = "InvalidLaunchTemplateName.AlreadyExistsException";
    place.refuses(other, Class::Exists, code).await
}

pub(super) async fn a_new_version_is_the_newest_and_reads_back_as_it_was_written<P: Port>(
    place: &Place<P>,
) -> Check {
    let call = next_version(place, "version").await?;
    let made = place.call(call.clone()).await?;
    same("number", made.version, 2)?;
    let launch_template = call.launch_template.clone();
    let shown = place
        .call(DescribeLaunchTemplateVersions { launch_template })
        .await?;
    let shown = only("newest versions", shown)?;
    same("number shown", shown.version, 2)?;
    same("content", shown.data, *call.data)?;
    shows_versions(place, "version", (1, 2)).await
}

pub(super) async fn a_version_token_answers_the_first_version<P: Port>(place: &Place<P>) -> Check {
    let call = next_version(place, "version-token").await?;
    let first = place.call(call.clone()).await?;
    let second = place.call(call).await?;
    same("number", second.version, first.version)?;
    shows_versions(place, "version-token", (1, 2)).await
}

pub(super) async fn a_version_token_with_other_parameters_is_refused<P: Port>(place: &Place<P>) -> Check {
    let mut call = next_version(place, "version-other").await?;
    place.call(call.clone()).await?;
    call.data.instance_type = "t3.small".into();
    place
        .refuses(call, Class::Terminal, "IdempotentParameterMismatch")
        .await?;
    shows_versions(place, "version-other", (1, 2)).await
}

pub(super) async fn a_version_of_a_missing_launch_template_is_refused<P: Port>(place: &Place<P>) -> Check {
    let call = CreateLaunchTemplateVersion {
        launch_template: NO_TEMPLATE.into(),
        ..next_version(place, "version-lost").await?
    };
    place
        .refuses(call, Class::Gone, "InvalidLaunchTemplateId.NotFound")
        .await
}

pub(super) async fn a_deleted_launch_template_is_gone_with_its_versions<P: Port>(place: &Place<P>) -> Check {
    let call = next_version(place, "template-gone").await?;
    place.call(call.clone()).await?;
    place.call(delete(&call.launch_template)).await?;
    let filters = place.tagged("template-gone");
    place
        .gone("the template", DescribeLaunchTemplates { filters })
        .await?;
    let launch_template = call.launch_template;
    let versions = DescribeLaunchTemplateVersions { launch_template };
    place
        .refuses(versions, Class::Gone, "InvalidLaunchTemplateId.NotFound")
        .await
}

pub(super) async fn a_launch_template_deleted_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    let made = place.call(request(place, "template-gone-2").await?).await?;
    place.call(delete(&made.id)).await?;
    place
        .refuses(delete(&made.id), Class::Gone, "InvalidLaunchTemplateId.NotFound")
        .await
}

pub(super) async fn a_missing_launch_template_cannot_be_deleted<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(
            delete(NO_TEMPLATE),
            Class::Gone,
            "InvalidLaunchTemplateId.NotFound",
        )
        .await
}

async fn shows_versions<P: Port>(place: &Place<P>, case: &str, wanted: (u64, u64)) -> Check {
    let filters = place.tagged(case);
    let shown = place.call(DescribeLaunchTemplates { filters }).await?;
    let shown = only("templates with its tags", shown)?;
    same("versions", (shown.default_version, shown.latest_version), wanted)
}

fn delete(launch_template: &str) -> DeleteLaunchTemplate {
    DeleteLaunchTemplate {
        launch_template: launch_template.into(),
    }
}

/// A request for the second version of a template of its own.
async fn next_version<P: Port>(
    place: &Place<P>,
    case: &str,
) -> Result<CreateLaunchTemplateVersion, Mismatch> {
    let first = request(place, case).await?;
    let template = place.call(first.clone()).await?;
    Ok(second_version(place, case, &template.id, first.data))
}

/// A request for a version with another instance type.
pub(super) fn second_version<P: Port>(
    place: &Place<P>,
    case: &str,
    launch_template: &str,
    first: Box<LaunchTemplateData>,
) -> CreateLaunchTemplateVersion {
    let mut data = first;
    data.instance_type = "t3.large".into();
    CreateLaunchTemplateVersion {
        launch_template: launch_template.into(),
        token: place.name(&format!("{case}-2")),
        data,
    }
}

/// A template of instances in a VPC of their own. The instance profile it names does not exist.
pub(super) async fn request<P: Port>(place: &Place<P>, case: &str) -> Result<CreateLaunchTemplate, Mismatch> {
    let name = IMAGE.into();
    let data = LaunchTemplateData {
        image: place.call(GetParameter { name }).await?,
        instance_type: "t3.micro".into(),
        instance_profile: place.name(case),
        security_groups: vec![group(place, case).await?.id],
        user_data: "IyEvYmluL2Jhc2gKZWNobyBoZWxsbwo=".into(),
        http_tokens: "required".into(),
        http_hop_limit: 2,
        detailed_monitoring: true,
        root_device: "/dev/xvda".into(),
        encrypted: true,
        tags: Tags::from([("launched-by".to_owned(), place.name(case))]),
    };
    Ok(CreateLaunchTemplate {
        name: place.name(case),
        token: place.name(case),
        data: Box::new(data),
        tags: place.tags(case),
    })
}

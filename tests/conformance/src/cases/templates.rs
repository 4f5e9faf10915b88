//! Launch templates.

use windlass_calls::ec2::{
    CreateLaunchTemplate, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, LaunchTemplateData,
};
use windlass_calls::ssm::GetParameter;
use windlass_calls::{Class, Tags};
use windlass_engine::Port;

use super::ground::group;
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
    let version = only("default versions", versions)?;
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

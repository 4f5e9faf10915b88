//! Launch templates: unique names, version 1. What a template names is checked when something is launched from it.

use windlass_calls::Tags;
use windlass_calls::ec2::{
    CreateLaunchTemplate, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, LaunchTemplate,
    LaunchTemplateData, LaunchTemplateVersion,
};

use super::filter::{Filtered, select};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

/// A launch template with what it launches.
#[derive(Debug, Clone)]
pub(crate) struct OwnedTemplate {
    pub(crate) shown: LaunchTemplate,
    pub(crate) data: LaunchTemplateData,
}

impl OwnedTemplate {
    /// Tags of what it launches: its own, and those that AWS adds.
    pub(crate) fn launch_tags(&self) -> Tags {
        let mut tags = self.data.tags.clone();
        tags.insert("aws:ec2launchtemplate:id".into(), self.shown.id.clone());
        let version = self.shown.default_version.to_string();
        tags.insert("aws:ec2launchtemplate:version".into(), version);
        tags
    }

    /// Whether there is such a version.
    pub(crate) fn has(&self, version: u64) -> bool {
        (1..=self.shown.latest_version).contains(&version)
    }
}

impl Filtered for OwnedTemplate {
    const FILTERS: &'static [&'static str] = &["launch-template-name"];
    fn tags(&self) -> &Tags {
        &self.shown.tags
    }
    fn value(&self, _: &str) -> Option<&str> {
        Some(&self.shown.name)
    }
}

impl World {
    pub(super) fn describe_launch_templates(
        &mut self,
        call: &DescribeLaunchTemplates,
    ) -> Answer<Vec<LaunchTemplate>> {
        let found = select(&self.ec2.launch_templates, self.clock, &call.filters)?;
        Ok(found.map(|template| template.shown.clone()).collect())
    }

    pub(super) fn describe_launch_template_versions(
        &mut self,
        call: &DescribeLaunchTemplateVersions,
    ) -> Answer<Vec<LaunchTemplateVersion>> {
        let template = self.named_template(&call.launch_template)?;
        Ok(vec![LaunchTemplateVersion {
            launch_template: template.shown.id.clone(),
            version: template.shown.default_version,
            data: template.data.clone(),
        }])
    }

    pub(super) fn create_launch_template(&mut self, call: &CreateLaunchTemplate) -> Answer<LaunchTemplate> {
        if let Some(first) = self.ec2.template_tokens.replay(&call.token, call)? {
            return Ok(first);
        }
        if self
            .ec2
            .launch_templates
            .all()
            .any(|template| template.shown.name == call.name)
        {
            return Err(refused(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                "Launch template name already in use.",
            ));
        }
        let id = self.next_id("lt");
        let shown = LaunchTemplate {
            id: id.clone(),
            name: call.name.clone(),
            default_version: 1,
            latest_version: 1,
            tags: call.tags.clone(),
        };
        let template = OwnedTemplate {
            shown: shown.clone(),
            data: (*call.data).clone(),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.launch_templates.insert(&id, visible_from, template);
        self.ec2.template_tokens.remember(&call.token, call, &shown);
        Ok(shown)
    }

    pub(super) fn named_template(&self, id: &str) -> Answer<&OwnedTemplate> {
        let template = self.ec2.launch_templates.seen(id, self.clock);
        template.ok_or_else(|| no_template(id))
    }
}

fn no_template(id: &str) -> Refusal {
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    refused("InvalidLaunchTemplateId.NotFound", message)
}

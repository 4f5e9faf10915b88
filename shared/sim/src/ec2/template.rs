//! Launch templates: unique names, versions counted from 1. What a template names is checked when something is launched
//! from it.

use std::collections::BTreeMap;

use windlass_calls::Tags;
use windlass_calls::ec2::{
    CreateLaunchTemplate, CreateLaunchTemplateVersion, DeleteLaunchTemplate, DescribeLaunchTemplateVersions,
    DescribeLaunchTemplates, LaunchTemplate, LaunchTemplateData, LaunchTemplateVersion,
};

use super::filter::{Filtered, select};
use crate::refusal::{Answer, Refusal, refused};
use crate::world::World;

/// A launch template with what it launches.
#[derive(Debug, Clone)]
pub(crate) struct OwnedTemplate {
    pub(crate) shown: LaunchTemplate,
    /// By number.
    versions: BTreeMap<u64, LaunchTemplateData>,
}

impl OwnedTemplate {
    /// What one of its versions launches.
    pub(crate) fn data(&self, version: u64) -> Option<&LaunchTemplateData> {
        self.versions.get(&version)
    }

    /// Tags of what one of its versions launches: its own, and those that AWS adds.
    pub(crate) fn launch_tags(&self, version: u64) -> Tags {
        let data = self.data(version);
        let mut tags = data.map(|data| data.tags.clone()).unwrap_or_default();
        tags.insert("aws:ec2launchtemplate:id".into(), self.shown.id.clone());
        tags.insert("aws:ec2launchtemplate:version".into(), version.to_string());
        tags
    }

    fn newest(&self) -> Option<LaunchTemplateVersion> {
        let (version, data) = self.versions.last_key_value()?;
        Some(LaunchTemplateVersion {
            launch_template: self.shown.id.clone(),
            version: *version,
            data: data.clone(),
        })
    }

    fn add(&mut self, data: LaunchTemplateData) {
        self.shown.latest_version += 1;
        self.versions.insert(self.shown.latest_version, data);
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
        let template = self.ec2.launch_templates.shown(&call.launch_template, self.clock);
        let template = template.ok_or_else(|| no_template(&call.launch_template))?;
        Ok(template.newest().into_iter().collect())
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
            versions: BTreeMap::from([(1, (*call.data).clone())]),
        };
        let visible_from = self.ec2_visible_from(&id);
        self.ec2.launch_templates.insert(&id, visible_from, template);
        self.ec2.template_tokens.remember(&call.token, call, &shown);
        Ok(shown)
    }

    pub(super) fn create_launch_template_version(
        &mut self,
        call: &CreateLaunchTemplateVersion,
    ) -> Answer<LaunchTemplateVersion> {
        if let Some(first) = self.ec2.version_tokens.replay(&call.token, call)? {
            return Ok(first);
        }
        let id = &call.launch_template;
        let template = self.ec2.launch_templates.seen_mut(id, self.clock);
        let template = template.ok_or_else(|| no_template(id))?;
        template.add((*call.data).clone());
        let made = template.newest().ok_or_else(|| no_template(id))?;
        self.ec2.version_tokens.remember(&call.token, call, &made);
        Ok(made)
    }

    /// With all of its versions. What runs from it, and groups that name it, stay.
    pub(super) fn delete_launch_template(&mut self, call: &DeleteLaunchTemplate) -> Answer<()> {
        let id = &call.launch_template;
        self.named_template(id)?;
        let gone_from = self.gone_from(id);
        self.ec2.launch_templates.bury(id, self.clock, gone_from);
        Ok(())
    }

    pub(super) fn named_template(&self, id: &str) -> Answer<&OwnedTemplate> {
        let template = self.ec2.launch_templates.seen(id, self.clock);
        template.ok_or_else(|| no_template(id))
    }
}

pub(super) fn no_template(id: &str) -> Refusal {
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    refused("InvalidLaunchTemplateId.NotFound", message)
}

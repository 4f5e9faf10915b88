//! Amazon CloudWatch Logs: log groups and how long they keep what they get.

use windlass_calls::Tags;
use windlass_calls::logs::{
    CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListTagsForResource, LogGroup, PutRetentionPolicy,
    Request, Response,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shelf::Shelf;
use crate::world::{World, dispatch};

/// Longest name.
const NAME_LIMIT: usize = 512;
/// Days that a retention policy may say.
const DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// Log groups by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs {
    pub(crate) groups: Shelf<OwnedLogGroup>,
}

/// A log group with its tags.
#[derive(Debug, Clone)]
pub(crate) struct OwnedLogGroup {
    pub(crate) shown: LogGroup,
    pub(crate) tags: Tags,
}

impl World {
    pub(crate) fn logs(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            DescribeLogGroups => describe_log_groups,
            ListTagsForResource => list_log_group_tags,
            CreateLogGroup => create_log_group,
            PutRetentionPolicy => put_retention_policy,
            DeleteLogGroup => delete_log_group,
        )
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
    fn describe_log_groups(&mut self, call: &DescribeLogGroups) -> Answer<Vec<LogGroup>> {
        let visible = self.logs.groups.visible(self.clock);
        Ok(visible
            .map(|group| &group.shown)
            .filter(|group| group.name.starts_with(&call.prefix))
            .cloned()
            .collect())
    }

    fn list_log_group_tags(&mut self, call: &ListTagsForResource) -> Answer<Tags> {
        let mut visible = self.logs.groups.visible(self.clock);
        let group = visible.find(|group| group.shown.arn == call.resource);
        group.map(|group| group.tags.clone()).ok_or_else(|| {
            let message = format!("The specified resource does not exist: {}", call.resource);
            refused("ResourceNotFoundException", message)
        })
    }

    fn create_log_group(&mut self, call: &CreateLogGroup) -> Answer<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
        if !(1..=NAME_LIMIT).contains(&call.name.len()) || !call.name.chars().all(plain) {
            return Err(invalid(&format!(
                "The log group name '{}' is not valid",
                call.name
            )));
        }
        if self.logs.groups.get(&call.name).is_some() {
            return Err(refused(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ));
        }
        let group = OwnedLogGroup {
            shown: LogGroup {
                name: call.name.clone(),
                arn: self.arn("logs", &format!("log-group:{}", call.name)),
                retention: None,
            },
            tags: call.tags.clone(),
        };
        let visible_from = self.monitoring_visible_from(&call.name);
        self.logs.groups.insert(&call.name, visible_from, group);
        Ok(())
    }

    fn put_retention_policy(&mut self, call: &PutRetentionPolicy) -> Answer<()> {
        if !DAYS.contains(&call.days) {
            return Err(invalid(&format!(
                "{} is not a valid retention in days",
                call.days
            )));
        }
        let group = self.logs.groups.seen_mut(&call.name, self.clock);
        group.ok_or_else(no_group)?.shown.retention = Some(call.days);
        Ok(())
    }

    fn delete_log_group(&mut self, call: &DeleteLogGroup) -> Answer<()> {
        if self.logs.groups.seen(&call.name, self.clock).is_none() {
            return Err(no_group());
        }
        self.logs.groups.remove(&call.name);
        Ok(())
    }
}

fn no_group() -> Refusal {
    refused(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

fn invalid(message: &str) -> Refusal {
    refused("InvalidParameterException", message)
}

//! IAM: roles with their policies, and instance profiles. Reads are consistent; what lags is the use of a profile at a launch (rule 40).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use windlass_calls::Tags;
use windlass_calls::iam::{
    AddRoleToInstanceProfile, AttachRolePolicy, CreateInstanceProfile, CreateRole, DeleteInstanceProfile,
    DeleteRole, DeleteRolePolicy, DetachRolePolicy, GetInstanceProfile, GetRole, GetRolePolicy,
    InstanceProfile, ListAttachedRolePolicies, PutRolePolicy, RemoveRoleFromInstanceProfile, Request,
    Response, Role,
};

use crate::refusal::{Answer, Refusal, refused};
use crate::shared::Shared;
use crate::time::after;
use crate::world::{World, dispatch};

/// IAM's resources. Names are unique in the account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Iam {
    pub(crate) roles: Shared<BTreeMap<String, OwnedRole>>,
    pub(crate) profiles: Shared<BTreeMap<String, OwnedProfile>>,
}

#[derive(Debug, Clone)]
pub(crate) struct OwnedRole {
    pub(crate) shown: Role,
    /// Those attached to it, by ARN.
    policies: BTreeSet<String>,
    /// Those within it: name to text.
    own_policies: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct OwnedProfile {
    pub(crate) shown: InstanceProfile,
    created: Timestamp,
    role_added: Option<Timestamp>,
}

impl World {
    pub(crate) fn iam(&mut self, request: &Request) -> Answer<Response> {
        dispatch!(self, request;
            GetRole => get_role,
            ListAttachedRolePolicies => list_attached_role_policies,
            GetRolePolicy => get_role_policy,
            GetInstanceProfile => get_instance_profile,
            CreateRole => create_role,
            AttachRolePolicy => attach_role_policy,
            PutRolePolicy => put_role_policy,
            CreateInstanceProfile => create_instance_profile,
            AddRoleToInstanceProfile => add_role_to_instance_profile,
            RemoveRoleFromInstanceProfile => remove_role_from_instance_profile,
            DeleteInstanceProfile => delete_instance_profile,
            DetachRolePolicy => detach_role_policy,
            DeleteRolePolicy => delete_role_policy,
            DeleteRole => delete_role,
        )
    }

    fn get_role(&mut self, call: &GetRole) -> Answer<Role> {
        self.role(&call.name).map(|role| role.shown.clone())
    }

    fn list_attached_role_policies(&mut self, call: &ListAttachedRolePolicies) -> Answer<Vec<String>> {
        self.role(&call.role)
            .map(|role| role.policies.iter().cloned().collect())
    }

    fn get_role_policy(&mut self, call: &GetRolePolicy) -> Answer<String> {
        let policy = self.role(&call.role)?.own_policies.get(&call.name).cloned();
        policy.ok_or_else(|| no_such("role policy", &call.name))
    }

    fn get_instance_profile(&mut self, call: &GetInstanceProfile) -> Answer<InstanceProfile> {
        self.profile(&call.name).map(|profile| profile.shown.clone())
    }

    fn create_role(&mut self, call: &CreateRole) -> Answer<Role> {
        check_policy(&call.trust)?;
        if self.iam.roles.contains_key(&call.name) {
            return Err(exists("Role", &call.name));
        }
        let shown = Role {
            name: call.name.clone(),
            arn: self.iam_arn("role", &call.name),
            tags: call.tags.clone(),
        };
        self.iam.roles.insert(
            call.name.clone(),
            OwnedRole {
                shown: shown.clone(),
                policies: BTreeSet::new(),
                own_policies: BTreeMap::new(),
            },
        );
        Ok(shown)
    }

    fn attach_role_policy(&mut self, call: &AttachRolePolicy) -> Answer<()> {
        let role = self.role_mut(&call.role)?;
        if !call.policy.starts_with("arn:") {
            return Err(refused(
                "InvalidInput",
                format!("ARN {} is not valid.", call.policy),
            ));
        }
        role.policies.insert(call.policy.clone());
        Ok(())
    }

    fn put_role_policy(&mut self, call: &PutRolePolicy) -> Answer<()> {
        let role = self.role_mut(&call.role)?;
        check_policy(&call.document)?;
        role.own_policies.insert(call.name.clone(), call.document.clone());
        Ok(())
    }

    fn create_instance_profile(&mut self, call: &CreateInstanceProfile) -> Answer<InstanceProfile> {
        if self.iam.profiles.contains_key(&call.name) {
            return Err(exists("Instance Profile", &call.name));
        }
        let shown = InstanceProfile {
            name: call.name.clone(),
            arn: self.iam_arn("instance-profile", &call.name),
            roles: Vec::new(),
            tags: call.tags.clone(),
        };
        let profile = OwnedProfile {
            shown: shown.clone(),
            created: self.clock,
            role_added: None,
        };
        self.iam.profiles.insert(call.name.clone(), profile);
        Ok(shown)
    }

    fn add_role_to_instance_profile(&mut self, call: &AddRoleToInstanceProfile) -> Answer<()> {
        self.role(&call.role)?;
        let now = self.clock;
        let profile = self.profile_mut(&call.profile)?;
        if !profile.shown.roles.is_empty() {
            let message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
            return Err(refused("LimitExceeded", message).status(409));
        }
        profile.shown.roles.push(call.role.clone());
        profile.role_added = Some(now);
        Ok(())
    }

    fn remove_role_from_instance_profile(&mut self, call: &RemoveRoleFromInstanceProfile) -> Answer<()> {
        let profile = self.profile_mut(&call.profile)?;
        let roles = &mut profile.shown.roles;
        let at = roles.iter().position(|role| *role == call.role);
        roles.remove(at.ok_or_else(|| no_such("role", &call.role))?);
        profile.role_added = None;
        Ok(())
    }

    fn delete_instance_profile(&mut self, call: &DeleteInstanceProfile) -> Answer<()> {
        if !self.profile(&call.name)?.shown.roles.is_empty() {
            return Err(conflict("remove roles from instance profile"));
        }
        self.iam.profiles.remove(&call.name);
        Ok(())
    }

    fn detach_role_policy(&mut self, call: &DetachRolePolicy) -> Answer<()> {
        let found = self.role_mut(&call.role)?.policies.remove(&call.policy);
        if found {
            return Ok(());
        }
        let message = format!("Policy {} was not found.", call.policy);
        Err(refused("NoSuchEntity", message).status(404))
    }

    fn delete_role_policy(&mut self, call: &DeleteRolePolicy) -> Answer<()> {
        let found = self.role_mut(&call.role)?.own_policies.remove(&call.name);
        found
            .map(|_| ())
            .ok_or_else(|| no_such("role policy", &call.name))
    }

    fn delete_role(&mut self, call: &DeleteRole) -> Answer<()> {
        let role = self.role(&call.name)?;
        let mut profiles = self.iam.profiles.values();
        if profiles.any(|profile| profile.shown.roles.contains(&call.name)) {
            return Err(conflict("remove roles from instance profile"));
        }
        if !role.policies.is_empty() {
            return Err(conflict("detach all policies"));
        }
        if !role.own_policies.is_empty() {
            return Err(conflict("delete policies"));
        }
        self.iam.roles.remove(&call.name);
        Ok(())
    }

    /// Whether a launch at this time accepts an instance profile: rule 40.
    pub(crate) fn check_launch_profile(&self, name: &str) -> Answer<()> {
        let propagated = |since: Timestamp| after(since, self.config.profile_propagation) <= self.clock;
        let Some(profile) = self
            .iam
            .profiles
            .get(name)
            .filter(|profile| propagated(profile.created))
        else {
            return Err(refused(
                "InvalidParameterValue",
                format!(
                    "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance \
                     Profile name"
                ),
            ));
        };
        if profile.role_added.is_some_and(propagated) {
            return Ok(());
        }
        Err(refused(
            "InvalidParameterValue",
            format!(
                "IAM Instance Profile \"{}\" has no associated IAM Roles",
                profile.shown.arn
            ),
        ))
    }

    fn role(&self, name: &str) -> Answer<&OwnedRole> {
        self.iam.roles.get(name).ok_or_else(|| no_such("role", name))
    }

    fn role_mut(&mut self, name: &str) -> Answer<&mut OwnedRole> {
        self.iam.roles.get_mut(name).ok_or_else(|| no_such("role", name))
    }

    fn profile(&self, name: &str) -> Answer<&OwnedProfile> {
        self.iam
            .profiles
            .get(name)
            .ok_or_else(|| no_such("instance profile", name))
    }

    fn profile_mut(&mut self, name: &str) -> Answer<&mut OwnedProfile> {
        let profile = self.iam.profiles.get_mut(name);
        profile.ok_or_else(|| no_such("instance profile", name))
    }

    /// IAM has no Regions.
    fn iam_arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}/{name}", self.config.account)
    }
}

impl OwnedRole {
    pub(crate) fn tags(&self) -> &Tags {
        &self.shown.tags
    }
}

fn check_policy(document: &str) -> Answer<()> {
    match serde_json::from_str::<serde_json::Value>(document) {
        Ok(_) => Ok(()),
        Err(_) => Err(refused("MalformedPolicyDocument", "Syntax errors in policy.")),
    }
}

fn no_such(kind: &str, name: &str) -> Refusal {
    refused(
        "NoSuchEntity",
        format!("The {kind} with name {name} cannot be found."),
    )
    .status(404)
}

fn exists(kind: &str, name: &str) -> Refusal {
    refused(
        "EntityAlreadyExists",
        format!("{kind} with name {name} already exists."),
    )
    .status(409)
}

fn conflict(first: &str) -> Refusal {
    refused(
        "DeleteConflict",
        format!("Cannot delete entity, must {first} first."),
    )
    .status(409)
}

//! IAM: the instance role and its profile.

use crate::Tags;

calls! { "iam", Iam;
    /// A role; `NoSuchEntity` without one.
    GetRole { /// Name.
        name: String } => Role, Read;
    /// Managed policies attached to a role.
    ListAttachedRolePolicies { /// Role name.
        role: String } => Vec<String>, Read;
    /// The text of a policy within a role, JSON; `NoSuchEntity` without one.
    GetRolePolicy { /// Role name.
        role: String, /// Policy name.
        name: String } => String, Read;
    /// An instance profile; `NoSuchEntity` without one.
    GetInstanceProfile { /// Name.
        name: String } => InstanceProfile, Read;
    /// A role. Names are unique: a repeat answers `EntityAlreadyExists`.
    CreateRole { /// Name.
        name: String, /// Trust policy, JSON.
        trust: String, /// ARN of the permissions boundary, where one is required (rule 55).
        boundary: Option<String>, /// Tags, set by the same call.
        tags: Tags } => Role, Idempotent;
    /// Attaches a managed policy; repeating it changes nothing.
    AttachRolePolicy { /// Role name.
        role: String, /// Policy ARN.
        policy: String } => done, Idempotent;
    /// Writes a policy within a role, over an earlier one of that name.
    PutRolePolicy { /// Role name.
        role: String, /// Policy name.
        name: String, /// The policy, JSON.
        document: String } => done, Idempotent;
    /// An instance profile. Names are unique: a repeat answers `EntityAlreadyExists`.
    CreateInstanceProfile { /// Name.
        name: String, /// Tags, set by the same call.
        tags: Tags } => InstanceProfile, Idempotent;
    /// Puts a role into a profile, which holds one at most: a repeat answers `LimitExceeded`.
    AddRoleToInstanceProfile { /// Profile name.
        profile: String, /// Role name.
        role: String } => done, Idempotent;

    /// Takes the role out of a profile.
    RemoveRoleFromInstanceProfile { /// Profile name.
        profile: String, /// Role name.
        role: String } => done, Delete;
    /// Deletes an instance profile; one with a role answers `DeleteConflict`.
    DeleteInstanceProfile { /// Name.
        name: String } => done, Delete;
    /// Detaches a managed policy.
    DetachRolePolicy { /// Role name.
        role: String, /// Policy ARN.
        policy: String } => done, Delete;
    /// Deletes a policy within a role.
    DeleteRolePolicy { /// Role name.
        role: String, /// Policy name.
        name: String } => done, Delete;
    /// Deletes a role; one with policies or in a profile answers `DeleteConflict`.
    DeleteRole { /// Name.
        name: String } => done, Delete;
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Tags.
    pub tags: Tags,
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Names of its roles: none or one.
    pub roles: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

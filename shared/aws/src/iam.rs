//! IAM.

use aws_sdk_iam::Client;
use aws_sdk_iam::types as sdk;
use percent_encoding::percent_decode_str;
use windlass_calls::iam::{
    AddRoleToInstanceProfile, AttachRolePolicy, CreateInstanceProfile, CreateRole, DeleteInstanceProfile,
    DeleteRole, DeleteRolePolicy, DetachRolePolicy, GetInstanceProfile, GetRole, GetRolePolicy,
    InstanceProfile, ListAttachedRolePolicies, PutRolePolicy, RemoveRoleFromInstanceProfile, Request,
    Response, Role,
};
use windlass_calls::{CallError, Tags};

use crate::answer::{every, field, part, tags_or};
use crate::fault::Fault;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, iam;
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

async fn get_role(client: &Client, call: GetRole) -> Result<Role, Fault> {
    let answer = client.get_role().role_name(call.name).send().await?;
    Ok(role(part(answer.role, "Role")?))
}

async fn list_attached_role_policies(
    client: &Client,
    call: ListAttachedRolePolicies,
) -> Result<Vec<String>, Fault> {
    let request = client.list_attached_role_policies().role_name(call.role);
    let policies = every(request.into_paginator().items().send()).await?;
    policies
        .into_iter()
        .map(|policy| field(policy.policy_arn, "PolicyArn"))
        .collect()
}

async fn get_role_policy(client: &Client, call: GetRolePolicy) -> Result<String, Fault> {
    let answer = client
        .get_role_policy()
        .role_name(call.role)
        .policy_name(call.name)
        .send()
        .await?;
    document(&answer.policy_document)
}

/// A policy's text, which IAM answers with percent-encoding (RFC 3986: a plus is a plus).
fn document(encoded: &str) -> Result<String, Fault> {
    let decoded = percent_decode_str(encoded).decode_utf8();
    let text = decoded.map_err(|_| Fault::Unexpected("PolicyDocument is not UTF-8".to_owned()))?;
    Ok(text.into_owned())
}

async fn get_instance_profile(client: &Client, call: GetInstanceProfile) -> Result<InstanceProfile, Fault> {
    let answer = client
        .get_instance_profile()
        .instance_profile_name(call.name)
        .send()
        .await?;
    Ok(instance_profile(part(
        answer.instance_profile,
        "InstanceProfile",
    )?))
}

async fn create_role(client: &Client, call: CreateRole) -> Result<Role, Fault> {
    let answer = client
        .create_role()
        .role_name(call.name)
        .assume_role_policy_document(call.trust)
        .set_permissions_boundary(call.boundary)
        .set_tags(Some(to_sdk(&call.tags)?))
        .send()
        .await?;
    let role = role(part(answer.role, "Role")?);
    Ok(Role {
        tags: tags_or(role.tags, call.tags),
        ..role
    })
}

async fn attach_role_policy(client: &Client, call: AttachRolePolicy) -> Result<(), Fault> {
    client
        .attach_role_policy()
        .role_name(call.role)
        .policy_arn(call.policy)
        .send()
        .await?;
    Ok(())
}

async fn put_role_policy(client: &Client, call: PutRolePolicy) -> Result<(), Fault> {
    client
        .put_role_policy()
        .role_name(call.role)
        .policy_name(call.name)
        .policy_document(call.document)
        .send()
        .await?;
    Ok(())
}

async fn create_instance_profile(
    client: &Client,
    call: CreateInstanceProfile,
) -> Result<InstanceProfile, Fault> {
    let answer = client
        .create_instance_profile()
        .instance_profile_name(call.name)
        .set_tags(Some(to_sdk(&call.tags)?))
        .send()
        .await?;
    let profile = instance_profile(part(answer.instance_profile, "InstanceProfile")?);
    Ok(InstanceProfile {
        tags: tags_or(profile.tags, call.tags),
        ..profile
    })
}

async fn add_role_to_instance_profile(client: &Client, call: AddRoleToInstanceProfile) -> Result<(), Fault> {
    client
        .add_role_to_instance_profile()
        .instance_profile_name(call.profile)
        .role_name(call.role)
        .send()
        .await?;
    Ok(())
}

async fn remove_role_from_instance_profile(
    client: &Client,
    call: RemoveRoleFromInstanceProfile,
) -> Result<(), Fault> {
    client
        .remove_role_from_instance_profile()
        .instance_profile_name(call.profile)
        .role_name(call.role)
        .send()
        .await?;
    Ok(())
}

async fn delete_instance_profile(client: &Client, call: DeleteInstanceProfile) -> Result<(), Fault> {
    let request = client.delete_instance_profile();
    request.instance_profile_name(call.name).send().await?;
    Ok(())
}

async fn detach_role_policy(client: &Client, call: DetachRolePolicy) -> Result<(), Fault> {
    client
        .detach_role_policy()
        .role_name(call.role)
        .policy_arn(call.policy)
        .send()
        .await?;
    Ok(())
}

async fn delete_role_policy(client: &Client, call: DeleteRolePolicy) -> Result<(), Fault> {
    client
        .delete_role_policy()
        .role_name(call.role)
        .policy_name(call.name)
        .send()
        .await?;
    Ok(())
}

async fn delete_role(client: &Client, call: DeleteRole) -> Result<(), Fault> {
    client.delete_role().role_name(call.name).send().await?;
    Ok(())
}

fn role(role: sdk::Role) -> Role {
    Role {
        name: role.role_name,
        arn: role.arn,
        tags: from_sdk(role.tags),
    }
}

fn instance_profile(profile: sdk::InstanceProfile) -> InstanceProfile {
    InstanceProfile {
        name: profile.instance_profile_name,
        arn: profile.arn,
        roles: profile.roles.into_iter().map(|role| role.role_name).collect(),
        tags: from_sdk(profile.tags),
    }
}

fn from_sdk(tags: Option<Vec<sdk::Tag>>) -> Tags {
    tags.unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect()
}

fn to_sdk(tags: &Tags) -> Result<Vec<sdk::Tag>, Fault> {
    let tag = |(key, value)| Ok(sdk::Tag::builder().key(key).value(value).build()?);
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_was_written() {
        let encoded = "%7B%22Resource%22%3A%20%22arn:aws:logs:*:log-group:/a+b%2520%C3%A4%22%7D";
        assert_eq!(
            document(encoded).ok().as_deref(),
            Some(r#"{"Resource": "arn:aws:logs:*:log-group:/a+b%20ä"}"#)
        );
    }

    #[test]
    fn a_policy_that_is_no_text_is_an_error_that_names_it() {
        let message = document("%FF").map_err(|fault| fault.of("iam:GetRolePolicy").message);
        assert_eq!(message.err().as_deref(), Some("PolicyDocument is not UTF-8"));
    }
}

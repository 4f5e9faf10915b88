//! Roles and instance profiles.

use windlass_calls::Class;
use windlass_calls::iam::{
    AddRoleToInstanceProfile, AttachRolePolicy, CreateInstanceProfile, CreateRole, DeleteInstanceProfile,
    DeleteRole, DeleteRolePolicy, DetachRolePolicy, GetInstanceProfile, GetRole, GetRolePolicy,
    ListAttachedRolePolicies, PutRolePolicy, RemoveRoleFromInstanceProfile,
};
use windlass_engine::Port;

use crate::check::{Check, holds, same};
use crate::place::Place;

const POLICY: &str = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}"#;

const OWN_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}"#;

pub(super) async fn a_new_role_shows_its_arn_and_tags_and_has_no_policy<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(role(place, "role")).await?;
    let name = place.name("role");
    let shown = place.call(GetRole { name: name.clone() }).await?;
    let end = format!(":role/{name}");
    holds("ARN", shown.arn.ends_with(&end), &shown.arn)?;
    same("ARN", &shown.arn, &made.arn)?;
    same("name", &shown.name, &name)?;
    same("tags", shown.tags, place.tags("role"))?;
    same("policies", policies(place, "role").await?, Vec::new())
}

pub(super) async fn a_repeated_role_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let call = role(place, "role-twice");
    place.call(call.clone()).await?;
    place.refuses(call, Class::Exists, "EntityAlreadyExists").await
}

pub(super) async fn a_role_name_is_taken_whatever_the_rest<P: Port>(place: &Place<P>) -> Check {
    let call = role(place, "role-tags");
    place.call(call.clone()).await?;
    let other = CreateRole {
        trust: TRUST.replace("ec2", "lambda"),
        tags: place.tags("role-other-tags"),
        ..call
    };
    place.refuses(other, Class::Exists, "EntityAlreadyExists").await
}

pub(super) async fn an_attached_policy_is_listed<P: Port>(place: &Place<P>) -> Check {
    attached(place, "policy", 1).await
}

pub(super) async fn a_policy_attached_twice_is_listed_once<P: Port>(place: &Place<P>) -> Check {
    attached(place, "policy-twice", 2).await
}

async fn attached<P: Port>(place: &Place<P>, case: &str, times: usize) -> Check {
    place.call(role(place, case)).await?;
    for _ in 0..times {
        place.call(attach(place, case)).await?;
    }
    same("policies", policies(place, case).await?, vec![POLICY.into()])
}

pub(super) async fn a_policy_cannot_be_attached_to_a_missing_role<P: Port>(place: &Place<P>) -> Check {
    place
        .refuses(attach(place, "policy-no-role"), Class::Gone, "NoSuchEntity")
        .await
}

pub(super) async fn a_policy_within_a_role_reads_back<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "own-policy")).await?;
    place.call(write(place, "own-policy", OWN_POLICY)).await?;
    same("policy", own(place, "own-policy").await?.as_str(), OWN_POLICY)?;
    same("attached", policies(place, "own-policy").await?, Vec::new())
}

pub(super) async fn a_policy_within_a_role_is_as_it_was_written_last<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "own-policy-2")).await?;
    let other = OWN_POLICY.replace("logs:PutLogEvents", "logs:CreateLogStream");
    for document in [OWN_POLICY, OWN_POLICY, &other] {
        place.call(write(place, "own-policy-2", document)).await?;
    }
    same("policy", own(place, "own-policy-2").await?, other)
}

pub(super) async fn a_policy_cannot_be_written_into_a_missing_role<P: Port>(place: &Place<P>) -> Check {
    let call = write(place, "own-no-role", OWN_POLICY);
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_policy_that_is_not_json_is_refused<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "own-no-json")).await?;
    let call = write(place, "own-no-json", "{");
    place
        .refuses(call, Class::Terminal, "MalformedPolicyDocument")
        .await
}

pub(super) async fn a_role_without_the_policy_says_so<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "own-none")).await?;
    place
        .refuses(read(place, "own-none"), Class::Gone, "NoSuchEntity")
        .await
}

pub(super) async fn a_new_instance_profile_is_empty_and_shows_its_tags<P: Port>(place: &Place<P>) -> Check {
    let made = place.call(profile(place, "profile")).await?;
    let name = place.name("profile");
    let shown = place.call(GetInstanceProfile { name: name.clone() }).await?;
    same("ARN", shown.arn, made.arn)?;
    same("name", shown.name, name)?;
    same("roles", shown.roles, Vec::new())?;
    same("tags", shown.tags, place.tags("profile"))
}

pub(super) async fn a_repeated_instance_profile_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    let call = profile(place, "profile-twice");
    place.call(call.clone()).await?;
    place.refuses(call, Class::Exists, "EntityAlreadyExists").await
}

pub(super) async fn an_instance_profile_name_is_taken_whatever_its_tags<P: Port>(place: &Place<P>) -> Check {
    let call = profile(place, "profile-tags");
    place.call(call.clone()).await?;
    let other = CreateInstanceProfile {
        tags: place.tags("profile-other-tags"),
        ..call
    };
    place.refuses(other, Class::Exists, "EntityAlreadyExists").await
}

pub(super) async fn an_instance_profile_shows_its_role<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "profile-role").await?;
    let name = place.name("profile-role");
    let shown = place.call(GetInstanceProfile { name: name.clone() }).await?;
    same("roles", shown.roles, vec![name])
}

pub(super) async fn a_role_added_twice_answers_that_it_exists<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "role-again").await?;
    let call = add(place, "role-again", "role-again");
    place.refuses(call, Class::Exists, "LimitExceeded").await
}

pub(super) async fn an_instance_profile_holds_one_role<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "one-role").await?;
    place.call(role(place, "second-role")).await?;
    let call = add(place, "one-role", "second-role");
    place.refuses(call, Class::Exists, "LimitExceeded").await
}

pub(super) async fn a_missing_role_cannot_be_added<P: Port>(place: &Place<P>) -> Check {
    place.call(profile(place, "profile-no-role")).await?;
    let call = add(place, "profile-no-role", "no-such-role");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_role_cannot_be_added_to_a_missing_profile<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "role-no-profile")).await?;
    let call = add(place, "no-such-profile", "role-no-profile");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_profile_can_lose_its_role<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "profile-less").await?;
    place.call(remove(place, "profile-less")).await?;
    let name = place.name("profile-less");
    let shown = place.call(GetInstanceProfile { name }).await?;
    same("roles", shown.roles, Vec::new())
}

pub(super) async fn a_role_removed_twice_answers_that_it_is_not_there<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "profile-less-2").await?;
    place.call(remove(place, "profile-less-2")).await?;
    let call = remove(place, "profile-less-2");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_missing_profile_has_no_role_to_lose<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "profile-never")).await?;
    let call = remove(place, "profile-never");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_deleted_instance_profile_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(profile(place, "profile-gone")).await?;
    let name = place.name("profile-gone");
    place.call(DeleteInstanceProfile { name: name.clone() }).await?;
    let read = GetInstanceProfile { name };
    place.refuses(read, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn an_instance_profile_deleted_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    place.call(profile(place, "profile-gone-2")).await?;
    let name = place.name("profile-gone-2");
    let call = DeleteInstanceProfile { name };
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn an_instance_profile_with_a_role_stays<P: Port>(place: &Place<P>) -> Check {
    profile_with_role(place, "profile-stays").await?;
    let name = place.name("profile-stays");
    let call = DeleteInstanceProfile { name: name.clone() };
    place.refuses(call, Class::NotYet, "DeleteConflict").await?;
    let shown = place.call(GetInstanceProfile { name: name.clone() }).await?;
    same("roles", shown.roles, vec![name])
}

pub(super) async fn a_detached_policy_is_not_listed<P: Port>(place: &Place<P>) -> Check {
    attached(place, "policy-gone", 1).await?;
    place.call(detach(place, "policy-gone")).await?;
    same("policies", policies(place, "policy-gone").await?, Vec::new())
}

pub(super) async fn a_policy_detached_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    attached(place, "policy-gone-2", 1).await?;
    place.call(detach(place, "policy-gone-2")).await?;
    let call = detach(place, "policy-gone-2");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_missing_role_has_no_policy_to_detach<P: Port>(place: &Place<P>) -> Check {
    let call = detach(place, "policy-never");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_deleted_policy_of_a_role_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "own-gone")).await?;
    place.call(write(place, "own-gone", OWN_POLICY)).await?;
    place.call(unwrite(place, "own-gone")).await?;
    let read = read(place, "own-gone");
    place.refuses(read, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_policy_of_a_role_deleted_twice_answers_that_it_is_gone<P: Port>(
    place: &Place<P>,
) -> Check {
    place.call(role(place, "own-gone-2")).await?;
    place.call(write(place, "own-gone-2", OWN_POLICY)).await?;
    place.call(unwrite(place, "own-gone-2")).await?;
    let call = unwrite(place, "own-gone-2");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_missing_role_has_no_policy_to_delete<P: Port>(place: &Place<P>) -> Check {
    let call = unwrite(place, "own-never");
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_deleted_role_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "role-gone")).await?;
    let name = place.name("role-gone");
    place.call(DeleteRole { name: name.clone() }).await?;
    place.refuses(GetRole { name }, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_role_deleted_twice_answers_that_it_is_gone<P: Port>(place: &Place<P>) -> Check {
    place.call(role(place, "role-gone-2")).await?;
    let name = place.name("role-gone-2");
    let call = DeleteRole { name };
    place.call(call.clone()).await?;
    place.refuses(call, Class::Gone, "NoSuchEntity").await
}

pub(super) async fn a_role_in_a_profile_or_with_policies_stays<P: Port>(place: &Place<P>) -> Check {
    attached(place, "role-attached", 1).await?;
    place.call(role(place, "role-written")).await?;
    place.call(write(place, "role-written", OWN_POLICY)).await?;
    profile_with_role(place, "role-passed").await?;
    for case in ["role-attached", "role-written", "role-passed"] {
        let name = place.name(case);
        let call = DeleteRole { name: name.clone() };
        place.refuses(call, Class::NotYet, "DeleteConflict").await?;
        place.call(GetRole { name }).await?;
    }
    Ok(())
}

fn remove<P: Port>(place: &Place<P>, case: &str) -> RemoveRoleFromInstanceProfile {
    RemoveRoleFromInstanceProfile {
        profile: place.name(case),
        role: place.name(case),
    }
}

fn detach<P: Port>(place: &Place<P>, role: &str) -> DetachRolePolicy {
    DetachRolePolicy {
        role: place.name(role),
        policy: POLICY.into(),
    }
}

fn unwrite<P: Port>(place: &Place<P>, role: &str) -> DeleteRolePolicy {
    DeleteRolePolicy {
        role: place.name(role),
        name: "own".into(),
    }
}

/// An instance profile that holds a role, both named after the case.
pub(super) async fn profile_with_role<P: Port>(place: &Place<P>, case: &str) -> Check {
    place.call(role(place, case)).await?;
    place.call(profile(place, case)).await?;
    place.call(add(place, case, case)).await
}

fn role<P: Port>(place: &Place<P>, case: &str) -> CreateRole {
    CreateRole {
        name: place.name(case),
        trust: TRUST.into(),
        boundary: None,
        tags: place.tags(case),
    }
}

fn profile<P: Port>(place: &Place<P>, case: &str) -> CreateInstanceProfile {
    CreateInstanceProfile {
        name: place.name(case),
        tags: place.tags(case),
    }
}

fn add<P: Port>(place: &Place<P>, profile: &str, role: &str) -> AddRoleToInstanceProfile {
    AddRoleToInstanceProfile {
        profile: place.name(profile),
        role: place.name(role),
    }
}

fn attach<P: Port>(place: &Place<P>, role: &str) -> AttachRolePolicy {
    AttachRolePolicy {
        role: place.name(role),
        policy: POLICY.into(),
    }
}

fn write<P: Port>(place: &Place<P>, role: &str, document: &str) -> PutRolePolicy {
    PutRolePolicy {
        role: place.name(role),
        name: "own".into(),
        document: document.into(),
    }
}

fn read<P: Port>(place: &Place<P>, role: &str) -> GetRolePolicy {
    GetRolePolicy {
        role: place.name(role),
        name: "own".into(),
    }
}

async fn own<P: Port>(place: &Place<P>, role: &str) -> Result<String, crate::Mismatch> {
    place.call(read(place, role)).await
}

async fn policies<P: Port>(place: &Place<P>, role: &str) -> Result<Vec<String>, crate::Mismatch> {
    let role = place.name(role);
    place.call(ListAttachedRolePolicies { role }).await
}

use windlass_calls::iam::{
    AddRoleToInstanceProfile, AttachRolePolicy, CreateInstanceProfile, CreateRole, DeleteInstanceProfile,
    DeleteRole, DeleteRolePolicy, DetachRolePolicy, GetInstanceProfile, GetRole, GetRolePolicy,
    ListAttachedRolePolicies, PutRolePolicy, RemoveRoleFromInstanceProfile,
};
use windlass_calls::{Class, Tags};

use crate::account::{Account, tags};

fn role(trust: &str) -> CreateRole {
    CreateRole {
        name: "instance".into(),
        trust: trust.into(),
        boundary: None,
        tags: tags("iam-role"),
    }
}

#[test]
fn a_role_exists_once() {
    let mut account = Account::new();
    let made = account.call(role("{}"));
    assert_eq!(
        account.call(GetRole {
            name: "instance".into()
        }),
        made
    );
    assert_eq!(
        account.code(role("{}")),
        ("EntityAlreadyExists".to_owned(), Class::Exists)
    );
}

#[test]
fn a_trust_policy_that_is_not_json_is_malformed() {
    assert_eq!(
        Account::new().code(role("{")),
        ("MalformedPolicyDocument".to_owned(), Class::Terminal)
    );
}

#[test]
fn attaching_a_policy_twice_changes_nothing() {
    let mut account = Account::new();
    account.call(role("{}"));
    let policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
    for _ in 0..2 {
        account.call(AttachRolePolicy {
            role: "instance".into(),
            policy: policy.into(),
        });
    }
    assert_eq!(
        account.call(ListAttachedRolePolicies {
            role: "instance".into()
        }),
        [policy]
    );
}

#[test]
fn an_instance_profile_exists_once() {
    let mut account = Account::new();
    let call = CreateInstanceProfile {
        name: "instance".into(),
        tags: Tags::new(),
    };
    account.call(call.clone());
    assert_eq!(
        account.code(call),
        ("EntityAlreadyExists".to_owned(), Class::Exists)
    );
}

#[test]
fn an_instance_profile_takes_one_role() {
    let mut account = Account::new();
    account.profile();
    assert_eq!(
        account
            .call(GetInstanceProfile {
                name: "instance".into()
            })
            .roles,
        ["instance"]
    );
    let again = account.refusal(AddRoleToInstanceProfile {
        profile: "instance".into(),
        role: "instance".into(),
    });
    assert_eq!(
        (again.code.as_str(), again.class),
        ("LimitExceeded", Class::Exists)
    );
    assert_eq!(
        again.message,
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    );
}

#[test]
fn what_does_not_exist_is_gone() {
    let mut account = Account::new();
    let gone = ("NoSuchEntity".to_owned(), Class::Gone);
    assert_eq!(account.code(GetRole { name: "none".into() }), gone);
    assert_eq!(
        account.code(ListAttachedRolePolicies { role: "none".into() }),
        gone
    );
    assert_eq!(account.code(GetInstanceProfile { name: "none".into() }), gone);
    account.call(role("{}"));
    let add = AddRoleToInstanceProfile {
        profile: "none".into(),
        role: "instance".into(),
    };
    assert_eq!(account.code(add), gone);
}

#[test]
fn a_policy_within_a_role_reads_back_as_it_was_put_last() {
    let mut account = Account::new();
    account.call(role("{}"));
    let put = |document: &str| PutRolePolicy {
        role: "instance".into(),
        name: "logs".into(),
        document: document.into(),
    };
    let get = GetRolePolicy {
        role: "instance".into(),
        name: "logs".into(),
    };
    assert_eq!(
        account.code(get.clone()),
        ("NoSuchEntity".to_owned(), Class::Gone)
    );
    for document in [r#"{"Statement": []}"#, r#"{"Statement": [{}]}"#] {
        account.call(put(document));
        assert_eq!(account.call(get.clone()), document);
    }
    assert_eq!(
        account.code(put("{")),
        ("MalformedPolicyDocument".to_owned(), Class::Terminal)
    );
    let attached = ListAttachedRolePolicies {
        role: "instance".into(),
    };
    assert!(account.call(attached).is_empty());
}

#[test]
fn a_missing_role_has_no_policy() {
    let mut account = Account::new();
    let gone = ("NoSuchEntity".to_owned(), Class::Gone);
    let get = GetRolePolicy {
        role: "none".into(),
        name: "logs".into(),
    };
    assert_eq!(account.code(get), gone);
    let put = PutRolePolicy {
        role: "none".into(),
        name: "logs".into(),
        document: "{}".into(),
    };
    assert_eq!(account.code(put), gone);
}

fn conflict() -> (String, Class) {
    ("DeleteConflict".to_owned(), Class::NotYet)
}

fn gone() -> (String, Class) {
    ("NoSuchEntity".to_owned(), Class::Gone)
}

#[test]
fn a_role_with_policies_stays() {
    let mut account = Account::new();
    account.call(role("{}"));
    let delete = DeleteRole {
        name: "instance".into(),
    };
    account.call(AttachRolePolicy {
        role: "instance".into(),
        policy: "arn:aws:iam::aws:policy/One".into(),
    });
    assert_eq!(account.code(delete.clone()), conflict());
    let detach = DetachRolePolicy {
        role: "instance".into(),
        policy: "arn:aws:iam::aws:policy/One".into(),
    };
    account.call(detach.clone());
    assert_eq!(account.code(detach), gone());
    account.call(PutRolePolicy {
        role: "instance".into(),
        name: "own".into(),
        document: "{}".into(),
    });
    assert_eq!(account.code(delete.clone()), conflict());
    let take = DeleteRolePolicy {
        role: "instance".into(),
        name: "own".into(),
    };
    account.call(take.clone());
    assert_eq!(account.code(take), gone());
    account.call(delete.clone());
    assert_eq!(account.code(delete), gone());
}

#[test]
fn a_profile_and_its_role_keep_each_other() {
    let mut account = Account::new();
    account.profile();
    let (profile, role) = (
        DeleteInstanceProfile {
            name: "instance".into(),
        },
        DeleteRole {
            name: "instance".into(),
        },
    );
    assert_eq!(account.code(profile.clone()), conflict());
    assert_eq!(account.code(role.clone()), conflict());
    let take = RemoveRoleFromInstanceProfile {
        profile: "instance".into(),
        role: "instance".into(),
    };
    account.call(take.clone());
    assert_eq!(account.code(take), gone());
    account.call(profile.clone());
    assert_eq!(account.code(profile), gone());
    account.call(role);
    assert_eq!(account.world.inventory(), []);
}

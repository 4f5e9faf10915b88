//! The instances' role: it lets Session Manager reach them. What the spec makes them need besides is in a policy of its
//! own, `instance_role_policy`.

use windlass_calls::iam::{
    self, AttachRolePolicy, CreateRole, DeleteRole, DetachRolePolicy, GetRole, ListAttachedRolePolicies,
    Request as IamRequest, Response as Iam,
};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The instance role.
pub struct InstanceRole;

/// Who may take the role: EC2 instances.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
/// What Session Manager needs on an instance.
const SESSION_MANAGER: &str = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    role: Option<iam::Role>,
    policies: Option<Vec<String>>,
}

impl Kind for InstanceRole {
    type Seen = Seen;
    const NAME: &'static str = "instance-role";
    /// The topic is found by the account in the role's ARN.
    const AFTER: &'static [&'static str] = &["instance-profile", "instance-role-policy", "topic"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        let mut queries: Vec<Request> = vec![GetRole { name: name.clone() }.into()];
        if seen.role.is_some() && seen.policies.is_none() {
            queries.push(ListAttachedRolePolicies { role: name }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Iam(Iam::GetRole(role))) => seen.role = Some(role.clone()),
            (_, Response::Iam(Iam::ListAttachedRolePolicies(policies))) => {
                seen.policies = Some(policies.clone());
            }
            (_, Response::Iam(Iam::CreateRole(role))) => {
                seen.role = Some(role.clone());
                seen.policies = Some(vec![]);
            }
            (Request::Iam(IamRequest::AttachRolePolicy(attach)), _) => {
                seen.policies.get_or_insert_default().push(attach.policy.clone());
            }
            (Request::Iam(IamRequest::DetachRolePolicy(detach)), _) => {
                seen.policies
                    .get_or_insert_default()
                    .retain(|policy| *policy != detach.policy);
            }
            (Request::Iam(IamRequest::DeleteRole(_)), _) => *seen = Seen::default(),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, _: &Known) -> Result<Next, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        let Some(role) = &seen.role else {
            let create = CreateRole {
                name,
                trust: TRUST.into(),
                boundary: cx.boundary.map(str::to_owned),
                tags: names::tags(cx.spec, id),
            };
            return Ok(Next::create(
                create,
                "what the instances may do: be reached by Session Manager",
            ));
        };
        if !names::owned(&role.tags, &cx.spec.stack) {
            return Ok(Next::refuse(super::foreign("role", &name)));
        }
        let outputs = Outputs::id(&name).with("arn", &role.arn);
        let attached = seen
            .policies
            .as_ref()
            .is_some_and(|policies| policies.iter().any(|policy| policy == SESSION_MANAGER));
        Ok(if attached {
            Next::InSync(outputs)
        } else {
            let attach = AttachRolePolicy {
                role: name,
                policy: SESSION_MANAGER.into(),
            };
            Next::update(attach, "shell access without keys or open ports", outputs)
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let own = seen
            .role
            .iter()
            .filter(|role| names::owned(&role.tags, &cx.spec.stack));
        own.map(|role| Present::new(Id::only(Self::NAME), &role.name))
            .collect()
    }

    /// A policy that somebody else attached is theirs to detach: until then AWS refuses to delete the role.
    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let name = it.physical.clone();
        let mut policies = seen.policies.iter().flatten();
        if policies.any(|policy| policy == SESSION_MANAGER) {
            let policy = SESSION_MANAGER.to_owned();
            return Removal::send(
                DetachRolePolicy { role: name, policy },
                "a role goes without its policies",
            );
        }
        Removal::send(DeleteRole { name }, "no instance needs the role any more")
    }
}

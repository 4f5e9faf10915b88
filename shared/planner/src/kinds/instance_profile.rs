//! The instance profile: how EC2 hands the role to the instances. A new one takes a while to be seen everywhere
//! (rule 40); who uses it too early is told to wait.

use windlass_calls::iam::{
    self, AddRoleToInstanceProfile, CreateInstanceProfile, DeleteInstanceProfile, GetInstanceProfile,
    RemoveRoleFromInstanceProfile, Request as IamRequest, Response as Iam,
};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The instance profile.
pub struct InstanceProfile;

impl Kind for InstanceProfile {
    type Seen = Option<iam::InstanceProfile>;
    const NAME: &'static str = "instance-profile";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance", "launch-template"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        Ok(vec![GetInstanceProfile { name }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Iam(Iam::GetInstanceProfile(profile) | Iam::CreateInstanceProfile(profile))) => {
                *seen = Some(profile.clone());
            }
            (Request::Iam(IamRequest::AddRoleToInstanceProfile(add)), _) => {
                if let Some(profile) = seen {
                    profile.roles = vec![add.role.clone()];
                }
            }
            (Request::Iam(IamRequest::RemoveRoleFromInstanceProfile(remove)), _) => {
                if let Some(profile) = seen {
                    profile.roles.retain(|role| *role != remove.role);
                }
            }
            (Request::Iam(IamRequest::DeleteInstanceProfile(_)), _) => *seen = None,
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        let Some(profile) = seen else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateInstanceProfile { name, tags },
                "hands the role to the instances",
            ));
        };
        if !names::owned(&profile.tags, &cx.spec.stack) {
            return Ok(Next::refuse(super::foreign("instance profile", &name)));
        }
        let role = known.exists(&Id::only("instance-role"))?.get("id");
        let outputs = Outputs::id(&name).with("arn", &profile.arn);
        Ok(match profile.roles.first() {
            Some(has) if *has == role => Next::InSync(outputs),
            Some(has) => Next::refuse(format!(
                "instance profile {name} holds role {has} instead of {role}: remove it there"
            )),
            None => Next::update(
                AddRoleToInstanceProfile { profile: name, role },
                "the profile holds no role yet",
                outputs,
            ),
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let own = seen
            .iter()
            .filter(|profile| names::owned(&profile.tags, &cx.spec.stack));
        own.map(|profile| Present::new(Id::only(Self::NAME), &profile.name))
            .collect()
    }

    fn remove(_: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let name = it.physical.clone();
        let reason = "no instance needs the profile any more";
        match seen.iter().find_map(|profile| profile.roles.first().cloned()) {
            Some(role) => Removal::send(RemoveRoleFromInstanceProfile { profile: name, role }, reason),
            None => Removal::send(DeleteInstanceProfile { name }, reason),
        }
    }
}
